"""Which lots a reading speaks for, at the reading's own time."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from operator import itemgetter
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from lots import facts
from lots.calibration import corrections_of
from lots.climate import (
    CODES,
    QUANTITIES,
    Bound,
    Calibration,
    Chosen,
    Corrections,
    LotKey,
    Samples,
    arranged,
    believed,
    calibrated,
    calibrations,
    salt,
)
from lots.model import Tag
from lots.names import NOBODY, Names, Texts
from lots.readings.batch import Bools, Ints, ReadingBatch, TagKey
from lots.revisions import Revisions
from lots.whereabouts import Source

AT_ONCE = 10_000
"""Lots, or tags, that are read at once."""

SAMPLES = 100_000
"""That are bound and judged at once: a part of what the rules keep in memory."""


T = TypeVar("T")
_TENANT, _NAME = itemgetter(0), itemgetter(1)  # of a `TagKey`


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Who m tags speak for: tag i for lot[s] while begins[s] <= t < ends[s] (ms), for each s in
    [starts[i], starts[i + 1]); ``placement``: see `lots.climate.CODES`."""

    starts: Ints
    begins: Ints
    ends: Ints
    lot: NDArray[np.int32]
    placement: NDArray[np.int8]

    def at(self, tag: Ints, time: Ints) -> tuple[Ints, Ints]:
        """(reading, span) for every span in which a reading of ``tag`` at ``time`` (n,) is."""
        starts = self.starts
        counts = starts[tag + 1] - starts[tag]
        spans: Ints | None = None
        if len(tag) and 4 * counts.sum() > len(self.begins):
            # A bay's tag speaks for all that ever stood there: leave out what is long over.
            spans = np.flatnonzero((self.ends > time.min()) & (self.begins <= time.max()))
            starts = np.searchsorted(spans, starts)
            counts = starts[tag + 1] - starts[tag]
        if (counts == 1).all():  # as mostly: each tag speaks for one lot
            reading, span = np.arange(len(tag)), starts[tag]
            return self._within(reading, span if spans is None else spans[span], time)
        reading = np.repeat(np.arange(len(tag)), counts)
        number = np.arange(len(reading)) - np.repeat(np.cumsum(counts) - counts, counts)
        span = starts[tag[reading]] + number
        return self._within(reading, span if spans is None else spans[span], time)

    def _within(self, reading: Ints, span: Ints, time: Ints) -> tuple[Ints, Ints]:
        its = time[reading]
        within = (self.begins[span] <= its) & (its < self.ends[span])
        return (reading, span) if within.all() else (reading[within], span[within])


class Roster:
    """Who every tag of a tenant speaks for, and its corrections: built from dated facts."""

    def __init__(
        self,
        tenant: str,
        sources: Iterable[tuple[str, Iterable[Source]]],
        corrections: Mapping[str, Corrections],
        tags: Iterable[str],
    ) -> None:
        """``sources``: lots and who speaks for them; ``corrections``: tag -> its; ``tags``: all
        that are registered."""
        self.tenant = tenant
        self.lots = Texts()
        self._tags = Names()
        """Those that speak for a lot at any time, and then the others."""
        found = _Found()
        for some in _portions(sources):
            found.take(some, self.lots, self._tags)
        self.speaking = len(self._tags)
        """How many tags speak for a lot at any time."""
        self.spans = found.spans(self.speaking)
        salts = (salt(TagKey(tenant, tag)) for tag in self._tags)
        self.salts = np.fromiter(salts, np.int64, self.speaking)
        of = [corrections.get(tag, {}) for tag in self._tags] if corrections else []
        self.calibrations = calibrations(of)
        for others in _portions(tags):
            self._tags.add(others)

    def numbers(self, tags: Sequence[str]) -> Ints:
        """(n,) the numbers of ``tags``, `NOBODY` of one that speaks for no lot."""
        found = self._tags.find(tags)
        return np.where(found < self.speaking, found, NOBODY)

    def knows(self, tags: Sequence[str]) -> Bools:
        """(n,) which of ``tags`` there are."""
        return np.not_equal(self._tags.find(tags), NOBODY)


