"""A lot's trend, asked for over HTTP from readings in a real store."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lots import registry
from lots.model import LotNow
from lots.readings.batch import TagKey, of_tag
from tests.api.service import LOT, NOW, SITE, Caller, Service

HOUR = 3_600_000
BEGAN = "2025-10-01T00:00:00Z"
WOOL = {"commodity": "wool", "form": "greasy"}


@pytest.fixture
def lots(service: Service, acme: Caller) -> Caller:
    """Lead in one bay, wool in another, a tag in the air of each."""
    acme.put("sites", id="S1", **SITE)
    for lot, more in (("PB", {}), ("WO", WOOL)):
        acme.put("places", id=f"B-{lot}", site="S1", kind="bay", name="Bay")
        acme.put("tags", id=f"T-{lot}", interval_s=3600)
        acme.put("bindings", tag=f"T-{lot}", place=f"B-{lot}", begins=BEGAN)
        acme.put("lots", id=lot, **LOT | more)
        acme.put("moves", lot=lot, at=BEGAN, place=f"B-{lot}")
    return acme


def measured(service: Service, who: Caller, lot: str, days: int, ago_h: int = 0) -> None:
    """By the hour, up to so many hours ago: 10 °C and a day's swing of 5 K at 60 %RH."""
    at = np.arange(-24 * days, 1) - ago_h
    values = {
        "temperature": 10 + 5 * np.sin(2 * math.pi * at / 24),
        "humidity": np.full(len(at), 60.0),
    }
    service.keep(of_tag(TagKey(who.tenant, f"T-{lot}"), NOW + HOUR * at, values))


def trend(who: Caller, lot: str) -> Any:
    return who.get(f"/v1/lots/{lot}/trend")


def test_hours_ahead_are_told_with_their_spread(service: Service, lots: Caller) -> None:
    measured(service, lots, "PB", 30)
    found = trend(lots, "PB")
    assert (found["newest"], found["missing"], found["mould"]) == (
        "2025-11-22T12:00:00Z",
        None,
        None,
    )
    assert [one["hours"] for one in found["hours"]] == [3, 6, 12, 24]
    six = found["hours"][1]
    assert six["at"] == "2025-11-22T18:00:00Z"
    assert six["temperature"] == {"mean": 15.0, "spread": 0.0}
    assert six["surface"]["mean"] < 15
    assert six["sweat"] == 0
    (score,) = (one for one in found["score"] if (one["rule"], one["hours"]) == ("trend.sweat", 6))
    assert score["scored"] > 300
    assert (score["came"], score["brier"]) == (0, 0)


def test_of_too_little_it_says_what_is_missing(service: Service, lots: Caller) -> None:
    assert "no reading" in trend(lots, "PB")["missing"]
    measured(service, lots, "PB", 9)
    found = trend(lots, "PB")
    assert "there are 9.0" in found["missing"]
    assert found["hours"][0]["temperature"]["mean"] is not None
    assert found["hours"][0]["sweat"] is None
    assert found["score"] == []


def test_a_lot_that_fell_silent_says_so(service: Service, lots: Caller) -> None:
    measured(service, lots, "PB", 20, ago_h=7)
    assert "last heard of at 2025-11-22T05:00:00Z" in trend(lots, "PB")["missing"]


def test_wool_has_days_to_mould(service: Service, lots: Caller) -> None:
    measured(service, lots, "WO", 30)
    assert trend(lots, "WO")["mould"] == {"index": None, "grows": None, "in_days": None}
    know(service, lots, mould_index=0.4, mould_in_hours=60.0)
    found = trend(lots, "WO")
    assert found["mould"] == {"index": 0.4, "grows": True, "in_days": 2.5}
    assert (found["harm"], found["hours"][0]["damp"]) == ("damp", 0)
    assert found["hours"][0]["surface"] is None
    know(service, lots, mould_index=0.4)
    assert trend(lots, "WO")["mould"] == {"index": 0.4, "grows": False, "in_days": None}


def know(service: Service, who: Caller, **numbers: float) -> None:
    with registry.writing(service.engine) as session:
        session.merge(
            LotNow(tenant=who.tenant, lot="WO", at=NOW, status="ok", why=None, numbers=numbers)
        )


def test_anothers_lot_is_not_there(service: Service, lots: Caller, rival: Caller) -> None:
    measured(service, lots, "PB", 1)
    assert "PB" in rival.refused("/v1/lots/PB/trend", 404)["detail"]
