"""The weather outside each place of a journey, by the hour: at its site, or along its way."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import climate, exact
from simulators.journeys.model import Journey, Place, Shipment
from simulators.physics.air import saturation, sky_temperature
from simulators.physics.state import WEATHER

Floats = NDArray[np.float64]

HOUR_MS: Final = 3_600_000
_SEA_SWING: Final = 0.25  # of the day's swing on land is left at sea: design choice
_SEA_HUMIDITY: Final = 80.0  # %RH, over the open sea mostly 75 to 85
_SEA_WIND: Final = 4.0  # m/s more than at the coast
_DRIVING: Final = {"truck": 20.0, "rail": 16.0, "sea": 8.0, "air": 0.0}  # m/s, while it moves
_NO_WIND: Final = 2.0  # m/s where a measured climate has none
_OVERCAST: Final = 10.0


class Outside:
    """``hours`` rows from ``first_h`` hours after the start of a drawn journey, by its seed."""

    def __init__(self, journey: Journey, seed: int, first_h: int, hours: int) -> None:
        self._journey = journey
        self._seed = seed
        self._hours = first_h + np.arange(hours)
        self._climates: dict[str, Floats] = {}

    def of(self, place: Place) -> Floats:
        """(hours, 7) `WEATHER` outside a place.

        Raises `climate.NotHere` for a climate that is not on this machine, ValueError for one that
        does not cover the journey.
        """
        ways = [s for s in self._journey.shipments if s.vehicle == place.key]
        if place.site is not None:
            return self._of_site(place.site)
        if not ways:
            return self._of_site(self._journey.sites[0].key)
        return self._on_the_way(sorted(ways, key=lambda s: s.legs[0].departs))

    def driving(self, shipment: Shipment) -> list[tuple[float, float]]:
        """(hour, m/s of its own motion from then on)."""
        found: list[tuple[float, float]] = []
        for leg in shipment.legs:
            found += [(leg.departs, _DRIVING[leg.mode]), (leg.arrives, 0.0)]
        return found

    def yearly_mean(self, place: Place) -> float:
        """°C of the ground under a place: the year's mean outside."""
        site = next((s for s in self._journey.sites if s.key == place.site), self._journey.sites[0])
        if site.climate in climate.STATIONS:
            return float(_mean(climate.load(site.climate).temperature))
        return float(_mean(climate.load_measured(site.climate).temperature))

    def _of_site(self, key: str) -> Floats:
        site = next(s for s in self._journey.sites if s.key == key)
        return self._of_climate(site.climate)

    def _of_climate(self, key: str) -> Floats:
        if key not in self._climates:
            self._climates[key] = self._varied(key, _columns(key, self._journey, self._hours))
        return self._climates[key]

    def _varied(self, key: str, columns: Floats) -> Floats:
        """A seed's weather: warmer or colder from day to day, relative humidity as it was."""
        weather = self._journey.weather
        days = (self._hours - self._hours[0]) / 24.0
        knots = np.arange(math.ceil(days[-1]) + 2)
        apart = exact.normal(self._seed, "weather", self._journey.key, key, index=knots)
        anomaly = weather.warmer + weather.restless * exact.between(days, knots, apart)
        found = columns.copy()
        found[:, 0] += anomaly
        found[:, 1] *= saturation(found[:, 0]) / saturation(columns[:, 0])
        found[:, 3] *= weather.sun
        found[:, 4] += anomaly
        found[:, 5] *= weather.wind
        return found

    def _on_the_way(self, ways: list[Shipment]) -> Floats:
        """Where it starts, between the climates along each leg by the part that is behind it, and
        where it came to."""
        found = self._of_site(ways[0].legs[0].origin).copy()
        for way in ways:
            for leg in way.legs:
                stops = [self._of_site(leg.origin), *map(self._of_climate, leg.via)]
                stops.append(self._of_site(leg.destination))
                part = np.clip((self._hours - leg.departs) / (leg.arrives - leg.departs), 0.0, 1.0)
                part = part * (len(stops) - 1)
                course = np.zeros_like(found)
                for i, stop in enumerate(stops):
                    course += np.clip(1.0 - np.abs(part - i), 0.0, 1.0)[:, None] * stop
                moving = (self._hours >= leg.departs) & (self._hours <= leg.arrives)
                if leg.mode == "sea":
                    course[moving] = _at_sea(course)[moving]
                after = self._hours >= leg.departs
                found[after] = course[after]
        return found


def _columns(key: str, journey: Journey, hours: NDArray[np.int64]) -> Floats:
    month, day, hour = journey.starts
    if key in climate.STATIONS:
        year = climate.load(key)
        first = (datetime(2001, month, day, hour) - datetime(2001, 1, 1)).total_seconds() / 3600.0  # noqa: DTZ001
        shift = 24 * round(journey.weather.season_days)  # noon stays noon
        row = (hours + round(first) + shift) % climate.HOURS
        t, humidity, pressure = year.temperature[row], year.humidity[row], year.pressure[row]
        sun, wind, cloud = year.sun[row], year.wind[row], year.cloud[row]
        rain = np.nan_to_num(year.rain[row])
    else:
        measured = climate.load_measured(key)
        t, humidity, pressure = measured.at(_first_ms(measured, journey) + hours * HOUR_MS)
        sun, rain = np.zeros(len(t)), np.zeros(len(t))
        wind, cloud = np.full(len(t), _NO_WIND), np.full(len(t), _OVERCAST)
    vapour = humidity / 100.0 * saturation(t)
    sky = sky_temperature(t, vapour, cloud)
    found = np.column_stack([t, vapour, pressure, sun, sky, wind, rain / 3600.0])
    assert found.shape[1] == len(WEATHER)
    return found


def _first_ms(measured: climate.Measured, journey: Journey) -> int:
    """The first instant of the measured span that has the journey's date."""
    month, day, hour = journey.starts
    begins = datetime.fromtimestamp(int(measured.time[0]) / 1000.0, UTC)
    start = begins.replace(month=month, day=day, hour=hour, minute=0, second=0)
    if start < begins:
        start = start.replace(year=start.year + 1)
    first = round(start.timestamp() * 1000.0)
    if first + journey.days * 24 * HOUR_MS > measured.time[-1]:
        span = " to ".join(str(at)[:10] for at in measured.time[[0, -1]].astype("datetime64[ms]"))
        raise ValueError(
            f"the climate {measured.key!r} is of {span}, which has no {journey.days:g} days from "
            f"{month:02}-{day:02} on: let journey {journey.key!r} start on another date"
        )
    return first


def _at_sea(land: Floats) -> Floats:
    """Over water the day's swing is small and the air damp; the sky is as it was."""
    found = land.copy()
    t = land[:, 0]
    around = np.concatenate([np.repeat(t[:1], 12), t, np.repeat(t[-1:], 12)])
    total = np.cumsum(np.concatenate([[0.0], around]))
    mean = (total[24:] - total[:-24])[: len(t)] / 24.0
    found[:, 0] = mean + _SEA_SWING * (t - mean)
    found[:, 1] = _SEA_HUMIDITY / 100.0 * saturation(found[:, 0])
    found[:, 4] += found[:, 0] - t
    found[:, 5] += _SEA_WIND
    return found


def _mean(column: Floats) -> float:
    return float(np.cumsum(column)[-1] / len(column))
