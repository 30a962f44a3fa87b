"""Uplinks for the tests of LoRaWAN network servers, and the known answers that are shared."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.formats import Decoded, Memory, Route, decode, route
from ingest.message import Message
from lots.clock import DAY_MS
from lots.settings import Subscription

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / ".." / "shared" / "vectors" / "lorawan"
KEEP = 400 * DAY_MS
EUI = "24E124136B502A17"
TIME = 1_763_766_000_123
TIME_TEXT = "2025-11-21T23:00:00.123456+00:00"
CHIRPSTACK_TOPIC = f"application/app-1/device/{EUI.lower()}/event/up"
THINGS_STACK_TOPIC = "v3/app-1@tenant/devices/shed-4/up"


def routes(format_: str, options: Mapping[str, Any] | None = None, **row: Any) -> list[Route]:
    """A row of the settings for all topics, for tenant acme."""
    settings = Subscription(
        filter="#", format=format_, tenant="acme", options=dict(options or {}), **row
    )
    return [route(settings, KEEP)]


def chirpstack(data: bytes | None = None, **fields: Any) -> dict[str, Any]:
    """An uplink as ChirpStack has it; ``fields`` stand at its top, None leaves one out."""
    up = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": TIME_TEXT,
        "deviceInfo": {
            "tenantName": "somebody else",
            "deviceProfileName": "Sensors",
            "deviceName": "shed-4",
            "devEui": EUI.lower(),
        },
        "devAddr": "0189440f",
        "fCnt": 17,
        "fPort": 85,
        "data": None if data is None else base64.b64encode(data).decode(),
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -57, "snr": 10}],
        **fields,
    }
    return {name: value for name, value in up.items() if value is not None}


def things_stack(data: bytes | None = None, **fields: Any) -> dict[str, Any]:
    """An uplink as The Things Stack has it; ``fields`` are of its uplink_message."""
    message = {
        "f_port": 85,
        "f_cnt": 17,
        "frm_payload": None if data is None else base64.b64encode(data).decode(),
        "received_at": TIME_TEXT,
        **fields,
    }
    return {
        "end_device_ids": {
            "device_id": "shed-4",
            "application_ids": {"application_id": "app-1"},
            "dev_eui": EUI,
            "dev_addr": "0189440F",
        },
        "received_at": "2025-11-21T23:00:00.4Z",
        "uplink_message": {name: each for name, each in message.items() if each is not None},
    }


def told(
    payload: Any, by: list[Route], topic: str = CHIRPSTACK_TOPIC, received: int = TIME + 500
) -> Decoded:
    """What one message says; ``payload`` as bytes, or to be made JSON."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return decode([Message(received, topic, raw)], by, Memory())


def readings(decoded: Decoded) -> list[dict[str, float]]:
    """Each reading's values, and its time as ``t``."""
    batch = decoded.batch
    return [
        {"t": int(batch.time[row])}
        | {
            name: float(column[row])
            for name, column in batch.values.items()
            if not np.isnan(column[row])
        }
        for row in range(len(batch))
    ]


def only(decoded: Decoded) -> dict[str, float]:
    """The one reading of a message that has no trouble."""
    assert decoded.rejected == []
    (reading,) = readings(decoded)
    return reading


def reason(decoded: Decoded) -> str:
    """Why the one message was rejected."""
    (rejected,) = decoded.rejected
    assert rejected.tenant == "acme"
    assert rejected.reason.isprintable()
    return rejected.reason


def vectors(*network_servers: str) -> list[Any]:
    """The shared uplinks of these network servers, as parameters of a test."""
    found = sorted(VECTORS.glob("*.json"))
    if not found:
        assert not os.environ.get("CI"), f"{VECTORS} is missing: CI needs the known answers"
        return [pytest.param(None, marks=pytest.mark.skip(f"{VECTORS} is not in this clone"))]
    cases = [(path.stem, json.loads(path.read_text())) for path in found]
    return [
        pytest.param(case, id=name)
        for name, case in cases
        if case["network_server"] in network_servers
    ]


def check_vector(case: Any, by: list[Route], topic: str) -> None:
    """Every expected reading comes out, with its time; what else does is told or of its own time.

    What these call battery is in %: a percentage is no voltage, and has a name of its own."""
    first = case["expected"][0]["t"]
    decoded = told(case["uplink"], by, topic, received=first + 2000)
    found = {reading["t"]: reading for reading in readings(decoded)}
    for expected in case["expected"]:
        wanted = {("battery_pct" if k == "battery" else k): v for k, v in expected.items()}
        got = found.get(wanted["t"], {})
        assert {name: got.get(name) for name in wanted} == pytest.approx(wanted)
    if "note" in case:
        assert "quarantine" in reason(decoded)
    else:
        assert decoded.rejected == []
        assert len(found) == len(case["expected"])


def samples(page: str) -> list[tuple[str, str, str]]:
    """(heading, topic, payload) of the samples on a page of ``docs/formats``."""
    text = (ROOT / "docs" / "formats" / page).read_text()
    pattern = r"^#+ ([^\n]+)$|^```json (\S+)\n(.*?)^```$"
    heading, found = "", []
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.append((heading, match[2], match[3]))
    return found
