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
        ("01050324 000001 0002 0003", {"battery": 3.6}),
        ("01050824 02BC 09C4 0003 0000", {"probe": 25, "battery": 3.6}),  # of water
        ("01570924 0001 FF38 0003 0000", {"probe": -2, "battery": 3.6}),
        ("01580A24 09C4 FFFF 0003 0000", {"battery": 3.6}),
        ("01050B24 09C4 0001 0003 0000", {"probe": 25, "battery": 3.6}),
        ("01581024 03E8 09C4 0003 0000", {"probe": 25, "battery": 3.6}),  # of soil
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


EXAMPLES = {
    "R711": ("0101011E09EA1A90000000", {"temperature": 25.38, "humidity": 68, "battery": 3}),
    "R718A": ("010B012409EA1A90000000", {"temperature": 25.38, "humidity": 68, "battery": 3.6}),
    "R718AD": ("019C012409EA0000000000", {"temperature": 25.38, "battery": 3.6}),
    "R718B": ("0195012400FD0000000000", {"temperature": 25.3, "battery": 3.6}),
    "R718B2": (
        "0114012400FD016D000000",
        {"temperature": 25.3, "temperature_2": 36.5, "battery": 3.6},
    ),
    "R718CJ4": (
        "0138012400FD016D000000",
        {"temperature": 25.3, "temperature_2": 36.5, "battery": 3.6},
    ),
    "R718CJ4, second": (
        "0138022402320271000000",
        {"temperature_3": 56.2, "temperature_4": 62.5, "battery": 3.6},
    ),
    "R718E": ("011C0124B340B2C06A3E00", {"battery": 3.6}),
    "R718E, second": ("011C02333D003CB340FF97", {"temperature": -10.5}),
    "R718EA": ("019A012400CEA6FF970000", {"temperature": -10.5, "battery": 3.6}),
    "R718PA22": ("019B017709C10019000000", {"temperature": 25, "battery": 11.9}),
    "R718X": (
        "0134012401012C0107320A",
        {"temperature": 26.3, "distance": 300, "battery": 3.6},
    ),
    "R718Y": (
        "01AC012403E800FD000000",
        {"temperature": 25.3, "pressure_difference": 100, "battery": 3.6},
    ),
    "R720C": (
        "0170012400018BCD09C500",
        {"temperature": 25.01, "pressure": 1013.25, "battery": 3.6},
    ),
    "R720E": (
        "01A5012400640A46177000",
        {"temperature": 26.3, "humidity": 60, "tvoc": 100, "battery": 3.6},
    ),
    "RA02A": ("010A011E010104B0000000", {"temperature": 120, "battery": 3}),
    "RA0715": (
        "01050C78F83003E8FFFF00",
        {"temperature": -20, "humidity": 10, "battery": 12},
    ),
    "RA0715, CO2": ("010507781388FFFFFFFF00", {"co2": 500, "battery": 12}),
    "RA0716": (
        "0135012409EA1A90012C00",
        {"temperature": 25.38, "humidity": 68, "pm2_5": 300, "battery": 3.6},
    ),
    "RB11E": (
        "010301240A4B0078010000",
        {"temperature": 26.35, "light": 120, "occupancy": 1, "battery": 3.6},
    ),
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples_of_the_device_repository(text: str, expected: Values) -> None:
    """TheThingsNetwork/lorawan-devices, vendor/netvox: the codecs' examples."""
    content = decode(6, bytes.fromhex(text), "")
    assert content == Content([Measured(pytest.approx(expected))], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0301110178 0708 044C 0000", {"temperature": 18, "humidity": 11, "battery": 12}),
        ("03010A0178 0708 0400 0000", {"temperature": 18, "battery": 12}),
        ("0301120178 0708 0400 0000", {"temperature": 18, "battery": 12}),
        (
            "0301070178 0BB8 09C4 01F4 0000",
            {"soil_moisture": 30, "probe": 25, "battery": 12},
        ),
        ("03010601 02BC 09C4 0064 FF38 0032 0000 00", {"probe": 25, "probe_2": -2}),
    ],
)
def test_the_others_of_the_r900_series(text: str, expected: Values) -> None:
    """Likewise: R900A01O1, R900A02, R900A02O1; R900PB02 and R900PD01 by their decoders."""
    content = decode(22, bytes.fromhex(text), "")
    assert content == Content([Measured(pytest.approx(expected))], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "01BB0124 09EA 1A90 01F4 00 00",
            {"temperature": 25.38, "humidity": 68, "co2": 500, "battery": 3.6},
        ),
        ("01BB0124 FC18 1A90 FFFF 01 00", {"temperature": -10, "humidity": 68, "battery": 3.6}),
        ("01BB0124 FFFF FFFF 01F4 00 00", {"co2": 500, "battery": 3.6}),
        ("01BB0224 00018BCD 000078 00", {"pressure": 1013.25, "battery": 3.6}),
        ("01BB0224 FFFFFFFF 000078 00", {"battery": 3.6}),
    ],
)
def test_an_r718ubb_says_what_is_plugged_in(text: str, expected: Values) -> None:
    """By vendor/netvox/payload/r718ub.js of the device repository."""
    content = decode(6, bytes.fromhex(text), "")
    assert content == Content([Measured(pytest.approx(expected))], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("010507002134FFFFFFFF00", {"co2": 850}),
        ("01050C0009C42328FFFF00", {"temperature": 25, "humidity": 90}),
    ],
)
def test_a_hub_on_mains_has_no_battery(text: str, expected: Values) -> None:
    """thingsboard/data-converters: the uplinks of RA0715."""
    content = decode(6, bytes.fromhex(text), "")
    assert content == Content([Measured(pytest.approx(expected))], [])
