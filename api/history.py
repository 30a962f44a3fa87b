"""The climate a lot was in, by steps: from its own tags, else from those where it stood.

A tag's statistics come from its raw readings or from rollups (`api.measured`); here they are
corrected, laid together by placement, and what nobody measured is named.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from lots.climate import Corrections
from lots.clock import HOUR_MS
from lots.readings.batch import Bools, Floats, Ints
from lots.readings.store import Aggregate
from lots.terms import Placement
from lots.whereabouts import Source

SILENT_INTERVALS = 3
"""A tag that misses so many of its intervals left a gap."""


class Span(NamedTuple):
    """begins <= t < ends, ms."""

    begins: int
    ends: int


class Facts(NamedTuple):
    """Who speaks for a lot; ``corrections``, ``intervals``: tag -> its, and how often it measures.

    Intervals are ms.
    """

    sources: Sequence[Source]
    corrections: Mapping[str, Corrections]
    intervals: Mapping[str, int]


class Grid(NamedTuple):
    """Steps, ms from 1970: gaps are found in ``fine`` ones, parts of the ``step`` shown.

    A day with a single reading is no day without a gap. Without a ``step`` all is shown as one.
    """

    fine: int
    step: int | None


class Piece(NamedTuple):
    """A stretch of a source in which each quantity has one correction: (gain, offset)."""

    source: Source
    begins: int
    ends: int
    corrections: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One placement's climate: columns of one length m, steps without readings left out.

    ``start`` (m,) ms; ``count``, ``low``, ``mean``, ``high`` quantity -> (m,), NaN where the count
    is 0; ``own``, ``placed`` (m,) whether the lot's own tags, and those of its place, are in it;
    ``coverage`` (m,) the share of the step, up to now, that was measured; ``hours_wet`` (m,), NaN
    where unknown. None: not told by such short steps.
    """

    placement: str
    start: Ints
    own: Bools
    placed: Bools
    count: Mapping[str, Ints]
    low: Mapping[str, Floats]
    mean: Mapping[str, Floats]
    high: Mapping[str, Floats]
    coverage: Floats | None = None
    hours_wet: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """``gaps``: when nothing at all was measured; ``silent``: placement -> its own gaps."""

    series: Sequence[Series]
    gaps: Sequence[Span]
    silent: Mapping[str, Sequence[Span]]


class Wetness(NamedTuple):
    """Parts of time from ``start`` (m,) ms on: how much of each was measured, wet, dry; (m,) ms."""

    start: Ints
    covered: Ints
    wet: Ints
    dry: Ints


class Measured(NamedTuple):
    """What a tag measured in a part of a piece.

    ``statistics`` raw, by any steps; ``heard`` (k,) ms, the starts of the fine steps in which
    something that was asked for was measured; ``wetness`` None where the steps are too short.
    """

    statistics: Aggregate
    heard: Ints
    wetness: Wetness | None = None


class Reader(Protocol):
    """Where a lot's history is read from."""

    @property
    def zones(self) -> Sequence[tuple[int, int]]:
        """When the lot went over from one tag to another, with the hours around it: there the
        tags' own `Wetness` does not tell the lot's."""
        ...

    def measured(self, piece: Piece) -> Sequence[Measured]:
        """What a piece's tag measured in it."""
        ...

    def joint(self, track: Sequence[Source], zone: tuple[int, int]) -> Wetness:
        """Of several tags, one after the other, as if they were one."""
        ...


def history(facts: Facts, span: Span, grid: Grid, reader: Reader, *, now: int) -> History:
    """What a lot's tags measured in ``span``, by steps; after ``now`` (ms) nothing is missing yet.

    Raises what ``reader`` raises.
    """
    parts: dict[str, list[tuple[Source, Measured]]] = {}
    for piece in pieces(facts.sources, facts.corrections, span):
        of_placement = parts.setdefault(piece.source.placement, [])
        for found in reader.measured(piece):
            true = corrected(found.statistics, piece.corrections)
            of_placement.append((piece.source, found._replace(statistics=true)))
    past = Span(span.begins, max(span.begins, min(span.ends, now)))

    def silence(starts: Ints, placement: str | None) -> list[Span]:
        return gaps(starts, _listening(facts, placement), grid.fine, past)

    heard = {name: _unique(found.heard for _, found in part) for name, part in parts.items()}
    series = []
    for name in (name for name in Placement if name in parts):
        shown = [(s, _shown(found.statistics, grid.step, span)) for s, found in parts[name]]
        whole = combine(name, shown)
        series.append(_with_wetness(whole, parts[name], grid, span, past, reader))
    return History(
        series=series,
        gaps=silence(_unique(heard.values()), None),
        silent={name: silence(starts, name) for name, starts in heard.items()},
    )


