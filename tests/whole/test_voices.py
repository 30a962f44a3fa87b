"""Every voice at once: over a real broker into one worker, and out of the API."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np
import pytest

from simulators.fast_fleet import Fleet, play
from simulators.publisher import Publisher
from simulators.readings import Readings, Sightings
from simulators.voices import LOGGERS, READERS, VOICES, Times, Voice
from tests.servers import Mosquitto
from tests.whole.house import HOUR, House, soon
from tests.whole.scenes import iso

EPC = "3074257BF7194E4000001A85"
NOW = int(time.time()) * 1000 - 5_000
VALUES = {
    "temperature": np.array([-4.31, 18.27, 21.37]),
    "humidity": np.array([81.2, 63.24, 55.5]),
    "battery": np.array([2.98, 2.97, 2.96]),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[House]:
    tenant = f"t{uuid.uuid4().hex[:16]}"
    rows = [voice.row(tenant) for voice in (*VOICES.values(), *READERS.values())]
    folder = tmp_path_factory.mktemp("voices")
    settings = {"DUNNAGE_SUBSCRIPTIONS": json.dumps(rows, ensure_ascii=False)}
    with House(folder, tenant, mosquitto.url, **settings) as house:
        yield house


def readings_of(voice: Voice) -> Readings:
    """Of two hours and one hour ago, where the device keeps such, and of now."""
    count = np.arange(3)
    readings = Readings(
        f"Tür-{voice.name}", count * 0 + 7, count + 40, NOW - HOUR * (2 - count), {}
    )
    readings = Readings(readings.tag, readings.boot, readings.seq, readings.t, VALUES)
    return readings.at(slice(2, 3)) if voice.times is Times.NETWORK else readings


def test_every_voice_is_heard(house: House) -> None:
    said = {name: (voice.open(house.tenant), readings_of(voice)) for name, voice in VOICES.items()}
    with Publisher(house.broker, client_id=f"voices-{house.tenant}") as publisher:
        for speaker, readings in said.values():
            house.put("tags", id=speaker.named(readings.tag))
            for message in [*speaker.opening(NOW), *speaker.say(readings, NOW)]:
                assert publisher.publish(message)
        assert publisher.close() == 0
    count = sum(len(readings) for _, readings in said.values())
    soon(lambda: house.figure("dunnage_readings_stored_total") == count, "all is stored")
    assert house.items("/v1/dead-letters") == []
    span = {"from": iso(NOW - 3 * HOUR), "to": iso(NOW + HOUR)}
    for name, (speaker, readings) in said.items():
        carried = VOICES[name].carried(readings)
        path = f"/v1/tags/{quote(speaker.named(readings.tag))}/readings"
        items = house.items(path, **span)
        assert [item["t"] for item in items] == [iso(t) for t in readings.t.tolist()], name
        for row, item in enumerate(items):
            for quantity in ("temperature", "humidity"):
                wanted = carried.values[quantity][row]
                assert item["values"][quantity] == pytest.approx(wanted), name


def test_a_large_fleet_is_heard(house: House) -> None:
    before = house.figure("dunnage_readings_stored_total")
    fleet = Fleet(1000, start_ms=NOW - HOUR, tenant=house.tenant)
    assert play(fleet, house.broker, messages=3000).unacknowledged == 0
    soon(lambda: house.figure("dunnage_readings_stored_total") == before + 3000, "all is stored")
    (one,) = fleet.readings(np.array([2999]))
    house.put("tags", id=one.tag)
    span = {"from": iso(NOW - 2 * HOUR), "to": iso(NOW + HOUR)}
    items = house.items(f"/v1/tags/{one.tag}/readings", **span)
    assert len(items) == 3
    assert items[-1]["values"] == pytest.approx(one.measured(0))


def test_every_reader_is_heard(house: House) -> None:
    one = np.array([NOW])
    with Publisher(house.broker, client_id=f"readers-{house.tenant}") as publisher:
        for name, voice in READERS.items():
            seen = Sightings(f"dock-{name}", one, [EPC], np.array([2]), np.array([-52.5]))
            for message in voice.open(house.tenant).say(seen, NOW):
                assert publisher.publish(message)
        assert publisher.close() == 0
    wanted = sorted(f"dock-{name}" for name in READERS)
    soon(lambda: sorted(s["reader"] for s in house.items("/v1/sightings")) == wanted, "all is seen")
    assert {s["epc"] for s in house.items("/v1/sightings")} == {
        "urn:epc:id:sgtin:0614141.812345.6789"
    }


@pytest.mark.parametrize("maker", LOGGERS)
def test_every_logger_is_read_out(house: House, maker: str) -> None:
    logger = LOGGERS[maker]
    serial = str(10_000_000 + list(LOGGERS).index(maker))
    count = np.arange(3)
    readings = Readings(serial, count, count, NOW - HOUR * (2 - count), VALUES)
    (house.folder / f"{maker}.csv").write_bytes(logger.file(serial, readings))
    house.put("places", id=f"shed-{maker}", kind="yard", name=maker)
    command = ["import", "readings", f"{maker}.csv", "--tenant", house.tenant]
    house.dunnage(*command, "--place", f"shed-{maker}", *logger.options, "--apply")
    span = {"from": iso(NOW - 3 * HOUR), "to": iso(NOW + HOUR)}
    path = f"/v1/tags/{serial}/readings"
    items = soon(lambda: len(f := house.items(path, **span)) == 3 and f, "it is stored")
    assert [item["t"] for item in items] == [iso(t) for t in readings.t.tolist()]
    assert [item["values"]["temperature"] for item in items] == [-4.3, 18.3, 21.4]
