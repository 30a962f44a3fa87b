"""Where lots are brought: the legs that they go, and the site that they come to next."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from lots import facts
from lots.model import Leg, Place, ShipmentLot, Site
from lots.shapes import portions
from lots.whereabouts import Way


class Stop(NamedTuple):
    """A site, and its time zone."""

    site: str
    timezone: str


def ways_of(session: Session, tenant: str, lots: Collection[str]) -> dict[str, list[Way]]:
    """The legs of each of ``lots``, by time."""
    query = (
        select(ShipmentLot.lot, *(getattr(Leg, name) for name in Way._fields))
        .join(Leg, facts.LEG_OF_LOT)
        .where(ShipmentLot.tenant == tenant)
        .order_by(Leg.arrives, Leg.departs, Leg.shipment, Leg.number)
    )
    found: dict[str, list[Way]] = {lot: [] for lot in lots}
    for part in portions(sorted(lots)):
        for lot, *leg in session.execute(query.where(ShipmentLot.lot.in_(part))):
            found[lot].append(Way(*leg))
    return found


def stops_ahead(
    session: Session, tenant: str, lots: Collection[str], at_ms: int
) -> dict[str, Stop]:
    """Where each of ``lots`` comes to next from ``at_ms`` on, else stands, else went last; without
    those of which none is known."""
    ways, stands = ways_of(session, tenant, lots), _sites(session, tenant, lots, at_ms)
    names = {}
    for lot in lots:
        went = [(way.arrives, way.destination) for way in ways[lot] if way.destination is not None]
        coming = [site for arrives, site in went if arrives > at_ms]
        last = went[-1][1] if went else None
        site = coming[0] if coming else stands.get(lot) or last
        if site is not None:
            names[lot] = site
    zones: dict[str, Stop] = {}
    for part in portions(sorted(set(names.values()))):
        query = select(Site.id, Site.timezone).where(Site.tenant == tenant, Site.id.in_(part))
        zones |= {id_: Stop(id_, zone) for id_, zone in session.execute(query)}
    return {lot: zones[site] for lot, site in names.items()}


def _sites(session: Session, tenant: str, lots: Collection[str], at_ms: int) -> dict[str, str]:
    """The site where each of ``lots`` stands, or last stood, if that is one."""
    places = {
        lot: stay.place
        for lot, stay in facts.last_stays(session, tenant, lots, at_ms).items()
        if stay.place is not None
    }
    sites: dict[str, str] = {}
    for part in portions(sorted(set(places.values()))):
        query = select(Place.id, Place.site).where(Place.tenant == tenant, Place.id.in_(part))
        sites |= {place: site for place, site in session.execute(query) if site is not None}
    return {lot: sites[place] for lot, place in places.items() if place in sites}
