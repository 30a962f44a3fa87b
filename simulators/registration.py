"""A journey's world as records to register: plain dicts by kind, with the fields of CSV and API.

Two registries are told apart: what is believed at first, wrong bindings with it, and the
`Correction`s that somebody makes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from simulators.journeys.model import Hold, Lot, Place, Shipment
from simulators.physics.cargo import FORMS
from simulators.sensors.faults import Misbound
from simulators.voyage import Hung, instant
from simulators.world import World

Record = dict[str, Any]

BEFORE_H: Final = 24.0
"""Since so many hours before the start what stands at the start is known to stand."""
_CONTRACT_REGAIN: Final = {"tops": 18.25, "cashmere": 15.0}
_ANY_CONTRACT: Final = 16.0  # % scoured, AWTA; a choice of ours for the rest


class Correction(NamedTuple):
    """From the true instant ``at``, ms, on the registry has these records of ``kind``."""

    at: int
    kind: str
    records: list[Record]


def records(world: World, tags: Sequence[Hung], tenant: str) -> dict[str, list[Record]]:
    """kind -> records as they are believed at first, in an order in which each finds what it
    points to."""
    journey = world.journey
    return {
        "sites": [
            {
                "id": site.key,
                "name": site.name,
                "latitude": site.latitude,
                "longitude": site.longitude,
                "region": site.region,
                "timezone": site.timezone,
            }
            for site in journey.sites
        ],
        "places": [_place(place) for place in journey.places],
        "parties": [
            {"id": p.key, "name": p.name, "tier": p.tier, **p.limits} for p in journey.parties
        ],
        "tags": [
            {
                "id": each.called(tenant),
                "model": f"{each.device.model.name} (simulated)",
                "interval_s": round(each.device.reporting.interval_s),
            }
            for each in tags
        ],
        "lots": [_lot(lot) for lot in journey.lots],
        "bindings": [_binding(world, each, tenant, corrected=False) for each in tags],
        "moves": [move for lot in journey.lots for move in _moves(world, lot)],
        "shipments": [_shipment(world, shipment) for shipment in journey.shipments],
        "holds": [_hold(world, number, hold) for number, hold in enumerate(journey.holds)],
    }


def corrections(world: World, tags: Iterable[Hung], tenant: str) -> list[Correction]:
    """What is corrected later, by time: the bindings of tags that were bound wrongly."""
    found: dict[int, list[Record]] = {}
    for each in tags:
        wrong = _misbound(each)
        if wrong is not None and wrong.ends is not None:
            record = _binding(world, each, tenant, corrected=True)
            found.setdefault(wrong.ends, []).append(record)
    return [Correction(at, "bindings", found[at]) for at in sorted(found)]


def _misbound(hung: Hung) -> Misbound | None:
    return next((fault for fault in hung.device.faults if isinstance(fault, Misbound)), None)


def _place(place: Place) -> Record:
    record: Record = {"id": place.key, "kind": place.kind, "name": place.name}
    return record if place.site is None else record | {"site": place.site}


def _lot(lot: Lot) -> Record:
    wool = FORMS[lot.form].wool
    record: Record = {
        "id": lot.key,
        "commodity": "wool" if wool else "lead",
        "form": lot.form,
        "net_mass_kg": lot.net_mass,
        "packages": lot.packages,
        "packaging": lot.packaging,
        "customer": lot.customer,
        "references": {kind: list(names) for kind, names in lot.references.items()},
    }
    if wool:
        usual = _CONTRACT_REGAIN.get(lot.form, _ANY_CONTRACT)
        record["contract_regain_pct"] = lot.contract_regain or usual
    elif lot.time_constant_h is not None:
        record["time_constant_h"] = lot.time_constant_h
    return record


def _binding(world: World, hung: Hung, tenant: str, *, corrected: bool) -> Record:
    tag, device = hung.tag, hung.device
    # An air tag's probe is taken for the surface; one in the core makes the tag the core's.
    record: Record = {
        "id": f"{hung.called(tenant)}-1",
        "tag": hung.called(tenant),
        "placement": "core" if tag.probe == "core" else tag.placement,
        "begins": iso(device.begins),
    }
    if device.ends < world.end_ms:
        record["ends"] = iso(device.ends)
    wrong = _misbound(hung)
    lot, place = tag.lot, tag.place
    if wrong is not None and not corrected:
        lot, place = wrong.lot, wrong.place
    return record | ({"lot": lot} if lot is not None else {"place": place})


def _moves(world: World, lot: Lot) -> Iterator[Record]:
    """Where a lot stood from when on: what was told, loaded and unloaded."""
    journey = world.journey
    stays = [(journey.hours(stand.when), stand.place) for stand in lot.stands]
    stays = [(-BEFORE_H if hour == 0.0 else hour, place) for hour, place in stays]
    for shipment in journey.shipments:
        if lot.key in shipment.lots:
            stays.append((shipment.loads, shipment.vehicle))
            if shipment.unloads is not None and shipment.to is not None:
                stays.append((shipment.unloads, shipment.to))
    for hour, place in sorted(dict(stays).items()):
        yield {"lot": lot.key, "at": iso(instant(world, hour)), "place": place}


def _shipment(world: World, shipment: Shipment) -> Record:
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
                "departs": iso(instant(world, leg.departs)),
                "arrives": iso(instant(world, leg.arrives)),
                "offline": leg.offline,
            }
            for number, leg in enumerate(shipment.legs, 1)
        ],
    }


def _hold(world: World, number: int, hold: Hold) -> Record:
    journey = world.journey
    record: Record = {
        "id": f"{hold.kind}-{hold.key}-{number + 1}",
        "kind": hold.kind,
        hold.subject: hold.key,
        "begins": iso(instant(world, journey.hours(hold.begins))),
        "lifted_by": hold.lifted_by,
    }
    if hold.ends is not None:
        record["ends"] = iso(instant(world, journey.hours(hold.ends)))
    if hold.certificate is not None:
        record["certificate"] = hold.certificate
    return record


def iso(ms: int) -> str:
    """An instant, ms since 1970, as ISO 8601 in UTC, to the millisecond."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
