"""A worker's memory as a process: seldom searched for garbage, large blocks given back."""

from __future__ import annotations

import ctypes
import gc

COLLECT_AFTER = 10_000
"""So many objects may wait for it. Messages are in no cycle, but each of SQLAlchemy's expanding
parameters is, some tens a second."""
LARGE_BYTES = 1 << 20
KEPT_BYTES = 16 << 20
"""Of smaller blocks so much stays when it is freed: the columns of a batch of thousands of readings
take some megabytes, and a page that is given back costs as much as the work on it to get again."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def settle() -> None:
    """For a process that has started and will run for long."""
    # What stands now stays, and is looked through no more: a search is of what came since.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)
    # Large blocks go back to the system when they are freed. By itself glibc does so with ever
    # larger ones alone, up to 32 MiB; the columns of the rules' window then leave holes.
    limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if limit is not None:  # where there is another libc, it has ways of its own
        limit(_M_MMAP_THRESHOLD, LARGE_BYTES)
        limit(_M_TRIM_THRESHOLD, KEPT_BYTES)
