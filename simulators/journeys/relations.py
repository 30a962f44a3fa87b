"""What the entries of a journey's file have to do with each other, and an error where that cannot
be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from simulators.journeys.model import MOMENTS, Journey, When
from simulators.journeys.sheet import Sheet


class Naming(NamedTuple):
    """An entry of the file that names another: ``kind`` and ``name`` of that. Of the kind ``name``
    is one that the entry gives itself or another device."""

    section: str
    entry: str
    kind: str
    name: str


def require_names_apart(sheet: Sheet, named: Iterable[Naming]) -> None:
    """Raise JourneyError where two entries give the same name."""
    given = set[str]()
    for each in named:
        if each.kind == "name" and each.name in given:
            twice = f"{each.name} is there twice: give one of them another id"
            _at(sheet, each.section, each.entry).wrong(twice)
        given |= {each.name} if each.kind == "name" else set()


def require_what_is_named(sheet: Sheet, journey: Journey, named: Iterable[Naming]) -> None:
    """Raise JourneyError where an entry names what there is not."""
    known = {
        "event": {f"{s.key} {moment}" for s in journey.shipments for moment in MOMENTS},
        "gateway": {str(entry.get("id")) for entry in journey.gateways},
        "site": {s.key for s in journey.sites},
        "place": {p.key for p in journey.places},
        "party": {p.key for p in journey.parties},
        "lot": {lot.key for lot in journey.lots},
        "shipment": {s.key for s in journey.shipments},
    }
    for section, entry, kind, name in (*named, *_names(journey)):
        if kind != "name" and name not in known[kind]:
            there = ", ".join(sorted(known[kind]))
            among = f"use one of {there}" if there else f"add a {kind} of that name"
            _at(sheet, section, entry).wrong(f"there is no {kind} {name!r}: {among}")


def require_ways(sheet: Sheet, journey: Journey) -> None:
    """Raise JourneyError where a lot is nowhere at first, or what stands is told to travel."""
    for lot in journey.lots:
        if not any(journey.hours(stand.when) <= 0.0 for stand in lot.stands):
            _at(sheet, "lots", lot.key).wrong("it stands nowhere at the start: give stands a place")
    travels = {shipment.vehicle for shipment in journey.shipments}
    for place in journey.places:
        here = _at(sheet, "places", place.key)
        if place.key in travels and place.kind not in ("vehicle", "container"):
            here.wrong_at("kind", "a shipment travels in it: it is a vehicle or a container")
        if place.site is not None and (place.kind == "vehicle" or place.key in travels):
            here.wrong_at("site", "it travels, and has no site of its own: take site out")


def _names(journey: Journey) -> Iterator[Naming]:
    """What places, lots, shipments and holds name."""
    for place in journey.places:
        of = partial(Naming, "places", place.key)
        yield from (of("site", site) for site in (place.site,) if site is not None)
        changes = (change.when for change in place.changes)
        yield from (of("event", event) for event in _events(*changes, place.desiccant_when))
    for lot in journey.lots:
        of = partial(Naming, "lots", lot.key)
        yield of("party", lot.customer)
        yield from (of("place", stand.place) for stand in lot.stands)
        whens = [*(stand.when for stand in lot.stands), *(wrap.when for wrap in lot.wraps)]
        yield from (of("event", event) for event in _events(*whens))
    for shipment in journey.shipments:
        of = partial(Naming, "shipments", shipment.key)
        yield of("party", shipment.customer)
        yield from (of("place", key) for key in (shipment.vehicle, shipment.to) if key is not None)
        yield from (of("lot", lot) for lot in shipment.lots)
        for leg in shipment.legs:
            yield from (of("site", leg.origin), of("site", leg.destination))
    for i, hold in enumerate(journey.holds):
        of = partial(Naming, "holds", str(i))
        yield of(hold.subject, hold.key)
        yield from (of("event", event) for event in _events(hold.begins, hold.ends))


def _events(*whens: When | None) -> Iterator[str]:
    for when in whens:
        if when is not None and when.since is not None:
            yield " ".join(when.since)


def _at(sheet: Sheet, section: str, entry: str) -> Sheet:
    found = dict(sheet.sheets(section))
    return found.get(entry, sheet)
