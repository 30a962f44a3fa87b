"""Child processes: started, watched, and stopped in order."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from lots.errors import UserError
from lots.settings import SettingsError

STOP_S = 20.0
_PR_SET_PDEATHSIG = 1


class ChildFailed(UserError):
    """A process that was needed ended; the message has the last it said."""


@dataclass(slots=True)
class Child:
    """One process. ``lines``: the last that it wrote."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> int:
        """Ask it to end, insist after a while; returns its exit status."""
        if self.running:
            self.process.terminate()
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if self.reader is not None:
            self.reader.join(STOP_S)
        return status


def start(
    name: str,
    arguments: Sequence[str],
    settings: Mapping[str, str],
    say: Callable[[str, str], None] | None = None,
    folder: Path | None = None,
) -> Child:
    """Run ``python -m`` with ``arguments`` under ``settings`` (environment variables).

    Its own session, so that Ctrl-C in the terminal reaches us alone and we end it in order; it is
    told to end if we die. ``say`` gets each line that it writes, with its name; ``folder`` is where
    it works.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=os.environ | dict(settings),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )
    child = Child(name, arguments, process)
    child.reader = threading.Thread(target=_listen, args=(child, say), daemon=True)
    child.reader.start()
    return child


def _listen(child: Child, say: Callable[[str, str], None] | None) -> None:
    stream = child.process.stdout
    if stream is None:
        return
    with stream:
        for line in stream:
            child.lines.append(line.rstrip())
            del child.lines[:-200]
            if say is not None:
                say(child.name, line.rstrip())


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def await_ready(child: Child, ready: Callable[[], bool], seconds: float) -> None:
    """Wait until ``ready``; raises `ChildFailed` if the process ends or time runs out first."""
    patience = monotonic() + seconds
    while not ready():
        if not child.running:
            raise ChildFailed(f"the {child.name} ended at once:\n" + "\n".join(child.lines[-15:]))
        if monotonic() > patience:
            said = "\n".join(child.lines[-15:])
            raise ChildFailed(f"the {child.name} is not ready after {seconds:g} s:\n{said}")
        threading.Event().wait(0.05)


def require_free(port: int, what: str, remedy: str) -> None:
    """Raise `SettingsError` where something listens on the loopback ``port`` already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"port {port}, for the {what}, is taken: stop what uses it, or {remedy}"
            ) from error


def free_port() -> int:
    """A loopback port that nothing listens on at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """Whether something takes connections on the loopback ``port``."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
