"""The disk of the data folder runs full: while a store is away, and because others fill it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.faults.fleet import Fleet
from tests.faults.judging import judged
from tests.faults.progress import Progress
from tests.faults.stage import READY_S, Probes, Stage
from tests.faults.table import SKIPPED, Row
from tests.servers import asked
from tests.whole.house import soon

FULL_S = 90.0
TAKEN_IN_S = 60.0


class Size(NamedTuple):
    """A disk of ``mb``; readings with so much ``padding`` (bytes) at ``rate``."""

    mb: int
    rate: int
    tags: int
    padding: int
    held: float  # s that the disk stays full, longer than letting go of what nobody needs takes
    lots: int
    rounds: int


FULL = Size(40, 1500, 100, 2500, 6.0, 60, 2)
SHORT = Size(20, 1500, 10, 6000, 3.5, 1, 1)


class NoDisk(Exception):
    """A disk of its own cannot be had here; says why."""


@contextlib.contextmanager
def disk(mb: int) -> Iterator[Path]:
    """A small file system in memory; raises `NoDisk`."""
    folder = Path(tempfile.mkdtemp(prefix="dunnage-disk-"))
    try:
        if os.geteuid() != 0:
            raise NoDisk("only root may mount a small disk")
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mb}m", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise NoDisk(f"a small disk cannot be mounted here: {made.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()


def on_servers(size: Size, say: Progress) -> Row:
    """The registry in PostgreSQL, the readings in InfluxDB."""
    return _on_disk(False, size, say)


def on_files(size: Size, say: Progress) -> Row:
    """Both in SQLite files on another disk."""
    return _on_disk(True, size, say)


def _on_disk(sqlite: bool, size: Size, say: Progress) -> Row:
    where = "SQLite files elsewhere" if sqlite else "InfluxDB and PostgreSQL"
    done = (
        f"a disk of {size.mb} MB filled {size.rounds} times with the store away and {size.rounds}"
        f" times by others, the worker killed on the full disk; {where}"
    )
    try:
        with disk(size.mb) as folder, Stage(sqlite=sqlite, data=folder / "data") as stage:
            return replace(_filled(stage, folder, size, say), done=done)
    except NoDisk as error:
        if os.environ.get("CI"):
            return Row("", done, verdict=f"{error} (under CI nothing is skipped)")
        return Row("", done, verdict=f"{SKIPPED}: {error}")


def _filled(stage: Stage, folder: Path, size: Size, say: Progress) -> Row:
    probes = Probes(stage, size.lots)
    figures: dict[str, str] = {}
    with stage.fleet("disk", size.tags, size.padding) as fleet:
        for _ in range(size.rounds):
            fleet.rate(size.rate)
            give_back = _store_away(stage)
            _hold_full(stage, fleet, size, say, None)
            stage.kill_worker()  # it must start on a full disk too
            soon(lambda: _is_full(stage) is not None, "the worker starts on a full disk", READY_S)
            give_back()
            figures["taken in again after the store's return"] = _healed(stage)
            fleet.rate(size.rate)
            ballast = folder / "ballast"
            _hold_full(stage, fleet, size, say, ballast)
            ballast.unlink()
            figures["after space was given back"] = _healed(stage)
        probes.fire_share(0, 1)
        record = fleet.finish()
    row = judged(stage, "", "", record, probes)
    return replace(row, figures={**row.figures, **figures})


def _hold_full(stage: Stage, fleet: Fleet, size: Size, say: Progress, ballast: Path | None) -> None:
    """Wait until nothing was taken in for a while, as what is let go of is soon full again.

    ``ballast``: the file of others, who take all room that there is.
    """
    begun = since = time.monotonic()
    while time.monotonic() - since < size.held:
        if ballast is not None:
            _fill(ballast)
        if not _is_full(stage):
            since = time.monotonic()
        assert since - begun < FULL_S, f"after {FULL_S:g} s the disk is not full"
        time.sleep(0.05)
    why = "with the store away" if ballast is None else "by others"
    say(f"full {why} after {since - begun:.0f} s, {fleet.acknowledged} acknowledged")
    fleet.rate(0)


def _is_full(stage: Stage) -> bool | None:
    """Whether the worker says that it cannot write its journal; None where it says nothing."""
    try:
        told = asked(f"{stage.house.status_url}/readyz")
    except httpx.HTTPError:
        return None
    return told.status_code == 503 and "No space left" in told.text


def _healed(stage: Stage) -> str:
    begun = time.monotonic()
    soon(lambda: _is_full(stage) is False, "messages are taken in again", TAKEN_IN_S)
    return f"{time.monotonic() - begun:.1f} s"


def _store_away(stage: Stage) -> Callable[[], object]:
    """From now on no readings can be stored; what is returned gives the store back."""
    if not stage.sqlite:
        stage.influxdb.stop()
        return stage.influxdb.start
    other = sqlite3.connect(stage.readings_file, isolation_level=None, timeout=30.0)
    other.execute("begin immediate")
    return other.close


def _fill(path: Path) -> None:
    """Take all the space there is."""
    with path.open("ab") as file:
        block = b"\0" * (1 << 16)
        while True:
            try:
                os.write(file.fileno(), block)
            except OSError:
                if len(block) == 1:
                    return
                block = block[: len(block) // 2]
