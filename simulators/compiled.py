"""Loops in time, compiled by numba, with the same results on every processor.

Without fastmath: no sum is put in another order and no product contracted into it, so that
+ - * / and the square root give the same bits wherever they run. By 0 they divide as IEEE 754 does:
what is then not finite, `simulators.world` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """``function`` as machine code, a piece of a loop that is `kept`; it lets other threads run."""
    return cast(F, numba.njit(nogil=True, error_model="numpy")(function))


def kept(function: F) -> F:
    """A `compiled` function that is kept on disk for the next start, with all that it calls.

    Numba takes what it kept for stale by the time of the function's own file and by what the
    function closes over: where it calls pieces from other files, let it close over something that
    changes with them.
    """
    try:
        return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # nowhere to keep it
        return compiled(function)
