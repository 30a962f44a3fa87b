"""Packs that are changed while a real worker runs: taken over, or refused with what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.receiver import Receiver
from tests.servers import Mosquitto
from tests.whole.house import HOUR, House, soon
from tests.whole.scenes import bound, furnish, hours_ago, iso, lead

PACK = """\
pack: my
rules:
  my.damp:
    title: "{lot} is damp: {humidity} %RH"
    when: humidity > 80
    clear: humidity < LIMIT
    severity: warning
    action: "SAY"
    based_on: our own experience
  my.long:
    title: "{lot} is damp for long"
    when: humidity > 80
    for: 3 h
    clear: humidity < 60
    severity: critical
    action: Look at {lot}.
    based_on: our own experience
"""
OLD = PACK.replace("LIMIT", "60").replace("SAY", "Look after {lot}.")
NEW = PACK.replace("LIMIT", "72").replace("SAY", "Bring {lot} to bay 2.")
BROKEN = NEW.replace("humidity < 72", "humidty < 50")
BEGINS = hours_ago(5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "my.yaml").write_text(OLD)
    return folder


@pytest.fixture
def house(
    tmp_path: Path,
    packs: Path,
    mosquitto: Mosquitto,
    influx_url: str,
    postgres_url: str,
    receiver: Receiver,
    unique_name: str,
) -> Iterator[House]:
    """A lot under packs of one's own, on the servers of a production."""
    settings = {
        "DUNNAGE_PACKS": str(packs),
        "DUNNAGE_READINGS_URL": influx_url,
        "DUNNAGE_REGISTRY_URL": postgres_url,
        "DUNNAGE_WEBHOOK_URL": receiver.url,
        "DUNNAGE_OPERATOR_WEBHOOK_URL": receiver.url,
    }
    with House(tmp_path, unique_name, mosquitto.url, **settings) as house:
        furnish(house)
        lead(house, "PB")
        house.put("moves", lot="PB", at=iso(BEGINS - HOUR), place="bay-1")
        bound(house, "T1", BEGINS - HOUR, lot="PB")
        says(house, (-0.5, 50))
        soon(lambda: house.get("/v1/lots/PB")["now"]["at"], "the worker knows that it is the tag's")
        yield house


def says(house: House, *rows: tuple[float, float]) -> None:
    """(hours after `BEGINS`, %RH), one after the other; and wait until they are judged."""
    judged = house.figure("dunnage_readings_evaluated_total") + len(rows)
    messages = [
        (
            "T1",
            {"t": BEGINS + round(hour * HOUR), "temperature": 20.0 + hour / 50, "humidity": damp},
        )
        for hour, damp in rows
    ]
    house.publish_all(messages)
    soon(lambda: house.figure("dunnage_readings_evaluated_total") == judged, "they are judged")
    soon(house.settled, "nothing waits")


def stands(house: House) -> dict[str, tuple[str, str, bool]]:
    """Each rule's alert: what it says to do, how it stands, whether it was revised."""
    found = house.items("/v1/alerts", lot="PB")
    assert len({alert["rule"] for alert in found}) == len(found), "a rule was told twice"
    return {alert["rule"]: (alert["action"], alert["state"], alert["revised"]) for alert in found}


def told(receiver: Receiver, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(each.body) for each in receiver.received]
    return [each["data"] for each in found if each["type"] == kind]


def test_a_changed_pack_is_taken_over_and_a_broken_one_refused(
    house: House, packs: Path, receiver: Receiver
) -> None:
    """Damp from 0 h on: one alert is open and one pending while the pack is changed."""
    says(house, (0, 85), (1, 86))
    first = {"my.damp": ("Look after PB.", "open", False)}
    soon(lambda: stands(house) == first, "it is damp")

    (packs / "my.yaml").write_text(NEW)
    soon(lambda: house.figure("dunnage_packs_adopted_total") == 1, "the packs are taken over")
    goes_on = {"my.damp": ("Bring PB to bay 2.", "open", False)}
    soon(lambda: stands(house) == goes_on, "the open alert stays, and says what the new pack says")
    says(house, (2, 87), (3.5, 86))
    both = goes_on | {"my.long": ("Look at PB.", "open", False)}
    soon(lambda: stands(house) == both, "the delay that had begun goes on")

    (packs / "my.yaml").write_text(BROKEN)
    (trouble,) = soon(lambda: told(receiver, "operator.opened"), "the operator is told")
    assert trouble["name"] == "packs.refused"
    assert "my.yaml, line 6" in trouble["text"]
    assert "humidity" in trouble["text"]
    says(house, (4, 70))  # which only the new pack's limit lets clear
    over = both | {"my.damp": ("Bring PB to bay 2.", "cleared", False)}
    soon(lambda: stands(house) == over, "the old packs stay")

    (packs / "my.yaml").write_text(NEW.replace("bay 2", "bay 3"))
    soon(lambda: house.figure("dunnage_packs_adopted_total") == 2, "the mended pack is taken over")
    assert house.figure("dunnage_packs_refused") == 0
    assert house.runs("worker")
    assert [one["rule"] for one in told(receiver, "alert.opened")] == ["my.damp", "my.long"]
    assert told(receiver, "alert.withdrawn") == []
