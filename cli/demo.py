"""`dunnage demo`: all parts as processes of their own, with forty lots in real climate, sped up."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import httpx
from rich.console import Console

from cli.demo_view import View, live
from cli.processes import Child, await_ready, free_port, listening, require_free, start
from lots import registry
from lots.clock import Clock
from lots.readings.open import open_store
from lots.records import KINDS
from lots.settings import Settings, SettingsError
from simulators.demo_fleet import Record, world

TENANT = "demo"
MARK = ".dunnage-demo"
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
    lots: int
    begun: float

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.options.api_port}"


def run_demo(options: Options) -> None:
    """Until Ctrl-C, or for ``options.seconds``; prints a summary. Raises `SettingsError` or
    `ChildFailed`.
    """
    console = Console(stderr=options.as_json)
    begun = monotonic()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    require_free(options.api_port, "API", "choose another with --api-port")
    require_free(options.broker_port, "broker", "choose another with --broker-port")
    prepare(options.folder)
    console.print(f"Files of the demo: [bold]{options.folder.resolve()}[/]", highlight=False)
    with ExitStack() as processes:
        demo = begin(options, begun, processes)
        console.print(f"{demo.lots} lots at three sites, API on {demo.address}", highlight=False)
        running = begin_rest(demo, processes)
        view = View(demo.address, demo.key, f"http://127.0.0.1:{demo.settings.worker_port}", begun)
        fleet, worker = running["fleet"], running["worker"]
        try:
            live(view, console, fleet, stop, options.seconds, options.as_json)
        finally:
            fleet.stop()
            summary = finish(demo, fleet, worker, view)
    console.print("Stopped. The files stay in the folder until the next demo.")
    print(json.dumps(summary) if options.as_json else f"Summary: {json.dumps(summary)}")


def prepare(folder: Path) -> None:
    """An empty folder: what an earlier demo left is removed, and nothing that is not a demo's."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise SettingsError(
                f"{folder} has files that are not a demo's: choose another folder with --folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def begin(options: Options, begun: float, processes: ExitStack) -> Demo:
    """The broker, the demo's world in its registry, and the moment the clock runs fast from."""
    environment = _environment(options)
    settings = Settings(
        data=options.folder.resolve(),
        registry_url="",
        readings_url="",
        worker_port=int(environment["DUNNAGE_WORKER_PORT"]),
    )
    asked, port = monotonic(), options.broker_port
    broker = start("broker", ["cli.main", "broker", "--port", str(port)], environment)
    processes.callback(broker.stop)
    await_ready(broker, lambda: listening(port), START_S)
    head_start = HISTORY_S + AS_SLOW * (monotonic() - asked)
    start_ms = Clock().now_ms() + round(1000 * head_start)
    environment["DUNNAGE_CLOCK_START_MS"] = str(start_ms)
    key, lots = register(settings, world(start_ms, options.seed), start_ms)
    return Demo(options, settings, environment, key, lots, begun)


def register(settings: Settings, records: dict[str, list[Record]], now: int) -> tuple[str, int]:
    """The demo's world into its registry; a key to it, and how many lots it has."""
    database = registry.connect(settings.registry)
    registry.migrate(database)
    with registry.writing(database) as session:
        registry.create_tenant(session, TENANT, "Demo")
        key = registry.create_key(session, TENANT, "demo", True, now)
        for kind, rows in records.items():
            found = [KINDS[kind].model_validate(row) for row in rows]
            registry.put_many(session, TENANT, kind, found)
    database.dispose()
    return key, len(records["lots"])


def _environment(options: Options) -> dict[str, str]:
    """The settings of all processes, whatever the user's own are."""
    return {
        "DUNNAGE_DATA": str(options.folder.resolve()),
        "DUNNAGE_REGISTRY_URL": "",
        "DUNNAGE_READINGS_URL": "",
        "DUNNAGE_BROKER_URL": f"mqtt://127.0.0.1:{options.broker_port}",
        "DUNNAGE_BROKER_PORT": str(options.broker_port),
        "DUNNAGE_API_HOST": "127.0.0.1",
        "DUNNAGE_API_PORT": str(options.api_port),
        "DUNNAGE_WORKER_PORT": str(free_port()),
        "DUNNAGE_CLOCK_SPEED": str(options.speed),
    }


def begin_rest(demo: Demo, processes: ExitStack) -> dict[str, Child]:
    """Worker, API and the fleet of tags, ready; ``processes`` stops them in the reverse order."""
    # In the demo's folder, so that a dunnage.toml where the user stands is not theirs.
    run = partial(start, settings=demo.environment, folder=demo.options.folder)
    worker = run("worker", ["cli.main", "worker"])
    processes.callback(worker.stop)
    status = f"http://127.0.0.1:{demo.settings.worker_port}/readyz"
    await_ready(worker, lambda: _answers(status), START_S)
    # The broker keeps nothing for the absent, so the tags begin when the worker listens.
    arguments = ["simulators.demo_fleet", "--broker", demo.environment["DUNNAGE_BROKER_URL"]]
    arguments += ["--tenant", TENANT, "--seed", str(demo.options.seed)]
    arguments += ["--start-ms", demo.environment["DUNNAGE_CLOCK_START_MS"]]
    arguments += ["--speed", str(demo.options.speed), "--history", str(HISTORY_H)]
    fleet = run("fleet of tags", arguments)
    api = run("API", ["cli.main", "api"])
    processes.callback(api.stop)
    processes.callback(fleet.stop)
    await_ready(api, lambda: _answers(f"{demo.address}/readyz"), START_S)
    return {"worker": worker, "fleet": fleet}


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
    store = open_store(settings.readings, settings.raw_retention_days)
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
        return httpx.get(url, timeout=2.0).is_success
    except httpx.HTTPError:
        return False
