"""Sweat that is known to come: cold lead on its way into a warm, damp climate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.circumstances import AHEAD_MS, ALWAYS, Circumstance, Course
from lots.clock import HOUR_MS
from lots.normals import HOURS, MONTHS, Normals
from lots.terms import Phase
from rules import ahead, pack
from rules.surroundings import Courses
from tests.rules.timeline import LEAD, WOOL, at, course, fold, folded, hours, said, steady

AHEAD_H = AHEAD_MS / HOUR_MS
SHIPPED = pack.load()


def steady_climate(temperature, dew_point, spread=2.0):
    values = np.empty((4, MONTHS, HOURS), np.float32)
    values[0], values[1], values[2], values[3] = temperature, spread, dew_point, spread
    return Normals(values.tobytes())


COLD, WARM, DRY = steady_climate(0, -3), steady_climate(25, 20), steady_climate(25, 2)


def shipped(departs, arrives, origin=COLD, destination=WARM, facts=LEAD):
    """A lot in stock that leaves ``departs`` h and is opened a day after it arrived."""
    way = Course(at(departs), at(arrives), origin, destination)
    return replace(
        facts,
        circumstances=(
            Circumstance(ALWAYS, Phase.IN_STOCK, 0, "bay", "temperate"),
            Circumstance(at(departs), Phase.IN_TRANSIT, 1, "vehicle", "", way),
            Circumstance(at(arrives), Phase.AT_CUSTOMER, 1, "", "", way),
            Circumstance(at(arrives + 24), Phase.AT_CUSTOMER, 1, "", ""),
        ),
    )


COLD_STORE = said(*steady(0, 30, 0, 60))


def numbers(facts, samples=COLD_STORE):
    return folded(samples, facts).numbers


def test_cold_metal_on_its_way_into_damp_air_will_sweat():
    found = numbers(shipped(34, 44))
    assert found["sweat_ahead"] > 0.95
    assert 4 < found["sweat_in"] <= 14, "on the way, before it has arrived"
    assert found["sweat_lasts"] > 3


def test_in_dry_air_it_will_not_and_where_nothing_is_known_to_come_nothing_is_said():
    assert numbers(shipped(34, 44, destination=DRY))["sweat_ahead"] < 0.2
    assert "sweat_ahead" not in numbers(LEAD)
    assert course(COLD_STORE, "sweat_in")[-1] is None


def test_it_is_seen_from_no_further_than_the_horizon():
    rows = steady(0, 100, 0, 60)
    found = course(said(*rows), "sweat_ahead", shipped(90, 100))
    first = next(i for i, value in enumerate(found) if value is not None)
    assert first == math.floor(90 - AHEAD_H) + 1


def test_once_it_is_over_nothing_is_said():
    facts = shipped(34, 44)
    found = course(said(*steady(0, 80, 0, 60)), "sweat_ahead", facts)
    assert found[64] is not None
    assert found[68:] == [None] * 13, "opened a day after 44 h"


def test_metal_that_nothing_is_known_of_may_or_may_not():
    assert "sweat_ahead" not in numbers(shipped(10, 20), said(*steady(0, 2, 0, 60)))


def test_a_lot_is_warmer_when_it_arrives_if_it_travels_long():
    def expected(days):
        return numbers(shipped(31, 31 + 24 * days, spread_of(COLD), spread_of(WARM)))

    assert expected(0.5)["sweat_ahead"] > expected(1.8)["sweat_ahead"] + 0.1


def spread_of(normals):
    return steady_climate(normals.table[0, 0, 0], normals.table[2, 0, 0], 6.0)


def test_the_weather_it_is_out_in_is_not_forgotten_on_the_way():
    """A damper air than usual, four hours on the way: the next hours' is damper too."""
    facts = shipped(26, 60, destination=spread_of(DRY), origin=spread_of(DRY))
    start = steady(0, 25, 12, 60)
    dry, damp = (said(*start, *steady(26, 30, 14, rh)) for rh in (45, 95))
    assert numbers(facts, damp)["sweat_ahead"] > numbers(facts, dry)["sweat_ahead"] + 0.2


def test_wool_has_no_such_forecast():
    assert "sweat_ahead" not in numbers(shipped(34, 44, facts=WOOL))


def test_the_pack_tells_hours_before_it_settles_and_lets_go_where_it_did_not():
    rows = [*steady(0, 34, 0, 60), *steady(35, 100, 25, 12)]
    found = folded(said(*rows), shipped(34, 44), SHIPPED)
    told = [(hours(one.at), one.step) for one in found.transitions if one.rule == "lead.sweat"]
    assert told[0][1] == 1
    assert told[0][0] < 31
    assert not told[1][1], "the air on the way was dry, and the metal has warmed"
    assert told[1][0] < 60


@given(st.integers(1, 39))
def test_two_folds_are_as_good_as_one(cut):
    samples, facts = said(*steady(0, 40, 0, 60)), shipped(34, 44)
    first = folded(samples.take(slice(0, cut)), facts, SHIPPED)
    second = fold(first.state, samples.take(slice(cut, None)), facts, SHIPPED)
    whole = folded(samples, facts, SHIPPED)
    assert first.transitions + second.transitions == whole.transitions
    assert second.numbers == whole.numbers


def test_the_compiled_climate_is_that_of_the_normals():
    rng = np.random.default_rng(7)
    one, other = (
        Normals(rng.normal(10, 5, (4, 12, 24)).astype(np.float32).tobytes()) for _ in "ab"
    )
    kept = Courses()
    way = Course(at(100), at(200), one, other)
    row = kept.row(way)
    for hour in (100.0, 133.3, 150.0, 199.9, 200.0, 5000.5):
        part = min((hour - 100) / 100, 1.0)
        time = np.array([at(hour)])
        expected = (1 - part) * one.at(time)[:, 0] + part * other.at(time)[:, 0]
        found = ahead.climate(kept.courses[row], kept.normals, at(hour))
        assert found == pytest.approx(expected, rel=1e-5)


def test_a_course_and_its_climates_are_kept_once():
    kept = Courses()
    ways = [Course(at(i), at(i + 9), COLD, WARM if i % 2 else DRY) for i in range(40)]
    rows = [kept.row(way) for way in (*ways, *ways)]
    assert rows == [*range(40), *range(40)]
    assert kept.row(None) == -1
    for way, row in zip(ways, rows, strict=False):
        found = kept.courses[row]
        assert (found["departs"], found["arrives"]) == (way.departs, way.arrives)
        assert kept.normals[found["origin"]].tobytes() == COLD.values
        assert kept.normals[found["destination"]].tobytes() == way.destination.values
