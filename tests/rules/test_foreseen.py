"""What is only known to come, in words and as a curve."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from string import Formatter

import pytest

from lots.clock import HOUR_MS
from rules.curve import CURVE_H, curve
from rules.foreseen import Foreseen, clock, fields, foreseen
from rules.knowledge import HANDS_ON, Box, Restraint, words
from rules.pack import PackError, parse
from rules.signals import FORESEEN
from tests.rules.test_ahead import DRY, SHIPPED, SUMMER, numbers, shipped
from tests.rules.timeline import START, WOOL, at

(SWEAT,) = (rule for rule in SHIPPED.rules if rule.name == "lead.sweat")
LEVEL = SWEAT.levels[0]
COMING = {
    "surface": 0.0, "dew_point": -6.8, "margin": 6.8, "film": 0.0, "temperature": 0.0,
    "sweat_ahead": 0.81, "sweat_in": 4.0, "sweat_lasts": 6.0,
    "beaded_hours": 0.0,
}  # fmt: skip


# Whether it was.


def test_what_is_only_known_to_come_was_foreseen():
    told = foreseen(LEVEL, COMING, at(0))
    assert told == Foreseen(at(0), at(4), at(10), 0.81)


@pytest.mark.parametrize(
    "measured",
    [
        {"surface": 4.0, "film": 30.0},  # it is there
        {"surface": 4.0, "settling": 30.0},  # it is about to be
        {"sweat_ahead": 0.3},  # nothing has opened it
    ],
)
def test_what_was_measured_was_not(measured):
    assert foreseen(LEVEL, COMING | measured, at(0)) is None


def test_one_that_just_passed_is_told_by_rounded_numbers():
    """0.702 is 0.7 in an alert's numbers, which is not above 0.7."""
    assert foreseen(LEVEL, COMING | {"sweat_ahead": 0.7}, at(0)) is not None


def test_where_nothing_is_known_to_come_nothing_was():
    left = {name: value for name, value in COMING.items() if not name.startswith("sweat_")}
    assert foreseen(LEVEL, left | {"film": 30.0, "surface": 4.0}, at(0)) is None


def test_what_is_not_measured_is_not_taken_for_it():
    seen = ("surface", "dew_point", "margin", "film", "temperature")
    known = {name: value for name, value in COMING.items() if name not in seen}
    assert foreseen(LEVEL, known, at(0)) == foreseen(LEVEL, COMING, at(0))


# In words.


def test_it_says_when_for_how_long_and_until_when_to_wait_on_the_sites_clock():
    told = Foreseen(START, START + 4 * HOUR_MS, START + 10 * HOUR_MS, 0.81)
    assert fields(told, "America/New_York", START) == {
        "likely": "81 %",
        "comes_in": "4 h",
        "lasts": "6 h",
        "wait_until": "17:00 (America/New_York)",  # 22:00 UTC
    }
    assert set(fields(told, "UTC", START)) == set(FORESEEN)


@pytest.mark.parametrize(("late_h", "comes_in"), [(0, "4 h"), (2.4, "2 h"), (5, "1 h")])
def test_in_how_many_hours_it_comes_is_from_when_that_is_told(late_h, comes_in):
    told = Foreseen(START, START + 4 * HOUR_MS, START + 10 * HOUR_MS, 0.81)
    now = START + round(late_h * HOUR_MS)
    assert fields(told, "UTC", now)["comes_in"] == comes_in


@pytest.mark.parametrize(
    ("minutes", "zone", "told"),
    [
        (0, "UTC", "12:00 (UTC)"),
        (1, "UTC", "12:30 (UTC)"),
        (30, "UTC", "12:30 (UTC)"),
        (31, "UTC", "13:00 (UTC)"),
        (12 * 60, "UTC", "Sun 23 Nov 00:00 (UTC)"),
        (11 * 60 + 40, "UTC", "Sun 23 Nov 00:00 (UTC)"),
        (11 * 60, "Asia/Shanghai", "Sun 23 Nov 07:00 (Asia/Shanghai)"),
        (45, "Asia/Kathmandu", "18:30 (Asia/Kathmandu)"),  # 5:45 ahead
    ],
)
def test_a_clock_is_read_to_the_next_half_hour(minutes, zone, told):
    assert clock(START + minutes * 60_000, zone, START) == told


@pytest.mark.parametrize(
    ("time", "zone", "told"),
    [
        ("2026-03-29T00:45Z", "Europe/Helsinki", "04:00"),  # there is no 03:00
        ("2026-10-25T00:10Z", "Europe/Helsinki", "03:30 EEST"),
        ("2026-10-25T00:40Z", "Europe/Helsinki", "03:00 EET"),  # 04:00 is an hour later
        ("2026-10-25T01:10Z", "Europe/Helsinki", "03:30 EET"),
        ("2026-10-25T01:40Z", "Europe/Helsinki", "04:00"),
        ("2026-10-03T15:20Z", "Australia/Lord_Howe", "02:30"),  # there is no 02:00
        ("2026-04-04T14:50Z", "Australia/Lord_Howe", "01:30 +1030"),
        ("2026-11-01T06:10Z", "America/New_York", "01:30 EST"),
        ("2026-12-31T09:50Z", "Pacific/Kiritimati", "Fri 1 Jan 00:00"),
    ],
)
def test_a_clock_that_is_put_forward_or_back_is_read_as_it_is_then(time, zone, told):
    ms = round(datetime.fromisoformat(time).timestamp() * 1000)
    assert clock(ms, zone, ms - HOUR_MS) == f"{told} ({zone})"


