"""Loops in time, compiled by numba, with the same results on every processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """``function`` as machine code that lets other threads run, kept on disk for the next start.

    Without fastmath: no sum is put in another order, no product contracted into it, so that
    + - * / and the square root give the same bits wherever it runs. It may call others that are
    compiled, but numba takes what it kept for stale by the time of the function's own file alone:
    whoever changes one that is called from another file clears ``__pycache__`` there.
    """
    try:
        return cast(F, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # nowhere to keep it
        return cast(F, numba.njit(nogil=True)(function))
