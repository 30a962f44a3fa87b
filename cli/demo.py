"""`dunnage demo`: all parts as processes of their own, with forty lots in real climate, sped up."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import httpx
from rich.console import Console

from cli.demo_folder import taken
from cli.demo_view import View, live
from cli.processes import Child, Stopped, await_ready, free_port, listening, require_free, start
from lots import registry
from lots.clock import Clock
from lots.readings.history import open_history
from lots.records import KINDS
from lots.settings import Settings, SettingsError
from simulators.demo_fleet import Record, world

TENANT = "demo"
DRAIN_S = 30.0
START_S = 60.0
HISTORY_S = 3.0
"""What the fleet takes to publish its history."""
AS_SLOW = 4.0
"""Worker and fleet, one after the other, take at most so many times as long to start as the broker:
the clock runs fast only when they are there and the history is told."""
HISTORY_H = 24
"""Hours that the tags have measured before the start: what lags and settles is known by then."""


@dataclass(frozen=True, slots=True)
class Options:
    folder: Path
    seconds: float | None
    as_json: bool
    api_port: int
    broker_port: int
    speed: float
    seed: int


@dataclass(frozen=True, slots=True)
class Demo:
    """What the processes and the view have to know."""

    options: Options
    settings: Settings
    environment: dict[str, str]
    key: str
    world: Mapping[str, list[Record]]
    begun: float
    stop: threading.Event
    broker: Child

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.options.api_port}"

    @property
    def lots(self) -> int:
        return len(self.world["lots"])

    @property
    def way_in(self) -> str:
        """A line for a shell that asks for the history of a lot with a tag of its own."""
        lot = next(row["lot"] for row in self.world["bindings"] if "lot" in row)
        return (
            f'curl -H "Authorization: Bearer {self.key}" '
            f'"{self.address}/v1/lots/{lot}/history?points=24"'
        )


def run_demo(options: Options) -> None:
    """Until Ctrl-C, or for ``options.seconds``; prints a summary. Raises `SettingsError` or
    `ChildFailed`.
    """
    begun = monotonic()
    _require_ports(options)
    console = Console(stderr=options.as_json)
    with taken(options.folder):
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        say = partial(console.print, soft_wrap=True, markup=False, highlight=False)
        say(f"Files of the demo: {options.folder.resolve()}")
        try:
            summary = _play(options, begun, stop, console, say)
        except Stopped:
            say("Stopped before it had begun.")
            return
    say("Stopped. The files stay in the folder until the next demo.")
    print(json.dumps(summary) if options.as_json else f"Summary: {json.dumps(summary)}")


def _require_ports(options: Options) -> None:
    if options.api_port == options.broker_port:
        raise SettingsError(
            f"port {options.api_port} cannot be both the API's and the broker's: choose another "
            "with --api-port or --broker-port"
        )
    choose = "choose another with --"
    require_free("127.0.0.1", options.api_port, "API", f"{choose}api-port")
    require_free("127.0.0.1", options.broker_port, "broker", f"{choose}broker-port")


def _play(
    options: Options,
    begun: float,
    stop: threading.Event,
    console: Console,
    say: Callable[[str], None],
) -> dict[str, float | int | None]:
    """The whole demo, with no process left at its end; returns its figures."""
    with ExitStack() as processes:
        demo = begin(options, begun, processes, stop)
        say(f"{demo.lots} lots at three sites, API on {demo.address}, its routes in docs/api.md")
        running = begin_rest(demo, processes)
        view = View(demo.address, demo.key, f"http://127.0.0.1:{demo.settings.worker_port}", begun)
        processes.callback(view.close)
        say(f"In another terminal:\n{demo.way_in}\nCtrl-C ends the demo.")
        live(view, console, list(running.values()), stop, options.seconds, options.as_json)
        running["fleet"].stop()
        return finish(demo, running["fleet"], running["worker"], view)


def begin(
    options: Options, begun: float, processes: ExitStack, stop: threading.Event | None = None
) -> Demo:
    """The broker, the demo's world in its registry, and the moment the clock runs fast from.

    Raises `Stopped` where ``stop`` is set before it is all there.
    """
    stop = stop or threading.Event()
    environment = _environment(options)
    # Nothing but defaults: the user's own settings, good or bad, are not the demo's.
    settings = Settings.model_construct(
        data=options.folder.resolve(), worker_port=int(environment["DUNNAGE_WORKER_PORT"])
    )
    asked, port = monotonic(), options.broker_port
    arguments = ["cli.main", "broker", "--port", str(port)]
    broker = start("broker", arguments, environment, folder=options.folder)
    processes.callback(broker.stop)
    await_ready(broker, lambda: listening(port), START_S, stop)
    head_start = HISTORY_S + AS_SLOW * (monotonic() - asked)
    start_ms = Clock().now_ms() + round(1000 * head_start)
    environment["DUNNAGE_CLOCK_START_MS"] = str(start_ms)
    records = world(start_ms, options.seed)
    key = register(settings, records, start_ms)
    return Demo(options, settings, environment, key, records, begun, stop, broker)


def register(settings: Settings, records: Mapping[str, list[Record]], now: int) -> str:
    """The demo's world into its registry; a key to it."""
    database = registry.connect(settings.registry)
    registry.migrate(database)
    with registry.writing(database) as session:
        registry.create_tenant(session, TENANT, "Demo")
        key = registry.create_key(session, TENANT, "demo", True, now)
        for kind, rows in records.items():
            found = [KINDS[kind].model_validate(row) for row in rows]
            registry.put_many(session, TENANT, kind, found)
    database.dispose()
    return key