def said(restraints=(), box=Box.NONE):
    step = replace(SWEAT.steps[0], title=SWEAT.foreseen.title, action=SWEAT.foreseen.action)
    more = fields(foreseen(LEVEL, COMING, START), "America/New_York", START)
    return words(step, "PB-1", COMING, list(restraints), box, more)


def test_the_pack_says_all_of_it():
    told = said()
    assert told.title == "Sweat is coming on PB-1: in about 4 h, for about 6 h (81 % likely)"
    assert told.action.startswith("Wait until 17:00 (America/New_York) before you open or unwrap")


def test_holds_come_first_here_too():
    for restraints, box in (
        ([Restraint("fumigated", "Port Fumigation Ltd")], Box.NONE),
        ([], Box.CLOSED),
        ([], Box.UNKNOWN),
    ):
        told = said(restraints, box)
        assert not HANDS_ON.search(f"{told.title} {told.action}")
        assert "in about 4 h" in told.title


FORETOLD = [rule for rule in SHIPPED.rules if rule.foreseen]


@pytest.mark.parametrize("rule", FORETOLD, ids=[rule.name for rule in FORETOLD])
def test_every_text_of_it_can_be_filled_in(rule):
    known = {*FORESEEN, "lot"}
    for text in (rule.foreseen.title, rule.foreseen.action):
        assert {field for _, field, _, _ in Formatter().parse(text) if field} & known
        words(replace(rule.steps[0], title=text), "L1", {}, [], Box.NONE, fields(
            Foreseen(0, 0, 0, 0.5), "UTC", 0
        ))  # fmt: skip


MINE = """\
pack: mine
applies_to: {commodity: lead}
derived:
  wet: {hours: film >= 5, unit: h, about: a}
  spell: {hours: film >= 5, spell: 2 h, unit: h, about: a}
rules:
  my.sweat:
    title: "{lot}"
    when: sweat_ahead > 0.5
    clear: sweat_ahead < 0.2
    severity: warning
    action: "Close the doors."
    based_on: b
    foreseen: {title: "in {comes_in}", action: "Wait until {wait_until}.", harm: wet}
"""


def test_a_pack_of_ones_own_may_tell_it_too():
    (rule,) = parse({"my.yaml": MINE}).rules
    assert rule.foreseen.harm == "wet"


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ("harm: wet", "harm: film", r"line 14: my.sweat: .*harm is 'film'; it is a quantity"),
        ("harm: wet", "harm: spell", r"harm is 'spell'; it is a quantity of this pack"),
        (", harm: wet", "", r"key 'harm' is missing"),
        ("{comes_in}", "{comes}", r"there is no \{comes\} to fill in \(did you mean"),
        ('title: "{lot}"', 'title: "{comes_in}"', r"there is no \{comes_in\} to fill in"),
        ('"Wait until', '"Open at', r"'Open' may not be said while a hold is on"),
        ("in {comes_in}", "opened", r"'opened' may not be said while a hold is on"),
        ("  wet:", "  likely:", r"there is a signal of that name"),
    ],
)
def test_what_cannot_be_used_is_refused(was, now, why):
    with pytest.raises(PackError, match=why):
        parse({"my.yaml": MINE.replace(was, now)})


# As a curve.


def grams(facts, found=None):
    known = numbers(facts) if found is None else found
    return [point.film_g_m2 for point in curve(facts, known, at(30))]


def test_the_film_that_is_to_come_begins_on_the_way_and_dries():
    facts = shipped(34, 44)
    film = grams(facts)
    assert len(film) == CURVE_H
    assert film[:4] == [0.0] * 4, "until it departs"
    first = next(hour for hour, each in enumerate(film, 1) if each > 0)
    assert 4 < first <= 14
    assert max(film) > 5
    assert film[-1] < max(film)


def test_in_dry_air_none_comes():
    assert max(grams(shipped(34, 44, destination=DRY))) < 1


def test_put_off_it_comes_later():
    early, late = grams(shipped(34, 44)), grams(shipped(46, 56))
    assert late.index(max(late)) >= early.index(max(early)) + 10


def test_what_is_carried_cold_is_wet_when_it_is_opened():
    """In a trailer at 6 °C through summer, from 24 to 40 h; seen from 30 h."""
    facts = shipped(24, 40, origin=SUMMER, destination=SUMMER)
    film = grams(facts, {"surface": 6.0, "temperature": 6.0, "dew_point": -1.0})
    assert film[:9] == [0.0] * 9
    assert max(film[9:24]) > 50


def test_of_what_is_no_metal_or_is_not_known_there_is_no_curve():
    assert curve(replace(WOOL, circumstances=shipped(34, 44).circumstances), COMING, at(30)) == []
    assert curve(shipped(34, 44), {}, at(30)) == []


def test_metal_whose_air_is_not_known_has_one():
    film = grams(shipped(34, 44), {"surface": 0.0})
    assert not any(math.isnan(each) for each in film)
    assert max(film) > 5
