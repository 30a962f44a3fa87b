"""The lump of lead against its exact solution and against what must always hold."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules import air, lead

VECTORS = Path(__file__).resolve().parents[2] / ".." / "shared" / "vectors" / "physics"
BUNDLE_KG = 0.65 * 0.48 * 0.32 * 11_340  # the bundle of the known answers, about 1 t
BUNDLE_M2 = 1.0347

celsius = st.floats(-40, 60)
spans = st.floats(0, 100)
constants = st.floats(0.5, 50)


@pytest.fixture
def known() -> dict[str, np.ndarray]:
    path = VECTORS / "lead_surface.csv"
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing: CI needs the known answers"
        pytest.skip(f"{path} is not in this clone")
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def test_time_constant(known):
    mass = known["time_constant_h"] * 3600 * known["h_w_m2k"] * BUNDLE_M2 / 129.5
    assert np.ptp(mass) < 0.1  # one bundle
    found = lead.time_constant_h(mass, BUNDLE_M2, known["h_w_m2k"])
    np.testing.assert_allclose(found, known["time_constant_h"], rtol=1e-6)
    assert lead.time_constant_h(1000, 1.035, [5, 8, 10]) == pytest.approx([7.0, 4.3, 3.5], abs=0.06)


@pytest.mark.parametrize("hours", [1, 6, 24])
def test_surface_is_within_a_hundredth_of_a_kelvin(known, hours):
    found = lead.surface_temperature(
        known["surface_start_c"], known["air_c"], hours, known["time_constant_h"]
    )
    np.testing.assert_allclose(found, known[f"surface_{hours}h_c"], rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("margin", "column"),
    [(0.0, "hours_until_surface_reaches_dew_point"), (3.0, "hours_until_3k_above_dew_point")],
)
def test_hours_until_dry_margin(known, margin, column):
    dew = air.dew_point(known["air_c"], known["humidity_pct"])
    found = lead.hours_until_dry_margin(
        known["surface_start_c"], known["air_c"], dew, known["time_constant_h"], margin
    )
    if margin:
        # The known answers give 0 where the air is too damp for the margin: it is never reached.
        never = known["air_c"] <= dew + margin
        assert never.sum() == 3
        assert np.isinf(found[never]).all()
        found, expected = found[~never], known[column][~never]
    else:
        expected = known[column]
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02)


def test_a_tag_on_the_metal_is_not_lagged_again():
    # 0 °C metal in air of 25 °C, 60 %RH, tau 4.3 h: 4.7 h.
    dew = air.dew_point(25.0, 60.0)
    assert lead.hours_until_dry_margin(0.0, 25.0, dew, 4.3, 0.0) == pytest.approx(4.7, abs=0.05)


@given(celsius, celsius, spans, spans, constants)
def test_two_steps_are_as_good_as_one(start, around, first, second, tau):
    once = lead.surface_temperature(start, around, first + second, tau)
    halfway = lead.surface_temperature(start, around, first, tau)
    assert lead.surface_temperature(halfway, around, second, tau) == pytest.approx(
        float(once), abs=1e-9
    )


@given(celsius, celsius, spans, constants)
def test_the_surface_stays_between_where_it_was_and_the_air(start, around, hours, tau):
    found = lead.surface_temperature(start, around, hours, tau)
    assert min(start, around) - 1e-9 <= found <= max(start, around) + 1e-9


@given(celsius, celsius, st.floats(-40, 40), constants, st.floats(0, 6))
@example(1.0, 0.0, 2.2e-309, 1.0, 0.0)  # a difference that nothing can be divided by
def test_at_the_time_foretold_the_margin_is_there(surface, around, dew, tau, margin):
    hours = lead.hours_until_dry_margin(surface, around, dew, tau, margin)
    if surface >= dew + margin:
        assert hours == 0
    elif around <= dew + margin:
        assert np.isinf(hours)
    else:
        found = lead.surface_temperature(surface, around, hours, tau)
        assert found == pytest.approx(dew + margin, abs=1e-6)


def test_what_is_unknown_stays_unknown():
    found = lead.hours_until_dry_margin(
        [5.0, np.nan, 5.0, 5.0], [25.0, 25.0, np.nan, 25.0], [17.0, 17.0, 17.0, np.nan], 4.3, 0.0
    )
    assert np.isfinite(found[0])
    assert np.isnan(found[1:]).all()
    assert lead.surface_temperature(5.0, 25.0, 1.0, 4.3).shape == ()


@pytest.mark.parametrize(
    ("place", "least", "most"),
    [
        # Classes of ISO 9223:1992, table 1, in hours a year.
        ("tampere_indoor", 0, 10),  # 1: indoors with climate control
        ("miami_fl", 2500, 5500),  # 4: outdoors but for dry and for damp climates
        ("chicago_il", 250, 5500),
    ],
)
def test_time_of_wetness_is_in_its_class(place, least, most):
    path = VECTORS.parents[1] / "data" / "climate" / f"{place}.csv"
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing: CI needs the real data"
        pytest.skip(f"{path} is not in this clone")
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[:8760]
    warmth, damp = (
        np.array([float(row[name]) for row in rows]) for name in ("temperature_c", "humidity_pct")
    )
    assert least <= lead.time_of_wetness(warmth, damp, 1.0).sum() < most


def test_time_of_wetness_asks_for_more_than_0_degrees_and_80_percent():
    found = lead.time_of_wetness([0.1, 0.0, 5.0, 5.0, np.nan], [80.1, 99.0, 80.0, np.nan, 90.0], 2)
    np.testing.assert_array_equal(found, [2, 0, 0, np.nan, np.nan])
