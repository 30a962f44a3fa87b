"""Which lots the rules must fold again after a change to the registry, and from when.

A lot's whereabouts are compared before and after: only a difference that a tag has measured, or
will measure, matters.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lots import facts
from lots.circumstances import AHEAD_MS, Circumstance
from lots.facts import Whereabouts
from lots.model import Lot, Place, Refold
from lots.shapes import Kept, Row
from lots.whereabouts import FOREVER, Source

Change = tuple[Kept | None, Kept | None]
"""A thing as it was and as it is; None: it was not, or is no more."""

OF_LOTS = (
    "commodity", "form", "packaging", "contract_regain_pct", "time_constant_h", "customer",
    "net_mass_kg", "weighed", "regain_pct", "cored",
)  # fmt: skip
"""What the rules ask of a lot itself: a change of it counts from its first source on."""

LIMITS = ("temperature_min", "temperature_max", "humidity_min", "humidity_max")
"""And of its customer."""


@dataclass(frozen=True, slots=True)
class Before:
    """What must be known before a change is written, to tell what it did."""

    kind: str
    changes: Sequence[Change]
    whereabouts: dict[str, Whereabouts]
    circumstances: dict[str, tuple[Circumstance, ...]]


def observe(session: Session, tenant: str, kind: str, changes: Sequence[Change]) -> Before:
    """The whereabouts, as they are now, of every lot that ``changes`` may touch."""
    lots = CANDIDATES[kind](session, tenant, changes) if kind in CANDIDATES else set()
    where = facts.whereabouts_of(session, tenant, lots) if lots else {}
    return Before(kind, changes, where, _circumstances(session, tenant, where))


def request(session: Session, tenant: str, before: Before) -> None:
    """Ask for the lots to be folded again whose climate the written changes made another."""
    if not before.whereabouts:
        return
    after = facts.whereabouts_of(session, tenant, list(before.whereabouts))
    amid = _circumstances(session, tenant, after)
    since_when_true = recalibrated(before.changes) if before.kind == "tags" else {}
    rows = []
    for lot, was in before.whereabouts.items():
        now = after[lot]
        changed = _first_change(before.circumstances[lot], amid[lot])
        since = since_when(was, now, changed)
        if before.kind in ("lots", "parties"):
            since = _first(now.sources)
        if before.kind == "tags":
            since = _since_correction(now.sources, since_when_true)
        if since is not None:
            rows.append({"id": uuid.uuid4().hex, "tenant": tenant, "lot": lot, "since": since})
    if rows:
        session.execute(insert(Refold.__table__), rows)  # type: ignore[arg-type]


def _circumstances(
    session: Session, tenant: str, where: Mapping[str, Whereabouts]
) -> dict[str, tuple[Circumstance, ...]]:
    return facts.circumstances_of(session, tenant, where) if where else {}


def since_when(was: Whereabouts, now: Whereabouts, otherwise: int = FOREVER) -> int | None:
    """The first instant from which a lot's climate may differ, ms; None: it does not.
    ``otherwise``: from when what it is in the middle of does."""
    sources = _first_difference(_spans(was.sources), _spans(now.sources))
    stays = _first_difference(_spans(was.stays), _spans(now.stays))
    first = min(sources, stays, otherwise)
    heard = [each for each in (*was.sources, *now.sources) if each.ends > first]
    if not heard or first == FOREVER:
        return None
    return max(first, min(each.begins for each in heard))


def _spans(items: Iterable[Any]) -> set[tuple[int, int, tuple[Any, ...]]]:
    return {
        (
            item.begins,
            item.ends,
            (item.tag, item.placement, item.place) if isinstance(item, Source) else (item.place,),
        )
        for item in items
    }


def _first_change(was: Sequence[Circumstance], now: Sequence[Circumstance]) -> int:
    """From when on what a lot is in the middle of, or is known to come to, differs."""
    coming = _first_difference(_coming(was), _coming(now))
    seen_from = coming if coming == FOREVER else coming - AHEAD_MS
    return min(seen_from, _first_difference(_dated(was), _dated(now)))


def _coming(items: Sequence[Circumstance]) -> set[tuple[int, int, tuple[Any, ...]]]:
    """The courses, however else their spans are divided."""
    found: set[tuple[int, int, tuple[Any, ...]]] = set()
    ends = [*(item.begins for item in items[1:]), FOREVER]
    for course, spans in groupby(zip(items, ends, strict=True), lambda each: each[0].course):
        if course is not None:
            of = list(spans)
            found.add((of[0][0].begins, of[-1][1], (course,)))
    return found


def _dated(items: Sequence[Circumstance]) -> set[tuple[int, int, tuple[Any, ...]]]:
    ends = [*(item.begins for item in items[1:]), FOREVER]
    return {
        (item.begins, end, (item.phase, item.journey, item.place, item.region))
        for item, end in zip(items, ends, strict=True)
    }


def _first_difference(
    was: set[tuple[int, int, tuple[Any, ...]]], now: set[tuple[int, int, tuple[Any, ...]]]
) -> int:
    """When two sets of (begins, ends, what) first say something else; FOREVER: never.

    Spans in only one of them that begin alike and are of the same thing differ from where the
    shorter of them ends.
    """
    first = FOREVER
    gone, come = was - now, now - was
    ends = {(begins, what): end for begins, end, what in gone}
    for begins, end, what in come:
        other = ends.pop((begins, what), None)
        first = min(first, begins if other is None else min(end, other))
    return min([first, *(begins for begins, _ in ends)])


def _first(sources: Sequence[Source]) -> int | None:
    return min((source.begins for source in sources), default=None)


def recalibrated(changes: Sequence[Change]) -> dict[str, int]:
    """tag -> since when its corrections are others, ms."""
    found = {}
    for was, now in changes:
        old, new = _corrections(was), _corrections(now)
        differing = [begins for (_, begins), value in old.items() ^ new.items()]
        if differing:
            tag = (now or was).row["id"]  # type: ignore[union-attr]
            found[tag] = min(differing)
    return found


def _corrections(each: Kept | None) -> dict[tuple[str, int], tuple[float, float]]:
    rows: list[Row] = each.parts[0] if each else []
    return {(row["quantity"], row["begins"]): (row["gain"], row["offset"]) for row in rows}


def _since_correction(sources: Sequence[Source], recalibrated: dict[str, int]) -> int | None:
    """From when on a lot hears a tag whose corrections have changed."""
    heard = [
        max(source.begins, recalibrated[source.tag])
        for source in sources
        if source.tag in recalibrated and source.ends > recalibrated[source.tag]
    ]
    return min(heard, default=None)


def _sides(changes: Sequence[Change]) -> list[Kept]:
    return [side for change in changes for side in change if side is not None]


def _by_bindings(session: Session, tenant: str, changes: Sequence[Change]) -> set[str]:
    rows = [side.row for side in _sides(changes)]
    places = {row["place"] for row in rows if row["place"] is not None}
    own = {row["lot"] for row in rows if row["lot"] is not None}
    return own | facts.lots_in(session, tenant, places)


def _by_moves(_session: Session, _tenant: str, changes: Sequence[Change]) -> set[str]:
    return {side.row["lot"] for side in _sides(changes)}


def _by_shipments(_session: Session, _tenant: str, changes: Sequence[Change]) -> set[str]:
    return {row["lot"] for side in _sides(changes) for row in side.parts[0]}


def _by_places(session: Session, tenant: str, changes: Sequence[Change]) -> set[str]:
    """Lots of places whose kind or site, and with it the region, is another."""
    changed = {
        now.row["id"]
        for was, now in changes
        if was and now and any(was.row[name] != now.row[name] for name in ("kind", "site"))
    }
    return facts.lots_in(session, tenant, changed) if changed else set()


def _by_sites(session: Session, tenant: str, changes: Sequence[Change]) -> set[str]:
    """Lots of places whose region is another, and of shipments to or from another climate."""
    lots: set[str] = set()
    if sites := _differing(changes, "region"):
        query = select(Place.id).where(Place.tenant == tenant, Place.site.in_(sites))
        lots |= facts.lots_in(session, tenant, session.scalars(query).all())
    if sites := _differing(changes, "climate"):
        lots |= facts.lots_between(session, tenant, sites)
    return lots


def _differing(changes: Sequence[Change], column: str) -> set[str]:
    """The ids of things of which ``column`` was another."""
    return {n.row["id"] for was, n in changes if was and n and was.row[column] != n.row[column]}


def _by_tags(session: Session, tenant: str, changes: Sequence[Change]) -> set[str]:
    return facts.lots_of_tags(session, tenant, recalibrated(changes))


def _by_lots(_session: Session, _tenant: str, changes: Sequence[Change]) -> set[str]:
    return {
        now.row["id"]
        for was, now in changes
        if was and now and any(was.row[name] != now.row[name] for name in OF_LOTS)
    }


def _by_parties(session: Session, tenant: str, changes: Sequence[Change]) -> set[str]:
    customers = {
        now.row["id"]
        for was, now in changes
        if was and now and any(was.row[name] != now.row[name] for name in LIMITS)
    }
    if not customers:
        return set()
    query = select(Lot.id).where(Lot.tenant == tenant, Lot.customer.in_(customers))
    return set(session.scalars(query))


CANDIDATES: dict[str, Callable[[Session, str, Sequence[Change]], set[str]]] = {
    "bindings": _by_bindings,
    "places": _by_places,
    "sites": _by_sites,
    "moves": _by_moves,
    "shipments": _by_shipments,
    "tags": _by_tags,
    "lots": _by_lots,
    "parties": _by_parties,
}
