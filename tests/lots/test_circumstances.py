"""What a lot is in the middle of: timelines in hours."""

from lots.circumstances import (
    ALWAYS,
    LOADING_MS,
    OPENING_MS,
    UNKNOWN,
    Course,
    Stand,
    Voyage,
    circumstances,
)
from lots.clock import HOUR_MS
from lots.normals import Normals

LOADING = LOADING_MS // HOUR_MS


def voyage(departs, arrives, to_customer=True):
    return Voyage(departs * HOUR_MS, arrives * HOUR_MS, to_customer)


def stand(begins, ends, kind="bay", region="temperate"):
    return Stand(begins * HOUR_MS, ends * HOUR_MS, kind, region)


def timeline(voyages, stands=()):
    """(hour, phase, journey, place, region); the first from ever on."""
    return [
        (
            None if one.begins == ALWAYS else one.begins / HOUR_MS,
            one.phase.value,
            one.journey,
            one.place,
            one.region,
        )
        for one in circumstances(voyages, stands)
    ]


def test_without_facts_a_lot_is_in_stock_somewhere():
    assert circumstances([], []) == UNKNOWN
    assert timeline([]) == [(None, "in_stock", 0, "", "")]


def test_a_shipment_is_loaded_goes_and_arrives():
    assert timeline([voyage(100, 200)]) == [
        (None, "in_stock", 0, "", ""),
        (100 - LOADING, "loading", 1, "", ""),
        (100, "in_transit", 1, "", ""),
        (200, "at_customer", 1, "", ""),
    ]


def test_a_shipment_to_nobody_comes_into_stock_again():
    assert timeline([voyage(100, 200, to_customer=False)])[-1] == (200, "in_stock", 1, "", "")


def test_the_next_shipment_ends_what_the_last_one_began():
    found = timeline([voyage(205, 300), voyage(100, 200, to_customer=False)])
    assert [each[:3] for each in found] == [
        (None, "in_stock", 0),
        (100 - LOADING, "loading", 1),
        (100, "in_transit", 1),
        (205 - LOADING, "loading", 2),
        (205, "in_transit", 2),
        (300, "at_customer", 2),
    ]


def test_of_two_shipments_at_a_time_the_later_counts():
    found = timeline([voyage(100, 400), voyage(200, 300)])
    assert [each[:3] for each in found][2:] == [
        (100, "in_transit", 1),
        (200 - LOADING, "loading", 2),
        (200, "in_transit", 2),
        (300, "at_customer", 2),
    ]


def test_a_place_and_its_region_are_known_while_the_lot_stands_there():
    stands = [stand(10, 90), stand(95, 210, "container", ""), stand(210, 300, region="cold_winter")]
    assert timeline([voyage(100, 200)], stands) == [
        (None, "in_stock", 0, "", ""),
        (10, "in_stock", 0, "bay", "temperate"),
        (100 - LOADING, "loading", 1, "bay", "temperate"),
        (90, "loading", 1, "", ""),
        (95, "loading", 1, "container", ""),
        (100, "in_transit", 1, "container", ""),
        (200, "at_customer", 1, "container", ""),
        (210, "at_customer", 1, "bay", "cold_winter"),
        (300, "at_customer", 1, "", ""),
    ]


COLD, WARM = Normals(b"cold"), Normals(b"warm")
OPENING = OPENING_MS // HOUR_MS


def course(departs, arrives, origin=COLD, destination=WARM):
    return Course(departs * HOUR_MS, arrives * HOUR_MS, origin, destination)


def courses(voyages, stands=()):
    """(hour, course) where it changes."""
    found = [(None, None)]
    for one in circumstances(voyages, stands):
        if one.course != found[-1][1]:
            found.append((one.begins / HOUR_MS, one.course))
    return found[1:]


def of(*legs):
    return Voyage(legs[0].departs, legs[-1].arrives, True, legs)


def test_a_lot_is_on_its_course_until_it_is_opened_at_the_latest():
    leg = course(100, 200)
    assert courses([of(leg)]) == [(100, leg), (200 + OPENING, None)]


def test_where_it_is_booked_in_the_air_is_that_of_the_place():
    leg = course(100, 200)
    aboard, bay = stand(100, 200, "container"), stand(206, 999)
    assert courses([of(leg)], [stand(0, 100), aboard, bay]) == [(100, leg), (206, None)]


def test_between_two_legs_it_is_where_the_first_one_ended():
    first, second = course(100, 120), course(130, 200, WARM, COLD)
    found = courses([of(first, second)])
    assert found == [(100, first), (130, second), (200 + OPENING, None)]


def test_a_leg_between_unknown_climates_has_no_course():
    assert courses([voyage(100, 200)]) == []
