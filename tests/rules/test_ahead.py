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
from lots.terms import Phase, PlaceKind
from rules import ahead, pack
from rules.surroundings import PLACES, Courses
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
    dry, damp = (said(*start, *steady(26, 30, 14, rh)) for rh in (45, 99))
    assert numbers(facts, damp)["sweat_ahead"] > numbers(facts, dry)["sweat_ahead"] + 0.2


def swinging(temperature, dew_point, swing, spread=2.0):
    """A climate whose days are ``swing`` K warmer at 18:00 UTC than in the mean, and as much colder
    at 06:00; its dew point does not move."""
    values = steady_climate(temperature, dew_point, spread).table.copy()
    values[0] += swing * np.sin(2 * np.pi * (np.arange(HOURS) - 12) / HOURS)
    return Normals(values.astype(np.float32).tobytes())


def boxed_in(place, climate):
    """Lead that has stood in ``place`` for a day, on a leg that takes weeks."""
    way = Course(at(0), at(400), climate, climate)
    return replace(LEAD, circumstances=(Circumstance(ALWAYS, Phase.IN_TRANSIT, 1, place, "", way),))


def test_a_closed_container_is_damper_when_the_day_warms_it():
    """Cool and near its dew point at night: what is in it gives off water as it warms, and the
    metal lags behind. A truck has the air outside, whose dew point stays."""
    night = said(*steady(0, 18, 9, 88))  # to 06:00 UTC
    truck, box = (numbers(boxed_in(p, swinging(14, 8, 6)), night) for p in ("vehicle", "container"))
    assert truck["sweat_ahead"] < 0.4
    assert box["sweat_ahead"] > truck["sweat_ahead"] + 0.3
    assert 3 <= box["sweat_in"] <= 12, "in the morning"


def test_one_that_is_dry_is_not():
    night = said(*steady(0, 18, 9, 45))
    assert numbers(boxed_in("container", swinging(14, 8, 6)), night)["sweat_ahead"] < 0.1


SUMMER = steady_climate(26, 20)
IN_THE_COLD = said(*steady(0, 20, 6, 60))


def test_what_is_stored_cold_may_be_carried_cold():
    """Whether it sweats on a long way is as likely as not: it is not known how it is carried."""
    found = numbers(shipped(26, 200, origin=SUMMER, destination=SUMMER), IN_THE_COLD)
    assert 0.4 < found["sweat_ahead"] < 0.6
    mild = steady_climate(6, 3)
    found = numbers(shipped(26, 32, origin=mild, destination=SUMMER), IN_THE_COLD)
    assert found["sweat_ahead"] > 0.95, "it is cold outside: that is no cooled store"


def test_either_way_it_sweats_where_it_is_opened():
    found = numbers(shipped(26, 44, origin=SUMMER, destination=SUMMER), IN_THE_COLD)
    assert found["sweat_ahead"] > 0.95
    assert 24 <= found["sweat_in"] <= 27, "when it has arrived; before that it is not known"


def test_what_is_carried_cold_stays_so_until_it_is_opened():
    facts = shipped(24, 60, origin=SUMMER, destination=SUMMER)
    aboard = numbers(facts, said(*steady(0, 40, 6, 60)))
    assert aboard["sweat_ahead"] > 0.95
    assert 18 <= aboard["sweat_in"] <= 21, "20 h later"
    far = numbers(shipped(24, 100, origin=SUMMER, destination=SUMMER), said(*steady(0, 40, 6, 60)))
    assert far.get("sweat_ahead", 0.0) < 0.01, "no sooner"
    booked = replace(
        facts,
        circumstances=(
            *facts.circumstances[:2],
            Circumstance(at(61), Phase.AT_CUSTOMER, 1, "bay", ""),
        ),
    )
    assert numbers(booked, said(*steady(0, 40, 6, 60)))["sweat_ahead"] > 0.95, "booked in"


def test_what_is_carried_at_the_warmth_of_the_climate_is_not_told_for_being_opened():
    facts = shipped(24, 60, origin=SUMMER, destination=SUMMER)
    assert numbers(facts, said(*steady(0, 40, 24, 60)))["sweat_ahead"] < 0.3


def test_metal_alone_tells_of_the_weather_by_its_own_tag():
    """It is as damp at the metal as in the air around."""
    mild = steady_climate(14, 10, 3.0)
    facts = shipped(0, 60, origin=mild, destination=mild)
    dry, damp = (
        numbers(facts, said(*steady(0, 20, 14, rh), placement="surface")) for rh in (45, 96)
    )
    assert damp["sweat_ahead"] > dry["sweat_ahead"] + 0.1


