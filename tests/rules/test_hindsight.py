"""What came of what was foreseen: outcomes, scores, and what somebody did about it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.whereabouts import Way
from rules.foreseen import Foreseen, Point
from rules.hindsight import Judged, Outcome, acts, outcome, prevented, scores, share_seen
from tests.rules.timeline import START, at

WAY = Way("SH-31", 1, at(10), at(20), "COLD", "WARM", "BOX")


@pytest.mark.parametrize(
    ("came", "acted", "seen", "found"),
    [
        (True, False, 0.0, Outcome.CAME),
        (True, True, 1.0, Outcome.CAME),
        (False, True, 1.0, Outcome.CHANGED),
        (False, False, 0.5, Outcome.ABSENT),
        (False, False, 0.49, Outcome.UNKNOWN),
    ],
)
def test_outcomes(came, acted, seen, found):
    assert outcome(came, acted, seen) is found


def times(*hours):
    return np.asarray([at(hour) for hour in hours])


@pytest.mark.parametrize(
    ("hours", "share"),
    [
        (range(11), 1.0),
        ((), 0.0),
        ((0, 3, 6, 9, 10), 1.0),
        ((0, 4, 8, 10), 0.2),  # only the last two hours
        ((-5, 0, 1, 2, 30), 0.2),
        ((2, 2, 5, 5), 0.5),  # and the two hours before the first
    ],
)
def test_what_lies_in_a_gap_was_not_seen(hours, share):
    assert share_seen(times(*hours), at(0), at(10)) == pytest.approx(share)


# What was done.


def done(*now, was=(WAY,), said=0):
    return acts(was, now, at(said), "UTC")


def test_a_leg_that_is_as_it_was_is_no_act():
    assert done(WAY) == []
    assert done(WAY._replace(departs=at(12.9), arrives=at(22.9))) == [], "late, as legs are"


def test_a_leg_put_off_taken_out_or_led_elsewhere_is_one():
    assert done(WAY._replace(departs=at(34), arrives=at(44))) == [
        "leg 1 of SH-31 departs Sun 23 Nov 22:00 (UTC) in place of 22:00 (UTC)"
    ]
    assert done() == ["leg 1 of SH-31 is not to be gone"]
    assert done(WAY._replace(destination="DRY")) == ["leg 1 of SH-31 goes to DRY in place of WARM"]
    assert done(WAY._replace(place=None)) == [
        "leg 1 of SH-31 goes in nowhere known in place of BOX"
    ]
    other = WAY._replace(shipment="SH-32")
    assert done(WAY, other) == ["leg 1 of SH-32 was put in"]


def test_what_does_not_lie_ahead_is_none():
    over = WAY._replace(departs=at(-60), arrives=at(-30))
    far = WAY._replace(departs=at(60), arrives=at(70))
    assert done(was=(over, far)) == []
    assert done(over, far, was=()) == []
    assert done(far._replace(departs=at(20)), was=(far,)) == [], "it was not foreseen by that"


# What would have been.

CURVE = [Point(hour, grams) for hour, grams in ((5.0, 0.0), (6.0, 12.4), (7.0, 30.0), (9.0, 55.0))]


def test_the_closing_message_has_what_was_done_and_the_curve():
    told = Foreseen(START, at(6), at(12), 0.81)
    said = prevented("PB-1", told, "UTC", ["Ana acted on it"], CURVE)
    assert said == (
        "Prevented on PB-1: Ana acted on it. As it was foreseen (81 % likely) water would have"
        " settled: 12.4 g/m² after 6 h, 55 g/m² after 9 h, from 12:00 (UTC) on. None that counts"
        " was seen."
    )


# Scores.


def one(probability, what, came=None, rule="lead.sweat", site="WARM"):
    return Judged(rule, site, at(4), probability, what, came)


def test_a_score_is_that_of_brier():
    found = scores(
        [
            one(0.9, Outcome.CAME, at(6)),
            one(0.8, Outcome.ABSENT),
            one(0.7, Outcome.CHANGED),
            one(0.7, Outcome.UNKNOWN),
            one(0.7, None),
            one(1.0, Outcome.CAME, at(4), site=None),
        ]
    )
    assert [score.site for score in found] == [None, "WARM"]
    first, second = found
    assert (first.scored, first.came, first.brier, first.off_h) == (1, 1, 0.0, 0.0)
    assert second._asdict() == {
        "rule": "lead.sweat",
        "site": "WARM",
        "scored": 2,
        "came": 1,
        "likely": 0.85,
        "brier": pytest.approx((0.01 + 0.64) / 2),
        "off_h": 2.0,
        "changed": 1,
        "unknown": 1,
        "waiting": 1,
    }


def test_of_nothing_there_is_no_score():
    assert scores([]) == []
    (only,) = scores([one(0.7, None)])
    assert (only.scored, only.likely, only.brier, only.off_h) == (0, None, None, None)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([*Outcome, None])), max_size=30))
def test_every_forecast_is_counted_once(said):
    found = scores(one(p, what, at(4) if what is Outcome.CAME else None) for p, what in said)
    counted = sum(s.scored + s.changed + s.unknown + s.waiting for s in found)
    assert counted == len(said)
    assert all(s.brier is None or 0 <= s.brier <= 1 for s in found)
