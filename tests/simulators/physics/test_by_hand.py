"""What can be worked out by hand: a lump that warms, a film that dries, a wet bulb."""

import numpy as np
import pytest

from simulators.physics import enclosure as boxes
from tests.simulators.physics.lab import Lab, lead, steady

HALL = boxes.KINDS["hall"]


def alone(lot):
    """A lot that has heat and vapour of the air alone: it neither radiates nor touches a floor."""
    lot["emits"] = lot["contact"] = 0.0
    return lot


def mean_t(lot):
    return float((lot["mass"] * lot["t"]).sum() / lot["mass"].sum())


@pytest.mark.parametrize("h", [2.0, 4.0, 8.0])
def test_a_small_bundle_warms_as_a_lump(h):
    """100 kg of the shape of 0.65 m x 0.48 m x 0.32 m at 1 000 kg: tau = m c / (h A), the Biot
    number below 0.03."""
    size = 0.1 ** (1 / 3)
    area = size**2 * (0.65 * 0.48 + 2 * (0.65 + 0.48) * 0.32)
    tau_h = 100.0 * 129.5 / (h * area) / 3600
    for hours in (1, 4, 12):
        lab = Lab(HALL, steady(hours, 20.0, 5.0), [alone(lead(0.0, kg=100.0))], rh=5.0, h=h,
                  vent=30.0).run(hours)  # fmt: skip
        assert mean_t(lab.lots[0]) == pytest.approx(20 * (1 - np.exp(-hours / tau_h)), rel=0.015)


def test_a_film_dries_as_fast_as_lewis_has_it():
    """20 °C, 50 %RH, h = 4 W/m²K: 4 / (1.2 x 1005 x 0.9 x 461.5 x 293.15) x 1 169.5 Pa = 114.7
    g/m²h, in five minutes 9.56 g/m², in which the metal cools by 0.2 K."""
    wet = alone(lead(20.0))
    wet["top_water"], wet["side_water"] = 0.2 * wet["top"], 0.09 * wet["side"]
    lab = Lab(HALL, steady(1, 20.0, 50.0), [wet], h=4.0, vent=30.0).run(1)
    film = lab.goods[0]["film"]
    assert 200 - film[0] == pytest.approx(9.56, rel=0.025)
    assert lab.lots[0]["side_water"] < 0.09 * wet["side"]


def test_what_dries_comes_to_the_wet_bulb():
    """20 °C, 50 %RH: p_s(T) - 1 169.5 Pa = 58.9 Pa/K (20 °C - T), the psychrometric constant being
    1.2 x 1005 x 0.9 x 461.5 x 290 / 2.469e6; by Magnus T = 13.55 °C."""
    wet = alone(lead(20.0, kg=100.0))
    wet["film_top"] = wet["film_side"] = 10.0
    wet["top_water"], wet["side_water"] = 5.0 * wet["top"], 5.0 * wet["side"]
    lab = Lab(HALL, steady(36, 20.0, 50.0), [wet], h=4.0, vent=30.0).run(36)
    assert lab.goods[0]["film"][-1] > 3000
    assert mean_t(lab.lots[0]) == pytest.approx(13.55, abs=0.1)
