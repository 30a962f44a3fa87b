"""Neither water nor heat is made or lost, and half the step comes to the same."""

import numpy as np
import pytest

from simulators import world
from simulators.journey import named
from simulators.physics import enclosure as boxes
from simulators.physics.kernel import advance
from simulators.physics.wool import REGAIN_65, regain_
from tests.simulators.physics.lab import (
    TIGHT,
    Lab,
    came_in,
    heat,
    lead,
    stay,
    steady,
    water,
    water_of,
    wool,
)


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
    before = [water_of(lot) for lot in lab.lots]
    lab.run(96)
    for lot, was in zip(lab.lots, before, strict=True):
        gained = water_of(lot) - was
        assert gained == pytest.approx(lot["units"] * lot["water_in"], rel=1e-6, abs=1e-9)
    assert lab.goods[0]["rained"][-1] > 5000  # g/m²: 8 mm, and some on the sides
    assert lab.goods[0]["cavity"].max() > 100


@pytest.fixture
def told(monkeypatch):
    """[before, after] of each run of the physics: copies of enclosures, sorbers and lots."""
    runs = []

    def advanced(weather, places, conditions, sorbers, curves, lots, *rest):
        before = [each.copy() for each in (places, sorbers, lots)]
        advance(weather, places, conditions, sorbers, curves, lots, *rest)
        runs.append((before, [each.copy() for each in (places, sorbers, lots)]))

    monkeypatch.setattr(world, "advance", advanced)
    return runs


@pytest.mark.parametrize(
    "key", ["frost-and-thaw", "rain-at-loading", "roof-drip", "ventilated-at-the-wrong-time"]
)
def test_over_a_whole_journey_neither_water_nor_heat_is_made_or_lost(told, key):
    found = world.World(named(key), 1)
    found.truth(found.lots[0].key)
    assert len(told) == 2  # two days before the start, then the journey
    for before, after in told:
        (places, _, lots), (places_then, _, lots_then) = after, before
        gained = water(*after) - water(*before)
        came = came_in("water_in", places, lots) - came_in("water_in", places_then, lots_then)
        assert gained == pytest.approx(came, abs=1e-9 * water(*after))
        gained = heat(places, lots) - heat(places_then, lots_then)
        came = came_in("heat_in", places, lots) - came_in("heat_in", places_then, lots_then)
        assert gained == pytest.approx(came, abs=1e-9 * heat(places, lots))
        assert abs(came) > 1e6  # J


def test_a_journey_begins_with_what_it_tells_of_and_with_the_rest_as_it_was(told):
    for key in ("wet-dunnage", "frost-and-thaw", "wool-baled-damp"):
        found = world.World(named(key), 1)
        found.truth(found.lots[0].key)
        (declared, settled), (begins, _) = told[-2:]
        is_told = found._build.told
        assert (begins[1]["u_outer"] == np.where(
            is_told, declared[1]["u_outer"], settled[1]["u_outer"])).all()  # fmt: skip
        assert (begins[1]["u_inner"] == np.where(
            is_told, declared[1]["u_inner"], settled[1]["u_inner"])).all()  # fmt: skip
        assert (begins[2]["u"] == declared[2]["u"]).all()
        assert (begins[2]["mould_index"] == 0).all()
        assert begins[0].tobytes() == settled[0].tobytes()
        weathered = [lot.temperature is None for lot in found.lots]
        for name in ("t", "top_water", "side_ice", "cavity_water", "rained", "dripped"):
            as_it_was = np.where(weathered, settled[2][name].T, declared[2][name].T).T
            assert (begins[2][name] == as_it_was).all()
        assert key != "wet-dunnage" or (is_told & (settled[1]["u_outer"] != declared[1]["u_outer"])
                                        ).any()  # fmt: skip


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
    lots = [lead(5.0), lead(5.0), lead(5.0, exposed=0.3)]
    stays = [[stay()], [stay(barrier=40.0)], [stay()]]
    lab = Lab(boxes.KINDS["hall"], weather, lots, stays, rh=80.0, vent=10.0).run(24)
    bare, wrapped, within = (goods["film"].max() for goods in lab.goods)
    assert bare > 100
    assert wrapped < 1
    assert within > 0
    wet = [float((goods["film"] >= 5).mean()) for goods in lab.goods]
    assert wet[2] > wet[0] > wet[1] == 0  # the middle of a stack stays cold, and wet, longer
