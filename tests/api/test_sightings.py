"""Sightings by the API: what is asked for, in pages, and nobody else's."""

from __future__ import annotations

from lots import registry
from lots.model import Sighted
from tests.api.service import NOW, Caller, Service

ITEM = "urn:epc:id:sgtin:0614141.812345."


def keep(service: Service, who: Caller, *numbers: int) -> None:
    with registry.writing(service.engine) as session:
        session.add_all(
            Sighted(
                id=f"{who.tenant}-{n}",
                tenant=who.tenant,
                epc=f"{ITEM}{n % 2}",
                reader=f"dock-{n % 3}",
                antenna=1,
                first=NOW - n * 60_000,
                last=NOW - n * 60_000 + 30_000,
                rssi=None if n else -52.5,
            )
            for n in numbers
        )


def found(who: Caller, **query: object) -> list[int]:
    items = who.get("/v1/sightings", **query)["items"]
    return [int(item["id"].rpartition("-")[2]) for item in items]


def test_sightings_are_found_by_what_is_asked(service: Service, acme: Caller) -> None:
    keep(service, acme, *range(7))
    assert acme.get("/v1/sightings")["items"][0] == {
        "id": f"{acme.tenant}-0",
        "epc": f"{ITEM}0",
        "reader": "dock-0",
        "antenna": 1,
        "first": "2025-11-22T12:00:00Z",
        "last": "2025-11-22T12:00:30Z",
        "rssi": -52.5,
    }
    assert found(acme) == list(range(7))
    assert found(acme, epc=f"{ITEM}1") == [1, 3, 5]
    assert found(acme, reader="dock-0") == [0, 3, 6]
    assert found(acme, reader="dock-0", epc=f"{ITEM}1") == [3]
    assert found(acme, begins="2025-11-22T11:57:30Z") == [0, 1, 2, 3]
    assert found(acme, begins="2025-11-22T11:57:31Z") == [0, 1, 2]
    assert found(acme, ends="2025-11-22T11:56:00Z") == [5, 6]


def test_sightings_come_in_pages(service: Service, acme: Caller) -> None:
    keep(service, acme, *range(5))
    page = acme.get("/v1/sightings", limit=3, ends="2025-11-22T12:00:00Z")
    assert [item["id"][-1] for item in page["items"]] == ["1", "2", "3"]
    assert [item["id"][-1] for item in acme.get(page["next"])["items"]] == ["4"]


def test_sightings_of_others_are_not_shown(service: Service, acme: Caller, rival: Caller) -> None:
    keep(service, rival, 1)
    assert acme.get("/v1/sightings") == {"items": [], "next": None}


def test_what_cannot_be_asked_is_told(acme: Caller) -> None:
    told = acme.refused(
        "/v1/sightings", 422, begins="2025-11-22T12:00:00Z", ends="2025-11-22T12:00:00Z"
    )
    assert "not after begins" in told["detail"]
    acme.refused("/v1/sightings", 422, begins="yesterday")
    acme.refused("/v1/sightings", 422, tag="x")
