"""The weather outside the places of a journey."""

from dataclasses import replace

import numpy as np

from simulators.journey import named
from simulators.journeys.outside import Outside
from simulators.physics.state import WEATHER
from simulators.world import World

SUN = WEATHER.index("sun")


def test_a_later_season_leaves_noon_where_it_was():
    """The seed's start is some days later in the year, never some hours later in the day."""
    journey = World(named("calm"), 1).journey
    place = journey.places[0]

    def sun(days):
        later = replace(journey, weather=replace(journey.weather, season_days=days))
        return Outside(later, 1, 0, 24 * 20).of(place)[:, SUN].reshape(-1, 24)

    dark = (sun(0.0) == 0.0).all(axis=0)
    assert 6 < dark.sum() < 18
    for days in (3.4, -7.7):
        assert (sun(days)[:, dark] == 0.0).all()
    assert np.array_equal(sun(3.4)[:10], sun(0.0)[3:13])
