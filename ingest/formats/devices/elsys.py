"""Elsys: type and value, for the whole range (ERS, ELT, EMS, ECO …).

The encoding is that of "Sensor payload" (https://elsys.se/public/documents/Sensor_payload.pdf),
big endian: a byte whose bits 5..0 are the type and bits 7..6 tell how many bytes of offset follow
the value (0, 1, 2, 4): the seconds since it was measured, where samples are sent together.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.formats.devices.payload import (
    ALL_16,
    NO_16,
    SKIPPED,
    Content,
    Field,
    Layout,
    Measured,
    Values,
)

_TEMPERATURE = 0x01
_SETTINGS = 0x3E  # the rest of the payload; sent on the next FPort after a start
_OFFSET_BYTES = (0, 1, 2, 4)
_REPEATED = {0x0C: 1, 0x19: 2}  # probes: a device sends as many as are connected


def _layouts() -> Mapping[int, Layout]:
    return {
        0x01: Layout(">h", Field("temperature", 10, NO_16)),
        0x02: Layout(">B", Field("humidity", 1, (0xFF,))),
        0x03: Layout(
            ">bbb",
            Field("acceleration_x", 63),
            Field("acceleration_y", 63),
            Field("acceleration_z", 63),
        ),
        0x04: Layout(">H", Field("light", 1, ALL_16)),
        0x05: Layout(">B", Field("motion")),
        0x06: Layout(">H", Field("co2", 1, ALL_16)),
        0x07: Layout(">H", Field("battery", 1000, (0, 0xFFFF))),
        0x08: Layout(">H", Field("analog_1", 1000)),
        0x09: Layout("6x"),  # a position
        0x0A: Layout(">H", Field("pulses_1")),
        0x0B: Layout(">I", Field("pulses_total_1")),
        0x0C: Layout(">h", Field("probe", 10, NO_16)),
        0x0D: Layout(">B", Field("digital_1")),
        0x0E: Layout(">H", Field("distance", 1, ALL_16)),
        0x0F: Layout(">B", Field("movements")),
        0x10: Layout(">hh", SKIPPED, Field("ir_temperature", 10, NO_16)),
        0x11: Layout(">B", Field("occupancy")),
        0x12: Layout(">B", Field("leak")),
        0x13: Layout("65x"),  # an image of 64 temperatures
        0x14: Layout(">i", Field("pressure", 1000)),
        0x15: Layout(">BB", Field("sound_peak"), Field("sound_mean")),
        0x16: Layout(">H", Field("pulses_2")),
        0x17: Layout(">I", Field("pulses_total_2")),
        0x18: Layout(">H", Field("analog_2", 1000)),
        0x19: Layout(">h", Field("probe_2", 10, NO_16)),
        0x1A: Layout(">B", Field("digital_2")),
        0x1B: Layout("4x"),
        0x1C: Layout(">H", Field("tvoc", 1, ALL_16)),
        0x3D: Layout("4x"),
    }


_LAYOUTS = _layouts()


def decode(_port: int | None, data: bytes, _model: str) -> Content:
    """What ``data`` says; samples of earlier have how long ago they were taken."""
    by_offset: dict[int, Values] = {}
    troubles: list[str] = []
    at = 0
    while at < len(data):
        kind, offset_bytes = data[at] & 0x3F, _OFFSET_BYTES[data[at] >> 6]
        if kind == _SETTINGS:
            break
        layout = _LAYOUTS.get(kind)
        if layout is None:
            troubles.append(f"byte {at}: type 0x{kind:02x} is not known: the rest was left out")
            break
        end = at + 1 + layout.size + offset_bytes
        if end > len(data):
            troubles.append(f"byte {at}: it ends in the middle of type 0x{kind:02x}")
            break
        ago = int.from_bytes(data[end - offset_bytes : end], "big")
        _put(by_offset.setdefault(ago, {}), kind, layout.read(data, at + 1))
        at = end
    readings = [
        Measured(values, ago=ago * 1000) for ago, values in sorted(by_offset.items()) if values
    ]
    return Content(readings, troubles)


def _put(values: Values, kind: int, found: Values) -> None:
    """Several probes of one type are numbered as they come."""
    number = _REPEATED.get(kind)
    if number is None:
        values.update(found)
        return
    for value in found.values():
        while (name := "probe" if number == 1 else f"probe_{number}") in values and number < 16:
            number += 1
        values[name] = value
