"""Alerts beside the truth, on timelines made by hand: each definition at each of its edges."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lots.clock import HOUR_MS
from lots.whereabouts import FOREVER
from rules.scoring import (
    Event,
    Furnace,
    Page,
    Span,
    Tally,
    chosen,
    films,
    furnace,
    is_false,
    matched,
    moulds,
    outcome,
    scored,
    spans,
    stood_wet,
    unfit,
)

MINUTE = 60_000


def ms(hours: float) -> int:
    return round(hours * HOUR_MS)


def grid(count: int, minutes: float = 5) -> np.ndarray:
    return np.arange(count) * round(minutes * MINUTE)


def event(begins: float, ends: float = math.inf, **known: bool) -> Event:
    return Event(ms(begins), FOREVER if math.isinf(ends) else ms(ends), **known)


def page(told: float, lifted: float = math.inf) -> Page:
    return Page(ms(told), FOREVER if math.isinf(lifted) else ms(lifted))


def hours(found: list[Span]) -> list[tuple[float, float]]:
    return [
        (each.begins / HOUR_MS, math.inf if each.ends == FOREVER else each.ends / HOUR_MS)
        for each in found
    ]


# What is true.


@pytest.mark.parametrize(
    ("wet", "found"),
    [
        ("......", []),
        ("..ww..", [(2, 4)]),
        ("ww....", [(0, 2)]),
        ("...www", [(3, math.inf)]),
        ("wwwwww", [(0, math.inf)]),
        ("w.w.ww", [(4, math.inf)]),  # one step alone is too short
    ],
)
def test_a_span_lasts_until_it_is_no_more_so(wet: str, found: list[tuple[float, float]]) -> None:
    so = np.array([each == "w" for each in wet])
    assert hours(spans(grid(6, 60), so, ms(2))) == found


def test_there_may_be_nothing_or_an_instant_of_it() -> None:
    assert spans(grid(0), np.zeros(0, bool)) == []
    assert spans(grid(1), np.ones(1, bool)) == [Span(0, FOREVER)]
    assert spans(grid(1), np.ones(1, bool), 1) == []


@pytest.mark.parametrize(("steps", "so"), [(5, False), (6, True), (7, True)])
def test_a_film_lasts_for_30_minutes(steps: int, so: bool) -> None:
    film = np.zeros(20)
    film[4 : 4 + steps] = 5.0
    assert films(grid(20), film) == ([Span(20 * MINUTE, (20 + 5 * steps) * MINUTE)] if so else [])


@pytest.mark.parametrize(("grams", "so"), [(4.999, False), (5.0, True), (math.nan, False)])
def test_a_film_has_5_grams(grams: float, so: bool) -> None:
    assert bool(films(grid(20), np.full(20, grams))) is so


def test_a_film_that_thins_for_a_moment_is_two() -> None:
    film = np.full(20, 9.0)
    film[10] = 4.0
    assert len(films(grid(20), film)) == 2


def test_mould_has_grown_when_the_index_first_reaches_1() -> None:
    index = np.array([0.2, 0.999, 1.0, 1.4, 0.9, 1.1])
    assert moulds(grid(6), index) == [Span(10 * MINUTE, FOREVER)]
    assert moulds(grid(2), index[:2]) == []
    assert moulds(grid(6), np.full(6, math.nan)) == []


def test_a_lot_has_stood_wet_when_its_hours_of_film_come_to_the_limit() -> None:
    film = np.zeros(60)
    film[2:9] = 6.0  # 7 h
    film[12:15] = 6.0  # and 3 more, 3 dry ones between
    assert hours(stood_wet(grid(60, 60), film, 10.0, 12.0)) == [(15.0, 27.0)]
    assert stood_wet(grid(60, 60), film, 10.1, 12.0) == []


@pytest.mark.parametrize(("dry", "so"), [(11, True), (12, False)])
def test_a_spell_ends_when_it_was_dry_for_long_enough(dry: int, so: bool) -> None:
    film = np.concatenate((np.full(6, 9.0), np.zeros(dry), np.full(5, 9.0), np.zeros(1)))
    assert bool(stood_wet(grid(len(film), 60), film, 10.0, 12.0)) is so


def test_each_spell_is_an_event() -> None:
    film = np.concatenate([np.concatenate((np.full(10, 9.0), np.zeros(13)))] * 2)
    assert hours(stood_wet(grid(len(film), 60), film, 10.0, 12.0)) == [(10.0, 22.0), (33.0, 45.0)]


def test_nothing_stands_wet_where_nothing_is_known() -> None:
    assert stood_wet(grid(0), np.zeros(0), 10.0, 12.0) == []


def test_what_was_wet_is_unfit_until_it_was_dry_for_long_enough() -> None:
    water = [Span(ms(40), FOREVER), Span(ms(2), ms(3)), Span(ms(10), ms(11))]
    assert hours(unfit(water, 12.0)) == [(2.0, 23.0), (40.0, math.inf)]
    assert hours(unfit([Span(0, ms(1)), Span(ms(13), ms(14))], 12.0)) == [(0.0, 26.0)]
    assert unfit([], 12.0) == []


# What was told of it.


@pytest.mark.parametrize(
    ("told", "hit"), [(27.99, False), (28.0, True), (100.5, True), (100.51, False)]
)
def test_a_page_hits_from_72_h_before_to_30_minutes_after(told: float, hit: bool) -> None:
    assert (matched([event(100.0, 101.0)], [page(told)]) == [0]) is hit


def test_one_page_is_for_one_event() -> None:
    events = [event(10, 11), event(30, 31)]
    assert matched(events, [page(9)]) == [0, None]
    assert matched(events, [page(9), page(9.5)]) == [0, 1]
    assert matched(events, [page(29)]) == [None, 0]
    assert matched(events, []) == [None, None]
    assert matched([], [page(1)]) == []


def test_pages_are_dealt_so_that_most_events_are_hit() -> None:
    events = [event(100, 101), event(150, 151)]
    assert matched(events, [page(30), page(99)]) == [0, 1]
    assert matched(events, [page(20), page(99), page(149)]) == [1, 2]


@pytest.mark.parametrize(
    ("told", "false"),
    [
        (27.9, True),
        (28.0, False),
        (100.0, False),
        (105.0, False),  # late, but there is water
        (110.0, False),
        (110.1, True),
    ],
)
def test_a_page_is_false_without_an_event_in_72_h(told: float, false: bool) -> None:
    assert is_false(page(told), [event(100, 110)]) is false


def test_a_page_soon_after_a_short_event_is_not_false() -> None:
    assert not is_false(page(100.5), [event(100, 100.2)])
    assert is_false(page(100.6), [event(100, 100.2)])
    assert is_false(page(100.0), [])
    assert not is_false(page(500.0), [event(100)])  # it lasts


@pytest.mark.parametrize(
    ("pages", "what"),
    [
        ([], "untold"),
        ([page(10, 50)], "untold"),
        ([page(10, 100.1)], "standing"),
        ([page(10)], "standing"),
        ([page(104)], "late"),
        ([page(110)], "untold"),
        ([page(10), page(104)], "standing"),
    ],
)
def test_why_an_event_was_not_hit(pages: list[Page], what: str) -> None:
    assert outcome(event(100, 110), pages) == what
    assert outcome(event(100, 110, heard=False), pages) == "unheard"


def test_a_tally_of_one_lot() -> None:
    events = [
        event(100, 101, expected=True),
        event(300, 301),
        event(500, 501, heard=False),
        event(700, 701, expected=True),
    ]
    pages = [page(94), page(95), page(200), page(299), page(700.25)]
    found = scored(events, pages, 1461.0)
    assert (found.events, found.heard, found.hits, found.pages, found.false) == (4, 3, 3, 5, 1)
    assert found.precision == pytest.approx(0.8)
    assert found.recall == 0.75
    assert found.recall_heard == 1.0
    assert found.leads == (6.0, -0.25)  # the first page of the first event; none of the second
    assert found.median_lead_h == pytest.approx(2.875)
    assert found.false_per_lot_month == pytest.approx(0.5)


def test_what_happened_besides_makes_a_page_not_false_and_is_no_event() -> None:
    rain = [Span(ms(200), ms(210))]
    found = scored([], [page(199), page(205), page(300)], 730.5, rain)
    assert (found.events, found.pages, found.false) == (0, 3, 1)


def test_how_long_before_counts_may_be_said() -> None:
    one = [event(100, 101)]
    assert scored(one, [page(70)], 1.0).hits == 1
    early = scored(one, [page(70)], 1.0, before_ms=ms(24))
    assert (early.hits, early.false) == (0, 1)


def test_tallies_add_up_and_know_what_they_do_not_know() -> None:
    nothing = Tally()
    shares = (nothing.precision, nothing.recall, nothing.recall_heard, nothing.median_lead_h)
    assert shares == (None,) * 4
    assert nothing.false_per_lot_month is None
    one = Tally(4, 3, 2, 5, 1, 100.0, (1.0,))
    both = one + Tally(1, 1, 1, 1, 0, 50.0, (3.0,))
    assert both == Tally(5, 4, 3, 6, 1, 150.0, (1.0, 3.0))
    assert nothing + one == one


# Furnace.

WHOLE = Span(0, ms(100))


def test_a_wet_lot_shown_as_anything_else_is_found() -> None:
    truly = [Span(ms(10), ms(40))]
    assert furnace(WHOLE, truly, [page(10, 40)]) == Furnace(1, 0, 0.0, 0.0, 70.0)
    assert furnace(WHOLE, truly, [page(8, 30)]) == Furnace(1, 1, 10.0, 2.0, 70.0)
    assert furnace(WHOLE, truly, []) == Furnace(1, 1, 30.0, 0.0, 70.0)


def test_a_wet_lot_that_is_shown_as_such_within_half_an_hour_is_late() -> None:
    truly = [Span(ms(10), ms(40))]
    assert furnace(WHOLE, truly, [page(10.5, 40)]) == Furnace(1, 1, 0.5, 0.0, 70.0, 1)
    assert furnace(WHOLE, truly, [page(10.6, 40)]).shown_late == 0
    again = furnace(WHOLE, truly, [page(10.2, 30), page(30.1, 40)])
    assert (again.shown_otherwise, again.shown_late) == (1, 0)


def test_needless_is_what_is_shown_as_not_fit_without_a_reason() -> None:
    found = furnace(WHOLE, [], [page(50)])
    assert found == Furnace(0, 0, 0.0, 50.0, 100.0)
    assert found.needless == 0.5
    assert furnace(WHOLE, [Span(0, FOREVER)], [page(0)]).needless is None
    assert found + found == Furnace(0, 0, 0.0, 100.0, 200.0)


def test_what_is_beyond_the_journey_does_not_count() -> None:
    assert furnace(WHOLE, [Span(ms(90), FOREVER)], [page(95)]) == Furnace(1, 1, 5.0, 0.0, 90.0)
    assert furnace(WHOLE, [Span(ms(100), FOREVER)], []) == Furnace(0, 0, 0.0, 0.0, 100.0)


# What everybody has.


def test_the_baseline_hits_as_many_and_is_else_the_quietest() -> None:
    def of(hits: int, false: int) -> Tally:
        return Tally(events=10, heard=10, hits=hits, pages=20, false=false, lot_hours=730.5)

    some = {"loose": of(10, 9), "good": of(9, 4), "strict": of(6, 1)}
    assert chosen(some, 0.9) == "good"
    assert chosen(some, 0.95) == "loose"
    assert chosen(some, 0.5) == "strict"
    assert chosen(some, None) == "strict"
    assert chosen({"a": of(3, 2), "b": of(3, 1), "c": of(1, 0)}, 0.9) == "b"  # none reaches it
