"""Milesight's channels and types, by the vendor's published examples and layouts."""

from __future__ import annotations

import struct

import pytest

from ingest.formats.devices.milesight import decode
from ingest.formats.devices.payload import Content, Measured, Values

S = 1_665_561_758
"""When the records of these tests were kept, s since 1970."""


def told(text: str, model: str = "") -> Content:
    return decode(85, bytes.fromhex(text), model)


def only(text: str, model: str = "") -> Values:
    """What the one reading of now says."""
    content = told(text, model)
    assert content.troubles == []
    ((values, t, ago),) = content.readings
    assert (t, ago) == (None, 0)
    return values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01755c 03673401 046865", {"battery_pct": 92, "temperature": 30.8, "humidity": 50.5}),
        (
            "01755c 03673401 046865 077de704",
            {"battery_pct": 92, "temperature": 30.8, "humidity": 50.5, "co2": 1255},
        ),
        (
            "01755c 03673401 046865 057d6704 06736827",
            {
                "battery_pct": 92,
                "temperature": 30.8,
                "humidity": 50.5,
                "co2": 1127,
                "pressure": 1008.8,
            },
        ),
        (
            "01755c 03673401 046865 056a4900",
            {"battery_pct": 92, "temperature": 30.8, "humidity": 50.5, "activity": 73},
        ),
        ("06651c0079001400", {"light": 28}),
        ("077de704 087d0700 09733f27", {"co2": 1255, "pressure": 1004.7}),
        (
            "03673401 046865 050001 06cb02 077da803 087d2500 09736627 0a7d0400 0b7d2000 0c7d3000",
            {
                "temperature": 30.8,
                "humidity": 50.5,
                "digital_5": 1,
                "light_level": 2,
                "co2": 936,
                "pressure": 1008.6,
                "hcho": 0.04,
                "pm2_5": 32,
                "pm10": 48,
            },
        ),
        ("0367ffff 0468c8", {"temperature": -0.1, "humidity": 100}),
        ("036770fe", {"temperature": -40}),
        ("0367ff7f 046850", {"humidity": 40}),
        ("03670080 0468ff 0175ff 0973ffff 06cb00", {"light_level": 0}),
        ("0394 10270000", {"light": 10_000}),
        ("0367c800 0467c9ff", {"temperature": 20, "temperature_2": -5.5}),
        ("8367e80301", {"temperature": 100}),
        ("8467e8ff00 9367d2002c0102", {"temperature_2": -2.4, "temperature": 21}),
        (
            "0367f500 046880 05840807 06738f27 07920e00 087710000a",
            {
                "temperature": 24.5,
                "humidity": 64,
                "wind_direction": 180,
                "pressure": 1012.7,
                "wind_speed": 1.4,
                "rain": 0.16,
            },
        ),
        (
            "ff0bff ff0101 ff166136b40312345678 ff090300 ff0a0101 ff0f00 0367dc00",
            {"temperature": 22},
        ),
        ("fe03b004 f96a01 f86a0100 0367dc00", {"temperature": 22}),
        ("ff1a02d007 ff1a01 0367dc00", {"temperature": 22}),
    ],
)
def test_values_are_those_of_the_vendor(text: str, expected: Values) -> None:
    assert only(text) == expected


@pytest.mark.parametrize(
    ("text", "model", "expected"),
    [
        ("060001", "EM300-MCS", {"door": 1}),
        ("060000", "EM300-MCS-868M", {"door": 0}),
        ("060001", "", {"digital_6": 1}),
        ("030001", "WS301", {"door": 1}),
        ("030001 040000", "TS302", {"door": 1, "door_2": 0}),
        ("050001", "EM300-SLD", {"leak": 1}),
        (
            "0367d200 046864 057f0001",
            "",
            {"temperature": 21, "soil_moisture": 50, "conductivity": 256},
        ),
        (
            "0367d200 046864 057fffff",
            "EM500-SMTC",
            {"temperature": 21, "soil_moisture": 50},
        ),
        ("04ca1027", "EM500-SMTC", {"soil_moisture": 100}),
    ],
)
def test_what_an_input_is_there_for_follows_from_the_model(
    text: str, model: str, expected: Values
) -> None:
    assert only(text, model) == expected


TH = {"temperature": 27.2, "humidity": 46.5}
INDOOR = TH | {"light_level": 3, "co2": 812, "pressure": 1010.1}
DUST = {"pm2_5": 12, "pm10": 15}
RADAR = {"distance": 1500, "temperature": -5.2}
INDOOR_FORM = struct.pack("<IhHBBHHH", S, 272, 93, 1, 3, 812, 120, 10101)

