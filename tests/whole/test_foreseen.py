"""Sweat that is foreseen, told, acted on and prevented: a real broker, worker, API, webhook and
PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.climate import normals
from tests.receiver import Receiver
from tests.servers import Mosquitto
from tests.whole.house import House, soon
from tests.whole.scenes import bound, cold_then_warm, hours_ago, in_hours, iso, lead

SITES = {"COLD": ("sand_point", "America/Anchorage"), "MIA": ("miami", "America/New_York")}
DEPARTS, ARRIVES = hours_ago(-2), hours_ago(-12)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def house(
    tmp_path: Path, mosquitto: Mosquitto, postgres_url: str, receiver: Receiver, unique_name: str
) -> Iterator[House]:
    """A cold lot that is to leave for Miami in two hours; its registry is PostgreSQL."""
    settings = {"DUNNAGE_WEBHOOK_URL": receiver.url, "DUNNAGE_REGISTRY_URL": postgres_url}
    with House(tmp_path, unique_name, mosquitto.url, **settings) as house:
        for site, (station, zone) in SITES.items():
            fields: dict[str, Any] = {"name": site, "latitude": 0, "longitude": 0}
            climate = normals(station)
            house.put("sites", id=site, timezone=zone, climate=climate, **fields)
        house.put("places", id="bay", site="COLD", kind="bay", name="Bay")
        lead(house, "PB", time_constant_h=4.3)
        house.put("moves", lot="PB", at=iso(hours_ago(50)), place="bay")
        bound(house, "T1", hours_ago(49), lot="PB")
        leg = {"number": 1, "mode": "air", "origin": "COLD", "destination": "MIA"}
        leg |= {"departs": iso(DEPARTS), "arrives": iso(ARRIVES)}
        house.put("shipments", id="SH", lots=["PB"], legs=[leg])
        yield house


def messages(receiver: Receiver, kind: str) -> list[dict[str, Any]]:
    """What the webhook got of ``kind``, of sweat where that is an alert."""
    found = [json.loads(each.body) for each in receiver.received]
    return [
        each["data"]
        for each in found
        if each["type"] == kind and each["data"].get("rule", "lead.sweat") == "lead.sweat"
    ]


def _all_told(house: House, receiver: Receiver) -> list[dict[str, Any]]:
    told, there = messages(receiver, "task.due"), house.items("/v1/tasks")
    return told if {each["id"] for each in told} == {each["id"] for each in there} else []


def test_what_is_foreseen_is_told_acted_on_and_prevented(house: House, receiver: Receiver) -> None:
    soon(house.settled, "the lot is known")
    begins = hours_ago(20)
    readings = cold_then_warm(begins, hours_ago(0), warm_from=hours_ago(-1))
    house.publish_all(("T1", hour) for hour in in_hours(readings))
    (told,) = soon(lambda: messages(receiver, "alert.opened"), "sweat is foreseen")
    assert told["title"].startswith("Sweat is coming on PB: in about ")
    assert told["action"].startswith("Wait until ")
    assert "(America/New_York) before you open or unwrap PB" in told["action"]
    assert told["forecast"]["site"] == "MIA"
    (alert,) = [a for a in house.items("/v1/alerts", lot="PB") if a["rule"] == "lead.sweat"]
    assert (alert["state"], alert["forecast"]) == ("open", told["forecast"])
    (kept,) = house.items("/v1/forecasts", lot="PB")
    assert kept["alert"] == alert["id"]

    house.patch("shipments", "SH", legs=[])
    (ended,) = soon(lambda: messages(receiver, "alert.withdrawn"), "it is over")
    assert ended["title"].startswith("Prevented on PB: leg 1 of SH is not to be gone.")
    assert "g/m² after" in ended["title"]
    assert ended["forecast"]["prevented"] == ended["title"]
    one = json.loads(house.dunnage("forecasts", "--each", "--json", "--tenant", house.tenant))
    assert one["prevented"] == ended["title"]
    (score,) = house.get("/v1/forecasts/score")["items"]
    assert (score["scored"], score["waiting"]) == (0, 1)

    # Preventive service: what is due is looked for at each start.
    house.stop("worker")
    house.start("worker")
    tasks = soon(lambda: _all_told(house, receiver), "tasks are due, and told")
    assert {task["commodity"] for task in tasks} == {"lead"}
