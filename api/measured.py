"""What a history is read from: raw readings, or their rollups by the hour and by the day.

Rollups that are to be made again, and what of an hour is asked for in part, are made here from raw
readings, so that a history never lacks the latest. No question to the store is about more raw data
than `lots.climate.WINDOW_MS`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import numpy as np

from api.history import Facts, Measured, Piece, Span, Wetness
from api.steps import fine_step
from lots.climate import QUANTITIES, WINDOW_MS, Corrections
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Bools, Ints, ReadingBatch, TagKey, concatenate
from lots.readings.rollup_windows import Hours, measured, remade, steps, united, windows
from lots.readings.rollups import MINUTE_MS, REACH_MS, wetness
from lots.readings.store import Aggregate, ReadingHistory, Rollups
from lots.whereabouts import Source, without

LONG_MS = 92 * DAY_MS
"""From so long a span on, days are read where days or longer steps are shown."""

RAW_MS = 5_000 * HOUR_MS
"""Of longer spans raw readings are not read, however odd the steps are that are shown."""

AHEAD_MS = 2 * DAY_MS
"""No reading is further ahead of the present: such are not taken in."""


class Resolution(StrEnum):
    """What an answer was read from; its edges, and what is newest, from something finer."""

    RAW = "raw"
    HOURLY = "hourly"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is to read from at ``now``, ms.

    ``since``: raw readings; before it there are only rollups. ``hours``, ``days``: tag -> when
    its rollups are to be made again.
    """

    now: int
    since: int
    hours: Mapping[str, Sequence[Hours]] = field(default_factory=dict)
    days: Mapping[str, Sequence[Hours]] = field(default_factory=dict)


def resolution(span: Span, step: int | None, kept: Kept) -> Resolution:
    """The coarsest that tells a span by ``step`` ms (None: as one) without loss."""
    length = span.ends - span.begins
    if step is not None and step % HOUR_MS and length <= RAW_MS and span.ends > kept.since:
        return Resolution.RAW
    if length > LONG_MS and (step is None or step % DAY_MS == 0):
        return Resolution.DAILY
    return Resolution.HOURLY


def finest(span: Span, step: int, interval: int, of: Resolution) -> int:
    """Divisors of ``step`` in which ``of`` tells when a tag was heard: about its ``interval``, ms.

    The store makes a row for each of raw readings; rollups have them as bits.
    """
    if of is Resolution.RAW:
        return fine_step(*span, step, interval)
    least = MINUTE_MS if of is Resolution.HOURLY else HOUR_MS
    return max(least, fine_step(*span, step, interval, most=sys.maxsize))


