"""Elsys ERS, ELT and EMS: type and value, big endian; samples of earlier with the s since.

Source: "Sensor payload" (https://elsys.se/public/documents/Sensor_payload.pdf). The upper two bits
of a type tell how many bytes of offset follow its value: 0, 1, 2 or 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from simulators.voices.lorawan import FRAME_BYTES, Family, Frame, Sample
from simulators.voices.voice import Carried, Times

CARRIES = {
    "temperature": Carried(10, -40, 85),
    "humidity": Carried(1, 0, 100),
    "light": Carried(1, 0, 65_534),
    "battery": Carried(1000, 0.001, 65.534),
    "probe": Carried(10, -55, 125),
    "pressure": Carried(1000, 300, 1100),
}
_PORT = 5
_LAYOUTS = {
    "temperature": (0x01, ">h"),
    "humidity": (0x02, ">B"),
    "light": (0x04, ">H"),
    "battery": (0x07, ">H"),
    "probe": (0x0C, ">h"),
    "pressure": (0x14, ">i"),
}
_DECODED = {
    "temperature": "temperature",
    "humidity": "humidity",
    "light": "light",
    "battery": "vdd",
    "probe": "externalTemperature",
    "pressure": "pressure",
}
"""As the vendor's decoder calls them; ``vdd`` is in mV. It passes offsets over."""

_LEAST_BYTES = 2 + 1  # a humidity, with an offset of one byte


def encoded(sample: Sample) -> bytes:
    """A sample, with how long ago it was taken if that is not now."""
    bits, offset = _offset(sample.age // 1000)
    data = b""
    for name, (kind, form) in _LAYOUTS.items():
        if name in sample.values:
            count = CARRIES[name].count(sample.values[name])
            data += bytes([bits << 6 | kind]) + struct.pack(form, count) + offset
    return data


def _offset(seconds: int) -> tuple[int, bytes]:
    for bits, form, limit in ((1, ">B", 1 << 8), (2, ">H", 1 << 16)):
        if seconds < limit:
            return (bits, struct.pack(form, seconds)) if seconds else (0, b"")
    return 3, struct.pack(">I", seconds)


def _frames(samples: list[Sample]) -> Iterator[Frame]:
    """As many samples in each as fit, no two of the same second: they would become one."""
    data, part = b"", list[Sample]()
    for sample in samples:
        more = encoded(sample)
        same = any(each.age // 1000 == sample.age // 1000 for each in part)
        if part and (same or len(data) + len(more) > FRAME_BYTES):
            yield _frame(data, part)
            data, part = b"", []
        data += more
        part.append(sample)
    if part:
        yield _frame(data, part)


def _frame(data: bytes, part: list[Sample]) -> Frame:
    decoded = None
    if len(part) == 1 and not part[0].age:
        decoded = {_DECODED[name]: value for name, value in part[0].values.items()}
        if "vdd" in decoded:
            decoded["vdd"] = CARRIES["battery"].count(decoded["vdd"])
    return Frame(_PORT, data, part, decoded)


FAMILY = Family(
    name="elsys",
    model="ERS",
    eui="A81758",
    carries=CARRIES,
    times=Times.BOTH,
    per_frame=FRAME_BYTES // _LEAST_BYTES,
    frames=_frames,
)
