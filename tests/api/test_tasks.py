"""Tasks of preventive service: listed, for whose they are."""

from __future__ import annotations

import pytest

from lots import registry
from rules import tasks
from simulators.climate import normals
from tests.api.service import LOT, NOW, SITE, Caller, Service


@pytest.fixture
def miami(service: Service, acme: Caller) -> Caller:
    """Lead stands at two sites whose climate is known."""
    for name in ("MIAMI", "SAND-POINT"):
        climate = normals(name.lower().replace("-", "_"))
        acme.put("sites", id=name, **SITE | {"name": name.title(), "climate": climate})
        acme.put("places", id=f"{name}-B", site=name, kind="bay", name="Bay")
        acme.put("lots", id=f"PB-{name}", **LOT)
        acme.put("moves", lot=f"PB-{name}", at="2025-11-01T00:00:00Z", place=f"{name}-B")
    with registry.writing(service.engine) as session:
        assert tasks.make(session, [], NOW) > 1
    return acme


def test_they_say_what_is_due_when_and_where(miami: Caller) -> None:
    found = miami.get("/v1/tasks")["items"]
    frost = next(one for one in found if one["hazard"] == "frost")
    assert frost["site"] == "SAND-POINT"
    assert frost["title"].startswith("Sand-Point: frost from ")
    assert frost["due"] < frost["begins"] < frost["ends"]
    assert "dunnage guide lead frost" in frost["action"]
    assert [one["due"] for one in found] == sorted((one["due"] for one in found), reverse=True)


def test_they_come_page_by_page_and_by_site(miami: Caller) -> None:
    every = [one["id"] for one in miami.get("/v1/tasks")["items"]]
    first = miami.get("/v1/tasks", limit=1)
    rest = miami.get(first["next"])["items"]
    assert [first["items"][0]["id"], *(one["id"] for one in rest)][: len(every)] == every[
        : len(rest) + 1
    ]
    own = miami.get("/v1/tasks", site="SAND-POINT")["items"]
    assert own == [one for one in miami.get("/v1/tasks")["items"] if one["site"] == "SAND-POINT"]
    assert "no site 'OSLO'" in miami.refused("/v1/tasks", 422, site="OSLO")["detail"]
    miami.put("sites", id="OSLO", **SITE)
    assert miami.get("/v1/tasks", site="OSLO")["items"] == []


def test_anothers_are_not_there(miami: Caller, rival: Caller) -> None:
    assert miami.get("/v1/tasks")["items"]
    assert rival.get("/v1/tasks") == {"items": [], "next": None}
