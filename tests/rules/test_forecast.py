"""Forecasts of hours ahead: against what they are to beat, and against their own probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import air, lead
from rules.forecast import Bundle, deviations, hindcasts, openings, probability_above, trend
from tests.rules.measured import tampere_outdoor

WEEK = 7 * 24
FLAT = np.full(3 * WEEK, 5.0)
DAILY = 10.0 + 4.0 * np.sin(2 * math.pi * np.arange(3 * WEEK) / 24)


def test_a_day_like_the_last_seven_is_foreseen_as_it_was():
    found = trend(DAILY, 24)
    expected = 10.0 + 4.0 * np.sin(2 * math.pi * (len(DAILY) + np.arange(24)) / 24)
    assert found.mean == pytest.approx(expected)
    assert found.deviation == pytest.approx(np.zeros(24), abs=1e-6)


def test_an_anomaly_decays():
    odd = FLAT.copy()
    odd[-1] += 7.0
    found = trend(odd, 24).mean
    assert found[0] == pytest.approx(5 + 7 * math.exp(-1 / 48))
    assert found[23] == pytest.approx(6 + 7 * math.exp(-24 / 48)), "tomorrow it is one of the seven"


def test_less_than_it_takes_is_not_known_nor_is_what_lies_by_a_gap():
    assert np.isnan(trend(DAILY[:WEEK], 6).mean).all()
    assert not np.isnan(trend(DAILY[: WEEK + 1], 6).mean).any()
    assert np.isnan(trend(DAILY[: WEEK + 60], 6).deviation).all()
    gap = DAILY.copy()
    gap[-24 + 2] = np.nan
    assert np.isnan(trend(gap, 6).mean).tolist() == [False, False, True, False, False, False]
    assert np.isnan(trend([], 6).mean).all()
    with pytest.raises(ValueError, match="1 to 24"):
        trend(DAILY, 25)


@given(st.integers(1, 24), st.integers(WEEK + 25, 2 * WEEK))
def test_a_hindcast_is_what_would_have_been_said(hours, at):
    series = np.random.default_rng(at).normal(10, 3, 2 * WEEK + 30)
    said = trend(series[: at + 1 - hours], hours)
    assert hindcasts(series, hours)[at] == pytest.approx(said.mean[-1])
    deviation = deviations(series, hours)[at - hours]
    assert deviation == pytest.approx(said.deviation[-1], nan_ok=True)


@pytest.mark.parametrize(
    ("quantity", "rmse"), [("temperature", 2.69), ("dew_point", 2.52), ("humidity", 10.3)]
)
def test_six_hours_ahead_it_is_as_good_as_what_is_to_be_beaten(quantity, rmse):
    series = tampere_outdoor()
    dew_point = air.dew_point(series.temperature, series.humidity)
    columns = {**series._asdict(), "dew_point": dew_point}
    said = hindcasts(columns[quantity], 6)
    if quantity == "humidity":
        said = said.clip(0.0, 100.0)
    errors = said - columns[quantity]
    assert (~np.isnan(errors)).sum() > 10_000
    assert math.sqrt(np.nanmean(errors**2)) <= rmse


@pytest.mark.parametrize("hours", [3, 6, 12])
def test_what_is_said_to_be_so_likely_comes_so_often(hours):
    """Whether the dew point will be above what it was in the middle of the last week."""
    series = tampere_outdoor()
    dew = air.dew_point(series.temperature, series.humidity)
    weeks = np.lib.stride_tricks.sliding_window_view(dew, WEEK)
    level = np.full(len(dew), np.nan)
    level[WEEK - 1 :] = np.median(weeks, axis=1)
    said, happens = hindcasts(dew, hours)[hours:], dew[hours:]
    told = probability_above(level[:-hours], said, deviations(dew, hours)[:-hours])
    known = ~np.isnan(told + happens)
    told, came = told[known], (happens > level[:-hours])[known]
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        some = (told >= low) & (told <= low + 0.2)
        assert some.sum() > 1000
        assert came[some].mean() == pytest.approx(told[some].mean(), abs=0.07), low
    assert np.mean((told - came) ** 2) < 0.75 * came.var(), "Brier's score, against the base rate"


COLD = Bundle(0.0, 0.0, 4.3, float(lead.film_transfer(8.0)))
N = 96
HALL = np.full(N, 12.0), np.full(N, 2.0)
SUMMER = np.full(N, 25.0), np.full(N, 16.7)


def test_waiting_is_worth_what_it_keeps_off():
    now, later, tomorrow = openings(COLD, HALL, SUMMER, np.full(N, 2.0), [0, 4, 24], 1.0)
    assert now.margin_k == pytest.approx(-16.7)
    assert now.film_g_m2 > later.film_g_m2 > tomorrow.film_g_m2
    assert later.metal_c == pytest.approx(12 * (1 - math.exp(-4 / 4.3)), abs=0.05)
    assert now.wet_h > later.wet_h > 0
    assert now.film_g_m2 == lead.FILM_SETTINGS.limit_g_m2, "more runs off"
    assert now.wet_h <= now.dry_in_h <= now.wet_h + 1
    assert tomorrow.worst_g_m2 > tomorrow.film_g_m2


def test_opening_into_dry_air_leaves_it_dry():
    (found,) = openings(COLD, HALL, (SUMMER[0], np.full(N, -5.0)), np.zeros(N), [2], 1.0)
    assert (found.film_g_m2, found.wet_h, found.worst_g_m2) == (0, 0, 0)
    assert math.isnan(found.dry_in_h)


def test_a_film_that_the_known_air_does_not_dry_is_not_said_to():
    fog = np.full(N, 10.0), np.full(N, 10.0)
    (found,) = openings(COLD, HALL, fog, np.zeros(N), [0], 1.0)
    assert found.dry_in_h == math.inf


def test_an_hour_beyond_what_is_known_is_refused():
    with pytest.raises(ValueError, match="96 h from now is not within the 96 h"):
        openings(COLD, HALL, SUMMER, np.zeros(N), [96], 1.0)
