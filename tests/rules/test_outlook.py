"""The year at a site, from climates that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.normals import HOURS, MONTHS, Normals, of_lists
from rules import air, outlook
from rules.outlook import WEEKS, seasons, weeks
from simulators.climate import normals as simulated


def climate(warmth, dew_point, spread=2.0):
    """By month; the same at all hours."""
    table = np.empty((4, MONTHS, HOURS), np.float32)
    table[0] = np.broadcast_to(np.asarray(warmth, float), MONTHS)[:, None]
    table[2] = np.broadcast_to(np.asarray(dew_point, float), MONTHS)[:, None]
    table[1] = table[3] = spread
    return Normals(table.tobytes())


def of(key):
    return of_lists(simulated(key))


def names(normals, commodity):
    return [(each.hazard, each.begins, each.ends) for each in seasons(normals, commodity)]


def test_half_of_all_hours_lie_beyond_the_mean():
    at_80 = float(air.dew_point(20.0, 80.0))
    found = weeks(climate(20.0, at_80))
    assert found["damp"] == pytest.approx(np.full(WEEKS, 50.0))
    assert weeks(climate(0.0, -5.0))["frost"] == pytest.approx(np.full(WEEKS, 50.0))
    assert weeks(climate(12.0, 12.0))["sweat"] == pytest.approx(np.full(WEEKS, 50.0))
    assert found["moth"] == pytest.approx(np.full(WEEKS, 70.0)), "7 days of 10 K above 10 °C"


def test_a_dry_cool_year_has_no_season_and_a_wet_one_all_of_it():
    assert seasons(climate(8.0, -8.0), "lead") == seasons(climate(8.0, -8.0), "wool") == []
    (damp,) = (each for each in seasons(climate(8.0, 7.9), "lead") if each.hazard == "damp")
    assert damp.all_year
    assert (damp.begins, damp.ends, damp.due) == (1, WEEKS, 1)


def test_a_winter_goes_over_the_turn_of_the_year_and_one_is_ready_before():
    months = [-5, -5, 10, 20, 20, 20, 20, 20, 20, 20, 10, -5]
    (frost,) = (s for s in seasons(climate(months, -20.0), "lead") if s.hazard == "frost")
    assert not frost.all_year
    assert 46 < frost.begins <= 50
    assert 8 <= frost.ends < 12
    assert frost.due == frost.begins - outlook.AHEAD_WEEKS


def test_what_concerns_the_goods_alone_is_told():
    warm = climate(25.0, 24.0)
    assert {each.hazard for each in seasons(warm, "wool")} == {"damp", "moth"}
    assert "moth" not in {each.hazard for each in seasons(warm, "lead")}


def test_miami_is_damp_and_has_moths_all_year_and_sand_point_frost_and_none():
    moth = [s for s in seasons(of("miami"), "wool") if s.hazard == "moth"]
    assert moth[0].all_year
    assert "frost" not in {s.hazard for s in seasons(of("miami"), "lead")}
    assert "frost" in {s.hazard for s in seasons(of("sand_point"), "lead")}
    assert "moth" not in {s.hazard for s in seasons(of("sand_point"), "wool")}


@given(st.lists(st.booleans(), min_size=WEEKS, max_size=WEEKS))
def test_runs_are_the_weeks_that_hold(holds):
    ring = np.array(holds)
    filled = ring | np.roll(ring, 1) & np.roll(ring, -1)
    alone = filled & ~np.roll(filled, 1) & ~np.roll(filled, -1)
    covered = np.zeros(WEEKS, bool)
    for first, last in outlook._runs(ring):
        week = (first + np.arange((last - first) % WEEKS + 1)) % WEEKS
        assert not covered[week].any()
        covered[week] = True
    assert (covered == (filled & ~alone)).all()
