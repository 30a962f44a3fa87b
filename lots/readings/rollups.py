"""Rollups: what a tag's readings come to by the hour and by the day. Pure, and columns throughout.

The statistics are of raw values, as the readings are stored: a correction is linear, so it is
applied when they are read. Hours wet are not linear, so they are of corrected values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lots.climate import MAX_GAP_H, WET_HUMIDITY, Corrections, believed, corrected
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Bools, Floats, Ints, ReadingBatch, TagKey
from lots.readings.store import Aggregate, Rollups

MINUTE_MS = 60_000

REACH_MS = round(MAX_GAP_H * HOUR_MS)
"""What is known of a step follows from readings up to so long before it and after."""


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """A climate from reading to reading.

    ``time`` (n,) ms, increasing; ``covered``, ``wet``, ``dry`` (n,) ms of each up to then, which
    grow between two readings evenly or not at all.
    """

    time: Ints
    covered: Ints
    wet: Ints
    dry: Ints


def rolled(batch: ReadingBatch, corrections: Corrections, edges: Ints) -> Rollups:
    """Readings of one tag, in order, by the steps from each of ``edges`` (m + 1,) ms to the next.

    No step goes over the end of an hour, for ``heard``. ``batch`` has all readings from `REACH_MS`
    before the first edge to `REACH_MS` after the last. Steps that nothing is known of are left out.

    How long each was covered, wet and dry is as `wetness` has it.
    """
    steps = len(edges) - 1
    place = np.searchsorted(edges, batch.time, side="right") - 1
    inside = ~batch.doubtful & (place >= 0) & (place < steps)
    found = {
        name: _statistics(column[inside], place[inside], steps)
        for name, column in batch.values.items()
    }
    index = np.flatnonzero(believed(batch))
    covered, wet, dry = wetness(batch, dict.fromkeys(batch.tags, corrections), edges)
    told = index[inside[index]]
    heard = np.zeros(steps, np.int64)
    minute = batch.time[told] % HOUR_MS // MINUTE_MS
    np.bitwise_or.at(heard, place[told], np.left_shift(1, minute))
    some = np.flatnonzero((covered > 0) | (np.bincount(place[inside], minlength=steps) > 0))
    statistics = Aggregate(
        start=edges[:-1][some],
        count={name: columns[0][some].astype(np.int64) for name, columns in found.items()},
        low={name: columns[1][some] for name, columns in found.items()},
        mean={name: columns[2][some] for name, columns in found.items()},
        high={name: columns[3][some] for name, columns in found.items()},
    )
    return Rollups(statistics, covered[some], wet[some], dry[some], heard[some])


def wetness(
    batch: ReadingBatch, corrections: Mapping[TagKey, Corrections], edges: Ints
) -> tuple[Ints, Ints, Ints]:
    """(m,) ms of each step from one of ``edges`` (m + 1,) to the next: covered, wet and dry.

    A step is covered for the time between two believed readings of the climate that are at most
    `MAX_GAP_H` apart: the rules' own measure. That time is wet, or dry, if it was by the later of
    the two; where temperature or humidity was not measured, or for longer than `MAX_GAP_H`, it is
    neither. ``batch`` is as `rolled` wants it, but may be of several tags, in any order.
    """
    index = np.flatnonzero(believed(batch))
    index = index[np.lexsort((batch.key[index], batch.time[index]))]
    course = _course(batch.take(index), corrections)
    covered, wet, dry = (
        np.diff(_at(edges, course.time, column)).astype(np.int64)
        for column in (course.covered, course.wet, course.dry)
    )
    return covered, wet, dry


def daily(hours: Rollups) -> Rollups:
    """The days that ``hours`` are in, which must be whole; ``heard`` has a bit an hour."""
    statistics = hours.statistics
    days, place = np.unique(statistics.start // DAY_MS * DAY_MS, return_inverse=True)
    found = {}
    for name, count in statistics.count.items():
        there = count > 0
        weights = count[there].astype(np.float64)
        found[name] = _combined(
            place[there],
            weights,
            [column[name][there] for column in (statistics.low, statistics.mean, statistics.high)],
            len(days),
        )
    heard = np.zeros(len(days), np.int64)
    told = np.flatnonzero(hours.heard != 0)
    hour = statistics.start[told] % DAY_MS // HOUR_MS
    np.bitwise_or.at(heard, place[told], np.left_shift(1, hour))
    return Rollups(
        Aggregate(
            start=days,
            count={name: columns[0].astype(np.int64) for name, columns in found.items()},
            low={name: columns[1] for name, columns in found.items()},
            mean={name: columns[2] for name, columns in found.items()},
            high={name: columns[3] for name, columns in found.items()},
        ),
        _sums(hours.covered, place, len(days)),
        _sums(hours.wet, place, len(days)),
        _sums(hours.dry, place, len(days)),
        heard,
    )


def affected(batch: ReadingBatch, begins: int, ends: int) -> tuple[int, int]:
    """The hours, first <= start < last, that readings in begins <= t < ends (ms) have a say in.

    ``begins`` and ``ends`` are whole hours, ``batch`` has all readings within `REACH_MS` of them.
    Beyond the hours of the readings themselves it is the way from the reading before, and to the
    next; a later reading that lacks temperature or humidity may take it from one of them.
    """
    index = np.flatnonzero(believed(batch))
    times = batch.time[index]
    first, last = np.searchsorted(times, (begins, ends))
    if first == last:
        return begins, ends
    if first > 0 and times[first] - times[first - 1] <= REACH_MS:
        begins = int(times[first - 1]) // HOUR_MS * HOUR_MS
    following = times[last - 1] + REACH_MS
    after = slice(last, np.searchsorted(times, following, side="right"))
    if after.start < after.stop:
        lacking = np.isnan(batch.value("temperature") + batch.value("humidity"))[index][after]
        furthest = after.stop - 1 if lacking.any() else after.start
        # An hour that begins with the reading has none of the way to it.
        ends = max(ends, -(-int(times[furthest]) // HOUR_MS) * HOUR_MS)
    return begins, ends


def joined(parts: Sequence[Rollups]) -> Rollups:
    """All of ``parts`` in their order; a quantity that one lacks has the count 0 there."""
    if len(parts) == 1:
        return parts[0]
    lengths = [len(part) for part in parts]
    names = list(dict.fromkeys(name for part in parts for name in part.statistics.count))

    def column(which: str, name: str, absent: float) -> NDArray[np.generic]:
        columns = [
            getattr(part.statistics, which).get(name, np.full(n, absent))
            for part, n in zip(parts, lengths, strict=True)
        ]
        return np.concatenate([np.empty(0), *columns])

    statistics = Aggregate(
        start=_all([part.statistics.start for part in parts]),
        count={name: column("count", name, 0).astype(np.int64) for name in names},
        low={name: column("low", name, np.nan).astype(np.float64) for name in names},
        mean={name: column("mean", name, np.nan).astype(np.float64) for name in names},
        high={name: column("high", name, np.nan).astype(np.float64) for name in names},
    )
    return Rollups(
        statistics,
        *(
            _all([getattr(part, name) for part in parts])
            for name in ("covered", "wet", "dry", "heard")
        ),
    )


def _course(batch: ReadingBatch, corrections: Mapping[TagKey, Corrections]) -> _Course:
    true = corrected(batch, corrections)
    temperature = _held(true.value("temperature"), batch.time)
    humidity = _held(true.value("humidity"), batch.time)
    step = np.diff(batch.time, prepend=batch.time[:1])
    step[step > REACH_MS] = 0
    is_wet = (temperature > 0.0) & (humidity > WET_HUMIDITY)
    known = ~np.isnan(temperature + humidity)
    # Of readings at one time the first has the way to it, the others have none.
    first = np.diff(batch.time, prepend=batch.time[:1] - 1) > 0
    return _Course(
        batch.time[first],
        np.cumsum(step)[first],
        np.cumsum(step * is_wet)[first],
        np.cumsum(step * (known & ~is_wet))[first],
    )


def _held(column: Floats, time: Ints) -> Floats:
    """(n,) the last measured value, until it is too old."""
    newest = np.maximum.accumulate(np.where(np.isnan(column), -1, np.arange(len(column))))
    held = np.where(newest >= 0, column[newest], np.nan)
    held[time - time[newest] > REACH_MS] = np.nan
    return held


def _at(edges: Ints, time: Ints, grown: Ints) -> Floats:
    if not len(time):
        return np.zeros(len(edges))
    base = time[0]  # small numbers: exact in floats
    return np.asarray(np.interp(edges - base, time - base, grown))


def _statistics(column: Floats, place: Ints, steps: int) -> list[Floats]:
    """count, low, mean and high by step."""
    there: Bools = ~np.isnan(column)
    value = column[there]
    return _combined(place[there], np.ones(len(value)), [value, value, value], steps)


def _combined(
    place: NDArray[np.intp] | Ints, weight: Floats, columns: Sequence[Floats], steps: int
) -> list[Floats]:
    """count, low, mean and high by step, of parts that have such."""
    low, mean, high = columns
    count = np.bincount(place, weight, minlength=steps)
    lowest, highest = np.full((2, steps), np.nan)
    np.fmin.at(lowest, place, low)
    np.fmax.at(highest, place, high)
    total = np.bincount(place, weight * mean, minlength=steps)
    average = np.divide(total, count, out=np.full(steps, np.nan), where=count > 0)
    return [count, lowest, np.clip(average, lowest, highest), highest]


def _sums(column: Ints, place: NDArray[np.intp], steps: int) -> Ints:
    found = np.zeros(steps, np.int64)
    np.add.at(found, place, column)
    return found


def _all(columns: Sequence[Ints]) -> Ints:
    return np.concatenate([np.empty(0, np.int64), *columns])


def nothing(quantities: Sequence[str] = ()) -> Rollups:
    """No steps."""
    none, absent = np.empty(0, np.int64), np.empty(0)
    floats: Mapping[str, Floats] = dict.fromkeys(quantities, absent)
    statistics = Aggregate(none, dict.fromkeys(quantities, none), floats, floats, floats)
    return Rollups(statistics, none, none, none, none)
