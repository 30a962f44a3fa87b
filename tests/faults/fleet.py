"""A gateway's process, led from outside, and the record that it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from lots.readings.batch import Bools, Ints

FINISH_S = 120.0


class Record(NamedTuple):
    """What a fleet made: reading n (n,) is of tag n % tags, at ``times`` ms by its clock.

    ``acknowledged`` (n,): somebody promised to keep it.
    """

    prefix: str
    tags: int
    times: Ints
    acknowledged: Bools

    @property
    def names(self) -> list[str]:
        return [f"{self.prefix}-{tag}" for tag in range(self.tags)]


class Fleet:
    """``tags`` tags called ``prefix``-0 … of ``tenant``, at the broker on ``port``.

    ``of``: the module that plays them, with ``more`` of its arguments.
    """

    def __init__(
        self,
        port: int,
        tenant: str,
        prefix: str,
        tags: int,
        folder: Path,
        *more: str,
        of: str = "gateway",
    ) -> None:
        self._path, self._prefix, self._tags = folder / f"{prefix}.npz", prefix, tags
        self.told: dict[str, int] = {}
        """What it said last."""
        arguments = [str(port), tenant, prefix, str(tags), str(self._path), *more]
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.faults.{of}", *arguments],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()

    @property
    def prefix(self) -> str:
        return self._prefix

    @property
    def made(self) -> int:
        return self.told.get("made", 0)

    @property
    def acknowledged(self) -> int:
        return self.told.get("acknowledged", 0)

    def rate(self, per_second: float) -> None:
        """So many readings a second from now on."""
        self._tell(f"rate {per_second}\n")

    def until(self, made: int, patience_s: float = 60.0) -> None:
        """Wait until so many readings were made."""
        ends = time.monotonic() + patience_s
        while self.made < made:
            assert time.monotonic() < ends, f"the fleet made {self.made} of {made} readings"
            time.sleep(0.05)

    def finish(self) -> Record:
        """Make no more readings, and wait until all are acknowledged."""
        self._tell("finish\n")
        self._process.wait(FINISH_S)
        with np.load(self._path) as kept:
            return Record(self._prefix, self._tags, kept["times"], kept["acknowledged"])

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.told = json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._ear.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
