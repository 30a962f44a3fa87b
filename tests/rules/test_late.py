"""Late data through the real ledger: what it revises, and what of it is told to whom."""

import pytest
from sqlalchemy import select

from lots import registry
from lots.fields import written
from lots.model import Outgoing
from rules.evaluator import REWORD_EVERY
from rules.knowledge import HANDS_ON
from rules.pack import parse
from tests.rules.desk import PACK
from tests.rules.timeline import at

LEFT = "    leaves: damp_hours > 0\n    actionable_for: 10 h\n"
RULES = parse(
    {"test.yaml": PACK.replace("    severity: critical\n", LEFT + "    severity: critical\n")}
)


@pytest.fixture(name="desk")
def _desk(desk):
    desk.start(rules=RULES)
    desk.settle()
    return desk


def said_but(desk, hour, last=20, humidity=50):
    """By the hour from 0 h on, dry, but nothing of ``hour``."""
    desk.says(*((each, humidity) for each in range(last + 1) if each != hour))


def revised(desk):
    return [(row.rule, row.revised, row.withdrawn is not None) for row in desk.rows()]


def test_a_past_episode_that_is_over_is_recorded_and_told_to_nobody(desk):
    """At 4 h it was damp for an hour; after 12 dry ones the spell of wetness is over."""
    said_but(desk, 4, last=30)
    desk.says((4, 90))
    desk.settle()
    assert desk.alerts() == [("test.damp", 4, 5)]
    assert revised(desk) == [("test.damp", True, False)]
    assert desk.told() == []


def test_one_that_never_was_is_withdrawn_and_who_was_told_of_it_is_told_so(desk):
    """70, 90 and 50 %RH at 4, 5 and 6 h, told; a certificate says that it was 20 too high."""
    desk.says((4, 70), (5, 90), (6, 50))
    assert desk.told() == [("alert.opened", 5), ("alert.cleared", 6)]
    correction = {"quantity": "humidity", "begins": written(at(-50)), "offset": -20.0}
    desk.put("tags", id="T1", interval_s=3600, corrections=[correction])
    desk.settle()
    assert desk.alerts() == []
    assert revised(desk) == [("test.damp", True, True)]
    assert [event for event, _ in desk.told()].count("alert.withdrawn") == 1


def test_one_that_lasts_is_told(desk):
    """Neither damp nor dry from 5 h on: what began at 4 h is open at the newest reading."""
    desk.says(*((hour, 50) for hour in range(4)), *((hour, 70) for hour in range(5, 21)))
    desk.says((4, 90))
    desk.settle()
    assert desk.alerts() == [("test.damp", 4, None)]
    assert revised(desk) == [("test.damp", True, False)]
    assert desk.told() == [("alert.opened", 4)]


def test_one_that_left_the_lot_wet_is_told_with_its_end(desk):
    """Damp at 10 and 11 h; 12 dry hours make an end of the wet ones, and at 20 h they are not
    over."""
    desk.says(*((hour, 50) for hour in range(21) if hour not in (10, 11, 12)))
    desk.says((10, 90), (11, 90), (12, 50))
    desk.settle()
    assert desk.alerts() == [("test.damp", 10, 12)]
    assert desk.told() == [("alert.opened", 10), ("alert.cleared", 12)]


def test_what_nothing_newer_is_known_of_is_not_told_until_there_is(desk):
    """The newest reading is of 20 h, and 15 hours old when the one of 4 h comes; then of 36 h."""
    desk.says(*((hour, 50) for hour in range(4)), *((hour, 70) for hour in range(5, 21)))
    desk.settle()
    desk.clock.hour = 35
    desk.says((4, 90))
    desk.settle(REWORD_EVERY + 1)
    assert desk.alerts() == [("test.damp", 4, None)]
    assert desk.told() == []
    desk.says((36, 70))
    desk.settle(2 * REWORD_EVERY)
    assert desk.told() == [("alert.opened", 4)]
    desk.says((37, 50))
    assert desk.told() == [("alert.opened", 4), ("alert.cleared", 37)]


def test_what_is_told_late_says_what_the_holds_say_then(desk):
    """As above; fumigated between the last look at the holds and when it is told."""
    desk.says(*((hour, 50) for hour in range(4)), *((hour, 70) for hour in range(5, 21)))
    desk.settle()
    desk.clock.hour = 35
    desk.says((4, 90))
    desk.settle(REWORD_EVERY)
    (row,) = desk.rows()
    assert HANDS_ON.search(row.action)
    desk.hold("fumigated", 34, lot="L1", lifted_by="Port Fumigation Ltd")
    desk.says((36, 70))
    desk.settle(REWORD_EVERY)  # looked at once
    assert desk.told() == [("alert.opened", 4)]
    with registry.reading(desk.database) as session:
        for message in session.scalars(select(Outgoing)):
            assert message.payload["data"]["action"].startswith("Leave it closed and untouched")


def test_nobody_is_told_of_the_end_of_what_they_were_not_told_of(desk):
    desk.says(*((hour, 50) for hour in range(4)), *((hour, 70) for hour in range(5, 21)))
    desk.settle()
    desk.clock.hour = 35
    desk.says((4, 90))
    desk.settle()
    desk.says((36, 50))
    desk.settle(2 * REWORD_EVERY)
    assert desk.alerts() == [("test.damp", 4, 36)]
    assert desk.told() == []


def test_within_the_window_it_is_the_same(desk):
    """Dry at 0 and 3 h; then the reading of 1 h comes, damp, and that of 2 h, dry."""
    desk.says((0, 50), (3, 50))
    desk.says((1, 90), (1.1, 50))
    assert desk.alerts() == [("test.damp", 1, 1.1)]
    assert revised(desk) == [("test.damp", True, False)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 1.1)]  # wet hours are left


def test_what_a_batch_that_is_partly_late_says_of_later_is_news(desk):
    """Of 0 and 3 h; then of 2 h, late, and of 4 and 5 h: damp for an hour."""
    desk.says((0, 50), (3, 50))
    desk.says((2, 50), (4, 90), (5, 50))
    assert revised(desk) == [("test.damp", False, False)]
    assert desk.told() == [("alert.opened", 4), ("alert.cleared", 5)]


def test_who_was_told_of_an_end_is_told_that_it_goes_on(desk):
    """Damp at 1 h, dry at 3 h and damp at 20 h, told. It was not the lot's tag at 3 h."""
    desk.says((0, 50), (1, 90), (2, 70))
    desk.says((3, 50))
    desk.says(*((hour, 70) for hour in range(4, 12)))
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3)]
    desk.remove("bindings", f"T1@{written(at(-100))}")
    first = {"tag": "T1", "lot": "L1", "begins": written(at(-100)), "ends": written(at(2.5))}
    desk.put("bindings", **first)
    desk.put("bindings", tag="T1", lot="L1", begins=written(at(3.5)))
    desk.settle()
    assert desk.alerts() == [("test.damp", 1, None)]
    assert [event for event, _ in desk.told()].count("alert.opened") == 2
    desk.settle(REWORD_EVERY)
    assert [event for event, _ in desk.told()].count("alert.opened") == 2