def test_the_code_of_a_container_is_that_of_the_places():
    assert PLACES[ahead.CONTAINER] == PlaceKind.CONTAINER


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


def told_of_sweat(samples, facts):
    found = folded(samples, facts, SHIPPED)
    return [(hours(one.at), one.step > 0) for one in found.transitions if one.rule == "lead.sweat"]


def test_the_pack_tells_no_sooner_than_a_day_before():
    told = told_of_sweat(said(*steady(0, 100, 0, 60)), shipped(90, 100))
    assert 66 <= told[0][0] <= 80
    assert told[0][1]


def test_the_pack_tells_each_time_of_a_box_that_sweats_each_day():
    """Sun from 12:00 UTC on, cold nights; 0 h is 12:00. Wet timber keeps the air damp."""
    rows = [
        (h, 14 + 7 * math.sin(2 * math.pi * h / 24), 88 - 4 * math.sin(2 * math.pi * h / 24))
        for h in range(24 * 6)
    ]
    told = told_of_sweat(said(*rows), boxed_in("container", swinging(13, 9, 6)))
    begins = [hour for hour, opened in told if opened]
    assert len([hour for hour in begins if hour > 24]) >= 4, "once a day, not once for all"
    later = [hour % 24 for hour in begins if hour > 24]
    assert all(hour > 16 for hour in later), "before the morning, not as soon as it has dried"


def test_the_pack_lets_go_once_a_film_has_come_and_gone_though_more_is_as_likely_as_not():
    """Air near its dew point throughout: 4 g/m² in an hour, and no more until the third day."""
    rows = [(h, 14.0, 96.0) for h in range(25)]
    rows += [(25, 16.0, 93.0), (26, 16.5, 92.0), (27, 16.0, 86.0)]
    rows += [(h, 15.0, 88.0) for h in range(28, 60)]
    facts = boxed_in("container", swinging(15, 14, 3))
    likely = course(said(*rows), "sweat_ahead", facts)
    assert min(likely[27:40]) > 0.35, "what was foreseen would still be told"
    assert told_of_sweat(said(*rows), facts) == [(13.0, True), (27.0, False)]


def test_the_pack_lets_go_of_what_nobody_could_see_come():
    """A thermometer alone."""
    warming = [(h, min(25.0, (h - 30) * 2.5), math.nan) for h in range(31, 72)]
    samples = said(*steady(0, 30, 0, math.nan), *warming)
    (begins, is_on), (ends, goes_on) = told_of_sweat(samples, shipped(34, 44))
    assert (is_on, goes_on) == (True, False)
    assert 8 < begins < 14, "a day before"
    assert 36 < ends < 60


def test_a_reading_that_is_doubted_ends_nothing():
    """Its dew point is unknown until the next one agrees, and what was about to settle goes on."""
    rows = [*steady(0, 30, 2, 60), (31, 12.0, 60.0), (31.2, 40.0, 60.0), (31.4, 12.0, 60.0)]
    assert course(said(*rows), "dew_point")[-2] is None
    assert told_of_sweat(said(*rows), LEAD) == [(31.0, True)]


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
        *found, swing = ahead.climate(kept.courses[row], kept.normals, at(hour))
        assert found == pytest.approx(expected, rel=1e-5)
        assert swing == pytest.approx(found[0] - by_day(one, other, part, at(hour)), abs=1e-4)


def by_day(one, other, part, time):
    """The mean of a day at this time of the year, °C."""
    means = (one.table[0].mean(axis=1), other.table[0].mean(axis=1))
    flat = [Normals(np.tile(each[:, None], (4, 1, HOURS)).tobytes()) for each in means]
    begin, end = (each.at(np.array([time]))[0, 0] for each in flat)
    return begin + part * (end - begin)


def test_a_course_and_its_climates_are_kept_once():
    kept = Courses()
    ways = [Course(at(i), at(i + 9), COLD, WARM if i % 2 else DRY) for i in range(40)]
    rows = [kept.row(way) for way in (*ways, *ways)]
    assert rows == [*range(40), *range(40)]
    assert kept.row(None) == -1
    for way, row in zip(ways, rows, strict=False):
        found = kept.courses[row]
        assert (found["departs"], found["arrives"]) == (way.departs, way.arrives)
        for site, climate in (("origin", COLD), ("destination", way.destination)):
            assert (np.moveaxis(kept.normals[found[site]], -1, 0)[:-1] == climate.table).all()
