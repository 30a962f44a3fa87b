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
from functools import partial
from pathlib import Path
from time import monotonic

from lots.errors import UserError
from lots.settings import SettingsError

STOP_S = 20.0
LINES_KEPT = 200
LINES_TOLD = 15
_PR_SET_PDEATHSIG = 1


class ChildFailed(UserError):
    """A process that was needed ended; the message has the last it said."""


class Stopped(Exception):
    """We were asked to end while we waited."""


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
        self.hear_out()
        return status

    def hear_out(self) -> None:
        """Wait until ``lines`` has the last that it wrote, once it has ended."""
        if self.reader is not None:
            self.reader.join(STOP_S)

    @property
    def ending(self) -> str:
        """How it ended, to be put after its name."""
        status = self.process.poll()
        if status is None:
            return "runs"
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended with status {status}"

    def failure(self, what: str) -> ChildFailed:
        """That ``what`` happened to it, with its own message, or else the last that it wrote."""
        if not self.running:
            self.hear_out()
        said = self.lines[-LINES_TOLD:]
        own = [number for number, line in enumerate(said) if line.startswith("dunnage: ")]
        if own:
            said = [said[own[-1]].removeprefix("dunnage: "), *said[own[-1] + 1 :]]
        return ChildFailed(f"the {self.name} {what}: " + "\n".join(said or ["it said nothing"]))


def start(
    name: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    say: Callable[[str, str], None] | None = None,
    folder: Path | None = None,
) -> Child:
    """Run ``python -m`` with ``arguments`` in ``environment``.

    Its own session, so that Ctrl-C in the terminal reaches us alone and we end it in order; it is
    told to end if we die. ``say`` gets each line that it writes, with its name; ``folder`` is where
    it works.
    """
    process = subprocess.Popen(
        # -P: a folder `api` where the user stands is not ours.
        [sys.executable, "-P", "-m", *arguments],
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        preexec_fn=_tie_to_parent(),
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
            del child.lines[:-LINES_KEPT]
            if say is not None:
                say(child.name, line.rstrip())


def _tie_to_parent() -> Callable[[], None] | None:
    """What a child does first, where the system can: ask to be told to end when we die."""
    if sys.platform != "linux":
        return None
    # All that takes a lock happens here: after a fork another thread's would stay taken.
    return partial(_die_with, os.getpid(), ctypes.CDLL(None).prctl)


def _die_with(parent: int, prctl: Callable[[int, int], int]) -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)  # it died before it was asked


def await_ready(
    child: Child,
    ready: Callable[[], bool],
    seconds: float,
    stop: threading.Event | None = None,
) -> None:
    """Wait until ``ready``.

    Raises `Stopped` if ``stop`` comes first, `ChildFailed` if the process ends or time runs out.
    """
    stop = stop or threading.Event()
    patience = monotonic() + seconds
    while not ready():
        if not child.running:
            raise child.failure(f"{child.ending} at its start")
        if monotonic() > patience:
            raise child.failure(f"is not ready after {seconds:g} s")
        if stop.wait(0.05):
            raise Stopped


def require_free(host: str, port: int, what: str, remedy: str) -> None:
    """Raise `SettingsError` where ``port`` of ``host`` cannot be listened on."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"port {port} of {host}, for the {what}, cannot be had ({_reason(error)}): stop what"
            f" uses it, or {remedy}"
        ) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


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
