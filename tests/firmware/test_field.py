"""From the node to the API: over a real broker into a real worker, and how much memory it takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.firmware.micropython import HEAP, MicroPython
from tests.servers import Mosquitto
from tests.whole.house import House, soon
from tests.whole.scenes import hours_ago, iso

SEEDS = range(1, 31)
DAYS = 8
RING = 16 * 113
READINGS = 1_951

PARTS = ("record", "clock", "native", "ring", "twofold", "starts", "plausible", "ack", "backoff")
PARTS += ("settings", "battery", "delivery", "sht4x", "mqtt", "broker", "node", "ntp")
MODULES = (*(f"node.{part}" for part in PARTS), "boards.esp32", "main")
"""Of a node by MQTT, in an order in which each finds what it imports."""

IN_C = ("machine", "network", "ssl", "socket", "select", "errno", "binascii")
"""What a board has in its firmware and here is Python, or a stand-in."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    with House(folder, f"firmware-{mosquitto.port}", mosquitto.url) as house:
        yield house


def readings(house: House, tag: str) -> list[dict[str, Any]]:
    """All of a tag's in the last six hours."""
    path = f"/v1/tags/{tag}/readings"
    return house.items(path, **{"from": iso(hours_ago(6)), "limit": 10_000})


def test_power_cuts_over_a_real_broker_and_worker(
    house: House, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    """What every node kept comes out of the API, once."""
    for seed in SEEDS:
        house.put("tags", id=f"cut-{seed}", interval_s=300)
    with MicroPython(heap=512 * 1024) as micropython:
        source = f"range({SEEDS.start}, {SEEDS.stop}), '{house.tenant}', {mosquitto.port}"
        micropython.run(f"import field\nstep = field.play({source})")
        told = [json.loads(line) for line in micropython.drive("step")["out"]]
    soon(house.settled, "all is stored")
    kept = 0
    for each in told:
        assert each["empty"], each
        items = readings(house, each["tag"])
        seen = Counter(round(item["values"]["temperature"] * 100) for item in items)
        assert set(seen.values()) <= {1}, f"{each['tag']}: visible twice"
        assert set(each["kept"]) <= set(seen) <= set(range(1, each["tried"] + 1)), each["tag"]
        assert house.items(f"/v1/tags/{each['tag']}/gaps") == []
        kept += len(each["kept"])
    flags = {
        flag for each in told for item in readings(house, each["tag"]) for flag in item["flags"]
    }
    assert flags == {"clock_corrected"}, "with clocks that were never set, and nothing worse"
    assert len(told) == len(SEEDS)
    with capsys.disabled():
        print(
            f"\n{len(SEEDS)} seeds, {SEEDS[0]} to {SEEDS[-1]}, over Mosquitto and a worker: "
            f"{kept} readings kept, 0 lost, 0 twice"
        )


def test_main_on_an_esp32(house: House, mosquitto: Mosquitto) -> None:
    """main.py and boards/esp32.py as they are flashed, on hardware that is made up."""
    house.put("tags", id="board-1", interval_s=300)
    config = {
        "tenant": house.tenant,
        "tag": "board-1",
        "broker": "127.0.0.1",
        "port": mosquitto.port,
        "wifi_name": "yard",
        "wifi_password": "secret",
        "time_server": None,
        "battery_pin": 34,
        "boot": 1_795_000_000,
    }
    with MicroPython() as micropython:
        micropython.run(f"file = open('/config.json', 'w')\nfile.write({json.dumps(config)!r})")
        micropython.run("file.close()\nimport machine, network, main")
        start = "try:\n    main.run()\nexcept machine.Asleep:\n    pass"
        said = micropython.run(start)
        micropython.run("machine.cause = machine.DEEPSLEEP_RESET")
        micropython.run(start)
        micropython.run("machine.cause = machine.PWRON_RESET")
        micropython.run(start)
        slept, log, fed = micropython.value("(machine.slept, network.log, machine.fed)")
    soon(lambda: len(readings(house, "board-1")) == 2, "one of each start")
    values = [item["values"] for item in readings(house, "board-1")]
    assert values == [{"temperature": 25.0, "humidity": 50.25, "battery": 3.284}] * 2
    assert said == ["the clock was not set: no time server is named in config.json"]
    assert len(slept) == 3
    assert 240_000 < slept[1] <= slept[0] <= 300_000, "between two readings it only sleeps on"
    assert log == [True, ["yard", "secret"], False] * 2
    assert fed >= 6


def allocated(micropython: MicroPython) -> int:
    """Bytes of its heap, when garbage was collected."""
    micropython.run("import gc\ngc.collect()")
    found: int = micropython.value("gc.mem_alloc()")
    return found


def test_the_heap_stays_under_64_kb(
    house: House, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eight days, most of them without a broker, until the ring is full and over; then all of it
    goes out. The heap has 64 KB, and would have to grow to take more. All that is flashed is in it,
    main.py and the board too; what a board has in its firmware is in as much more as it takes."""
    house.put("tags", id="long-run", interval_s=300)
    before = house.figure("dunnage_readings_stored_total")
    with MicroPython() as micropython:
        bare = allocated(micropython)
        micropython.load(*IN_C)
        in_c = allocated(micropython) - bare
    heap = HEAP + in_c
    with MicroPython(heap=heap) as micropython:
        micropython.load(*IN_C, *MODULES)
        loaded = allocated(micropython)
        micropython.run("gc.threshold(2048)  # as main.py")
        who = f"'{house.tenant}', 'long-run', {mosquitto.port}"
        micropython.run(f"import long_run\nrun = long_run.LongRun({who}, {DAYS})\nstep = run.step")
        peaks = []
        for count, away in ((READINGS, "True"), (READINGS + 1, "False")):
            micropython.run(f"run.run({count}, {away})")
            peaks.append(micropython.drive("step"))
        lost, held = micropython.value("(run.lost, run.held)")
    with capsys.disabled():
        print(
            f"\nheap of {HEAP} bytes, and {in_c} for what a board has in C: {loaded - in_c} with "
            f"all loaded, at most {[each['allocated'] - in_c for each in peaks]} while away and "
            f"while sending, garbage included, in {sum(each['steps'] for each in peaks)} steps; "
            f"{lost} overwritten"
        )
    assert 0 < in_c < 12 * 1024
    assert all(each["total"] <= heap for each in peaks), peaks
    assert all(each["allocated"] <= heap for each in peaks), peaks
    assert READINGS - RING <= lost <= READINGS - RING + 113
    assert held == 0
    soon(house.settled, "all is stored")
    stored = house.figure("dunnage_readings_stored_total") - before
    assert READINGS - lost <= stored <= READINGS + 300 - lost
    assert house.items("/v1/tags/long-run/gaps") == []