class _Found:
    """Spans as they are found, lot after lot. Of a million lots there are as many: no objects."""

    def __init__(self) -> None:
        self._tag, self._lot, self._placement = array("i"), array("i"), array("b")
        self._begins, self._ends = array("q"), array("q")

    def take(
        self, sources: Sequence[tuple[str, Iterable[Source]]], lots: Texts, tags: Names
    ) -> None:
        """Note ``sources``; their lots and tags get the next numbers."""
        rows = [
            (source, number) for number, (_, its) in enumerate(sources, len(lots)) for source in its
        ]
        lots.extend([lot for lot, _ in sources])
        numbers = tags.add([source.tag for source, _ in rows])
        self._tag.frombytes(numbers.astype(np.int32).tobytes())
        self._lot.extend([number for _, number in rows])
        self._placement.extend([CODES[source.placement] for source, _ in rows])
        self._begins.extend([source.begins for source, _ in rows])
        self._ends.extend([source.ends for source, _ in rows])

    def spans(self, tags: int) -> Spans:
        """All of them, of so many ``tags``, by tag."""
        tag = np.frombuffer(self._tag, np.int32)
        order = np.argsort(tag, kind="stable")
        starts = np.searchsorted(tag[order], np.arange(tags + 1))
        columns = (self._begins, self._ends, self._lot, self._placement)
        return Spans(starts, *(np.asarray(column)[order] for column in columns))


class Lots(Sequence[LotKey]):
    """The lots of all ``rosters`` by number, those of one after those of another."""

    def __init__(self, rosters: Sequence[Roster]) -> None:
        self._of = [(roster.tenant, roster.lots) for roster in rosters]
        self._begins = np.cumsum([0, *(len(roster.lots) for roster in rosters)]).tolist()

    def __len__(self) -> int:
        return int(self._begins[-1])

    @overload
    def __getitem__(self, at: int) -> LotKey: ...

    @overload
    def __getitem__(self, at: slice) -> list[LotKey]: ...

    def __getitem__(self, at: int | slice) -> LotKey | list[LotKey]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        roster = bisect_right(self._begins, at) - 1
        tenant, lots = self._of[roster]
        return LotKey(tenant, lots[at - self._begins[roster]])


class Directory:
    """The rosters of all tenants as one; made anew when one of them is."""

    def __init__(self, rosters: Mapping[str, Roster]) -> None:
        whole = list(rosters.values())
        self.lots = Lots(whole)
        tags = np.cumsum([0, *(roster.speaking for roster in whole)]).tolist()
        self._tags = {
            roster.tenant: (roster, before) for roster, before in zip(whole, tags, strict=False)
        }
        self.salts = np.concatenate([_none(), *(roster.salts for roster in whole)])
        self.spans = _one_spans(whole)
        self.most = int(np.diff(self.spans.starts).max(initial=0))
        """Spans of one tag, at most."""
        self.calibrations = _one_calibrations(whole)

    def numbers(self, tags: Sequence[TagKey]) -> Ints:
        """(n,) the numbers of ``tags``, `NOBODY` of one that speaks for no lot."""
        tenants = list(map(_TENANT, tags))
        if len(set(tenants)) > 1:
            found = np.full(len(tags), -1)
            for tenant in set(tenants):
                its = [n for n, each in enumerate(tenants) if each == tenant]
                found[its] = self.numbers([tags[n] for n in its])
            return found
        if not tenants or tenants[0] not in self._tags:
            return np.full(len(tags), NOBODY)
        roster, before = self._tags[tenants[0]]
        found = roster.numbers(list(map(_NAME, tags)))
        return np.where(found == NOBODY, NOBODY, found + before)


def parted(
    batch: ReadingBatch, directory: Directory, samples: int = SAMPLES
) -> Iterator[ReadingBatch]:
    """``batch`` in parts that come to about so many ``samples`` when they are bound, at most.

    One reading of a bay's tag is a sample of each lot that stands there: a backlog of such a tag
    may be ten million.
    """
    if len(batch) * directory.most <= samples:  # as nearly always: nothing to be looked up
        yield batch
        return
    tags, starts = directory.numbers(batch.tags), directory.spans.starts
    spans = np.where(tags >= 0, starts[tags + 1] - starts[tags], 0)
    part = np.cumsum(spans[batch.tag]) // samples
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(batch)]
    for begin, end in pairwise(edges):
        yield batch if end - begin == len(batch) else batch.take(slice(begin, end))


