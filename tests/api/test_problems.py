"""Whatever goes wrong is answered with a problem document that names the place and the remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.gate import BODY_LIMIT
from lots.settings import Settings
from tests.api.service import LOT, NOW, SITE, Caller, Service, problem

JSON = {"Content-Type": "application/json"}


def post(who: Caller, content: bytes, path: str = "/v1/sites", **headers: str) -> httpx.Response:
    return who.writes.post(path, content=content, headers={**JSON, **headers})


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"id": "S1",}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe\x00",
        b'{"id": "\xe9"}',
        b"nothing",
        b'{"latitude": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_is_a_400(acme: Caller, body: bytes) -> None:
    assert problem(post(acme, body), 400)["type"] == "/problems/malformed-json"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"latitude": 1e308}, "/latitude"),
        ({"latitude": 10**400}, "/latitude"),
        ({"latitude": float("nan")}, "/latitude"),
        ({"latitude": float("inf")}, "/latitude"),
        ({"latitude": [1]}, "/latitude"),
        ({"name": 7}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"name": "\ud800"}, "/name"),
        ({"name": "n" * 201}, "/name"),
        ({"id": "x" * 65}, "/id"),
        ({"id": "a/b"}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": None}, "/id"),
        ({"timezone": "Europe/Nowhere"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"region": "tropical"}, "/region"),
        ({"contry": "CH"}, "/contry"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_a_wrong_field_is_pointed_at(acme: Caller, fields: dict[str, Any], pointer: str) -> None:
    body = json.dumps({"id": "S1", **SITE, **fields}).encode()
    found = problem(post(acme, body), 422)
    assert found["type"] == "/problems/invalid"
    assert [mistake["pointer"] for mistake in found["errors"]] == [pointer]
    assert found["errors"][0]["message"] in found["detail"]
    acme.refused("/v1/sites/S1", 404)


@pytest.mark.parametrize("count", [10**18, 2**63, 10**300, -1, 1.5, "1e999"])
def test_a_count_beyond_reason_is_refused(acme: Caller, count: Any) -> None:
    body = json.dumps({"id": "L1", **LOT, "packages": count}).encode()
    found = problem(post(acme, body, "/v1/lots"), 422)
    assert found["errors"][0]["pointer"] == "/packages"


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"7", b"null", b"true"])
def test_a_body_is_an_object(acme: Caller, body: bytes) -> None:
    assert problem(post(acme, body), 422)["errors"]


def test_all_mistakes_are_told_at_once(acme: Caller) -> None:
    found = problem(post(acme, b'{"id": "S1", "latitude": 91, "x": 1}'), 422)
    assert {mistake["pointer"] for mistake in found["errors"]} == {
        "/latitude",
        "/longitude",
        "/name",
        "/timezone",
        "/x",
    }
    assert "5 mistakes" in found["detail"]


@pytest.mark.parametrize("kind", ["text/csv", "application/xml", "multipart/form-data", "x", ""])
def test_a_body_of_another_type_is_a_415(acme: Caller, kind: str) -> None:
    body = json.dumps({"id": "S1", **SITE}).encode()
    reply = acme.writes.post("/v1/sites", content=body, headers={"Content-Type": kind})
    assert "application/json" in problem(reply, 415)["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/ld+json"])
def test_any_json_will_do(acme: Caller, kind: str) -> None:
    body = json.dumps({"id": "S1", **SITE}).encode()
    assert post(acme, body, **{"Content-Type": kind}).status_code in (200, 201)


def test_a_large_body_is_a_413(acme: Caller) -> None:
    found = problem(post(acme, b" " * (BODY_LIMIT + 1)), 413)
    assert str(BODY_LIMIT) in found["detail"]


def test_a_large_body_that_does_not_say_how_large_is_a_413(acme: Caller) -> None:
    parts = (b" " * 65_536 for _ in range(BODY_LIMIT // 65_536 + 1))
    problem(acme.writes.post("/v1/sites", content=parts, headers=JSON), 413)
    assert acme.get("/v1/sites")["items"] == []


@pytest.mark.parametrize(
    ("path", "query", "where"),
    [
        ("/v1/sites", {"limit": "0"}, "query limit"),
        ("/v1/sites", {"limit": "1001"}, "query limit"),
        ("/v1/sites", {"limit": "9" * 400}, "query limit"),
        ("/v1/sites", {"limit": "many"}, "query limit"),
        ("/v1/sites", {"ref": "PO 7"}, "query ref"),
        ("/v1/sites/S1", {"limit": "5"}, "query limit"),
        ("/v1/lots", {"Ref": "PO 7"}, "query Ref"),
        ("/v1/alerts", {"open": "perhaps"}, "query open"),
        ("/v1/alerts", {"since": "yesterday"}, "query since"),
        ("/v1/alerts", {"since": "2025-11-22T12:00:00"}, "query since"),
        ("/v1/alerts", {"after": "x"}, "query after"),
        ("/v1/dead-letters", {"after": "2025-11-22"}, "query after"),
        ("/v1/tags/unknown", {"open": "true"}, "query open"),
        ("/v1/lots", {"ref": "a\0b"}, "query ref"),
        ("/v1/alerts", {"lot": "\0"}, "query lot"),
    ],
)
def test_a_wrong_question_is_told_where(
    acme: Caller, path: str, query: dict[str, str], where: str
) -> None:
    found = acme.refused(path, 422, **query)
    assert found["errors"][0]["where"] == where


def test_an_unknown_parameter_is_told_the_known_ones(acme: Caller) -> None:
    found = acme.refused("/v1/alerts", 422, opn="true")
    assert "lot, open, since, after, limit" in found["detail"]
    assert "takes none" in acme.refused("/v1/lots/x", 422, verbose="1")["detail"]


@pytest.mark.parametrize("text", ["%", "_", "ü" * 100, "'; drop table lots; --"])
def test_odd_texts_in_questions_find_nothing(acme: Caller, text: str) -> None:
    assert acme.get("/v1/lots", ref=text)["items"] == []
    assert "there is no lot" in acme.refused("/v1/alerts", 422, lot=text)["detail"]
    assert acme.get("/v1/tags/unknown", after=text)["items"] == []


@pytest.mark.parametrize("raw", ["%00", "%FF%FE", "a%00b", "x" * 3000, "%F0%9F%98%80", ".%2e"])
def test_odd_ids_are_not_found(acme: Caller, raw: str) -> None:
    for address in (f"/v1/lots/{raw}", f"/v1/moves/{raw}", f"/v1/lots/{raw}/history"):
        problem(acme.writes.get(address), 404)
    problem(acme.writes.get(f"/v1/alerts/{raw}"), 404)


def test_nothing_there_is_a_404(acme: Caller) -> None:
    for address in ("/", "/v1", "/v2/lots", "/v1/lots/", "/docs", "/v1/lots/a/b/c"):
        acme.refused(address, 404)


def test_the_wrong_method_is_a_405_that_names_the_right_ones(acme: Caller) -> None:
    reply = acme.writes.put("/v1/sites", json={})
    assert problem(reply, 405)["type"] == "/problems/method-not-allowed"
    assert reply.headers["allow"] == "GET, POST"
    reply = acme.writes.post("/v1/sites/S1", json={})
    assert reply.headers["allow"] == "GET, PATCH, DELETE"


def test_every_answer_has_an_id_of_its_own(service: Service) -> None:
    client = service.client()
    found = {client.get(path).headers["x-request-id"] for path in ("/healthz", "/no", "/v1/lots")}
    assert len(found) == 3


def test_a_failure_shows_its_id_and_nothing_else(
    service: Service, acme: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lot's numbers are made such that no JSON can be made of them."""
    acme.put("lots", id="L1", **LOT)
    with service.engine.begin() as connection:
        connection.execute(
            text(
                "insert into lot_now (tenant, lot, at, status, numbers)"
                " values (:tenant, 'L1', 0, 'ok', 'secret, and no JSON')"
            ),
            {"tenant": acme.tenant},
        )
    reply = acme.writes.get("/v1/lots/L1")
    found = problem(reply, 500)
    assert found["request_id"] == reply.headers["x-request-id"]
    assert found["request_id"] in found["detail"]
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text
    logged = capsys.readouterr().out
    assert found["request_id"] in logged
    assert "Traceback" in logged
    assert acme.key not in logged


def test_a_registry_that_is_away_is_a_503(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, api_port=0, clock_start_ms=NOW, clock_speed=0)
    with Service(settings) as service:
        acme = service.caller("acme")
        service.engine.dispose()
        (tmp_path / "registry.sqlite").rename(tmp_path / "gone")
        (tmp_path / "registry.sqlite").mkdir()
        reply = acme.writes.get("/v1/lots")
        assert problem(reply, 503)["type"] == "/problems/unavailable"
        assert int(reply.headers["retry-after"]) > 0
        ready = problem(acme.writes.get("/readyz"), 503)
        assert ready["parts"] == {"registry": "unavailable", "readings": "ok"}
        assert "DUNNAGE_REGISTRY_URL" in ready["detail"]
        assert acme.writes.get("/healthz").status_code == 200
        assert "dunnage_registry_up 0.0" in acme.writes.get("/metrics").text
