"""Milesight's records of earlier: channel 0x20 or 0x21, type 0xCE, s since 1970, the values.

A record does not tell its length, which depends on the model: where that is not known, a payload is
read in each way, and the one is taken that uses all bytes and gives values that can be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ingest.formats.devices.milesight_channels import NO_TEMPERATURE
from ingest.formats.devices.payload import ALL_8, ALL_16, ALL_32, SKIPPED, Field, Layout, Values

_S = Field("s")
_T = Field("temperature", 10, NO_TEMPERATURE)
_T_2 = Field("temperature_2", 10, NO_TEMPERATURE)
_H = Field("humidity", 2, ALL_8)
_H_WIDE = Field("humidity", 2, ALL_16)
_H_FINE = Field("humidity", 10, ALL_16)
_P = Field("pressure", 10, ALL_16)
_CO2 = Field("co2", 1, ALL_16)
_PM = (Field("pm2_5", 1, ALL_16), Field("pm10", 1, ALL_16))
_LEVEL = Field("light_level", 1, ALL_8)
_LUX = Field("light", 1, ALL_32)
_NOTED = Field("noted")
"""What a record was kept for, or how the values are packed: read by a `Settle`."""

Settle = Callable[[Values, int], bool]
"""Makes what a record holds of its numbers, with its channel; whether they can be such a record."""


def _plain(_found: Values, _channel: int) -> bool:
    return True


def _typed(found: Values, _channel: int) -> bool:
    """AM304L, AM305L: a byte before each value tells whether it is one (1)."""
    valid = {name for name in found if found.get(f"valid_{name}") == 1}
    for name in [name for name in found if name not in valid]:
        del found[name]
    return True


def _ts201(found: Values, _channel: int) -> bool:
    """With a DS18B20 (1) it has no humidity."""
    if found.pop("noted") != 2:
        found.pop("humidity", None)
    return True


def _ts201_first(found: Values, _channel: int) -> bool:
    """Why it was kept, 1 to 3, and above that whether it could be read (0)."""
    read, kept = divmod(int(found.pop("noted")), 16)
    if read:
        found.pop("temperature", None)
    return 1 <= kept <= 4 and read <= 2


def _ts30x(found: Values, _channel: int) -> bool:
    """What each channel noted: 1 to 4 are temperatures, 5 and 6 magnets."""
    noted = divmod(int(found.pop("noted")), 16)
    for kept, name in zip(noted, ("temperature", "temperature_2"), strict=True):
        if not 1 <= kept <= 4:
            found.pop(name, None)
    return max(noted) <= 6


_NOTHING = (-99.9, -100.0, -100.1, -100.2)
"""Of a TS301 or TS302: no sensor, a magnet shut, a magnet open, out of range."""


def _ts30x_v2(found: Values, channel: int) -> bool:
    """Temperature and humidity of one channel, with why each was kept, most often 10. Without what
    its first version never has, or leaves out, it is taken for that."""
    noted = divmod(int(found.pop("noted")), 16)
    absent = [name for name, value in found.items() if value in _NOTHING]
    beside = not noted[1] and found["temperature"] != 0
    for name in absent:
        del found[name]
    if channel == 0x21:
        for name in ("temperature", "humidity"):
            if name in found:
                found[f"{name}_2"] = found.pop(name)
    return bool(absent) or beside or max(noted) > 6 or channel == 0x21


def _wt201(found: Values, _channel: int) -> bool:
    """11 bits of temperature above what its fan does, in 0.1 °C from -100 °C."""
    found["temperature"] = round((int(found.pop("noted")) >> 5) / 10 - 100, 1)
    aim = (int(found.pop("aim")) >> 5) / 10 - 100
    return -40 <= found["temperature"] <= 80 and 0 <= aim <= 50


def _wt201_v2(found: Values, _channel: int) -> bool:
    return 0 <= found.pop("aim") <= 50


def _em320_v2(found: Values, _channel: int) -> bool:
    """Why it was kept."""
    return 1 <= found.pop("noted") <= 40


def _em300_di(found: Values, _channel: int) -> bool:
    """1 a level, 2 pulses."""
    return found.pop("noted") in (0, 1, 2)


class History(NamedTuple):
    """How a record is read.

    ``models``   how the names of those start that send it
    ``guessed``  it is tried where the model is not known
    ``beside``   a channel and type that the payload then has to have too, since little else tells
    """

    models: tuple[str, ...]
    channels: tuple[int, ...]
    layout: Layout
    settle: Settle = _plain
    guessed: bool = True
    beside: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        return self.layout.size

    def read(self, record: bytes, channel: int) -> tuple[float, Values, bool]:
        """When (s since 1970, by the device's clock), what, and whether it can be such a record."""
        found = self.layout.read(record)
        seconds = found.pop("s")
        possible = self.settle(found, channel)
        return seconds, found, possible


def _histories() -> tuple[History, ...]:
    first, both = (0x20,), (0x20, 0x21)
    indoor = (_S, _T, _H_WIDE, SKIPPED, _LEVEL, _CO2, SKIPPED, _P)
    door, leak = Field("door"), Field("leak")
    leaks = ("EM300-SLD", "EM300-ZLD", "EM300-MLD")
    moist = (
        _S,
        Field("conductivity", 1, (0xFFFF, 0xFFFD)),
        Field("temperature", 10, (*NO_TEMPERATURE, -1, -3)),
        Field("soil_moisture", 100, (0xFFFF, 0xFFFD)),
    )
    radar = (_S, Field("distance", 1, (0xFFFF, 0xFFFE, 0xFFFD)), _T, SKIPPED, SKIPPED)
    found = [
        History(("TS101", "EM500-PT100"), first, Layout("<Ih", _S, _T), beside=(0x03, 0x67)),
        History(("EM320-TH", "EM330-TH", "AM102"), first, Layout("<IhB", _S, _T, _H)),
        History(("EM320-TH",), first, Layout("<IhHB", _S, _T, _H_FINE, _NOTED), _em320_v2),
        History(("EM300-MCS",), first, Layout("<IhBB", _S, _T, _H, door), guessed=False),
        History(leaks, first, Layout("<IhBB", _S, _T, _H, leak), guessed=False),
        History(("EM300-TH",), first, Layout("<IhBx", _S, _T, _H)),
        History(("AM103",), first, Layout("<IhBH", _S, _T, _H, _CO2)),
        History(("TS201",), first, Layout("<IBhBx", _S, _NOTED, _T, _H), _ts201, guessed=False),
        History(("TS201",), first, Layout("<IBh", _S, _NOTED, _T), _ts201_first),
        History(
            ("TS301", "TS302"), first, Layout("<IBhh", _S, _NOTED, _T, _T_2), _ts30x, guessed=False
        ),
        History(
            ("TS301", "TS302"),
            both,
            Layout("<IBhh", _S, _NOTED, Field("humidity", 10), Field("temperature", 10)),
            _ts30x_v2,
            guessed=False,
        ),
        History(("EM500-SMTC",), first, Layout("<IHhH", *moist)),
        History(("EM500-CO2",), first, Layout("<IHHhB", _S, _CO2, _P, _T, _H)),
        History(("EM500-LGT",), first, Layout("<II", _S, _LUX), guessed=False),
        History(("EM410-RDL",), first, Layout("<IHhhB", *radar), beside=(0x04, 0x82)),
        History(("AT101",), first, Layout("<I8x", _S), guessed=False),
        History(("EM300-DI",), first, Layout("<IhBB5x", _S, _T, _H, _NOTED), _em300_di),
        History(("EM300-DI",), (0x21,), Layout("<IhB11x", _S, _T, _H)),
        History(("WT201",), first, Layout("<IHH", _S, _NOTED, Field("aim")), _wt201),
        History(("WT201",), first, Layout("<I2xh2xhB", _S, Field("aim", 10), _T, _H), _wt201_v2),
        History(("AM307",), both, Layout("<IhHBBHHH", *indoor)),
        History(("AM307",), both, Layout("<IhHBBHHHI", *indoor, _LUX)),
        History(("AM308",), both, Layout("<IhHBBHHHHH", *indoor, *_PM)),
        History(("AM319",), both, Layout("<IhHBBHHHHHH", *indoor, *_PM, SKIPPED)),
    ]
    for channel, rain in ((0x20, "H"), (0x21, "I")):
        weather = (
            _S,
            _T,
            _H,
            _P,
            Field("wind_direction", 10, (0x7FFF, -0x8000)),
            Field("wind_speed", 10, ALL_16),
            Field("rain", 100, (*ALL_16, *ALL_32)),
        )
        found.append(History(("WTS",), (channel,), Layout(f"<IhBHhH{rain}", *weather)))
        light = "light_level" if channel == 0x20 else "light"
        typed = (
            _S,
            Field("valid_temperature"),
            _T,
            Field("valid_humidity"),
            _H,
            Field(f"valid_{light}"),
            Field(light),
        )
        co2 = (Field("valid_co2"), _CO2)
        found += [
            History(("AM304",), (channel,), Layout("<IBhBB3xBH", *typed), _typed),
            History(("AM305",), (channel,), Layout("<IBhBB3xBHBH", *typed, *co2), _typed),
        ]
    return tuple(found)


_HISTORIES = _histories()


def histories(channel: int, model: str) -> tuple[list[History], list[History]]:
    """The ways that ``model`` has, and others to try where these do not fit."""
    here = [each for each in _HISTORIES if channel in each.channels]
    known = [each for each in here if model and model.startswith(each.models)]
    return known, [each for each in here if each.guessed and each not in known]
