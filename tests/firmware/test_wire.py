"""The wire contract on both sides: what the node makes, byte by byte, and what Dunnage takes."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from ingest.formats import Decoded, Memory, decode, route
from ingest.message import Message
from ingest.repeats import LEAST
from lots.clock import DAY_MS
from lots.settings import Subscription
from tests.firmware.micropython import FIRMWARE, MicroPython
from tests.firmware.server import Server
from tests.formats.lorawan import CHIRPSTACK_TOPIC, chirpstack, routes

README = FIRMWARE / "README.md"
WIRE = FIRMWARE.parent / "docs" / "wire.md"
NOW = 1_763_766_360_000
TAG = "dunnage/v1/acme/tag-0042/"
ROUTES = [
    route(Subscription(filter=f"dunnage/v1/+/+/{name}", format=format_), 400 * DAY_MS)
    for name, format_ in (("readings", "native"), ("reads", "reads"))
]


def blocks(page: Path) -> list[tuple[str, str]]:
    """(topic, content) of a page's examples."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```json (\S+)\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


def told(topic: str, payload: str) -> Decoded:
    return decode([Message(NOW, topic, payload.encode())], ROUTES, Memory())


@pytest.fixture(scope="module")
def made(device: MicroPython) -> list[str]:
    """What the node makes of the examples."""
    return device.run("import contract\nfor text in contract.examples():\n    print(text)")


def test_the_node_makes_exactly_the_examples(made: list[str]) -> None:
    examples = [content for topic, content in blocks(README) if not topic.endswith("/ack")]
    assert made == examples


def test_dunnage_takes_what_the_node_makes(made: list[str]) -> None:
    topics = [topic for topic, _ in blocks(README) if not topic.endswith("/ack")]
    seen = 0
    for topic, payload in zip(topics, made, strict=True):
        found = told(topic, payload)
        assert found.rejected == []
        count = payload.count('"seq"') or payload.count('"epc"')
        assert len(found.batch) + len(found.sightings) == count, payload
        asks = [(each.boot, each.seq, each.first) for each in found.acks]
        item = json.loads(payload)
        last = item[-1] if isinstance(item, list) else item
        assert asks == ([(last["boot"], last["seq"], last["first"])] if "ack" in last else [])
        seen += count
    assert seen == 8


def test_values_come_out_as_they_were_measured(made: list[str]) -> None:
    batch = told(TAG + "readings", made[1]).batch
    assert batch.values["temperature"].tolist() == [-0.05, 21.1]
    np.testing.assert_array_equal(batch.values["probe"], [np.nan, 12.06])
    lost = told(TAG + "readings", made[3]).batch
    assert {name: column.tolist() for name, column in lost.values.items()} == {
        "temperature": [21.4],
        "lost": [113.0],
    }


def test_the_answer_is_what_dunnage_says_and_the_node_understands(
    database: Engine, device: MicroPython
) -> None:
    (answer,) = [content for topic, content in blocks(README) if topic.endswith("/ack")]
    server = Server(database)
    seqs = [seq for seq in range(3990, 4022) if not 4010 <= seq <= 4012]
    readings: list[dict[str, Any]] = [
        {"boot": 17, "seq": seq, "t": NOW + seq, "temperature": 21.4} for seq in seqs
    ]
    readings[-1] |= {"ack": True, "first": 3990}
    payload = json.dumps(readings)
    asked = {"tag": "tag-0042", "now": NOW, "payload": payload, "calm": True}
    assert json.loads(server.ask(json.dumps(asked))) == [True, [answer]]
    device.run(f"from node import ack\nanswer = ack.parse({answer!r})")
    free = device.value("[seq for seq in range(3990, 4030) if ack.covers(answer, 17, seq)]")
    assert free == seqs


def test_the_examples_of_the_servers_own_page(device: MicroPython) -> None:
    """What the node can say of them it says with the same names and numbers, without blanks."""
    seen = 0
    known = {"boot", "seq", "t", "sent", "temperature", "humidity", "battery", "ack", "first"}
    device.run("import contract")
    for topic, content in blocks(WIRE):
        if not topic.endswith("/readings"):
            continue
        found = json.loads(content)
        for item in found if isinstance(found, list) else [found]:
            if "boot" not in item or not set(item) <= known | {"pressure"}:
                continue
            item.pop("pressure", None)  # this node has no barometer
            (text,) = device.run(f"print(contract.written({item!r}))")
            assert text == json.dumps(item, separators=(",", ":"))
            seen += 1
    assert seen == 5


def test_the_compact_payload(device: MicroPython) -> None:
    (example,) = re.findall(r"^```hex\n(\S+)\n```$", README.read_text(), re.MULTILINE)
    assert device.run("import contract\nprint(contract.compact().hex())") == [example]
    uplink = chirpstack(bytes.fromhex(example), fPort=5)
    rows = routes("chirpstack", {"families": {"shed-4": "elsys"}})
    payload = json.dumps(uplink).encode()
    found = decode([Message(NOW, CHIRPSTACK_TOPIC, payload)], rows, Memory())
    assert found.rejected == []
    order = np.argsort(found.batch.time)
    assert np.diff(found.batch.time[order]).tolist() == [300_000]
    values = {name: column[order].tolist() for name, column in found.batch.values.items()}
    assert values["temperature"] == [21.1, 21.4]
    assert values["humidity"] == [64.0, 63.0]
    assert values["battery"][1] == 3.284


def test_the_settings_are_those_of_the_readme(device: MicroPython) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|", README.read_text(), re.MULTILINE
    )
    device.run("from node.settings import BOUNDS")
    assert {name: list(map(int, bounds)) for name, *bounds in rows} == device.value("BOUNDS")


def test_the_names_in_config_json_are_those_of_the_readme() -> None:
    source = (FIRMWARE / "main.py").read_text(encoding="utf-8")
    used = set(re.findall(r'config(?:\.get\(|\[)"(\w+)"', source))
    table = README.read_text().split("| `config.json` |")[1].split("\n\n")[0]
    told = {
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert told == used


def test_what_the_readme_says_of_the_ring(device: MicroPython) -> None:
    device.run(
        "from node import record\nfrom node.ring import Ring\nring = Ring('/x', record.SIZE)"
    )
    slots, capacity = device.value("(ring.slots, ring.capacity)")
    assert f"A ring of 16 segments of 4096 bytes, {slots} readings each: six days" in (
        README.read_text()
    )
    assert 6 <= capacity * 300 / 86_400 < 7


def test_a_round_that_is_sent_again_is_known_again(device: MicroPython) -> None:
    """Of each tag, however many there are: else readings without a time of their own come twice."""
    device.run("from node.delivery import ROUND")
    assert device.value("ROUND") <= LEAST


def test_no_float_is_near_what_is_measured() -> None:
    """A float has 32 bits on an ESP32 and 64 here: only how long a time server may take is one."""
    found = {
        (path.name, type(node).__name__)
        for path in (FIRMWARE / "node").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Div)
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    }
    assert found == {("ntp.py", "Constant")}


def test_the_firmware_imports_nothing_of_the_server() -> None:
    names = set()
    for path in FIRMWARE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
    ours = {"api", "cli", "ingest", "lots", "operations", "rules", "simulators"}
    assert not names & ours
