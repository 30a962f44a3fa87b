"""Tasks on a real registry: made once for each season, kept, told, and the tenant's own."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lots import registry
from lots.fields import written
from lots.model import Outgoing, Site
from lots.records import KINDS
from rules import tasks
from rules.evaluator import REWORD_EVERY
from rules.knowledge import HANDS_ON
from tests.rules.desk import BOTH, GOODS, TENANT
from tests.rules.test_forecasts import site
from tests.rules.test_service import DAMP, FROST, ms
from tests.rules.timeline import at

JUNE = ms(2026, 6, 1)


@pytest.fixture(name="desk")
def _desk(desk):
    """L1, of lead, stands in HH, where it is damp in summer."""
    site(desk, "HH", DAMP, "UTC")
    return desk


def make(desk, now=JUNE):
    with registry.writing(desk.database) as session:
        return tasks.make(session, BOTH, now)


def made(desk, tenant=TENANT):
    with registry.reading(desk.database) as session:
        return [(t.site, t.commodity, t.hazard) for t in tasks.of_tenant(session, tenant)]


def messages(desk):
    with registry.reading(desk.database) as session:
        return list(session.scalars(select(Outgoing).order_by(Outgoing.recipient)))


def test_of_nothing_there_is_nothing_to_do(database):
    with registry.writing(database) as session:
        assert tasks.make(session, BOTH, JUNE) == 0


def test_a_season_is_told_once_to_everybody(desk):
    assert make(desk) > 0
    assert ("HH", "lead", "damp") in made(desk)
    there = made(desk)
    assert make(desk) == 0
    assert make(desk, JUNE + 1_000_000) == 0
    assert made(desk) == there
    told = messages(desk)
    assert len(told) == len(there) * len(BOTH)
    data = next(m.payload for m in told if m.payload["data"]["hazard"] == "damp")
    assert data["type"] == "task.due"
    assert data["data"]["guide"] == "lead damp"
    assert data["data"]["title"].startswith("HH: damp from ")
    assert not HANDS_ON.search(data["data"]["title"] + data["data"]["action"])


def test_the_next_years_is_another(desk):
    make(desk)
    count = len(made(desk))
    assert make(desk, ms(2027, 6, 1)) == count


def test_a_climate_that_is_put_in_anew_does_not_tell_it_again(desk):
    make(desk)
    count = len(made(desk))
    table = DAMP.table.copy()
    table[2, 8] = 19.0  # a month longer
    site(desk, "HH", type(DAMP)(table.tobytes()), "UTC")
    assert make(desk) == 0
    assert len(made(desk)) == count


def test_goods_that_are_not_brought_there_are_none_of_its(desk):
    desk.lot("W1", commodity="wool", form="greasy", packaging="bale_nylon")
    make(desk)
    assert {commodity for _, commodity, _ in made(desk)} == {"lead"}
    leg = {"number": 1, "mode": "sea", "destination": "HH"}
    leg |= {"departs": written(at(0)), "arrives": written(at(9))}
    desk.put("shipments", id="SH", lots=["W1"], legs=[leg])
    make(desk)
    assert {commodity for _, commodity, _ in made(desk)} == {"lead", "wool"}


def test_a_site_without_a_climate_or_without_a_season_has_none(desk):
    site(desk, "HH", FROST, "UTC")
    assert make(desk) == 0
    with registry.writing(desk.database) as session:
        session.get(Site, (TENANT, "HH")).climate = None
    assert make(desk) == 0


def test_what_is_anothers_is_not_ones_own(desk):
    with registry.writing(desk.database) as session:
        registry.create_tenant(session, "rival", "Rival")
        record = registry.get(session, TENANT, "sites", "HH")
        registry.put(session, "rival", "sites", record)
        registry.put(session, "rival", "lots", KINDS["lots"].model_validate({"id": "L1", **GOODS}))
    make(desk)
    assert made(desk)
    assert made(desk, "rival") == [], "none of their goods stands there"


def test_a_site_that_is_taken_out_takes_its_own_along(desk):
    site(desk, "FAR", DAMP, "UTC")
    leg = {"number": 1, "mode": "sea", "destination": "FAR"}
    leg |= {"departs": written(at(0)), "arrives": written(at(9))}
    desk.put("shipments", id="SH", lots=["L1"], legs=[leg])
    make(desk)
    assert "FAR" in {name for name, _, _ in made(desk)}
    desk.remove("shipments", "SH")
    desk.remove("sites", "FAR")
    assert "FAR" not in {name for name, _, _ in made(desk)}


def test_a_message_that_waits_is_left_as_it_is(desk):
    """Alerts are worded anew while holds come and go; tasks have none."""
    make(desk)
    before = [m.payload for m in messages(desk)]
    desk.start()
    desk.settle(REWORD_EVERY + 1)
    assert [m.payload for m in messages(desk)] == before
