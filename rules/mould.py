"""Days to mould: how likely the first growth is within so many, and how good that was. Pure.

Columns are by the hour, the newest last; NaN: not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lots.climate import MAX_GAP_H, Samples
from lots.clock import HOUR_MS
from lots.readings.batch import Floats, Ints
from rules.fold import followed
from rules.forecast import probability_above
from rules.hindsight import SEEN
from rules.part import portions
from rules.rule import Rules
from rules.state import FACTS, Book, LotFacts, facts_row
from rules.surroundings import Surroundings
from rules.trends import Hindcast

AHEAD_H: Final = (72, 168, 336)
"""Hours ahead that are told: three days, a week, two."""
SPREAD: Final = 0.6
"""Of the logarithm of the hours: the climate does not stay as it is. On damp wool it does for all
three spans (docs/decisions/forecasts.md). [D]"""
_AT_ONCE: Final = 1e-3
"""h: less than any that is told."""


class Course(NamedTuple):
    """A lot's mould by the hour, (n,): its ``mould_index``, and the ``hours`` until that is 1 as
    they were said then: infinite where mould did not grow."""

    mould_index: Floats
    hours: Floats


def course(facts: LotFacts, history: Sequence[Samples]) -> Course:
    """From all that a lot's tags measured up to its newest reading, in order: folded as the rules
    have it, so it is what they said if this is all that they had."""
    if not history:
        return Course(*np.empty((2, 0)))
    book, surroundings = Book(Rules((), "")), Surroundings()
    row = np.zeros(1, FACTS)
    row[0] = facts_row(facts, book, surroundings.put(book.spans(facts)))
    states, parts = book.fresh(1), []
    for samples in portions(history):
        starts = np.asarray([0, len(samples)])
        signals, _ = followed(states, row, surroundings.spans, samples, starts, book)
        parts.append((samples.time, signals["mould_index"], signals["mould_in_hours"]))
    time, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Course(*(_hourly(time, column) for column in columns))


def likely(hours: ArrayLike, ahead: float) -> Floats:
    """That the first growth comes within ``ahead`` hours, where at the climate as it is it would in
    ``hours``: it comes about then, sooner or later by a factor. 0 where it never would."""
    apart = np.log(ahead) - np.log(np.maximum(np.asarray(hours, float), _AT_ONCE))
    return probability_above(0.0, apart, SPREAD)


def said_before(its: Course) -> dict[tuple[str, int], Hindcast]:
    """All that would have been said of a lot while its index was under 1, by rule and hours
    ahead."""
    return {("trend.mould", ahead): _hindcast(its, ahead) for ahead in AHEAD_H}


def _hindcast(its: Course, ahead: int) -> Hindcast:
    """It came if the index was 1 by then. Nothing is known, of either, before its time is over, and
    where too little of that was measured: else what came would be scored more often."""
    n = len(its.mould_index)
    at = np.arange(n)
    grown = np.where(its.mould_index >= 1.0, at, 2 * n)
    next_grown = np.minimum.accumulate(np.append(grown, 2 * n)[::-1])[::-1][1:]
    came = next_grown <= at + ahead
    known = np.cumsum(np.append(0, ~np.isnan(its.mould_index)))
    ends = np.minimum(at + ahead, n - 1)
    seen = (known[ends + 1] - known[at + 1]) / ahead
    told = np.where(its.mould_index >= 1.0, np.nan, likely(its.hours, ahead))
    judged = (at + ahead < n) & (seen >= SEEN)
    # In the week before it was never so.
    return Hindcast(told, np.zeros(n), np.where(judged, came, np.nan))


def _hourly(time: Ints, values: Floats) -> Floats:
    """(hours,) what was known at each hour up to the newest: the last value, if it is not older
    than `MAX_GAP_H`."""
    ends = int(time[-1])
    at = np.arange(ends - (ends - int(time[0])) // HOUR_MS * HOUR_MS, ends + 1, HOUR_MS)
    last = np.searchsorted(time, at, side="right") - 1
    return np.where(at - time[last] <= MAX_GAP_H * HOUR_MS, values[last], np.nan)
