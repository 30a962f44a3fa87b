"""Preventive service: what is due when, for sites whose year is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lots.clock import DAY_MS
from lots.normals import of_lists
from rules import guides, service
from rules.knowledge import HANDS_ON
from rules.outlook import AHEAD_WEEKS, HAZARDS, WEEKS, seasons
from rules.service import EARLY_MS, due, week
from simulators.climate import normals as simulated
from tests.rules.test_outlook import climate

FROST = climate([-5, -5, 10, 20, 20, 20, 20, 20, 20, 20, 10, -5], -20.0)
"""From the middle of November to that of February or so."""
DAMP = climate([20] * 12, [5, 5, 5, 5, 5, 19, 19, 19, 5, 5, 5, 5])


def ms(year, month, day):
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1000


def told(normals, commodity, *when):
    return due("Yard 1", normals, commodity, ms(*when))


def test_weeks_begin_in_the_year_that_they_are_of():
    assert week(2026, 1) == ms(2026, 1, 1)
    assert week(2026, 27) == ms(2026, 7, 2)
    assert week(2026, WEEKS + 1) == ms(2027, 1, 1)


def test_a_task_is_told_a_fortnight_before_it_is_due_and_that_is_one_before_the_season():
    (season,) = (each for each in seasons(DAMP, "wool") if each.hazard == "damp")
    begins = week(2026, season.begins)
    ready = week(2026, season.begins - AHEAD_WEEKS)

    def damp(now):
        return [task for task in due("Yard 1", DAMP, "wool", now) if task.hazard == "damp"]

    assert damp(ready - EARLY_MS - 1) == []
    (task,) = damp(ready - EARLY_MS)
    assert (task.begins, task.due, task.ends) == (begins, ready, week(2026, season.ends + 1))
    assert damp(task.ends - 1) == [task], "late is better than never"
    assert damp(task.ends) == []


def test_one_that_goes_over_the_turn_of_the_year_is_one():
    november, january = told(FROST, "lead", 2026, 11, 20), told(FROST, "lead", 2027, 1, 20)
    (first,) = (task for task in november if task.hazard == "frost")
    assert first in january
    assert first.due < first.begins < ms(2027, 1, 1) < first.ends
    assert told(FROST, "lead", 2027, 6, 1) == []


def test_one_that_begins_with_the_year_is_due_before_it():
    early = climate([-5, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20], -20.0)
    (season,) = (each for each in seasons(early, "lead") if each.hazard == "frost")
    (task,) = (t for t in told(early, "lead", 2027, 1, 10) if t.hazard == "frost")
    assert task.due < task.begins
    assert task.begins - task.due <= (AHEAD_WEEKS + 1) * 8 * DAY_MS
    assert season.due == season.begins - AHEAD_WEEKS or season.due > season.begins


def test_what_lasts_all_year_is_due_once_a_year():
    wet = climate(8.0, 7.9)
    days = [told(wet, "wool", 2026, month, 15) for month in range(1, 12)]
    found = {task.begins for each in days for task in each if task.hazard == "damp"}
    assert found == {ms(2026, 1, 1)}


def test_it_says_what_when_and_what_to_do_with_the_guide():
    (task,) = (t for t in told(DAMP, "wool", 2026, 6, 1) if t.hazard == "damp")
    assert task.title.startswith("Yard 1: damp from ")
    assert task.title.endswith(" (wool)")
    assert "dunnage guide wool damp" in task.action
    assert "desiccant" in task.action
    assert guides.guide(*task.guide.split(), "zh").title


@pytest.mark.parametrize("station", ["miami", "greensboro", "sand_point"])
@pytest.mark.parametrize("commodity", ["lead", "wool"])
def test_every_season_of_a_real_year_is_told_once(station, commodity):
    normals = of_lists(simulated(station))
    found = {
        (task.hazard, task.begins)
        for day in range(366)
        for task in due("S", normals, commodity, ms(2026, 1, 1) + day * DAY_MS)
        if ms(2026, 1, 1) <= task.begins < ms(2027, 1, 1)
    }
    assert found == {(each.hazard, week(2026, each.begins)) for each in seasons(normals, commodity)}


@pytest.mark.parametrize("hazard", HAZARDS)
def test_no_text_lays_hands_on_a_box(hazard):
    for commodity in HAZARDS[hazard].commodities:
        assert not HANDS_ON.search(service.advice(commodity, hazard))
        assert guides.guide(commodity, hazard, "en")
