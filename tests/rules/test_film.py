"""Water on lead: against published figures, and against what must always hold."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lots.terms import Packaging
from rules import air, film, lead
from rules.furnace import NOT_KNOWN, Furnace, NotFit, furnace_state, said

BARE = float(lead.film_transfer(8.0))
TAU = 4.3

metals = st.floats(-30, 40)
warmths = st.floats(-30, 45)
humidities = st.floats(5, 100)
films = st.one_of(st.just(0.0), st.floats(0, 200))
spans = st.floats(0, 30)
lags = st.one_of(st.just(math.inf), st.floats(0.5, 20))


def vapour(temperature, humidity):
    return float(air.vapour_pressure(temperature, humidity))


def stepped(
    metal, start, around, humidity, hours, lag=TAU, dry=0.0, transfer=BARE, only_water=False
):
    limit, wet_from, *_ = lead.FILM_SETTINGS
    step = film.advance(
        metal, start, dry, around, vapour(around, humidity), hours, lag, 8.0, transfer,
        limit, wet_from, only_water, lead.SATURATION,
    )  # fmt: skip
    return list(step)


def test_the_first_film_at_8_watts_is_about_170_grams_an_hour():
    rate = float(lead.film_rate(5.0, vapour(25.0, 60.0), BARE))  # a row of the known answers
    assert rate == pytest.approx(170, rel=0.1)
    _, grams, _, _ = stepped(5.0, 0.0, 25.0, 60.0, 0.01)
    assert grams / 0.01 == pytest.approx(rate, rel=0.02)


def test_a_wet_bulb_stands_where_a_psychrometer_does():
    # e = es(Tw) - A p (T - Tw), A = 6.60e-4 (1 + 0.00115 Tw) /K: Ferrel's formula, AMS Glossary of
    # Meteorology. At 25 °C and 50 %RH that is 18.0 °C.
    wet, grams, _, _ = stepped(25.0, 200.0, 25.0, 50.0, 1.5, lag=0.2)
    depression = 25.0 - wet
    ferrel = 6.60e-4 * (1 + 0.00115 * wet) * air.STANDARD_PRESSURE * depression
    assert float(air.saturation_pressure(wet)) - ferrel == pytest.approx(
        vapour(25.0, 50.0), rel=0.02
    )
    assert wet == pytest.approx(18.0, abs=0.2)
    assert grams > 0


def test_what_evaporates_takes_the_heat_that_the_air_brings():
    # In balance h (T - Tw) = L m': 8 x 7 W/m² dry 81 g/m²h.
    wet, _, _, _ = stepped(25.0, 150.0, 25.0, 50.0, 1.0)
    rate = float(lead.film_rate(18.0, vapour(25.0, 50.0), BARE))
    assert 2500 * -rate / 3600 == pytest.approx(8 * 7.0, rel=0.05)
    assert wet < 25.0


def test_condensation_warms_the_metal_as_much_as_the_air_does():
    # 5 °C in 25 °C, 60 %RH: 181 g/m²h x 2500 J/g = 126 W/m² beside 8 x 20 = 160 W/m².
    warmed, _, _, _ = stepped(5.0, 0.0, 25.0, 60.0, 0.1)
    lump = float(lead.surface_temperature(5.0, 25.0, 0.1, TAU))
    assert (warmed - 5.0) / (lump - 5.0) == pytest.approx(1 + 126 / 160, rel=0.02)


def test_a_dry_bundle_is_the_lump_of_the_known_formula():
    metal, grams, dry, wet = stepped(0.0, 0.0, 25.0, 15.0, 6.0, dry=2.0)
    assert metal == pytest.approx(float(lead.surface_temperature(0.0, 25.0, 6.0, TAU)), abs=1e-9)
    assert (grams, wet) == (0.0, 0.0)
    assert dry == pytest.approx(8.0)


def test_the_table_is_under_a_fiftieth_of_a_kelvin_off():
    t = np.linspace(-40, 60, 4001)
    found = np.array([film.saturation_at(x, lead.SATURATION) for x in t.tolist()])
    exact = np.where(t <= 0, air.saturation_pressure_ice(t), air.saturation_pressure(t))
    slope = np.gradient(exact, t)
    # At 0 °C ice and water meet with a bend.
    assert np.abs((found - exact) / slope).max() < 0.02


@pytest.mark.parametrize(
    ("metal", "start", "around", "humidity"),
    [(0.0, 0.0, 25.0, 60.0), (-15.0, 0.0, 12.0, 85.0), (22.0, 120.0, 10.0, 70.0)],
)
def test_it_is_what_small_steps_of_time_come_to(metal, start, around, humidity):
    """Euler at 2 s, with the saturation curve itself in place of the table."""
    hours = np.arange(1, 15)
    e, dt = vapour(around, humidity), 2 / 3600
    curve = np.linspace(-40, 60, 100_001)
    pressures = np.where(
        curve <= 0, air.saturation_pressure_ice(curve), air.saturation_pressure(curve)
    ).tolist()
    warmth, grams, course = metal, start, []
    for i in range(int(hours[-1] / dt)):
        flow = BARE * (e - pressures[round((warmth + 40) * 1000)])
        flow = flow if grams > 0 or flow > 0 else 0.0
        warmth += dt * (around - warmth + 2500 * flow / 3600 / 8) / TAU
        grams = max(grams + flow * dt, 0.0)
        grams = min(grams, 250.0) if warmth >= 0 else grams
        if (i + 1) % 1800 == 0:
            course.append((warmth, grams))
    found = np.array([stepped(metal, start, around, humidity, float(h))[:2] for h in hours])
    assert np.abs(found - np.array(course)).max(axis=0) == pytest.approx([0, 0], abs=0.5)
    assert np.abs(found[:, 0] - np.array(course)[:, 0]).max() < 0.03


def test_wet_outlasts_the_margin():
    """Sweat for hours, then the metal is over the dew point, and its water has yet to dry."""
    e = vapour(25.0, 60.0)
    dew = float(air.dew_point(25.0, 60.0))
    metal, grams, crossed, gone = 0.0, 0.0, None, None
    for minute in range(0, 24 * 60, 5):
        step = lead.film_step(metal, grams, 0.0, 25.0, e, 5 / 60, TAU, BARE)
        metal, grams = float(step.metal_c), float(step.film_g_m2)
        crossed = minute if crossed is None and metal > dew else crossed
        gone = minute if gone is None and crossed is not None and grams == 0.0 else gone
    assert gone - crossed > 60


def test_frost_settles_below_the_frost_point_and_melts_to_water():
    # -10 °C metal in air at -8 °C, 95 %RH over water: above saturation over ice.
    metal, grams, _, wet = stepped(-10.0, 0.0, -8.0, 95.0, 10.0)
    assert metal < 0 < grams
    assert wet == 0.0  # ice is not wet
    _, left, _, wet = stepped(metal, grams + 20.0, 15.0, 60.0, 6.0)
    assert wet > 0.0
    assert left > 0.0


def test_frost_goes_without_thawing_in_dry_cold_air():
    metal, grams, dry, wet = stepped(-10.0, 3.0, -10.0, 30.0, 24.0)
    assert metal < 0.0
    assert (grams, wet) == (0.0, 0.0)
    assert 0.0 < dry < 24.0


def test_water_runs_off_above_the_limit_and_ice_does_not():
    _, water, _, _ = stepped(5.0, 0.0, 30.0, 90.0, 10.0, lag=math.inf)
    assert water == lead.FILM_SETTINGS.limit_g_m2
    _, ice, _, _ = stepped(-10.0, 0.0, 10.0, 90.0, 10.0, lag=math.inf)
    assert ice > lead.FILM_SETTINGS.limit_g_m2


def test_a_wrapping_slows_both_wetting_and_drying():
    wrapped = float(
        lead.film_transfer(8.0, lead.WRAPPINGS[Packaging.SHRINK_WRAPPED].resistance_m2spa_kg)
    )
    assert wrapped < BARE / 10
    assert stepped(5.0, 0.0, 25.0, 60.0, 1.0, transfer=wrapped)[1] < 20
    assert stepped(20.0, 150.0, 20.0, 40.0, 6.0, transfer=wrapped)[1] > 40


def test_a_shrink_wrap_is_whole_in_a_closed_box_but_not_relied_on():
    """Nobody takes it off there; whether it was torn before nobody knows."""
    wrap = lead.WRAPPINGS[Packaging.SHRINK_WRAPPED]
    damp = float(air.vapour_pressure(25.0, 90.0))
    courses = [
        lead.film_course(
            np.full(9, 25.0), damp, np.r_[np.nan, np.full(8, 1.0)], on_metal_c=10.0,
            wrapping=wrap, shelter=shelter,
        )
        for shelter in (film.BOX, film.ROOF)
    ]  # fmt: skip
    boxed, stored = (each.film_g_m2[-1] for each in courses)
    assert boxed < 1.0
    assert stored > 20.0
    assert all(each.worst_g_m2[-1] >= 200.0 for each in courses)


def test_in_a_box_a_night_below_the_dew_point_settles_no_film():
    """Through 20 mm of wet wood: 4 g/m² would be told as sweat."""
    boxed = lead.TRANSFERS[Packaging.BOXED]
    assert stepped(8.0, 0.0, 8.0, 100.0, 12.0, transfer=boxed)[1] == pytest.approx(0.0, abs=1e-3)
    assert stepped(5.0, 0.0, 10.0, 95.0, 12.0, transfer=boxed)[1] < 4.0
    assert stepped(5.0, 0.0, 10.0, 95.0, 12.0)[1] > 40.0
    dries = stepped(10.0, 30.0, 10.0, 60.0, 12.0, transfer=boxed)[1]
    assert dries == pytest.approx(30 - boxed * 491 * 12, abs=0.2)  # nor does what got in dry soon
    assert stepped(20.0, 150.0, 20.0, 40.0, 6.0)[1] == 0


@settings(max_examples=500)
@given(metals, films, warmths, humidities, spans, spans, lags)
def test_two_steps_are_as_good_as_one(metal, start, around, humidity, first, second, lag):
    once = stepped(metal, start, around, humidity, first + second, lag, dry=1.0)
    half = stepped(metal, start, around, humidity, first, lag, dry=1.0)
    twice = stepped(half[0], half[1], around, humidity, second, lag, dry=half[2])
    twice[3] += half[3]
    assert twice == pytest.approx(once, rel=1e-9, abs=1e-7)
    assert twice[0] == pytest.approx(once[0], abs=1e-9)


@settings(max_examples=500)
@given(metals, films, warmths, humidities, spans, spans, lags)
def test_the_dry_hours_of_a_spell_do_not_depend_on_how_a_step_is_cut(
    metal, start, around, humidity, first, second, lag
):
    once = stepped(metal, start, around, humidity, first + second, lag, dry=1.0, only_water=True)
    half = stepped(metal, start, around, humidity, first, lag, dry=1.0, only_water=True)
    twice = stepped(half[0], half[1], around, humidity, second, lag, dry=half[2], only_water=True)
    assert twice[2] == pytest.approx(once[2], rel=1e-9, abs=1e-6)
    assert once[2] + once[3] <= 1.0 + first + second + 1e-6


def test_less_water_than_a_film_is_dry_for_a_spell_but_not_for_the_furnace():
    # 4 g/m² in air that takes nothing and gives nothing.
    for only_water, dry in ((True, 9.0), (False, 0.0)):
        _, grams, found, wet = stepped(
            10.0, 4.0, 10.0, 99.99, 8.0, math.inf, dry=1.0, only_water=only_water
        )
        assert (grams > 3, wet, found) == (True, 0.0, dry)


@given(metals, films, warmths, humidities, spans, lags)
def test_a_film_is_never_negative_and_its_hours_fit_into_the_step(
    metal, start, around, humidity, hours, lag
):
    after, grams, dry, wet = stepped(metal, start, around, humidity, hours, lag)
    assert grams >= 0
    assert 0 <= wet <= hours * (1 + 1e-12)
    assert 0 <= dry <= hours * (1 + 1e-12)
    assert math.isfinite(after)
    if grams > 0 and hours > 0:
        assert dry == 0


@given(metals, films, warmths, humidities, spans, st.floats(0, 60))
def test_damper_air_never_means_less_water(metal, start, around, humidity, hours, more):
    drier = stepped(metal, start, around, humidity, hours, math.inf)
    damper = stepped(metal, start, around, min(humidity + more, 100.0), hours, math.inf)
    assert damper[1] >= drier[1] - 1e-9
    assert damper[3] >= drier[3] - 1e-9


def test_what_is_unknown_stays_unknown():
    for hole in range(6):
        values = [10.0, 0.0, 20.0, 1000.0, 1.0, TAU]
        values[hole] = math.nan
        metal, grams, around, e, hours, lag = values
        found = lead.film_step(metal, grams, 0.0, around, e, hours, lag, BARE)
        assert all(np.isnan(part) for part in found), hole


def test_a_step_of_many_bundles_is_each_ones_own():
    metals_ = np.array([[0.0, 5.0], [30.0, -5.0]])
    found = lead.film_step(metals_, 0.0, 0.0, 25.0, 1900.0, 2.0, TAU, BARE)
    assert found.film_g_m2.shape == (2, 2)
    alone = lead.film_step(-5.0, 0.0, 0.0, 25.0, 1900.0, 2.0, TAU, BARE)
    assert found.film_g_m2[1, 1] == alone.film_g_m2


# A whole series.

HOURLY = np.ones(400)


def settled_course(air_c, humidity, hours=HOURLY, **more):
    air_c, humidity, hours = np.broadcast_arrays(air_c, humidity, hours)
    return lead.film_course(air_c, air.vapour_pressure(air_c, humidity), hours, **more)


def test_a_lot_of_which_nothing_was_known_may_be_wet_until_it_must_have_dried():
    found = settled_course(20.0, 40.0)
    assert (found.film_g_m2 == 0).all()  # nothing was seen to settle
    assert found.worst_g_m2[0] == lead.FILM_SETTINGS.limit_g_m2
    assert found.worst_g_m2[-1] == 0
    first_dry = int(np.argmax(found.dry_hours > 0))
    assert first_dry > 3 * TAU
    assert found.dry_hours[-1] == pytest.approx(399 - first_dry + found.dry_hours[first_dry])


def test_within_3_kelvin_of_the_dew_point_there_may_be_a_film():
    # 20 °C, 80 %RH: the dew point is 16.4 °C; 3 K above it metal counts as safely dry.
    for metal, most in ((19.0, 1), (20.0, 0)):
        found = settled_course(20.0, 80.0, np.ones(60), on_metal_c=metal)
        assert found.film_g_m2[-1] == 0
        assert (found.worst_g_m2[-1] > 0) == most


@pytest.mark.parametrize(("rises_in", "dry"), [(1, False), (20, True)])
def test_metal_that_the_next_reading_may_find_wet_is_not_dry(rises_in, dry):
    """From 50 to 70 %RH at once: as much again comes within 3 K of the dew point. In twenty steps
    it does not."""
    humidity = np.concatenate((np.full(90, 50.0), np.linspace(50.0, 70.0, rises_in + 1)[1:]))
    found = settled_course(20.0, humidity, np.ones(len(humidity)), on_metal_c=20.0)
    assert found.film_g_m2[-1] == 0
    assert (found.dry_hours[-1] > 24) == dry
    assert found.dry_hours[89] > 24


def test_in_damp_air_the_unknown_does_not_dry():
    found = settled_course(20.0, 100.0)
    assert found.worst_g_m2[-1] > 0
    assert found.dry_hours[-1] == 0


def test_a_gap_is_neither_wet_nor_dry_and_the_dry_hours_begin_anew():
    steps = HOURLY.copy()
    steps[200] = np.nan
    found = settled_course(20.0, 40.0, steps)
    assert found.dry_hours[199] > 100
    assert found.dry_hours[200] == 0
    assert found.worst_g_m2[200] == lead.FILM_SETTINGS.limit_g_m2
    assert (found.wet_hours == 0).all()


def test_a_gap_makes_what_may_be_there_unknown_with_a_tag_on_the_metal_too():
    steps = HOURLY.copy()
    steps[200] = np.nan
    found = settled_course(20.0, 40.0, steps, on_metal_c=20.0)
    assert found.dry_hours[199] > 160
    assert found.worst_g_m2[199] == 0
    assert (found.dry_hours[200], found.worst_g_m2[200]) == (0, lead.FILM_SETTINGS.limit_g_m2)
    assert found.dry_hours[210] > 5  # known at once, it dries at once


def test_what_had_settled_before_a_gap_is_still_believed_to_be_there():
    steps = HOURLY.copy()
    steps[54] = np.nan
    warmth = np.where(np.arange(400) < 50, 0.0, 25.0)
    found = settled_course(warmth, 60.0, steps)
    assert found.film_g_m2[53] > 5
    assert found.film_g_m2[54] == found.film_g_m2[53]
    assert found.wet_hours[54] == found.wet_hours[53]


def test_cold_metal_taken_into_a_warm_hall_is_wet_for_hours_and_then_dries():
    warmth = np.where(np.arange(400) < 200, 0.0, 25.0)
    found = settled_course(warmth, 60.0)
    assert found.film_g_m2[:200].max() == 0
    assert 50 < found.film_g_m2.max() <= 250
    assert 5 < found.wet_hours.max() < 24
    assert found.wet_hours[-1] == 0  # the spell is over
    assert found.film_g_m2[-1] == 0


@pytest.mark.parametrize(
    ("shelter", "convection"), [(film.ROOF, 4.5), (film.BOX, 3.3), (film.YARD, 12.0)]
)
def test_the_air_s_own_movement_brings_the_water_and_not_what_walls_radiate(shelter, convection):
    """0.022 g/(m² h Pa) for each W/m²K of convection, by Lewis: 10 °C in 20 °C, 80 %RH."""
    found = settled_course(20.0, 80.0, np.full(3, 0.1), on_metal_c=10.0, shelter=shelter)
    excess = vapour(20, 80) - vapour(10, 100)
    grown = np.diff(found.film_g_m2)
    assert grown == pytest.approx(0.022 * convection * excess * 0.1, rel=0.01)


def test_metal_in_a_yard_s_wind_follows_the_air_sooner():
    warmth = np.where(np.arange(48) < 24, 0.0, 20.0)
    dried = [
        int(np.argmax(settled_course(warmth, 30.0, np.ones(48), shelter=at).worst_g_m2 == 0.0))
        for at in (film.ROOF, film.YARD)
    ]
    assert dried[0] > 0 == dried[1], "in the open it may be wet whatever the air"
    state = [lead.no_film(1), lead.no_film(1)]
    for each, at in zip(state, (film.ROOF, film.YARD), strict=True):
        settled_course(warmth[:26], 30.0, np.ones(26), shelter=at, state=each)
    # Two hours, the first of them into the mean of 0 and 20 °C.
    assert state[0]["metal"][0] < state[1]["metal"][0] < 20.0


def test_eleven_hours_with_less_than_a_film_end_a_spell():
    """A film of some hours, which dries to a trace that stays."""
    e = vapour(15, 100) * np.r_[np.full(8, 1.02), np.full(4, 0.96), np.ones(48)]
    for hours, ends in ((10, False), (12, True)):
        found = lead.film_course(15.0, e, np.ones(60), on_metal_c=15.0)
        last = int(np.flatnonzero(found.film_g_m2 >= 5.0)[-1])
        assert found.wet_hours[last] > 5
        assert bool(found.wet_hours[last + hours] == 0.0) is ends
        assert found.film_g_m2[last + hours] > 0.0


def test_a_tag_on_the_metal_is_not_lagged_again():
    # A film settles exactly while the metal measured is under the dew point of the air.
    hours = np.ones(100)
    metal = np.linspace(10, 24, 100)
    dew = float(air.dew_point(25.0, 60.0))
    found = settled_course(25.0, 60.0, hours, on_metal_c=metal)
    grows = np.diff(found.film_g_m2) > 0
    between = (metal[1:] + metal[:-1]) / 2
    assert (grows == ((between < dew) & (found.film_g_m2[:-1] < 250))).all()


def test_only_humid_air_by_the_metal_makes_the_unknown_known():
    found = lead.film_course(
        np.full(200, np.nan), np.full(200, np.nan), np.ones(200), on_metal_c=20.0
    )
    assert (found.worst_g_m2 == 250).all()  # of the air's vapour nothing is known
    assert (found.dry_hours == 0).all()


@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 299), max_size=6))
def test_a_series_taken_in_parts_ends_in_the_same_state(seed, cuts):
    rng = np.random.default_rng(seed)
    warmth = np.cumsum(rng.normal(0, 1, 300)) + 10
    damp = np.clip(60 + np.cumsum(rng.normal(0, 4, 300)), 5, 100)
    steps = rng.choice([0.1, 1.0, 2.9, np.nan], 300, p=[0.3, 0.5, 0.18, 0.02])
    on_metal = np.where(rng.random(300) < 0.5, warmth - 1, np.nan)
    e = air.vapour_pressure(warmth, damp)
    whole = lead.film_course(warmth, e, steps, on_metal_c=on_metal)
    state, parts = lead.no_film(1), []
    edges = [0, *sorted(set(cuts)), 300]
    for begin, end in pairwise(edges):
        part = slice(begin, end)
        parts.append(
            lead.film_course(
                warmth[part], e[part], steps[part], on_metal_c=on_metal[part], state=state
            )
        )
    assert (whole.worst_g_m2 >= whole.film_g_m2).all()
    for name in whole._fields:
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


# What it does to the lead, and the furnace.


def test_wet_hours_count_more_where_water_is_kept_in():
    bare = lead.corrosion_hazard(10, 24, 70)
    assert bare == 10
    assert lead.corrosion_hazard(10, 24, 70, Packaging.SHRINK_WRAPPED) == 20


def test_wood_in_a_closed_room_attacks_lead_without_any_water_and_with_humidity_in_a_line():
    at = [
        float(lead.corrosion_hazard(0, 100, damp, Packaging.PALLET, sealed=True))
        for damp in (0, 40, 80)
    ]
    assert at[0] == 0
    assert at[2] == pytest.approx(2 * at[1])
    assert lead.corrosion_hazard(0, 100, 80, Packaging.PALLET) == 0
    assert lead.corrosion_hazard(0, 100, 80, Packaging.STRAPPED, sealed=True) == 0
    assert np.isnan(lead.corrosion_hazard(0, 100, np.nan, Packaging.PALLET, sealed=True))


def test_there_is_no_state_in_which_lead_is_fit_for_the_furnace():
    assert {state.name for state in Furnace} == {"NOT_FIT", "INSPECT_AND_PREHEAT"}


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, 0),
        ({"film_g_m2": 1e-6, "worst_g_m2": 1e-6}, NotFit.WET),
        ({"film_g_m2": 9, "worst_g_m2": 9, "dry_hours": 0}, NotFit.WET | NotFit(2)),
        ({"dry_hours": 23.9}, NotFit.NOT_DRY_LONG_ENOUGH),
        ({"dry_hours": np.nan}, NotFit.UNKNOWN),
        ({"film_g_m2": np.nan}, NotFit.UNKNOWN),
        ({"worst_g_m2": 3.0, "dry_hours": 0}, NotFit.UNKNOWN | NotFit.NOT_DRY_LONG_ENOUGH),
        ({"believed": False}, NotFit.UNKNOWN),
        ({"in_the_open": True}, NotFit.OUTDOORS),
    ],
)  # fmt: skip
def test_furnace_state(known, why):
    best = {"film_g_m2": 0.0, "worst_g_m2": 0.0, "dry_hours": 48.0, "drying_h": 24.0}
    state, reasons = furnace_state(**(best | known))
    assert NotFit(int(reasons)) == why
    assert state == (Furnace.NOT_FIT if why else Furnace.INSPECT_AND_PREHEAT)


def test_a_furnace_state_for_each_lot():
    state, reasons = furnace_state([0, 5, 0], [0, 5, 0], [30, 0, 3], 24)
    assert state.tolist() == [Furnace.INSPECT_AND_PREHEAT, Furnace.NOT_FIT, Furnace.NOT_FIT]
    assert reasons.shape == (3,)


def test_of_a_lot_in_no_known_place_it_is_not_said_where_it_stands():
    assert "nobody knows where" in said({"not_fit": float(NotFit.OUTDOORS)}, fresh=True).why


def test_what_is_shown_of_a_furnace_is_never_that_a_lot_is_fit():
    assert said({"not_fit": 0.0}, fresh=True).state == "inspect_and_preheat"
    for code in range(1, 16):
        assert said({"not_fit": float(code)}, fresh=True).state == "not_fit"
        assert said({"not_fit": float(code)}, fresh=True).why
    assert said({"not_fit": 0.0}, fresh=False) == said({}, fresh=True) == NOT_KNOWN


# Its recesses.


@pytest.mark.parametrize("hours", [1, 24])
def test_what_no_tag_sees_fills_the_recesses_and_they_dry_for_weeks(hours):
    """80 mm of water, at 20 °C and 50 %RH: 0.05 x (2339 - 1.2 x 1170) g/m²h, so 72 days."""
    n = 90 * 24
    shelter = np.where(np.arange(n) < 96, film.ROOF, film.OPEN)
    shelter[96 + hours :] = film.ROOF
    found = settled_course(20.0, 50.0, np.ones(n), on_metal_c=20.0, shelter=shelter)
    assert found.dry_hours[95] > 24
    assert found.recess_g_m2[95] == 0
    assert found.recess_g_m2[96] == 80_000
    dried = int(np.argmax(found.recess_g_m2[96:] == 0))
    rate = 0.5 * lead.TRANSFERS[Packaging.STRAPPED] * (vapour(20, 100) - 1.2 * vapour(20, 50))
    assert dried == pytest.approx(hours + 80_000 / rate, abs=2)
    assert (found.dry_hours[96 : 96 + dried] == 0).all()
    assert found.dry_hours[-1] > 24


def test_a_roof_may_drip_where_the_air_in_a_box_is_within_6_kelvin_of_its_dew_point():
    for humidity, fills in ((68, False), (70, True)):  # dew points of 13.95 and 14.4 °C
        found = settled_course(20.0, humidity, np.ones(24), shelter=film.BOX)
        assert (found.recess_g_m2[-1] == 80_000) == fills
        inside = settled_course(20.0, humidity, np.ones(24))
        assert inside.recess_g_m2[-1] < lead.UNKNOWN_RECESS_G_M2


def test_of_the_air_in_a_box_nothing_is_known_and_its_roof_may_have_dripped():
    around = np.where(np.arange(72) == 60, np.nan, 20.0)
    found = settled_course(around, 40.0, np.ones(72), shelter=film.BOX)
    assert found.recess_g_m2[59] == 0
    assert found.recess_g_m2[60] == 80_000


def test_of_lead_that_nothing_was_known_of_the_recesses_have_to_dry_too():
    """2 mm, at 20 °C and 50 %RH: 0.05 x (2339 - 1.2 x 1170) g/m²h, so two days."""
    found = settled_course(20.0, 50.0, np.ones(90), on_metal_c=20.0)
    rate = 0.5 * lead.TRANSFERS[Packaging.STRAPPED] * (vapour(20, 100) - 1.2 * vapour(20, 50))
    dried = int(np.argmax(found.recess_g_m2 == 0))
    assert dried == pytest.approx(lead.UNKNOWN_RECESS_G_M2 / rate, abs=2)
    assert (found.dry_hours[:dried] == 0).all()


def test_a_film_that_runs_ends_in_the_recesses():
    """0 °C metal in a hall of 25 °C: at 60 %RH some 230 g/m² settle, at 45 %RH under 100."""
    for humidity, fills in ((60, True), (40, False)):
        around = np.where(np.arange(60) < 20, 0.0, 25.0)
        damp = np.where(np.arange(60) < 20, 20.0, float(humidity))
        found = settled_course(around, damp, np.ones(60))
        assert found.film_g_m2.max() > 0
        assert bool(found.film_g_m2.max() >= 100) is fills
        assert bool(found.recess_g_m2[-1] > 0) is fills