def _environment(options: Options) -> dict[str, str]:
    """Of all processes: none of the user's own settings, whose webhook is not for a demo."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DUNNAGE_")}
    return own | {
        "DUNNAGE_DATA": str(options.folder.resolve()),
        "DUNNAGE_BROKER_URL": f"mqtt://127.0.0.1:{options.broker_port}",
        "DUNNAGE_API_PORT": str(options.api_port),
        "DUNNAGE_WORKER_PORT": str(free_port()),
        "DUNNAGE_CLOCK_SPEED": str(options.speed),
    }


def begin_rest(demo: Demo, processes: ExitStack) -> dict[str, Child]:
    """Worker, API and the fleet of tags, ready; ``processes`` stops them in the reverse order.

    All of the demo's processes by name. Raises `Stopped` where the demo's ``stop`` is set before
    they are ready.
    """
    # In the demo's folder, so that a dunnage.toml where the user stands is not theirs.
    run = partial(start, environment=demo.environment, folder=demo.options.folder)
    worker = run("worker", ["cli.main", "worker"])
    processes.callback(worker.stop)
    status = f"http://127.0.0.1:{demo.settings.worker_port}/readyz"
    await_ready(worker, lambda: _answers(status), START_S, demo.stop)
    # The broker keeps nothing for the absent, so the tags begin when the worker listens.
    arguments = ["simulators.demo_fleet", "--broker", demo.environment["DUNNAGE_BROKER_URL"]]
    arguments += ["--tenant", TENANT, "--seed", str(demo.options.seed)]
    arguments += ["--start-ms", demo.environment["DUNNAGE_CLOCK_START_MS"]]
    arguments += ["--speed", str(demo.options.speed), "--history", str(HISTORY_H)]
    fleet = run("fleet of tags", arguments)
    api = run("API", ["cli.main", "api"])
    processes.callback(api.stop)
    processes.callback(fleet.stop)
    await_ready(api, lambda: _answers(f"{demo.address}/readyz"), START_S, demo.stop)
    return {"broker": demo.broker, "worker": worker, "fleet": fleet, "api": api}


def finish(demo: Demo, fleet: Child, worker: Child, view: View) -> dict[str, float | int | None]:
    """Wait until what was published is stored and judged; the figures of the whole demo."""
    published = _published(fleet)
    patience = monotonic() + DRAIN_S
    while worker.running and monotonic() < patience:
        view.refresh()
        if view.stored >= published and view.lag == 0:
            break
        threading.Event().wait(0.2)
    return {
        "published": published,
        "stored": count_stored(demo.settings),
        "lots": demo.lots,
        "alerts": view.alerts,
        "first_alert_s": view.first_alert_s,
    }


def count_stored(settings: Settings) -> int:
    """Readings in the demo's store, counted there and not by the worker."""
    store = open_history(settings.readings, settings.raw_retention_days)
    try:
        return store.count(TENANT)
    finally:
        store.close()


def _published(fleet: Child) -> int:
    """Readings that the broker acknowledged, from the fleet's last line."""
    for line in reversed(fleet.lines):
        try:
            return int(json.loads(line)["readings"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0


def _answers(url: str) -> bool:
    try:
        # A proxy of the user's leads elsewhere than to this machine.
        return httpx.get(url, timeout=2.0, trust_env=False).is_success
    except httpx.HTTPError:
        return False
