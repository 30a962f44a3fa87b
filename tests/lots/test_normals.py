"""Normals of a series whose course is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.clock import HOUR_MS
from lots.normals import HOURS, MONTHS, TooLittle, made, of_lists

BEGINS = np.datetime64("2021-01-01T00", "ms").astype(np.int64)
YEAR = BEGINS + HOUR_MS * np.arange(2 * 365 * 24)
MONTH = YEAR.astype("datetime64[ms]").astype("datetime64[M]").astype(int) % 12
HOUR = (YEAR // HOUR_MS) % 24


def test_means_and_spreads_are_those_of_the_month_and_hour():
    second = np.where(YEAR < BEGINS + 365 * 24 * HOUR_MS, -1.0, 1.0)
    normals = made(YEAR, 10.0 * MONTH + HOUR + 2.0 * second, 5.0 * MONTH - HOUR + second)
    month, hour = np.mgrid[:MONTHS, :HOURS]
    assert normals.table[0] == pytest.approx(10.0 * month + hour, abs=0.01)
    assert normals.table[2] == pytest.approx(5.0 * month - hour, abs=0.01)
    assert normals.table[1] == pytest.approx(np.full((12, 24), 2.0), abs=0.05)
    assert normals.table[3] == pytest.approx(np.full((12, 24), 1.0), abs=0.05)


def test_an_hour_that_was_measured_often_weighs_as_any_other():
    extra = np.repeat(YEAR[:1], 1000) + np.arange(1000)
    time = np.sort(np.concatenate((YEAR, extra)))
    warm = np.where(np.isin(time, extra), 20.0, 10.0)
    assert made(time, warm, warm).table[0, 0, 0] == pytest.approx(10.0 + 10.0 / 62, abs=0.01)


def test_what_is_not_known_is_left_out():
    gap = np.where((np.arange(len(YEAR)) % 7) == 0, np.nan, 10.0)
    assert made(YEAR, gap, np.full(len(YEAR), 5.0)).table[0].max() == 10.0


def test_half_a_year_is_too_little():
    half = YEAR[: 181 * 24]
    with pytest.raises(TooLittle, match=r"July, August, .* and December: fewer than 20 days"):
        made(half, np.zeros(len(half)), np.zeros(len(half)))
    with pytest.raises(TooLittle, match="January"):
        made(half[:0], np.zeros(0), np.zeros(0))


def test_between_months_and_hours_they_lie_straight_and_the_year_is_a_ring():
    normals = made(YEAR, 10.0 * MONTH + HOUR, np.zeros(len(YEAR)))
    at = np.array([np.datetime64(t, "ms") for t in ("2025-01-16T06:30", "2025-12-31T12:00")])
    warmth = normals.at(at.astype(np.int64))[0]
    assert warmth[0] == pytest.approx(6.5, abs=0.7), "January's middle"
    assert warmth[1] == pytest.approx(55.0 + 12.0, abs=1.0), "half way from December to January"


@given(st.integers(-(2**40), 2**42))
def test_at_no_time_are_they_beyond_the_table(at):
    normals = made(YEAR, 10.0 * MONTH + HOUR, np.full(len(YEAR), 3.0))
    warmth, _, dew_point, _ = normals.at(np.array([at]))
    assert normals.table[0].min() - 1e-3 <= warmth[0] <= normals.table[0].max() + 1e-3
    assert dew_point[0] == pytest.approx(3.0)


def test_as_lists_and_back_they_are_the_same():
    normals = made(YEAR, 10.0 * MONTH + HOUR / 7, MONTH - HOUR / 3)
    assert of_lists(normals.as_lists()) == normals
