"""A journey on which the tags go wrong, through a real broker and worker: all of it, once each."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.simulating import rows_of
from simulators import journey
from simulators.gates import gates_in, passed, told
from simulators.loggers import read_out
from simulators.registration import iso
from simulators.sensors import declared
from simulators.sensors.clocks import EPOCH_2000_MS
from simulators.voyage import Heard, hear, hung_in
from simulators.world import World
from tests.servers import Mosquitto
from tests.whole.house import HOUR, House, soon
from tests.whole.test_real_parts import ms

SHORTER = {
    "days: 14": "days: 4",
    "from: 200": "from: 50",
    "[[150, 270]]": "[[30, 60]]",
    "readings: 288": "readings: 100",
    "from: 120, to: 300": "from: 5, to: 70",
    "from: 100, seconds: -5400, to: 220": "from: 20, seconds: -5400, to: 60",
}
SHORT_SEA = {
    "days: 33": "days: 5",
    "loads_before: {between: [6, 60]}": "loads_before: 6",
    "departs: 96, takes: {between: [450, 600]}": "departs: 24, takes: {between: [40, 50]}",
    "after: {between: [2, 30]}": "after: 2",
}
WINDOW = 72 * HOUR
"""The API gives raw readings of so much at a time."""


SEA = "sand-point-miami-sea"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[House]:
    """It hears all that the journeys' tags and readers speak."""
    tenant = f"t{uuid.uuid4().hex[:16]}"
    native = {"filter": f"dunnage/v1/{tenant}/+/readings", "format": "native"}
    sea = World(journey.named(SEA), 1)
    rows = [native, *rows_of(hung_in(sea), gates_in(sea), tenant)]
    settings = {"DUNNAGE_SUBSCRIPTIONS": json.dumps(rows)}
    folder = tmp_path_factory.mktemp("journeys")
    with House(folder, tenant, mosquitto.url, **settings) as house:
        yield house


def shortened(key: str, folder: Path, shorter: Mapping[str, str]) -> Path:
    """A journey of the library, shortened to what a test has time for."""
    text = journey.named(key).source
    for long, short in shorter.items():
        assert long in text
        text = text.replace(long, short)
    file = folder / "shorter.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def stored(house: House, tag: str, begins: int, ends: int) -> list[dict[str, Any]]:
    """All readings of a tag, as the API has them."""
    found: list[dict[str, Any]] = []
    for first in range(begins, ends, WINDOW):
        span = {"from": iso(first), "to": iso(min(first + WINDOW, ends)), "limit": 10_000}
        found += house.items(f"/v1/tags/{tag}/readings", **span)
    return found


def stored_since(house: House, before: float) -> float:
    return house.figure("dunnage_readings_stored_total") - before


def expected(heard: Heard) -> list[int]:
    """When what arrived was measured, by the device's clock, as the wire has it understood."""
    arrived = {
        (boot, seq): t
        for arrival in heard.sent.arrivals
        for boot, seq, t in zip(
            arrival.readings.boot.tolist(),
            arrival.readings.seq.tolist(),
            arrival.readings.t.tolist(),
            strict=True,
        )
    }
    return sorted(t + EPOCH_2000_MS if t < EPOCH_2000_MS else t for t in arrived.values())


def test_all_that_arrives_comes_out_of_the_api_once(house: House, tmp_path: Path) -> None:
    file = shortened("tags-gone-wrong", tmp_path, SHORTER)
    before = house.figure("dunnage_readings_stored_total")
    begins = (int(time.time() * 1000) - 5 * 24 * HOUR) // HOUR * HOUR
    said = house.dunnage(
        "simulate", str(file), "--import", "--tenant", house.tenant, "--start", iso(begins),
        "--broker", house.broker,
    )  # fmt: skip
    counts = json.loads(said.splitlines()[-1])
    world = World(journey.load(file, declared.check), 1, start_ms=begins)
    heard = [hear(world, tag) for tag in hung_in(world)]
    assert counts["readings"] == sum(len(a.readings) for e in heard for a in e.sent.arrivals)
    once = sum(len(e.made.at) - len(e.sent.lost) - len(e.sent.kept) for e in heard)
    assert counts["readings"] > once  # some arrived twice
    soon(lambda: stored_since(house, before) >= once, "all is stored", 60)
    soon(house.settled, "and judged", 60)

    for each in heard:
        tag = each.made.device.tag
        if tag == "TS-2512":  # never set: what it is taken for depends on when it arrives
            continue
        found = stored(house, tag, begins - 24 * HOUR, begins + 6 * 24 * HOUR)
        assert [ms(row["t"]) for row in found] == expected(each), tag
    assert house.items("/v1/dead-letters") == []
    bound = {row["tag"]: row["lot"] for row in house.items("/v1/bindings") if row.get("lot")}
    assert (bound["TA-2507"], bound["TA-2508"]) == ("WS-8501", "WS-8502")  # put right by then


def test_what_a_gate_sees_and_a_logger_recorded_comes_out_of_the_api(
    house: House, tmp_path: Path
) -> None:
    """Told twice, it is there once: sightings a row a minute, the logger's readings and binding."""
    file = shortened(SEA, tmp_path, SHORT_SEA)
    begins = (int(time.time() * 1000) - 6 * 24 * HOUR) // HOUR * HOUR
    world = World(journey.load(file, declared.check), 1, start_ms=begins)
    (gate,) = gates_in(world)
    (logger,) = read_out(world)
    labels = {
        (event["tagInventoryEvent"]["epcHex"], event["tagInventoryEvent"]["antennaPort"],
         event["timestamp"][:16])
        for message in told(world, gate, house.tenant) for event in json.loads(message.payload)
    }  # fmt: skip
    for _ in range(2):
        house.dunnage(
            "simulate", str(file), "--import", "--tenant", house.tenant,
            "--start", iso(begins), "--broker", house.broker,
        )  # fmt: skip
    soon(lambda: len(house.items("/v1/sightings", limit=1000)) >= len(labels), "all is seen", 60)
    soon(house.settled, "and judged", 60)
    seen = house.items("/v1/sightings", limit=1000)
    assert len(seen) == len(labels)
    assert {row["reader"] for row in seen} == {"RF-miami-1"}
    went = [each for each in passed(world, gate) if each.seen]
    assert len({row["epc"] for row in seen}) == len(went) > 0
    assert house.items("/v1/dead-letters") == []
    found = stored(house, "20918843", begins - 24 * HOUR, begins + 6 * 24 * HOUR)
    measured = logger.made.readings.at(logger.made.at < logger.at)
    assert [ms(row["t"]) for row in found] == (measured.t // 1000 * 1000).tolist()
    bound = [row for row in house.items("/v1/bindings") if row["tag"] == "20918843"]
    assert [row["lot"] for row in bound] == ["LB-24113"]
