"""A process with all that it started: a group does not have them all.

Each of PostgreSQL's processes makes a session of its own.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 10.0


class Seen(NamedTuple):
    state: str  # a letter, as ps shows it
    parent: int


def descendants(pid: int) -> list[int]:
    """All processes that it, or one of them, started and that run."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        seen = _look(int(folder.name))
        if seen is not None:
            children.setdefault(seen.parent, []).append(int(folder.name))
    found = [pid]
    for each in found:  # which grows meanwhile
        found += children.get(each, [])
    return found[1:]


def runs(pid: int) -> bool:
    return _look(pid) is not None


def kill_family(pid: int) -> None:
    """SIGKILL the leader of a group, the group, and all that it started; those are gone then.

    It is stopped before, so that it starts no more of them.
    """
    ends = time.monotonic() + PATIENCE_S
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    while (seen := _look(pid)) and seen.state != "T" and time.monotonic() < ends:
        time.sleep(0.001)
    others = descendants(pid)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    for each in others:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    while any(map(runs, others)) and time.monotonic() < ends:
        time.sleep(0.005)


def _look(pid: int) -> Seen | None:
    """None where there is no such process, or one that has ended."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = told.rpartition(")")[2].split()[:2]
    return None if state in "ZX" else Seen(state, int(parent))
