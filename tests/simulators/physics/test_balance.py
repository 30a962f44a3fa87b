"""Neither water nor heat is made or lost, and half the step comes to the same."""

import numpy as np
import pytest

from simulators.physics import enclosure as boxes
from simulators.physics.wool import REGAIN_65, regain_
from tests.simulators.physics.lab import TIGHT, Lab, lead, stay, steady, wool


def crowded(kind, weather, **conditions):
    """Lead colder than the air and damp wool on wet dunnage, with a bag of desiccant."""
    extra = [boxes.dunnage(0, 150.0, 0.45), boxes.desiccant(0, 5.0, 0, 0.2)]
    lots = [lead(5.0, 3), wool(22.0, 0.22, form="greasy"), wool(22.0, 0.14)]
    return Lab(kind, weather, lots, extra=extra, start=22.0, rh=70.0, **conditions)


def days(hours):
    """Sun by day and a clear sky by night, down to a frost."""
    weather = steady(hours, 12.0, 70.0, wind=2.0)
    wave = np.sin(2 * np.pi * np.arange(len(weather)) / 24)
    weather[:, 0] += 15 * wave
    weather[:, 3] = 800 * np.maximum(wave, 0)
    weather[:, 4] = weather[:, 0] - 18
    return weather


def test_a_tight_box_keeps_its_water_to_a_part_in_a_thousand_million():
    lab = crowded(TIGHT, days(240))
    before = lab.water
    lab.run(240)
    moved = sum(abs(g["regain"][-1] - g["regain"][0]) for g in lab.goods)
    assert moved > 0.001  # it did go about: from dunnage and wool to the roof, the lead, the bag
    assert lab.air["roof_film"].max() > 0.01
    assert lab.air["dripped"][-1] > 0
    assert max(g["film"].max() for g in lab.goods) > 50
    assert lab.water == pytest.approx(before, rel=1e-9)
    assert lab.boxes[0]["water_in"] == 0


def test_a_leaky_box_gains_what_came_in():
    lab = crowded(boxes.KINDS["container_20"], days(120), vent=2.0, wetting=1e-5, dry_to=60.0,
                  dryer=1e-6)  # fmt: skip
    before = lab.water
    lab.run(120)
    assert abs(lab.boxes[0]["water_in"]) > 0.5
    assert lab.water - before == pytest.approx(lab.boxes[0]["water_in"], abs=1e-9 * before)


@pytest.mark.parametrize("kind", ["container_20", "hall", "reefer_40"])
def test_heat_is_accounted_for(kind):
    lab = crowded(boxes.KINDS[kind], days(120), cool_to=15.0, cooler=2000.0, coil_t=2.0)
    before, told = lab.heat, lab.heat_in
    lab.run(120)
    moved = abs(lab.heat_in - told) + abs(lab.heat)
    assert abs(lab.heat - before - (lab.heat_in - told)) < 1e-9 * moved


def test_in_the_open_water_comes_as_rain_and_dew_and_goes():
    weather = days(96)
    weather[10:14, 6] = 2.0 / 3600
    lab = Lab(boxes.KINDS["yard"], weather, [lead(5.0), wool(15.0, 0.15)])
    before = [lab.water_of(lot) for lot in lab.lots]
    lab.run(96)
    for lot, was in zip(lab.lots, before, strict=True):
        gained = lab.water_of(lot) - was
        assert gained == pytest.approx(lot["units"] * lot["water_in"], rel=1e-6, abs=1e-9)
    assert lab.goods[0]["rained"][-1] > 5000  # g/m²: 8 mm, and some on the sides
    assert lab.goods[0]["cavity"].max() > 100


def test_half_the_step_comes_to_the_same():
    coarse, fine = (crowded(boxes.KINDS["container_20"], days(96)).run(96, s) for s in (20.0, 10.0))
    for name, most in (("temperature", 0.15), ("roof", 0.3), ("vapour", 40.0)):
        apart = coarse.air[name] - fine.air[name]
        assert np.sqrt((apart**2).mean()) < most, name
    for one, other in zip(coarse.goods, fine.goods, strict=True):
        assert np.abs(one["surface"] - other["surface"]).max() < 0.1
        assert np.abs(one["film"] - other["film"]).max() < 8.0  # g/m², of 250: a drop's falling
        assert np.abs(one["film"] - other["film"]).mean() < 1.0
        assert np.abs(one["regain"] - other["regain"]).max() < 2e-5
        assert np.abs(one["mould"] - other["mould"]).max() < 1e-3


def test_what_is_at_rest_stays_at_rest():
    """Air, walls, wool and wood in balance with the weather: nothing moves."""
    balanced = regain_(0.5, 0.5, *REGAIN_65)
    lab = Lab(boxes.KINDS["hall"], steady(48, 25.0), [lead(25.0), wool(25.0, balanced)])
    lab.run(48)
    assert np.ptp(lab.air["temperature"]) < 1e-3
    assert np.abs(lab.air["vapour"] / lab.air["vapour"][0] - 1).max() < 2e-3
    assert np.ptp(lab.goods[1]["regain"]) < 1e-5
    assert lab.goods[0]["film"].max() == 0


def test_packaging_and_stowage_hold_up_water():
    weather = steady(24, 25.0, 80.0)
    stays = [[stay()], [stay(barrier=40.0)], [stay(exposed=0.3)]]
    lab = Lab(boxes.KINDS["hall"], weather, [lead(5.0), lead(5.0), lead(5.0)], stays, rh=80.0,
              vent=10.0).run(24)  # fmt: skip
    bare, wrapped, within = (goods["film"].max() for goods in lab.goods)
    assert bare > 100
    assert wrapped < 1
    assert within > 0
    wet = [float((goods["film"] >= 5).mean()) for goods in lab.goods]
    assert wet[2] > wet[0] > wet[1] == 0  # the middle of a stack stays cold, and wet, longer
