"""The pure part of rollups, against what they are said to be: readings taken one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.climate import MAX_GAP_H, WET_HUMIDITY, Adjustment
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Flag, ReadingBatch, TagKey, of_tag
from lots.readings.rollups import REACH_MS, affected, daily, joined, rolled
from lots.readings.store import Rollups
from rules import kernels
from tests.readings.alike import assert_alike

T0 = 1_763_769_600_000  # a midnight
MINUTE = 60_000
NAN = math.nan
TAG = TagKey("acme", "a")


def hours(n: int, begins: int = T0) -> np.ndarray:
    return begins + np.arange(n + 1) * HOUR_MS


def readings(
    minutes: Sequence[float], flags: Sequence[int] | None = None, **values: Sequence[float]
) -> ReadingBatch:
    return of_tag(TAG, [T0 + round(m * MINUTE) for m in minutes], values, flags=flags)


def test_the_rules_go_by_the_same_gap_and_the_same_humidity() -> None:
    assert (MAX_GAP_H, WET_HUMIDITY) == (kernels.MAX_GAP_H, kernels.WET_HUMIDITY)


def test_statistics_are_of_raw_values_that_are_believed() -> None:
    batch = readings(
        [0, 20, 40, 50, 60],
        temperature=[1.0, 3.0, NAN, 900.0, 7.0],
        co2=[NAN, NAN, 400.0, 1.0, NAN],
        flags=[0, 0, 1, int(Flag.TEMPERATURE_RANGE), 0],
    )
    found = rolled(batch, {"temperature": [Adjustment(0, 2.0, 5.0)]}, hours(2)).statistics
    assert found.start.tolist() == [T0, T0 + HOUR_MS]
    assert found.count["temperature"].tolist() == [2, 1]
    assert found.low["temperature"].tolist() == [1.0, 7.0]
    assert found.mean["temperature"].tolist() == [2.0, 7.0]
    assert found.high["temperature"].tolist() == [3.0, 7.0]
    assert found.count["co2"].tolist() == [1, 0]


def test_time_is_covered_between_readings_that_are_not_too_far_apart() -> None:
    found = rolled(readings([10, 70, 250, 431, 440], temperature=[1.0] * 5), {}, hours(8))
    assert (found.statistics.start - T0).tolist() == [h * HOUR_MS for h in (0, 1, 2, 3, 4, 7)]
    assert (found.covered // MINUTE).tolist() == [50, 60, 60, 60, 10, 9]
    assert found.statistics.count["temperature"].tolist() == [1, 1, 0, 0, 1, 2]


def test_hours_wet_are_above_zero_and_80_percent_by_the_later_reading() -> None:
    batch = readings(
        [0, 15, 30, 45, 60, 75],
        temperature=[5.0, 5.0, -0.5, 5.0, 0.0, 5.0],
        humidity=[90.0, 80.0, 95.0, 80.5, 99.0, 81.0],
    )
    found = rolled(batch, {}, hours(2))
    assert (found.wet // MINUTE).tolist() == [15, 15]
    assert (found.dry // MINUTE).tolist() == [45, 0]


def test_hours_wet_are_of_corrected_values_by_each_readings_own_time() -> None:
    batch = readings([0, 30, 60, 90], temperature=[5.0] * 4, humidity=[79.0] * 4)
    moist = [Adjustment(T0 + 60 * MINUTE, 1.0, 2.0)]
    found = rolled(batch, {"humidity": moist}, hours(2))
    assert (found.wet // MINUTE).tolist() == [30, 30]
    assert (found.dry // MINUTE).tolist() == [30, 0]
    assert found.statistics.high["humidity"].tolist() == [79.0, 79.0]


def test_what_was_never_measured_is_neither_wet_nor_dry() -> None:
    found = rolled(readings([0, 30, 60], probe=[5.0] * 3), {}, hours(1))
    assert found.covered.tolist() == [HOUR_MS]
    assert (found.wet.tolist(), found.dry.tolist()) == ([0], [0])


def test_a_quantity_is_taken_over_from_an_earlier_message_until_that_is_too_old() -> None:
    batch = readings(
        [0, 1, *range(60, 301, 60)],
        temperature=[5.0, NAN, *[NAN] * 5],
        humidity=[NAN, 90.0, *[90.0] * 5],
    )
    found = rolled(batch, {}, hours(5))
    assert (found.wet // MINUTE).tolist() == [60, 60, 60, 0, 0]
    assert (found.covered // MINUTE).tolist() == [60] * 5


def test_a_keep_alive_covers_nothing() -> None:
    batch = readings([0, 30, 60], temperature=[5.0, NAN, NAN], battery=[3.0, 3.0, 3.0])
    found = rolled(batch, {}, hours(1))
    assert found.covered.tolist() == [0]
    assert found.statistics.count["battery"].tolist() == [2]
    assert found.heard.tolist() == [1]


def test_minutes_and_hours_that_were_heard_are_bits() -> None:
    found = rolled(readings([0.5, 1, 59.9, 63], temperature=[1.0] * 4), {}, hours(2))
    assert found.heard.tolist() == [0b11 | 1 << 59, 0b1000]
    assert daily(found).heard.tolist() == [0b11]


def test_steps_may_be_parts_of_hours() -> None:
    batch = readings([0, 30, 60], temperature=[5.0] * 3, humidity=[90.0] * 3)
    edges = np.array([T0 + 10 * MINUTE, T0 + 40 * MINUTE, T0 + 60 * MINUTE])
    found = rolled(batch, {}, edges)
    assert (found.covered // MINUTE).tolist() == [30, 20]
    assert found.statistics.count["temperature"].tolist() == [1, 0]
    assert found.heard.tolist() == [1 << 30, 0]


READING = st.tuples(
    st.integers(0, 40 * HOUR_MS // 1000),
    st.sampled_from([0, 0, 0, int(Flag.HUMIDITY_RANGE)]),
    st.one_of(st.just(NAN), st.floats(-5, 20)),
    st.one_of(st.just(NAN), st.floats(60, 100)),
    st.sampled_from([NAN, NAN, 4.0]),
)
CORRECTIONS: Mapping[str, Sequence[Adjustment]] = {
    "humidity": [Adjustment(T0 + 9 * HOUR_MS + 7, 1.1, -5.0)],
    "temperature": [Adjustment(0, -1.0, 10.0)],
}


def batch_of(drawn: Sequence[tuple[int, int, float, float, float]]) -> ReadingBatch:
    return of_tag(
        TAG,
        [T0 + 1000 * one[0] for one in drawn],
        {
            name: [one[at] for one in drawn]
            for at, name in ((2, "temperature"), (3, "humidity"), (4, "battery"))
        },
        key=list(range(len(drawn))),
        flags=[one[1] for one in drawn],
    )


@given(st.lists(READING, max_size=25).map(sorted).map(batch_of))
def test_the_course_is_that_of_readings_taken_one_by_one(batch: ReadingBatch) -> None:
    found = rolled(batch, CORRECTIONS, hours(41))
    by_hour = {start: at for at, start in enumerate(found.statistics.start.tolist())}
    covered, wet, dry = np.zeros((3, 41))
    before, held = None, {"temperature": (NAN, 0), "humidity": (NAN, 0)}
    for n in range(len(batch)):
        time = int(batch.time[n])
        raw = {name: float(batch.value(name)[n]) for name in held}
        if batch.doubtful[n] or all(math.isnan(value) for value in raw.values()):
            continue
        for name, value in raw.items():
            if not math.isnan(value):
                for adjustment in CORRECTIONS[name]:
                    if adjustment.begins <= time:
                        value = adjustment.gain * raw[name] + adjustment.offset
                held[name] = (value, time)
        known = [value if time - at <= REACH_MS else NAN for value, at in held.values()]
        if before is not None and time - before <= REACH_MS:
            for hour in range(41):
                start = T0 + hour * HOUR_MS
                part = max(0, min(time, start + HOUR_MS) - max(before, start))
                covered[hour] += part
                if not any(math.isnan(value) for value in known):
                    is_wet = known[0] > 0 and known[1] > 80
                    (wet if is_wet else dry)[hour] += part
        before = time
    for hour in range(41):
        at = by_hour.get(T0 + hour * HOUR_MS)
        told = (found.covered[at], found.wet[at], found.dry[at]) if at is not None else (0, 0, 0)
        assert told == (covered[hour], wet[hour], dry[hour])


@given(st.lists(READING, max_size=25).map(sorted).map(batch_of), st.integers(0, 40))
def test_an_hour_made_alone_is_as_of_all_readings(batch: ReadingBatch, hour: int) -> None:
    start = T0 + hour * HOUR_MS
    near = (batch.time >= start - REACH_MS) & (batch.time < start + HOUR_MS + REACH_MS)
    alone = rolled(batch.take(near), CORRECTIONS, hours(1, start))
    every = rolled(batch, CORRECTIONS, hours(41))
    assert_alike(alone, every.take(every.statistics.start == start))


@given(
    st.lists(READING, max_size=25, unique_by=lambda one: one[0]).map(sorted).map(batch_of),
    st.sets(st.integers(0, 24)),
)
def test_late_readings_touch_no_more_hours_than_are_made_again(
    batch: ReadingBatch, late: set[int]
) -> None:
    """Hours made before the late ones came, and then those again that these have a say in."""
    there = np.array([n not in late for n in range(len(batch))], np.bool_)
    known = rolled(batch.take(there), CORRECTIONS, hours(41))
    known_by = dict(zip(known.statistics.start.tolist(), range(len(known)), strict=True))
    every = rolled(batch, CORRECTIONS, hours(41))
    again: set[int] = set()
    for start in np.unique(batch.time[~there] // HOUR_MS * HOUR_MS).tolist():
        first, last = affected(batch, start, start + HOUR_MS)
        again |= set(range(first, last, HOUR_MS))
    for at, start in enumerate(every.statistics.start.tolist()):
        if start not in again:
            before = known.take(np.array([known_by[start]]))
            assert_alike(before, every.take(np.array([at])))


@given(st.lists(READING, max_size=25).map(sorted).map(batch_of))
def test_days_are_the_sums_of_their_hours(batch: ReadingBatch) -> None:
    found = daily(rolled(batch, CORRECTIONS, hours(48)))
    wanted = rolled(batch, CORRECTIONS, T0 + np.arange(3) * DAY_MS)
    for name in ("covered", "wet", "dry"):
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist()
    one, other = found.statistics, wanted.statistics
    assert one.start.tolist() == other.start.tolist()
    for name in ("temperature", "humidity"):
        assert one.count[name].tolist() == other.count[name].tolist()
        np.testing.assert_array_equal(one.low[name], other.low[name])
        np.testing.assert_array_equal(one.high[name], other.high[name])
        np.testing.assert_allclose(one.mean[name], other.mean[name], rtol=1e-9, atol=1e-9)


def test_parts_are_joined_though_one_lacks_a_quantity() -> None:
    first = rolled(readings([0, 1], temperature=[1.0, 2.0]), {}, hours(1))
    second = rolled(readings([60, 61], humidity=[50.0, 60.0]), {}, hours(1, T0 + HOUR_MS))
    both: Rollups = joined([first, second])
    assert both.statistics.count["temperature"].tolist() == [2, 0]
    assert both.statistics.mean["humidity"].tolist() == pytest.approx([NAN, 55.0], nan_ok=True)
    assert len(joined([])) == 0
