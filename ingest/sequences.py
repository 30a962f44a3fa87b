"""Which readings of each tag have come, by the numbers that it gives them. Pure; for one thread.

Of a tag there is a *stretch* of numbers in which it counts now: a boot, the lowest and the highest
that came, and the gaps between. These are columns by tag, and where a tag just counts on they are
all that is touched. Gaps, former stretches and what was closed are kept for the tags that have any.

Whatever has to be forgotten is forgotten as missing, never as safe.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.readings.batch import Bools, Ints, TagKey

NEAR = 1_000_000
"""Numbers. What is farther off than this is no gap, but a stretch of its own: a number that was
garbled on the way, or a device that counts anew."""

GAPS = 1024
"""Of a stretch; the lowest are forgotten first, with all numbers up to them."""

FORMER = 3
"""Stretches of a tag beside the one it counts in now; which was heard longest ago goes first."""

CLOSED = 32
"""Of a tag: the ones closed last."""

RANGES = 32
"""In an answer."""


class Gap(NamedTuple):
    """Numbers ``first`` to ``last`` have not come; ``noticed`` (ms) by a later one that came."""

    first: int
    last: int
    noticed: int


class Closed(NamedTuple):
    """Late data brought numbers ``first`` to ``last`` of a gap: at ``closed`` (ms) it was over."""

    boot: int
    first: int
    last: int
    noticed: int
    closed: int


class Stretch(NamedTuple):
    """Of ``boot``, everything from ``low`` to ``high`` has come but what is in ``gaps``."""

    boot: int
    low: int
    high: int
    gaps: list[Gap]


class Safe(NamedTuple):
    """Everything up to ``seq`` has come, but the ranges in ``missing``, in order."""

    seq: int
    missing: list[tuple[int, int]]


class Kept(NamedTuple):
    """What is known of a tag, as the registry has it (`lots.model.TagSequence`)."""

    tag: TagKey
    boot: int
    low: int
    high: int
    heard: int
    more: dict[str, Any] | None


class Changes(NamedTuple):
    """What changed since the last time: all of ``reshaped``; of ``advanced`` high and heard."""

    reshaped: list[Kept]
    advanced: list[Kept]


@dataclass(slots=True)
class _More:
    gaps: list[Gap] = field(default_factory=list)
    former: list[Stretch] = field(default_factory=list)  # which was heard last is last
    closed: list[Closed] = field(default_factory=list)


class _Runs(NamedTuple):
    """Numbers ``first`` to ``last`` of a boot came together; in order of tag, boot and number."""

    tag: Ints
    boot: Ints
    first: Ints
    last: Ints
    at: Ints


_ADVANCED, _RESHAPED = 1, 2
_COLUMNS = ("boot", "low", "solid", "high", "heard", "mark")


class Sequences:
    """Of any number of tags. The limits are the constants above; tests take smaller ones."""

    def __init__(self, *, near: int = NEAR, gaps: int = GAPS, former: int = FORMER) -> None:
        self._near, self._max_gaps, self._max_former = near, gaps, former
        self._places: dict[TagKey, int] = {}
        self._tags: list[TagKey] = []
        self._more: dict[int, _More] = {}
        self._resize(1024)
        self.missing = 0
        """Readings that are in an open gap."""

    def __len__(self) -> int:
        return len(self._tags)

    def take(self, tags: Sequence[TagKey], tag: Ints, boot: Ints, seq: Ints, at: Ints) -> None:
        """Note what came.

        ``tag``          (n,) indexes ``tags``
        ``boot``, ``seq``  (n,) the tag's numbers; what has a negative one is passed over
        ``at``           (n,) ms, when it came
        """
        counted = (boot >= 0) & (seq >= 0)
        if not counted.all():
            tag, boot, seq, at = tag[counted], boot[counted], seq[counted], at[counted]
        if not len(seq):
            return
        runs = _runs(self._indices(tags, tag), boot, seq, at)
        odd = ~self._advance(runs)
        if odd.any():
            for run in zip(*(column[odd].tolist() for column in runs), strict=True):
                self._note(*run)

    def safe(self, tag: TagKey, boot: int, seq: int, first: int | None) -> Safe | None:
        """How far of what ``tag`` holds, from ``first`` (None: 0) to ``seq``, has come.

        With more than `RANGES` ranges missing, ``seq`` is lowered to before the next of them.
        None where nothing of that boot is known.
        """
        stretches = [each for each in self._stretches(tag) if each.boot == boot]
        if not stretches:
            return None
        begin = 0 if first is None else first
        if begin > seq:
            return Safe(seq, [])
        within = next((each for each in stretches if each.low <= seq <= each.high), None)
        missing = _missing(within, begin, seq) if within else [(begin, seq)]
        if len(missing) > RANGES:
            return Safe(missing[RANGES][0] - 1, missing[:RANGES])
        return Safe(seq, missing)

    def gaps(self, tag: TagKey) -> dict[int, list[Gap]]:
        """Of each boot that has any: what is open."""
        found: dict[int, list[Gap]] = {}
        for stretch in self._stretches(tag):
            if stretch.gaps:
                found.setdefault(stretch.boot, []).extend(stretch.gaps)
        return found

    def closed(self, tag: TagKey) -> list[Closed]:
        """What late data closed, the latest last."""
        place = self._places.get(tag)
        more = None if place is None else self._more.get(place)
        return list(more.closed) if more else []

    # The registry

    def changes(self) -> Changes:
        """What is to be written now; say `unwritten` where that fails."""
        marked = np.flatnonzero(self._mark[: len(self._tags)])
        marks = self._mark[marked]
        self._mark[marked] = 0
        reshaped, advanced = marked[marks == _RESHAPED], marked[marks == _ADVANCED]
        more = {place: _written(self._more.get(place)) for place in reshaped.tolist()}
        return Changes(self._kept(reshaped, more), self._kept(advanced, {}))

    def unwritten(self, changes: Changes) -> None:
        """They are still to be written."""
        for kept in changes.advanced:
            place = self._places[kept.tag]
            self._mark[place] = max(_ADVANCED, int(self._mark[place]))
        for kept in changes.reshaped:
            self._mark[self._places[kept.tag]] = _RESHAPED

    def restore(self, found: Iterable[Kept]) -> None:
        """Take over what the registry has; before anything else."""
        for kept in found:
            place = self._place(kept.tag)
            more = _more_of(kept.more)
            self._load(place, Stretch(kept.boot, kept.low, kept.high, more.gaps), more)
            self._heard[place] = kept.heard
            self.missing += sum(_size(each.gaps) for each in more.former) + _size(more.gaps)

    def _kept(self, places: NDArray[np.intp], more: Mapping[int, Any]) -> list[Kept]:
        columns = (self._boot, self._low, self._high, self._heard)
        rows = zip(places.tolist(), *(column[places].tolist() for column in columns), strict=True)
        return [
            Kept(self._tags[place], boot, low, high, heard, more.get(place))
            for place, boot, low, high, heard in rows
        ]

    # What comes

    def _advance(self, runs: _Runs) -> Bools:
        """Let the tags count on that just do so; which of ``runs`` did."""
        boundary = runs.tag[1:] != runs.tag[:-1]
        alone = np.ones(len(runs.tag), np.bool_)
        alone[1:] &= boundary
        alone[:-1] &= boundary
        high = self._high[runs.tag]
        steady: Bools = (
            alone
            & (runs.boot == self._boot[runs.tag])
            & (runs.first >= self._solid[runs.tag])
            & (runs.first <= high + 1)
        )
        tag = runs.tag[steady]
        self._high[tag] = np.maximum(high[steady], runs.last[steady])
        self._heard[tag] = np.maximum(self._heard[tag], runs.at[steady])
        self._mark[tag] = np.maximum(self._mark[tag], _ADVANCED)
        return steady

    def _note(self, place: int, boot: int, first: int, last: int, at: int) -> None:
        """What does more than count on."""
        more = self._more.setdefault(place, _More())
        if not self._is_near(self._stretch(place), boot, first, last):
            self._change(place, more, Stretch(boot, first, last, []))
        stretch = self._stretch(place)
        gaps = stretch.gaps
        if first > stretch.high + 1:
            gaps.append(Gap(stretch.high + 1, first - 1, at))
            self.missing += first - 1 - stretch.high
        elif last < stretch.low - 1:
            gaps.insert(0, Gap(last + 1, stretch.low - 1, at))
            self.missing += stretch.low - 1 - last
        self._close(more, stretch, first, last, at)
        low, high = min(stretch.low, first), max(stretch.high, last)
        while len(gaps) > self._max_gaps:
            self.missing -= _size(gaps[:1])
            low = gaps.pop(0).last + 1
        self._load(place, Stretch(boot, low, high, gaps), more)
        self._heard[place] = max(int(self._heard[place]), at)
        self._mark[place] = _RESHAPED

    def _is_near(self, stretch: Stretch, boot: int, first: int, last: int) -> bool:
        return (
            boot == stretch.boot
            and first <= stretch.high + self._near
            and last >= stretch.low - self._near
        )

    def _change(self, place: int, more: _More, new: Stretch) -> None:
        """Let the tag count in another stretch: a former one that is near, else ``new``."""
        before = self._stretch(place)
        near = [s for s in more.former if self._is_near(s, new.boot, new.low, new.high)]
        if near:
            new = near[-1]
            more.former.remove(new)
        if before.boot >= 0:
            more.former.append(before)
        while len(more.former) > self._max_former:
            self.missing -= _size(more.former.pop(0).gaps)
        self._load(place, new, more)

    def _close(self, more: _More, stretch: Stretch, first: int, last: int, at: int) -> None:
        """Take ``first`` to ``last`` out of the gaps."""
        gaps = stretch.gaps
        begin = bisect_left(gaps, first, key=lambda gap: gap.last)
        end = bisect_right(gaps, last, key=lambda gap: gap.first)
        left: list[Gap] = []
        for gap in gaps[begin:end]:
            if gap.first < first:
                left.append(Gap(gap.first, first - 1, gap.noticed))
            if gap.last > last:
                left.append(Gap(last + 1, gap.last, gap.noticed))
            came = Gap(max(gap.first, first), min(gap.last, last), gap.noticed)
            self.missing -= _size([came])
            _remember(more.closed, Closed(stretch.boot, *came, at))
        if begin < end:
            gaps[begin:end] = left

    # Tags

    def _indices(self, tags: Sequence[TagKey], tag: Ints) -> Ints:
        """``tag`` as places in the columns; those that are new get one."""
        there = np.flatnonzero(np.bincount(tag, minlength=len(tags)))
        known = self._places
        places = np.full(len(tags), -1, np.int64)
        places[there] = [known.get(tags[n], -1) for n in there.tolist()]
        for n in there[places[there] < 0].tolist():
            places[n] = self._place(tags[n])
        return places[tag]

    def _place(self, tag: TagKey) -> int:
        place = self._places.setdefault(tag, len(self._tags))
        if place == len(self._tags):
            self._tags.append(tag)
            if place >= len(self._boot):
                self._resize(2 * place)
        return place

    def _resize(self, size: int) -> None:
        for name in _COLUMNS:
            column = np.full(size, 0 if name in ("mark", "heard") else -1, np.int64)
            if self._tags:
                before = getattr(self, f"_{name}")
                column[: len(before)] = before
            setattr(self, f"_{name}", column)

    _boot: Ints
    _low: Ints
    _solid: Ints  # from here to high there is no gap
    _high: Ints
    _heard: Ints
    _mark: Ints

    def _stretch(self, place: int) -> Stretch:
        """The one it counts in now; of boot -1 where there is none yet."""
        more = self._more.get(place)
        boot, low, high = (int(c[place]) for c in (self._boot, self._low, self._high))
        return Stretch(boot, low, high, more.gaps if more else [])

    def _stretches(self, tag: TagKey) -> Iterator[Stretch]:
        """All of a tag's, the one heard last first."""
        place = self._places.get(tag)
        if place is None:
            return
        yield self._stretch(place)
        if place in self._more:
            yield from reversed(self._more[place].former)

    def _load(self, place: int, stretch: Stretch, more: _More) -> None:
        gaps = more.gaps = stretch.gaps
        self._boot[place], self._low[place], self._high[place] = stretch[:3]
        self._solid[place] = gaps[-1].last + 1 if gaps else stretch.low
        if gaps or more.former or more.closed:
            self._more[place] = more
        else:
            self._more.pop(place, None)


