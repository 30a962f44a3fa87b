"""Loops that numpy cannot take, compiled by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """``function`` as machine code that lets other threads run, kept on disk for the next start.

    Kept beside its file, else in the user's cache folder, else where NUMBA_CACHE_DIR says; where
    none of these can be written it is compiled at each start, which takes seconds. What is kept is
    taken for stale by the time of the function's own file alone: constants and other compiled
    functions that it uses belong into the same file.
    """
    try:
        return cast(F, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # nowhere to keep it
        return cast(F, numba.njit(nogil=True)(function))
