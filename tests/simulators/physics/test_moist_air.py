"""Moist air of the simulators against known answers, and against itself."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from simulators.physics import air

VECTORS = Path(__file__).resolve().parents[3] / ".." / "shared" / "vectors" / "physics"


def test_saturation_and_dew_point_agree_with_the_known_answers():
    path = VECTORS / "moist_air.csv"
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing: CI needs the vectors"
        pytest.skip(f"{path} is not in this clone")
    with path.open(encoding="utf-8") as lines:
        rows = [{k: float(v or "nan") for k, v in row.items()} for row in csv.DictReader(lines)]
    t = np.array([row["temperature_c"] for row in rows])
    known = np.array([row["saturation_pressure_water_pa"] for row in rows])
    vapour = np.array([row["vapour_pressure_pa"] for row in rows])
    dew = np.array([row["dew_point_c"] for row in rows])
    error = np.abs(air.saturation(t) / known - 1)
    assert error[t >= -40].max() < 2e-3
    assert error[(t >= 0) & (t <= 50)].max() < 1e-3
    above = dew > -40
    apart = np.abs(air.dew_point(vapour) - dew)
    assert apart[above].max() < 0.04
    assert apart[dew > 0].max() < 0.01


def test_published_saturation_pressures():
    """IAPWS-95, as tabled by Wagner and Pruss (2002): 10 °C, 20 °C, 40 °C, 80 °C."""
    known = np.array([1228.2, 2339.3, 7384.9, 47414.0])
    assert np.abs(air.saturation([10.0, 20.0, 40.0, 80.0]) / known - 1).max() < 5e-3
    assert np.abs(air.saturation([10.0, 20.0, 40.0]) / known[:3] - 1).max() < 1e-3
    # Over ice at -10 °C 259.9 Pa, over water 286.5 (Goff and Gratch).
    assert air.saturation_of_surface_(-10.0) == pytest.approx(259.9, rel=2e-3)
    assert float(air.saturation(-10.0)) == pytest.approx(286.5, rel=2e-3)


def test_the_dew_point_is_the_inverse_of_saturation():
    t = np.linspace(-45, 85, 500)
    assert np.abs(air.dew_point(air.saturation(t)) - t).max() < 1e-9
    assert np.isnan(air.dew_point(0.0))


def test_the_sky_is_colder_than_the_air_most_of_all_when_it_is_clear_and_dry():
    t, damp = np.array([20.0, 20.0, 20.0]), np.array([800.0, 800.0, 2000.0])
    sky = air.sky_temperature(t, damp, np.array([0.0, 10.0, 0.0]))
    assert 15 < 20 - sky[0] < 25  # clear and dry: about 20 K
    assert 0 < 20 - sky[1] < 8  # overcast
    assert 8 < 20 - sky[2] < 20 - sky[0]


def test_vapour_goes_to_a_surface_as_heat_does():
    """Lewis: 8 W/m²K bring about 250 g/m²h to 0 °C metal in air of 25 °C, 60 %RH."""
    rate = air.transfer_(8.0, 12.0) * (0.6 * float(air.saturation(25.0)) - 611.2)
    assert 0.20 < rate * 3600 < 0.30
