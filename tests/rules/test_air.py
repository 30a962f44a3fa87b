"""Moist air against independently computed answers and against what must always hold."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import air

VECTORS = Path(__file__).resolve().parents[2] / ".." / "shared" / "vectors" / "physics"

temperatures = st.floats(-60, 80)
humidities = st.floats(1, 100)


def vectors(name: str) -> list[dict[str, float]]:
    """The rows of a file of known answers; an empty cell is NaN."""
    path = VECTORS / name
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing: CI needs the known answers"
        pytest.skip(f"{path} is not in this clone")
    with path.open(encoding="utf-8") as lines:
        return [
            {key: float(value) if value else float("nan") for key, value in row.items()}
            for row in csv.DictReader(lines)
        ]


@pytest.fixture
def known() -> dict[str, np.ndarray]:
    rows = vectors("moist_air.csv")
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def test_pressures_are_within_a_thousandth(known):
    t, rh = known["temperature_c"], known["humidity_pct"]
    np.testing.assert_allclose(
        air.saturation_pressure(t), known["saturation_pressure_water_pa"], rtol=1e-3
    )
    np.testing.assert_allclose(air.vapour_pressure(t, rh), known["vapour_pressure_pa"], rtol=1e-3)
    np.testing.assert_allclose(
        air.absolute_humidity(t, rh), known["absolute_humidity_g_m3"], rtol=1e-3
    )


def test_dew_and_frost_points_are_within_3_hundredths_of_a_kelvin(known):
    t, rh = known["temperature_c"], known["humidity_pct"]
    np.testing.assert_allclose(air.dew_point(t, rh), known["dew_point_c"], rtol=0, atol=0.03)
    frost = air.frost_point(t, rh)
    assert np.isnan(known["frost_point_c"]).any()
    np.testing.assert_allclose(frost, known["frost_point_c"], rtol=0, atol=0.03)  # NaN by NaN


def test_ashrae_table_values():
    # ASHRAE Fundamentals, thermodynamic properties of water at saturation.
    assert air.saturation_pressure(20.0) == pytest.approx(2338.8, rel=1e-3)
    assert air.saturation_pressure(0.01) == pytest.approx(611.65, rel=1e-3)
    assert air.saturation_pressure_ice(-20.0) == pytest.approx(103.24, rel=1e-3)
    assert air.saturation_pressure(0.01) == pytest.approx(
        air.saturation_pressure_ice(0.01), rel=1e-3
    )


@given(temperatures, humidities)
def test_dew_point_gives_the_vapour_pressure_back(t, rh):
    found = air.saturation_pressure(air.dew_point(t, rh))
    assert found == pytest.approx(float(air.vapour_pressure(t, rh)), rel=1e-6)


@given(temperatures, humidities)
def test_frost_point_lies_between_dew_point_and_triple_point(t, rh):
    frost, dew = air.frost_point(t, rh), air.dew_point(t, rh)
    if np.isnan(frost):
        # Water and ice formulas meet at the triple point only to a few ten-thousandths of a kelvin.
        assert dew > air.TRIPLE_POINT - 0.001
    else:
        assert dew - 0.001 <= frost <= air.TRIPLE_POINT
        assert air.saturation_pressure_ice(frost) == pytest.approx(
            float(air.vapour_pressure(t, rh)), rel=1e-6
        )


@given(temperatures, humidities)
def test_dew_point_is_at_most_the_temperature(t, rh):
    assert air.dew_point(t, rh) <= t + 1e-6


@given(temperatures, humidities, st.floats(0.1, 5))
def test_more_water_means_a_higher_dew_point(t, rh, more):
    assert air.dew_point(t, rh + more) > air.dew_point(t, rh)
    assert air.dew_point(t + more, rh) > air.dew_point(t, rh)
    assert air.absolute_humidity(t, rh + more) > air.absolute_humidity(t, rh)
    assert air.saturation_pressure(t + more) > air.saturation_pressure(t)


def test_a_sensor_over_100_has_a_dew_point_over_its_temperature():
    assert 20.0 < air.dew_point(20.0, 101.0) < 20.3


@pytest.mark.parametrize("humidity", [0.0, -3.0, np.nan])
def test_no_humidity_is_unknown_not_dry(humidity):
    assert np.isnan(air.dew_point(20.0, humidity))
    assert np.isnan(air.frost_point(-5.0, humidity))


def test_arrays_broadcast_and_a_nan_stays_in_its_place():
    t = np.array([[10.0], [np.nan], [-300.0]])
    found = air.dew_point(t, np.array([40.0, 90.0]))
    assert found.shape == (3, 2)
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1:]).all()
    assert air.saturation_pressure(20.0).shape == ()


def test_the_arguments_are_left_as_they_were():
    t, rh = np.array([10.0, 20.0]), np.array([50.0, 60.0])
    air.frost_point(t, rh)
    air.absolute_humidity(t, rh)
    assert t.tolist() == [10.0, 20.0]
    assert rh.tolist() == [50.0, 60.0]
