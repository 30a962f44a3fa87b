"""Which tag speaks for a lot when: moves, legs and bindings laid over each other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lots.terms import PlaceKind
from lots.whereabouts import (
    FOREVER,
    UNLOADED_MS,
    Ride,
    Source,
    Stay,
    Watch,
    aboard,
    sources,
    stays,
)


def test_no_facts_no_stay() -> None:
    assert stays([], []) == []
    assert sources([], [], {"bay": [Watch("t", "air", 0, FOREVER)]}) == []


def test_a_move_from_bay_to_bay() -> None:
    stood = stays([(10, "bay 2"), (0, "bay 1"), (20, None)], [])
    assert stood == [Stay(0, 10, "bay 1"), Stay(10, 20, "bay 2")]
    watches = {"bay 1": [Watch("t1", "air", 0, FOREVER)], "bay 2": [Watch("t2", "air", 5, 15)]}
    assert sources([], stood, watches) == [
        Source("t1", "air", 0, 10, "bay 1"),
        Source("t2", "air", 10, 15, "bay 2"),
    ]


def test_a_move_to_where_it_stands_makes_no_second_stay() -> None:
    assert stays([(0, "bay"), (5, "bay")], []) == [Stay(0, FOREVER, "bay")]


def test_a_leg_takes_it_from_its_bay_and_leaves_it_nowhere_known() -> None:
    moves: list[tuple[int, str | None]] = [(0, "bay 1"), (40, "bay 2")]
    stood = stays(moves, [Stay(10, 30, "box")])
    assert stood == [Stay(0, 10, "bay 1"), Stay(10, 30, "box"), Stay(40, FOREVER, "bay 2")]


def test_legs_alone() -> None:
    assert stays([], [Stay(0, 5, "truck"), Stay(5, 9, "ship")]) == [
        Stay(0, 5, "truck"),
        Stay(5, 9, "ship"),
    ]
    assert stays([], [Stay(0, 5, None)]) == []


def test_booked_in_before_the_leg_was_to_arrive() -> None:
    stood = stays([(7, "bay")], [Stay(0, 10, "box")])
    assert stood == [Stay(0, 7, "box"), Stay(7, FOREVER, "bay")]


def test_of_two_that_begin_together_the_move_counts() -> None:
    assert stays([(5, "bay")], [Stay(5, 10, "box")]) == [Stay(5, FOREVER, "bay")]


def ride(departs: int, arrives: int, place: str | None = "box", **of: str | None) -> Ride:
    return Ride(of.get("shipment") or "S1", departs, arrives, place, of.get("kind", "container"))


def test_between_two_legs_in_one_box_it_waits_in_there() -> None:
    assert aboard([ride(0, 5), ride(8, 9, kind=None)])[:1] == [Stay(0, 8, "box")]
    stood = stays([], aboard([ride(0, 5, kind=None), ride(8, 9, kind=None)]))
    assert stood == [Stay(0, 9, "box")]


def test_who_changes_to_another_box_has_left_the_first() -> None:
    found = aboard([ride(0, 5, "truck", kind="vehicle"), ride(8, 9, kind=None)])
    assert found == [Stay(0, 5, "truck"), Stay(8, 9, "box")]


def test_after_its_last_leg_it_is_in_the_box_until_that_must_have_been_unloaded() -> None:
    for kind, longest in UNLOADED_MS.items():
        assert aboard([ride(0, 5, kind=kind)]) == [Stay(0, 5 + longest, "box")]
    for kind in (None, PlaceKind.BAY):
        assert aboard([ride(0, 5, kind=kind)]) == [Stay(0, 5, "box")]


def test_who_is_booked_out_or_in_has_left_the_box() -> None:
    for place in ("bay", None):
        stood = stays([(7, place)], aboard([ride(0, 5)]))
        assert stood[0] == Stay(0, 7, "box")
        assert [stay.place for stay in stood[1:]] == ([place] if place else [])


def test_the_next_shipment_takes_it_out_of_the_box_of_the_last() -> None:
    stood = stays([], aboard([ride(0, 5), ride(20, 25, "truck", shipment="S2", kind=None)]))
    assert stood == [Stay(0, 20, "box"), Stay(20, 25, "truck")]


def test_own_tags_come_before_those_of_the_place() -> None:
    place = {"bay": [Watch("room", "air", 0, FOREVER)]}
    found = sources([Watch("own", "air", 10, 20)], [Stay(0, 30, "bay")], place)
    assert found == [
        Source("room", "air", 0, 10, "bay"),
        Source("own", "air", 10, 20, None),
        Source("room", "air", 20, 30, "bay"),
    ]


def test_an_own_tag_of_another_placement_leaves_the_air_to_the_place() -> None:
    place = {"bay": [Watch("room", "air", 0, FOREVER)]}
    found = sources([Watch("own", "surface", 10, 20)], [Stay(0, 30, "bay")], place)
    assert found == [
        Source("room", "air", 0, 30, "bay"),
        Source("own", "surface", 10, 20, None),
    ]


def test_a_tag_that_is_replaced_leaves_a_gap_to_the_place() -> None:
    own = [Watch("old", "air", 0, 10), Watch("new", "air", 12, FOREVER)]
    bay = [Stay(0, FOREVER, "bay")]
    assert [(s.tag, s.begins, s.ends) for s in sources(own, bay, {})] == [
        ("old", 0, 10),
        ("new", 12, FOREVER),
    ]
    found = sources(own, bay, {"bay": [Watch("room", "air", 0, FOREVER)]})
    assert [(s.tag, s.begins, s.ends) for s in found] == [
        ("old", 0, 10),
        ("room", 10, 12),
        ("new", 12, FOREVER),
    ]


def test_a_binding_that_is_corrected_says_the_same_as_one_that_was_right() -> None:
    bay, place = [Stay(0, 50, "bay")], {"bay": [Watch("room", "air", 0, 50)]}
    corrected = sources([Watch("own", "air", 10, 20)], bay, place)
    assert corrected == sources(iter([Watch("own", "air", 10, 20)]), iter(bay), place)
    assert corrected != sources([Watch("own", "air", 10, 25)], bay, place)


PLACES = st.sampled_from(["bay 1", "bay 2", "box", None])
TIMES = st.integers(0, 30)
SPANS = st.tuples(TIMES, st.integers(1, 12)).map(lambda s: (s[0], s[0] + s[1]))
MOVES = st.lists(st.tuples(TIMES, PLACES), max_size=6, unique_by=lambda move: move[0])
LEGS = st.lists(st.tuples(SPANS, PLACES).map(lambda s: Stay(*s[0], s[1])), max_size=4)
WATCHES = st.lists(
    st.tuples(st.sampled_from("wxyz"), st.sampled_from(["air", "core"]), SPANS).map(
        lambda w: Watch(w[0], w[1], *w[2])
    ),
    max_size=4,
)


def where(at: int, moves: list[tuple[int, str | None]], legs: list[Stay]) -> str | None:
    """The plain rule: what began last counts, and a leg that is over leaves it nowhere."""
    begun = [(when, 1, FOREVER, place) for when, place in moves if when <= at]
    begun += [
        (leg.begins, -n, leg.ends, leg.place) for n, leg in enumerate(legs) if leg.begins <= at
    ]
    if not begun:
        return None
    _, _, ends, place = max(begun, key=lambda fact: fact[:2])
    return place if at < ends else None


@given(MOVES, LEGS)
def test_at_each_time_it_is_where_what_began_last_says(
    moves: list[tuple[int, str | None]], legs: list[Stay]
) -> None:
    stood = stays(moves, legs)
    assert all(one.ends <= other.begins for one, other in pairwise(stood))
    for at in range(50):
        here = [stay.place for stay in stood if stay.begins <= at < stay.ends]
        assert here == [place for place in [where(at, moves, legs)] if place is not None]


@given(MOVES, LEGS, WATCHES, st.dictionaries(st.sampled_from(["bay 1", "bay 2", "box"]), WATCHES))
def test_at_each_time_own_tags_speak_and_else_the_place_s(
    moves: list[tuple[int, str | None]],
    legs: list[Stay],
    own: list[Watch],
    watches: dict[str, list[Watch]],
) -> None:
    found = sources(own, stays(moves, legs), watches)
    assert all(source.begins < source.ends for source in found)
    for at in range(50):
        place = where(at, moves, legs)
        for placement in ("air", "core"):
            mine = [w for w in own if w.placement == placement and w.begins <= at < w.ends]
            theirs = [
                w
                for w in watches.get(place or "", [])
                if w.placement == placement and w.begins <= at < w.ends
            ]
            speaking = [
                (s.tag, s.place)
                for s in found
                if s.placement == placement and s.begins <= at < s.ends
            ]
            expected = [(w.tag, None) for w in mine] or [(w.tag, place) for w in theirs]
            assert sorted(speaking, key=str) == sorted(expected, key=str)
