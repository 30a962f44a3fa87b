"""Netvox R718A: version, device type, report type and eight bytes, big endian; it keeps nothing.

Source: the vendor's "LoRaWAN Application Command" for the R718A and its formatter in the LoRaWAN
device repository (TheThingsNetwork/lorawan-devices, vendor/netvox).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from simulators.voices.lorawan import Family, Frame, Sample
from simulators.voices.voice import Carried, Times

CARRIES = {
    "temperature": Carried(100, -40, 125),
    "humidity": Carried(100, 0, 100),
    "battery": Carried(10, 0.1, 12.7),
}
_PORT = 6
_REPORT = struct.Struct(">BBBBhH3x")
_VERSION, _R718A, _STATUS = 0x01, 0x0B, 0x01
_NO_TEMPERATURE, _NO_HUMIDITY, _NO_BATTERY = 0x7FFF, 0xFFFF, 0
_DECODED = {"temperature": "Temp", "humidity": "Humi", "battery": "Volt"}


def report(values: dict[str, float]) -> bytes:
    """A status report."""

    def raw(name: str, absent: int) -> int:
        return CARRIES[name].count(values[name]) if name in values else absent

    return _REPORT.pack(
        _VERSION,
        _R718A,
        _STATUS,
        raw("battery", _NO_BATTERY),
        raw("temperature", _NO_TEMPERATURE),
        raw("humidity", _NO_HUMIDITY),
    )


def _frames(samples: list[Sample]) -> Iterator[Frame]:
    for sample in samples:
        decoded: dict[str, Any] = {"Device": "R718A"}
        decoded |= {_DECODED[name]: value for name, value in sample.values.items()}
        yield Frame(_PORT, report(sample.values), [sample], decoded)


FAMILY = Family(
    name="netvox",
    model="R718A",
    eui="00137A",
    carries=CARRIES,
    times=Times.NETWORK,
    per_frame=1,
    frames=_frames,
)
