"""Milesight's channels: what the value behind a channel and a type is.

From the vendor's published decoders (github.com/Milesight-IoT/SensorDecoders) and user guides.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.formats.devices.payload import ALL_8, ALL_16, ALL_32, NO_16, SKIPPED, Field, Layout

__all__ = ["ABOUT_DEVICE", "NO_TEMPERATURE", "layout", "length"]

NO_TEMPERATURE = (*NO_16, -0x7FFF, -0x7FFE, -0x7FFD)
"""Not measured, or why it was not: read failed, too low, too high."""

_RESULT, _EXTENDED = 0xF8, 0xF9
ABOUT_DEVICE = (0xFF, 0xFE, _RESULT, _EXTENDED)
_LAST_SENSOR = 0x1F

_LENGTHS: Mapping[int, int] = {
    length_of: length
    for length, kinds in {
        1: "01 0b 0f 10 13 25 27 28 2c 2d 2e 2f 3b 3c 3d 3e 3f 4a 56 57 59 62 66 67 68 69 6d 71 84"
        " 85 86 a1 a4 a5 a6 a8 a9 aa ae b3 b4 be c3 cc e9 eb ec f4 f5 f6 f8 fe",
        2: "02 03 09 0a 17 18 1c 4e 5a 65 70 77 8f 95 a3 a7 bd c4 f2 ff",
        3: "6a 87 8a 8e ab b0 b1 ca cb ea ed ef",
        4: "11 58 7e 89 af f0 f1",
        5: "1b 54 39 83 91 92 c8",
        6: "08 79 c9 d6",
        7: "75",
        8: "16 35 88 96",
        9: "06 a0",
        10: "ba",
        43: "7c",
    }.items()
    for length_of in bytes.fromhex(kinds)
}
"""Type -> bytes, on the channels 0xFF and 0xFE."""

_LENGTHS_EXTENDED: Mapping[int, int] = {
    kind: length
    for length, kinds in {
        1: "10 12 13 16 31 36 37 3a 66 69 6a 6b 6c 6e 6f 86 87 8b 8c a2 a3 c9 d9",
        2: "0e 14 15 35 38 39 85 bc c0",
        3: "0d 32 bd",
        4: "0c 63 8d be",
        5: "bf",
        6: "c4 c8",
        7: "0b 33 40",
        9: "34",
    }.items()
    for kind in bytes.fromhex(kinds)
}
"""Type -> bytes, on the channel 0xF9, and one more for the result on 0xF8."""


def _types() -> Mapping[int, Layout]:
    """Type -> value, on any channel of a sensor that `_channels` does not name."""
    found = {
        0x00: Layout("B", Field("digital")),
        0x67: Layout("<h", Field("temperature", 10, NO_TEMPERATURE)),
        0x68: Layout("<B", Field("humidity", 2, ALL_8)),
        0x6A: Layout("<H", Field("activity", 1, ALL_16)),
        0x73: Layout("<H", Field("pressure", 10, ALL_16)),
        0x75: Layout("<B", Field("battery_pct", 1, ALL_8)),
        0x77: Layout("<H", Field("level", 1, ALL_16)),
        0x7B: Layout("<H", Field("pipe_pressure", 1, ALL_16)),
        0x7F: Layout("<H", Field("conductivity", 1, (0xFFFF, 0xFFFD))),
        0x82: Layout("<H", Field("distance", 1, (0xFFFF, 0xFFFE, 0xFFFD))),
        0x84: Layout("<h", Field("wind_direction", 10, NO_16)),
        0x94: Layout("<I", Field("light", 1, ALL_32)),
        0x9A: Layout("<H", Field("humidity", 10, ALL_16)),
        0x9D: Layout("<H", Field("light", 1, ALL_16)),
        0xC8: Layout("<I", Field("pulses_total_1")),
        0xCA: Layout("<H", Field("soil_moisture", 100, (0xFFFF, 0xFFFD))),
        0xCB: Layout("<B", Field("light_level", 1, ALL_8)),
        0xD7: Layout("<hhB", Field("temperature", 10, NO_TEMPERATURE), SKIPPED, SKIPPED),
        0xE6: Layout("<H", Field("tvoc", 1, ALL_16)),
        0xEC: Layout("<IB", Field("rain", 100, ALL_32), SKIPPED),
    }
    for size, kinds in {
        1: "01 6b 6e 8e 9c bc e5 e7 e8 e9 ed ee ff",  # switches, states, how full the memory is
        2: "7d 90 98 99 9f b9 c7 f4 fd",  # gases that the channel would name, motors, currents
        4: "63 97 cc ef fe",  # sums of currents and of people
        7: "5b",  # levels of sound
        8: "e1",  # water
        9: "88 d9",  # places
    }.items():
        found |= dict.fromkeys(bytes.fromhex(kinds), Layout(f"{size}x"))
    return found


def _channels() -> Mapping[tuple[int, int], Layout]:
    """(channel, type) -> value, where the channel decides."""
    temperature = Field("temperature", 10, NO_TEMPERATURE)
    temperature_2 = Field("temperature_2", 10, NO_TEMPERATURE)
    humidity = Field("humidity", 2, ALL_8)
    fine = Field("humidity", 10, ALL_16)
    found = {
        (0x05, 0x7D): Layout("<H", Field("co2", 1, ALL_16)),
        (0x07, 0x7D): Layout("<H", Field("co2", 1, ALL_16)),
        (0x0A, 0x7D): Layout("<H", Field("hcho", 100, ALL_16)),
        (0x0B, 0x7D): Layout("<H", Field("pm2_5", 1, ALL_16)),
        (0x0C, 0x7D): Layout("<H", Field("pm10", 1, ALL_16)),
        (0x0D, 0x7D): Layout("<H", Field("o3", 100, ALL_16)),
        (0x06, 0x65): Layout("<HHH", Field("light", 1, ALL_16), SKIPPED, SKIPPED),
        (0x05, 0x92): Layout("x"),  # how far a valve is open
        (0x07, 0x92): Layout("<H", Field("wind_speed", 10, ALL_16)),
        (0x08, 0x77): Layout("<HB", Field("rain", 100, ALL_16), SKIPPED),
        (0x08, 0x90): Layout("4x"),
        # a transformer for currents: 0xFFFF read failed, 0xFFFD out of range
        (0x09, 0x67): Layout("<h", Field("temperature", 10, (*NO_TEMPERATURE, -1, -3))),
        (0x0B, 0x67): Layout("2x"),  # what a thermostat aims at while it cools
        (0x13, 0x75): Layout("x"),
        (0x83, 0x67): Layout("<hB", temperature, SKIPPED),
        (0x89, 0x67): Layout("<hB", temperature, SKIPPED),
        (0x84, 0x67): Layout("<hB", temperature_2, SKIPPED),
        (0x84, 0x68): Layout("<BB", humidity, SKIPPED),
        (0x94, 0x68): Layout("<BBB", humidity, SKIPPED, SKIPPED),
        (0x83, 0x9A): Layout("<HB", fine, SKIPPED),
        (0x84, 0x9A): Layout("<HB", fine, SKIPPED),
        (0x93, 0x9A): Layout("<HhB", fine, SKIPPED, SKIPPED),
        (0x94, 0x9A): Layout("<HhB", fine, SKIPPED, SKIPPED),
        (0x84, 0x82): Layout("<HB", Field("distance", 1, ALL_16), SKIPPED),
        (0x86, 0x73): Layout("<HB", Field("pressure", 10, ALL_16), SKIPPED),
        (0x86, 0x9D): Layout("<HB", Field("light", 1, ALL_16), SKIPPED),
        (0x87, 0x7D): Layout("<HB", Field("co2", 1, ALL_16), SKIPPED),
        (0x87, 0x92): Layout("<HB", Field("wind_speed", 10, ALL_16), SKIPPED),
        (0x88, 0xEC): Layout("<IBB", Field("rain", 100, ALL_32), SKIPPED, SKIPPED),
    }
    for channel, kind in ((0x83, 0xD7), (0x93, 0xD7), (0x93, 0x67)):  # it changed at once
        found[channel, kind] = Layout("<hhB", temperature, SKIPPED, SKIPPED)
    for kind in (0xD7, 0x67):
        found[0x94, kind] = Layout("<hhB", temperature_2, SKIPPED, SKIPPED)
    for size, pairs in {
        1: "b367 b39a b467 b468 b49a b6cb b69d b77d b968 81ee",  # that a sensor cannot be read
        2: "8500 83ed 87e9",
        3: "b482",
        5: "9482 84cc 85cc 07ea",
        7: "8498 8499 8699 8899",
        9: "85e1 8488",
    }.items():
        for pair in pairs.split():
            found[int(pair[:2], 16), int(pair[2:], 16)] = Layout(f"{size}x")
    return found


_TYPES = _types()
_CHANNELS = _channels()


def layout(channel: int, kind: int) -> Layout | None:
    """How the value is read; None where the pair is not known."""
    found = _CHANNELS.get((channel, kind))
    return _TYPES.get(kind) if found is None and channel <= _LAST_SENSOR else found


def length(channel: int, kind: int, value: bytes) -> int | None:
    """Bytes of what a device says of itself, or answers; None where it is not known."""
    if channel in (_RESULT, _EXTENDED):
        found = _LENGTHS_EXTENDED.get(kind)
        return found if found is None or channel == _EXTENDED else found + 1
    if kind == 0x1A:  # how CO2 is calibrated: by hand with a value
        return 3 if value[:1] == b"\x02" else 1
    return _LENGTHS.get(kind)
