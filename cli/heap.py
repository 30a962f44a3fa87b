"""A worker's memory as a process: seldom searched for garbage, large blocks given back."""

from __future__ import annotations

import ctypes
import gc

COLLECT_AFTER = 100_000
LARGE_BYTES = 1 << 20
_M_MMAP_THRESHOLD = -3  # malloc.h of glibc


def settle() -> None:
    """For a process that has started and will run for long."""
    # What stands now stays; and messages come by the thousand, none of them in a cycle.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)
    # Large blocks go back to the system when they are freed. By itself glibc does so with ever
    # larger ones alone, up to 32 MiB; the columns of the rules' window then leave holes.
    limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if limit is not None:  # where there is another libc, it has ways of its own
        limit(_M_MMAP_THRESHOLD, LARGE_BYTES)
