"""Dragino's layouts, by the vendor's manuals and published examples."""

from __future__ import annotations

import pytest

from ingest.formats.devices.dragino import decode
from ingest.formats.devices.payload import Content, Measured, Values

T0 = 0x60065F97
"""2021-01-19 04:27:03 UTC, as in the LHT65 manual's example of a datalog."""


@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        (
            "LHT65",
            "CBF6 0B0D 0376 01 0ADD 7FFF",
            {"battery": 3.062, "temperature": 28.29, "humidity": 88.6, "probe": 27.81},
        ),
        (
            "LHT65",
            "CBF6 F5C6 0376 00 7FFF 7FFF",
            {"battery": 3.062, "temperature": -26.18, "humidity": 88.6},
        ),
        (
            "LHT65N",
            "CBF6 0B0D 0376 81 7FFF 7FFF",
            {"battery": 3.062, "temperature": 28.29, "humidity": 88.6},
        ),
        (
            "LHT65N",
            "CBF6 0B0D 0376 02 F63C 7FFF",
            {"battery": 3.062, "temperature": 28.29, "humidity": 88.6, "probe": -25},
        ),
        (
            "LHT65N",
            "CBF6 0B0D 0376 05 0320 7FFF",
            {"battery": 3.062, "temperature": 28.29, "humidity": 88.6, "light": 800},
        ),
        (
            "LHT65N",
            "CBF6 0B0D 0376 04 0100 FFFF",
            {"battery": 3.062, "temperature": 28.29, "humidity": 88.6},
        ),
        (
            "LHT65N",
            "0ADD 0B0D C376 09 60065F97",
            {"probe": 27.81, "temperature": 28.29, "humidity": 88.6},
        ),
        (
            "LHT65N",
            "CBF6 0B0D 0376 0B 0ADD 01F4",
            {
                "battery": 3.062,
                "temperature": 28.29,
                "humidity": 88.6,
                "probe": 27.81,
                "probe_humidity": 50,
            },
        ),
        ("LHT65N", "CBF6 2811 2233 0F 44556677", {"battery": 3.062}),
        ("LHT65N", "CBF6 7FFF 0FFF 01 7FFF 7FFF", {"battery": 3.062}),
        ("LHT52", "08CD 0220 7FFF 01 61CD4EDD", {"temperature": 22.53, "humidity": 54.4}),
        (
            "LHT52",
            "F5C6 0220 0ADD 01 61CD4EDD",
            {"temperature": -26.18, "humidity": 54.4, "probe": 27.81},
        ),
        (
            "LSN50-V2",
            "0B54 0000 0000 00 00FC 0205",
            {"battery": 2.9, "temperature": 25.2, "humidity": 51.7},
        ),
        (
            "SN50V3-LB",
            "0CE4 FF9C 0000 00 00FC 0205",
            {"battery": 3.3, "probe": -10, "temperature": 25.2, "humidity": 51.7},
        ),
        ("SN50V3-LB", "0CE4 7FFF 0000 00 7FFF FFFF", {"battery": 3.3}),
        ("SN50V3-LB", "0CE4 7FFF 0000 00 0320 0000", {"battery": 3.3, "light": 800}),
        (
            "SN50V3-LB",
            "0CE4 00FC 0000 0C FF9C 7FFF",
            {"battery": 3.3, "temperature": 25.2, "temperature_2": -10},
        ),
        (
            "SN50V3-LB",
            "0CE4 00FC 0205 2C 00000000",
            {"battery": 3.3, "temperature": 25.2, "humidity": 51.7},
        ),
        (
            "SN50V3-LB",
            "0000 0000 0000 08 00FC 0205 21",
            {"battery": 3.3, "temperature": 25.2, "humidity": 51.7},
        ),
        ("D20-LB", "0CE4 00FC 0000 0C 7FFF 7FFF", {"battery": 3.3, "temperature": 25.2}),
        (
            "S31-LB",
            "0CE4 60065F97 00 00FC 0205",
            {"battery": 3.3, "temperature": 25.2, "humidity": 51.7},
        ),
        (
            "LSN50V2-S31B",
            "0CE4 60065F97 00 00FC 0205",
            {"battery": 3.3, "temperature": 25.2, "humidity": 51.7},
        ),
        (
            "S31-LB",
            "0CE4 0000 0000 00 00FC 0205",
            {"battery": 3.3, "temperature": 25.2, "humidity": 51.7},
        ),
    ],
)
def test_values_are_those_of_the_vendor(model: str, text: str, expected: Values) -> None:
    content = decode(2, bytes.fromhex(text), model)
    assert content == Content([Measured(pytest.approx(expected))], [])