class StoreReader:
    """Reads a lot's history out of ``store``, by ``of`` where that is possible."""

    def __init__(
        self,
        store: ReadingHistory,
        tenant: str,
        facts: Facts,
        span: Span,
        quantities: Sequence[str],
        fine: int,
        of: Resolution,
        kept: Kept,
    ) -> None:
        """``fine``: the steps, ms, in which it is told what was heard."""
        self._store = store
        self._tenant = tenant
        self._facts = facts
        self._span = Span(span.begins, min(span.ends, kept.now + AHEAD_MS))
        self._quantities = quantities
        self._fine = fine
        self._of = of
        self._kept = kept
        self._since = -(-kept.since // HOUR_MS) * HOUR_MS
        self.zones: Sequence[Hours] = () if of is Resolution.RAW else self._zones()

    def measured(self, piece: Piece) -> list[Measured]:
        begins, ends = max(piece.begins, self._span.begins), min(piece.ends, self._span.ends)
        if begins >= ends:
            return []
        if self._of is not Resolution.RAW:
            return self._rolled(piece, begins, ends)
        found = [self._raw(piece, *each) for each in _cut(max(begins, self._since), ends)]
        if begins < self._since:
            rolled = self._rolled(piece, begins, min(ends, self._since))
            found += [each._replace(wetness=None) for each in rolled]
        return found

    def joint(self, track: Sequence[Source], zone: Hours) -> Wetness:
        begins, ends = max(zone[0], self._span.begins), min(zone[1], self._span.ends)
        if begins >= ends:
            none = np.empty(0, np.int64)
            return Wetness(none, none, none, none)
        edges = steps(begins, ends)
        parts = [self._samples(source, begins, ends) for source in track]
        return Wetness(edges[:-1], *wetness(concatenate(parts), self._corrections(), edges))

    def _zones(self) -> list[Hours]:
        """Whole hours around each begin and end of a source, where raw readings tell of them."""
        at = {edge for source in self._facts.sources for edge in (source.begins, source.ends)}
        around = [
            (_floor(edge - REACH_MS, HOUR_MS), _ceil(edge + REACH_MS, HOUR_MS)) for edge in at
        ]
        return [
            (begins, ends)
            for begins, ends in windows(around)
            if self._since <= begins - REACH_MS
            and begins < self._span.ends
            and ends > self._span.begins
        ]

    def _samples(self, source: Source, begins: int, ends: int) -> ReadingBatch:
        """The readings by which ``source`` speaks for the lot, with those around the time."""
        first, last = max(begins - REACH_MS, source.begins), min(ends + REACH_MS, source.ends)
        if first >= last:
            return concatenate([])
        return self._store.window(self._key(source), first, last, QUANTITIES)

    def _raw(self, piece: Piece, begins: int, ends: int) -> Measured:
        key = self._key(piece.source)
        found = self._store.aggregate(key, begins, ends, self._fine, self._quantities)
        return Measured(found, found.start[_any(found)])

    def _rolled(self, piece: Piece, begins: int, ends: int) -> list[Measured]:
        """By hours and days, with what is made here on both ends, and where it is stale."""
        first, last, edges = self._whole(begins, ends)
        key = self._key(piece.source)
        corrections = self._facts.corrections.get(piece.source.tag, {})
        found = [
            self._told(measured(self._store, key, corrections, np.array(edge), self._quantities))
            for edge in edges
        ]
        fresh: list[Hours] = []
        for window in windows(self._stale(piece.source.tag, first, last)):
            hours, rollups = remade(self._store, key, corrections, window, last, self._quantities)
            # Two windows that touch have hours in common, which come to the same in both.
            start = max(hours[0], fresh[-1][1] if fresh else first)
            found.append(self._told(rollups.take(rollups.statistics.start >= start)))
            fresh.append((start, hours[1]))
        days, rest = self._days(piece.source.tag, first, last, fresh)
        for begin, end in rest:
            if without(begin, end, fresh):
                found.append(self._told(self._stored(key, begin, end, HOUR_MS, fresh)))
        if days is not None and without(*days, rest):
            found.append(self._told(self._stored(key, *days, DAY_MS, rest), DAY_MS))
        return found

    def _whole(self, begins: int, ends: int) -> tuple[int, int, list[Hours]]:
        """The hours to read as such, first <= start < last, and the parts of hours beside them.

        Where there are no raw readings any more an hour counts for whoever has its middle.
        """
        edges = []
        first, last = _ceil(begins, HOUR_MS), _floor(ends, HOUR_MS)
        if first > begins:
            if first - HOUR_MS >= self._since:
                edges.append((begins, min(first, ends)))
            else:
                first = _ceil(begins - HOUR_MS // 2, HOUR_MS)
        if last < ends:
            if last < self._since:
                last = _ceil(ends - HOUR_MS // 2, HOUR_MS)
            elif last >= begins:
                edges.append((last, ends))
        return first, max(first, last), edges

    def _stale(self, tag: str, first: int, last: int) -> Iterator[Hours]:
        """Hours that are to be made from raw readings; the newest may not even be marked yet."""
        now = self._kept.now
        recent = (_floor(now - REACH_MS, HOUR_MS), _floor(now, HOUR_MS) + HOUR_MS)
        for begins, ends in (*self._kept.hours.get(tag, ()), recent):
            begins, ends = max(begins, first, self._since), min(ends, last)
            if begins < ends:
                yield begins, ends

    def _days(
        self, tag: str, first: int, last: int, fresh: Sequence[Hours]
    ) -> tuple[Hours | None, list[Hours]]:
        """The days to read as such, and the time for which hours are read, in them too."""
        begins, ends = _ceil(first, DAY_MS), _floor(last, DAY_MS)
        if self._of is not Resolution.DAILY or begins >= ends:
            return None, [(first, last)] if first < last else []
        stale = [(begin - REACH_MS, end + REACH_MS) for begin, end in self._kept.hours.get(tag, ())]
        unsettled = [*stale, *fresh, *self._kept.days.get(tag, ()), *self.zones]
        spans = [(first, begins), (ends, last)]
        for begin, end in unsettled:
            spans.append((max(_floor(begin, DAY_MS), begins), min(_ceil(end, DAY_MS), ends)))
        return (begins, ends), united(spans)

    def _stored(
        self, key: TagKey, begins: int, ends: int, step: int, but: Iterable[Hours]
    ) -> Rollups:
        """The store's rollups ``but`` for those times."""
        found = self._store.rollups(key, begins, ends, step, self._quantities)
        start = found.statistics.start
        wanted = np.ones(len(start), np.bool_)
        for begin, end in but:
            wanted &= (start < begin) | (start >= end)
        return found.take(wanted)

    def _told(self, rollups: Rollups, step: int = HOUR_MS) -> Measured:
        whole = rollups.statistics
        names = [name for name in self._quantities if name in whole.count]
        statistics = Aggregate(
            whole.start,
            {name: whole.count[name] for name in names},
            {name: whole.low[name] for name in names},
            {name: whole.mean[name] for name in names},
            {name: whole.high[name] for name in names},
        )
        some = _any(statistics)
        unit, bits = (MINUTE_MS, 60) if step == HOUR_MS else (HOUR_MS, 24)
        # What is no climate has no bits: it was heard some time in the step.
        heard = np.where(rollups.heard[some], rollups.heard[some], (1 << bits) - 1)
        at, bit = np.nonzero(heard[:, np.newaxis] >> np.arange(bits) & 1)
        starts = _floor(whole.start[some], step)[at] + bit * unit
        return Measured(
            statistics,
            np.unique(_floor(starts, self._fine)),
            Wetness(whole.start, rollups.covered, rollups.wet, rollups.dry),
        )

    def _key(self, source: Source) -> TagKey:
        return TagKey(self._tenant, source.tag)

    def _corrections(self) -> dict[TagKey, Corrections]:
        known = self._facts.corrections.items()
        return {TagKey(self._tenant, tag): found for tag, found in known}


def _any(found: Aggregate) -> Bools:
    """(m,) steps with a value of any quantity."""
    some = np.zeros(len(found.start), np.bool_)
    for count in found.count.values():
        some |= count > 0
    return some


def _cut(begins: int, ends: int) -> Iterator[Hours]:
    for start in range(begins, ends, WINDOW_MS):
        yield start, min(start + WINDOW_MS, ends)


Time = TypeVar("Time", int, Ints)


def _floor(at: Time, step: int) -> Time:
    return at // step * step


def _ceil(at: int, step: int) -> int:
    return -(-at // step) * step
