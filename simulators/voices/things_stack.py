"""The Things Stack v3: an uplink as its MQTT server publishes it.

Source: thethingsindustries.com/docs/integrations/data-formats. A device's id there has small
letters and digits alone, so that tags go by their DevEUI.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.message import Message
from simulators.voices.lorawan import Network, Uplink

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HANDLED_MS = 200
"""So much later the application server has it (a choice of ours)."""


def _publish(application: str, uplink: Uplink) -> Message:
    device, frame = f"eui-{uplink.dev_eui.lower()}", uplink.frame
    message: dict[str, Any] = {
        "f_port": frame.port,
        "f_cnt": uplink.counter,
        "frm_payload": base64.b64encode(frame.data).decode(),
        "rx_metadata": [{"gateway_ids": {"gateway_id": "yard-1"}, "rssi": -57, "snr": 10.0}],
        "received_at": _instant(uplink.at),
        "version_ids": {
            "brand_id": uplink.family.name,
            "model_id": uplink.family.model.lower(),
        },
    }
    if not uplink.counter:
        del message["f_cnt"]  # as Protobuf's JSON does with a zero
    if frame.decoded is not None:
        message["decoded_payload"] = frame.decoded
    up = {
        "end_device_ids": {
            "device_id": device,
            "application_ids": {"application_id": application},
            "dev_eui": uplink.dev_eui,
            "dev_addr": uplink.address,
        },
        "received_at": _instant(uplink.at + _HANDLED_MS),
        "uplink_message": message,
    }
    topic = f"v3/{application}@dunnage/devices/{device}/up"
    return Message(topic, json.dumps(up).encode(), len(frame.samples), uplink.at)


def _instant(ms: int) -> str:
    """RFC 3339, with nanoseconds."""
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def _row(application: str, tenant: str) -> dict[str, Any]:
    return {
        "filter": f"v3/{application}@dunnage/devices/+/up",
        "format": "things-stack",
        "tenant": tenant,
    }


NETWORK = Network("things-stack", "The Things Stack v3", _publish, _row, lambda _tag, eui: eui)
