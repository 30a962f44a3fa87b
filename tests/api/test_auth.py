"""Keys: who may come in, who may write, and that a tenant is a wall."""

from __future__ import annotations

import httpx
import pytest

from lots import registry
from tests.api.service import LOT, NOW, SITE, Caller, Service, fill, problem

HIDDEN = ["lots", "sites", "places", "parties", "tags", "bindings", "moves", "shipments", "holds"]


def test_without_a_key_nothing_is_told(service: Service) -> None:
    reply = service.client().get("/v1/lots")
    assert "Bearer dunnage_…" in problem(reply, 401)["detail"]
    assert reply.headers["www-authenticate"] == 'Bearer realm="dunnage"'


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer dunnage_wrong"},
        {"X-API-Key": "dunnage_wrong"},
        {"X-API-Key": "dunnage_ü"},
        {"Authorization": "Bearer " + "x" * 5000},
    ],
)
def test_a_key_that_is_none_is_refused(service: Service, headers: dict[str, str]) -> None:
    sent = httpx.Headers(headers, encoding="utf-8")
    reply = service.client().get("/v1/lots", headers=sent)
    problem(reply, 401)
    assert "invalid_token" in reply.headers["www-authenticate"]


def test_another_scheme_is_no_key(service: Service) -> None:
    problem(service.client().get("/v1/lots", headers={"Authorization": "Basic YTpi"}), 401)


def test_a_key_works_in_either_header(service: Service, acme: Caller) -> None:
    assert acme.get("/v1/lots")["items"] == []
    reply = service.client().get("/v1/lots", headers={"X-API-Key": acme.key})
    assert reply.status_code == 200


def test_a_revoked_key_is_no_key(service: Service, acme: Caller) -> None:
    with registry.writing(service.engine) as session:
        registry.revoke_keys(session, acme.tenant, "staff", NOW)
    acme.refused("/v1/lots", 401)


def test_a_reading_key_reads_and_does_not_write(acme: Caller) -> None:
    acme.put("sites", id="S1", **SITE)
    assert acme.reads.get("/v1/sites/S1").status_code == 200
    for reply in (
        acme.reads.post("/v1/sites", json={"id": "S2", **SITE}),
        acme.reads.patch("/v1/sites/S1", json={"name": "X"}),
        acme.reads.delete("/v1/sites/S1"),
        acme.reads.post("/v1/alerts/a/acknowledge", json={"by": "Ann"}),
    ):
        assert "'customer' may only read" in problem(reply, 403)["detail"]
    assert acme.get("/v1/sites/S1")["name"] == SITE["name"]


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_is_anothers_looks_like_what_does_not_exist(
    acme: Caller, rival: Caller, kind: str
) -> None:
    asked: list[tuple[str, dict[str, str] | None]] = [
        ("GET", None),
        ("PATCH", {}),
        ("DELETE", None),
    ]
    address = f"/v1/{kind}/{fill(acme)[kind]}"
    empty(acme)
    before = [problem(acme.writes.request(how, address, json=body), 404) for how, body in asked]
    fill(rival)
    assert rival.writes.get(address).status_code == 200
    after = [problem(acme.writes.request(how, address, json=body), 404) for how, body in asked]
    assert after == before
    assert set(before[0]) == {"type", "title", "status", "detail", "instance"}
    assert rival.writes.get(address).status_code == 200
    assert acme.get(f"/v1/{kind}")["items"] == []


def test_a_lots_history_and_sources_are_walled_too(acme: Caller, rival: Caller) -> None:
    fill(rival)
    for part in ("history", "sources"):
        seen = acme.refused(f"/v1/lots/L1/{part}", 404)
        assert seen["detail"] == "There is no lot 'L1'."
    assert acme.get("/v1/lots", ref="PO 7")["items"] == []
    assert len(rival.get("/v1/lots", ref="PO 7")["items"]) == 1


def test_nothing_of_anothers_can_be_named(acme: Caller, rival: Caller) -> None:
    fill(rival)
    acme.put("lots", id="L1", **LOT)
    reply = acme.writes.post(
        "/v1/moves", json={"lot": "L1", "at": "2025-11-01T00:00:00Z", "place": "B1"}
    )
    mistake = problem(reply, 422)["errors"][0]
    assert mistake["pointer"] == "/place"
    assert "register it first" in mistake["message"]


def empty(who: Caller) -> None:
    """Take everything out again, what is named after what names it."""
    for kind in ("holds", "moves", "bindings", "shipments", "lots", "tags", "places", "sites"):
        for item in who.get(f"/v1/{kind}")["items"]:
            assert who.writes.delete(f"/v1/{kind}/{item['id']}").status_code == 204
    assert who.writes.delete("/v1/parties/P1").status_code == 204