RECORDS = [
    ("EM300-TH", 0x20, bytes.fromhex("9E74466310015D00"), TH),
    ("EM320-TH", 0x20, struct.pack("<IhB", S, 272, 93), TH),
    ("AM103L", 0x20, struct.pack("<IhBH", S, 272, 93, 812), TH | {"co2": 812}),
    (
        "EM500-SMTC",
        0x20,
        struct.pack("<IHhH", S, 300, 272, 3120),
        {"conductivity": 300, "temperature": 27.2, "soil_moisture": 31.2},
    ),
    (
        "EM500-CO2",
        0x20,
        struct.pack("<IHHhB", S, 812, 10101, 272, 93),
        TH | {"co2": 812, "pressure": 1010.1},
    ),
    ("EM300-DI", 0x20, struct.pack("<IhBBBI", S, 272, 93, 2, 0, 77), TH),
    ("EM300-DI", 0x21, struct.pack("<IhBBBBHHf", S, 272, 93, 0, 2, 0, 10, 10, 7.5), TH),
    (
        "WTS506",
        0x20,
        struct.pack("<IhBHhHH", S, 272, 93, 10101, 1800, 14, 16),
        TH | {"pressure": 1010.1, "wind_direction": 180, "wind_speed": 1.4, "rain": 0.16},
    ),
    (
        "WTS506",
        0x21,
        struct.pack("<IhBHhHI", S, 272, 93, 10101, 1800, 14, 16),
        TH | {"pressure": 1010.1, "wind_direction": 180, "wind_speed": 1.4, "rain": 0.16},
    ),
    ("AM307", 0x20, INDOOR_FORM, INDOOR),
    ("AM307L", 0x21, INDOOR_FORM, INDOOR),
    ("EM320-TH", 0x20, struct.pack("<IhHB", S, 272, 465, 1), TH),
    ("WT201", 0x20, bytes.fromhex("5C470A65 D09E C091"), {"temperature": 27}),
    ("WT201", 0x20, struct.pack("<IHhHhB", S, 1, 215, 0xFFFF, 272, 93), TH),
    ("TS201", 0x20, bytes.fromhex("c79afa64 02 bdff"), {"temperature": -6.7}),
    ("AM308", 0x20, INDOOR_FORM + struct.pack("<HH", 12, 15), INDOOR | DUST),
    ("AM319", 0x21, INDOOR_FORM + struct.pack("<HHH", 12, 15, 4), INDOOR | DUST),
    (
        "AM305L",
        0x20,
        struct.pack("<IBhBBBHBHBH", S, 1, 272, 1, 93, 0x40, 2, 1, 3, 1, 812),
        TH | {"light_level": 3, "co2": 812},
    ),
]
BY_MODEL_ALONE = [
    ("EM410-RDL", 0x20, struct.pack("<IHhhB", S, 1500, -52, 0, 0), RADAR),
    ("EM500-PT100", 0x20, struct.pack("<Ih", S, -272), {"temperature": -27.2}),
    ("EM300-MCS", 0x20, struct.pack("<IhBB", S, 272, 93, 1), TH | {"door": 1}),
    ("EM300-SLD", 0x20, struct.pack("<IhBB", S, 272, 93, 1), TH | {"leak": 1}),
    ("EM300-MLD", 0x20, struct.pack("<IhBB", S, 272, 93, 1), TH | {"leak": 1}),
    ("AM307", 0x20, INDOOR_FORM + struct.pack("<I", 320), INDOOR | {"light": 320}),
    ("TS302", 0x21, struct.pack("<IBhh", S, 0x10, -999, 272), {"temperature_2": 27.2}),
    ("TS302", 0x20, struct.pack("<IBhh", S, 0xA0, -999, 272), {"temperature": 27.2}),
    ("TS302", 0x20, struct.pack("<IBhh", S, 0xAA, 465, 272), TH),
    (
        "TS302",
        0x21,
        struct.pack("<IBhh", S, 0x11, 465, 272),
        {"humidity_2": 46.5, "temperature_2": 27.2},
    ),
    ("TS201", 0x20, struct.pack("<IBh", S, 0x11, 272), {}),
    ("AT101", 0x20, struct.pack("<Iii", S, 8_000_000, 47_000_000), {}),
    ("TS201", 0x20, struct.pack("<IBhBB", S, 2, 272, 93, 1), TH),
    ("TS201", 0x20, struct.pack("<IBhBB", S, 1, 272, 255, 1), {"temperature": 27.2}),
    ("TS201", 0x20, struct.pack("<IBh", S, 1, 272), {"temperature": 27.2}),
    (
        "TS302",
        0x20,
        struct.pack("<IBhh", S, 0x44, 272, -31),
        {"temperature": 27.2, "temperature_2": -3.1},
    ),
    ("TS302", 0x20, struct.pack("<IBhh", S, 0x60, 1, 0), {}),
    (
        "AM305L",
        0x20,
        struct.pack("<IBhBBBHBHBH", S, 3, 272, 1, 93, 0, 0, 0, 0, 0, 0),
        {"humidity": 46.5},
    ),
    ("EM500-LGT", 0x20, struct.pack("<II", S, 70_000), {"light": 70_000}),
]


