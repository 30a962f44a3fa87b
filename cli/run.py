"""`dunnage run`: all parts on one machine, each a child process that is restarted alone."""

from __future__ import annotations

import signal
import sys
import threading
from time import monotonic

from cli.processes import Child, listening, require_free, start
from lots.settings import Settings

PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0


def run_all(settings: Settings) -> None:
    """Until SIGINT or SIGTERM."""
    parts = {"worker": ["cli.main", "worker"], "api": ["cli.main", "api"]}
    if not settings.broker_url:
        require_free(settings.broker_port, "broker", "set broker_port or broker_url")
        parts = {"broker": ["cli.main", "broker"]} | parts
    if settings.api_port:
        require_free(settings.api_port, "API", "set api_port in dunnage.toml (DUNNAGE_API_PORT)")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    kept = [Kept(name, arguments) for name, arguments in parts.items()]
    print(f"API on http://{settings.api_host}:{settings.api_port}, broker {settings.broker}")
    for part in kept:
        part.start()
        if part.name == "broker":
            _await(settings.broker_port, stop)
    while not stop.wait(0.2):
        for part in kept:
            part.tend()
    for part in reversed(kept):
        part.child.stop()


def _await(port: int, stop: threading.Event) -> None:
    patience = monotonic() + 20
    while not listening(port) and monotonic() < patience and not stop.wait(0.05):
        pass


class Kept:
    """A part that is started again when it ends, after pauses that grow while it keeps failing."""

    def __init__(self, name: str, arguments: list[str]) -> None:
        self.name = name
        self._arguments = arguments
        self._pause = PAUSE_S
        self._due: float | None = None
        self._started = 0.0
        self.child: Child

    def start(self) -> None:
        self.child = start(self.name, self._arguments, {}, _say)
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
            status = self.child.process.returncode
            _say("run", f"the {self.name} ended with {status}: again in {self._pause:g} s")
        elif now >= self._due:
            self.start()


def _say(name: str, line: str) -> None:
    print(f"{name:7} {line}", file=sys.stderr, flush=True)
