"""A bundle of lead ingots follows the air around it as one lump.

dTs/dt = (Ta - Ts) / tau: its Biot number is under 0.03, so its surface is its core. Temperatures
are °C, spans hours. Everything takes scalars or arrays that broadcast and gives an array (0-d for
scalars); NaN in, NaN out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SPECIFIC_HEAT: Final = 129.5
"""J/kgK, of lead."""
SECONDS_PER_HOUR: Final = 3600.0


def time_constant_h(mass_kg: ArrayLike, area_m2: ArrayLike, h_w_m2k: ArrayLike) -> Floats:
    """Hours: tau = m cp / (h A), for the faces ``area_m2`` that the air reaches.

    ``h_w_m2k`` is 5 in still air, 8 in a bay, 10 where it is ventilated.
    """
    mass, area, h = (np.asarray(value, float) for value in (mass_kg, area_m2, h_w_m2k))
    return np.asarray(mass * SPECIFIC_HEAT / (h * area) / SECONDS_PER_HOUR)


def surface_temperature(
    start_c: ArrayLike, air_c: ArrayLike, hours: ArrayLike, time_constant_h: ArrayLike
) -> Floats:
    """°C, of metal that was at ``start_c``, after ``hours`` in air that stays at ``air_c``.

    Exact for constant air, so a step may be of any length, and two steps are as good as one.
    """
    start, air = np.asarray(start_c, float), np.asarray(air_c, float)
    left = np.exp(-np.asarray(hours, float) / np.asarray(time_constant_h, float))
    return np.asarray(air + (start - air) * left)


def hours_until_dry_margin(
    surface_c: ArrayLike,
    air_c: ArrayLike,
    dew_point_c: ArrayLike,
    time_constant_h: ArrayLike,
    margin_k: ArrayLike,
) -> Floats:
    """Hours until the metal is ``margin_k`` above the dew point, in air that stays as it is.

    t = tau ln((Ta - Ts) / (Ta - Td - m)). 0 where it is that warm already, inf where the air is
    not warm enough ever to make it so. Until the margin is passed, not until the film has dried.
    """
    surface, air = np.asarray(surface_c, float), np.asarray(air_c, float)
    target = np.asarray(dew_point_c, float) + np.asarray(margin_k, float)
    tau = np.asarray(time_constant_h, float)
    unknown = np.isnan(surface + air + target + tau)
    reached = surface >= target
    coming = ~reached & (air > target)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        hours = tau * np.log((air - surface) / (air - target))
    hours = np.where(reached, 0.0, np.where(coming, hours, np.inf))
    return np.where(unknown, np.nan, hours)
