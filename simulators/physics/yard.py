"""Lots in the open, for the loop: the air is the weather's; sun, sky and rain are on the lots."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.compiled import compiled
from simulators.physics.air import GAS, HEAT_OF_WATER, KELVIN, radiates_
from simulators.physics.box import WALL_SKY, WALL_SUN
from simulators.physics.goods import collect_, open_, run_off_, take_
from simulators.physics.state import Records

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SLANTING: Final = 0.2  # of the rain on a level face meets an upright one: design choice


@compiled
def in_the_open_(
    box: Any, here: Any, now: Floats, lots: Records, stays: Records, stay: Ints, e: int, dt: float
) -> None:
    """One step of the lots in open place ``e``."""
    t, p = now[0], now[1]
    h = max(here.h, 4.0 + 4.0 * (here.wind * now[5] + here.driving))  # ISO 6946
    box.air_t = box.floor_t = t
    box.vapour = p * box.volume / (GAS * (t + KELVIN))
    box.roof_ti = here.sky * now[4] + (1.0 - here.sky) * t
    for i in range(len(lots)):
        if stays[i, stay[i]].enclosure == e:
            lot, where = lots[i], stays[i, stay[i]]
            open_(lot, where, h, p)
            area = lot.top + _SLANTING * lot.side
            caught = where.rain * here.rain_share * dt * (now[6] + here.rain) * area
            heat = dt * _weathered(lot, t, box.roof_ti, here.sun * now[3], h)
            heat += HEAT_OF_WATER * caught * (t - lot.t[0])  # it is as warm as the air
            lot.heat_in += heat
            lot.water_in += take_(lot, p, heat, dt)
            lot.top_water += caught
            lot.rained += caught
            if not lot.wool:
                run_off_(lot)
            lot.water_in += caught - collect_(lot)


@compiled
def _weathered(lot: Any, t: float, sky_t: float, sun: float, h: float) -> float:
    """W onto a unit from air, sun, sky and ground."""
    top, side = lot.top, lot.side
    emits = radiates_(lot.emits, 0.5 * (lot.t[0] + t))
    shines = lot.absorbs * sun * (top + WALL_SUN * side)
    beams = emits * (top * (sky_t - lot.t[0]) + side * (WALL_SKY * (sky_t - t) + t - lot.t[0]))
    goes_in = 1.0 / (1.0 + h * lot.half_layer)
    meets = goes_in * h * (top + side) * (t - lot.t[0])
    return float(meets + goes_in * (shines + beams) + lot.contact * lot.bottom * (t - lot.t[0]))
