"""The routes that every kind of the registry has."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lots.records import KINDS
from tests.api.service import LOT, SITE, Caller, Service, fill, problem


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_put_in_comes_back_and_again_changes_nothing(acme: Caller, kind: str) -> None:
    name = fill(acme)[kind]
    got = acme.get(f"/v1/{kind}/{name}")
    got.pop("now", None)
    again = acme.writes.post(f"/v1/{kind}", json=got)
    assert (again.status_code, again.json()) == (200, got)
    assert acme.writes.get(again.headers["location"]).status_code == 200
    assert len(acme.get(f"/v1/{kind}")["items"]) == 1


def test_first_created_then_changed(acme: Caller) -> None:
    first = acme.writes.post("/v1/sites", json={"id": "S1", **SITE})
    assert (first.status_code, first.headers["location"]) == (201, "/v1/sites/S1")
    second = acme.writes.post("/v1/sites", json={"id": "S1", **SITE, "name": "Basel"})
    assert (second.status_code, second.json()["name"]) == (200, "Basel")
    assert acme.get("/v1/sites/S1")["name"] == "Basel"


@pytest.mark.parametrize("name", ["Säge 4", "批次-7", "a@b:c", "L1 & L2; 'x\"", "a=b", "😀", "~"])
def test_ids_of_any_script_are_addresses(acme: Caller, name: str) -> None:
    made = acme.writes.post("/v1/lots", json={"id": name, **LOT})
    assert made.status_code == 201
    got = acme.writes.get(made.headers["location"])
    assert got.json()["id"] == name
    assert acme.writes.delete(made.headers["location"]).status_code == 204


def test_a_patch_changes_what_it_names_and_no_more(acme: Caller) -> None:
    fill(acme)
    reply = acme.writes.patch("/v1/lots/L1", json={"packages": 7, "customer": None})
    assert reply.status_code == 200
    now = acme.get("/v1/lots/L1")
    assert (now["packages"], now["customer"]) == (7, None)
    assert now["references"] == {"purchase_order": ["PO 7"]}
    acme.writes.patch("/v1/lots/L1", json={"references": {"batch": ["M 9"]}})
    known = acme.get("/v1/lots/L1")["references"]
    assert known == {"batch": ["M 9"], "purchase_order": ["PO 7"]}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"packages": 0}, "/packages"),
        ({"packagse": 1}, "/packagse"),
        ({"commodity": None}, "/commodity"),
        ({"id": "L2"}, "/id"),
        ({"customer": "nobody"}, "/customer"),
        ({"net_mass_kg": "heavy"}, "/net_mass_kg"),
        ({"references": {"batch": 7}}, "/references/batch"),
    ],
)
def test_a_patch_that_makes_no_lot_is_refused_whole(
    acme: Caller, changes: dict[str, Any], pointer: str
) -> None:
    fill(acme)
    before = acme.get("/v1/lots/L1")
    reply = acme.writes.patch("/v1/lots/L1", json={"packages": 9, **changes})
    found = problem(reply, 422)
    assert found["errors"][0]["pointer"] == pointer
    assert acme.get("/v1/lots/L1") == before


def test_a_patch_is_an_object(acme: Caller) -> None:
    fill(acme)
    for body in (b"[]", b'"x"', b"7", b"null"):
        json = {"Content-Type": "application/json"}
        problem(acme.writes.patch("/v1/lots/L1", content=body, headers=json), 422)


def test_what_is_in_use_stays(acme: Caller) -> None:
    ids = fill(acme)
    found = problem(acme.writes.delete("/v1/tags/T1"), 409)
    assert found["type"] == "/problems/in-use"
    assert ids["bindings"] in found["detail"]
    assert acme.get("/v1/tags/T1")["id"] == "T1"
    assert acme.writes.delete(f"/v1/bindings/{ids['bindings']}").status_code == 204
    assert acme.writes.delete("/v1/tags/T1").status_code == 204
    problem(acme.writes.delete("/v1/tags/T1"), 404)


def test_a_tag_cannot_be_in_two_places(acme: Caller) -> None:
    fill(acme)
    reply = acme.writes.post(
        "/v1/bindings", json={"tag": "T1", "place": "B1", "begins": "2025-11-02T00:00:00Z"}
    )
    assert problem(reply, 409)["type"] == "/problems/overlap"


def test_pages_hold_everything_once_in_one_order(acme: Caller) -> None:
    ids = [f"S {n:02} ü" for n in range(23)]
    for name in ids:
        acme.put("sites", id=name, **SITE)
    seen: list[str] = []
    address: str | None = "/v1/sites?limit=5"
    while address:
        page = acme.get(address)
        seen += [site["id"] for site in page["items"]]
        address = page["next"]
        assert address is None or len(page["items"]) == 5
    assert seen == ids


def test_a_page_goes_on_though_its_last_one_was_taken_away(acme: Caller) -> None:
    for name in "abcd":
        acme.put("sites", id=name, **SITE)
    first = acme.get("/v1/sites", limit=2)
    acme.writes.delete("/v1/sites/b")
    assert [site["id"] for site in acme.get(first["next"])["items"]] == ["c", "d"]


def test_a_full_last_page_has_no_next(acme: Caller) -> None:
    for name in "ab":
        acme.put("sites", id=name, **SITE)
    assert acme.get("/v1/sites", limit=2)["next"] is None


def test_many_at_once_make_one_of_each(service: Service, acme: Caller) -> None:
    statuses: list[int] = []

    def put() -> None:
        with_key = service.client(acme.key)
        bodies = ({"id": f"S{n}", **SITE} for n in range(5))
        statuses.extend(with_key.post("/v1/sites", json=body).status_code for body in bodies)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 25 + [201] * 5
    assert len(acme.get("/v1/sites")["items"]) == 5
