"""What the demo's tags publish: the air where each of them is, as a sensor has it, by the hour."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.climate import load
from simulators.demo_fleet import scenario
from simulators.demo_fleet.air import (
    Air,
    Weather,
    in_place,
    mix,
    on_the_way,
    saturation,
    typical_hours,
)
from simulators.demo_fleet.records import Record, records
from simulators.demo_fleet.tags import Tag, make_tags
from simulators.message import Message

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MINUTE_MS: Final = 60_000
_NOISE_K: Final = 0.05
_NOISE_RH: Final = 0.5
_LUMP_STEP_MS: Final = 10 * MINUTE_MS
_LUMP_MEMORY_H: Final = 6 * 24  # many time constants before: what the metal was then is forgotten
_READ_OUT: Final = 48  # readings in a message of a logger that is read out
_READ_OUT_AFTER_MS: Final = 10 * MINUTE_MS
_DAYS_KEPT: Final = 3


class Fleet:
    """The demo from ``start_ms`` on: the same messages for the same arguments, however asked for.

    ``start_ms`` (since 1970 UTC) is taken to the minute. Not for several threads at once: days that
    were worked out are kept.
    """

    def __init__(self, start_ms: int, tenant: str = "demo", seed: int = 1) -> None:
        self.start_ms = start_ms - start_ms % MINUTE_MS
        self.tags = make_tags(seed)
        self._tenant = tenant
        self._seed = seed
        self._offset_ms = _to_typical_year(self.start_ms)
        self._places = {place.key: place for place in scenario.PLACES}
        self._legs = {s.leg.vehicle: s.leg for s in scenario.SHIPMENTS}
        self._weather = {site.key: Weather(load(site.climate)) for site in scenario.SITES}
        self._days: dict[int, list[Message]] = {}

    def world(self) -> dict[str, list[Record]]:
        """kind -> records to register: sites, places, parties, tags, lots, bindings, moves,
        shipments, holds, in this order; fields as in the CSV files, instants ISO 8601 in UTC."""
        return records(self.start_ms, self.tags)

    def messages(self, from_ms: int, to_ms: int) -> list[Message]:
        """What is published in from_ms <= at < to_ms, by time; that may be before the start."""
        found: list[Message] = []
        first, last = (self._day_of(ms) for ms in (from_ms, max(from_ms, to_ms - 1)))
        for day in range(first, last + 1):
            published = self._day(day)
            begin = bisect.bisect_left(published, from_ms, key=_published_at)
            end = bisect.bisect_left(published, to_ms, key=_published_at)
            found += published[begin:end]
        return found

    def air(self, place: str, times: Ints) -> Air:
        """The air in ``place`` at ``times`` (n,) ms, before any sensor."""
        hours = typical_hours(times, self._offset_ms)
        found = self._places[place]
        if found.site is not None:
            return in_place(found, self._weather[found.site], times, hours, self.start_ms)
        leg = self._legs[place]
        ends = self._weather[leg.origin], self._weather[leg.destination]
        return on_the_way(found, leg, *ends, times, hours, self.start_ms)

    def surface(self, tag: Tag, times: Ints) -> Floats:
        """(n,) °C of the metal under ``tag``, ``times`` within a day or so: a lump in the air."""
        begins = int(times[0]) - int(times[0]) % DAY_MS - _LUMP_MEMORY_H * HOUR_MS
        grid = np.arange(begins, int(times[-1]) + _LUMP_STEP_MS + 1, _LUMP_STEP_MS)
        left = float(np.exp(-_LUMP_STEP_MS / HOUR_MS / (tag.time_constant_h or 1.0)))
        metal, course = None, []
        for around in self._around(tag, grid).temperature.tolist():
            metal = around if metal is None else around + (metal - around) * left
            course.append(metal)
        return np.asarray(np.interp(times, grid, course))

    def _day_of(self, ms: int) -> int:
        return (ms - self.start_ms) // DAY_MS

    def _day(self, day: int) -> list[Message]:
        if day not in self._days:
            if len(self._days) >= _DAYS_KEPT:
                del self._days[next(iter(self._days))]
            found = [message for tag in self.tags for message in self._published(tag, day)]
            self._days[day] = sorted(found, key=lambda message: (message.at, message.topic))
        return self._days[day]

    def _published(self, tag: Tag, day: int) -> Iterator[Message]:
        """Of ``tag`` on ``day``: an array an hour; and what an ocean kept back, when it is over."""
        begins = self.start_ms + day * DAY_MS
        marks = begins + tag.phase_s * 1000 + HOUR_MS * np.arange(24)
        times = _samples(tag, int(marks[0]) - HOUR_MS, int(marks[-1]))
        random = np.random.default_rng((self._seed, tag.number, day + 100_000))
        rows = self._rows(tag, times, random)
        for mark in marks.tolist():
            heard = [row for row in rows if mark - HOUR_MS < row["t"] <= mark]
            if heard and not self._out_of_reach(tag, mark):
                yield self._message(tag, heard, mark)
        for departs_h, arrives_h in tag.offline:
            at = self._ms(arrives_h) + _READ_OUT_AFTER_MS
            if self._day_of(at) == day:
                yield from self._read_out(tag, self._ms(departs_h), self._ms(arrives_h), at)

    def _read_out(self, tag: Tag, begins: int, ends: int, at: int) -> Iterator[Message]:
        """What a logger kept that was out of reach from ``begins`` to ``ends``."""
        first = begins + (self._ms(0) + tag.phase_s * 1000 - begins) % HOUR_MS - HOUR_MS
        last = ends + (self._ms(0) + tag.phase_s * 1000 - ends) % HOUR_MS - HOUR_MS
        times = _samples(tag, first, last)
        random = np.random.default_rng((self._seed, tag.number, 99_999))
        parts = [times[i : i + _READ_OUT] for i in range(0, len(times), _READ_OUT)]
        for number, part in enumerate(parts):
            yield self._message(tag, self._rows(tag, part, random), at + number * 1000)

    def _message(self, tag: Tag, rows: list[dict[str, Any]], at: int) -> Message:
        topic = f"dunnage/v1/{self._tenant}/{tag.key}/readings"
        return Message(topic, json.dumps(rows, separators=(",", ":")).encode(), len(rows), at)

    def _rows(self, tag: Tag, times: Ints, random: np.random.Generator) -> list[dict[str, Any]]:
        """Readings of ``tag`` at ``times``, none before it was put up or after it died."""
        begins = self._ms(scenario.LONG_AGO_H)
        ends = times[-1] + 1 if tag.dies_h is None else self._ms(tag.dies_h)
        times = times[(times >= begins) & (times < ends)]
        if not len(times):
            return []
        air = self._around(tag, times)
        warm = air.temperature + tag.off_k
        if tag.placement == "surface":
            warm = self.surface(tag, times)
        damp = np.minimum(100.0 * air.vapour / saturation(warm), 100.0)
        warm = warm + random.normal(0.0, _NOISE_K, len(times))
        damp = damp + random.normal(0.0, _NOISE_RH, len(times))
        columns: dict[str, Floats] = {
            "temperature": np.round(warm, 2),
            "humidity": np.round(np.asarray(np.clip(damp, 1.0, 100.0)), 1),
        }
        if tag.place is not None:
            columns["pressure"] = np.round(air.pressure, 1)
            age = (times - begins) / (400 * DAY_MS)
            columns["battery"] = np.round(3.05 - 0.3 * age, 3)
        sequence = (times - begins) // (tag.interval_s * 1000)
        return [
            {"boot": tag.boot, "seq": seq, "t": t, **dict(zip(columns, values, strict=True))}
            for seq, t, values in zip(
                sequence.tolist(),
                times.tolist(),
                np.column_stack(list(columns.values())).tolist(),
                strict=True,
            )
        ]

    def _around(self, tag: Tag, times: Ints) -> Air:
        """The air around ``tag``, wherever it was by then."""
        air = self.air(tag.stays[0][1], times)
        for hour, place in tag.stays[1:]:
            here = times >= self._ms(hour)
            if here.any():
                air = mix(air, self.air(place, times), here.astype(np.float64))
        return air

    def _out_of_reach(self, tag: Tag, mark: int) -> bool:
        return any(self._ms(begins) <= mark < self._ms(ends) for begins, ends in tag.offline)

    def _ms(self, hour: float) -> int:
        return self.start_ms + round(hour * HOUR_MS)


def _samples(tag: Tag, after: int, until: int) -> Ints:
    """When ``tag`` measures in after < t <= until; both are instants at which it publishes."""
    step = tag.interval_s * 1000
    return np.arange(after + step, until + 1, step, dtype=np.int64)


def _published_at(message: Message) -> int:
    return message.at


def _to_typical_year(start_ms: int) -> int:
    """ms, whole days, from the calendar of ``start_ms`` to that of the typical year."""
    today = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start_ms)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    laid = datetime(2001, *scenario.TYPICAL_DAY, tzinfo=UTC)
    return (laid - midnight) // timedelta(milliseconds=1)
