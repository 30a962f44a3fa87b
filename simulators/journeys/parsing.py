"""From the sheet of a file to a journey, or to an error with line and remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from simulators.journeys.model import (
    CONTROLS,
    HARMS,
    HOLDS,
    MODES,
    PLACE_KINDS,
    SITE_REGIONS,
    TIERS,
    Change,
    Hold,
    Journey,
    Leg,
    Lot,
    Party,
    Place,
    Shipment,
    Site,
    Stand,
    Weather,
    When,
    Wrap,
)
from simulators.journeys.sheet import Draw, Sheet, read
from simulators.physics.cargo import FORMS, LIGHTEST, PACKAGING
from simulators.physics.enclosure import KINDS

T = TypeVar("T")

Check = Callable[[str, Mapping[str, Any]], None]
"""Of a kind of entry (tags, gateways) and what stands there; raises ValueError if it is wrong."""


def parse(file: Path, text: str, draw: Draw, check: Check) -> Journey:
    """What ``text`` of ``file`` tells, its spans drawn by ``draw``. Raises JourneyError."""
    sheet = read(file, text, draw)
    shipments = tuple(_shipment(key, each) for key, each in sheet.sheets("shipments"))
    journey = Journey(
        key=file.stem,
        kind=sheet.text("kind"),
        title=sheet.text("title"),
        about=sheet.text("about", ""),
        harm=sheet.choice("harm", HARMS),
        starts=_starts(sheet),
        days=sheet.number("days", low=0.5, high=400.0),
        weather=_weather(sheet.sheet("weather")),
        sites=tuple(_site(key, each) for key, each in sheet.sheets("sites")),
        places=tuple(_place(key, each) for key, each in sheet.sheets("places")),
        parties=tuple(_party(key, each) for key, each in sheet.sheets("parties")),
        lots=tuple(_lot(key, each) for key, each in sheet.sheets("lots")),
        shipments=shipments,
        holds=tuple(_hold(each) for _, each in sheet.sheets("holds")),
        tags=_checked(sheet, "tags", check),
        gateways=_checked(sheet, "gateways", check),
        file=file,
        source=text,
    )
    _related(sheet, journey)
    sheet.done()
    return journey


def _starts(sheet: Sheet) -> tuple[int, int, int]:
    text = sheet.text("starts")
    try:
        date, _, hour = text.partition(" ")
        month, day = (int(part) for part in date.split("-"))
        found = (month, day, int(hour or 0))
    except ValueError:
        found = (0, 0, 0)
    if not (1 <= found[0] <= 12 and 1 <= found[1] <= 28 and 0 <= found[2] <= 23):
        sheet.wrong_at("starts", f"{text!r} is no start: write month-day and hour UTC: 01-15 06")
    return found


def _weather(sheet: Sheet | None) -> Weather:
    if sheet is None:
        return Weather(0.0, 0.0, 0.0, 1.0, 1.0)
    found = Weather(
        sheet.number("season_days", 0.0, -180, 180),
        sheet.number("warmer_k", 0.0, -15, 15),
        sheet.number("restless_k", 0.0, 0, 6),
        sheet.number("sun", 1.0, 0, 1.3),
        sheet.number("wind", 1.0, 0, 3),
    )
    sheet.done()
    return found


def _site(key: str, sheet: Sheet) -> Site:
    found = Site(
        key,
        sheet.text("name"),
        sheet.number("latitude", low=-90, high=90),
        sheet.number("longitude", low=-180, high=180),
        sheet.choice("region", SITE_REGIONS),
        sheet.text("timezone"),
        sheet.text("climate"),
    )
    sheet.done()
    return found


def _place(key: str, sheet: Sheet) -> Place:
    dunnage, desiccant = sheet.sheet("dunnage"), sheet.sheet("desiccant")
    found = Place(
        key=key,
        kind=sheet.choice("kind", PLACE_KINDS),
        name=sheet.text("name"),
        site=sheet.text("site") if sheet.has("site") else None,
        box=sheet.choice("box", KINDS),
        leak=sheet.number("leak", 1.0, 0, 100),
        temperature=_perhaps(sheet, "temperature_c"),
        humidity=_perhaps(sheet, "humidity_pct"),
        controls=_controls(sheet.sheet("climate_control")),
        changes=tuple(_change(each) for _, each in sheet.sheets("changes")),
        dunnage_kg=dunnage.number("mass_kg", low=0) if dunnage else 0.0,
        dunnage_pct=dunnage.number("moisture_pct", low=0, high=150) if dunnage else 0.0,
        desiccant_kg=desiccant.number("mass_kg", low=0) if desiccant else 0.0,
        desiccant_load=desiccant.number("load", 0.0, 0, 4) if desiccant else 0.0,
        desiccant_when=_when(desiccant, "from", -1e6) if desiccant else When(0.0),
    )
    for each in (dunnage, desiccant, sheet):
        if each is not None:
            each.done()
    return found


def _controls(sheet: Sheet | None) -> dict[str, float]:
    if sheet is None:
        return {}
    found = {name: sheet.number(name) for name in CONTROLS if sheet.has(name)}
    sheet.done()
    return found


def _change(sheet: Sheet) -> Change:
    found = Change(
        _when(sheet, "at"),
        sheet.number("lasts", low=0) if sheet.has("lasts") else None,
        {name: sheet.number(name) for name in CONTROLS if sheet.has(name)},
    )
    sheet.done()
    if not found.controls:
        sheet.wrong(f"nothing is changed: give one of {', '.join(CONTROLS)}")
    return found


def _when(sheet: Sheet, key: str, default: float | None = None) -> When:
    """Hours, after the start or, with ``since: SHIPMENT arrives``, after that."""
    since = sheet.text("since", "")
    hours = sheet.number(key, 0.0 if since else default)
    if not since:
        return When(hours)
    shipment, _, event = since.partition(" ")
    if event not in ("loads", "departs", "arrives", "unloads"):
        sheet.wrong_at("since", f"{since!r}: write a shipment and loads, departs, arrives, unloads")
    return When(hours, (shipment, event))


def _party(key: str, sheet: Sheet) -> Party:
    limits = ("temperature_min", "temperature_max", "humidity_min", "humidity_max")
    found = Party(
        key,
        sheet.text("name"),
        sheet.choice("tier", TIERS, "standard"),
        {name: sheet.number(name) for name in limits if sheet.has(name)},
    )
    sheet.done()
    return found


def _lot(key: str, sheet: Sheet) -> Lot:
    form = sheet.choice("form", FORMS)
    wool = FORMS[form].wool
    regain = sheet.number("regain_pct", None if wool else 0.0, 0, 60)
    packages = round(sheet.number("packages", low=1, high=10_000))
    net_mass = sheet.number("net_mass_kg", low=1)
    if net_mass / packages < LIGHTEST[wool]:
        least = f"a package has at least {LIGHTEST[wool]:g} kg: take fewer packages"
        sheet.wrong_at("net_mass_kg", least)
    references = sheet.anything("references") or {}
    found = Lot(
        key=key,
        form=form,
        packaging=sheet.choice("packaging", PACKAGING),
        packages=packages,
        net_mass=net_mass,
        regain=regain,
        core_regain=sheet.number("core_regain_pct", regain, 0, 60),
        temperature=_perhaps(sheet, "temperature_c"),
        exposed=sheet.number("exposed", 1.0, 0.05, 1),
        customer=sheet.text("customer"),
        references={
            str(kind): tuple(str(v) for v in (names if isinstance(names, list) else [names]))
            for kind, names in references.items()
        },
        stands=tuple(
            _entry(each, lambda s: Stand(_when(s, "at", 0.0), s.text("place")))
            for _, each in sheet.sheets("stands")
        ),
        wraps=tuple(
            _entry(each, lambda s: Wrap(_when(s, "at"), s.choice("packaging", PACKAGING)))
            for _, each in sheet.sheets("wraps")
        ),
        time_constant_h=_perhaps(sheet, "time_constant_h"),
        contract_regain=_perhaps(sheet, "contract_regain_pct"),
    )
    sheet.done()
    return found


def _shipment(key: str, sheet: Sheet) -> Shipment:
    legs: list[Leg] = []
    for _, each in sheet.sheets("legs"):
        departs = each.number("departs") if not legs else legs[-1].arrives + each.number("waits", 0)
        legs.append(
            Leg(
                each.choice("mode", MODES),
                each.text("from"),
                each.text("to"),
                departs,
                departs + each.number("takes", low=0.1),
                each.flag("offline"),
                each.texts("via"),
            )
        )
        each.done()
    if not legs:
        sheet.wrong("it has no legs: add legs: with mode, from, to, departs and takes")
    unloads = sheet.sheet("unloads")
    found = Shipment(
        key,
        sheet.text("customer"),
        sheet.text("vehicle"),
        sheet.texts("lots"),
        legs[0].departs - sheet.number("loads_before", 0.0, 0),
        tuple(legs),
        legs[-1].arrives + unloads.number("after", 0.0, 0) if unloads else None,
        unloads.text("place") if unloads else None,
    )
    for given in (unloads, sheet):
        if given is not None:
            given.done()
    return found


def _hold(sheet: Sheet) -> Hold:
    subjects = [name for name in ("lot", "place", "shipment") if sheet.has(name)]
    if len(subjects) != 1:
        sheet.wrong("a hold is of one lot, place or shipment: give one of these")
    ends = sheet.sheet("ends")
    found = Hold(
        sheet.choice("kind", HOLDS),
        subjects[0],
        sheet.text(subjects[0]),
        _when(sheet, "begins"),
        _when(ends, "at") if ends else None,
        sheet.text("lifted_by"),
        sheet.text("certificate") if sheet.has("certificate") else None,
    )
    for each in (ends, sheet):
        if each is not None:
            each.done()
    return found


def _entry(sheet: Sheet, made: Callable[[Sheet], T]) -> T:
    found = made(sheet)
    sheet.done()
    return found


def _perhaps(sheet: Sheet, key: str) -> float | None:
    return sheet.number(key) if sheet.has(key) else None


def _checked(sheet: Sheet, key: str, check: Check) -> tuple[Mapping[str, Any], ...]:
    found = []
    for _, each in sheet.sheets(key):
        entry = each.rest()
        try:
            check(key, entry)
        except ValueError as error:
            each.wrong(str(error))
        found.append(entry)
    return tuple(found)


def _related(sheet: Sheet, journey: Journey) -> None:
    """Raise where one entry names another that there is not."""
    known = {
        "site": {s.key for s in journey.sites},
        "place": {p.key for p in journey.places},
        "party": {p.key for p in journey.parties},
        "lot": {lot.key for lot in journey.lots},
        "shipment": {s.key for s in journey.shipments},
    }
    named: list[tuple[str, str, str, str]] = []  # section, entry, kind, name
    whens: list[tuple[str, str, When]] = []
    for place in journey.places:
        named += [("places", place.key, "site", place.site)] if place.site else []
        whens += [("places", place.key, change.when) for change in place.changes]
        whens.append(("places", place.key, place.desiccant_when))
    for lot in journey.lots:
        named.append(("lots", lot.key, "party", lot.customer))
        named += [("lots", lot.key, "place", stand.place) for stand in lot.stands]
        whens += [("lots", lot.key, stand.when) for stand in lot.stands]
        whens += [("lots", lot.key, wrap.when) for wrap in lot.wraps]
    for shipment in journey.shipments:
        entry = ("shipments", shipment.key)
        named += [(*entry, "party", shipment.customer), (*entry, "place", shipment.vehicle)]
        named += [(*entry, "lot", lot) for lot in shipment.lots]
        named += [(*entry, "place", shipment.to)] if shipment.to else []
        for leg in shipment.legs:
            named += [(*entry, "site", leg.origin), (*entry, "site", leg.destination)]
    for hold in journey.holds:
        named.append(("holds", "", hold.subject, hold.key))
        whens += [("holds", "", when) for when in (hold.begins, hold.ends) if when]
    named += [(*when[:2], "shipment", when[2].since[0]) for when in whens if when[2].since]
    for section, entry_key, kind, name in named:
        if name not in known[kind]:
            _missing(sheet, section, entry_key, kind, name, known[kind])
    for lot in journey.lots:
        if not any(journey.hours(stand.when) <= 0.0 for stand in lot.stands):
            _at(sheet, "lots", lot.key).wrong("it stands nowhere at the start: give stands a place")


def _missing(sheet: Sheet, section: str, entry: str, kind: str, name: str, known: set[str]) -> None:
    among = f"use one of {', '.join(sorted(known))}" if known else f"add a {kind} of that name"
    _at(sheet, section, entry).wrong(f"there is no {kind} {name!r}: {among}")


def _at(sheet: Sheet, section: str, entry: str) -> Sheet:
    found = dict(sheet.sheets(section))
    return found.get(entry, sheet)
