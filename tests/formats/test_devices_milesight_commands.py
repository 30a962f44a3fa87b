"""The encoding of Milesight's later models, by the layouts of the vendor's published decoders."""

from __future__ import annotations

import struct

import pytest

from ingest.formats.devices.milesight import decode
from ingest.formats.devices.payload import Content, Measured, Values

S = 1_750_000_000


def told(model: str, text: str) -> Content:
    return decode(85, bytes.fromhex(text), model)


@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        (
            "TS601",
            "0164 0E00 04340A0000 05C901",
            {"battery_pct": 100, "temperature": 26.12, "humidity": 45.7},
        ),
        ("TS602", "0430F8FFFF", {"temperature": -20}),
        ("TS602-915M", "04FFFFFF7F 05FFFF 0150", {"battery_pct": 80}),
        (
            "TS601",
            "03021234567800000000 0811 340A0000 0913 C901",
            {
                "temperature": 26.12,
                "humidity": 45.7,
            },
        ),
        (
            "TS601",
            "0820 340A0000 64000000 0800 0920 C901 0A00",
            {
                "temperature": 26.12,
                "humidity": 45.7,
            },
        ),
        ("TS601", "0D640000000000 0C01 0700 1110 0A", {"battery_pct": 10}),
        (
            "WT102",
            "0064 01340A 020010 030010 0420 0501 06D007 0732",
            {"battery_pct": 100, "temperature": 26.12},
        ),
        ("WT102", "0E01 340A 20 D007 5F", {"temperature": 26.12, "battery_pct": 95}),
        ("WT102", "0D21 01 340A 0C22 01 340A 50", {"temperature": 26.12}),
        (
            "WT303",
            "01340A 02C901 03D007 0400 0511 0664 0712 08FF 1000000000",
            {"temperature": 26.12, "humidity": 45.7},
        ),
        ("WT303", "0911 340A 0903 0A00", {"temperature": 26.12}),
        (
            "WT401",
            "005F 0130F8 02C901 0801 0300 06D007",
            {"battery_pct": 95, "temperature": -20, "humidity": 45.7},
        ),
        (
            "WT401",
            "DF0101 DB0102030405060708 DA0100010000000000 C801 EF12AABB 01340A",
            {
                "temperature": 26.12,
            },
        ),
    ],
)
def test_values_are_those_of_the_vendor(model: str, text: str, expected: Values) -> None:
    content = told(model, text)
    assert content == Content([Measured(pytest.approx(expected))], [])


def test_what_stands_behind_a_time_was_measured_then() -> None:
    earlier = [b"\xed\x00" + struct.pack("<I", S + n) + b"\x04\x34\x0a\0\0" for n in (0, 60)]
    content = told("TS602", (b"\x01\x64" + b"".join(earlier)).hex())
    assert content == Content(
        [
            Measured({"battery_pct": 100}),
            Measured({"temperature": 26.12}, t=S * 1000),
            Measured({"temperature": 26.12}, t=(S + 60) * 1000),
        ],
        [],
    )


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("0164 04340A0000 F3", "byte 7: command 0xf3 is not known: the rest was left out"),
        ("0164 04340A0000 05C9", "byte 7: it ends in the middle of command 0x05"),
        ("0164 04340A0000 0811", "byte 7: it ends in the middle of command 0x08"),
        ("0164 04340A0000 08", "byte 7: it ends in the middle of command 0x08"),
        ("0164 04340A0000 ED00", "byte 7: it ends in the middle of command 0xed"),
    ],
)
def test_what_is_not_known_ends_it_and_what_came_before_stays(text: str, trouble: str) -> None:
    content = told("TS601", text)
    assert content.readings == [Measured({"battery_pct": 100, "temperature": 26.12})]
    assert content.troubles == [trouble]
