"""The air in the demo's places: the weather outside, and what roofs, sun and wood make of it.

A model of the simulator's own: it shares no formula with the server that it feeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.climate import HOURS, Climate
from simulators.climate.table import hour_of_year, interpolate
from simulators.demo_fleet.scenario import Enclosure, Leg, Place

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR_MS: Final = 3_600_000
_DAMPEST: Final = 98.0  # %RH: under a roof it does not get wetter
_CHANGE_H: Final = 4.0  # how long a change of an enclosure takes to be felt
_REGULATED: Final = 0.92  # of what a heater or humidifier has to make good, it does
_NO_LAG_H: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """(n,) each: temperature °C, vapour pressure Pa, pressure hPa."""

    temperature: Floats
    vapour: Floats
    pressure: Floats

    @property
    def humidity(self) -> Floats:
        """%RH over water."""
        return np.asarray(100.0 * self.vapour / saturation(self.temperature))


def saturation(temperature: Floats) -> Floats:
    """Pa over water, by the Magnus formula with the constants of the WMO."""
    return np.asarray(611.2 * np.exp(17.62 * temperature / (243.12 + temperature)))


def mix(one: Air, other: Air, part: Floats) -> Air:
    """``part`` (n,) of ``other``, the rest of ``one``."""
    return Air(
        *(
            np.asarray(a * (1.0 - part) + b * part)
            for a, b in (
                (one.temperature, other.temperature),
                (one.vapour, other.vapour),
                (one.pressure, other.pressure),
            )
        )
    )


class Weather:
    """A site's typical year outdoors and as walls of some inertia pass it on."""

    def __init__(self, climate: Climate) -> None:
        self._climate = climate
        self._vapour = climate.humidity / 100.0 * saturation(climate.temperature)
        self._lagged: dict[tuple[float, float], tuple[Floats, Floats]] = {}

    def at(self, hours: Floats, heat_lag_h: float = 0.0, vapour_lag_h: float = 0.0) -> Air:
        """At ``hours`` of the typical year, temperature and vapour each behind a lag of its own."""
        key = (heat_lag_h, vapour_lag_h)
        if key not in self._lagged:
            self._lagged[key] = (
                _lag(self._climate.temperature, heat_lag_h),
                _lag(self._vapour, vapour_lag_h),
            )
        temperature, vapour = self._lagged[key]
        return Air(
            interpolate(temperature, hours),
            interpolate(vapour, hours),
            interpolate(self._climate.pressure, hours),
        )

    def sun(self, hours: Floats) -> Floats:
        """(n,) the sine of the sun's height in a clear sky, 0 at night."""
        day = hours / 24.0
        declination = np.radians(23.44) * np.sin(2 * np.pi * (284.0 + day) / 365.0)
        turn = np.radians(15.0 * (hours % 24.0 - 12.0) + self._climate.station.longitude)
        latitude = np.radians(self._climate.station.latitude)
        height = np.sin(latitude) * np.sin(declination)
        height = height + np.cos(latitude) * np.cos(declination) * np.cos(turn)
        return np.asarray(np.maximum(height, 0.0))


def in_place(place: Place, weather: Weather, times: Ints, hours: Floats, hour_ms_zero: int) -> Air:
    """The air in a place of a site. ``times`` ms, ``hours`` of the typical year; ``hour_ms_zero``
    is when the demo starts."""
    air = _enclosed(place.air, weather, hours)
    if place.later is None:
        return air
    since, later = place.later
    part = ((times - hour_ms_zero) / HOUR_MS - since) / _CHANGE_H
    return mix(air, _enclosed(later, weather, hours), np.clip(part, 0.0, 1.0))


def on_the_way(
    place: Place, leg: Leg, origin: Weather, destination: Weather, times: Ints, hours: Floats,
    hour_ms_zero: int,
) -> Air:  # fmt: skip
    """The air in a vehicle or container before, during and after its leg."""
    rolls_h = leg.departs_h if leg.rolls_h is None else leg.rolls_h
    since = (times - hour_ms_zero) / HOUR_MS - rolls_h
    gone = np.clip(since / (leg.arrives_h - rolls_h), 0.0, 1.0)
    outside = mix(origin.at(hours), destination.at(hours), gone)
    sun = origin.sun(hours) * (1.0 - gone) + destination.sun(hours) * gone
    return _shut_in(place.air, outside, sun)


def typical_hours(times: Ints, offset_ms: int) -> Floats:
    """Hours of the typical year at ``times``, when its calendar is ``offset_ms`` ahead of ours."""
    return hour_of_year(times + offset_ms) % HOURS


def _enclosed(enclosure: Enclosure, weather: Weather, hours: Floats) -> Air:
    outside = weather.at(hours, enclosure.heat_lag_h, enclosure.vapour_lag_h)
    return _shut_in(enclosure, outside, weather.sun(hours))


def _shut_in(enclosure: Enclosure, outside: Air, sun: Floats) -> Air:
    warm = outside.temperature + enclosure.warmer_k + enclosure.sun_k * sun
    warm = _regulated(warm, enclosure.heated_to, enclosure.cooled_to)
    full = saturation(warm)
    if enclosure.buffer is not None:
        return Air(warm, full * enclosure.buffer / 100.0, outside.pressure)
    damp = 100.0 * outside.vapour / full
    damp = _regulated(damp, enclosure.humidity_min, enclosure.humidity_max)
    return Air(warm, full * np.minimum(damp, _DAMPEST) / 100.0, outside.pressure)


def _regulated(values: Floats, low: float, high: float) -> Floats:
    """``values`` brought most of the way back to low … high."""
    return np.asarray(values + _REGULATED * (np.clip(values, low, high) - values))


def _lag(column: Floats, hours: float) -> Floats:
    """A year behind a first-order lag; the year is a ring, so there is no beginning to forget."""
    if hours < _NO_LAG_H:
        return column
    kernel = np.exp(-np.arange(HOURS) / hours)
    kernel /= kernel.sum()
    return np.asarray(np.fft.irfft(np.fft.rfft(column) * np.fft.rfft(kernel), HOURS))