@pytest.mark.parametrize(
    "text",
    [
        "CBF6 0B0D 0376 01 0ADD 7FFF",
        "08CD 0220 7FFF 01 61CD4EDD",
        "0B54 0000 0000 00 00FC 0205",
        "0CE4 60065F97 00 00FC 0205",
    ],
)
def test_without_the_model_the_layout_is_taken_that_fits_alone(text: str) -> None:
    content = decode(2, bytes.fromhex(text), "")
    assert content.troubles == []
    assert {"temperature", "humidity"} <= content.readings[0].values.keys()


def lht65(t: int, temperature: int, humidity: int, flag: int = 0x41, ext: int = 0x7FFF) -> bytes:
    fields = [ext.to_bytes(2, "big"), temperature.to_bytes(2, "big", signed=True)]
    fields += [humidity.to_bytes(2, "big"), bytes([flag]), t.to_bytes(4, "big")]
    return b"".join(fields)


@pytest.mark.parametrize("flag", [0x41, 0x81])
def test_a_datalog_of_an_lht65_has_the_time_of_each_record(flag: int) -> None:
    data = lht65(T0, 2200, 326, flag) + lht65(T0 + 114, -2190, 331, flag, ext=2781)
    for model in ("LHT65", "LHT65N"):
        content = decode(2, data, model)
        assert content.troubles == []
        assert content.readings == [
            Measured({"temperature": 22, "humidity": 32.6}, t=T0 * 1000),
            Measured({"temperature": -21.9, "humidity": 33.1, "probe": 27.81}, t=(T0 + 114) * 1000),
        ]


def test_a_datalog_is_recognised_without_the_model() -> None:
    content = decode(2, lht65(T0, 2200, 326), "")
    assert content.readings == [Measured({"temperature": 22, "humidity": 32.6}, t=T0 * 1000)]


def test_datalogs_of_others_have_the_time_of_each_record() -> None:
    record = bytes.fromhex("08CD 0220 0ADD 01") + T0.to_bytes(4, "big")
    content = decode(3, record * 2, "LHT52")
    expected = {"temperature": 22.53, "humidity": 54.4, "probe": 27.81}
    assert content.readings == [Measured(expected, t=T0 * 1000)] * 2


