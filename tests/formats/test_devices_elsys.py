"""Elsys' types and offsets, by the vendor's published examples."""

from __future__ import annotations

import pytest

from ingest.formats.devices.elsys import decode
from ingest.formats.devices.payload import Content, Measured, Values


def told(text: str) -> Content:
    return decode(5, bytes.fromhex(text), "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "0100E2 0229 040027 0506 060308 070D62 1900E2 1900A3",
            {
                "temperature": 22.6,
                "humidity": 41,
                "light": 39,
                "motion": 6,
                "co2": 776,
                "battery": 3.426,
                "probe_2": 22.6,
                "probe_3": 16.3,
            },
        ),
        (
            "0100E2 0229 040027 0506",
            {"temperature": 22.6, "humidity": 41, "light": 39, "motion": 6},
        ),
        ("01FF9C 0263", {"temperature": -10, "humidity": 99}),
        ("01FFFF", {"temperature": -0.1}),
        ("017FFF 02FF 0232", {"humidity": 50}),
        ("0CFF38 0C00C8 0264", {"probe": -20, "probe_2": 20, "humidity": 100}),
        ("14000F7314", {"pressure": 1012.5}),
        ("14000F6C3B", {"pressure": 1010.747}),
        ("1000C800FA", {"ir_temperature": 25}),
        ("033F00C1", {"acceleration_x": 1, "acceleration_y": 0, "acceleration_z": -1}),
        ("0D01 1201 0F05 1102", {"digital_1": 1, "leak": 1, "movements": 5, "occupancy": 2}),
        ("0B00000102 0A0003 1C0123", {"pulses_total_1": 258, "pulses_1": 3, "tvoc": 291}),
        ("07FFFF 0700C8", {"battery": 0.2}),
        ("09" + "00" * 6 + "13" + "11" * 65 + "0100C8", {"temperature": 20}),
    ],
)
def test_values_are_those_of_the_vendor(text: str, expected: Values) -> None:
    content = told(text)
    assert content == Content([Measured(pytest.approx(expected))], [])


def test_samples_of_earlier_are_told_apart_by_how_long_ago_they_were_taken() -> None:
    content = told("0100E2 0229 4100DC3C 82280E10 4100D63C C10064 00015180")
    assert content.troubles == []
    assert content.readings == [
        Measured({"temperature": 22.6, "humidity": 41}),
        Measured({"temperature": 21.4}, ago=60_000),
        Measured({"humidity": 40}, ago=3_600_000),
        Measured({"temperature": 10}, ago=86_400_000),
    ]


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("0100E2 2A01", "byte 3: type 0x2a is not known: the rest was left out"),
        ("0100E2 00", "byte 3: type 0x00 is not known"),
        ("0100E2 0700", "byte 3: it ends in the middle of type 0x07"),
        ("0100E2 0100", "byte 3: it ends in the middle of type 0x01"),
        ("0100E2 820A 0E", "byte 3: it ends in the middle of type 0x02"),
    ],
)
def test_what_is_not_known_ends_it_and_what_came_before_stays(text: str, trouble: str) -> None:
    content = told(text)
    assert content.readings == [Measured({"temperature": 22.6})]
    (said,) = content.troubles
    assert said.startswith(trouble)


def test_the_settings_after_a_start_are_no_reading_and_no_trouble() -> None:
    assert told("3E2201A81758FFFE030001") == Content([], [])


AIR = {"temperature": 22.6, "humidity": 41}
MOVED = {"acceleration_x": 1 / 63, "acceleration_y": 39 / 63, "acceleration_z": 5 / 63}
ROOM = AIR | {"light": 39, "motion": 6}
EXAMPLES: dict[str, tuple[str, Values]] = {
    "elt-2": ("0100E2 0229 03012705 1406010111", AIR | MOVED | {"pressure": 100_729.105}),
    "elt-ultrasonic": (
        "0100E2 0229 03012705 1406010111 0E2311",
        AIR | MOVED | {"pressure": 100_729.105, "distance": 8977},
    ),
    "ems": (
        "0100E2 0229 03012705 0A1101 1211 0A2111",
        AIR | MOVED | {"pulses_1": 8465, "leak": 17},
    ),
    "ems-desk": ("0100E2 0229 03012705 1102", AIR | MOVED | {"occupancy": 2}),
    "ems-door": (
        "03012705 0A1101 0B000A0011",
        MOVED | {"pulses_1": 4353, "pulses_total_1": 655_377},
    ),
    "ems-lite": ("0100E2 0229 1211", AIR | {"leak": 17}),
    "ers": ("0100E2 0229 040027 0506", ROOM),
    "ers-co2": ("0100E2 0229 040027 0506 060308", ROOM | {"co2": 776}),
    "ers-co2-lite": ("0100E2 0229 060308", AIR | {"co2": 776}),
    "ers-eye": ("0100E2 0229 040027 0506 1101", ROOM | {"occupancy": 1}),
    "ers-lite": ("0100E2 0229", AIR),
    "ers-sound": ("0100E2 0229 040027 0506 150101", ROOM | {"sound_peak": 1, "sound_mean": 1}),
    # of thingsboard/data-converters
    "ERS2 Sound": (
        "0100E2 0229 040027 0506 070D62 150710",
        ROOM | {"battery": 3.426, "sound_peak": 7, "sound_mean": 16},
    ),
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples_of_the_device_repository(text: str, expected: Values) -> None:
    """TheThingsNetwork/lorawan-devices, vendor/elsys: the codecs' examples."""
    assert told(text) == Content([Measured(pytest.approx(expected))], [])
