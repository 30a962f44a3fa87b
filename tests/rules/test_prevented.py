"""What was foreseen, acted on, and never came: the closing message says so, and only then."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from lots import registry
from lots.fields import written
from lots.model import Alert
from rules.evaluator import REWORD_EVERY
from rules.knowledge import HANDS_ON
from tests.rules.test_forecasts import _desk, judge, kept, leaves, outcome, says, told
from tests.rules.timeline import at

__all__ = ["_desk"]


def act(desk, done="kept the doors closed"):
    """As the API writes it."""
    with registry.writing(desk.database) as session:
        session.execute(
            update(Alert)
            .where(Alert.rule == "lead.sweat")
            .values(acknowledged=at(20), acknowledged_by="Änne Kowalski", done=done)
        )


def closing(desk):
    """(event, title, what the forecast has of it) of the last message."""
    last = told(desk)[-1]
    return last["type"], last["data"]["title"], last["data"]["forecast"]["prevented"]


def test_a_leg_that_was_taken_out_prevented_it(desk):
    says(desk, 0, 20, 0.0, 60)
    desk.remove("shipments", "SH")
    desk.settle()
    event, title, kept_of_it = closing(desk)
    assert event == "alert.withdrawn"
    assert title.startswith("Prevented on L1: leg 1 of SH is not to be gone. As it was foreseen (")
    assert "g/m² after" in title
    assert title.endswith("None that counts was seen.")
    assert kept_of_it == title
    (row,) = kept(desk)
    assert row.prevented == title
    assert max(grams for _, grams in row.curve) > 5


def test_one_that_was_put_off_beyond_what_is_foreseen_did_too(desk):
    says(desk, 0, 20, 0.0, 60)
    leaves(desk, departs=34 + 96, arrives=44 + 96)
    desk.settle()
    event, title, _ = closing(desk)
    assert event == "alert.withdrawn"
    assert "leg 1 of SH departs Thu 27 Nov 17:00 (America/New_York) in place of" in title


def test_one_that_is_led_through_dry_air_did_too(desk):
    says(desk, 0, 20, 0.0, 60)
    leaves(desk, destination="DRY")
    desk.settle()
    assert "leg 1 of SH goes to DRY in place of WARM" in closing(desk)[1]


def test_while_it_is_still_foreseen_nothing_was_prevented(desk):
    """Put off by some hours it comes all the same."""
    says(desk, 0, 20, 0.0, 60)
    leaves(desk, departs=39, arrives=49)
    desk.settle()
    assert [m["data"]["forecast"]["prevented"] for m in told(desk)] == [None] * len(told(desk))


def test_what_somebody_did_about_it_is_told_by_name(desk):
    says(desk, 0, 34, 0.0, 60)
    act(desk)
    says(desk, 35, 80, 25.0, 10)
    event, title, _ = closing(desk)
    assert event == "alert.cleared"
    assert title.startswith("Prevented on L1: Änne Kowalski: kept the doors closed. As it was")


def test_where_nobody_acted_it_did_not_come_and_that_is_all(desk):
    says(desk, 0, 34, 0.0, 60)
    says(desk, 35, 80, 25.0, 10)
    event, title, kept_of_it = closing(desk)
    assert event == "alert.cleared"
    assert "Prevented" not in title
    assert kept_of_it is None


def test_who_only_says_that_they_take_care_of_it_has_not_acted_yet(desk):
    says(desk, 0, 34, 0.0, 60)
    act(desk, done=None)
    says(desk, 35, 80, 25.0, 10)
    assert closing(desk)[2] is None


def test_where_it_came_all_the_same_nothing_was_prevented(desk):
    says(desk, 0, 34, 0.0, 60)
    act(desk)
    says(desk, 35, 50, 25.0, 80)
    says(desk, 51, 110, 25.0, 20)
    event, title, kept_of_it = closing(desk)
    assert event == "alert.cleared"
    assert "Prevented" not in title
    assert kept_of_it is None


def test_what_never_was_by_a_corrected_binding_nobody_prevented(desk):
    """The tag hung on another lot until 19 h: what this one's metal was nobody knew."""
    says(desk, 0, 20, 0.0, 60)
    act(desk)
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.put("bindings", tag="T1", lot="L1", begins=written(at(19)))
    desk.settle()
    event, _, kept_of_it = closing(desk)
    assert event == "alert.withdrawn"
    assert kept_of_it is None


def test_what_comes_to_light_takes_it_back(desk):
    """Dry, as it seemed, and the alert over; what the tag kept says otherwise."""
    says(desk, 0, 34, 0.0, 60)
    act(desk)
    says(desk, 40, 80, 25.0, 10)
    assert closing(desk)[2] is not None
    desk.says(*((hour, 80) for hour in range(35, 40)), warmth=25.0)
    desk.settle(4)
    assert judge(desk) == 1
    assert outcome(desk)[0] == "came"
    (row,) = kept(desk)
    assert row.prevented is None


def test_the_judge_does_not_count_what_was_changed(desk):
    says(desk, 0, 20, 0.0, 60)
    desk.remove("shipments", "SH")
    desk.settle()
    says(desk, 21, 80, 0.0, 60)
    desk.settle()
    assert judge(desk) == 1
    assert outcome(desk) == ("changed", None)


@pytest.mark.parametrize("done", ["opened it only at night", "ventilated before"])
def test_holds_come_first_in_the_closing_message_too(desk, done):
    desk.hold("fumigated", 0, lot="L1", lifted_by="Port Fumigation Ltd")
    says(desk, 0, 34, 0.0, 60)
    act(desk, done=done)
    says(desk, 35, 80, 25.0, 10)
    desk.settle(REWORD_EVERY + 1)
    data = told(desk)[-1]["data"]
    assert data["title"].startswith("Prevented on L1: Änne Kowalski acted on it.")
    assert not HANDS_ON.search(data["title"] + data["action"])
