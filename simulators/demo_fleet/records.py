"""The demo's world as records to register: plain dicts by kind, with the fields of CSV and API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simulators.demo_fleet import scenario
from simulators.demo_fleet.tags import Tag

Record = dict[str, Any]
HOUR_MS: Final = 3_600_000


def records(start_ms: int, tags: list[Tag]) -> dict[str, list[Record]]:
    """kind -> records, in an order in which each finds what it points to."""
    return {
        "sites": [_site(site) for site in scenario.SITES],
        "places": [_place(place) for place in scenario.PLACES],
        "parties": [
            {"id": p.key, "name": p.name, "tier": p.tier, **p.limits} for p in scenario.PARTIES
        ],
        "tags": [{"id": t.key, "model": t.model, "interval_s": t.interval_s} for t in tags],
        "lots": [_lot(number, lot) for number, lot in enumerate(scenario.LOTS)],
        "bindings": [_binding(tag, start_ms) for tag in tags],
        "moves": [
            {"lot": lot.key, "at": _instant(start_ms, hour), "place": place}
            for lot in scenario.LOTS
            for hour, place in lot.stands
        ],
        "shipments": [_shipment(shipment, start_ms) for shipment in scenario.SHIPMENTS],
        "holds": [_hold(hold, start_ms) for hold in scenario.HOLDS],
    }


def _instant(start_ms: int, hour: float) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start_ms + hour * HOUR_MS)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _site(site: scenario.Site) -> Record:
    return {
        "id": site.key,
        "name": site.name,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "region": site.region,
        "timezone": site.timezone,
    }


def _place(place: scenario.Place) -> Record:
    record: Record = {"id": place.key, "kind": place.kind, "name": place.name}
    return record if place.site is None else record | {"site": place.site}


def _lot(number: int, lot: scenario.Lot) -> Record:
    lead = lot.form == "ingot"
    record: Record = {
        "id": lot.key,
        "commodity": "lead" if lead else "wool",
        "form": lot.form,
        "net_mass_kg": lot.net_mass_kg,
        "packages": lot.packages,
        "packaging": lot.packaging,
        "customer": lot.customer,
        "references": _references(number, lot),
    }
    if lead:
        record["time_constant_h"] = lot.time_constant_h
    else:
        record["contract_regain_pct"] = {"tops": 18.25, "cashmere": 15.0}.get(lot.form, 16.0)
    return record


def _references(number: int, lot: scenario.Lot) -> dict[str, list[str]]:
    names = {"purchase_order": [f"PO 45-{3100 + number // 3}"]}
    if lot.form == "ingot":
        names |= {
            "batch": [f"Melt {lot.key[3:]}/A"],
            "brand": ["BLUE HERON"],
            "grade": ["99.97 %"],
            "certificate": [f"CoA {88000 + number}"],
        }
    else:
        names["bale_mark"] = [f"{lot.key[1]}{lot.key[3:]}/{bale}" for bale in (1, lot.packages)]
    for shipment in scenario.SHIPMENTS:
        if lot.key in shipment.lots:
            names["bill_of_lading"] = [f"BL {shipment.key}"]
            if shipment.leg.vehicle.startswith("container-"):
                names["container"] = [shipment.leg.vehicle.removeprefix("container-")]
    return names


def _binding(tag: Tag, start_ms: int) -> Record:
    record: Record = {
        "id": f"{tag.key}-1",
        "tag": tag.key,
        "placement": tag.placement,
        "begins": _instant(start_ms, scenario.LONG_AGO_H),
    }
    return record | ({"lot": tag.lot} if tag.lot else {"place": tag.place})


def _shipment(shipment: scenario.Shipment, start_ms: int) -> Record:
    leg = shipment.leg
    return {
        "id": shipment.key,
        "customer": shipment.customer,
        "lots": list(shipment.lots),
        "legs": [
            {
                "number": 1,
                "mode": leg.mode,
                "place": leg.vehicle,
                "origin": leg.origin,
                "destination": leg.destination,
                "departs": _instant(start_ms, leg.departs_h),
                "arrives": _instant(start_ms, leg.arrives_h),
                "offline": leg.offline,
            }
        ],
    }


def _hold(hold: scenario.Hold, start_ms: int) -> Record:
    record: Record = {
        "id": f"{hold.kind}-{hold.key}",
        "kind": hold.kind,
        hold.subject: hold.key,
        "begins": _instant(start_ms, hold.begins_h),
        "lifted_by": hold.lifted_by,
    }
    if hold.ends_h is not None:
        record["ends"] = _instant(start_ms, hold.ends_h)
    if hold.certificate is not None:
        record["certificate"] = hold.certificate
    return record
