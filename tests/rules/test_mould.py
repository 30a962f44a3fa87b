"""Days to mould: how likely they are said to be, and how good that would have been."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lots.climate import join
from rules import mould
from rules.mould import AHEAD_H, Course
from rules.trends import scores
from tests.rules.measured import tampere_outdoor
from tests.rules.timeline import WOOL, folded, said, steady

DAYS = 60


def air(humidity, swing):
    """Two months of air that is damper for ten days, and drier for ten."""
    hours = 2 * math.pi * np.arange(24 * DAYS)
    columns = 18 + 4 * np.sin(hours / 24), humidity + swing * np.sin(hours / 480)
    return [(hour, *each) for hour, each in enumerate(zip(*columns, strict=True))]


DAMP = air(74, 22)
KNOWN = np.full(600, 0.5)


def history(*parts):
    return [said(*rows) for rows in parts]


def score(*courses):
    found = scores([mould.said_before(one) for one in courses])
    return {one.hours: one for one in found}


# The course.


def test_it_is_what_the_rules_said_at_each_hour_of_what_they_had_until_then():
    whole = mould.course(WOOL, history(DAMP[:700], DAMP[700:]))
    assert len(whole.mould_index) == 24 * DAYS
    assert 0 < np.isfinite(whole.hours).mean() < 1, "of both kinds"
    for hour in range(20, 24 * DAYS, 130):
        numbers = folded(said(*DAMP[: hour + 1]), WOOL).numbers
        assert whole.mould_index[hour] == pytest.approx(numbers["mould_index"], abs=0.006)
        hours = numbers.get("mould_in_hours", math.inf)
        assert whole.hours[hour] == pytest.approx(hours, abs=0.006)


def test_nothing_that_came_later_is_in_what_is_said():
    other = DAMP[:900] + [(hour, 25, 98) for hour, *_ in DAMP[900:]]
    one, two = (mould.said_before(mould.course(WOOL, history(rows))) for rows in (DAMP, other))
    for ahead in AHEAD_H:
        told, otherwise = one["trend.mould", ahead].likely, two["trend.mould", ahead].likely
        assert told[:900] == pytest.approx(otherwise[:900], nan_ok=True)
        assert np.nanmax(told[:900]) > 0
    assert not np.array_equal(told[900:], otherwise[900:], equal_nan=True)


def test_what_was_measured_holds_for_three_hours_and_no_longer():
    its = mould.course(WOOL, history(steady(0, 30, 20, 60), steady(40, 60, 20, 60)))
    assert np.flatnonzero(np.isnan(its.mould_index)).tolist() == list(range(34, 40))
    assert len(mould.course(WOOL, []).mould_index) == 0


def test_two_tags_are_one_lot():
    warmth, damp = (said(*rows, tag=tag) for tag, rows in enumerate((DAMP, DAMP), 1))
    both = mould.course(WOOL, [join([warmth, damp]).ordered()])
    assert len(both.mould_index) == 24 * DAYS


# What is said.


def test_hours_are_as_likely_as_not_and_the_sooner_the_likelier():
    assert mould.likely(168.0, 168) == pytest.approx(0.5)
    assert mould.likely([0.0, math.inf], 72) == pytest.approx([1.0, 0.0])
    assert math.isnan(mould.likely(math.nan, 72))
    assert (np.diff(mould.likely([10, 50, 100, 200, 400], 168)) < 0).all()
    assert mould.likely(168 * math.exp(mould.SPREAD), 168) == pytest.approx(0.1587, abs=1e-4)


# What came of it.


def test_what_came_is_the_first_hour_at_which_the_index_is_1():
    index = np.concatenate((KNOWN, np.full(400, 1.5)))
    its = mould.said_before(Course(index, np.full(1000, 100.0)))["trend.mould", 72]
    assert its.came[[527, 528, 599]].tolist() == [0, 1, 1]
    assert np.isnan(its.likely[600:]).all(), "it is there: nothing is to be said"
    assert score(Course(index, np.full(1000, 100.0)))[72].came == 72


@pytest.mark.parametrize("ahead", AHEAD_H)
def test_before_its_time_is_over_nothing_is_known_of_it(ahead):
    its = mould.said_before(Course(KNOWN, KNOWN))["trend.mould", ahead]
    assert (its.came[:-ahead] == 0).all()
    assert np.isnan(its.came[-ahead:]).all()
    grown = np.append(KNOWN, 1.0)
    its = mould.said_before(Course(grown, grown))["trend.mould", ahead]
    assert np.isnan(its.came[-ahead:]).all(), "nor of what came: the lot left"
    assert its.came[-ahead - 1] == 1


def test_of_a_time_that_was_not_measured_for_the_most_part_nothing_is_known():
    gap = KNOWN.copy()
    gap[200:300] = math.nan
    its = mould.said_before(Course(gap, gap))
    for ahead, judged in ((72, False), (168, False), (336, True)):
        assert np.isnan(its["trend.mould", ahead].came[199]) != judged
    assert np.isnan(its["trend.mould", 72].likely[250])


# How good it is.


def test_a_score_is_that_of_all_lots_beside_never():
    damp, dry = (mould.course(WOOL, history(air(*each))) for each in ((88, 9), (55, 9)))
    for ahead, one in score(damp, dry).items():
        assert one.came == ahead
        assert one.usual == pytest.approx(one.came / one.scored, abs=1e-4)
        assert one.brier < one.usual
        assert one.scored > score(dry)[ahead].scored
    assert all(one.came == one.brier == 0 for one in score(dry).values())


def test_in_open_air_it_beats_the_share_that_came_and_is_borne_out():
    """Of greasy wool that was packed in each month, three months on in Tampere's open air."""
    series = tampere_outdoor()
    rows = [(hour, *each) for hour, each in enumerate(zip(*series, strict=True))]
    lots = [rows[begins : begins + 24 * 90] for begins in range(0, len(rows), 24 * 30)]
    for one in score(*(mould.course(WOOL, history(its)) for its in lots)).values():
        share = one.came / one.scored
        assert one.came > 70
        assert one.brier < 0.7 * share * (1 - share)
        assert one.fifths[0]["came"] < 0.01
        assert one.fifths[-1]["came"] > 0.9
