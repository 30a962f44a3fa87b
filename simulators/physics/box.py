"""An enclosure in a step, for the loop: its air, then all that is in and around it.

The air is worked out implicitly (it has hardly any capacity), from walls and goods as they were;
then each of them takes exactly the heat and the vapour that the air gave, so that neither is made
nor lost. Skins of roof and walls are implicit in themselves, so that steel may be as thin as it is.
The rest is explicit: nothing in it is quicker than a minute.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.compiled import compiled
from simulators.physics.air import (
    DENSITY,
    GAS,
    HEAT,
    KELVIN,
    latent_,
    radiates_,
    saturation_,
    saturation_of_surface_,
    transfer_,
)
from simulators.physics.film import freeze_, settle_
from simulators.physics.goods import collect_, open_, run_off_, take_
from simulators.physics.state import Records

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TABLE: Final = 400
"""Rows of a sorber's curve, from 0 to `TABLE_END` kg/kg."""
TABLE_END: Final = 4.0
WALL_SUN: Final = 0.45  # of a level surface's, the mean of four walls over a day: design choice
WALL_SKY: Final = 0.5
_GRAVITY: Final = 9.81
_DISCHARGE: Final = 0.6  # of a doorway
_DOOR_WIND: Final = 0.025  # of the wind over a doorway that goes in: Warren (1977), one-sided
_EMITS: Final = 0.9  # paint, wood, concrete


@compiled
def enclosed_(
    box: Any, here: Any, now: Floats, sorbers: Records, curves: Floats, lots: Records,
    stays: Records, stay: Ints, e: int, step: int, dt: float,
) -> None:  # fmt: skip
    """One step of enclosure ``e`` and of the lots that stand in it."""
    _air_heat(box, here, now, lots, stays, stay, e, dt)
    for i in range(len(lots)):
        if stays[i, stay[i]].enclosure == e:
            open_(lots[i], stays[i, stay[i]], here.h, _pressure(box))
    for j in range(len(sorbers)):
        if sorbers[j].enclosure == e and sorbers[j].since <= step:
            _open_sorber(sorbers[j], curves, box)
    p = _air_vapour(box, here, now, sorbers, lots, stays, stay, e, step, dt)
    roof_heat, wall_heat = _settle_on_walls(box, p, dt)
    floor_heat = _share_with_lots(box, p, lots, stays, stay, e, dt)
    floor_heat += _share_with_sorbers(box, p, sorbers, e, step, dt)
    _humidity_control(box, here, dt)
    to_floor = _mist(box) + dt * here.wetting
    box.water_in += dt * here.wetting
    _roof(box, here, roof_heat, now, dt)
    _walls(box, here, wall_heat, now, dt)
    _floor(box, here, floor_heat, now, dt)
    to_floor += _drip(box, lots, stays, stay, e)
    for j in range(len(sorbers)):
        if sorbers[j].enclosure == e:
            sorbers[j].u_outer += to_floor / sorbers[j].outer  # its floor comes first
            break


@compiled
def _pressure(box: Any) -> float:
    """Pa of the vapour in the air."""
    return float(box.vapour * GAS * (box.air_t + KELVIN) / box.volume)


@compiled
def _air_changes(box: Any, here: Any, outside_t: float, wind: float) -> float:
    """1/h: by leaks (wind and stack), by fans, and through an open door (stack and wind)."""
    apart = abs(box.air_t - outside_t)
    changes = here.leak + here.leak_wind * wind + here.leak_stack * math.sqrt(apart) + here.vent
    if here.door_area > 0.0:
        stack = math.sqrt(_GRAVITY * here.door_height * apart / (box.air_t + KELVIN))
        flow = here.door_area * (_DISCHARGE / 3.0 * stack + _DOOR_WIND * wind)
        changes += 3600.0 * flow / box.volume
    return float(changes)