def pieces(
    sources: Iterable[Source], corrections: Mapping[str, Corrections], span: Span
) -> list[Piece]:
    """``sources`` within ``span``, cut where a correction of their tag begins."""
    found = []
    for source in sources:
        begins, ends = max(source.begins, span.begins), min(source.ends, span.ends)
        mine = corrections.get(source.tag, {})
        starts = {adjustment.begins for adjustments in mine.values() for adjustment in adjustments}
        cuts = [begins, *sorted(start for start in starts if begins < start < ends), ends]
        found += [
            Piece(source, first, last, _in_force(mine, first))
            for first, last in itertools.pairwise(cuts)
            if first < last
        ]
    return found


def corrected(raw: Aggregate, corrections: Mapping[str, tuple[float, float]]) -> Aggregate:
    """Statistics of gain x raw + offset: a negative gain turns the lowest into the highest."""
    low, mean, high = dict(raw.low), dict(raw.mean), dict(raw.high)
    for quantity in corrections.keys() & low.keys():
        gain, offset = corrections[quantity]
        ends = gain * raw.low[quantity] + offset, gain * raw.high[quantity] + offset
        low[quantity], high[quantity] = np.minimum(*ends), np.maximum(*ends)
        mean[quantity] = gain * raw.mean[quantity] + offset
    return replace(raw, low=low, mean=mean, high=high)


def tracks(sources: Iterable[Source]) -> list[list[Source]]:
    """``sources`` in as few rows as possible in which one comes after the other."""
    found: list[list[Source]] = []
    for source in sorted(sources, key=lambda source: source.begins):
        free = (track for track in found if track[-1].ends <= source.begins)
        track = next(free, None)
        if track is None:
            found.append([source])
        else:
            track.append(source)
    return found


def combine(placement: str, parts: Sequence[tuple[Source, Aggregate]]) -> Series:
    """Several tags' statistics as one: means weighted by count, the lowest low, the highest high.

    A start may be there more than once. Steps in which nobody has a reading are left out.
    """
    starts = _unique(part.start for _, part in parts)
    places = [np.searchsorted(starts, part.start) for _, part in parts]
    own, placed = np.zeros((2, len(starts)), np.bool_)
    for (source, part), at in zip(parts, places, strict=True):
        (own if source.place is None else placed)[at[_heard(part)]] = True
    names = list(dict.fromkeys(name for _, part in parts for name in part.count))
    columns = {name: _column(name, [part for _, part in parts], places, starts) for name in names}
    some = np.flatnonzero(own | placed)
    return Series(
        placement=placement,
        start=starts[some],
        own=own[some],
        placed=placed[some],
        count={name: columns[name][0][some] for name in names},
        low={name: columns[name][1][some] for name in names},
        mean={name: columns[name][2][some] for name in names},
        high={name: columns[name][3][some] for name in names},
    )


def gaps(starts: Ints, listening: Sequence[tuple[Span, int]], step: int, span: Span) -> list[Span]:
    """When nothing was measured in ``span``, by increasing time.

    ``starts`` (m,) ms: the steps with readings; ``listening``: when a tag should have measured,
    with its interval, ms. Time without any tag is a gap to the millisecond. A silent tag's gap is
    known to a step, and is one from `SILENT_INTERVALS` intervals on.
    """
    covered = _united(within for part, _ in listening if (within := _overlap(part, span)))
    found = _between(covered, span)
    edges = np.concatenate([[span.begins - step], starts, [span.ends]])
    # Years have many steps, and few are far enough apart from the next to be looked at.
    least = SILENT_INTERVALS * min((interval for _, interval in listening), default=0)
    far = np.flatnonzero(np.diff(edges) > max(least, step))
    for before, after in zip(edges[far].tolist(), edges[far + 1].tolist(), strict=True):
        quiet = Span(before + step, after)
        for part in covered:
            within = _overlap(_overlap(quiet, span), part)
            if within and _too_long(within, listening, step):
                found.append(within)
    return _united(found)


def _too_long(quiet: Span, listening: Sequence[tuple[Span, int]], step: int) -> bool:
    allowed = SILENT_INTERVALS * max(
        interval for part, interval in listening if _overlap(part, quiet)
    )
    length = quiet.ends - quiet.begins
    # A whole step without readings lies between two readings that are further apart than it is.
    return length > allowed or (length >= step and length + step > allowed)


def _in_force(corrections: Corrections, at: int) -> dict[str, tuple[float, float]]:
    found = {}
    for quantity, adjustments in corrections.items():
        begun = [adjustment for adjustment in adjustments if adjustment.begins <= at]
        if begun:
            newest = max(begun, key=lambda adjustment: adjustment.begins)
            found[quantity] = (newest.gain, newest.offset)
    return found


