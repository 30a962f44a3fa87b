"""What the rules ask of the registry: the lots' facts, their history, and what restrains them."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Insert, func, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lots import climate, facts
from lots.calibration import corrections_of
from lots.circumstances import UNKNOWN, Circumstance
from lots.climate import LotKey, Samples
from lots.clock import DAY_MS, HOUR_MS
from lots.model import Leg, Lot, LotNow, Party, Place, ShipmentLot, Tag
from lots.readings.batch import TagKey
from lots.readings.store import ReadingHistory
from lots.shapes import portions
from lots.terms import Commodity, Form, PlaceKind
from lots.whereabouts import Source, without
from rules import wool
from rules.knowledge import Box, Restraint
from rules.state import NO_LIMITS, Limits, LotFacts, Said, Watched

HOUR_S = 3600
"""How often a tag measures, where nothing else is said."""

AHEAD_MS = 7 * DAY_MS
"""A reading is a day ahead at most, of a clock that may have been set back since."""


def lot_facts(
    session: Session, tenant: str, lots: Collection[str] | None = None
) -> Iterator[tuple[LotKey, LotFacts]]:
    """The facts of all lots of ``tenant``, or of those of ``lots``, by lot."""
    for said in lots_said(session, tenant, lots):
        for lot, number, watched in zip(said.lots, said.of, said.watched, strict=True):
            yield LotKey(tenant, lot), replace(said.facts[number], lot=lot, watched=watched)


def lots_said(session: Session, tenant: str, lots: Collection[str] | None = None) -> Iterator[Said]:
    """The facts of all lots of ``tenant``, or of those of ``lots``, read some thousands at a time;
    of lots that are alike, as most are, they are made once."""
    intervals = _intervals(session, tenant)
    parties = {p.id: p for p in session.scalars(select(Party).where(Party.tenant == tenant))}
    offline = _offline_legs(session, tenant)
    columns = [facts.LOTS[name] for name in ("id", *_COMMON, *_WEIGHED)]
    for between, rows in facts.pages(session, tenant, columns, lots):
        whereabouts = facts.whereabouts_of(session, tenant, between)
        circumstances = facts.circumstances_of(session, tenant, whereabouts, between)
        said, alike = Said([], [], [], []), dict[Hashable, int]()
        for row in rows:
            lot, common = row[0], row[1 : 1 + len(_COMMON)]
            sources = whereabouts.get(lot, facts.NOWHERE).sources
            weighed = tuple(_weighed(row).items())
            slowest = max([intervals[source.tag] for source in sources], default=HOUR_S)
            amid = circumstances.get(lot, UNKNOWN)
            number = alike.setdefault((common, weighed, slowest, amid), len(said.facts))
            if number == len(said.facts):
                party = parties.get(row.customer)
                said.facts.append(_facts(tenant, row, party, weighed, slowest, amid))
            said.lots.append(lot)
            said.of.append(number)
            said.watched.append(_watched(sources, offline.get(lot, ())))
        yield said


def _watched(sources: Iterable[Source], offline: Sequence[tuple[int, int]]) -> Watched:
    if not offline:
        return tuple([(source.begins, source.ends) for source in sources])
    return tuple(
        span for source in sources for span in without(source.begins, source.ends, offline)
    )


_COMMON = (
    "commodity", "form", "packaging", "time_constant_h", "contract_regain_pct", "customer",
)  # fmt: skip
"""Columns of a lot in which many are alike."""
_WEIGHED = ("net_mass_kg", "weighed", "regain_pct", "cored")


TagNames = Mapping[LotKey, Mapping[int, str]]
"""By `climate.tag_number`."""


def tag_names(session: Session, keys: Iterable[LotKey]) -> TagNames:
    """The names of the tags that ever spoke for each of these lots."""
    lots: dict[str, set[str]] = {}
    for key in keys:
        lots.setdefault(key.tenant, set()).add(key.lot)
    return {
        LotKey(tenant, lot): {
            climate.tag_number(TagKey(tenant, source.tag)): source.tag for source in where.sources
        }
        for tenant, of in lots.items()
        for lot, where in facts.whereabouts_of(session, tenant, of).items()
    }


class Intervals(dict[str, int]):
    """How often each tag measures, s: of most, which are not named, ``usual``."""

    def __init__(self, usual: int, others: Iterable[tuple[str, int]]) -> None:
        super().__init__(others)
        self._usual = usual

    def __missing__(self, tag: str) -> int:
        return self._usual


def _intervals(session: Session, tenant: str) -> Intervals:
    own = Tag.tenant == tenant
    most = select(Tag.interval_s).where(own).group_by(Tag.interval_s).order_by(func.count().desc())
    usual = session.scalars(most.limit(1)).first() or HOUR_S
    others = select(Tag.id, Tag.interval_s).where(own, Tag.interval_s != usual)
    return Intervals(usual, ((tag, interval) for tag, interval in session.execute(others)))


def _offline_legs(session: Session, tenant: str) -> dict[str, list[tuple[int, int]]]:
    """lot -> the spans (ms) in which it is on a leg without a network: silence is normal there."""
    query = (
        select(ShipmentLot.lot, Leg.departs, Leg.arrives)
        .join(Leg, (Leg.tenant == ShipmentLot.tenant) & (Leg.shipment == ShipmentLot.shipment))
        .where(ShipmentLot.tenant == tenant, Leg.offline)
    )
    found: dict[str, list[tuple[int, int]]] = {}
    for lot, departs, arrives in session.execute(query):
        found.setdefault(lot, []).append((departs, arrives))
    return found


def _facts(
    tenant: str,
    lot: Any,
    party: Party | None,
    weighed: Iterable[tuple[str, Any]],
    interval_s: int,
    circumstances: tuple[Circumstance, ...],
) -> LotFacts:
    return LotFacts(
        tenant=tenant,
        lot=lot.id,
        commodity=lot.commodity,
        form=lot.form,
        time_constant_h=lot.time_constant_h,
        contract_regain=_or(lot.contract_regain_pct, math.nan),
        **dict(weighed),
        packaging=lot.packaging or "",
        interval_ms=interval_s * 1000,
        limits=_limits(party) if party else NO_LIMITS,
        customer=lot.customer or "",
        circumstances=circumstances,
    )


def _weighed(lot: Any) -> dict[str, Any]:
    """What is known of a lot of wool that was cored, and of one that was weighed then too."""
    if lot.commodity != Commodity.WOOL or lot.regain_pct is None or lot.cored is None:
        return {}
    found: dict[str, Any] = {"cored": lot.cored, "cored_regain": lot.regain_pct}
    if lot.weighed is not None and abs(lot.weighed - lot.cored) <= wool.TOGETHER_H * HOUR_MS:
        found["dry_mass"] = float(wool.dry_mass(lot.net_mass_kg, lot.regain_pct))
        if lot.contract_regain_pct is not None and lot.form != Form.GREASY:
            found["invoice_mass"] = wool.invoice_mass(
                lot.net_mass_kg, lot.weighed / HOUR_MS, lot.regain_pct, lot.cored / HOUR_MS,
                lot.contract_regain_pct, lot.form,
            )  # fmt: skip
    return found


def _limits(party: Party) -> Limits:
    return Limits(
        _or(party.temperature_min, -math.inf),
        _or(party.temperature_max, math.inf),
        _or(party.humidity_min, -math.inf),
        _or(party.humidity_max, math.inf),
    )


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def history(
    session: Session, store: ReadingHistory, key: LotKey, begins: int, now: int
) -> Iterator[Samples]:
    """All samples of a lot from ``begins`` (ms) on, by windows; raises what ``store`` does."""
    sources = facts.whereabouts_of(session, key.tenant, [key.lot])[key.lot].sources
    of_tags = corrections_of(session, key.tenant, {source.tag for source in sources})
    corrections = {TagKey(key.tenant, tag): found for tag, found in of_tags.items()}
    return climate.of_lot(store, key, sources, corrections, begins, now + AHEAD_MS)


class Goods(NamedTuple):
    """What a lot is."""

    commodity: str
    form: str


class Restrained(NamedTuple):
    """What holds a lot, and what is known of the box that it is in."""

    by: list[Restraint]
    box: Box


def restrained(
    session: Session, tenant: str, lots: Collection[str], at: int
) -> dict[str, Restrained]:
    """What restrains each of ``lots`` at ``at`` (ms).

    As `facts.holds_by_lot` has it: a lot whose place is not known may still be where it last stood.
    A box is free of gas where a certificate said so while the lot was in it.
    """
    holds = facts.holds_by_lot(session, tenant, lots, at)
    stays = facts.last_stays(session, tenant, lots, at)
    closed = select(Place.id).where(
        Place.tenant == tenant, Place.kind.in_((PlaceKind.CONTAINER, PlaceKind.VEHICLE))
    )
    boxes = set(session.scalars(closed)) if stays else set()
    certified = facts.gas_free(session, tenant, lots, at) if boxes else {}

    def box(lot: str) -> Box:
        if lot not in stays:
            return Box.UNKNOWN
        stay = stays[lot]
        if stay.place not in boxes or certified.get(lot, stay.begins) > stay.begins:
            return Box.NONE
        return Box.CLOSED

    return {
        lot: Restrained([Restraint(hold.kind, hold.lifted_by) for hold in holds[lot]], box(lot))
        for lot in lots
    }


def goods(session: Session, keys: Collection[LotKey]) -> dict[LotKey, Goods]:
    """What those of ``keys`` are that the registry still has."""
    by_tenant: dict[str, list[str]] = {}
    for key in keys:
        by_tenant.setdefault(key.tenant, []).append(key.lot)
    found = {}
    for tenant, ids in by_tenant.items():
        for part in portions(ids):
            query = select(Lot.id, Lot.commodity, Lot.form).where(
                Lot.tenant == tenant, Lot.id.in_(part)
            )
            for lot, commodity, form in session.execute(query):
                found[LotKey(tenant, lot)] = Goods(commodity, form)
    return found


def newest(session: Session, keys: Collection[LotKey]) -> dict[LotKey, int]:
    """The newest reading (ms) of each of ``keys`` that was shown."""
    found: dict[LotKey, int] = {}
    for part in portions(sorted(keys)):
        tenants, lots = {key.tenant for key in part}, {key.lot for key in part}
        query = select(LotNow.tenant, LotNow.lot, LotNow.at).where(
            LotNow.tenant.in_(tenants), LotNow.lot.in_(lots)
        )
        found |= {LotKey(tenant, lot): at for tenant, lot, at in session.execute(query)}
    return found


def show(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what is known now of lots that the registry has: ``rows`` of `LotNow`."""
    query = _shown(session.get_bind().dialect.name)
    for part in portions(rows):
        session.execute(query, list(part))


@cache
def _shown(dialect: str) -> Insert:
    """Made once: it is executed every second, and leaves garbage in cycles when it is made."""
    new = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(LotNow)
    keys = inspect(LotNow).primary_key
    told = {c.name: new.excluded[c.name] for c in LotNow.__table__.columns if c not in set(keys)}
    return new.on_conflict_do_update(index_elements=list(keys), set_=told)
