"""Moist air, for the loops: saturation by Buck's formulas, latent heats, exchange at a surface.

Temperatures are °C, pressures Pa. Buck (1981) with the constants of 1996 is within 0.1 % of
Hyland and Wexler over water from -40 to 50 °C and within 0.4 % up to 80 °C, over ice within 0.2 %
from -40 °C; it takes one exponential.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulators.compiled import compiled, kept
from simulators.exact import exp_, ln

Floats = NDArray[np.float64]

KELVIN: Final = 273.15
GAS: Final = 461.5  # J/kgK, of water vapour
DENSITY: Final = 1.2  # kg/m³, of air
HEAT: Final = 1005.0  # J/kgK, of air
HEAT_OF_WATER: Final = 4186.0  # J/kgK
HEAT_OF_ICE: Final = 3.337e5  # J/kg, of melting
STEFAN_BOLTZMANN: Final = 5.670374e-8
DIFFUSION: Final = 1.95e-10
"""kg/(m s Pa), of vapour through still air (ISO 12572 gives 1.95e-10 at 23 °C)."""
_LEWIS: Final = 0.90  # (thermal over vapour diffusivity of air, 0.85) to the two thirds
_WATER: Final = (611.21, 18.678, 234.5, 257.14)


@compiled
def saturation_(t: float) -> float:
    """Pa, over water."""
    return 611.21 * exp_((18.678 - t / 234.5) * (t / (257.14 + t)))


@compiled
def saturation_of_surface_(t: float) -> float:
    """Pa, over water from 0 °C up and over ice below."""
    if t >= 0.0:
        return 611.21 * exp_((18.678 - t / 234.5) * (t / (257.14 + t)))
    return 611.15 * exp_((23.036 - t / 333.7) * (t / (279.82 + t)))


@compiled
def radiates_(emits: float, t: float) -> float:
    """W/m²K by radiation about ``t`` °C, of what emits ``emits`` of 1."""
    kelvin = t + KELVIN
    return 4.0 * emits * STEFAN_BOLTZMANN * (kelvin * kelvin * kelvin)


@compiled
def latent_(t: float) -> float:
    """J/kg, of evaporation (linear; within 0.1 % from 0 to 80 °C)."""
    return 2.501e6 - 2361.0 * t


@compiled
def transfer_(h: float, t: float) -> float:
    """kg/(m² s Pa), of vapour to a surface that takes ``h`` W/m²K by convection (Lewis)."""
    return h / (DENSITY * HEAT * _LEWIS * GAS * (t + KELVIN))


@kept
def _saturation_all(t: Floats, p: Floats) -> None:
    for i in range(t.size):
        p[i] = saturation_(t[i])


def saturation(temperature: ArrayLike) -> Floats:
    """Pa, over water, shaped as ``temperature``."""
    given = np.ascontiguousarray(temperature, np.float64)
    found = np.empty_like(given)
    _saturation_all(given.reshape(-1), found.reshape(-1))
    return found.reshape(np.shape(temperature))


def dew_point(pressure: ArrayLike) -> Floats:
    """°C over water at which ``saturation`` is ``pressure``, in closed form; NaN at 0 Pa."""
    base, b, d, c = _WATER
    vapour = np.asarray(pressure, np.float64)
    y = ln(np.where(vapour > 0.0, vapour / base, math.nan))
    straight = b - y
    return np.asarray(0.5 * d * (straight - np.sqrt(straight * straight - 4.0 * c * y / d)))


def sky_temperature(temperature: Floats, vapour: Floats, cloud_tenths: Floats) -> Floats:
    """°C that the sky radiates with: Clark and Allen (1978) for a clear sky, Walton (1983) for
    ``cloud_tenths``, as in EnergyPlus; ``vapour`` Pa."""
    n = cloud_tenths
    clear = 0.787 + 0.764 * ln((dew_point(vapour) + KELVIN) / 273.0)
    emissivity = clear * (1.0 + n * (0.0224 - n * (0.0035 - 0.00028 * n)))
    fourth = np.sqrt(np.sqrt(np.minimum(emissivity, 1.0)))
    return np.asarray(fourth * (temperature + KELVIN) - KELVIN)