@compiled
def _air_heat(
    box: Any, here: Any, now: Floats, lots: Records, stays: Records, stay: Ints, e: int, dt: float
) -> None:
    """The air's temperature, and the mean that all in the box radiate to."""
    box.changes = _air_changes(box, here, now[0], here.wind * now[5] + here.driving)
    capacity = DENSITY * HEAT * box.volume / dt
    carried = DENSITY * HEAT * box.changes / 3600.0 * box.volume
    box.radiates = radiates_(_EMITS, box.air_t)
    area = box.roof_area + box.wall_area + box.floor_area
    warm = box.roof_area * box.roof_ti + box.wall_area * box.wall_ti + box.floor_area * box.floor_t
    given, taken = here.h * warm, here.h * area
    radiant, radiating = box.radiates * warm, box.radiates * area
    for i in range(len(lots)):
        if stays[i, stay[i]].enclosure == e:
            lot = lots[i]
            area = lot.top + lot.side
            lot.meets = area / (1.0 / here.h + lot.half_layer)
            emits = box.radiates / _EMITS * lot.emits
            lot.beams = area * emits / (1.0 + lot.half_layer * emits)
            given += lot.units * lot.meets * lot.t[0]
            taken += lot.units * lot.meets
            radiant += lot.units * lot.beams * lot.t[0]
            radiating += lot.units * lot.beams
    box.radiant = radiant / radiating
    top = capacity * box.air_t + carried * now[0] + given
    box.air_t, box.power = _regulated(top, capacity + carried + taken, here)
    box.met_t = box.air_t
    box.heat_in += dt * (carried * (now[0] - box.air_t) + box.power)


@compiled
def _regulated(top: float, bottom: float, here: Any) -> tuple[float, float]:
    """The air's temperature, and the W of a heater (positive) or cooler that hold it so."""
    free = top / bottom
    if here.heater > 0.0 and free < here.heat_to:
        power = min(here.heat_to * bottom - top, here.heater)
        return (top + power) / bottom, power
    if here.cooler > 0.0 and free > here.cool_to:
        power = min(top - here.cool_to * bottom, here.cooler)
        return (top - power) / bottom, -power
    return free, 0.0


@compiled
def _open_walls(box: Any, here: Any) -> None:
    """kg/(s Pa) of roof and walls, where there is or comes a film, and of a running cooler."""
    p = _pressure(box)
    box.roof_p = saturation_of_surface_(box.roof_ti)
    box.wall_p = saturation_of_surface_(box.wall_ti)
    box.roof_g = box.wall_g = box.coil_g = box.coil_p = 0.0
    if box.roof_water + box.roof_ice > 0.0 or p >= box.roof_p:
        box.roof_g = box.roof_area * transfer_(here.h, box.roof_ti)
    if box.wall_water + box.wall_ice > 0.0 or p >= box.wall_p:
        box.wall_g = box.wall_area * transfer_(here.h, box.wall_ti)
    if box.power < 0.0:
        box.coil_p = saturation_of_surface_(here.coil_t)
        if p > box.coil_p:
            # As much vapour as heat, by Lewis.
            carries = DENSITY * HEAT * max(box.air_t - here.coil_t, 1.0)
            box.coil_g = -box.power / carries / (GAS * (box.air_t + KELVIN))


@compiled
def _air_vapour(
    box: Any, here: Any, now: Floats, sorbers: Records, lots: Records, stays: Records, stay: Ints,
    e: int, step: int, dt: float,
) -> float:  # fmt: skip
    """Pa at which the air exchanges vapour in this step; it loses what leaks and what freezes out
    on a coil, and the rest to whom it gives it."""
    _open_walls(box, here)
    flow = box.changes / 3600.0 * box.volume
    outside = now[1] / (GAS * (now[0] + KELVIN))  # kg/m³
    per_kg = GAS * (box.air_t + KELVIN) / box.volume
    into = flow * outside + box.roof_g * box.roof_p + box.wall_g * box.wall_p
    into += box.coil_g * box.coil_p
    out = box.roof_g + box.wall_g + box.coil_g
    for i in range(len(lots)):
        if stays[i, stay[i]].enclosure == e:
            g = lots[i].units * (lots[i].g_top + lots[i].g_side + lots[i].g_cavity)
            into += g * lots[i].pressure
            out += g
    for j in range(len(sorbers)):
        if sorbers[j].enclosure == e and sorbers[j].since <= step:
            into += sorbers[j].g * sorbers[j].pressure
            out += sorbers[j].g
    out = flow / box.volume + per_kg * out
    vapour = (box.vapour + dt * into) / (1.0 + dt * out)
    leaves = dt * flow * (vapour / box.volume - outside)
    leaves += dt * box.coil_g * max(vapour * per_kg - box.coil_p, 0.0)
    box.vapour -= leaves
    box.water_in -= leaves
    return float(vapour * per_kg)


