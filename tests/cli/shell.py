"""`dunnage` as it is typed: in a folder of its own, with its data there and no other settings."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from cli.main import main

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Done(NamedTuple):
    """A command that came to its end."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Shell:
    """Runs `dunnage` in ``folder``; ``settings`` are environment variables."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DUNNAGE_")}
        paths = {"PYTHONPATH": str(ROOT), "DUNNAGE_DATA": str(folder / "data")}
        self.environment = kept | paths | settings

    def __call__(self, *words: str, given: bytes = b"", **settings: str) -> Done:
        """Here in this process: what a new one costs is a second of imports."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        status: Any = 0
        with (
            patch.dict(os.environ, self.environment | settings, clear=True),
            patch("sys.argv", ["dunnage", *words]),
            patch("sys.stdin", io.TextIOWrapper(io.BytesIO(given))),
            chdir(self.folder),
            patch("cli.logging.to_stderr"),  # the tests' own logging is to stay
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                status = end.code or 0
            out.flush()
            err.flush()
        return Done(status, *(each.buffer.getvalue() for each in (out, err)))

    def process(
        self, *words: str, given: bytes = b"", **settings: str
    ) -> subprocess.CompletedProcess[bytes]:
        """In a process of its own, until it ends."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            cwd=self.folder,
            env=self.environment | settings,
            input=given,
            capture_output=True,
            timeout=PATIENCE_S,
        )

    def says(self, *words: str, given: bytes = b"") -> str:
        """What it prints, once it has done what it was told."""
        done = self(*words, given=given)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def refusal(self, *words: str, **settings: str) -> str:
        """What it says where it does nothing: a message for a person, and status 1."""
        return refused(self(*words, **settings))


def refused(done: Done | subprocess.CompletedProcess[bytes]) -> str:
    """The message for a person, of a command that did nothing."""
    message: str = done.stderr.decode()
    assert done.returncode == 1, (done.returncode, message)
    assert "Traceback" not in message
    return message


class Running:
    """A command that goes on, its output in a file; leaving ends it and all that it started."""

    def __init__(self, shell: Shell, *words: str, **settings: str) -> None:
        self.log = shell.folder / f"{words[0]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *words],
                cwd=shell.folder,
                env=shell.environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        started = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, words: str, patience_s: float = PATIENCE_S) -> None:
        """Wait until it has said ``words``."""
        self.until(lambda: words in self.text, f"{words!r} is said", patience_s)

    def until(self, look: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
        """What ``look`` finds as soon as that is true, while the command runs."""
        ends = time.monotonic() + patience_s
        while not (found := look()):
            assert self.process.poll() is None, f"ended before {what}:\n{self.text}"
            assert time.monotonic() < ends, f"still not: {what}:\n{self.text}"
            time.sleep(0.05)
        return found

    def left_alone(self, pids: dict[int, str], patience_s: float = 20.0) -> None:
        """Wait until none of what it started is left, once it has ended itself."""
        ends = time.monotonic() + patience_s
        while left := alive(pids):
            assert time.monotonic() < ends, f"still there: {left}"
            time.sleep(0.05)

    def ends(self, patience_s: float = PATIENCE_S) -> int:
        return self.process.wait(patience_s)

    def stop(self, number: int = signal.SIGTERM, patience_s: float = PATIENCE_S) -> int:
        self.process.send_signal(number)
        return self.ends(patience_s)


def descendants(pid: int) -> dict[int, str]:
    """All that ``pid`` has started and that runs: id -> command line."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if after_name[0] != "Z":
                parents[int(entry.name)] = int(after_name[1])
    found: dict[int, str] = {}
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted} - found.keys()
        found |= {child: command_of(child) for child in wanted}
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def alive(pids: dict[int, str]) -> dict[int, str]:
    """Those of ``pids`` that still run what they did."""
    return {pid: command for pid, command in pids.items() if command_of(pid) == command}
