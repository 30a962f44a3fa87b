"""What the registry knows of a lot: where it was, who speaks for it, what holds it, its names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lots import normals, shapes, whereabouts
from lots.circumstances import Circumstance, Course, Stand, Voyage, circumstances
from lots.model import (
    Binding,
    Hold,
    Leg,
    Lot,
    Move,
    Place,
    Reference,
    Shipment,
    ShipmentLot,
    Site,
    UnknownTag,
    folded,
)
from lots.normals import Normals
from lots.records import HoldRecord, LotRecord
from lots.terms import HoldKind
from lots.whereabouts import FOREVER, Dated, Ride, Source, Stay, Watch

AT_ONCE = 10_000
"""Lots whose ids are named in queries."""

# There are very many of these: asked for as rows, not as objects' fields, they take half the time.
LOTS, BINDINGS, MOVES = (kind.__table__.c for kind in (Lot, Binding, Move))


class Between(NamedTuple):
    """Lots whose ids are these or between them, in the order that the database has."""

    first: str
    last: str


class Whereabouts(NamedTuple):
    """Where a lot was, and which tags speak for it; both by time."""

    stays: list[Stay]
    sources: list[Source]


NOWHERE = Whereabouts([], [])


def whereabouts_of(
    session: Session, tenant: str, lots: Collection[str] | Between | None
) -> dict[str, Whereabouts]:
    """Whereabouts by lot, of each of ``lots``; None: of every lot that has some, and of those
    `Between` two too.

    The number of queries does not grow with the number of lots, but that ids go in portions.
    """
    asked = lots if lots is None or isinstance(lots, Between) else sorted(lots)
    own: dict[str, list[Watch]] = defaultdict(list)
    moves: dict[str, list[Dated]] = defaultdict(list)
    rides: dict[str, list[Ride]] = defaultdict(list)
    for lot, *watch in _rows(session, _bindings(tenant, "lot"), BINDINGS.lot, asked):
        own[lot].append(_watch(*watch))
    moved = select(MOVES.lot, MOVES.at, MOVES.place).where(MOVES.tenant == tenant)
    for lot, at, place in _rows(session, moved, MOVES.lot, asked):
        moves[lot].append((at, place))
    for lot, *leg in _rows(session, _legs(tenant), ShipmentLot.lot, asked):
        rides[lot].append(Ride(*leg))

    stays = {
        lot: whereabouts.stays(moves.get(lot, ()), whereabouts.aboard(rides.get(lot, ())))
        for lot in moves.keys() | rides.keys()
    }
    stood = {stay.place for each in stays.values() for stay in each if stay.place is not None}
    watches: dict[str, list[Watch]] = defaultdict(list)
    bound = _bindings(tenant, "place")
    for place, *watch in _rows(session, bound, BINDINGS.place, asked and sorted(stood)):
        watches[place].append(_watch(*watch))
    found = {}
    for lot in dict.fromkeys((*own, *stays)):
        its = stays.get(lot, [])
        found[lot] = Whereabouts(its, whereabouts.sources(own.get(lot, ()), its, watches))
    if lots is None or isinstance(lots, Between):
        return found
    return {lot: found.get(lot, NOWHERE) for lot in lots}


def pages(
    session: Session,
    tenant: str,
    columns: Sequence[ColumnElement[Any]],
    lots: Collection[str] | None = None,
) -> Iterator[tuple[Between, Sequence[Any]]]:
    """``columns`` of all lots, by their ids, which are the first: some thousands at a time. Of
    ``lots`` alone, where they are given: one at a time."""
    query = select(*columns).where(LOTS.tenant == tenant)
    if lots is not None:
        for lot in sorted(lots):
            if rows := session.execute(query.where(LOTS.id == lot)).all():
                yield Between(lot, lot), rows
        return
    after: str | None = None
    query = query.order_by(LOTS.id).limit(AT_ONCE)
    while rows := session.execute(query if after is None else query.where(LOTS.id > after)).all():
        after = rows[-1][0]
        yield Between(rows[0][0], after), rows


def circumstances_of(
    session: Session,
    tenant: str,
    whereabouts: Mapping[str, Whereabouts],
    between: Between | None = None,
) -> dict[str, tuple[Circumstance, ...]]:
    """What each of these lots, which are all that there are ``between``, is in the middle of."""
    # Of very many one query for all lots is less than portions of theirs.
    asked = between or (sorted(whereabouts) if len(whereabouts) <= AT_ONCE else None)
    shipments = _voyages(session, tenant, asked)
    aboard = select(ShipmentLot.lot, ShipmentLot.shipment).where(ShipmentLot.tenant == tenant)
    shipped: dict[str, list[str]] = defaultdict(list)
    for lot, shipment in _rows(session, aboard, ShipmentLot.lot, asked):
        if shipment in shipments:
            shipped[lot].append(shipment)
    stood = {s.place for where in whereabouts.values() for s in where.stays if s.place is not None}
    rows = _rows(session, _places(tenant), Place.id, sorted(stood))
    places = {id_: (kind, region or "") for id_, kind, region in rows}

    @cache  # of lots that travel together, as most do, it is the same
    def amid(of: tuple[str, ...], stays: tuple[Stay, ...]) -> tuple[Circumstance, ...]:
        stands = [Stand(s.begins, s.ends, *places.get(s.place or "", ("", ""))) for s in stays]
        return circumstances([shipments[shipment] for shipment in of], stands)

    return {
        lot: amid(tuple(shipped.get(lot, ())), tuple(where.stays))
        for lot, where in whereabouts.items()
    }


def sources_of(session: Session, tenant: str, lot: str) -> list[Source]:
    """Which tags speak for a lot, and when."""
    return whereabouts_of(session, tenant, [lot])[lot].sources


def stays_of(session: Session, tenant: str, lot: str) -> list[Stay]:
    """Where a lot was, by time; gaps are times when its place is not known."""
    return whereabouts_of(session, tenant, [lot])[lot].stays


def sources_of_all(session: Session, tenant: str) -> dict[str, list[Source]]:
    """Which tags speak for which lot; lots that no tag ever spoke for are left out."""
    found = whereabouts_of(session, tenant, None)
    return {lot: each.sources for lot, each in found.items() if each.sources}


def lots_in(session: Session, tenant: str, places: Collection[str]) -> set[str]:
    """Lots that were ever moved to one of ``places`` or travelled in one."""
    asked = sorted(places)
    moved = select(Move.lot).where(Move.tenant == tenant).distinct()
    sent = select(ShipmentLot.lot).join(Leg, LEG_OF_LOT).where(ShipmentLot.tenant == tenant)
    found = {lot for (lot,) in _rows(session, moved, Move.place, asked)}
    return found | {lot for (lot,) in _rows(session, sent.distinct(), Leg.place, asked)}


def lots_between(session: Session, tenant: str, sites: Collection[str]) -> set[str]:
    """Lots of shipments with a leg from or to one of ``sites``."""
    query = (
        select(ShipmentLot.lot)
        .join(Leg, LEG_OF_LOT)
        .where(ShipmentLot.tenant == tenant, or_(Leg.origin.in_(sites), Leg.destination.in_(sites)))
    )
    return set(session.scalars(query.distinct()))


def lots_of_tags(session: Session, tenant: str, tags: Collection[str]) -> set[str]:
    """Lots that one of ``tags`` may speak for, by itself or by way of a place."""
    asked = sorted(tags)
    bound = select(Binding.lot, Binding.place).where(Binding.tenant == tenant)
    rows = list(_rows(session, bound, Binding.tag, asked))
    places = {place for _, place in rows if place is not None}
    return {lot for lot, _ in rows if lot is not None} | lots_in(session, tenant, places)


def lots_by_reference(
    session: Session, tenant: str, text: str, limit: int = 100, after: str | None = None
) -> list[LotRecord]:
    """Lots that have ``text`` as one of their references or as their id, by id.

    At most ``limit``, of those that follow the id ``after``. Case, blanks and the way in which
    letters are encoded make no difference.
    """
    name = folded(text)
    if not name:
        return []
    referred = select(Reference.lot).where(Reference.tenant == tenant, Reference.folded == name)
    query = select(Lot.id).where(
        Lot.tenant == tenant, or_(Lot.folded == name, Lot.id.in_(referred))
    )
    if after is not None:
        query = query.where(Lot.id > after)
    ids = session.scalars(query.order_by(Lot.id).limit(limit)).all()
    shape = shapes.SHAPES["lots"]
    found = shapes.load(session, tenant, shape, ids)
    lots = (shapes.record_of(shape, found[id_]) for id_ in ids)
    return [lot for lot in lots if isinstance(lot, LotRecord)]


def holds_on(session: Session, tenant: str, lot: str, at_ms: int) -> list[HoldRecord]:
    """Holds in force at ``at_ms`` on a lot; as `holds_by_lot`."""
    return holds_by_lot(session, tenant, [lot], at_ms)[lot]


def holds_by_lot(
    session: Session, tenant: str, lots: Collection[str], at_ms: int
) -> dict[str, list[HoldRecord]]:
    """Holds in force at ``at_ms`` on each lot, on where it stands, or on a shipment that it is of.

    A lot whose place is not known counts as standing where it last stood: it may still be in the
    container that was fumigated. A fumigation is over when a certificate says so, not when it was
    to end. The number of queries does not grow with the number of lots.
    """
    uncertified = and_(Hold.kind == HoldKind.FUMIGATED, Hold.certificate.is_(None))
    query = select(Hold.id).where(
        Hold.tenant == tenant,
        Hold.begins <= at_ms,
        or_(Hold.ends.is_(None), Hold.ends > at_ms, uncertified),
    )
    ids = session.scalars(query.order_by(Hold.begins, Hold.id)).all()
    if not ids:
        return {lot: [] for lot in lots}
    shape = shapes.SHAPES["holds"]
    found = shapes.load(session, tenant, shape, ids)
    on: dict[tuple[str, str | None], list[int]] = defaultdict(list)  # subject -> its holds
    holds = [shapes.record_of(shape, found[id_]) for id_ in ids]
    records = [hold for hold in holds if isinstance(hold, HoldRecord)]
    for number, hold in enumerate(records):
        for kind in ("lot", "place", "shipment"):
            on[kind, getattr(hold, kind)].append(number)
    return {
        lot: [records[number] for number in sorted({n for one in of for n in on.get(one, ())})]
        for lot, of in _subjects(session, tenant, lots, at_ms).items()
    }


def gas_free(session: Session, tenant: str, lots: Collection[str], at_ms: int) -> dict[str, int]:
    """Lots of which, or of whose place or shipment, a certificate has ended a fumigation by
    ``at_ms``: when that last was, ms."""
    query = select(Hold.lot, Hold.place, Hold.shipment, Hold.ends).where(
        Hold.tenant == tenant,
        Hold.kind == HoldKind.FUMIGATED,
        Hold.certificate.is_not(None),
        Hold.ends <= at_ms,
    )
    ended: dict[tuple[str, str | None], int] = {}
    for lot, place, shipment, ends in session.execute(query.order_by(Hold.ends)):
        for subject in (("lot", lot), ("place", place), ("shipment", shipment)):
            ended[subject] = ends or 0  # which it has, by the query
    if not ended:
        return {}
    subjects = _subjects(session, tenant, lots, at_ms)
    times = {lot: [ended[one] for one in of if one in ended] for lot, of in subjects.items()}
    return {lot: max(own) for lot, own in times.items() if own}


def _subjects(
    session: Session, tenant: str, lots: Collection[str], at_ms: int
) -> dict[str, list[tuple[str, str | None]]]:
    """What a hold on would be one on the lot: itself, where it stands, a shipment that it is of."""
    found: dict[str, list[tuple[str, str | None]]] = {lot: [("lot", lot)] for lot in lots}
    for lot, stay in last_stays(session, tenant, lots, at_ms).items():
        found[lot].append(("place", stay.place))
    shipped = select(ShipmentLot.lot, ShipmentLot.shipment).where(ShipmentLot.tenant == tenant)
    for lot, shipment in _rows(session, shipped, ShipmentLot.lot, sorted(lots)):
        found[lot].append(("shipment", shipment))
    return found


def last_stays(session: Session, tenant: str, lots: Collection[str], at_ms: int) -> dict[str, Stay]:
    """Where each of ``lots`` stands at ``at_ms``, or last stood; without those never seen."""
    found = {}
    for lot, where in whereabouts_of(session, tenant, lots).items():
        for stay in where.stays:
            if stay.begins <= at_ms and stay.place is not None:
                found[lot] = stay
    return found


def watches_of(session: Session, tenant: str, place: str) -> list[Watch]:
    """The tags that were bound to a place."""
    query = _bindings(tenant, "place").where(BINDINGS.place == place)
    return [_watch(*watch) for _, *watch in session.execute(query)]


def unknown_tags(session: Session, tenant: str) -> list[UnknownTag]:
    """Tags that report and are not registered, the newest first; putting one adopts it."""
    query = select(UnknownTag).where(UnknownTag.tenant == tenant)
    return list(session.scalars(query.order_by(UnknownTag.last_seen.desc(), UnknownTag.tag)))


LEG_OF_LOT = and_(Leg.tenant == ShipmentLot.tenant, Leg.shipment == ShipmentLot.shipment)


def _bindings(tenant: str, subject: str) -> Select[*tuple[Any, ...]]:
    """Of tags to a "lot" or to a "place"."""
    to = BINDINGS[subject]
    query = select(to, BINDINGS.tag, BINDINGS.placement, BINDINGS.begins, BINDINGS.ends)
    return query.where(BINDINGS.tenant == tenant, to.is_not(None))


def _legs(tenant: str) -> Select[*tuple[Any, ...]]:
    place = and_(Place.tenant == Leg.tenant, Place.id == Leg.place)
    return (
        select(ShipmentLot.lot, Leg.shipment, Leg.departs, Leg.arrives, Leg.place, Place.kind)
        .join(Leg, LEG_OF_LOT)
        .outerjoin(Place, place)
        .where(ShipmentLot.tenant == tenant)
        .order_by(Leg.departs, Leg.shipment, Leg.number)
    )


def _voyages(
    session: Session, tenant: str, lots: Sequence[str] | Between | None
) -> dict[str, Voyage]:
    """Shipments that have legs: when the first departs, when the last arrives, and the climates
    between; those of ``lots`` alone, if these are named."""
    shipment = and_(Shipment.tenant == Leg.tenant, Shipment.id == Leg.shipment)
    query = (
        select(Leg.shipment, Leg.number, Leg.departs, Leg.arrives, Leg.origin, Leg.destination)
        .add_columns(Shipment.customer)
        .join(Shipment, shipment)
        .where(Leg.tenant == tenant)
    )
    if lots is not None:
        query = query.join(ShipmentLot, LEG_OF_LOT).distinct()
    legs: dict[str, dict[int, Any]] = defaultdict(dict)
    for row in _rows(session, query, ShipmentLot.lot, lots):
        legs[row.shipment][row.number] = row
    climates = normals_of(session, tenant) if legs else {}
    return {shipment: _voyage(list(of.values()), climates) for shipment, of in legs.items()}


def _voyage(legs: Sequence[Any], climates: Mapping[str, Normals]) -> Voyage:
    courses = (
        Course(leg.departs, leg.arrives, climates[leg.origin], climates[leg.destination])
        for leg in legs
        if leg.origin in climates and leg.destination in climates
    )
    return Voyage(
        min(leg.departs for leg in legs),
        max(leg.arrives for leg in legs),
        legs[0].customer is not None,
        tuple(sorted(courses, key=lambda course: course.departs)),
    )


def normals_of(session: Session, tenant: str) -> dict[str, Normals]:
    """The climate normals of the sites that have some."""
    query = select(Site.id, Site.climate).where(Site.tenant == tenant, Site.climate.is_not(None))
    return {site: normals.of_lists(climate) for site, climate in session.execute(query)}


def _places(tenant: str) -> Select[*tuple[Any, ...]]:
    """Each place's kind, and the region of its site."""
    of_site = and_(Site.tenant == Place.tenant, Site.id == Place.site)
    query = select(Place.id, Place.kind, Site.region).outerjoin(Site, of_site)
    return query.where(Place.tenant == tenant)


def _watch(tag: str, placement: str, begins: int, ends: int | None) -> Watch:
    return Watch(tag, placement, begins, FOREVER if ends is None else ends)


def _rows(
    session: Session,
    query: Select[*tuple[Any, ...]],
    column: ColumnElement[Any] | InstrumentedAttribute[Any],
    asked: Sequence[str] | Between | None,
) -> Iterator[Any]:
    """Rows of ``query`` whose ``column`` is one of ``asked``; None: all of them."""
    if isinstance(asked, Between):
        yield from session.execute(query.where(column.between(*asked))).all()  # some thousands
        return
    portions: Iterable[Sequence[str] | None] = [None] if asked is None else shapes.portions(asked)
    for portion in portions:
        yield from session.execute(query if portion is None else query.where(column.in_(portion)))