@compiled
def _settle_on_walls(box: Any, p: float, dt: float) -> tuple[float, float]:
    """J set free on roof and walls."""
    arrives = max(dt * box.roof_g * (p - box.roof_p), -(box.roof_water + box.roof_ice))
    box.vapour -= arrives
    box.roof_water, box.roof_ice, roof = settle_(box.roof_water, box.roof_ice, arrives, box.roof_ti)
    arrives = max(dt * box.wall_g * (p - box.wall_p), -(box.wall_water + box.wall_ice))
    box.vapour -= arrives
    box.wall_water, box.wall_ice, wall = settle_(box.wall_water, box.wall_ice, arrives, box.wall_ti)
    box.heat_in += roof + wall
    return roof, wall


@compiled
def _share_with_lots(
    box: Any, p: float, lots: Records, stays: Records, stay: Ints, e: int, dt: float
) -> float:
    """Heat and vapour onto the lots; J that the floor got from them."""
    to_floor = 0.0
    for i in range(len(lots)):
        if stays[i, stay[i]].enclosure == e:
            lot = lots[i]
            contact = lot.contact * lot.bottom * (box.floor_t - lot.t[0])
            heat = lot.meets * (box.met_t - lot.t[0]) + lot.beams * (box.radiant - lot.t[0])
            to_floor -= dt * contact * lot.units
            box.vapour -= lot.units * take_(lot, p, dt * (heat + contact), dt)
    return to_floor


@compiled
def _share_with_sorbers(
    box: Any, p: float, sorbers: Records, e: int, step: int, dt: float
) -> float:
    """Vapour onto what sorbs; J that the floor got from it."""
    to_floor = 0.0
    for j in range(len(sorbers)):
        if sorbers[j].enclosure == e and sorbers[j].since <= step:
            heap = sorbers[j]
            arrives = max(dt * heap.g * (p - heap.pressure), -heap.u_outer * heap.outer)
            box.vapour -= arrives
            heap.u_outer += arrives / heap.outer
            warm = arrives * latent_(box.floor_t)
            box.heat_in += warm
            if heap.with_air:
                box.air_t += warm / (DENSITY * HEAT * box.volume)
            else:
                to_floor += warm
            if heap.inner > 0.0:
                inward = dt * heap.inward * (heap.u_outer - heap.u_inner)
                heap.u_outer -= inward / heap.outer
                heap.u_inner += inward / heap.inner
    return to_floor


@compiled
def _open_sorber(heap: Any, curves: Floats, box: Any) -> None:
    """The pressure and the kg/(s Pa) of what sorbs; it takes up no more when it is full."""
    t = box.air_t if heap.with_air else box.floor_t
    heap.pressure = _curve(curves, heap.table, heap.u_outer) * saturation_(t)
    heap.g = heap.exchange
    if heap.u_outer >= heap.full and _pressure(box) > heap.pressure:
        heap.g = 0.0


@compiled
def _curve(curves: Floats, table: int, u: float) -> float:
    if not u > 0.0:  # nor is NaN a row
        return float(curves[table, 0])
    place = min(u / TABLE_END * TABLE, TABLE - 1.000001)
    row = int(place)
    return float(curves[table, row] + (place - row) * (curves[table, row + 1] - curves[table, row]))


@compiled
def _humidity_control(box: Any, here: Any, dt: float) -> None:
    """A dehumidifier or humidifier takes or brings what it can, towards what it is set to."""
    full = saturation_(box.air_t) * box.volume / (GAS * (box.air_t + KELVIN))
    wish = box.vapour
    if here.dryer > 0.0:
        wish = min(wish, max(here.dry_to / 100.0 * full, wish - dt * here.dryer))
    if here.damper > 0.0:
        wish = max(wish, min(here.damp_to / 100.0 * full, wish + dt * here.damper))
    box.water_in += wish - box.vapour
    box.vapour = wish


@compiled
def _mist(box: Any) -> float:
    """What the air cannot hold is mist and settles on the floor; kg of it."""
    most = saturation_(box.air_t) * box.volume / (GAS * (box.air_t + KELVIN))
    mist = max(box.vapour - most, 0.0)
    box.vapour -= mist
    warm = mist * latent_(box.air_t)
    box.air_t += warm / (DENSITY * HEAT * box.volume)
    box.heat_in += warm
    return float(mist)


@compiled
def _from_inside(box: Any, here: Any, t: float) -> float:
    """W/m² onto a skin at ``t``."""
    return float(here.h * (box.met_t - t) + box.radiates * (box.radiant - t))


