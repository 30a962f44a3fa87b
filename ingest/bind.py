"""Which lots a reading speaks for, at the reading's own time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from lots import facts
from lots.calibration import corrections_of
from lots.climate import Corrections, LotKey, Samples, believed, corrected, join, samples
from lots.model import Tag
from lots.readings.batch import ReadingBatch, TagKey
from lots.revisions import Revisions
from lots.whereabouts import Source


class TagUse(NamedTuple):
    """``tag`` speaks for ``lot`` for begins <= t < ends, ms."""

    begins: int
    ends: int
    lot: str
    placement: str


class Roster:
    """Who every tag of a tenant speaks for, and its corrections: built from dated facts."""

    def __init__(
        self,
        tenant: str,
        sources: Mapping[str, Iterable[Source]],
        corrections: Mapping[str, Corrections],
        tags: Iterable[str],
    ) -> None:
        """``sources``: lot -> who speaks for it; ``corrections``: tag -> its; ``tags``: known."""
        self.tenant = tenant
        self.known = frozenset(tags)
        self.corrections = {TagKey(tenant, tag): found for tag, found in corrections.items()}
        self._uses: dict[str, list[TagUse]] = {}
        for lot, found in sources.items():
            for source in found:
                use = TagUse(source.begins, source.ends, lot, source.placement)
                self._uses.setdefault(source.tag, []).append(use)

    def uses(self, tag: str, first: int, last: int) -> list[TagUse]:
        """What ``tag`` speaks for at any time from ``first`` to ``last`` (inclusive)."""
        return [u for u in self._uses.get(tag, ()) if u.begins <= last and u.ends > first]


def bind(batch: ReadingBatch, rosters: Mapping[str, Roster]) -> dict[LotKey, Samples]:
    """``batch``'s believed readings by the lots they speak for at their own times, in order."""
    values: dict[TagKey, Corrections] = {}
    for key in batch.tags:
        known = rosters.get(key.tenant)
        if known is not None and key in known.corrections:
            values[key] = known.corrections[key]
    batch = corrected(batch, values)
    order = np.argsort(batch.tag, kind="stable")
    edges = np.searchsorted(batch.tag[order], np.arange(len(batch.tags) + 1))
    telling = believed(batch)
    found: dict[LotKey, list[Samples]] = {}
    for number, (tenant, tag) in enumerate(batch.tags):
        mine = order[edges[number] : edges[number + 1]]
        mine = mine[telling[mine]]
        roster = rosters.get(tenant)
        if roster is None or not len(mine):
            continue
        times = batch.time[mine]
        for use in roster.uses(tag, int(times.min()), int(times.max())):
            within = mine[(times >= use.begins) & (times < use.ends)]
            if len(within):
                part = samples(batch, use.placement, within)
                found.setdefault(LotKey(tenant, use.lot), []).append(part)
    return {key: join(parts).ordered() for key, parts in found.items()}


class Rosters:
    """The rosters of all tenants, read again when a tenant's registry changed."""

    def __init__(self) -> None:
        self.by_tenant: dict[str, Roster] = {}
        self._revisions = Revisions()

    def refresh(self, session: Session) -> set[str]:
        """Take over what changed; returns the tenants it changed for."""
        news = self._revisions.news(session)
        for tenant in news.changed:
            self.by_tenant[tenant] = load(session, tenant)
        for tenant in news.gone:
            del self.by_tenant[tenant]
        self._revisions.taken(news)
        return {*news.changed, *news.gone}


def load(session: Session, tenant: str) -> Roster:
    """The roster of a tenant as the registry has it now."""
    found = facts.whereabouts_of(session, tenant, None)
    tags = session.scalars(select(Tag.id).where(Tag.tenant == tenant)).all()
    sources = {lot: each.sources for lot, each in found.items()}
    return Roster(tenant, sources, corrections_of(session, tenant, None), tags)
