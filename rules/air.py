"""Moist air: saturation, dew point, frost point and the water in a cubic metre.

Temperatures are °C, pressures Pa, humidities %RH over water at every temperature, below 0 °C too:
that is what capacitive sensors report. Everything takes scalars or arrays that broadcast and gives
an array (0-d for scalars); NaN in, NaN out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

KELVIN: Final = 273.15
"""0 °C in K."""
TRIPLE_POINT: Final = 0.01
"""°C, the warmest that ice can be."""
VAPOUR_GAS_CONSTANT: Final = 461.5
"""J/kgK, of water vapour."""

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
