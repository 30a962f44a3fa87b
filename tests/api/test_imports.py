"""Loggers' files by the API: shown, refused or taken in, each with its tenant's own."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from api.imports import AT_ONCE
from lots import registry
from lots.loggers.tables import MAX_BYTES
from lots.model import Waiting
from tests.api.service import LOT, SITE, Caller, Service, problem

FILE = """\
Serial number: 10347362
Date;Time;Temperature °C;Humidity %
18.11.2025;06:00:00;6,4;78,2
18.11.2025;06:15:00;6,6;77,9
18.11.2025;06:30:00;;
"""
PATH = "/v1/readings/import"


def send(who: Caller, file: str | bytes = FILE, /, **query: Any) -> httpx.Response:
    kind = {"content-type": query.pop("kind", "text/csv")}
    content = file.encode() if isinstance(file, str) else file
    return who.writes.post(PATH, content=content, params=query, headers=kind)


def said(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def queued(service: Service, who: Caller) -> list[tuple[str, Any]]:
    query = select(Waiting.topic, Waiting.payload).where(Waiting.tenant == who.tenant)
    with registry.reading(service.engine) as session:
        rows = session.execute(query.order_by(Waiting.id)).all()
    return [(topic, msgspec.json.decode(payload)) for topic, payload in rows]


@pytest.fixture
def goods(acme: Caller) -> Caller:
    acme.put("lots", id="L1", **LOT)
    acme.put("lots", id="L2", **LOT)
    acme.put("sites", id="S1", **SITE)
    acme.put("places", id="B1", site="S1", kind="bay", name="Bay")
    return acme


def test_a_preview_writes_nothing(service: Service, goods: Caller) -> None:
    shown = said(send(goods, lot="L1", zone="Europe/Berlin"))
    assert shown["problems"] == []
    assert not shown["applied"]
    assert shown["registers_tag"]
    assert shown["new_bindings"] == ["10347362@2025-11-18T05:00:00Z"]
    assert (shown["rows"], shown["readings"], shown["without_values"]) == (3, 2, 1)
    assert shown["first"][1] == {"t": "2025-11-18T05:15:00Z", "temperature": 6.6, "humidity": 77.9}
    assert queued(service, goods) == []
    goods.refused("/v1/tags/10347362", 404)
    assert goods.get("/v1/bindings")["items"] == []


def test_an_import_registers_binds_and_queues(service: Service, goods: Caller) -> None:
    done = said(send(goods, lot="L1", zone="Europe/Berlin", placement="core", apply=True))
    assert done["applied"]
    assert done["queued"] == {"messages": 1, "readings": 2} == done["waiting"]
    assert goods.get(PATH) == {"waiting": {"messages": 1, "readings": 2}}
    topic = f"dunnage/v1/{goods.tenant}/10347362/readings"
    ((where, readings),) = queued(service, goods)
    assert where == topic
    assert readings[0] == {"t": 1_763_442_000_000, "temperature": 6.4, "humidity": 78.2}
    assert goods.get("/v1/tags/10347362")["interval_s"] == 900
    (binding,) = goods.get("/v1/bindings")["items"]
    assert binding["lot"] == "L1"
    assert binding["placement"] == "core"
    assert binding["begins"] == "2025-11-18T05:00:00Z"
    assert binding["ends"] == "2025-11-18T05:30:00Z"

    again = said(send(goods, lot="L1", zone="Europe/Berlin", placement="core", apply=True))
    assert (again["registers_tag"], again["new_bindings"]) == (False, [])
    assert len(queued(service, goods)) == 2
    longer = FILE + "18.11.2025;08:00:00;7,1;80,0\n"
    more = said(send(goods, longer, lot="L1", zone="Europe/Berlin", placement="core", apply=True))
    assert len(more["new_bindings"]) == 1


def test_a_binding_that_is_there_is_used_and_another_is_told(goods: Caller) -> None:
    goods.put("tags", id="T7", interval_s=60)
    start = "2025-11-01T00:00:00Z"
    goods.put("bindings", tag="T7", place="B1", begins=start)
    given = {"zone": "UTC", "tag": "T7"}
    shown = said(send(goods, place="B1", **given))
    assert (shown["new_bindings"], shown["registers_tag"], shown["problems"]) == ([], False, [])
    (told,) = said(send(goods, lot="L1", **given))["problems"]
    assert "tag 'T7' is bound to place 'B1' (air)" in told["message"]
    reply = problem(send(goods, lot="L1", apply=True, **given), 422)
    assert "T7@2025-11-01T00:00:00Z" in reply["detail"]
    (told,) = said(send(goods, place="B1", placement="core", **given))["problems"]
    assert "bound to place 'B1' (air)" in told["message"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"lot": "L1"}, "say zone"),
        ({"zone": "UTC"}, "a lot or a place"),
        ({"zone": "UTC", "lot": "L1", "place": "B1"}, "one of the two"),
        ({"zone": "UTC", "lot": "L9"}, 'there is no lot "L9"'),
        ({"zone": "UTC", "lot": "L1", "dates": "mdy"}, "cannot be in the order mdy"),
        ({"zone": "UTC", "lot": "L1", "column": "Humidity %=temperature"}, "too: say which"),
    ],
)
def test_what_keeps_a_file_out_is_shown_and_then_refused(
    service: Service, goods: Caller, query: dict[str, Any], told: str
) -> None:
    shown = said(send(goods, **query))
    assert told in " ".join(each["message"] for each in shown["problems"])
    reply = problem(send(goods, apply=True, **query), 422)
    assert reply["detail"].startswith("Nothing was imported")
    assert told in " ".join(each["message"] for each in reply["errors"])
    assert queued(service, goods) == []
    assert goods.get("/v1/tags")["items"] == []


def test_one_bad_row_keeps_all_out_unless_it_may_be_left_out(
    service: Service, goods: Caller
) -> None:
    bad = FILE + "18.11.2025;07:00:00;broken;70\n"
    given = {"lot": "L1", "zone": "UTC", "apply": True}
    reply = problem(send(goods, bad, **given), 422)
    assert reply["errors"] == [
        {
            "where": "row 6",
            "message": "row 6, Temperature °C: 'broken' is no number",
        }
    ]
    assert queued(service, goods) == []
    done = said(send(goods, bad, skip_bad=True, **given))
    assert (done["left_out"], done["queued"]["readings"]) == (1, 2)


def test_what_is_no_file_is_refused(goods: Caller) -> None:
    problem(send(goods, b"", lot="L1"), 422)
    problem(send(goods, "a,b\n1,2\n", lot="L1"), 422)
    problem(send(goods, lot="L1", kind="application/json"), 415)
    problem(send(goods, lot="L1", kind=""), 415)
    problem(send(goods, lot="L1", zone="Mars"), 422)
    problem(send(goods, lot="L1", dates="dym"), 422)
    problem(send(goods, lot="L1", lots="L2"), 422)
    problem(send(goods, lot="a/b", zone="UTC"), 422)


def test_a_file_may_be_longer_than_other_bodies(service: Service, goods: Caller) -> None:
    rows = "".join(
        f"2025-11-{1 + n // 1440:02}T{n % 1440 // 60:02}:{n % 60:02}:00Z,{n % 90 / 10},50.0\n"
        for n in range(30_000)
    )
    shown = said(send(goods, "Time,Temp C,RH %\n" + rows * 2, lot="L1", name="big.csv"))
    assert shown["readings"] == 60_000
    assert shown["tag"] == "big"
    asked = HTTPConnection(service.url.removeprefix("http://"), timeout=10)
    asked.request("POST", PATH, headers={"Content-Length": str(MAX_BYTES + 1)})
    assert asked.getresponse().status == 413
    asked.close()


def test_only_so_many_files_are_read_at_once(service: Service, goods: Caller) -> None:
    slots = service.app.state.importing
    for _ in range(AT_ONCE):
        slots.__enter__()
    reply = problem(send(goods, lot="L1", zone="UTC"), 503)
    assert "busy" in reply["detail"]
    for _ in range(AT_ONCE):
        slots.__exit__()
    said(send(goods, lot="L1", zone="UTC"))


def test_a_key_that_reads_cannot_import_and_tenants_keep_apart(
    goods: Caller, rival: Caller
) -> None:
    reply = goods.reads.post(
        PATH, content=FILE.encode(), params={"lot": "L1"}, headers={"content-type": "text/csv"}
    )
    problem(reply, 403)
    (told,) = said(send(rival, lot="L1", zone="UTC"))["problems"]
    assert 'there is no lot "L1"' in told["message"]
    said(send(goods, lot="L1", zone="UTC", apply=True))
    assert rival.get(PATH) == {"waiting": {"messages": 0, "readings": 0}}
