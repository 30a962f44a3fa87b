"""Forecasts on a real registry and store: told, kept, judged when their time has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from lots import registry
from lots.clock import DAY_MS
from lots.fields import milliseconds, written
from lots.model import Forecast, Outgoing
from lots.readings.store import StoreUnavailable
from rules import forecasts, hindsight, pack
from rules.chores import Chores
from rules.judge import Judge
from tests.rules.desk import BOTH, TENANT
from tests.rules.test_ahead import COLD, DRY, WARM
from tests.rules.timeline import at, hours, steady

SHIPPED = pack.load()
LEG = {"number": 1, "mode": "truck", "origin": "COLD", "destination": "WARM"}


def site(desk, name, normals, zone):
    climate = {"source": "made up", **normals.as_lists()}
    fields: dict[str, Any] = {"name": name, "latitude": 0, "longitude": 0, "timezone": zone}
    desk.put("sites", id=name, climate=climate, **fields)


def leaves(desk, departs=34.0, arrives=44.0, destination="WARM"):
    leg = LEG | {"departs": written(at(departs)), "arrives": written(at(arrives))}
    desk.put("shipments", id="SH", lots=["L1"], legs=[leg | {"destination": destination}])


@pytest.fixture(name="desk")
def _desk(desk):
    """L1 stands in the cold and is to leave 34 h on for where it is warm and damp."""
    site(desk, "COLD", COLD, "UTC")
    site(desk, "WARM", WARM, "America/New_York")
    site(desk, "DRY", DRY, "UTC")
    leaves(desk)
    desk.start(rules=SHIPPED)
    desk.settle()
    return desk


def says(desk, first, last, warmth, humidity, step=1.0):
    """By the hour, each in its turn: alerts are told as they come."""
    for hour, _, damp in steady(first, last, warmth, humidity, step):
        desk.says((hour, damp), warmth=warmth)


def told(desk):
    """(event, title, action) of each message to one of the two."""
    with registry.reading(desk.database) as session:
        found = session.scalars(select(Outgoing).where(Outgoing.recipient == BOTH[0].address)).all()
    those = [m.payload for m in found if m.payload["data"]["rule"] == "lead.sweat"]
    those.sort(key=lambda each: each["timestamp"])
    return those


def kept(desk):
    with registry.reading(desk.database) as session:
        return list(session.scalars(select(Forecast)))


def scores(desk):
    with registry.reading(desk.database) as session:
        return hindsight.scores(forecasts.judged(session, TENANT))


def judge(desk):
    return Judge(desk.database, desk.store, lambda: SHIPPED, desk.clock).judge()


def outcome(desk):
    (row,) = kept(desk)
    return row.outcome, None if row.came is None else hours(row.came)


# Told.


def test_an_alert_that_was_foreseen_says_when_for_how_long_and_until_when_to_wait(desk):
    says(desk, 0, 20, 0.0, 60)
    (first,) = told(desk)
    assert first["type"] == "alert.opened"
    data = first["data"]
    assert data["title"].startswith("Sweat is coming on L1: in about ")
    assert data["action"].startswith("Wait until Mon 24 Nov ")
    assert "(America/New_York) before you open or unwrap L1" in data["action"]
    said = data["forecast"]
    assert (said["site"], said["timezone"]) == ("WARM", "America/New_York")
    assert said["probability"] > 0.65
    begins = hours(milliseconds(registry.KINDS["moves"].model_validate(
        {"lot": "x", "at": said["begins"]}
    ).at))  # fmt: skip
    assert 34 < begins <= 46
    assert max(grams for _, grams in said["curve"]) > 5
    assert said["outcome"] is None


def test_of_a_leg_that_is_booked_late_it_says_how_soon_it_comes_now(desk):
    """Told at 30 h, of what the readings of a day ago would have told."""
    desk.remove("shipments", "SH")
    desk.settle()
    says(desk, 0, 30, 0.0, 60)
    desk.clock.hour = 30
    leaves(desk)
    desk.settle()
    (first,) = told(desk)
    said = first["data"]["forecast"]
    begins, since = (
        hours(milliseconds(datetime.fromisoformat(said[n]))) for n in ("begins", "said")
    )
    assert since < 24
    assert f": in about {begins - 30:.0f} h, for about" in first["data"]["title"]


def test_it_is_kept_once_however_often_it_is_written(desk):
    says(desk, 0, 20, 0.0, 60)
    (row,) = kept(desk)
    desk.settle(12)
    desk.evaluator.close()
    desk.start(rules=SHIPPED, folder=desk.folder)
    says(desk, 21, 24, 0.0, 60)
    (again,) = kept(desk)
    assert (again.alert, again.said, again.curve) == (row.alert, row.said, row.curve)
    assert len(told(desk)) == 1


def test_what_an_open_alert_says_to_do_stays_a_forecasts(desk):
    """Words are made anew, as the holds come and go."""
    says(desk, 0, 20, 0.0, 60)
    desk.hold("fumigated", 10, lot="L1", lifted_by="Port Fumigation Ltd")
    desk.settle(6)
    (row,) = [row for row in desk.rows() if row.rule == "lead.sweat"]
    assert row.action.startswith("Leave it closed and untouched")
    assert "Wait until" not in row.action
    desk.hold("fumigated", 10, 15, lot="L1", certificate="F 1")
    desk.settle(6)
    (row,) = [row for row in desk.rows() if row.rule == "lead.sweat"]
    assert row.action.startswith("Wait until")


def test_what_was_measured_is_told_as_ever(desk):
    desk.remove("shipments", "SH")
    desk.settle()
    says(desk, 0, 20, 0.0, 60)
    says(desk, 20.5, 23, 25.0, 80, step=0.5)
    (first,) = told(desk)
    assert first["data"]["title"].startswith("Water settles on L1 or is about to")
    assert first["data"]["forecast"] is None
    assert kept(desk) == []


def planned_late(desk):
    """The leg is put in once all was said: the lot is folded again from its past."""
    leaves(desk)
    desk.settle()


def test_what_came_to_light_is_told_so_while_it_lies_ahead(desk):
    desk.remove("shipments", "SH")
    desk.settle()
    says(desk, 0, 20, 0.0, 60)
    planned_late(desk)
    (first,) = told(desk)
    assert first["data"]["revised"]
    assert first["data"]["title"].startswith("Sweat is coming on L1: in about ")
    assert len(kept(desk)) == 1


def test_what_comes_to_light_when_its_time_has_come_was_never_foretold(desk):
    desk.remove("shipments", "SH")
    desk.settle()
    says(desk, 0, 34, 0.0, 60)
    says(desk, 35, 50, 25.0, 10)
    planned_late(desk)
    assert ("lead.sweat", 13.0) in [(rule, opened) for rule, opened, _ in desk.alerts()]
    assert kept(desk) == []


# Judged.


def test_one_that_came_is_judged_once_its_time_is_over(desk):
    says(desk, 0, 34, 0.0, 60)
    says(desk, 35, 50, 25.0, 80)
    desk.settle()
    assert judge(desk) == 0
    says(desk, 51, 80, 25.0, 40)
    desk.settle()
    assert judge(desk) == 1
    found, came = outcome(desk)
    assert found == "came"
    assert 34 < came <= 36
    assert judge(desk) == 0, "once"
    (score,) = scores(desk)
    assert (score.rule, score.site, score.scored, score.came) == ("lead.sweat", "WARM", 1, 1)
    assert score.brier < 0.13


def test_one_that_did_not_come_is_too(desk):
    says(desk, 0, 34, 0.0, 60)
    says(desk, 35, 80, 25.0, 10)
    desk.settle()
    assert judge(desk) == 1
    assert outcome(desk) == ("absent", None)
    (score,) = scores(desk)
    assert score.brier > 0.4


def test_where_too_little_was_measured_nothing_is_known(desk):
    says(desk, 0, 34, 0.0, 60)
    says(desk, 75, 80, 25.0, 10)
    desk.settle()
    assert judge(desk) == 1
    assert outcome(desk) == ("unknown", None)


def test_what_comes_late_revises_it(desk):
    """Dry, as it seemed; what the tag kept says otherwise."""
    says(desk, 0, 34, 0.0, 60)
    says(desk, 40, 80, 25.0, 10)
    desk.settle()
    assert judge(desk) == 1
    assert outcome(desk)[0] == "absent"
    desk.says(*((hour, 80) for hour in range(35, 40)), warmth=25.0)
    desk.settle(4)
    assert judge(desk) == 1
    found, came = outcome(desk)
    assert (found, came) == ("came", pytest.approx(35, abs=1))
    desk.settle(4)
    assert judge(desk) == 0


def test_while_the_store_does_not_answer_it_waits(desk):
    says(desk, 0, 34, 0.0, 60)
    says(desk, 35, 80, 25.0, 10)
    desk.settle()
    desk.store.cut = True
    with pytest.raises(StoreUnavailable):
        desk.store.window(None, 0, 1, ())
    assert judge(desk) == 0
    assert outcome(desk) == (None, None)
    desk.store.cut = False
    assert judge(desk) == 1


def test_one_that_was_never_heard_of_again_is_given_up_after_a_month(desk):
    says(desk, 0, 20, 0.0, 60)
    desk.settle()
    desk.clock.hour = 24 * 20
    assert judge(desk) == 0
    desk.clock.hour = 24 * 40
    assert judge(desk) == 1
    assert outcome(desk) == ("unknown", None)


def test_a_lot_that_is_taken_out_takes_its_own_along(desk):
    says(desk, 0, 20, 0.0, 60)
    for kind, name in (
        ("shipments", "SH"),
        ("bindings", f"T1@{written(at(-100))}"),
        ("moves", f"L1@{written(at(-100))}"),
        ("lots", "L1"),
    ):
        desk.remove(kind, name)
    assert kept(desk) == []
    assert judge(desk) == 0


def test_old_ones_are_forgotten(desk):
    says(desk, 0, 20, 0.0, 60)
    chores = Chores(desk.database, desk.store, lambda: SHIPPED, BOTH, desk.clock)
    chores.do()
    assert len(kept(desk)) == 1
    desk.clock.hour = forecasts.KEPT_MS / DAY_MS * 24 + 25
    chores.do()
    assert kept(desk) == []
