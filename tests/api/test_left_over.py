"""What came in and found no place: unknown tags, and messages that could not be used."""

from __future__ import annotations

import base64

from sqlalchemy import select

from api.dead_letters import SHOWN_BYTES
from lots import registry
from lots.model import Base, DeadLetter, UnknownTag, Waiting
from tests.api.service import NOW, Caller, Service, problem


def keep(service: Service, *rows: Base) -> None:
    with registry.writing(service.engine) as session:
        session.add_all(rows)


def stranger(who: Caller, tag: str) -> UnknownTag:
    return UnknownTag(
        tenant=who.tenant,
        tag=tag,
        first_seen=NOW - 3_600_000,
        last_seen=NOW,
        readings=12,
        last_values={"temperature": 21.5},
    )


def letter(who: Caller, n: int, payload: bytes, id: str = "") -> DeadLetter:  # noqa: A002
    return DeadLetter(
        id=id or f"{who.tenant}-{n}",
        tenant=who.tenant,
        topic=f"dunnage/v1/{who.tenant}/T1/readings",
        payload=payload,
        reason="temperature: not a number",
        received=NOW - n * 1000,
    )


def test_an_unknown_tag_is_listed_until_it_is_adopted(service: Service, acme: Caller) -> None:
    keep(service, stranger(acme, "T ü"), stranger(acme, "T2"))
    found = acme.get("/v1/tags/unknown", limit=1)
    assert found["items"] == [
        {
            "tag": "T ü",
            "first_seen": "2025-11-22T11:00:00Z",
            "last_seen": "2025-11-22T12:00:00Z",
            "readings": 12,
            "last_values": {"temperature": 21.5},
        }
    ]
    assert [item["tag"] for item in acme.get(found["next"])["items"]] == ["T2"]
    acme.put("tags", id="T ü")
    assert [item["tag"] for item in acme.get("/v1/tags/unknown")["items"]] == ["T2"]
    assert acme.get("/v1/tags/T ü")["id"] == "T ü"


def test_unknown_tags_of_others_are_not_shown(
    service: Service, acme: Caller, rival: Caller
) -> None:
    keep(service, stranger(rival, "T1"))
    assert acme.get("/v1/tags/unknown") == {"items": [], "next": None}


def test_dead_letters_are_shown_as_they_came(service: Service, acme: Caller) -> None:
    keep(
        service,
        letter(acme, 1, '{"temperature": "wärm"}'.encode()),
        letter(acme, 2, b"\xff\x00\x01"),
        letter(acme, 3, b""),
    )
    found = acme.get("/v1/dead-letters")["items"]
    assert found[0] == {
        "id": f"{acme.tenant}-1",
        "topic": f"dunnage/v1/{acme.tenant}/T1/readings",
        "received": "2025-11-22T11:59:59Z",
        "reason": "temperature: not a number",
        "attempts": 0,
        "payload": {"text": '{"temperature": "wärm"}'},
    }
    assert base64.b64decode(found[1]["payload"]["base64"]) == b"\xff\x00\x01"
    assert found[2]["payload"] == {"text": ""}


def test_dead_letters_come_in_pages_the_newest_first(service: Service, acme: Caller) -> None:
    keep(service, *(letter(acme, n, b"x") for n in range(5)))
    seen: list[str] = []
    address: str | None = "/v1/dead-letters?limit=2"
    while address:
        page = acme.get(address)
        seen += [item["id"][-1] for item in page["items"]]
        address = page["next"]
    assert seen == list("01234")
    recent = acme.get("/v1/dead-letters", since="2025-11-22T11:59:59Z")["items"]
    assert [item["id"][-1] for item in recent] == ["0", "1"]


def test_dead_letters_of_others_and_of_nobody_are_not_shown(
    service: Service, acme: Caller, rival: Caller
) -> None:
    nobodys = letter(rival, 2, b"x")
    nobodys.tenant = None
    keep(service, letter(rival, 1, b"x"), nobodys)
    assert acme.get("/v1/dead-letters")["items"] == []
    reply = acme.writes.post(f"/v1/dead-letters/{rival.tenant}-1/replay")
    problem(reply, 404)
    problem(acme.reads.post(f"/v1/dead-letters/{rival.tenant}-1/replay"), 403)
    assert rival.get(f"/v1/dead-letters/{rival.tenant}-1")["payload"] == {"text": "x"}


def test_a_list_shows_the_beginning_of_a_long_payload(service: Service, acme: Caller) -> None:
    long = "ü" * 200_000
    keep(
        service,
        letter(acme, 1, b"x" + long.encode()),
        letter(acme, 2, b"\xff" * 200_000),
        letter(acme, 3, b"\xf0\x9f\x90\x91" * 256),
    )
    text, binary, exact = (item["payload"] for item in acme.get("/v1/dead-letters")["items"])
    assert text == {"text": "x" + "ü" * 511, "cut_from": 400_001}
    assert binary["cut_from"] == 200_000
    assert base64.b64decode(binary["base64"]) == b"\xff" * SHOWN_BYTES
    assert exact == {"text": "\U0001f411" * 256}
    whole = acme.get(f"/v1/dead-letters/{acme.tenant}-1")
    assert whole["payload"] == {"text": "x" + long}


def test_a_letter_is_replayed_as_it_came(service: Service, acme: Caller) -> None:
    keep(service, letter(acme, 1, b"\xff x"), letter(acme, 2, b"y"))
    path = f"/v1/dead-letters/{acme.tenant}-1"
    reply = acme.writes.post(f"{path}/replay")
    assert reply.status_code == 202, reply.text
    assert reply.json() == {"id": f"{acme.tenant}-1", "replayed": "2025-11-22T12:00:00Z"}
    assert [item["id"] for item in acme.get("/v1/dead-letters")["items"]] == [f"{acme.tenant}-2"]
    problem(acme.writes.post(f"{path}/replay"), 404)
    acme.refused(path, 404)
    topic = f"dunnage/v1/{acme.tenant}/T1/readings"
    with registry.reading(service.engine) as session:
        rows = session.execute(select(Waiting.topic, Waiting.payload, Waiting.received))
        mine = [tuple(row) for row in rows if row.topic == topic]
    assert mine == [(topic, b"\xff x", NOW - 1000)]


def test_letters_are_found_by_a_part_of_their_reason(service: Service, acme: Caller) -> None:
    keep(service, letter(acme, 1, b"x"))
    assert acme.get("/v1/dead-letters", reason="NOT a num")["items"]
    assert not acme.get("/v1/dead-letters", reason="n_t a num")["items"]
