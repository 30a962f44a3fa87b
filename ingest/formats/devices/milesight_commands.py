"""Milesight's later encoding: a command, then a value whose length follows from the model's table.

For TS601, TS602, WT102, WT303 and WT401, by the vendor's published decoders
(github.com/Milesight-IoT/SensorDecoders). What stands behind 0xED was measured at its time.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.formats.devices.payload import (
    ALL_8,
    ALL_16,
    NO_16,
    SKIPPED,
    Content,
    Field,
    Layout,
    Measured,
)

__all__ = ["decode", "speaks"]

_HISTORY = 0xED
_ANSWER = 0xEF  # its low four bits: the bytes of the command that it answers
_TIME = Layout("<xI", Field("s"))

_NO_32 = (*range(0x7FFF_FFFC, 0x8000_0000), *range(-0x8000_0000, -0x7FFF_FFFC))
_FAILED = (*NO_16, 0x7FFE, 0x7FFD, 0x7FFC, -0x7FFF, -0x7FFE, -0x7FFD)
_BATTERY = Layout("<B", Field("battery_pct", 1, ALL_8))
_T = Field("temperature", 100, _FAILED)
_T_WIDE = Field("temperature", 100, _NO_32)
_H = Field("humidity", 10, (*ALL_16, 0xFFFE, 0xFFFD, 0xFFFC))
_TEMPERATURE, _HUMIDITY = Layout("<h", _T), Layout("<H", _H)

Command = Layout | Mapping[int, Layout]
"""A value, or values by the first byte: a kind that is not listed has no more than that byte."""


def _bytes(count: int) -> Layout:
    return Layout(f"{count}x")


def _alarms(kinds: str, value: Layout) -> Mapping[int, Layout]:
    return dict.fromkeys(bytes.fromhex(kinds), value)


def _device() -> dict[int, Command]:
    """What every model says of itself."""
    lengths = {
        0: "ee",
        1: "c8 c9 fe",
        2: "cf d9 df",
        8: "da db",
        16: "d8",
        32: "dd de",
    }
    return {kind: _bytes(size) for size, kinds in lengths.items() for kind in bytes.fromhex(kinds)}


def _transport() -> dict[int, Command]:
    """TS601, TS602."""
    noted = "10 11 12 13 14 15 16 17 30"
    return _device() | {
        0x01: _BATTERY,
        0x03: _bytes(9),
        0x04: Layout("<i", _T_WIDE),
        0x05: _HUMIDITY,
        0x06: _bytes(8),
        0x07: _bytes(1),
        0x08: {
            **_alarms(noted, Layout("<i", _T_WIDE)),
            0x20: Layout("<ii", _T_WIDE, SKIPPED),
        },
        0x09: {**_alarms(noted, _HUMIDITY), 0x20: Layout("<HH", _H, SKIPPED)},
        0x0A: _bytes(1),
        0x0B: _bytes(1),
        0x0C: _bytes(1),
        0x0D: _bytes(6),
        0x0E: _bytes(1),
        0x11: {0x10: _BATTERY},
        0x1A: _bytes(1),
        0x1B: _bytes(1),
        0x1C: _bytes(1),
        0xC7: _bytes(2),
        0xCF: _bytes(1),
        0xD7: _bytes(72),
    }


def _radiator() -> dict[int, Command]:
    """WT102."""
    battery = Field("battery_pct", 1, ALL_8)
    valve = Layout("<hx", _T)
    return _device() | {
        0x00: _BATTERY,
        0x01: _TEMPERATURE,
        0x02: _bytes(2),
        0x03: _bytes(2),
        0x04: _bytes(1),
        0x05: _bytes(1),
        0x06: _bytes(2),
        0x07: _bytes(1),
        0x08: _BATTERY,
        0x09: _alarms("10 11 12 13", _TEMPERATURE),
        0x0A: _alarms("20 21", valve),
        0x0B: _alarms("20 21", Layout("<hxB", _T, battery)),
        0x0C: {
            **_alarms("20 21", Layout("<xhh", _T, SKIPPED)),
            **_alarms("22 23", Layout("<xhx", _T)),
        },
        0x0D: _alarms("20 21", Layout("<xh", _T)),
        0x0E: {
            0x00: Layout("<xB", battery),
            0x01: Layout("<hxhB", _T, SKIPPED, battery),
            0x02: Layout("<hxxB", _T, battery),
        },
        0xFF: _bytes(1),
    }


def _fan_coil() -> dict[int, Command]:
    """WT303."""
    noted = "10 11 12 13 14 15 16 17 20 21 22 23 30 31 32 33"
    found = _device() | {kind: _bytes(1) for kind in (0x04, 0x05, 0x06, 0x07, 0x08, 0x0A, 0x0B)}
    return found | {
        0x01: _TEMPERATURE,
        0x02: _HUMIDITY,
        0x03: _bytes(2),
        0x09: _alarms(noted, _TEMPERATURE),
        0x10: _bytes(4),
    }


def _wall() -> dict[int, Command]:
    """WT401."""
    single = (0x03, 0x04, 0x05, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0F)
    return (
        _device()
        | {kind: _bytes(1) for kind in single}
        | {
            0x00: _BATTERY,
            0x01: _TEMPERATURE,
            0x02: _HUMIDITY,
            0x06: _bytes(2),
            0x07: _bytes(2),
        }
    )


_MODELS: Mapping[str, Mapping[int, Command]] = {
    "TS60": _transport(),
    "WT102": _radiator(),
    "WT303": _fan_coil(),
    "WT401": _wall(),
}


def speaks(model: str) -> bool:
    """Whether ``model`` has this encoding."""
    return model.startswith(tuple(_MODELS))


def decode(data: bytes, model: str) -> Content:
    """What ``data`` says; the caller has asked whether the model speaks so."""
    commands = next(each for name, each in _MODELS.items() if model.startswith(name))
    readings: list[Measured] = [Measured({})]
    trouble = ""
    at = 0
    while at < len(data) and not trouble:
        kind = data[at]
        layout, start = _found(commands, data, at)
        end = start + (layout.size if layout else 0)
        if layout is None:
            trouble = f"byte {at}: command 0x{kind:02x} is not known: the rest was left out"
        elif end > len(data):
            trouble = f"byte {at}: it ends in the middle of command 0x{kind:02x}"
        elif kind == _HISTORY:
            readings.append(Measured({}, t=_TIME.read(data, start)["s"] * 1000.0))
        else:
            readings[-1].values.update(layout.read(data, start))
        at = end
    return Content([each for each in readings if each.values], [trouble] if trouble else [])


def _found(commands: Mapping[int, Command], data: bytes, at: int) -> tuple[Layout | None, int]:
    """How the value of the command at ``at`` is read, and where it starts."""
    kind, first = data[at], int.from_bytes(data[at + 1 : at + 2], "big")
    if kind == _HISTORY:
        return _TIME, at + 1
    if kind == _ANSWER:
        return _bytes(1 + (first & 0x0F)), at + 1
    command = commands.get(kind)
    if command is None or isinstance(command, Layout):
        return command, at + 1
    return command.get(first, _bytes(0)), at + 2
