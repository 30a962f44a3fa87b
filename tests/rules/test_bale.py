"""A bale's water and heat: against the equations they solve, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import bale, fibre, wool
from rules.bale import Heating

regains = st.floats(0, 30)
lags = st.floats(1, 2000)
spans = st.floats(0, 400)


def layers(outer, core):
    return bale.Layers(*(np.asarray(value, float) for value in (outer, outer, core, core)))


def soaked(outer, core, humidity, hours, kind=bale.BALE):
    found = bale.layers_step(layers(outer, core), humidity, 20.0, hours, kind)
    return [float(part) for part in found]


def test_six_weeks_do_not_bring_a_bale_to_balance():
    # CSIRO 1955.
    dry = wool.regain(40.0)
    _, _, _, core_high = soaked(dry, dry, 80.0, 6 * 7 * 24)
    target = float(wool.regain_bounds(80.0)[1])
    came = (core_high - dry) / (target - dry)
    assert 0.5 < came < 0.7


def test_the_outer_layer_follows_within_a_day():
    outer_low, outer_high, _, _ = soaked(10.0, 10.0, 80.0, 48.0)
    low, high = wool.regain_bounds(80.0)
    assert (outer_low, outer_high) == pytest.approx((float(low), float(high)), abs=0.25)


@given(regains, regains, regains, st.floats(0, 60), lags, lags)
def test_the_cascade_solves_its_equations(outer, core, balance, hours, fast, slow):
    small = 1e-3
    before = fibre.soak(outer, core, balance, max(hours - small, 0), fast, slow)
    after = fibre.soak(outer, core, balance, hours + small, fast, slow)
    now = fibre.soak(outer, core, balance, hours, fast, slow)
    span = hours + small - max(hours - small, 0)
    assert (after[0] - before[0]) / span == pytest.approx((balance - now[0]) / fast, abs=0.05)
    assert (after[1] - before[1]) / span == pytest.approx((now[0] - now[1]) / slow, abs=0.05)


@given(regains, regains, regains, spans, spans, lags, lags)
def test_two_steps_are_as_good_as_one(outer, core, balance, first, second, fast, slow):
    once = fibre.soak(outer, core, balance, first + second, fast, slow)
    half = fibre.soak(outer, core, balance, first, fast, slow)
    assert fibre.soak(*half, balance, second, fast, slow) == pytest.approx(once, abs=1e-9)


@given(regains, regains, regains, spans, lags)
def test_two_lags_may_be_equal(outer, core, balance, hours, lag):
    equal = fibre.soak(outer, core, balance, hours, lag, lag)
    near = fibre.soak(outer, core, balance, hours, lag, lag * (1 + 1e-7))
    assert equal == pytest.approx(near, abs=1e-4)


@given(regains, regains, st.floats(0, 100), spans)
def test_layers_stay_between_where_they_were_and_the_air(outer, core, humidity, hours):
    found = soaked(outer, core, humidity, hours)
    low, high = (float(bound) for bound in wool.regain_bounds(humidity))
    least, most = min(outer, core, low), max(outer, core, high)
    assert all(least - 1e-9 <= part <= most + 1e-9 for part in found)
    assert found[0] <= found[1] + 1e-9
    assert found[2] <= found[3] + 1e-9


def test_a_gap_parts_the_bounds_and_what_is_known_again_closes_them():
    known = bale.balanced_layers(65.0)
    gap = bale.layers_step(known, np.nan, np.nan, 240.0)
    assert gap.outer_low < 1
    assert gap.outer_high > 28
    assert gap.core_low < known.core_low
    assert gap.core_high > known.core_high
    low, high = bale.bale_regain(gap)
    assert high - low < gap.outer_high - gap.outer_low  # the core hardly heard of it
    again = bale.layers_step(gap, 65.0, 20.0, 240.0)
    assert again.outer_high - again.outer_low < 3


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 300), st.floats(0, 300))
def test_whatever_the_air_was_in_a_gap_the_bounds_hold_it(start, during, hours, after):
    """The truth is a bale without hysteresis, in any air."""
    truth = layers(wool.regain(start), wool.regain(start))
    bounds = bale.balanced_layers(start)
    outer, core = (
        fibre.soak(
            float(truth.outer_low), float(truth.core_low), float(wool.regain(during)), hours,
            bale.BALE.outer_lag_h, bale.BALE.core_lag_h,
        )
    )  # fmt: skip
    outer, core = fibre.soak(
        outer, core, float(wool.regain(start)), after, bale.BALE.outer_lag_h, bale.BALE.core_lag_h
    )
    found = bale.layers_step(bounds, np.nan, 20.0, hours)
    found = bale.layers_step(found, start, 20.0, after)
    assert found.outer_low - 1e-9 <= outer <= found.outer_high + 1e-9
    assert found.core_low - 1e-9 <= core <= found.core_high + 1e-9


def test_a_bale_of_which_nothing_is_known_may_be_anything():
    low, high = bale.bale_regain(bale.unknown_layers())
    assert (low, high) == (0, wool.regain_bounds(100)[1])


def test_a_course_is_its_steps_and_many_bales_are_each_their_own():
    rng = np.random.default_rng(3)
    damp, warmth, hours = rng.uniform(20, 95, 50), rng.normal(15, 5, 50), rng.uniform(0, 5, 50)
    damp[10] = np.nan
    course = bale.layers_course(bale.balanced_layers(50.0), damp, warmth, hours)
    two = bale.Layers(*(np.stack([part, part]) for part in bale.balanced_layers(50.0)))
    for i in range(50):
        two = bale.layers_step(two, damp[i], warmth[i], hours[i])
    for part, whole in zip(two, course, strict=True):
        assert part.shape == (2,)
        assert part.tolist() == [whole[-1]] * 2


def test_the_scale_of_a_bale_at_sea():
    """Cored at 12 %, it takes up water for six weeks; what was sold does not move."""
    start = layers(12.0, 12.0)
    after = bale.layers_course(start, np.full(42, 75.0), 20.0, 24.0)
    low, high = bale.bale_regain(bale.Layers(*(part[-1] for part in after)))
    dry = wool.dry_mass(180.0, 12.0)
    least, most = wool.expected_scale_mass(dry, low, high)
    assert 182 < least < most < 192


# Heat.


def self_heated(rate, hours, lag=120.0, start=35.0, around=20.0):
    """A core that follows the air and heats by ``rate`` K/day, at each of ``hours``."""
    ends = around + rate / 24 * lag
    return ends + (start - ends) * np.exp(-np.cumsum(hours) / lag)


@settings(max_examples=100)
@given(st.floats(-2, 10), st.lists(st.floats(0.1, 3), min_size=100, max_size=300))
def test_its_rate_is_found_however_the_series_is_cut(rate, hours):
    hours = np.array(hours)
    found = bale.heating_course(self_heated(rate, hours), 20.0, hours)
    total = hours[1:].sum()
    assert found[-1] == pytest.approx(rate * (1 - np.exp(-total / 24.0)), abs=1e-6)


def test_a_warm_bale_in_a_cold_hall_lags_and_does_not_heat():
    hours = np.ones(200)
    core = self_heated(0.0, hours, start=45.0)
    rate = bale.heating_course(core, 20.0, hours)
    assert np.abs(rate[1:]).max() < 1e-9
    found = bale.self_heating(core, 20.0, rate, 25.0)
    assert np.isnan(rate[0])
    assert (found[1:] == Heating.LAG).all()
    assert found[0] == Heating.UNKNOWN


def test_wet_wool_that_warms_from_within_is_self_heating():
    hours = np.ones(200)
    core = self_heated(4.0, hours, start=20.0)
    rate = bale.heating_course(core, 20.0, hours)
    found = bale.self_heating(core, 20.0, rate, 25.0)
    assert found[10] != Heating.SELF_HEATING
    assert found[-1] == Heating.SELF_HEATING
    assert int(np.argmax(found == Heating.SELF_HEATING)) < 36


@pytest.mark.parametrize(
    ("core", "around", "rate", "regain", "expected"),
    [
        (20, 20, 5, 25, Heating.NONE),  # no warmer than the air
        (30, 20, 2, 25, Heating.SELF_HEATING),
        (30, 20, 2, np.nan, Heating.SELF_HEATING),  # unknown counts as damp
        (30, 20, 2, 14, Heating.LAG),
        (30, 20, 4, 14, Heating.SELF_HEATING),  # dry pieces with grease can too
        (30, 20, np.nan, 25, Heating.UNKNOWN),
        (np.nan, 20, 2, 25, Heating.UNKNOWN),
        (30, np.nan, 2, 25, Heating.UNKNOWN),
    ],
)
def test_self_heating(core, around, rate, regain, expected):
    assert bale.self_heating(core, around, rate, regain) == expected


def test_over_a_gap_the_rate_stays_as_it_was():
    hours = np.ones(100)
    core = self_heated(3.0, hours)
    hours[50], core[50:] = np.nan, core[50:] + 20
    rate = bale.heating_course(core, 20.0, hours)
    assert rate[50] == rate[49]
    core[60] = np.nan
    rate = bale.heating_course(core, 20.0, hours)
    assert rate[60] == rate[61] == rate[59]


def test_the_noise_of_a_probe_does_not_look_like_heat():
    rng = np.random.default_rng(5)
    hours = np.full(5000, 1 / 12)
    rate = bale.heating_course(20 + rng.normal(0, 0.1, 5000), 20.0, hours)
    assert np.nanmax(np.abs(rate)) < bale.SELF_HEATING.damp_rate


def test_heating_taken_in_parts():
    """The last sample of a part is the first of the next, with no step of its own."""
    hours = np.ones(100)
    core = self_heated(3.0, hours) + np.random.default_rng(1).normal(0, 0.1, 100)
    whole = bale.heating_course(core, 20.0, hours)
    first = bale.heating_course(core[:60], 20.0, hours[:60])
    again = np.concatenate(([0.0], hours[60:]))
    second = bale.heating_course(core[59:], 20.0, again, rate=float(first[-1]))
    assert second[-1] == pytest.approx(float(whole[-1]), abs=1e-12)
