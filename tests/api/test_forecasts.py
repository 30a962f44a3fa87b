"""Forecasts: listed, and their score, for whose they are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from lots import registry
from lots.model import Forecast
from tests.api.service import LOT, NOW, Caller, Service
from tests.api.test_alerts import raised

HOUR = 3_600_000


def foretold(service: Service, who: Caller, n: int, **fields: Any) -> str:
    """Alert ``n`` of ``who``, and what it foretold n hours ago."""
    alert, said = raised(service, who, n), NOW - n * HOUR
    row = Forecast(
        **{
            "alert": alert,
            "tenant": who.tenant,
            "lot": "L1",
            "rule": "lead.sweat",
            "site": "MIAMI",
            "timezone": "America/New_York",
            "said": said,
            "begins": said + 4 * HOUR,
            "ends": said + 10 * HOUR,
            "probability": 0.8,
            "legs": [],
            "curve": [[1.0, 0.0], [2.0, 12.5]],
            "revised": 0,
            **fields,
        }
    )
    with registry.writing(service.engine) as session:
        session.add(row)
    return alert


@pytest.fixture
def said(service: Service, acme: Caller) -> Caller:
    """Four: 1 waits, 2 came, 3 did not, 4 came."""
    acme.put("lots", id="L1", **LOT)
    acme.put("lots", id="L2", **LOT)
    foretold(service, acme, 1)
    foretold(service, acme, 2, judged=NOW, outcome="came", came=NOW + 3 * HOUR)
    foretold(service, acme, 3, judged=NOW, outcome="absent")
    foretold(service, acme, 4, judged=NOW, outcome="came", came=NOW, probability=1.0, lot="L2")
    return acme


def listed(who: Caller, **query: Any) -> list[str]:
    return [each["alert"][-1] for each in who.get("/v1/forecasts", **query)["items"]]


def test_the_newest_come_first_page_by_page(said: Caller) -> None:
    assert listed(said) == ["1", "2", "3", "4"]
    assert listed(said, lot="L2") == ["4"]
    assert "no lot 'L3'" in said.refused("/v1/forecasts", 422, lot="L3")["detail"]
    first = said.get("/v1/forecasts", limit=3)
    assert [each["alert"][-1] for each in said.get(first["next"])["items"]] == ["4"]
    one = first["items"][1]
    assert one["probability"] == 0.8
    assert one["curve"] == [[1.0, 0.0], [2.0, 12.5]]
    assert (one["said"], one["outcome"]) == ("2025-11-22T10:00:00Z", "came")
    assert first["items"][0]["outcome"] is None


def test_the_score_is_by_rule_and_site(said: Caller) -> None:
    (score,) = said.get("/v1/forecasts/score")["items"]
    assert (score["rule"], score["site"]) == ("lead.sweat", "MIAMI")
    assert (score["scored"], score["came"], score["waiting"]) == (3, 2, 1)
    assert score["brier"] == pytest.approx((0.04 + 0.64) / 3, abs=1e-4)


def test_one_that_is_to_be_judged_anew_waits(service: Service, acme: Caller) -> None:
    acme.put("lots", id="L1", **LOT)
    foretold(service, acme, 1, judged=None, outcome="came", came=NOW)
    assert acme.get("/v1/forecasts")["items"][0]["outcome"] is None
    (score,) = acme.get("/v1/forecasts/score")["items"]
    assert (score["scored"], score["waiting"]) == (0, 1)


def test_anothers_are_not_there(said: Caller, rival: Caller) -> None:
    assert listed(rival) == []
    assert rival.get("/v1/forecasts/score") == {"items": []}


def test_an_alert_has_what_it_foretold(said: Caller) -> None:
    found = said.get(f"/v1/alerts/{said.tenant}-002")["forecast"]
    assert (found["site"], found["outcome"]) == ("MIAMI", "came")
    listed = said.get("/v1/alerts", limit=2)["items"]
    assert [one["forecast"]["outcome"] for one in listed] == [None, "came"]


def test_a_score_reads_no_legs_and_no_curve(service: Service, said: Caller) -> None:
    with service.engine.begin() as connection:
        connection.execute(text("UPDATE forecasts SET legs = 'no JSON', curve = 'no JSON'"))
    (score,) = said.get("/v1/forecasts/score")["items"]
    assert score["scored"] == 3
