"""ChirpStack v4: an uplink as its MQTT integration publishes it, in JSON.

Source: chirpstack.io/docs/chirpstack/integrations/events.html. A device has the fleet's own name
there, which may be any text.
"""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.message import Message
from simulators.voices.lorawan import Network, Uplink

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _publish(application: str, uplink: Uplink) -> Message:
    eui = uplink.dev_eui.lower()
    frame = uplink.frame
    event: dict[str, Any] = {
        "deduplicationId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{eui} {uplink.counter}")),
        "time": (_EPOCH + timedelta(milliseconds=uplink.at)).isoformat(timespec="microseconds"),
        "deviceInfo": {
            "tenantName": "ChirpStack",
            "applicationName": application,
            "deviceProfileName": uplink.family.model,
            "deviceName": uplink.device,
            "devEui": eui,
        },
        "devAddr": uplink.address.lower(),
        "adr": True,
        "dr": 0,
        "fCnt": uplink.counter,
        "fPort": frame.port,
        "confirmed": False,
        "data": base64.b64encode(frame.data).decode(),
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -57, "snr": 10.0}],
    }
    if frame.decoded is not None:
        event["object"] = frame.decoded
    topic = f"application/{application}/device/{eui}/event/up"
    return Message(topic, json.dumps(event).encode(), len(frame.samples), uplink.at)


def _row(application: str, tenant: str) -> dict[str, Any]:
    return {
        "filter": f"application/{application}/device/+/event/up",
        "format": "chirpstack",
        "tenant": tenant,
        "options": {"tag": "device"},
    }


NETWORK = Network("chirpstack", "ChirpStack v4", _publish, _row, lambda tag, _dev_eui: tag)
