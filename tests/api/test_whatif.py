"""Hours of opening compared, as the command does it."""

from __future__ import annotations

from typing import Any

import pytest

from lots import registry
from lots.model import LotNow
from simulators.climate import normals
from tests.api.service import LOT, NOW, SITE, Caller, Service, problem

ADDRESS = "/v1/lots/PB/whatif"


def know(service: Service, who: Caller, lot: str, hours_ago: float = 0.1, **more: float) -> None:
    known = {"surface": 2.0, "temperature": 12.0, "dew_point": 1.0, "film": 0.0, **more}
    at = NOW - round(hours_ago * 3_600_000)
    with registry.writing(service.engine) as session:
        session.merge(
            LotNow(tenant=who.tenant, lot=lot, at=at, status="ok", why=None, numbers=known)
        )


@pytest.fixture
def miami(service: Service, acme: Caller) -> Caller:
    """A cold lot in a bay of a site whose climate is known."""
    site: dict[str, Any] = SITE | {"timezone": "America/New_York", "climate": normals("miami")}
    acme.put("sites", id="MIAMI", **site)
    acme.put("sites", id="OSLO", **SITE)
    acme.put("places", id="BAY", site="MIAMI", kind="bay", name="Bay")
    acme.put("lots", id="PB", **LOT)
    acme.put("lots", id="WO", **LOT | {"commodity": "wool", "form": "greasy"})
    acme.put("moves", lot="PB", at="2025-11-01T00:00:00Z", place="BAY")
    know(service, acme, "PB")
    return acme


def test_hours_are_compared(miami: Caller) -> None:
    found = miami.get(ADDRESS, open=["2025-11-22T12:30:00Z", "14:00"])
    now, later = found["hours"]
    assert (found["site"], found["now"]) == ("MIAMI", "2025-11-22T12:00:00Z")
    assert now["at"] == "2025-11-22T12:30:00Z"
    assert later["at"] == "2025-11-22T19:00:00Z", "14:00 by the site's clock"
    assert now["margin_k"] < -5
    assert now["worst_g_m2"] >= now["film_g_m2"] > 5
    assert found["first"] is None
    assert found["dry_from"] is None or found["dry_from"]["worst_g_m2"] < 5


def test_air_that_is_known_stands_for_the_climate(miami: Caller) -> None:
    found = miami.get(ADDRESS, open="09:00", temperature=20, humidity=20)
    assert found["hours"][0]["film_g_m2"] == 0
    assert found["dry_from"]["at"] == "2025-11-22T12:00:00Z"


def test_holds_come_first(miami: Caller) -> None:
    hold = {"kind": "fumigated", "lot": "PB", "lifted_by": "Harbour Gas Service"}
    miami.put("holds", begins="2025-11-01T00:00:00Z", **hold)
    assert "Harbour Gas Service lifts the hold" in miami.get(ADDRESS, open="09:00")["first"]


def test_an_offset_whose_plus_was_lost_is_understood(miami: Caller) -> None:
    found = miami.get(f"{ADDRESS}?open=2025-11-22T15:00:00+01:00")
    assert found["hours"][0]["at"] == "2025-11-22T14:00:00Z"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "query open"),
        ({"open": "soon"}, "write 09:00"),
        ({"open": "2020-01-01T09:00"}, "not within 48 h"),
        ({"open": "09:00", "site": "ROME"}, "no site 'ROME'"),
        ({"open": "09:00", "site": "OSLO"}, "dunnage import climate FILE --site OSLO"),
        ({"open": "09:00", "temperature": 20}, "go together"),
        ({"open": "09:00", "temperature": 99, "humidity": 50}, "query temperature"),
        ({"open": ["09:00"] * 25}, "query open"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_remedy(
    miami: Caller, query: dict[str, Any], says: str
) -> None:
    found = miami.refused(ADDRESS, 422, **query)
    assert says in f"{found['detail']} {found['errors']}"


def test_of_what_is_not_lead_or_not_known_nothing_is_said(miami: Caller, service: Service) -> None:
    assert "for lead alone" in miami.refused("/v1/lots/WO/whatif", 422, open="09:00")["detail"]
    know(service, miami, "PB", hours_ago=7)
    assert "last heard of" in miami.refused(ADDRESS, 422, open="09:00")["detail"]
    with registry.writing(service.engine) as session:
        session.get(LotNow, (miami.tenant, "PB")).numbers = {}  # type: ignore[union-attr]
    assert "not known now" in miami.refused(ADDRESS, 422, open="09:00")["detail"]


def test_anothers_lot_is_not_there(miami: Caller, rival: Caller) -> None:
    theirs = rival.refused(ADDRESS, 404, open="09:00")
    assert theirs["detail"] == rival.refused("/v1/lots/NO/whatif", 404, open="09:00")[
        "detail"
    ].replace("NO", "PB")


def test_who_has_no_key_is_told_nothing(service: Service, miami: Caller) -> None:
    problem(service.client().get(ADDRESS, params={"open": "09:00"}), 401)
