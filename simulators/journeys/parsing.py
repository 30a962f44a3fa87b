"""From the sheet of a file to a journey, or to an error with line and remedy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulators.journeys.model import (
    CONTROLS,
    HARMS,
    HOLDS,
    MODES,
    MOMENTS,
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
from simulators.journeys.relations import (
    Naming,
    require_names_apart,
    require_ways,
    require_what_is_named,
)
from simulators.journeys.sheet import Draw, Sheet, read
from simulators.physics.cargo import FORMS, LIGHTEST, PACKAGING
from simulators.physics.enclosure import KINDS

T = TypeVar("T")

Named = tuple[str, str]
"""A kind (lot, place, site, gateway, event, name) and a name of that kind. One of ``event`` is a
shipment and a moment of it; ``name`` is one that only this entry gives something."""
Check = Callable[[str, Mapping[str, Any]], Iterable[Named]]
"""Of a kind of entry (tags, loggers, gateways, readers) and what stands there: what it names.
Raises ValueError if it is wrong."""

ENTRIES: Final = ("tags", "loggers", "gateways", "readers")
"""The sections that belong to others."""
_HOURS: Final = 100_000.0
_COLDEST, _HOTTEST = -60.0, 90.0  # °C


def parse(file: Path, text: str, draw: Draw, check: Check) -> Journey:
    """What ``text`` of ``file`` tells, its spans drawn by ``draw``. Raises JourneyError."""
    sheet = read(file, text, draw)
    shipments = tuple(_shipment(key, each) for key, each in sheet.sheets("shipments"))
    named: list[Naming] = []
    found = {part: _checked(sheet, part, check, named) for part in ENTRIES}
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
        tags=found["tags"],
        loggers=found["loggers"],
        gateways=found["gateways"],
        readers=found["readers"],
        file=file,
        source=text,
    )
    for part in ("sites", "places", "lots"):
        if not getattr(journey, part):
            sheet.wrong(f"there are no {part}: a journey has one at least")
    require_names_apart(sheet, named)
    require_what_is_named(sheet, journey, named)
    require_ways(sheet, journey)
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
    try:
        ZoneInfo(found.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        said = f"{found.timezone!r} is no time zone: write one such as America/New_York, or UTC"
        sheet.wrong_at("timezone", said)
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
        temperature=_perhaps(sheet, "temperature_c", _COLDEST, _HOTTEST),
        humidity=_perhaps(sheet, "humidity_pct", 1, 100),
        controls=_controls(sheet.sheet("climate_control")),
        changes=tuple(_change(each) for _, each in sheet.sheets("changes")),
        dunnage_kg=dunnage.number("mass_kg", low=0, high=50_000) if dunnage else 0.0,
        dunnage_pct=dunnage.number("moisture_pct", low=0, high=150) if dunnage else 0.0,
        desiccant_kg=desiccant.number("mass_kg", low=0, high=5_000) if desiccant else 0.0,
        desiccant_load=desiccant.number("load", 0.0, 0, 4) if desiccant else 0.0,
        desiccant_when=_when(desiccant, "from", -_HOURS) if desiccant else When(0.0),
    )
    for each in (dunnage, desiccant, sheet):
        if each is not None:
            each.done()
    return found


def _controls(sheet: Sheet | None) -> dict[str, float]:
    if sheet is None:
        return {}
    found = _set(sheet)
    sheet.done()
    return found


def _set(sheet: Sheet) -> dict[str, float]:
    """What of `CONTROLS` a sheet sets."""
    return {
        name: sheet.number(name, low=control.low, high=control.high)
        for name, control in CONTROLS.items()
        if sheet.has(name)
    }


def _change(sheet: Sheet) -> Change:
    found = Change(
        _when(sheet, "at"),
        sheet.number("lasts", low=0, high=_HOURS) if sheet.has("lasts") else None,
        _set(sheet),
    )
    sheet.done()
    if not found.controls:
        sheet.wrong(f"nothing is changed: give one of {', '.join(CONTROLS)}")
    return found


def _when(sheet: Sheet, key: str, default: float | None = None) -> When:
    """Hours, after the start or, with ``since: SHIPMENT arrives``, after that."""
    since = sheet.text("since", "")
    hours = sheet.number(key, 0.0 if since else default, -_HOURS, _HOURS)
    if not since:
        return When(hours)
    shipment, _, event = since.partition(" ")
    if event not in MOMENTS:
        sheet.wrong_at("since", f"{since!r}: write a shipment and {', '.join(MOMENTS)}")
    return When(hours, (shipment, event))


def _party(key: str, sheet: Sheet) -> Party:
    ends = {"temperature": (-100.0, 100.0), "humidity": (0.0, 100.0)}
    limits = {
        f"{name}_{end}": sheet.number(f"{name}_{end}", low=low, high=high)
        for name, (low, high) in ends.items()
        for end in ("min", "max")
        if sheet.has(f"{name}_{end}")
    }
    for name in ends:
        least, most = limits.get(f"{name}_min", -math.inf), limits.get(f"{name}_max", math.inf)
        if least >= most:
            sheet.wrong_at(f"{name}_max", f"{name}_max is not above {name}_min")
    found = Party(key, sheet.text("name"), sheet.choice("tier", TIERS, "standard"), limits)
    sheet.done()
    return found


def _lot(key: str, sheet: Sheet) -> Lot:
    form = sheet.choice("form", FORMS)
    wool = FORMS[form].wool
    regain = sheet.number("regain_pct", None if wool else 0.0, 0, 60)
    packages = round(sheet.number("packages", low=1, high=10_000))
    net_mass = sheet.number("net_mass_kg", low=1, high=1e6)
    if net_mass / packages < LIGHTEST[wool]:
        least = f"a package has at least {LIGHTEST[wool]:g} kg: take fewer packages"
        sheet.wrong_at("net_mass_kg", least)
    references = sheet.anything("references") or {}
    if not isinstance(references, dict):
        sheet.wrong_at("references", "references are named: write {purchase_order: PO 45-3101}")
    found = Lot(
        key=key,
        form=form,
        packaging=sheet.choice("packaging", PACKAGING),
        packages=packages,
        net_mass=net_mass,
        regain=regain,
        core_regain=sheet.number("core_regain_pct", regain, 0, 60),
        temperature=_perhaps(sheet, "temperature_c", _COLDEST, _HOTTEST),
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
        time_constant_h=_perhaps(sheet, "time_constant_h", 0.01, 10_000),
        contract_regain=_perhaps(sheet, "contract_regain_pct", 0.1, 50),
    )
    sheet.done()
    return found


def _shipment(key: str, sheet: Sheet) -> Shipment:
    legs: list[Leg] = []
    for _, each in sheet.sheets("legs"):
        if legs:
            departs = legs[-1].arrives + each.number("waits", 0, 0, _HOURS)
        else:
            departs = each.number("departs", low=-_HOURS, high=_HOURS)
        legs.append(
            Leg(
                each.choice("mode", MODES),
                each.text("from"),
                each.text("to"),
                departs,
                departs + each.number("takes", low=0.1, high=_HOURS),
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
        legs[0].departs - sheet.number("loads_before", 0.0, 0, _HOURS),
        tuple(legs),
        legs[-1].arrives + unloads.number("after", 0.0, 0, _HOURS) if unloads else None,
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


def _perhaps(sheet: Sheet, key: str, low: float, high: float) -> float | None:
    return sheet.number(key, low=low, high=high) if sheet.has(key) else None


def _checked(
    sheet: Sheet, section: str, check: Check, named: list[Naming]
) -> tuple[Mapping[str, Any], ...]:
    """The entries of a section; what they name goes to ``named``."""
    found = []
    for key, each in sheet.sheets(section):
        entry = each.rest()
        try:
            named += [Naming(section, key, kind, name) for kind, name in check(section, entry)]
        except ValueError as error:
            each.wrong(str(error))
        found.append(entry)
    return tuple(found)
