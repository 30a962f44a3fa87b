"""`dunnage demo`: all parts as processes of their own, with forty lots in real climate, sped up."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
from simulators.demo_fleet import world

TENANT = "demo"
MARK = ".dunnage-demo"
DRAIN_S = 30.0
START_S = 60.0
HEAD_START_S = 10.0
"""Until the clock runs fast: the processes start and the history is published meanwhile."""
SLOWNESS = 6.0
"""On a slow machine that takes about so many times as long as making the registry did."""
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
    demo = register(options, begun)
    console.print(f"Registered {demo.lots} lots at three sites; starting the processes …")
    with servers(demo) as running:
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


def register(options: Options, begun: float) -> Demo:
    """The demo's world into its registry, and the moment from which the clock runs fast."""
    environment = _environment(options)
    settings = Settings(
        data=options.folder.resolve(),
        registry_url="",
        readings_url="",
        worker_port=int(environment["DUNNAGE_WORKER_PORT"]),
    )
    database = registry.connect(settings.registry)
    registry.migrate(database)
    head_start = max(HEAD_START_S, SLOWNESS * (monotonic() - begun))
    start_ms = Clock().now_ms() + round(1000 * head_start)
    records = world(start_ms, options.seed)
    with registry.writing(database) as session:
        registry.create_tenant(session, TENANT, "Demo")
        key = registry.create_key(session, TENANT, "demo", True, start_ms)
        for kind, rows in records.items():
            found = [KINDS[kind].model_validate(row) for row in rows]
            registry.put_many(session, TENANT, kind, found)
    database.dispose()
    environment["DUNNAGE_CLOCK_START_MS"] = str(start_ms)
    return Demo(options, settings, environment, key, len(records["lots"]), begun)


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


@contextmanager
def servers(demo: Demo) -> Iterator[dict[str, Child]]:
    """Broker, worker, API and the fleet of tags, ready; stopped in the reverse order."""
    port, address = demo.options.broker_port, demo.environment["DUNNAGE_BROKER_URL"]
    running: dict[str, Child] = {}
    # In the demo's folder, so that a dunnage.toml where the user stands is not theirs.
    begin = partial(start, settings=demo.environment, folder=demo.options.folder)
    try:
        running["broker"] = begin("broker", ["cli.main", "broker", "--port", str(port)])
        running["worker"] = begin("worker", ["cli.main", "worker"])
        running["API"] = begin("API", ["cli.main", "api"])
        await_ready(running["broker"], lambda: listening(port), START_S)
        status = f"http://127.0.0.1:{demo.settings.worker_port}/readyz"
        await_ready(running["worker"], lambda: _answers(status), START_S)
        # The broker keeps nothing for the absent, so the tags begin when the worker listens.
        arguments = ["simulators.demo_fleet", "--broker", address, "--tenant", TENANT]
        arguments += ["--start-ms", demo.environment["DUNNAGE_CLOCK_START_MS"]]
        arguments += ["--speed", str(demo.options.speed), "--history", str(HISTORY_H)]
        arguments += ["--seed", str(demo.options.seed)]
        running["fleet"] = begin("fleet of tags", arguments)
        await_ready(running["API"], lambda: _answers(f"{demo.address}/readyz"), START_S)
        yield running
    finally:
        for child in reversed(running.values()):
            child.stop()


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
