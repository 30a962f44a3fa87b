"""Alerts: listed, one by one, and acknowledged once."""

from __future__ import annotations

from typing import Any

import pytest

from lots import registry
from lots.model import Alert
from tests.api.service import LOT, NOW, Caller, Service, problem

MINUTE = 60_000


def raised(service: Service, who: Caller, n: int, **fields: Any) -> str:
    """Alert ``n``, opened n minutes before now."""
    alert = Alert(
        **{
            "id": f"{who.tenant}-{n:03}",
            "tenant": who.tenant,
            "lot": "L1",
            "rule": f"rule-{n}",
            "severity": "warning",
            "opened": NOW - n * MINUTE,
            "stages": [[NOW - n * MINUTE, "warning"]],
            "numbers": {"margin": -1.4},
            "title": "Water settles on L1",
            "action": "Do not ventilate.",
            **fields,
        }
    )
    with registry.writing(service.engine) as session:
        session.add(alert)
    return f"{who.tenant}-{n:03}"


@pytest.fixture
def alerted(service: Service, acme: Caller) -> Caller:
    """Four alerts: 1 open, 2 cleared, 3 withdrawn, 4 open and of L2."""
    for lot in ("L1", "L2"):
        acme.put("lots", id=lot, **LOT)
    raised(service, acme, 1)
    raised(service, acme, 2, cleared=NOW)
    raised(service, acme, 3, withdrawn=NOW, revised=True)
    raised(service, acme, 4, lot="L2")
    return acme


def listed(who: Caller, **query: Any) -> list[str]:
    return [alert["id"][-1] for alert in who.get("/v1/alerts", **query)["items"]]


def test_an_alert_says_what_why_and_what_to_do(alerted: Caller) -> None:
    name = f"{alerted.tenant}-001"
    assert alerted.get(f"/v1/alerts/{name}") == {
        "id": name,
        "lot": "L1",
        "rule": "rule-1",
        "severity": "warning",
        "state": "open",
        "opened": "2025-11-22T11:59:00Z",
        "cleared": None,
        "withdrawn": None,
        "acknowledged": None,
        "acknowledged_by": None,
        "done": None,
        "stages": [{"from": "2025-11-22T11:59:00Z", "severity": "warning"}],
        "revised": False,
        "title": "Water settles on L1",
        "action": "Do not ventilate.",
        "numbers": {"margin": -1.4},
        "forecast": None,
    }


def test_the_newest_come_first_and_can_be_chosen(alerted: Caller) -> None:
    assert listed(alerted) == ["1", "2", "3", "4"]
    assert listed(alerted, open="true") == ["1", "4"]
    assert listed(alerted, open="false") == ["2", "3"]
    assert listed(alerted, lot="L2") == ["4"]
    alerted.put("lots", id="L3", **LOT)
    assert listed(alerted, lot="L3") == []
    assert listed(alerted, since="2025-11-22T11:58:00Z") == ["1", "2"]
    assert listed(alerted, since="2025-11-22T11:58:00Z", open="true", lot="L1") == ["1"]
    states = [alert["state"] for alert in alerted.get("/v1/alerts")["items"]]
    assert states == ["open", "cleared", "withdrawn", "open"]


def test_of_a_lot_that_there_is_not_nothing_is_no_good_news(alerted: Caller, rival: Caller) -> None:
    found = alerted.refused("/v1/alerts", 422, lot="L-1", open="true")
    assert found["errors"][0]["where"] == "query lot"
    assert "no lot 'L-1'" in found["detail"]
    assert "/v1/lots" in found["detail"]
    rival.refused("/v1/alerts", 422, lot="L1")


def test_pages_keep_what_opened_at_one_instant_apart(service: Service, acme: Caller) -> None:
    acme.put("lots", id="L1", **LOT)
    for n in range(7):
        raised(service, acme, n, opened=NOW)
    seen: list[str] = []
    address: str | None = "/v1/alerts?limit=3&open=true"
    while address:
        page = acme.get(address)
        seen += [alert["id"][-1] for alert in page["items"]]
        address = page["next"]
    assert seen == list("6543210")


def test_the_first_acknowledgement_stands(alerted: Caller) -> None:
    address = f"/v1/alerts/{alerted.tenant}-001/acknowledge"
    first = alerted.writes.post(address, json={"by": "Ännchen"})
    assert first.status_code == 200
    assert first.json()["acknowledged"] == "2025-11-22T12:00:00Z"
    assert first.json()["acknowledged_by"] == "Ännchen"
    second = alerted.writes.post(address, json={"by": "Bob"})
    assert (second.status_code, second.json()) == (200, first.json())
    assert alerted.get(f"/v1/alerts/{alerted.tenant}-001") == first.json()
    assert alerted.get(f"/v1/alerts/{alerted.tenant}-004")["acknowledged"] is None


def test_what_was_done_about_it_may_be_said_later_once(alerted: Caller) -> None:
    address = f"/v1/alerts/{alerted.tenant}-001/acknowledge"
    first = alerted.writes.post(address, json={"by": "Ännchen"}).json()
    assert first["done"] is None
    second = alerted.writes.post(address, json={"by": "Ännchen", "done": "closed the doors"})
    assert second.json() == first | {"done": "closed the doors"}
    third = alerted.writes.post(address, json={"by": "Bob", "done": "opened them"})
    assert third.json() == second.json()


@pytest.mark.parametrize(
    "body",
    [{}, {"by": ""}, {"by": 7}, {"by": "A", "at": 1}, {"by": "A", "done": ""}, {"by": "a\0"}],
)
def test_an_acknowledgement_needs_a_name(alerted: Caller, body: dict[str, Any]) -> None:
    address = f"/v1/alerts/{alerted.tenant}-001/acknowledge"
    problem(alerted.writes.post(address, json=body), 422)
    assert alerted.get(f"/v1/alerts/{alerted.tenant}-001")["acknowledged"] is None


def test_anothers_alerts_are_not_there(alerted: Caller, rival: Caller) -> None:
    name = f"{alerted.tenant}-001"
    assert listed(rival) == []
    theirs = rival.refused(f"/v1/alerts/{name}", 404)
    nobodys = rival.refused("/v1/alerts/none", 404)
    assert theirs.keys() == nobodys.keys()
    assert theirs["detail"].replace(name, "none") == nobodys["detail"]
    problem(rival.writes.post(f"/v1/alerts/{name}/acknowledge", json={"by": "Eve"}), 404)
    assert alerted.get(f"/v1/alerts/{name}")["acknowledged"] is None
