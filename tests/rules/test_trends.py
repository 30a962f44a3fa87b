"""Trends of a lot: what is said of its next hours, and how good that would have been."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.climate import CODES, Samples
from rules import air
from rules.forecast import trend
from rules.trends import AHEAD_H, course, runs_out, said_before, scores, within
from tests.rules.measured import HOUR_MS, tampere_outdoor
from tests.rules.timeline import START

N = 30 * 24
HOURS = np.arange(N)
SWING = np.sin(2 * math.pi * HOURS / 24)


def samples(hours, temperature, humidity, placement="air", probe=math.nan):
    time = START + np.asarray(np.round(np.asarray(hours) * HOUR_MS), np.int64)
    whole = np.zeros(len(time), np.int64)
    columns = [np.broadcast_to(np.asarray(c, float), len(time)) for c in (temperature, humidity)]
    probes = np.broadcast_to(np.asarray(probe, float), len(time))
    return Samples(time, np.arange(len(time)), whole + CODES[placement], *columns, probes)


# The course.


def test_a_course_is_by_the_hour_up_to_the_newest_reading():
    its = course([samples(np.arange(0, 5.01, 0.5), np.arange(11.0), 50.0)], None)
    assert its.temperature == pytest.approx([0.0, 1.5, 3.5, 5.5, 7.5, 9.5])
    assert its.room == pytest.approx(np.full(6, 30.0))
    assert np.isnan(its.surface).all(), "wool has none"


def test_it_may_come_in_parts():
    whole = samples(HOURS, 10 + SWING, 70.0)
    parts = [whole.take(slice(0, 100)), whole.take(slice(100, N))]
    for one, other in zip(course([whole], 4.3), course(parts, 4.3), strict=True):
        assert one == pytest.approx(other, nan_ok=True)


def test_a_gap_of_three_hours_is_straight_a_longer_one_is_not_known():
    short = course([samples([0, 1, 4, 5], [0.0, 1.0, 4.0, 5.0], 50.0)], None)
    assert short.temperature == pytest.approx(np.arange(6.0))
    long = course([samples([0, 1, 5, 6], [0.0, 1.0, 5.0, 6.0], 50.0)], None)
    assert np.isnan(long.temperature).tolist() == [False] * 2 + [True] * 3 + [False] * 2


def test_metal_follows_the_air_by_its_lag_or_is_measured():
    rising = course([samples(np.arange(60), np.arange(60.0), 50.0)], 4.3)
    assert np.isnan(rising.surface[:13]).all(), "until it has followed for three lags"
    assert rising.surface[-1] == pytest.approx(59 - 4.3, abs=0.1)
    touched = course([samples(np.arange(60), 20.0, 50.0, probe=12.0)], 4.3)
    assert touched.surface == pytest.approx(np.full(60, 12.0))
    assert touched.room == pytest.approx(12.0 - air.dew_point(20.0, 50.0))


def test_a_tag_on_the_metal_alone_says_the_dew_point():
    dry = course([samples(np.arange(9), 10.0, 60.0, placement="surface")], 4.3)
    assert dry.room == pytest.approx(np.full(9, 10.0 - air.dew_point(10.0, 60.0)))
    wet = course([samples(np.arange(9), 10.0, 98.0, placement="surface")], 4.3)
    assert (wet.room < 0).all(), "at saturation water settles"


def test_of_nothing_there_is_no_course():
    assert all(len(column) == 0 for column in course([], 4.3))


# What is said.


def test_what_never_ends_is_never_likely_and_what_comes_each_day_is_sure():
    far, daily = runs_out(20 + SWING), runs_out(SWING)
    assert [one.likely[-1] for one in far] == pytest.approx([0.0] * 4)
    day = daily[AHEAD_H.index(24)]
    assert day.likely[-1] == pytest.approx(1.0)
    assert day.came[-25] == 1


@pytest.mark.parametrize("hours", AHEAD_H)
def test_nothing_that_came_later_is_in_what_is_said(hours):
    room = np.random.default_rng(hours).normal(1.0, 2.0, N)
    other = room.copy()
    other[600:] = 50.0
    which = AHEAD_H.index(hours)
    one, two = runs_out(room)[which], runs_out(other)[which]
    assert one.likely[:600] == pytest.approx(two.likely[:600], nan_ok=True)
    assert one.usual[:600] == pytest.approx(two.usual[:600], nan_ok=True)
    assert not np.isnan(one.likely[599])
    assert abs(one.likely[601] - two.likely[601]) > 0.1


@given(st.sampled_from(AHEAD_H), st.integers(400, N - 1))
def test_the_spread_is_that_of_the_trend(hours, at):
    room = np.random.default_rng(at).normal(0.0, 3.0, N)
    found = within(room, hours)
    said = trend(room[: at + 1], hours)
    if at + hours < N:
        off = abs(room[at + hours] - said.mean[-1])
        assert found.came[at] == (off <= said.deviation[-1])


def test_it_takes_eight_days_and_half_a_week_of_forecasts_whose_time_has_come():
    enough = 7 * 24 + 84 + 24
    assert np.isnan(runs_out(SWING[: enough - 1])[3].likely).all()
    assert not np.isnan(runs_out(SWING[:enough])[3].likely[-1])


# How good it is.


def test_a_score_is_that_of_brier_over_all_lots():
    calm, daily = (
        course([samples(HOURS, 20.0, 30.0)], 4.3),
        course([samples(HOURS, 20.0, 99.9)], None),
    )
    found = scores([said_before(calm, "sweat"), said_before(daily, "damp")])
    rules = {(one.rule, one.hours): one for one in found}
    assert rules["trend.sweat", 6].came == 0
    assert rules["trend.damp", 6].came == rules["trend.damp", 6].scored > 300
    assert rules["trend.damp", 6].brier == 0.0
    assert rules["trend.dew_point", 3].scored > 2 * 300, "of both lots"
    assert ("trend.surface", 3) in rules
    assert scores([]) == []


@pytest.mark.parametrize("hours", AHEAD_H)
def test_in_open_air_it_beats_what_is_usual_and_is_borne_out(hours):
    """Of metal in Tampere's open air: as likely as it is said to be, so often it sweats."""
    series = tampere_outdoor()
    its = course([samples(np.arange(len(series.temperature)), *series)], 4.3)
    found = {(one.rule, one.hours): one for one in scores([said_before(its, "sweat")])}
    sweat = found["trend.sweat", hours]
    assert sweat.scored > 14_000
    assert sweat.brier < 0.91 * sweat.usual
    assert all(abs(one["likely"] - one["came"]) < 0.13 for one in sweat.fifths)
    for rule in ("trend.dew_point", "trend.surface"):
        its_own = found[rule, hours]
        assert its_own.came / its_own.scored == pytest.approx(its_own.likely, abs=0.05)
