"""`dunnage demo`: all parts as processes of their own, in real climate, sped up."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from rich.console import Console

from cli.demo_folder import taken
from cli.demo_scene import FortyLots, Scene
from cli.demo_view import View, live
from cli.processes import Child, Stopped, await_ready, free_port, listening, require_free, start
from lots import registry
from lots.clock import Clock
from lots.readings.history import open_history
from lots.records import KINDS
from lots.settings import Settings, SettingsError
from simulators.demo_fleet import Record

TENANT = "demo"
DRAIN_S = 30.0
START_S = 60.0
AS_SLOW = 4.0
"""Worker and fleet, one after the other, take at most so many times as long to start as the broker:
the clock runs fast only when they are there and the history is told."""
END_S = 3.0
"""A journey is over when nothing has moved for so long after its last reading."""


@dataclass(frozen=True, slots=True)
class Options:
    folder: Path
    seconds: float | None
    as_json: bool
    api_port: int
    broker_port: int
    speed: float
    seed: int
    journey: str | None = None


@dataclass(frozen=True, slots=True)
class Demo:
    """What the processes and the view have to know."""

    options: Options
    scene: Scene
    settings: Settings
    environment: dict[str, str]
    clock: Clock
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
    def ways_in(self) -> tuple[str, str]:
        """Lines for a shell, about a lot with a tag of its own: one asks the API for its history,
        one has its rules explained, by the clock of the demo and none of the user's settings."""
        lot = next(row["lot"] for row in self.world["bindings"] if "lot" in row)
        history = (
            f'curl -H "Authorization: Bearer {self.key}" '
            f'"{self.address}/v1/lots/{lot}/history?points=24"'
        )
        clock = " ".join(
            f"{name}={self.environment[name]}"
            for name in ("DUNNAGE_CLOCK_START_MS", "DUNNAGE_CLOCK_SPEED")
        )
        folder, dunnage = map(
            shlex.quote, (str(self.settings.data), str(Path(sys.executable).with_name("dunnage")))
        )
        explained = (
            f"(cd {folder} && DUNNAGE_DATA=. {clock} {dunnage} rules explain {lot}"
            f" --tenant {TENANT})"
        )
        return history, explained


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
) -> dict[str, Any]:
    """The whole demo, with no process left at its end; returns its figures."""
    with ExitStack() as processes:
        demo = begin(options, begun, processes, stop)
        about, routes = demo.scene.about, "its routes in docs/api.md"
        say(f"{demo.lots} lots: {about}. API on {demo.address}, {routes}")
        running = begin_rest(demo, processes)
        view = View(demo.address, demo.key, f"http://127.0.0.1:{demo.settings.worker_port}", begun)
        processes.callback(view.close)
        truth = demo.scene.beside(demo.clock.start_ms, options.speed)
        if truth is not None:
            view.truth = lambda: truth.now(demo.clock.now_ms())
        ways = "\n".join(demo.ways_in)
        say(f"In another terminal:\n{ways}\nCtrl-C ends the demo.")
        children, fleet = list(running.values()), running["fleet"]
        live(view, console, children, stop, options.seconds, options.as_json, ends_with=fleet)
        fleet.stop()
        figures = finish(demo, fleet, running["worker"], view)
        if truth is None:
            return figures
        alerts = view.all_alerts()
        console.print(truth.compared(alerts))
        return figures | {"truth": truth.rows(alerts)} if options.as_json else figures


def begin(
    options: Options, begun: float, processes: ExitStack, stop: threading.Event | None = None
) -> Demo:
    """The broker, the demo's world in its registry, and the moment the clock runs fast from.

    Raises `Stopped` where ``stop`` is set before it is all there.
    """
    stop = stop or threading.Event()
    scene = _scene(options)
    environment = _environment(options) | scene.settings(TENANT)
    # Nothing but defaults: the user's own settings, good or bad, are not the demo's.
    settings = Settings.model_construct(
        data=options.folder.resolve(), worker_port=int(environment["DUNNAGE_WORKER_PORT"])
    )
    asked, port = monotonic(), options.broker_port
    arguments = ["cli.main", "broker", "--port", str(port)]
    broker = start("broker", arguments, environment, folder=options.folder)
    processes.callback(broker.stop)
    await_ready(broker, lambda: listening(port), START_S, stop)
    head_start = scene.gets_ready_s + AS_SLOW * (monotonic() - asked)
    start_ms = Clock().now_ms() + round(1000 * head_start)
    environment["DUNNAGE_CLOCK_START_MS"] = str(start_ms)
    records = scene.records(start_ms, TENANT)
    key = register(settings, records, start_ms)
    clock = Clock(start_ms, options.speed)
    return Demo(options, scene, settings, environment, clock, key, records, begun, stop, broker)


def _scene(options: Options) -> Scene:
    if options.journey is None:
        return FortyLots(options.seed)
    from cli.demo_journey import OneJourney  # what it takes to import is not for all demos

    return OneJourney(options.journey, options.seed)


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
    broker = demo.environment["DUNNAGE_BROKER_URL"]
    tags = demo.scene.tags(broker, TENANT, demo.clock.start_ms, demo.options.speed)
    fleet = run("fleet of tags", tags)
    api = run("API", ["cli.main", "api"])
    processes.callback(api.stop)
    processes.callback(fleet.stop)
    await_ready(api, lambda: _answers(f"{demo.address}/readyz"), START_S, demo.stop)
    return {"broker": demo.broker, "worker": worker, "fleet": fleet, "api": api}


def finish(demo: Demo, fleet: Child, worker: Child, view: View) -> dict[str, Any]:
    """Wait until what was published is stored and judged; the figures of the whole demo."""
    published = _published(fleet)
    patience = monotonic() + DRAIN_S
    moved, stored = monotonic(), -1
    while worker.running and monotonic() < patience:
        view.refresh()
        if view.stored != stored or view.lag > 0:
            moved, stored = monotonic(), view.stored
        # What arrived twice is stored once, so there may never be as many.
        if view.lag == 0 and (view.stored >= published or monotonic() - moved > END_S):
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