@compiled
def _skin(
    outer: float, inner: float, c_outer: float, c_inner: float, u: float, out: float,
    around_t: float, q_outer: float, q_inner: float, dt: float,
) -> tuple[float, float]:  # fmt: skip
    """The two skins of a wall after ``dt``, implicitly: W/m²K ``out`` to ``around_t``, W/m² onto
    each."""
    a = c_outer / dt + out + u
    b = c_inner / dt + u
    first = c_outer / dt * outer + out * around_t + q_outer
    second = c_inner / dt * inner + q_inner
    below = a * b - u * u
    return (first * b + second * u) / below, (second * a + first * u) / below


@compiled
def _outdoors(
    here: Any, now: Floats, skin_t: float, facing_t: float, sees: float
) -> tuple[float, float]:
    """W/m²K from an outer skin, and °C that it meets so: air by wind, and of what it radiates to
    the share ``sees`` the sky. ``facing_t`` °C of what it mostly faces makes radiation linear."""
    convects = 4.0 + 4.0 * (here.wind * now[5] + here.driving)  # ISO 6946
    radiates = radiates_(_EMITS, 0.5 * (skin_t + facing_t))
    out = convects + radiates
    return out, (convects * now[0] + radiates * (sees * now[4] + (1.0 - sees) * now[0])) / out


@compiled
def _roof(box: Any, here: Any, settled: float, now: Floats, dt: float) -> None:
    """The roof's skins after a step with ``settled`` J set free on the inner one."""
    out, around = _outdoors(here, now, box.roof_to, now[4], here.sky)
    shines = box.roof_absorbs * here.sun * now[3]
    q = _from_inside(box, here, box.roof_ti) + settled / dt / box.roof_area
    box.roof_to, box.roof_ti = _skin(
        box.roof_to, box.roof_ti, box.roof_outer, box.roof_inner, box.roof_u, out, around, shines,
        q, dt,
    )  # fmt: skip
    box.heat_in += dt * box.roof_area * (out * (around - box.roof_to) + shines)
    box.roof_water, box.roof_ice, box.roof_ti, warm = freeze_(
        box.roof_water, box.roof_ice, box.roof_ti, box.roof_inner * box.roof_area
    )
    box.heat_in += warm


@compiled
def _walls(box: Any, here: Any, settled: float, now: Floats, dt: float) -> None:
    """The walls' skins after a step with ``settled`` J set free on the inner one."""
    out, around = _outdoors(here, now, box.wall_to, now[0], WALL_SKY * here.sky)
    shines = box.wall_absorbs * WALL_SUN * here.sun * now[3]
    q = _from_inside(box, here, box.wall_ti) + settled / dt / box.wall_area
    box.wall_to, box.wall_ti = _skin(
        box.wall_to, box.wall_ti, box.wall_outer, box.wall_inner, box.wall_u, out, around, shines,
        q, dt,
    )  # fmt: skip
    box.heat_in += dt * box.wall_area * (out * (around - box.wall_to) + shines)
    box.wall_water, box.wall_ice, box.wall_ti, warm = freeze_(
        box.wall_water, box.wall_ice, box.wall_ti, box.wall_inner * box.wall_area
    )
    box.heat_in += warm


@compiled
def _floor(box: Any, here: Any, given: float, now: Floats, dt: float) -> None:
    """The floor after a step with ``given`` J from what stands and settles on it."""
    under = now[0] if math.isnan(box.ground_t) else box.ground_t
    down = dt * box.floor_area * box.floor_u * (under - box.floor_t)
    q = dt * box.floor_area * _from_inside(box, here, box.floor_t)
    box.heat_in += down
    box.floor_t += (q + down + given) / (box.floor_heat * box.floor_area)


@compiled
def _drip(box: Any, lots: Records, stays: Records, stay: Ints, e: int) -> float:
    """Water falls from the roof on lots and floor, runs down the walls and off the lots; kg that
    come to the floor."""
    falls = max(box.roof_water - box.drips_at * box.roof_area, 0.0)
    runs = max(box.wall_water - box.runs_at * box.wall_area, 0.0)
    box.roof_water -= falls
    box.wall_water -= runs
    box.dripped += falls
    area = 0.0
    for i in range(len(lots)):
        if stays[i, stay[i]].enclosure == e:
            area += lots[i].units * lots[i].top
    floor = falls + runs
    for i in range(len(lots)):
        if stays[i, stay[i]].enclosure == e:
            lot = lots[i]
            caught = falls * stays[i, stay[i]].rain * lot.top / max(box.floor_area, area)
            lot.top_water += caught
            lot.dripped += caught
            floor -= caught * lot.units
            if not lot.wool:
                run_off_(lot)
                floor += collect_(lot) * lot.units
    return float(floor)
