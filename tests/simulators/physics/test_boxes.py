"""Enclosures behave as measured ones do."""

import math
import os

import numpy as np
import pytest

from simulators.climate import load, load_measured
from simulators.climate.measured import folder
from simulators.physics import enclosure as boxes
from simulators.physics.air import saturation, sky_temperature
from tests.simulators.physics.lab import Lab, lead, steady, wool


def typical(station, first_day, days):
    """(hours + 2, 7) weather of a carried year."""
    year = load(station)
    row = (first_day * 24 + np.arange(days * 24 + 2)) % 8760
    t = year.temperature[row]
    vapour = year.humidity[row] / 100 * saturation(t)
    sky = sky_temperature(t, vapour, year.cloud[row])
    rain = np.nan_to_num(year.rain[row]) / 3600
    return np.column_stack(
        [t, vapour, year.pressure[row], year.sun[row], sky, year.wind[row], rain]
    )


def by_day(column):
    return column[: len(column) // 288 * 288].reshape(-1, 288)


def test_the_roof_of_a_container_swings_as_is_told_of_them():
    """A closed container in the sun. Told of such: 35 to 60 °C inside at 25 to 30 °C outside (Blue
    Bear Self Storage, a rough guide), 57 °C as the most on voyages (hz-containers.com); by clear
    nights the roof is colder than the air, or there would be no container rain."""
    weather = typical("miami", 190, 20)
    lab = Lab(boxes.KINDS["container_20"], weather).run(20 * 24)
    outside = np.interp(
        np.arange(len(lab.air["roof"])) / 12, np.arange(len(weather)), weather[:, 0]
    )
    roof = by_day(lab.air["roof"] - outside)
    inside = by_day(lab.air["temperature"] - outside)
    assert 15 < np.median(roof.max(1)) < 35
    assert 8 < np.median(inside.max(1)) < 22
    assert -8 < np.median(roof.min(1)) < -1
    assert 45 < lab.air["roof"].max() < 80
    assert 38 < lab.air["temperature"].max() < 60


def test_cargo_and_insulation_damp_the_swing():
    weather = typical("miami", 190, 6)
    bare = Lab(boxes.KINDS["container_20"], weather).run(144).air["temperature"]
    full = Lab(boxes.KINDS["container_20"], weather, [lead(28.0, 18)]).run(144).air["temperature"]
    foam = Lab(boxes.KINDS["reefer_40"], weather).run(144).air["temperature"]
    swing = [np.ptp(by_day(column)[3:], axis=1).mean() for column in (bare, full, foam)]
    assert swing[1] < 0.8 * swing[0]
    assert swing[2] < 0.5 * swing[0]


def test_an_open_door_makes_the_inside_like_the_outside():
    weather = steady(6, 20.0, 80.0)
    shut, ajar, wide = (
        Lab(boxes.KINDS["hall"], weather, start=5.0, rh=60.0, door_area=area).run(6)
        for area in (0.0, 1.0, 12.0)
    )
    vapour = [lab.air["vapour"][-1] for lab in (shut, ajar, wide)]
    assert vapour[0] < vapour[1] < vapour[2] < weather[0, 1]
    assert wide.air["changes"].max() > 5
    # Brown and Solvason: 12 m² of door, 2.6 m high, 15 K apart: some m³/s.
    flow = wide.air["changes"].max() / 3600 * wide.boxes[0]["volume"]
    assert 2 < flow < 8


def test_wet_dunnage_dampens_a_tight_box_and_dries():
    heap = boxes.dunnage(0, 150.0, 0.5)
    lab = Lab(boxes.KINDS["container_20"], typical("greensboro", 250, 10), extra=[heap]).run(240)
    humid = 100 * lab.air["vapour"] / saturation(lab.air["temperature"])
    assert np.median(humid) > 80
    dried = 0.5 - lab.sorbers[1]["u_outer"] * 0.3 - lab.sorbers[1]["u_inner"] * 0.7
    assert 0.01 < dried < 0.25
    assert lab.air["roof_film"].max() > 0.02


def test_a_desiccant_holds_the_air_dry_until_it_is_full():
    weather = typical("miami", 190, 30)
    wet = boxes.dunnage(0, 60.0, 0.35)
    bag = boxes.desiccant(0, 12.0, 0, 0.0)
    without = Lab(boxes.KINDS["container_20"], weather, extra=[wet]).run(720)
    dried = Lab(boxes.KINDS["container_20"], weather, extra=[wet, bag]).run(720)

    def humid(lab, days):
        column = 100 * lab.air["vapour"] / saturation(lab.air["temperature"])
        return float(np.mean(column[days[0] * 288 : days[1] * 288]))

    assert humid(dried, (1, 4)) < humid(without, (1, 4)) - 10
    taken = dried.sorbers[2]["u_outer"]
    assert 0.8 < taken <= 1.7
    assert 0.02 < (dried.sorbers[2]["u_outer"] * 12.0) / 30 < 2  # kg a day


def test_a_thermostat_and_a_dehumidifier_hold_what_they_are_set_to():
    weather = typical("miami", 190, 5)
    lab = Lab(boxes.KINDS["hall"], weather, start=24.0, rh=50.0, cool_to=22.0, cooler=60e3,
              coil_t=8.0, dry_to=50.0, dryer=0.02).run(120)  # fmt: skip
    humid = 100 * lab.air["vapour"] / saturation(lab.air["temperature"])
    assert lab.air["temperature"][288:].max() < 22.2
    assert humid[288:].max() < 51
    weak = Lab(boxes.KINDS["hall"], weather, start=24.0, cool_to=22.0, cooler=1e3).run(120)
    assert weak.air["temperature"].max() > 25


def test_a_cold_roof_drips_on_what_is_under_it():
    weather = steady(48, 5.0, 60.0, sky=-15.0)
    moist = [wool(25.0, 0.25, 20, form="greasy"), lead(20.0, 4)]
    lab = Lab(boxes.KINDS["container_20"], weather, moist, start=22.0, rh=85.0).run(48)
    assert lab.air["dripped"][-1] > 0.1
    assert lab.goods[0]["dripped"][-1] > 5
    assert lab.goods[1]["dripped"][-1] > 5


def test_wood_and_calcium_chloride_follow_their_curves():
    wood, salt = boxes.curves()
    assert np.interp(0.12, np.linspace(0, 4, len(wood)), wood) == pytest.approx(0.65, abs=0.03)
    assert wood[40:].min() == 1.0  # from 40 % on it is wet
    assert np.diff(salt).min() >= 0
    assert boxes.wood_moisture(20.0, 0.65 * 2339) == pytest.approx(0.12, abs=0.005)


def high_sun(when, latitude, longitude):
    """(n,) the sine of the sun's height, 0 at night."""
    at = when.astype("datetime64[ms]")
    day = (at - at.astype("datetime64[Y]")).astype(float) / 86_400_000
    declination = np.radians(23.44) * np.sin(2 * np.pi * (284 + day) / 365)
    turn = np.radians(15 * (when / 3_600_000 % 24 - 12) + longitude)
    height = np.sin(np.radians(latitude)) * np.sin(declination)
    height += np.cos(np.radians(latitude)) * np.cos(declination) * np.cos(turn)
    return np.maximum(height, 0)


def test_the_model_is_nearer_to_a_measured_roof_space_than_the_air_outside_is(capsys):
    """Tampere: what was measured outside, through the model, against what was measured in a
    ventilated roof space. Sun, wind and sky were not measured: a quarter of the sun above the
    atmosphere, 2 m/s and eight tenths of cloud are taken. These, and U and leak of the kind
    `roof_space`, were chosen on the first year; what counts is the rest, from November 2011."""
    if not (folder() / "tampere_attic.csv").exists():
        assert not os.environ.get("CI"), f"{folder()} is missing: CI needs the data"
        pytest.skip(f"{folder()} is not in this clone")
    outside, attic = load_measured("tampere_outdoor"), load_measured("tampere_attic")
    hours = int((attic.time[-1] - attic.time[0]) // 3_600_000 - 1)
    when = attic.time[0] + np.arange(hours + 2) * 3_600_000
    t, humidity, pressure = outside.at(when)
    vapour = humidity / 100 * saturation(t)
    sun = 0.25 * 1361 * high_sun(when, 61.5, 23.8)
    sky = sky_temperature(t, vapour, np.full(len(t), 8.0))
    weather = np.column_stack([t, vapour, pressure, sun, sky, 0 * t + 2.0, 0 * t])
    lab = Lab(boxes.KINDS["roof_space"], weather)
    lab.boxes[0]["ground_t"] = 21.0  # a heated house is under it
    lab.run(hours, every_s=3600)
    when, t, vapour = when[1 : hours + 1], t[1 : hours + 1], vapour[1 : hours + 1]
    measured_t, measured_rh, _ = attic.at(when)
    measured = measured_rh / 100 * saturation(measured_t)
    known = np.isin(when, attic.time) & np.isin(when, outside.time)
    known &= when >= np.datetime64("2011-11-15", "ms").astype(np.int64)
    assert known.sum() > 4000

    def rmse(apart):
        return math.sqrt(float((apart[known] ** 2).mean()))

    model_t, naive_t = rmse(lab.air["temperature"] - measured_t), rmse(t - measured_t)
    model_p, naive_p = rmse(lab.air["vapour"] - measured), rmse(vapour - measured)
    with capsys.disabled():
        print(
            f"\nTampere roof space, {known.sum()} hours, RMSE of the model and of the air outside: "
            f"{model_t:.2f} and {naive_t:.2f} K, {model_p:.1f} and {naive_p:.1f} Pa"
        )
    assert model_t < 0.8 * naive_t
    assert model_p < naive_p
