"""`dunnage run`: all parts on one machine, each a child process that is restarted alone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from time import monotonic

import httpx

from cli.processes import Child, Stopped, await_ready, free_port, listening, require_free, start
from ingest import address
from lots.settings import Settings

START_S = 120.0
"""What a first start may take: a large journal is read."""
PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0

Launch = Callable[[str, list[str]], Child]


def run_all(settings: Settings) -> None:
    """Until SIGINT or SIGTERM.

    Raises `SettingsError`, or `ChildFailed` where a part cannot start at all; one that was up is
    started again when it ends.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    broker = address.parse(settings.broker)
    host, port = settings.api_host, settings.api_port
    if not settings.broker_url:
        require_free(broker.host, broker.port, "broker", "set broker_port or broker_url")
    if port:
        remedy = "set api_port in dunnage.toml (DUNNAGE_API_PORT) to a free one"
        require_free(host, port, "API", remedy)
    # One chosen here, where any will do, so that we can tell it and look whether it answers.
    ports = {"api": port or free_port(), "worker": settings.worker_port or free_port()}
    chosen = {f"DUNNAGE_{name.upper()}_PORT": str(number) for name, number in ports.items()}
    launch = partial(start, environment=os.environ | chosen, say=_say)
    with ExitStack() as parts:
        try:
            kept = _begin(settings, ports, launch, parts, stop)
        except Stopped:
            return
        print(f"API on http://{host}:{ports['api']}, broker {broker}", flush=True)
        while not stop.wait(0.2):
            for part in kept:
                part.tend()


def _begin(
    settings: Settings,
    ports: dict[str, int],
    launch: Launch,
    parts: ExitStack,
    stop: threading.Event,
) -> list[Kept]:
    """All parts, up; ``parts`` stops them in the reverse order."""
    ready = {name: partial(_lives, settings.api_host, port) for name, port in ports.items()}
    if not settings.broker_url:
        ready["broker"] = partial(listening, settings.broker_port)
    kept = []
    for name in (name for name in ("broker", "worker", "api") if name in ready):
        part = Kept(name, launch)
        parts.callback(part.stop)
        await_ready(part.child, ready[name], START_S, stop)
        kept.append(part)
    return kept


class Kept:
    """A part that is started again when it ends, after pauses that grow while it keeps failing."""

    def __init__(self, name: str, launch: Launch) -> None:
        self._name = name
        self._launch = launch
        self._pause = PAUSE_S
        self._due: float | None = None
        self._start()

    def _start(self) -> None:
        self.child = self._launch(self._name, ["cli.main", self._name])
        self._started, self._due = monotonic(), None

    def tend(self) -> None:
        """Look after it: to be called some times a second."""
        if self.child.running:
            return
        now = monotonic()
        if self._due is None:
            steady = now - self._started > STEADY_S
            self._pause = PAUSE_S if steady else min(self._pause * 2, LONGEST_PAUSE_S)
            self._due = now + self._pause
            _say("run", f"the {self._name} {self.child.ending}: again in {self._pause:g} s")
        elif now >= self._due:
            self._start()

    def stop(self) -> None:
        self.child.stop()


def _lives(host: str, port: int) -> bool:
    """Whether the part that listens there answers; not whether all that it needs does."""
    near = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    name = f"[{near}]" if ":" in near and not near.startswith("[") else near
    try:
        # A proxy of the user's leads elsewhere than to this machine.
        url = f"http://{name}:{port}/healthz"
        return httpx.get(url, timeout=2.0, trust_env=False).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _say(name: str, line: str) -> None:
    print(f"{name:7} {line}", file=sys.stderr, flush=True)
