"""What a device's payload holds, whoever decoded it. Pure."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Values = dict[str, float]
"""Quantity -> value, in the units of `lots.readings.batch.ReadingBatch`."""


class Measured(NamedTuple):
    """What was measured at one time."""

    values: Values
    t: float | None = None  # ms since 1970 by the device's clock; None: as the uplink was sent
    ago: int = 0  # ms that it was measured before the uplink, where ``t`` is None


class Content(NamedTuple):
    """What a payload says. No readings and no troubles: it says how the device is, no more."""

    readings: list[Measured]
    troubles: list[str]  # what could not be used, and why


Decode = Callable[[int | None, bytes, str], Content]
"""FPort, payload and the model's name ("" where unknown) -> what it says; never raises."""


class Field(NamedTuple):
    """A number in a payload: its quantity, what it is divided by, what means not measured."""

    quantity: str
    divisor: float = 1.0
    absent: tuple[int, ...] = ()


class Layout:
    """Numbers in a row, as `struct` reads them; padding ("x") has no field."""

    def __init__(self, form: str, *fields: Field) -> None:
        self._struct = struct.Struct(form)
        self._fields = fields
        self.size = self._struct.size

    def read(self, data: bytes, at: int = 0) -> Values:
        """The values at ``at``; the caller has made sure that ``size`` bytes are there."""
        numbers: Sequence[int] = self._struct.unpack_from(data, at)
        return {
            field.quantity: number / field.divisor
            for field, number in zip(self._fields, numbers, strict=True)
            if field.quantity and number not in field.absent
        }


NO_16 = (0x7FFF, -0x8000)
"""In signed 16 bits: not measured. All ones are a temperature just below zero."""

ALL_8, ALL_16, ALL_32 = (0xFF,), (0xFFFF,), (0xFFFF_FFFF,)
"""Without a sign: not measured."""

SKIPPED = Field("")

CLIMATE = frozenset(["temperature", "humidity", "probe"])
"""What the device is there for: a payload with one of them says what was to be known."""

_TELLING = CLIMATE | {"pressure", "battery", "battery_pct", "co2", "light"}
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature": (-60, 100),
    "probe": (-60, 150),
    "humidity": (0, 101),
    "pressure": (500, 1100),
    "battery": (1.5, 30),
    "battery_pct": (0, 100),
    "co2": (0, 20_000),
    "light": (0, 200_000),
    "light_level": (0, 10),
    "soil_moisture": (0, 100),
    "wind_direction": (0, 360),
    "wind_speed": (0, 100),
}
_DEVICE_CLOCK = (1_400_000_000_000, 2_100_000_000_000)  # 2014 to 2036, in ms


def plausible(readings: Sequence[Measured]) -> bool:
    """Whether these can be measured values, such as a wrong decoder would hardly find."""
    return any(_TELLING & one.values.keys() for one in readings) and all(
        _possible(one) for one in readings
    )


def live(readings: Sequence[Measured]) -> list[Measured]:
    """Those of the uplink's own time."""
    return [one for one in readings if one.t is None]


def timely(one: Measured) -> bool:
    """Whether its time, if the device gave one, is one that a set clock can say."""
    return one.t is None or _DEVICE_CLOCK[0] <= one.t <= _DEVICE_CLOCK[1]


def _possible(one: Measured) -> bool:
    if not timely(one):
        return False
    bounded = ((value, _BOUNDS[name]) for name, value in one.values.items() if name in _BOUNDS)
    return all(low <= value <= high for value, (low, high) in bounded)


def in_hex(data: bytes) -> str:
    """``data`` in a reason: short."""
    return data[:24].hex() + ("…" if len(data) > 24 else "")
