"""Wool in the fold: its water, the mould at its surface, its core's heat, and a scale."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lots.climate import join
from lots.terms import Packaging
from rules import bale, fibre, wool
from tests.rules import timeline
from tests.rules.timeline import WOOL, at, fold, folded, steady

SCOURED = replace(WOOL, form="scoured")
CORED = replace(WOOL, cored=at(0), cored_regain=15.0)


LAST_DIGIT = 1e-9


def said(*rows, **where):
    """What a sensor that is not stuck said: its last digit moves."""
    moving = [(h, *(v + LAST_DIGIT * (n % 2) for v in said_)) for n, (h, *said_) in enumerate(rows)]
    return timeline.said(*moving, **where)


NYLON = bale.WRAPS[Packaging.BALE_NYLON]


def layers(done):
    return bale.Layers(*(done.state.lots[name][0] for name in (
        "outer_low", "outer_high", "core_low", "core_high")))  # fmt: skip


# Water.


def test_the_bounds_are_those_of_the_bale_itself():
    """Of steady air, and of a gap of two days, against the functions for whole series."""
    done = folded(said(*steady(0, 100, 20, 75), *steady(148, 200, 20, 75)), WOOL)
    humidity, hours = [75.0] * 100 + [math.nan] + [75.0] * 52, [1.0] * 100 + [48.0] + [1.0] * 52
    expected = bale.layers_course(bale.unknown_layers(), humidity, 20.0, hours)
    assert layers(done) == pytest.approx([float(part[-1]) for part in expected], abs=1e-9)


def test_air_of_unknown_humidity_lets_the_bounds_part():
    known = folded(said(*steady(0, 100, 20, 75)), CORED)
    after = fold(known.state, said(*steady(101, 200, 20, math.nan)), CORED)
    assert layers(after).outer_high > layers(known).outer_high + 5
    assert layers(after).outer_low < layers(known).outer_low - 5
    assert layers(after).core_high > layers(known).core_high
    assert "regain" not in after.numbers


def test_a_core_test_says_how_damp_the_bales_are_from_when_it_was_taken():
    air = said(*steady(0, 96, 20, 65))
    late = replace(CORED, cored=at(48.5))
    before, after = (folded(air.take(slice(0, n)), late) for n in (49, 50))
    assert before.numbers["core_regain_high"] - before.numbers["core_regain_low"] > 20
    assert after.numbers["core_regain_low"] == pytest.approx(15, abs=0.1)
    assert after.numbers["core_regain_high"] == pytest.approx(15, abs=0.1)


def test_a_test_of_long_ago_says_little_more():
    old = replace(CORED, cored=at(-3000))
    found = layers(folded(said((0, 20, 65)), old))
    assert found.outer_low == pytest.approx(0, abs=0.1)
    assert found.core_low < 2
    assert found.core_high > 25


# What a scale shows, and what was sold.


def test_the_scale_shows_the_dry_mass_with_its_water():
    lot = replace(CORED, dry_mass=1000.0, invoice_mass=1160.0)
    at_once = folded(said((0, 20, 65)), lot).numbers
    assert (at_once["scale_mass_low"], at_once["scale_mass_high"]) == (1150.0, 1150.0)
    later = folded(said(*steady(0, 1000, 20, 85)), lot).numbers
    assert 1150 < later["scale_mass_low"] < later["scale_mass_high"] < 1250
    assert later["invoice_mass"] == 1160.0
    assert "scale_mass_low" not in folded(said((0, 20, 65)), CORED).numbers


# Mould.


def test_the_surface_lags_behind_the_air():
    found = folded(said(*steady(0, 48, 20, 60), (49, 20, 90)), WOOL).numbers
    assert found["surface_humidity"] == pytest.approx(90 - 30 * math.exp(-1 / 12), abs=0.01)


def test_damp_nights_do_not_make_mould_where_the_surface_stays_dry():
    rows = [(hour, 20.0, 95.0 if hour % 24 < 8 else 60.0) for hour in range(1000)]
    assert folded(said(*rows), WOOL).numbers["mould_index"] == 0
    assert wool.mould_index(20.0, [row[2] for row in rows], 1.0, "very_sensitive")[-1] > 0.5


def test_water_from_inside_keeps_the_surface_damp():
    air = said(*steady(0, 240, 20, 78))
    wet = replace(WOOL, cored=at(0), cored_regain=26.0)
    assert folded(air, wet).numbers["mould_index"] > 0.05
    assert folded(air, WOOL).numbers["mould_index"] == 0
    # Dry inside takes it away.
    damp = said(*steady(0, 240, 20, 85))
    dry = folded(damp, replace(WOOL, cored=at(0), cored_regain=10.0)).numbers
    assert dry["surface_humidity"] < folded(damp, WOOL).numbers["surface_humidity"] - 2


def test_water_comes_out_for_weeks_and_the_less_of_it_the_longer():
    damp = replace(WOOL, cored=at(0), cored_regain=26.0)
    found = [
        folded(said(*steady(0, 24 * days, 20, 65)), damp).numbers["surface_humidity"]
        for days in (1, 7, 28, 56)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 80
    assert 66 < found[-1] < 75


def test_a_bale_in_balance_with_its_air_stays_so():
    regain = 22.0
    damp = 100 * fibre.activity(regain, 25.0, fibre.hysteresis(regain))[0]
    still = np.full(fibre.LAYERS, regain)
    fibre.diffuse(still, regain, NYLON, 25.0, damp, 25.0, 3.0, np.empty((6, fibre.LAYERS)))
    assert still == pytest.approx(np.full(fibre.LAYERS, regain), abs=1e-9)


@given(st.floats(12, 33), st.floats(5, 40), st.floats(20, 100), st.floats(0, 20))
def test_layers_take_from_each_other_what_the_air_does_not_give(regain, air, damp, warmer):
    """Behind a pack that nothing comes through all of the water stays, whatever the heat does."""
    work, layers = np.empty((6, fibre.LAYERS)), np.full(fibre.LAYERS, regain)
    for _ in range(48):
        fibre.diffuse(layers, regain, NYLON, air, damp, air + warmer, 0.5, work)
    # In balance with the air all of them are; else the surface is the nearest to it.
    balance = 100 * fibre.activity(regain, air, fibre.hysteresis(regain))[0]
    surface = 100 * fibre.activity(layers[0], air, fibre.hysteresis(regain))[0]
    if warmer < 1e-3:
        assert min(damp, balance) - 0.1 <= surface <= max(damp, balance) + 0.1
        assert abs(layers[0] - regain) >= abs(layers[-1] - regain) - 1e-9
    assert (layers >= 0).all()


@given(st.floats(12, 40), st.floats(5, 40), st.floats(0, 45), st.integers(1, 400))
def test_heat_moves_water_and_makes_none(regain, air, warmer, steps):
    """Behind a wrap that lets nothing through what the outer layers gain the core loses."""
    ends = np.array([0, *fibre._ENDS]) / fibre._ENDS[-1]
    shares = -np.diff((1 - ends) ** 3)
    work, layers = np.empty((6, fibre.LAYERS)), np.full(fibre.LAYERS, regain)
    for _ in range(steps):
        fibre.diffuse(layers, regain, 1e12, air, 80.0, air + warmer, 0.5, work)
    assert shares @ layers == pytest.approx(regain, rel=1e-6)
    assert warmer < 1 or layers[-1] < regain < layers[0]


@pytest.mark.parametrize("damp", [60, 90])
def test_the_surface_follows_the_air_the_sooner_the_less_is_around_it(damp):
    found = {
        packaging: folded(
            said(*steady(0, 48, 25, damp)),
            replace(WOOL, cored=at(0), cored_regain=19.0, packaging=packaging),
        ).numbers["surface_humidity"]
        for packaging in ("", *Packaging)
    }
    apart = {packaging: abs(damp - humidity) for packaging, humidity in found.items()}
    bare, jute, nylon, box = (
        apart[each] for each in ("strapped", "bale_jute", "bale_nylon", "boxed")
    )
    assert bare < jute < nylon < box
    assert apart[""] == nylon


def test_the_surface_is_as_warm_as_lies_behind_the_air_that_cools_it():
    outside = [fibre.warmth(25.0, 60.0, layer) for layer in range(fibre.LAYERS)]
    assert 25 < outside[0] < outside[1] < outside[2] == 60
    # What the wool brings there, of 0.05 W/mK, the air takes away by 8 W/m²K.
    brings = 0.05 * (outside[1] - outside[0]) / (fibre._CENTRES[1] - fibre._CENTRES[0])
    face = outside[0] - fibre._CENTRES[0] * brings / 0.05
    assert 8.0 * (face - 25.0) == pytest.approx(brings, rel=0.05)


@given(
    st.floats(10, 28), st.sampled_from(sorted(bale.WRAPS.values())),
    st.floats(0, 45), st.floats(30, 100), st.floats(0, 45),
)  # fmt: skip
def test_steps_of_the_layers_are_short_enough(regain, wrap, air, damp, core):
    """A day in steps of a minute comes to the same humidity of the surface, to a percent."""
    work, found = np.empty((6, fibre.LAYERS)), []
    for hours in (fibre.LAYER_STEP_H, 1 / 60):
        layers = np.full(fibre.LAYERS, regain)
        for _ in range(round(24 / hours)):
            fibre.diffuse(layers, regain, wrap, air, damp, core, hours, work)
        found.append(100 * fibre.activity(layers[0], air, fibre.hysteresis(regain))[0])
    assert found[0] == pytest.approx(found[1], abs=1.0)


@given(st.floats(0.5, 40), st.floats(0, 50), st.sampled_from([1.0, fibre.GIVING_OFF]))
def test_the_activity_of_wool_rises_with_its_water_by_what_is_said(regain, t, hysteresis):
    small = 1e-6
    low, high = (fibre.activity(regain + more, t, hysteresis)[0] for more in (-small, small))
    assert 0 <= low <= high <= 1
    a, rises = fibre.activity(regain, t, hysteresis)
    edges = [fibre.SATURATED, 24.318, 0.0]
    at_20 = regain / hysteresis + 0.07 * max(t - 20, 0)
    if min(abs(at_20 - edge) for edge in edges) > 0.01 and 0 < at_20 < fibre.SATURATED:
        assert (high - low) / (2 * small) == pytest.approx(rises, rel=1e-3)
    if at_20 < 24.3:
        assert float(wool.regain(100 * a, 20.0)) == pytest.approx(max(at_20, 0), abs=1e-6)


def core_at(celsius, first, last):
    return said(
        *((float(h), celsius, math.nan) for h in range(first, last)), placement="core", tag=2
    )


def test_a_hot_core_drives_its_water_to_the_surface():
    air = said(*steady(0, 348, 28, 80))
    wet, dry = (replace(WOOL, cored=at(0), cored_regain=regain) for regain in (30.0, 16.0))
    hot = join([air, core_at(28.0, 0, 200), core_at(65.0, 200, 300), core_at(30.0, 300, 348)])
    before = folded(hot.ordered().take(slice(0, 400)), wet).numbers["surface_humidity"]
    assert before < 95
    # It stays there for days after it has cooled.
    assert folded(hot.ordered(), wet).numbers["surface_humidity"] == 100
    assert folded(hot.ordered(), dry).numbers["surface_humidity"] < 95
    never = join([air, core_at(28.0, 0, 348)])
    assert folded(never.ordered(), wet).numbers["surface_humidity"] < 95


def test_air_that_damp_bales_make_damper_says_that_one_heats():
    """Without a tag in the core: the box's air rises for days. A sensor's error is in both."""
    rise = [(float(h), 28.0, min(84 + max(h - 240, 0) / 12, 94)) for h in range(400)]
    damp, less = (replace(WOOL, cored=at(0), cored_regain=regain) for regain in (28.0, 23.0))
    assert folded(said(*rise), damp).numbers["surface_humidity"] == 100
    assert folded(said(*rise), less).numbers["surface_humidity"] < 95
    level = said(*steady(0, 400, 28, 94))
    assert folded(level, damp).numbers["surface_humidity"] < 100
    # A tag in it knows better.
    cool = join([said(*rise), core_at(29.0, 0, 400)]).ordered()
    assert folded(cool, damp).numbers["surface_humidity"] < 100


def test_a_bale_that_was_never_cored_has_a_surface_once_its_inside_is_known():
    whole = folded(said(*steady(0, 6000, 20, 70, step=2.0)), WOOL)
    found = layers(whole)
    assert found.core_high - found.core_low < fibre.KNOWN_TO
    assert whole.numbers["surface_humidity"] == pytest.approx(70, abs=3)


@pytest.mark.parametrize("lot", [WOOL, SCOURED])
@pytest.mark.parametrize("humidity", [88, 93, 97])
def test_the_forecast_is_when_it_comes(lot, humidity):
    """In steady air: each forecast names the hour at which the index gets there."""
    whole = said(*steady(0, 1200, 25, humidity))
    state, found = None, []
    for n in range(0, 1200, 60):
        done = fold(state, whole.take(slice(n, n + 60)), lot)
        state = done.state
        found.append((n + 59, done.numbers.get("mould_in_hours"), done.numbers["mould_index"]))
    ends = {hour + ahead for hour, ahead, index in found if index < 1 and ahead is not None}
    assert ends
    assert max(ends) - min(ends) < 1
    came = [hour for hour, _, index in found if index >= 1]
    if came:
        assert came[0] - 60 <= min(ends) <= came[0]
    assert all(ahead == 0 for hour, ahead, index in found if index >= 1)


def test_where_mould_does_not_grow_it_never_comes_and_in_unknown_air_nothing_is_said():
    dry = folded(said(*steady(0, 100, 20, 60)), WOOL)
    assert dry.state.lots["mould_in"][0] == math.inf
    gone = fold(dry.state, said((101, 20, math.nan), (105, 20, math.nan)), WOOL)
    assert math.isnan(gone.state.lots["mould_in"][0])


@given(st.floats(0, 0.99), st.floats(1e-4, 0.1), st.floats(0, 2.0))
def test_the_time_ahead_solves_its_equation(index, pace, ratio):
    brake = pace * ratio * math.exp(-2.3 * 2)
    hours = fibre.ahead(index, pace, brake)
    if hours == math.inf:
        assert pace <= brake * math.exp(2.3) * (1 + 1e-9)
        return
    # Half of it, and the other half from there.
    steps, m = 2000, index
    for _ in range(steps):
        m += hours / steps * (pace - brake * math.exp(2.3 * m))
    assert m == pytest.approx(1.0, abs=0.01)


# Heat.


def heated(rate, hours, air=20.0, damp=65.0):
    """A core that warms by ``rate`` K/day from the air's temperature on."""
    cores = [(float(h), air + rate * h / 24) for h in range(hours)]
    return join([
        said(*steady(0, hours - 1, air, damp)),
        said(*((hour, core, math.nan) for hour, core in cores), placement="core", tag=2),
    ]).ordered()  # fmt: skip


