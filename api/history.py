"""The climate a lot was in, by steps: from its own tags, else from those where it stood.

The store gives statistics of one tag; here they are corrected, laid together by placement, and
what nobody measured is named.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lots.climate import Corrections
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
    """Steps, ms from 1970: the store is asked by ``fine``, a divisor of the ``step`` that is shown.

    Without a ``step`` all is shown as one. Gaps are found in the fine ones: a day with a single
    reading is no day without a gap.
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
    is 0; ``own``, ``placed`` (m,) whether the lot's own tags, and those of its place, are in it.
    """

    placement: str
    start: Ints
    own: Bools
    placed: Bools
    count: Mapping[str, Ints]
    low: Mapping[str, Floats]
    mean: Mapping[str, Floats]
    high: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """``gaps``: when nothing at all was measured; ``silent``: placement -> its own gaps."""

    series: Sequence[Series]
    gaps: Sequence[Span]
    silent: Mapping[str, Sequence[Span]]


Query = Callable[[Piece], Aggregate]
"""Statistics of a piece's tag in its span by fine steps, as the store has them: raw."""


def history(facts: Facts, span: Span, grid: Grid, query: Query, *, now: int) -> History:
    """What a lot's tags measured in ``span``, by steps; after ``now`` (ms) nothing is missing yet.

    Raises what ``query`` raises.
    """
    parts: dict[str, list[tuple[Source, Aggregate]]] = {}
    for piece in pieces(facts.sources, facts.corrections, span):
        found = corrected(query(piece), piece.corrections)
        parts.setdefault(piece.source.placement, []).append((piece.source, found))
    past = Span(span.begins, max(span.begins, min(span.ends, now)))

    def silence(starts: Ints, placement: str | None) -> list[Span]:
        return gaps(starts, _listening(facts, placement), grid.fine, past)

    heard = {name: _starts(part) for name, part in parts.items()}
    everything = np.unique(np.concatenate([np.empty(0, np.int64), *heard.values()]))
    return History(
        series=[
            combine(
                name, [(source, _shown(found, grid.step, span)) for source, found in parts[name]]
            )
            for name in Placement
            if name in parts
        ],
        gaps=silence(everything, None),
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


def combine(placement: str, parts: Sequence[tuple[Source, Aggregate]]) -> Series:
    """Several tags' statistics as one: means weighted by count, the lowest low, the highest high.

    A start may be there more than once. Steps in which nobody has a reading are left out.
    """
    starts = np.unique(np.concatenate([part.start for _, part in parts]))
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
    edges = [span.begins - step, *starts.tolist(), span.ends]
    for before, after in itertools.pairwise(edges):
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


def _starts(parts: Sequence[tuple[Source, Aggregate]]) -> Ints:
    found = [part.start[_heard(part)] for _, part in parts]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]))


def _shown(part: Aggregate, step: int | None, span: Span) -> Aggregate:
    """``part`` with the starts of the steps to show; several of its steps may have the same."""
    if step is None:
        return replace(part, start=np.full_like(part.start, span.begins))
    return replace(part, start=part.start - part.start % step)


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
