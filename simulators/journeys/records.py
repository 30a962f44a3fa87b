"""A journey's goods as records to register: plain dicts by kind, with the fields of CSV and API.

`simulators.registration` adds the tags and their bindings.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simulators.climate import normals
from simulators.journeys.model import Hold, Journey, Lot, Place, Shipment, Site
from simulators.physics.cargo import FORMS, mean_regain

Record = dict[str, Any]

BEFORE_H: Final = -30 * 24.0
"""Since when lots stand that were there before the start."""


def records(journey: Journey, start_ms: int) -> dict[str, list[Record]]:
    """kind -> records of a drawn journey that starts at ``start_ms``, each after what it names."""
    told = _Told(start_ms)
    return {
        "sites": [_site(site) for site in journey.sites],
        "places": [_place(place) for place in journey.places],
        "parties": [
            {"id": p.key, "name": p.name, "tier": p.tier, **p.limits} for p in journey.parties
        ],
        "lots": [_lot(journey, lot, told) for lot in journey.lots],
        "moves": [move for lot in journey.lots for move in _moves(journey, lot, told)],
        "shipments": [_shipment(shipment, told) for shipment in journey.shipments],
        "holds": [_hold(journey, hold, told) for hold in journey.holds],
    }


class _Told:
    """Hours of the journey as instants, ISO 8601 in UTC."""

    def __init__(self, start_ms: int) -> None:
        self._start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start_ms)

    def at(self, hours: float) -> str:
        """To the second."""
        at = self._start + timedelta(seconds=round(hours * 3600.0))
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _site(site: Site) -> Record:
    return {
        "id": site.key,
        "name": site.name,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "region": site.region,
        "timezone": site.timezone,
        "climate": normals(site.climate),
    }


def _place(place: Place) -> Record:
    record: Record = {"id": place.key, "kind": place.kind, "name": place.name}
    return record if place.site is None else record | {"site": place.site}


def _lot(journey: Journey, lot: Lot, told: _Told) -> Record:
    references = {kind: list(names) for kind, names in lot.references.items()}
    for shipment in journey.shipments:
        if lot.key in shipment.lots:
            references["bill_of_lading"] = [f"BL {shipment.key}"]
            if shipment.vehicle.startswith("container-"):
                references["container"] = [shipment.vehicle.removeprefix("container-")]
    record: Record = {
        "id": lot.key,
        "commodity": "wool" if FORMS[lot.form].wool else "lead",
        "form": lot.form,
        "net_mass_kg": round(lot.net_mass, 1),
        "packages": lot.packages,
        "packaging": lot.packaging,
        "customer": lot.customer,
        "references": references,
    }
    if lot.time_constant_h is not None:
        record["time_constant_h"] = lot.time_constant_h
    if FORMS[lot.form].wool:
        cored = mean_regain(FORMS[lot.form], lot.regain / 100.0, lot.core_regain / 100.0)
        record |= {
            "regain_pct": round(100.0 * cored, 1),
            "weighed": told.at(0),
            "cored": told.at(0),
        }
    if lot.contract_regain is not None:
        record["contract_regain_pct"] = lot.contract_regain
    return record


def _moves(journey: Journey, lot: Lot, told: _Told) -> list[Record]:
    """Where it was put; a shipment says itself when a lot is aboard."""
    found = [
        (max(journey.hours(stand.when), BEFORE_H) if i else BEFORE_H, stand.place)
        for i, stand in enumerate(sorted(lot.stands, key=lambda s: journey.hours(s.when)))
    ]
    found += [
        (s.unloads, s.to)
        for s in journey.shipments
        if lot.key in s.lots and s.unloads is not None and s.to is not None
    ]
    return [{"lot": lot.key, "at": told.at(hour), "place": place} for hour, place in found]


def _shipment(shipment: Shipment, told: _Told) -> Record:
    return {
        "id": shipment.key,
        "customer": shipment.customer,
        "lots": list(shipment.lots),
        "legs": [
            {
                "number": number,
                "mode": leg.mode,
                "place": shipment.vehicle,
                "origin": leg.origin,
                "destination": leg.destination,
                "departs": told.at(leg.departs),
                "arrives": told.at(leg.arrives),
                "offline": leg.offline,
            }
            for number, leg in enumerate(shipment.legs, 1)
        ],
    }


def _hold(journey: Journey, hold: Hold, told: _Told) -> Record:
    record: Record = {
        "id": f"{hold.kind}-{hold.key}",
        "kind": hold.kind,
        hold.subject: hold.key,
        "begins": told.at(journey.hours(hold.begins)),
        "lifted_by": hold.lifted_by,
    }
    if hold.ends is not None:
        record["ends"] = told.at(journey.hours(hold.ends))
    if hold.certificate is not None:
        record["certificate"] = hold.certificate
    return record