def test_a_core_that_warms_by_itself_is_told_from_one_that_lags():
    found = folded(heated(5.0, 120), WOOL).numbers["core_warming"]
    # What it gives off to the air comes on top of what it warms by.
    assert 5 < found < 10
    still = folded(heated(0.0, 120), WOOL).numbers["core_warming"]
    assert still == pytest.approx(0, abs=0.01)
    cooling = [(float(h), 5 + 25 * math.exp(-h / 120)) for h in range(120)]
    cold = join([
        said(*steady(0, 119, 5, 60)),
        said(*((hour, core, math.nan) for hour, core in cooling), placement="core", tag=2),
    ]).ordered()  # fmt: skip
    assert abs(folded(cold, WOOL).numbers["core_warming"]) < 0.3


def test_it_does_not_matter_which_tag_spoke_first():
    both = heated(5.0, 100)
    rate = folded(both, WOOL).numbers["core_warming"]
    core = both.placement == 2
    later = replace(both, time=both.time + np.where(core, 60_000, 0)).ordered()
    assert folded(later, WOOL).numbers["core_warming"] == pytest.approx(rate, rel=0.1)


# However it is cut.

steps = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 1.0, 2.5, 4.0, 60.0]),
        st.floats(-5, 45),
        st.one_of(st.just(math.nan), st.floats(20, 100)),
        st.sampled_from(["air", "core"]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.lists(st.integers(1, 29), max_size=5), st.sampled_from([None, 3.0, 20.0]))
def test_any_cut_ends_in_the_same_state(rows, cuts, cored):
    lot = WOOL if cored is None else replace(CORED, cored=at(cored), cored_regain=20.0)
    time, parts = 0.0, []
    for n, (step, temperature, humidity, placement) in enumerate(rows):
        time += step
        parts.append(said((time, temperature, humidity), placement=placement, tag=n + 1))
    whole = join(parts).ordered()
    # Samples of one time are folded together.
    edges = sorted({c for c in cuts if c < len(whole) and whole.time[c] != whole.time[c - 1]})
    state = None
    for first, after in zip([0, *edges], [*edges, len(whole)], strict=True):
        state = fold(state, whole.take(slice(first, after)), lot).state
    once = folded(whole, lot).state
    for name in bale.BALES.names:
        np.testing.assert_array_equal(state.lots[name], once.lots[name], err_msg=name)