def bind(batch: ReadingBatch, directory: Directory) -> Bound:
    """``batch``'s believed readings by the lots they speak for at their own times, in order."""
    tag = directory.numbers(batch.tags)[batch.tag] if len(batch) else _none()
    index = np.flatnonzero((tag >= 0) & believed(batch))
    tag, time = tag[index], batch.time[index]
    values = {name: batch.value(name)[index] for name in QUANTITIES}
    for name in values.keys() & directory.calibrations.keys():
        directory.calibrations[name].apply(values[name], tag, time)
    identity = batch.key[index] ^ directory.salts[tag]
    if directory.calibrations:
        identity ^= calibrated(directory.calibrations, tag, time)
    reading, span = directory.spans.at(tag, time)
    found = Samples(
        time=time[reading],
        identity=identity[reading],
        placement=directory.spans.placement[span].astype(np.int64),
        **{name: column[reading] for name, column in values.items()},
    )
    lot = directory.spans.lot[span].astype(np.int64)
    order = arranged(lot, found)
    lot = lot[order]
    edges = np.concatenate((lot[:1] * 0, np.flatnonzero(lot[1:] != lot[:-1]) + 1))
    lots = Chosen(directory.lots, lot[edges])
    return Bound(lots, np.concatenate((edges, [len(lot)])), found.take(order))


class Rosters:
    """The rosters of all tenants, read again when a tenant's registry changed."""

    def __init__(self) -> None:
        self.by_tenant: dict[str, Roster] = {}
        self._directory: Directory | None = None
        self._revisions = Revisions()

    @property
    def directory(self) -> Directory:
        """All of them as one."""
        if self._directory is None:
            self._directory = Directory(self.by_tenant)
        return self._directory

    def strange(self, tags: Sequence[TagKey]) -> Ints:
        """Where in ``tags`` those are that a tenant does not have."""
        found = np.zeros(len(tags), np.bool_)
        for tenant in {tag.tenant for tag in tags} & self.by_tenant.keys():
            its = [number for number, tag in enumerate(tags) if tag.tenant == tenant]
            found[its] = ~self.by_tenant[tenant].knows([tags[number].tag for number in its])
        return np.flatnonzero(found)

    def refresh(self, session: Session) -> set[str]:
        """Take over what changed; returns the tenants it changed for."""
        news = self._revisions.news(session)
        for tenant in news.changed:
            self.by_tenant[tenant] = load(session, tenant)
        for tenant in news.gone:
            del self.by_tenant[tenant]
        if news:
            self._directory = None
        self._revisions.taken(news)
        return {*news.changed, *news.gone}


def load(session: Session, tenant: str) -> Roster:
    """The roster of a tenant as the registry has it now."""
    tag = Tag.__table__.c
    query = select(tag.id).where(tag.tenant == tenant).execution_options(yield_per=AT_ONCE)
    tags = session.scalars(query)
    return Roster(tenant, _sources(session, tenant), corrections_of(session, tenant, None), tags)


def _sources(session: Session, tenant: str) -> Iterator[tuple[str, list[Source]]]:
    for between, _ in facts.pages(session, tenant, [facts.LOTS.id]):
        found = facts.whereabouts_of(session, tenant, between)
        yield from ((lot, where.sources) for lot, where in found.items() if where.sources)


def _one_spans(rosters: Sequence[Roster]) -> Spans:
    """The spans of all tenants, their tags and lots numbered on."""
    if len(rosters) == 1:
        return rosters[0].spans
    if len(rosters) == 1:
        return rosters[0].spans
    parts = [roster.spans for roster in rosters] or [_Found().spans(0)]
    lots = np.cumsum([0, *(len(roster.lots) for roster in rosters)]).astype(np.int32)
    return Spans(
        _starts([part.starts for part in parts]),
        np.concatenate([part.begins for part in parts]),
        np.concatenate([part.ends for part in parts]),
        np.concatenate([part.lot + lots[n] for n, part in enumerate(parts)]),
        np.concatenate([part.placement for part in parts]),
    )


def _one_calibrations(rosters: Sequence[Roster]) -> dict[str, Calibration]:
    found = {}
    for quantity in {name for roster in rosters for name in roster.calibrations}:
        nothing = [
            Calibration(np.zeros(r.speaking + 1, np.int64), _none(), np.empty(0), np.empty(0))
            for r in rosters
        ]
        parts = [r.calibrations.get(quantity, no) for r, no in zip(rosters, nothing, strict=True)]
        found[quantity] = Calibration(
            _starts([part.starts for part in parts]),
            np.concatenate([part.begins for part in parts]),
            np.concatenate([part.gains for part in parts]),
            np.concatenate([part.offsets for part in parts]),
        )
    return found


def _none() -> Ints:
    return np.empty(0, np.int64)


def _portions(items: Iterable[T]) -> Iterator[list[T]]:
    coming = iter(items)
    while some := list(islice(coming, AT_ONCE)):
        yield some


def _starts(parts: Sequence[Ints]) -> Ints:
    """Where each thing's begin, when the parts' things stand one after another."""
    return np.cumsum(np.concatenate([np.zeros(1, np.int64), *map(np.diff, parts)]))