@pytest.mark.parametrize(("model", "channel", "record", "expected"), RECORDS + BY_MODEL_ALONE)
@pytest.mark.parametrize("times", [1, 3])
def test_records_of_earlier_have_the_time_of_their_own(
    model: str, channel: int, record: bytes, expected: Values, times: int
) -> None:
    payload = bytes.fromhex("01755c") + (bytes([channel, 0xCE]) + record) * times
    content = decode(85, payload, model)
    assert content.troubles == []
    live, *earlier = content.readings
    assert live == Measured({"battery_pct": 92})
    t = int.from_bytes(record[:4], "little") * 1000
    assert earlier == [Measured(pytest.approx(expected), t=t)] * (times if expected else 0)


@pytest.mark.parametrize(("model", "channel", "record", "expected"), RECORDS)
def test_without_the_model_the_layout_is_taken_that_fits_alone(
    model: str, channel: int, record: bytes, expected: Values
) -> None:
    content = decode(85, (bytes([channel, 0xCE]) + record) * 2, "")
    assert content.troubles == []
    t = int.from_bytes(record[:4], "little") * 1000
    assert content.readings == [Measured(pytest.approx(expected), t=t)] * 2


def test_records_that_two_models_could_have_sent_say_what_both_do() -> None:
    payload = b"\x20\xce" + INDOOR_FORM + struct.pack("<HH", 320, 0)
    assert decode(85, payload, "").readings == [Measured(INDOOR, t=S * 1000)]
    assert decode(85, payload, "AM307").readings == [Measured(INDOOR | {"light": 320}, t=S * 1000)]


def test_a_record_that_fits_two_models_which_differ_in_the_climate_is_told() -> None:
    # T 27.2 °C with 43.3 %RH, kept by hand; or 88.5 %RH and 513 ppm of CO2 of an AM103
    record = b"\x20\xce" + struct.pack("<IhHB", S, 272, 433, 2)
    for model in ("", "VS350"):
        content = decode(85, bytes.fromhex("01755c") + record, model)
        assert content.readings == [Measured({"battery_pct": 92})]
        assert content.troubles[0].startswith("byte 3: records of earlier fit more than one length")
    assert decode(85, record, "EM320-TH").readings == [
        Measured({"temperature": 27.2, "humidity": 43.3}, t=S * 1000)
    ]


def test_a_level_is_not_taken_for_a_temperature() -> None:
    level = b"\x20\xce" + struct.pack("<IH", S, 235)  # an EM500-SWL, in cm
    assert decode(85, level, "").readings == []
    assert decode(85, bytes.fromhex("0377eb00") + level, "").readings == [Measured({"level": 235})]
    probe = decode(85, bytes.fromhex("0367eb00") + level, "")
    assert probe.readings[1] == Measured({"temperature": 23.5}, t=S * 1000)


def test_people_that_were_counted_are_not_taken_for_a_climate() -> None:
    counted = b"\x20\xce" + struct.pack("<IBHH", S, 0, 3, 1)
    for model in ("", "VS350"):
        content = decode(85, counted, model)
        assert content.readings == []
        assert "records of earlier fit no length" in content.troubles[0]


def test_a_wrong_model_does_not_hide_records_that_fit_another() -> None:
    record = bytes([0x20, 0xCE]) + struct.pack("<IhB", S, 272, 93)
    assert decode(85, record, "AM307").readings == [Measured(TH, t=S * 1000)]


def test_records_that_fit_nothing_are_told_with_the_remedy_and_what_came_before_stays() -> None:
    content = told("01755c 20ce9e74466310015d00ffff00")
    assert content.readings == [Measured({"battery_pct": 92})]
    (trouble,) = content.troubles
    assert trouble.startswith("byte 3: records of earlier fit no length that is known: name the")


def test_a_record_that_is_cut_off_does_not_take_the_others() -> None:
    record = bytes([0x20, 0xCE]) + struct.pack("<IhBx", S, 272, 93)
    content = decode(85, record + record[:-3], "EM300-TH")
    assert content.readings == [Measured(TH, t=S * 1000)]
    assert content.troubles == ["byte 10: it ends in the middle of a record of earlier"]


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("0367dc00 07ab1234", "byte 4: type 0xab on channel 0x07 is not known: the rest was left"),
        ("0367dc00 046850 03", "byte 7: it ends in the middle of a channel"),
        ("0367dc00 0468", "byte 4: it ends in the middle of channel 0x04"),
        ("0367dc00 ff16 0011", "byte 4: it ends in the middle of channel 0xff"),
        ("0367dc00 fe99 0011", "byte 4: type 0x99 on channel 0xfe is not known"),
    ],
)
def test_what_is_not_known_ends_it_and_what_came_before_stays(text: str, trouble: str) -> None:
    content = told(text)
    assert content.readings[0].values["temperature"] == 22
    (said,) = content.troubles
    assert said.startswith(trouble)


def test_a_frame_about_the_device_alone_has_no_reading_and_no_trouble() -> None:
    assert told("ff0bff ff0101 ff166136b40312345678 ff090300 ff0a0101 ff0f00") == Content([], [])
