"""Moist air against independently computed answers and against what must always hold."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import air
from rules.air import Ventilation

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


def test_mass_transfer_is_the_psychrometric_constant():
    # FAO-56 (Allen and others, 1998): gamma = 0.665e-3 P /K, with a latent heat of 2.45 MJ/kg.
    gamma = 8.0 / (2.45e6 * air.mass_transfer(8.0))
    assert gamma == pytest.approx(0.665e-3 * air.STANDARD_PRESSURE, rel=0.01)


def test_mass_transfer_is_that_of_building_physics_but_for_its_lewis_number():
    # alpha' = alpha / (Le cp rho Rv T), Le 0.86, at 10 °C (Hokoi and others, Ace Environmental
    # Engineering II): 1.574e-7 with rho 1.293, which is the density at 0 °C.
    published = 1.5737642e-7 * 0.86 * 1.293 / 1.2466
    assert air.mass_transfer(23.0) == pytest.approx(published, rel=0.01)


def test_thin_air_carries_vapour_better():
    assert air.mass_transfer(8.0, 80_000.0) > air.mass_transfer(8.0)


@pytest.mark.parametrize(
    ("outside_dew", "inside_dew", "outside", "cargo", "expected"),
    [
        (10, 15, 20, 20, Ventilation.VENTILATE),  # dew-point rule
        (15, 10, 20, 20, Ventilation.KEEP_CLOSED),
        (10, 10, 20, 20, Ventilation.KEEP_CLOSED),  # only while it is below
        (15, 10, 17, 20, Ventilation.VENTILATE),  # three-degree rule
        (15, 10, 17.1, 20, Ventilation.KEEP_CLOSED),
        (10, 15, np.nan, np.nan, Ventilation.VENTILATE),
        (15, 10, np.nan, np.nan, Ventilation.KEEP_CLOSED),
        (15, np.nan, 10, 20, Ventilation.VENTILATE),
        (15, np.nan, 18, 20, Ventilation.KEEP_CLOSED),
        (15, np.nan, 10, np.nan, Ventilation.UNKNOWN),
        (np.nan, 10, np.nan, 20, Ventilation.UNKNOWN),
    ],
)
def test_ventilate_or_not(outside_dew, inside_dew, outside, cargo, expected):
    assert air.ventilation(outside_dew, inside_dew, outside, cargo) == expected


def test_ventilation_of_many_hours():
    found = air.ventilation([5.0, 12.0, np.nan], 10.0)
    assert found.tolist() == [Ventilation.VENTILATE, Ventilation.KEEP_CLOSED, Ventilation.UNKNOWN]


@pytest.mark.parametrize("hole", range(4))
@given(st.lists(st.floats(-30, 40), min_size=4, max_size=4))
def test_what_is_unknown_gives_no_leave_that_it_would_not_give_if_known(hole, known):
    with_hole = [np.nan if at == hole else value for at, value in enumerate(known)]
    if air.ventilation(*with_hole) == Ventilation.VENTILATE:
        assert air.ventilation(*known) == Ventilation.VENTILATE


def test_mean_kinetic_temperature_of_a_published_example():
    # 2 h at 20 °C, 4 h at 2 °C and 1 h at 25 °C: 15.7 °C (Isopharm, What is MKT?).
    assert air.mean_kinetic_temperature([20, 2, 25], [2, 4, 1]) == pytest.approx(15.7, abs=0.05)


@given(st.lists(st.floats(-40, 70), min_size=1, max_size=20))
def test_mean_kinetic_temperature_lies_between_the_mean_and_the_warmest(t):
    found = air.mean_kinetic_temperature(t)
    assert np.mean(t) - 1e-6 <= found <= max(t) + 1e-6


@given(st.lists(st.tuples(st.floats(-40, 70), st.floats(0.01, 10)), min_size=1, max_size=9))
def test_mean_kinetic_temperature_does_not_depend_on_how_the_hours_are_cut(steps):
    t, hours = np.array(steps).T
    cut = air.mean_kinetic_temperature(np.repeat(t, 2), np.repeat(hours / 2, 2))
    assert cut == pytest.approx(float(air.mean_kinetic_temperature(t, hours)), abs=1e-9)


def test_a_gap_does_not_weigh_in_mean_kinetic_temperature():
    known = air.mean_kinetic_temperature([20.0, 30.0], [1.0, 2.0])
    with_gap = air.mean_kinetic_temperature([20.0, np.nan, 50.0, 30.0], [1.0, 9.0, np.nan, 2.0])
    assert with_gap == pytest.approx(float(known))
    assert np.isnan(air.mean_kinetic_temperature([np.nan], 1.0))
    assert air.mean_kinetic_temperature(np.full((3, 5), 20.0)).shape == (3,)
