"""RuuviTags, data format 5 (RAWv2), heard by a Ruuvi Gateway that publishes over MQTT.

Sources: docs.ruuvi.com, "Data format 5 (RAWv2)" and "MQTT: time-stamped data from Bluetooth
sensors". A tag is named by its MAC, which it does not choose: ours are made of the tags' names. It
keeps nothing, and what a gateway tells of time is when it heard it.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from simulators.message import Message
from simulators.readings import Readings
from simulators.voices.voice import Carried, Times, Told, Voice, digits_of

CARRIES = {
    "temperature": Carried(200, -163.835, 163.835),
    "humidity": Carried(400, 0, 163.8350),
    "pressure": Carried(100, 500, 1155.34),
    "battery": Carried(1000, 1.6, 3.646),
    "acceleration_x": Carried(1000, -32.767, 32.767),
    "acceleration_y": Carried(1000, -32.767, 32.767),
    "acceleration_z": Carried(1000, -32.767, 32.767),
    "movements": Carried(1, 0, 254),
}
_FORMAT_5 = struct.Struct(">BhHHhhhHBH")
_FLAGS = bytes.fromhex("020106")  # Bluetooth: general discoverable, no BR/EDR
_HEAD = bytes.fromhex("1BFF9904")  # 27 bytes, manufacturer's data, of Ruuvi Innovations
_NO_SIGNED, _NO_UNSIGNED, _NO_VOLTAGE, _NO_COUNT = -0x8000, 0xFFFF, 0x7FF, 0xFF
_TX_POWER = 22  # +4 dBm, in steps of 2 from −40
_SEQUENCES = 65_535  # 0xFFFF is "not available"


def advertisement(values: dict[str, float], seq: int, mac: str) -> bytes:
    """What a tag sends of ``values`` as its measurement number ``seq``."""

    def raw(name: str, absent: int, zero: int = 0) -> int:
        return CARRIES[name].count(values[name]) - zero if name in values else absent

    payload = _FORMAT_5.pack(
        5,
        raw("temperature", _NO_SIGNED),
        raw("humidity", _NO_UNSIGNED),
        raw("pressure", _NO_UNSIGNED, 50_000),
        raw("acceleration_x", _NO_SIGNED),
        raw("acceleration_y", _NO_SIGNED),
        raw("acceleration_z", _NO_SIGNED),
        raw("battery", _NO_VOLTAGE, 1600) << 5 | _TX_POWER,
        raw("movements", _NO_COUNT),
        seq % _SEQUENCES,
    )
    return _FLAGS + _HEAD + payload + bytes.fromhex(mac.replace(":", ""))


def mac_of(name: str) -> str:
    """A random static address of Bluetooth (its two highest bits are set), made of ``name``."""
    octets = bytearray.fromhex(digits_of(name, 12))
    octets[0] |= 0xC0
    return octets.hex(":").upper()


class _Gateway:
    """One gateway hears all tags of a tenant."""

    will: Message | None = None

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._mac = mac_of(f"gateway of {tenant}")

    def opening(self, at: int) -> list[Message]:
        del at
        return []

    def named(self, tag: str) -> str:
        return mac_of(tag)

    def say(self, readings: Readings, at: int) -> list[Message]:
        mac = self.named(readings.tag)
        messages = []
        for row, seq in enumerate(readings.seq.tolist()):
            values = readings.measured(row)
            if values.keys() & CARRIES.keys():
                heard = {
                    "gw_mac": self._mac,
                    "rssi": -62,
                    "aoa": [],
                    "gwts": str(at // 1000),
                    "ts": str(at // 1000),
                    "data": advertisement(values, seq, mac).hex().upper(),
                    "coords": "",
                }
                topic = f"ruuvi-{self._tenant}/{self._mac}/{mac}"
                messages.append(Message(topic, json.dumps(heard).encode(), 1, at))
        return messages


def _row(tenant: str) -> dict[str, Any]:
    return {"filter": f"ruuvi-{tenant}/+/+", "format": "ruuvi", "tenant": tenant}


VOICE = Voice(
    name="ruuvi",
    about="RuuviTags (data format 5) heard by a Ruuvi Gateway",
    carries=CARRIES,
    others=None,
    per_message=1,
    told=Told.COUNTERS,
    times=Times.NETWORK,
    time_step=1000,
    row=_row,
    open=_Gateway,
)
