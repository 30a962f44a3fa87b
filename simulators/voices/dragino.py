"""Dragino LHT65N with a DS18B20 on its cable: 11 bytes, big endian; records of earlier alike.

Source: the LHT65N user manual (wiki.dragino.com), 2.4 "Uplink payload" and 2.6 "Datalog feature".
What the network did not confirm is sent again with its time, marked by the highest bit of its
seventh byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from simulators.voices.lorawan import FRAME_BYTES, Family, Frame, Sample, parted
from simulators.voices.voice import Carried, Times

CARRIES = {
    "temperature": Carried(100, -40, 80),
    "humidity": Carried(10, 0, 99.9),  # an SHT31 and its firmware
    "probe": Carried(100, -55, 125),
    "battery": Carried(1000, 0.001, 16.383),
}
_PORT = 2
_PRESENT = struct.Struct(">HhHBhH")
_RECORD = struct.Struct(">hhHBI")
_DS18B20, _UNCONFIRMED = 0x01, 0x80
_NONE, _NO_HUMIDITY, _UNUSED = 0x7FFF, 0xFFFF, 0x7FFF
_NEW_BATTERY = 3.0  # V: it always tells of one
_BATTERY_STATES = (2.50, 2.55, 2.65)  # V, above which it is low, fair, good


def _raw(values: dict[str, float], name: str, absent: int = _NONE) -> int:
    return CARRIES[name].count(values[name]) if name in values else absent


def present(values: dict[str, float]) -> bytes:
    """What was measured just now."""
    volts = CARRIES["battery"].said(values.get("battery", _NEW_BATTERY))
    state = sum(volts > limit for limit in _BATTERY_STATES)
    return _PRESENT.pack(
        state << 14 | CARRIES["battery"].count(volts),
        _raw(values, "temperature"),
        _raw(values, "humidity", _NO_HUMIDITY),
        _DS18B20,
        _raw(values, "probe"),
        _UNUSED,
    )


def record(sample: Sample) -> bytes:
    """What was measured earlier, with its time; of the battery it does not tell."""
    return _RECORD.pack(
        _raw(sample.values, "probe"),
        _raw(sample.values, "temperature"),
        _raw(sample.values, "humidity", _NO_HUMIDITY),
        _UNCONFIRMED | _DS18B20,
        sample.t // 1000,
    )


def _frames(samples: list[Sample]) -> Iterator[Frame]:
    kept = [each for each in samples if not each.age or each.values.keys() - {"battery"}]
    for part in parted(kept, FRAME_BYTES // _RECORD.size):
        if not part[0].age:
            yield Frame(_PORT, present(part[0].values), part, _decoded(part[0].values))
        else:  # of which the vendor's decoder makes text
            yield Frame(_PORT, b"".join(map(record, part)), part, None)


def _decoded(values: dict[str, float]) -> dict[str, Any]:
    names = {
        "temperature": "TempC_SHT",
        "humidity": "Hum_SHT",
        "probe": "TempC_DS",
        "battery": "BatV",
    }
    said = {"battery": _NEW_BATTERY, **values}
    return {"Node_type": "LHT65N", **{names[name]: value for name, value in said.items()}}


FAMILY = Family(
    name="dragino",
    model="LHT65N",
    eui="A84041",
    carries=CARRIES,
    times=Times.BOTH,
    per_frame=FRAME_BYTES // _RECORD.size,
    frames=_frames,
)
