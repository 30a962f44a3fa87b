"""Milesight's records of earlier: channel 0x20 or 0x21, type 0xCE, s since 1970, the values.

A record does not tell its length, which depends on the model: where that is not known, a payload is
read in each way, and the one is taken that uses all bytes and gives values that can be.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.formats.devices.payload import (
    ALL_8,
    ALL_16,
    ALL_32,
    NO_16,
    SKIPPED,
    Field,
    Layout,
    Values,
)

_S = Field("s")
_T = Field("temperature", 10, NO_16)
_H = Field("humidity", 2, ALL_8)
_H_WIDE = Field("humidity", 2, ALL_16)
_P = Field("pressure", 10, ALL_16)
_CO2 = Field("co2", 1, ALL_16)
_PM = (Field("pm2_5", 1, ALL_16), Field("pm10", 1, ALL_16))
_LEVEL = Field("light_level", 1, ALL_8)


class History(NamedTuple):
    """How a record is read.

    ``models``   how the names of those start that send it
    ``guessed``  it is tried where the model is not known
    ``typed``    a byte before each value tells whether it is one (1)
    """

    models: tuple[str, ...]
    channel: int
    layout: Layout
    guessed: bool = True
    typed: bool = False

    @property
    def size(self) -> int:
        return self.layout.size

    def read(self, record: bytes) -> tuple[float, Values]:
        """When (s since 1970, by the device's clock), and what."""
        found = self.layout.read(record)
        seconds = found.pop("s")
        if self.typed:
            found = {
                name: value
                for name, value in found.items()
                if not name.startswith("valid_") and found.get(f"valid_{name}") == 1
            }
        if "sensor" in found and found.pop("sensor") != 2:  # TS201 with a DS18B20: no humidity
            found.pop("humidity", None)
        for channel, name in ((4, "temperature"), (0, "temperature_2")):
            # TS301, TS302: what a channel noted; 1 to 4 are temperatures
            if "noted" in found and not 1 <= (int(found["noted"]) >> channel & 0x0F) <= 4:
                found.pop(name, None)
        found.pop("noted", None)
        return seconds, found


def _histories() -> tuple[History, ...]:
    indoor = (_S, _T, _H_WIDE, SKIPPED, _LEVEL, _CO2, SKIPPED, _P)
    found = [
        History(("TS101", "EM500-PT100"), 0x20, Layout("<Ih", _S, _T)),
        History(("EM320-TH", "EM330-TH", "AM102"), 0x20, Layout("<IhB", _S, _T, _H)),
        History(("EM300-MCS",), 0x20, Layout("<IhBB", _S, _T, _H, Field("door")), guessed=False),
        History(
            ("EM300-SLD", "EM300-ZLD"),
            0x20,
            Layout("<IhBB", _S, _T, _H, Field("leak")),
            guessed=False,
        ),
        History(("EM300-TH",), 0x20, Layout("<IhBx", _S, _T, _H)),
        History(("AM103",), 0x20, Layout("<IhBH", _S, _T, _H, _CO2)),
        History(("TS201",), 0x20, Layout("<IBhBx", _S, Field("sensor"), _T, _H), guessed=False),
        History(("TS201",), 0x20, Layout("<Ixh", _S, _T), guessed=False),  # its first version
        History(
            ("TS301", "TS302"),
            0x20,
            Layout("<IBhh", _S, Field("noted"), _T, Field("temperature_2", 10, NO_16)),
            guessed=False,
        ),
        History(
            ("EM500-SMTC",),
            0x20,
            Layout(
                "<IHhH",
                _S,
                Field("conductivity", 1, (0xFFFF, 0xFFFD)),
                Field("temperature", 10, (*NO_16, -1, -3)),
                Field("soil_moisture", 100, (0xFFFF, 0xFFFD)),
            ),
        ),
        History(("EM500-CO2",), 0x20, Layout("<IHHhB", _S, _CO2, _P, _T, _H)),
        History(("EM500-LGT",), 0x20, Layout("<II", _S, Field("light", 1, ALL_32)), guessed=False),
        History(("EM300-DI",), 0x20, Layout("<IhB6x", _S, _T, _H)),
        History(("EM300-DI",), 0x21, Layout("<IhB11x", _S, _T, _H)),
    ]
    for channel, rain in ((0x20, "H"), (0x21, "I")):
        weather = (
            _S,
            _T,
            _H,
            _P,
            Field("wind_direction", 10, NO_16),
            Field("wind_speed", 10, ALL_16),
        )
        total = Field("rain", 100, (*ALL_16, *ALL_32))
        found.append(History(("WTS",), channel, Layout(f"<IhBHhH{rain}", *weather, total)))
    for channel in (0x20, 0x21):
        found += [
            History(("AM307",), channel, Layout("<IhHBBHHH", *indoor)),
            History(("AM308",), channel, Layout("<IhHBBHHHHH", *indoor, *_PM)),
            History(("AM319",), channel, Layout("<IhHBBHHHHHH", *indoor, *_PM, SKIPPED)),
        ]
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
            History(("AM304",), channel, Layout("<IBhBB3xBH", *typed), typed=True),
            History(("AM305",), channel, Layout("<IBhBB3xBHBH", *typed, *co2), typed=True),
        ]
    return tuple(found)


_HISTORIES = _histories()


def histories(channel: int, model: str) -> tuple[list[History], list[History]]:
    """The ways that ``model`` has, and others to try where these do not fit."""
    here = [each for each in _HISTORIES if each.channel == channel]
    known = [each for each in here if model and model.startswith(each.models)]
    return known, [each for each in here if each.guessed and each not in known]
