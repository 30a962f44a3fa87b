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
MOULD = "trend.mould"


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
    """By the hour, up to so many hours ago: 10 °C and a day's swing of 5 K at 60 %RH, and of 2."""
    at = np.arange(-24 * days, 1) - ago_h
    swing = np.sin(2 * math.pi * at / 24)
    values = {"temperature": 10 + 5 * swing, "humidity": 60 - 2 * swing}
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
    assert mould(lots) == ((None, None, None), [None, None, None])
    know(service, lots, mould_index=0.4, mould_in_hours=168.0)
    found = trend(lots, "WO")
    assert mould(lots) == ((0.4, True, 7.0), [0.079, 0.5, 0.876])
    assert [one["hours"] for one in found["mould"]["within"]] == [72, 168, 336]
    assert (found["harm"], found["hours"][0]["damp"]) == ("damp", 0)
    assert found["hours"][0]["surface"] is None
    know(service, lots, mould_index=0.4)
    assert mould(lots) == ((0.4, False, None), [0, 0, 0])
    know(service, lots, mould_index=1.4, mould_in_hours=0.0)
    assert mould(lots) == ((1.4, True, 0.0), [1, 1, 1])


def test_days_to_mould_are_scored_on_all_that_is_stored(service: Service, lots: Caller) -> None:
    measured(service, lots, "WO", 50)
    found = {one["hours"]: one for one in trend(lots, "WO")["score"] if one["rule"] == MOULD}
    assert [(hours, one["scored"]) for hours, one in found.items()] == [
        (ahead, 50 * 24 - ahead) for ahead in (72, 168, 336)
    ]
    assert all(one["came"] == one["brier"] == 0 for one in found.values())
    measured(service, lots, "PB", 30)
    assert MOULD not in {one["rule"] for one in trend(lots, "PB")["score"]}


def mould(who: Caller) -> tuple[tuple[Any, Any, Any], list[Any]]:
    """Index, whether it grows and in how many days; and how likely within each."""
    its = trend(who, "WO")["mould"]
    return (its["index"], its["grows"], its["in_days"]), [one["likely"] for one in its["within"]]


def know(service: Service, who: Caller, **numbers: float) -> None:
    with registry.writing(service.engine) as session:
        session.merge(
            LotNow(tenant=who.tenant, lot="WO", at=NOW, status="ok", why=None, numbers=numbers)
        )


def test_anothers_lot_is_not_there(service: Service, lots: Caller, rival: Caller) -> None:
    measured(service, lots, "PB", 1)
    assert "PB" in rival.refused("/v1/lots/PB/trend", 404)["detail"]