def _listening(facts: Facts, placement: str | None) -> list[tuple[Span, int]]:
    return [
        (Span(source.begins, source.ends), facts.intervals[source.tag])
        for source in facts.sources
        if placement in (None, source.placement)
    ]


def _heard(part: Aggregate) -> Bools:
    """(m,) the steps that have a reading of any quantity."""
    some = np.zeros(len(part.start), np.bool_)
    for count in part.count.values():
        some |= count > 0
    return some


def _unique(starts: Iterable[Ints]) -> Ints:
    return np.unique(np.concatenate([np.empty(0, np.int64), *starts]))


def _with_wetness(
    series: Series,
    parts: Sequence[tuple[Source, Measured]],
    grid: Grid,
    span: Span,
    past: Span,
    reader: Reader,
) -> Series:
    """With coverage and hours wet; of tags at one time the most that one of them says."""
    if not parts or any(found.wetness is None for _, found in parts):
        return series
    rows = tracks(dict.fromkeys(source for source, _ in parts))
    total = np.zeros((3, len(rows), len(series.start)))
    for number, row in enumerate(rows):
        own = [w for s, found in parts if s in row and (w := found.wetness) is not None]
        mine = [_outside(wetness, reader.zones) for wetness in own]
        mine += [reader.joint(row, zone) for zone in reader.zones]
        for wetness in mine:
            start = _shown_starts(wetness.start, grid.step, span)
            at = np.searchsorted(series.start, start)
            some = np.flatnonzero(at < len(series.start))
            some = some[series.start[at[some]] == start[some]]
            for which, column in enumerate(wetness[1:]):
                np.add.at(total[which, number], at[some], column[some])
    covered, wet, dry = total.max(axis=1)
    begins, ends = np.maximum(series.start, past.begins), np.full(len(series.start), past.ends)
    if grid.step is not None:
        ends = np.minimum(ends, series.start + grid.step)
    length = (ends - begins).astype(np.float64)
    share = np.divide(covered, length, out=np.full(len(length), np.nan), where=length > 0)
    hours = np.where(wet + dry > 0, wet / HOUR_MS, np.nan)
    return replace(series, coverage=np.minimum(share, 1.0), hours_wet=hours)


def _outside(wetness: Wetness, zones: Sequence[tuple[int, int]]) -> Wetness:
    inside = np.zeros(len(wetness.start), np.bool_)
    for begins, ends in zones:
        inside |= (wetness.start >= begins) & (wetness.start < ends)
    return Wetness(*(column[~inside] for column in wetness))


def _shown(part: Aggregate, step: int | None, span: Span) -> Aggregate:
    """``part`` with the starts of the steps to show; several of its steps may have the same."""
    return replace(part, start=_shown_starts(part.start, step, span))


def _shown_starts(start: Ints, step: int | None, span: Span) -> Ints:
    return np.full_like(start, span.begins) if step is None else start - start % step


def _column(
    name: str, parts: Sequence[Aggregate], places: Sequence[Ints], starts: Ints
) -> tuple[Ints, Floats, Floats, Floats]:
    """count, low, mean and high of one quantity over ``starts``."""
    count = np.zeros(len(starts), np.int64)
    total = np.zeros(len(starts))
    low, high = np.full((2, len(starts)), np.nan)
    for part, place in zip(parts, places, strict=True):
        if name not in part.count:
            continue
        some = np.flatnonzero(part.count[name] > 0)
        at = place[some]
        np.add.at(count, at, part.count[name][some])
        np.add.at(total, at, part.count[name][some] * part.mean[name][some])
        np.fmin.at(low, at, part.low[name][some])
        np.fmax.at(high, at, part.high[name][some])
    mean = np.divide(total, count, out=np.full(len(starts), np.nan), where=count > 0)
    return count, low, mean, high


def _overlap(one: Span | None, other: Span) -> Span | None:
    if one is None:
        return None
    begins, ends = max(one.begins, other.begins), min(one.ends, other.ends)
    return Span(begins, ends) if begins < ends else None


def _united(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.begins <= found[-1].ends:
            found[-1] = Span(found[-1].begins, max(found[-1].ends, span.ends))
        else:
            found.append(span)
    return found


def _between(covered: Sequence[Span], span: Span) -> list[Span]:
    """What of ``span`` is outside of ``covered``, which is in order."""
    edges = [span.begins, *(edge for part in covered for edge in part), span.ends]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Span(begins, ends) for begins, ends in pairs if begins < ends]
