"""Rollups made from a store's raw readings, a window at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from lots.climate import QUANTITIES, WINDOW_MS, Corrections
from lots.clock import HOUR_MS
from lots.readings.batch import Ints, TagKey
from lots.readings.rollups import REACH_MS, affected, rolled
from lots.readings.store import ReadingHistory, Rollups

LONGEST_MS = WINDOW_MS - 4 * REACH_MS
"""Hours made at once: with what is around them no more than one window of raw data."""

Hours = tuple[int, int]
"""begins <= t < ends, whole hours, ms."""


def windows(hours: Iterable[Hours]) -> Iterator[Hours]:
    """The same hours in order, without overlaps, none longer than `LONGEST_MS`.

    Those that lie close together come in one, with the hours between them: a window is read with
    `REACH_MS` and more on both sides of it, so two would read these twice.
    """
    for begins, ends in united(hours, 2 * REACH_MS):
        for start in range(begins, ends, LONGEST_MS):
            yield start, min(start + LONGEST_MS, ends)


def united(spans: Iterable[Hours], apart: int = 0) -> list[Hours]:
    """The same time in as few spans as there can be; those at most ``apart`` ms apart are one."""
    found: list[Hours] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1] + apart:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        elif begins < ends:
            found.append((begins, ends))
    return found


def remade(
    store: ReadingHistory,
    tag: TagKey,
    corrections: Corrections,
    hours: Hours,
    before: int,
    quantities: Sequence[str] | None = None,
) -> tuple[Hours, Rollups]:
    """What became of ``hours``, whose readings changed, and the hours that this has a say in.

    Hours from ``before`` on are left out. ``quantities``: of these, and the climate's, alone.
    Raises what ``store`` raises.
    """
    begins, ends = hours
    names = None if quantities is None else _with_climate(quantities)
    batch = store.window(tag, begins - 2 * REACH_MS, ends + 2 * REACH_MS, names)
    first, last = affected(batch, begins, ends)
    last = min(last, before)
    return (first, last), rolled(batch, corrections, steps(first, last))


def measured(
    store: ReadingHistory,
    tag: TagKey,
    corrections: Corrections,
    edges: Ints,
    quantities: Sequence[str],
) -> Rollups:
    """``quantities``, and the climate's, by ``edges`` of no more than `LONGEST_MS`.

    Raises what ``store`` raises.
    """
    begins, ends = int(edges[0]) - REACH_MS, int(edges[-1]) + REACH_MS
    return rolled(store.window(tag, begins, ends, _with_climate(quantities)), corrections, edges)


def steps(begins: int, ends: int) -> Ints:
    """Edges of the hours that begins <= t < ends touches, the first and last cut to it."""
    inner = np.arange(begins // HOUR_MS + 1, -(-ends // HOUR_MS)) * HOUR_MS
    return np.concatenate([[begins], inner, [ends]]).astype(np.int64)


def _with_climate(quantities: Sequence[str]) -> list[str]:
    """Hours wet and what is covered follow from the climate's, whatever is asked for."""
    return list(dict.fromkeys([*quantities, *QUANTITIES]))