def _runs(tag: Ints, boot: Ints, seq: Ints, at: Ints) -> _Runs:
    order = np.lexsort((seq, boot, tag))
    tag, boot, seq = tag[order], boot[order], seq[order]
    begins = np.ones(len(seq), np.bool_)
    begins[1:] = (tag[1:] != tag[:-1]) | (boot[1:] != boot[:-1]) | (seq[1:] - seq[:-1] > 1)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(seq)) - 1
    came = np.maximum.reduceat(at[order], first)
    return _Runs(tag[first], boot[first], seq[first], seq[last], came)


def _missing(stretch: Stretch, begin: int, end: int) -> list[tuple[int, int]]:
    """From ``begin`` to ``end``, what is not there; some more than `RANGES` at most."""
    found = []
    if begin < stretch.low:
        found.append((begin, stretch.low - 1))
    start = bisect_left(stretch.gaps, begin, key=lambda gap: gap.last)
    for gap in stretch.gaps[start : start + RANGES + 1]:
        if gap.first > end:
            break
        found.append((max(gap.first, begin), min(gap.last, end)))
    return found


def _remember(closed: list[Closed], new: Closed) -> None:
    """Add to ``closed``; what closes a gap number by number is one closing."""
    before = closed[-1] if closed else None
    if before and (before.boot, before.noticed) == (new.boot, new.noticed):
        if before.last + 1 == new.first:
            new = new._replace(first=before.first)
            closed.pop()
        elif new.last + 1 == before.first:
            new = new._replace(last=before.last)
            closed.pop()
    closed.append(new)
    del closed[:-CLOSED]


def _size(gaps: Iterable[Gap]) -> int:
    return sum(gap.last - gap.first + 1 for gap in gaps)


def _written(more: _More | None) -> dict[str, Any] | None:
    """A copy as JSON can have it; None where there is nothing."""
    if more is None:
        return None
    former = [each._replace(gaps=list(each.gaps)) for each in more.former]
    parts = {"gaps": list(more.gaps), "former": former, "closed": list(more.closed)}
    return {name: part for name, part in parts.items() if part} or None


def _more_of(written: dict[str, Any] | None) -> _More:
    if written is None:
        return _More()
    return _More(
        [Gap(*gap) for gap in written.get("gaps", ())],
        [
            Stretch(boot, low, high, [Gap(*gap) for gap in gaps])
            for boot, low, high, gaps in written.get("former", ())
        ],
        [Closed(*closed) for closed in written.get("closed", ())],
    )
