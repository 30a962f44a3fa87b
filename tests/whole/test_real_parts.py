"""Mosquitto, InfluxDB and PostgreSQL, as in production, and what happens when they fail."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.receiver import Receiver
from tests.servers import InfluxDB, Mosquitto
from tests.whole.house import HOUR, House, soon
from tests.whole.scenes import bound, cold_then_warm, furnish, hours_ago, in_hours, iso, lead

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BEGINS = hours_ago(48) // HOUR * HOUR
AWAY_S = 60
"""How long the store is away."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def house(
    tmp_path: Path,
    mosquitto: Mosquitto,
    own_influxdb: InfluxDB,
    postgres_url: str,
    receiver: Receiver,
    unique_name: str,
) -> Iterator[House]:
    settings = {
        "DUNNAGE_READINGS_URL": own_influxdb.store_url("dunnage"),
        "DUNNAGE_REGISTRY_URL": postgres_url,
        "DUNNAGE_WEBHOOK_URL": receiver.url,
        "DUNNAGE_WEBHOOK_SECRET": SECRET,
    }
    with House(tmp_path, unique_name, mosquitto.url, **settings) as house:
        furnish(house)
        yield house


def test_from_the_tag_to_the_customer(house: House, receiver: Receiver) -> None:
    """Readings become history and alerts; what cannot be used is kept and shown."""
    lead(house, "Blei-Ω7", references={"purchase_order": ["PO/4711 ü"], "batch": ["M 22"]})
    house.put("moves", lot="Blei-Ω7", at=iso(BEGINS), place="bay-1")
    bound(house, "T1", BEGINS, lot="Blei-Ω7")
    sent = cold_then_warm(BEGINS, BEGINS + 30 * HOUR, BEGINS + 24 * HOUR)
    bad = [b"\xff not json", b"[]", json.dumps({"temperature": "warm"}).encode()]
    house.publish_all([("T1", hour) for hour in in_hours(sent)] + [("T1", each) for each in bad])

    soon(lambda: house.figure("dunnage_readings_stored_total") == len(sent), "all is stored")
    found = soon(lambda: house.alerts("Blei-Ω7"), "an alert")
    assert "lead.sweat" in [rule for rule, *_ in found]
    assert [lot["id"] for lot in house.items("/v1/lots", ref="po/4711Ü")] == ["Blei-Ω7"]
    letters = soon(lambda: house.items("/v1/dead-letters"), "dead letters")
    assert len(letters) == len(bad)
    listed = house.dunnage("dead-letters", "list", "--tenant", house.tenant)
    assert listed.count("unusable") == len(bad)

    alert = next(a for a in house.items("/v1/alerts") if a["rule"] == "lead.sweat")
    assert alert["numbers"]["margin"] < 0
    assert "not fit" in alert["action"]
    body = {"by": "Ana"}
    reply = house.post(f"/v1/alerts/{alert['id']}/acknowledge", body)
    assert reply["acknowledged_by"] == "Ana"

    heads, bytes_ = soon(lambda: _told(receiver, alert["id"], "alert.opened"), "a webhook")
    Webhook(SECRET).verify(bytes_, heads)
    assert json.loads(bytes_)["data"]["action"] == alert["action"]


def _told(receiver: Receiver, alert: str, event: str) -> tuple[dict[str, str], bytes] | None:
    for _, heads, body in receiver.received:
        message = json.loads(body)
        if message["type"] == event and message["data"]["id"] == alert:
            return heads, body
    return None


def test_influxdb_stopped_for_a_minute(house: House, own_influxdb: InfluxDB) -> None:
    """Nothing is lost, alerts go on, and the history is complete when it is back."""
    lots = [f"lot-{number}" for number in range(4)]
    for lot in lots:
        lead(house, lot)
        bound(house, f"T-{lot}", BEGINS, lot=lot)
    warm = BEGINS + 24 * HOUR
    sent = cold_then_warm(BEGINS, BEGINS + 40 * HOUR, warm)
    before = [hour for hour in in_hours(sent) if hour[0]["t"] < warm]
    after = [hour for hour in in_hours(sent) if hour[0]["t"] >= warm]
    house.publish_all((f"T-{lot}", hour) for hour in before for lot in lots)
    soon(house.settled, "what came before is stored")
    soon(lambda: all(judged(house, lot) for lot in lots), "and judged")
    assert not house.alerts(lots[0])

    own_influxdb.stop()
    stopped = time.monotonic()
    for number, hour in enumerate(after):
        # Over the whole minute, so that readings come at its beginning and at its end.
        time.sleep(max(0.0, stopped + AWAY_S * number / len(after) - time.monotonic()))
        asked = time.monotonic()
        house.publish_all((f"T-{lot}", hour) for lot in lots)
        if number == 1:
            soon(lambda: all(house.alerts(lot) for lot in lots), "alerts without a store", 10)
            assert time.monotonic() - asked < 10
    time.sleep(max(0.0, stopped + AWAY_S - time.monotonic()))
    assert house.figure("dunnage_store_lag_bytes") > 0
    own_influxdb.start()

    soon(house.settled, "all is stored", 60)
    for lot in lots:
        assert instants(house, lot) == [reading["t"] for reading in sent]


def judged(house: House, lot: str) -> bool:
    return "margin" in house.get(f"/v1/lots/{lot}")["now"]["numbers"]


def instants(house: House, lot: str) -> list[int]:
    """When the lot was measured, by the API: at a step as fine as the tag's, one reading each."""
    span = {"from": iso(BEGINS), "to": iso(BEGINS + 40 * HOUR), "step": "10m"}
    (series,) = house.get(f"/v1/lots/{lot}/history", **span)["series"]
    points: list[dict[str, Any]] = series["points"]
    assert all(point["temperature"]["count"] == 1 for point in points)
    return [ms(point["t"]) for point in points]


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_worker_killed_again_and_again(house: House) -> None:
    """What was acknowledged is kept, once; what was not comes again."""
    lead(house, "tough")
    bound(house, "T-tough", BEGINS, lot="tough")
    sent = cold_then_warm(BEGINS, BEGINS + 40 * HOUR, BEGINS + 24 * HOUR)
    hours = in_hours(sent)
    for begin in range(0, len(hours), 10):
        house.publish_all(("T-tough", hour) for hour in hours[begin : begin + 10])
        house.stop("worker", signal.SIGKILL)
        house.start("worker")
    soon(lambda: house.ready("worker"), "the worker is back")
    soon(lambda: len(instants(house, "tough")) == len(sent), "all is stored", 60)
    assert instants(house, "tough") == [reading["t"] for reading in sent]
    lead(house, "calm")
    bound(house, "T-calm", BEGINS, lot="calm")
    house.publish_all(("T-calm", hour) for hour in hours)
    soon(lambda: house.alerts("calm") == house.alerts("tough") != [], "the same alerts")
