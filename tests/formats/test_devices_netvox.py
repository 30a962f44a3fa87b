"""Netvox's reports, by device type and report type."""

from __future__ import annotations

import pytest

from ingest.formats.devices.netvox import decode
from ingest.formats.devices.payload import Content, Measured, Values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("010B0124 0670 1A9E 000000", {"temperature": 16.48, "humidity": 68.14, "battery": 3.6}),
        ("010B019E FC18 1A9E 000000", {"temperature": -10, "humidity": 68.14, "battery": 3}),
        ("010B0124 FFFF FFFF 000000", {"temperature": -0.01, "battery": 3.6}),
        ("010B0100 7FFF 1388 000000", {"humidity": 50}),
        ("01010124 0670 1A9E 000000", {"temperature": 16.48, "humidity": 68.14, "battery": 3.6}),
        ("01130124 0670 1A9E 000000", {"temperature": 16.48, "humidity": 68.14, "battery": 3.6}),
        ("016E0124 0670 1A9E 000000", {"temperature": 16.48, "humidity": 68.14, "battery": 3.6}),
        ("019C0124 0670 0000000000 00", {"temperature": 16.48, "battery": 3.6}),
        ("01950124 00A5 000000000000", {"temperature": 16.5, "battery": 3.6}),
        ("01950124 FF5B 000000000000", {"temperature": -16.5, "battery": 3.6}),
        (
            "01140124 00A5 FF5B 00000000",
            {"temperature": 16.5, "temperature_2": -16.5, "battery": 3.6},
        ),
        (
            "013C0224 00A5 FF5B 00000000",
            {"temperature_3": 16.5, "temperature_4": -16.5, "battery": 3.6},
        ),
        (
            "01350124 0670 1A9E 000C 0000",
            {"temperature": 16.48, "humidity": 68.14, "pm2_5": 12, "battery": 3.6},
        ),
        (
            "01050C00 0670 1A9E 0096 0000",
            {"temperature": 16.48, "humidity": 68.14, "wind_speed": 1.5},
        ),
        ("01050C24 FFFF FFFF FFFF 0000", {"battery": 3.6}),
        ("01050D00 00B4 000188E4 0000", {"wind_direction": 180, "pressure": 1005.8}),
        ("01050824 0001 0002 0003 0000", {"battery": 3.6}),
        (
            "01030124 0670 0320 0100 0000",
            {"temperature": 16.48, "light": 800, "occupancy": 1, "battery": 3.6},
        ),
        ("01700124 000188E4 0670 0000", {"pressure": 1005.8, "temperature": 16.48, "battery": 3.6}),
        (
            "01A50124 000C 0670 1A9E 0000",
            {"tvoc": 12, "temperature": 16.48, "humidity": 68.14, "battery": 3.6},
        ),
        ("01340124 01 0064 00A5 0000 00", {"distance": 100, "temperature": 16.5, "battery": 3.6}),
        (
            "01AC0124 FFF6 00A5 00000000",
            {"pressure_difference": -1, "temperature": 16.5, "battery": 3.6},
        ),
        ("011E0124 0001 86A0 00000000", {"light": 100_000, "battery": 3.6}),
    ],
)
def test_values_are_those_of_the_vendor(text: str, expected: Values) -> None:
    content = decode(6, bytes.fromhex(text), "")
    assert content == Content([Measured(pytest.approx(expected))], [])


def test_a_report_of_the_r900_series_has_a_type_of_two_bytes() -> None:
    content = decode(22, bytes.fromhex("01 0109 01 24 0670 1A9E 0000"), "")
    assert content.readings == [Measured({"temperature": 16.48, "humidity": 68.14, "battery": 3.6})]


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (6, "010B000A0B20170503 0000"),  # versions, after a start
        (7, "810B00000000000000 0000"),
        (14, "8101000000000000000000"),
    ],
)
def test_versions_and_answers_are_no_reading_and_no_trouble(port: int, text: str) -> None:
    assert decode(port, bytes.fromhex(text), "") == Content([], [])


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", " is too short for a report"),
        ("010B01", "010b01 is too short for a report"),
        ("010B0124 0670", "it ends in the middle: a report of device type 0x0b is longer"),
        ("01FA0124 0670 1A9E 000000", "device type 0xfa with report type 1 is not known"),
        ("010B0724 0670 1A9E 000000", "device type 0x0b with report type 7 is not known"),
        ("770B0124 0670 1A9E 000000", "version 119 of the application command is not known"),
    ],
)
def test_what_cannot_be_used_is_told(text: str, trouble: str) -> None:
    content = decode(6, bytes.fromhex(text), "")
    assert content.readings == []
    assert content.troubles[0].startswith(trouble)
