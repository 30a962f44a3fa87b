"""Moist air: saturation, dew and frost point, its water and where it goes, when to ventilate.

Temperatures are °C, pressures Pa, humidities %RH over water at every temperature, below 0 °C too:
that is what capacitive sensors report. Everything takes scalars or arrays that broadcast and gives
an array (0-d for scalars); NaN in, NaN out.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

KELVIN: Final = 273.15
"""0 °C in K."""
TRIPLE_POINT: Final = 0.01
"""°C, the warmest that ice can be."""
VAPOUR_GAS_CONSTANT: Final = 461.5
"""J/kgK, of water vapour."""

GAS_CONSTANT: Final = 8.314462618
"""J/molK."""
STANDARD_PRESSURE: Final = 101_325.0
"""Pa, of the air at sea level."""
AIR_SPECIFIC_HEAT: Final = 1006.0
"""J/kgK, of dry air at constant pressure."""
VAPOUR_RATIO: Final = 0.622
"""A mole of water weighs so much of a mole of air."""
COLDER_CARGO_K: Final = 3.0
"""The three-degree rule: so much colder than the cargo, outside air can be let in."""
ACTIVATION_ENERGY: Final = 83.144e3
"""J/mol, of mean kinetic temperature (USP <1079.2>, ICH Q1A)."""


class Ventilation(IntEnum):
    """What the air outside says of letting it in. Whether a hold forbids it is asked elsewhere."""

    UNKNOWN = 0
    KEEP_CLOSED = 1
    VENTILATE = 2


# Hyland and Wexler (1983), as in ASHRAE Fundamentals: ln(p/Pa) with T in K,
# c0 / T + c1 + c2 T + c3 T² + c4 T³ + c5 T⁴ + c6 ln T.
_WATER: Final = (-5800.2206, 1.3914993, -0.048640239, 4.1764768e-5, -1.4452093e-8, 0.0, 6.5459673)
_ICE: Final = (
    -5674.5359,
    6.3925247,
    -9.677843e-3,
    6.2215701e-7,
    2.0747825e-9,
    -9.484024e-13,
    4.1635019,
)
# Magnus over water (WMO) and over ice: where Newton's method starts.
_MAGNUS_WATER: Final = (17.62, 243.12)
_MAGNUS_ICE: Final = (22.46, 272.62)
_MAGNUS_PRESSURE: Final = 611.2

Coefficients = tuple[float, float, float, float, float, float, float]


def saturation_pressure(temperature: ArrayLike) -> Floats:
    """Pa, over water (supercooled below 0 °C); Hyland-Wexler."""
    return np.asarray(np.exp(_log_saturation(_kelvin(temperature), _WATER)))


def saturation_pressure_ice(temperature: ArrayLike) -> Floats:
    """Pa, over ice; Hyland-Wexler. NaN above the triple point, where there is no ice."""
    kelvin = _kelvin(temperature)
    pressure = np.exp(_log_saturation(kelvin, _ICE))
    return np.where(kelvin <= KELVIN + TRIPLE_POINT, pressure, np.nan)


def vapour_pressure(temperature: ArrayLike, humidity: ArrayLike) -> Floats:
    """Pa, of air at ``temperature`` with ``humidity`` %RH over water."""
    return np.asarray(saturation_pressure(temperature) * (np.asarray(humidity, float) / 100.0))


def dew_point(temperature: ArrayLike, humidity: ArrayLike) -> Floats:
    """°C, over water: where ``saturation_pressure`` is the air's vapour pressure.

    Good to 1e-6 K from -60 to 80 °C and from 1 %RH up; a little over 100 %RH gives a dew point a
    little over the temperature. NaN at 0 %RH and below: no air is that dry, so the sensor is out
    of its range and the dew point is not known.
    """
    return _saturated_at(_log_vapour_pressure(temperature, humidity), _WATER, _MAGNUS_WATER)


def frost_point(temperature: ArrayLike, humidity: ArrayLike) -> Floats:
    """°C, over ice: a surface below 0 °C and colder than this gathers frost.

    It lies above the dew point. NaN where it would be warmer than ice can be (0.01 °C): there
    the dew point says it all. NaN at 0 %RH and below, as `dew_point`.
    """
    found = _saturated_at(_log_vapour_pressure(temperature, humidity), _ICE, _MAGNUS_ICE)
    return np.where(found <= TRIPLE_POINT, found, np.nan)


def absolute_humidity(temperature: ArrayLike, humidity: ArrayLike) -> Floats:
    """g/m³, the mass of water vapour in the air, as an ideal gas."""
    pressure = vapour_pressure(temperature, humidity)
    return np.asarray(1000.0 * pressure / (VAPOUR_GAS_CONSTANT * _kelvin(temperature)))


def mass_transfer(h_w_m2k: ArrayLike, pressure_pa: ArrayLike = STANDARD_PRESSURE) -> Floats:
    """kg/(m² s Pa), what a surface takes up or gives off for each pascal of vapour pressure.

    Lewis: for water in air the Lewis number is near 1, so that the coefficients of heat and mass
    transfer go together, h / (rho cp) = h_m (ASHRAE Fundamentals, Mass Transfer; Lewis 1922). In
    pressures: 0.622 h / (p cp). ``h_w_m2k`` is convective; a share of radiation in it makes the
    water settle and dry somewhat too fast.
    """
    h, pressure = np.asarray(h_w_m2k, float), np.asarray(pressure_pa, float)
    return np.asarray(VAPOUR_RATIO * h / (pressure * AIR_SPECIFIC_HEAT))


def ventilation(
    outside_dew_point: ArrayLike,
    inside_dew_point: ArrayLike,
    outside_temperature: ArrayLike = np.nan,
    cargo_temperature: ArrayLike = np.nan,
) -> Codes:
    """`Ventilation` codes for a closed room or hold, by the two rules of British P&I practice.

    Dew-point rule: ventilate while the dew point outside is below that inside. Three-degree rule:
    ventilate while the air outside is at least 3 K colder than the cargo (its temperature when
    loaded, or measured). Either is enough. What is unknown says nothing: with neither rule to judge
    by the code is UNKNOWN, which is no leave to ventilate.
    """
    asked = (outside_dew_point, inside_dew_point, outside_temperature, cargo_temperature)
    outside, inside, warmth, cargo = (np.asarray(value, float) for value in asked)
    drier = outside < inside
    colder = warmth <= cargo - COLDER_CARGO_K
    judged = ~np.isnan(outside + inside) | ~np.isnan(warmth + cargo)
    closed = np.where(judged, Ventilation.KEEP_CLOSED, Ventilation.UNKNOWN)
    return np.where(drier | colder, Ventilation.VENTILATE, closed).astype(np.int8)


def mean_kinetic_temperature(
    temperature: ArrayLike,
    hours: ArrayLike = 1.0,
    activation_energy: float = ACTIVATION_ENERGY,
) -> Floats:
    """°C, the steady temperature that would age goods as much as ``temperature`` (…, n) has.

    ``hours`` weigh and broadcast: (dH/R) / -ln(sum t exp(-dH/RT) / sum t). Over the last axis. Of a
    gap (NaN temperature or hours) nothing is believed: it does not weigh. NaN if nothing is known.
    """
    kelvin, span = np.broadcast_arrays(_kelvin(temperature), np.asarray(hours, float))
    known = ~np.isnan(kelvin + span)
    weight = np.where(known, span, 0.0)
    scale = activation_energy / GAS_CONSTANT
    # About 20 °C, where the exponent is small: exp(-dH/RT) itself is 1e-15.
    apart = np.where(known, scale / (KELVIN + 20.0) - scale / kelvin, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        aged = np.log((weight * np.exp(apart)).sum(axis=-1) / weight.sum(axis=-1))
        found = scale / (scale / (KELVIN + 20.0) - aged) - KELVIN
    return np.asarray(np.where(weight.sum(axis=-1) > 0.0, found, np.nan))


def _kelvin(temperature: ArrayLike) -> Floats:
    """K; NaN at and below absolute zero."""
    kelvin = np.asarray(temperature, float) + KELVIN
    return np.where(kelvin > 0.0, kelvin, np.nan)


def _log_saturation(kelvin: Floats, c: Coefficients) -> Floats:
    polynomial = c[1] + kelvin * (c[2] + kelvin * (c[3] + kelvin * (c[4] + kelvin * c[5])))
    return np.asarray(c[0] / kelvin + polynomial + c[6] * np.log(kelvin))


def _log_vapour_pressure(temperature: ArrayLike, humidity: ArrayLike) -> Floats:
    relative = np.asarray(humidity, float) / 100.0
    relative = np.where(relative > 0.0, relative, np.nan)
    return np.asarray(_log_saturation(_kelvin(temperature), _WATER) + np.log(relative))


def _saturated_at(log_pressure: Floats, c: Coefficients, magnus: tuple[float, float]) -> Floats:
    """°C at which the saturation pressure is exp(``log_pressure``) Pa.

    Newton in the logarithm, which is almost straight in T: Magnus starts within 0.1 K (1.5 K at
    -90 °C) and an error of e K becomes about 0.004 e², so two steps are enough.
    """
    a, b = magnus
    ratio = log_pressure - np.log(_MAGNUS_PRESSURE)
    kelvin = KELVIN + b * ratio / (a - ratio)
    for _ in range(2):
        slope = -c[0] / kelvin**2 + c[6] / kelvin
        slope += c[2] + kelvin * (2 * c[3] + kelvin * (3 * c[4] + kelvin * 4 * c[5]))
        kelvin = kelvin - (_log_saturation(kelvin, c) - log_pressure) / slope
    return np.asarray(kelvin - KELVIN)
