"""From a drawn journey to what the physics works on: its records, by steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.journeys.model import CONTROLS, Journey, Lot, Place
from simulators.journeys.outside import Outside
from simulators.physics import cargo
from simulators.physics.air import saturation
from simulators.physics.enclosure import (
    KINDS,
    conditions,
    desiccant,
    dunnage,
    enclosure,
    floor,
    wood_moisture,
)
from simulators.physics.state import CONDITIONS, ENCLOSURE, LOT, SORBER, STAY, Records

Floats = NDArray[np.float64]

SETTLING_H: Final = 48
"""Hours before the start in which all that the journey does not tell of comes to what the weather
makes of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """What `kernel.advance` takes, from ``settling_steps`` before the start on."""

    settling_steps: int
    weather: Floats
    enclosures: Records
    conditions: Records
    sorbers: Records
    told: NDArray[np.bool_]  # of the sorbers, whose water the journey tells
    lots: Records
    settles: NDArray[np.bool_]  # lots whose temperature it leaves to the weather before
    stays: Records


def build(journey: Journey, seed: int, step_s: float) -> Build:
    """The records of ``journey``, which ``seed`` has drawn, for steps of ``step_s`` seconds."""
    hours = SETTLING_H + math.ceil(journey.days * 24.0)
    outside = Outside(journey, seed, -SETTLING_H, hours + 3)
    weather = np.ascontiguousarray([outside.of(place) for place in journey.places])

    def step_of(hour: float) -> int:
        return round((hour + SETTLING_H) * 3600.0 / step_s)

    boxes, rules, heaps = [], [], []
    told: list[bool] = []
    for i, place in enumerate(journey.places):
        kind = KINDS[place.box]
        t = _first_t(place, weather[i])
        humidity = place.humidity
        vapour = (
            float(weather[i, 0, 1]) if humidity is None else humidity / 100.0 * float(saturation(t))
        )
        vapour = min(vapour, 0.95 * float(saturation(t)))
        boxes.append(enclosure(kind, t, vapour, outside.yearly_mean(place)))
        rules.append(_rules(journey, place, outside, step_of))
        heaps.append(floor(kind, i, wood_moisture(t, vapour)))
        if place.dunnage_kg:
            heaps.append(dunnage(i, place.dunnage_kg, place.dunnage_pct / 100.0))
        if place.desiccant_kg:
            since = step_of(max(journey.hours(place.desiccant_when), 0.0))
            heaps.append(desiccant(i, place.desiccant_kg, since, place.desiccant_load))
        told += [n > 0 for n in range(len(heaps) - len(told))]  # all but the floor
    return Build(
        settling_steps=step_of(0.0),
        weather=weather,
        enclosures=np.array(boxes, ENCLOSURE),
        conditions=_table(rules, CONDITIONS),
        sorbers=np.array(heaps, SORBER),
        told=np.array(told),
        lots=np.array([_lot(journey, lot, weather) for lot in journey.lots], LOT),
        settles=np.array([lot.temperature is None for lot in journey.lots]),
        stays=_table([_stays(journey, lot, step_of) for lot in journey.lots], STAY),
    )


def _first_t(place: Place, weather: Floats) -> float:
    """°C of a place at first: as told, else the first day's mean outside, within its thermostat."""
    if place.temperature is not None:
        return place.temperature
    mean = float(np.cumsum(weather[:24, 0])[-1] / 24.0)
    return min(
        max(mean, place.controls.get("heat_to_c", -100.0)), place.controls.get("cool_to_c", 100.0)
    )


def _rules(
    journey: Journey, place: Place, outside: Outside, step_of: Callable[[float], int]
) -> list[Records]:
    """Rows of `CONDITIONS`: a new one whenever anything is set, begins or ends."""
    spans: list[tuple[float, float, str, float]] = []
    for change in place.changes:
        begins = journey.hours(change.when)
        ends = math.inf if change.lasts is None else begins + change.lasts
        spans += [(begins, ends, name, value) for name, value in change.controls.items()]
    for shipment in journey.shipments:
        if shipment.vehicle == place.key:
            moves = [*outside.driving(shipment), (math.inf, 0.0)]
            spans += [
                (begins, ends, "driving_m_s", speed)
                for (begins, speed), (ends, _) in pairwise(moves)
            ]
    edges = sorted({-math.inf, *(s[0] for s in spans), *(s[1] for s in spans)} - {math.inf})
    rows = []
    for edge in edges:
        row = conditions(KINDS[place.box], place.leak)
        row["since"] = 0 if edge == -math.inf else max(step_of(edge), 0)
        settings = dict(place.controls)
        settings.update(
            (name, value) for begins, ends, name, value in spans if begins <= edge < ends
        )
        for name, value in settings.items():
            control = CONTROLS[name]
            row[control.column] = value * control.factor
        rows.append(row)
    return rows


def _lot(journey: Journey, lot: Lot, weather: Floats) -> Any:
    form = cargo.FORMS[lot.form]
    regains = lot.regain / 100.0, lot.core_regain / 100.0
    dry_kg = lot.net_mass / (1.0 + cargo.mean_regain(form, *regains)) / lot.packages
    first = min(lot.stands, key=lambda stand: journey.hours(stand.when)).place
    i = [place.key for place in journey.places].index(first)
    t = _first_t(journey.places[i], weather[i]) if lot.temperature is None else lot.temperature
    return cargo.lot(form, dry_kg, lot.packages, t, *regains, exposed=lot.exposed)


def _stays(journey: Journey, lot: Lot, step_of: Callable[[float], int]) -> list[Records]:
    """Rows of `STAY`: a new one whenever the lot is moved, loaded, unloaded, wrapped or opened."""
    places = [place.key for place in journey.places]
    moves = [(journey.hours(stand.when), stand.place) for stand in lot.stands]
    for shipment in journey.shipments:
        if lot.key in shipment.lots:
            moves.append((shipment.loads, shipment.vehicle))
            if shipment.unloads is not None and shipment.to is not None:
                moves.append((shipment.unloads, shipment.to))
    moves.sort(key=lambda move: move[0])
    wraps = sorted((journey.hours(wrap.when), wrap.packaging) for wrap in lot.wraps)
    rows: list[Records] = []
    for edge in sorted({moves[0][0], *(m[0] for m in moves), *(w[0] for w in wraps)}):
        place = [key for at, key in moves if at <= edge][-1] if edge >= moves[0][0] else moves[0][1]
        packaging = [name for at, name in wraps if at <= edge][-1:] or [lot.packaging]
        row = np.zeros(1, STAY)[0]
        row["since"] = max(step_of(edge), 0) if rows else 0
        row["enclosure"] = places.index(place)
        row["barrier"] = cargo.PACKAGING[packaging[0]].barrier
        row["rain"] = cargo.PACKAGING[packaging[0]].rain
        rows.append(row)
    return rows


def _table(lines: list[list[Records]], kind: np.dtype[np.void]) -> Records:
    """(lines, longest) rows; the last of a line is repeated, and never its turn again."""
    longest = max(len(line) for line in lines)
    found = np.zeros((len(lines), longest), kind)
    for i, line in enumerate(lines):
        for j in range(longest):
            found[i, j] = line[min(j, len(line) - 1)]
    return found