@pytest.mark.parametrize("start", ["0000 00FC 0205 00", "0CE4 00 00FC 0205"])
def test_a_datalog_of_an_s31_is_read_where_it_can_be(start: str) -> None:
    """The second as vendor/dragino/s31b v1.8decoder.js of the device repository has it."""
    record = bytes.fromhex(start) + T0.to_bytes(4, "big")
    for port, data in ((3, record), (3, record * 2), (2, record * 2)):
        content = decode(port, data, "S31-LB")
        expected = Measured({"temperature": 25.2, "humidity": 51.7}, t=T0 * 1000)
        assert content == Content([expected] * (len(data) // 11), [])


@pytest.mark.parametrize(
    ("port", "text", "expected"),
    [
        (2, "0CE4 04 0000000A 00000003", {"battery": 3.3}),
        (
            2,
            "0CE4 0A 0000000A F63C 0205",
            {"battery": 3.3, "temperature": -25, "humidity": 51.7},
        ),
        (2, "0CE4 0D 09C4 0245 0000000A", {"battery": 3.3, "temperature": 25, "humidity": 58.1}),
        (2, "0CE4 0A 0000000A 7FFF FFFF", {"battery": 3.3}),
        (7, "0CE4 0001 0002 0003", None),
        (9, "0CE4 0001 0002 0003", None),
    ],
)
def test_an_lht65n_vib_says_the_air_by_mode(port: int, text: str, expected: Values | None) -> None:
    """By the vendor's decoder, dragino/dragino-end-node-decoder, LHT65N-VIB."""
    content = decode(port, bytes.fromhex(text), "LHT65N-VIB")
    assert content == Content([] if expected is None else [Measured(expected)], [])


def test_an_lht65n_pir_has_the_air_beside_its_movements() -> None:
    """By the vendor's decoder, dragino/dragino-end-node-decoder, LHT65N-PIR."""
    data = bytes.fromhex("CBF6 0B0D 0376 0E 01000007")
    expected = {"battery": 3.062, "temperature": 28.29, "humidity": 88.6}
    assert decode(2, data, "LHT65N-PIR") == Content([Measured(pytest.approx(expected))], [])
    assert decode(2, data, "LHT65N").readings == [Measured({"battery": 3.062})]  # an identifier
    record = lht65(T0, 2200, 326, 0x4E)
    expected = {"temperature": 22, "humidity": 32.6}
    assert decode(2, record, "LHT65N-PIR").readings == [Measured(expected, t=T0 * 1000)]


def test_an_lht65n_vib_has_records_too() -> None:
    at = T0.to_bytes(4, "big")
    air = bytes.fromhex("0007 09C4 0205 4A") + at
    expected = Measured({"temperature": 25, "humidity": 51.7}, t=T0 * 1000)
    assert decode(2, air, "LHT65N-VIB") == Content([expected], [])
    counts = bytes.fromhex("0007 00000003 45") + at
    assert decode(2, air + counts, "LHT65N-VIB") == Content([expected], [])
    content = decode(2, air + counts[:5], "LHT65N-VIB")
    assert content.readings == [expected]
    assert content.troubles == ["byte 11: it ends in the middle of a record"]


def test_a_record_that_is_cut_off_does_not_take_the_others() -> None:
    content = decode(2, lht65(T0, 2200, 326) + lht65(T0, 2200, 326)[:7], "LHT65")
    assert len(content.readings) == 1
    assert content.troubles == ["byte 11: it ends in the middle of a record"]


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (2, "00" * 11),  # nothing in the time that was asked for
        (3, "00" * 22),
        (4, "28FF123456789ABC"),  # the DS18B20's number
        (2, "0CE4 0000 0A28 7C 0A28 0A50"),  # the limits of the alarm
    ],
)
def test_what_tells_of_the_device_alone_is_no_reading_and_no_trouble(port: int, text: str) -> None:
    assert decode(port, bytes.fromhex(text), "SN50V3") == Content([], [])


def test_the_status_of_an_older_s31_has_an_interval_and_no_battery() -> None:
    """By vendor/dragino/s31b v1.8decoder.js of the device repository."""
    assert decode(5, bytes.fromhex("01 FF 0108 0004B0"), "S31B") == Content([], [])


def test_the_status_has_the_battery() -> None:
    content = decode(5, bytes.fromhex("0B 0150 01 FF 0CE4"), "LHT65N")
    assert content == Content([Measured({"battery": 3.3})], [])


@pytest.mark.parametrize(
    ("port", "text", "model", "trouble"),
    [
        (2, "CBF60B0D", "LHT65", "cbf60b0d is too short: 11 bytes at least"),
        (2, "CBF60B0D", "", "cbf60b0d can be none of the layouts"),
        (2, "0CE40A 0000000A F63C 0205", "", "0ce40a0000000af63c0205 can be none of the layouts"),
        (2, "0CE404 0000000A 00000003", "", "0ce4040000000a00000003 can be none of the layouts"),
        (
            2,
            "0000 0000 0000 08 00FC 0205",
            "SN50V3",
            "0000000000000800fc0205 is too short for its work mode",
        ),
        (2, "", "", "it is empty"),
        (5, "0B01", "", "0b01 is no status: 7 bytes"),
        (5, "0100E202291211", "", "0100e202291211 is no status: 7 bytes"),  # but an Elsys'
        (3, "0CE401 00FA 00FB 00FC 00FD", "LHT65N", "samples without a time"),
        (2, "0CE40A0000", "LHT65N-VIB", "0ce40a0000 is too short: 11 bytes at least"),
        (
            2,
            "08CD 0220 7FFF 01 00000001",
            "LHT52",
            "08cd02207fff0100000001 is no report of an LHT52",
        ),
    ],
)
def test_what_cannot_be_used_is_told(port: int, text: str, model: str, trouble: str) -> None:
    content = decode(port, bytes.fromhex(text), model)
    assert content.readings == []
    assert content.troubles[0].startswith(trouble)
