"""Milesight's models by the examples that are published for them.

From thingsboard/data-converters (VENDORS/Milesight, payload.json and guide.md of each model) and
from TheThingsNetwork/lorawan-devices (vendor/milesight-iot, the examples in the codecs).
"""

from __future__ import annotations

import pytest

from ingest.formats.devices import Device, content
from ingest.formats.devices.payload import Measured, Values

NOBODY = "1000000000000001"

CONVERTERS = [
    ("AM102", "017564 03671801 04686D", {"battery_pct": 100, "temperature": 28, "humidity": 54.5}),
    (
        "AM103L",
        "017564 03671801 04686D 077DC501",
        {"battery_pct": 100, "temperature": 28, "humidity": 54.5, "co2": 453},
    ),
    (
        "AM107",
        "01755C 03673401 046865 056A4900 06651C0079001400 077DE704 087D0700 09733F27",
        {
            "battery_pct": 92,
            "temperature": 30.8,
            "humidity": 50.5,
            "activity": 73,
            "light": 28,
            "co2": 1255,
            "pressure": 1004.7,
        },
    ),
    (
        "AM300",
        "0367EE00 04687C 050001 06CB02 077DA803 087D2500 09736627 0A7D0400 0B7D2000 0C7D3000",
        {
            "temperature": 23.8,
            "humidity": 62,
            "digital_5": 1,
            "light_level": 2,
            "co2": 936,
            "pressure": 1008.6,
            "hcho": 0.04,
            "pm2_5": 32,
            "pm10": 48,
        },
    ),
    (
        "AT101",
        "017564 03671B01 0488FFFFFFFFFFFFFFFFF3 050001 06D90824E124F6A667B621",
        {"battery_pct": 100, "temperature": 28.3, "digital_5": 1},
    ),
    (
        "AT101",
        "017564 03671201 050001 06D90024E124F5B797B300 06D90024E124FF0004C800",
        {"battery_pct": 100, "temperature": 27.4, "digital_5": 1},
    ),
    ("EM320-TH", "01755C 0367CCFF 046865", {"battery_pct": 92, "temperature": -5.2}),
    ("EM300-SLD", "01755C 03673401 046865 050000", {"temperature": 30.8, "humidity": 50.5}),
    ("EM400-TLD", "8367E80001 8482410601", {"temperature": 23.2, "distance": 1601}),
    ("EM400-TLD", "01755C 03670101 04824408 050001", {"temperature": 25.7, "distance": 2116}),
    (
        "EM500-CO2",
        "017564 03671901 046873 057D6704 06736827",
        {
            "battery_pct": 100,
            "temperature": 28.1,
            "humidity": 57.5,
            "co2": 1127,
            "pressure": 1008.8,
        },
    ),
    ("EM500-PT100", "017564 03671901", {"battery_pct": 100, "temperature": 28.1}),
    (
        "EM500-SMTC",
        "017564 03671901 046873 057FF000",
        {
            "battery_pct": 100,
            "temperature": 28.1,
            "soil_moisture": 57.5,
            "conductivity": 240,
        },
    ),
    ("TS201", "8367340101", {"temperature": 30.8}),
    ("WT201", "03670201 0467A600 05E700 06E800 07BC00", {"temperature": 25.8}),
    ("WT201", "8367FB0009", {"temperature": 25.1}),
    (
        "WT201",
        "03671101 0467FA00 05E772 06E806 07BC00 088E01 096844 FFF600",
        {"temperature": 27.3, "humidity": 34},
    ),
]
CODECS = [
    (
        "WT101",
        "017561 04672C01 03670A01 059264 09900000 0B900000",
        {"battery_pct": 97, "temperature": 26.6},
    ),
    (
        "WTS305",
        "017564 03671001 046871 05840001 0673AA27 07929201",
        {
            "battery_pct": 100,
            "temperature": 27.2,
            "humidity": 56.5,
            "wind_direction": 25.6,
            "pressure": 1015.4,
            "wind_speed": 40.2,
        },
    ),
    ("EM320-TH", "01755C 03673401 046865", {"temperature": 30.8, "humidity": 50.5}),
    ("EM300-DI", "01755C 05C800010000", {"battery_pct": 92, "pulses_total_1": 256}),
]


@pytest.mark.parametrize(("model", "text", "expected"), CONVERTERS + CODECS)
@pytest.mark.parametrize("named", [True, False])
def test_a_published_example_is_read_with_and_without_the_model(
    model: str, text: str, expected: Values, named: bool
) -> None:
    names = ("milesight-iot", model) if named else ()
    found = content(Device("", names, NOBODY), 85, bytes.fromhex(text))
    assert found.troubles == []
    ((values, t, _),) = found.readings
    assert t is None
    assert expected.items() <= values.items()
    assert "temperature_2" not in values
    if "soil_moisture" in expected:
        assert "humidity" not in values


@pytest.mark.parametrize("model", ["WT201", ""])
def test_all_that_a_thermostat_sends_at_once(model: str) -> None:
    text = (
        "036702010467A60005E70006E80007BC008367FB000920CE5C470A65D09EC091FFCB0D1101FFCA158004"
        "FFC900000000B302FFC9020101280000FFC80303014E36FFC80303014E36FF0BFFFF0101FF166791D196"
        "04050005FF090100FF0A0103FF0F02FFFF010003671101088E0109684A0A6E72036711010467FA0005E772"
        "06E80607BC00088E01096844FFF600"
    )
    found = content(Device("", (model,), NOBODY), 85, bytes.fromhex(text))
    assert found.troubles == []
    assert found.readings == [
        Measured({"temperature": 27.3, "humidity": 34}),
        Measured({"temperature": 27}, t=1_695_172_444_000),
    ]


@pytest.mark.parametrize("model", ["EM300-DI", ""])
def test_a_record_of_an_em300_di_beside_what_it_measures_now(model: str) -> None:
    data = bytes.fromhex("01755c0367340104686520ce9e74466310015d020000010000")
    found = content(Device("", (model,), NOBODY), 85, data)
    assert found.readings == [
        Measured({"battery_pct": 92, "temperature": 30.8, "humidity": 50.5}),
        Measured({"temperature": 27.2, "humidity": 46.5}, t=1_665_561_758_000),
    ]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("CT101", "FF0BFF FF0101 FF166746D38802580000 FF090100 FF0A0101 FF0F00"),
        ("CT101", "8498B80BD007C40905"),
        ("CT303", "8499B80BD007C40905"),
        ("CT101", "0498FFFF"),
        (
            "EM410-RDL",
            "ff0bff ff0101 fffeff ff166862e21141780013 ff090100 ff0a0101 ff0f00 ffff0100",
        ),
        ("WT201", "FFCB0D1101 FFCA158004"),
        ("WT201", "FFC900000000B302 FFC9020101280000"),
        ("VS350", "84CC1111081101 85CCE803E90301"),
    ],
)
def test_frames_without_a_climate_are_no_reading_and_no_trouble(model: str, text: str) -> None:
    found = content(Device("", ("milesight", model), NOBODY), 85, bytes.fromhex(text))
    assert (found.readings, found.troubles) == ([], [])


# by the layouts of the vendor's decoders, which have no examples
@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        (
            "EM320-TH",
            "03670A01 049AC901 056B01",
            {"temperature": 26.6, "humidity": 45.7},
        ),
        ("EM320-TH", "03670180 049AFFFF", {}),
        ("EM320-TH", "03670280 0468FF", {}),
        ("EM320-TH", "849AC90101", {"humidity": 45.7}),
        ("EM320-TH", "949AC901640000 B367 0000", {"humidity": 45.7}),
        (
            "TS302",
            "03670A01 039AC901 0467F000 049A5802",
            {
                "temperature": 26.6,
                "humidity": 45.7,
                "temperature_2": 24,
                "humidity_2": 60,
            },
        ),
        ("TS302", "049A5802", {"humidity_2": 60}),
        ("TS302", "839AC90101 949A58020A0008 B49A00", {"humidity": 45.7, "humidity_2": 60}),
        ("TS101", "93D70601E80302", {"temperature": 26.2}),
        (
            "VS321",
            "017564 03670A01 04685A 05FD0300 06FEFF030100 07FF01 08F40000 0AEF5C470A65",
            {"battery_pct": 100, "temperature": 26.6, "humidity": 45},
        ),
        ("VS321", "0367FFFF 0468FF 05FD0000", {}),
        ("VS321", "0367FFFF", {}),
        ("CT310", "039764000000 0499E803 0967FF00 106301000000", {"temperature": 25.5}),
        ("CT101", "0967FFFF", {}),
        ("CT101", "0967FDFF 8967FF0001", {"temperature": 25.5}),
        ("EM500-SMTC", "0367FFFF 04CAFDFF", {}),
        (
            "GS301",
            "017564 02670A01 036864 047D0100 057D0200",
            {
                "battery_pct": 100,
                "temperature": 26.6,
                "humidity": 50,
            },
        ),
        (
            "GS101",
            "03670A01 046864 058E00 060101 070101 089000100000 FF3F01",
            {
                "temperature": 26.6,
                "humidity": 50,
            },
        ),
        ("VS350", "03670A01 04CC01000200 05CC01000200 81EE05", {"temperature": 26.6}),
        ("EM300-MLD", "017564 060001", {"battery_pct": 100, "leak": 1}),
        ("AM308", "0367FEFF 046864", {"temperature": -0.2, "humidity": 50}),
        ("AM308", "0367FFFF 046864", {"temperature": -0.1, "humidity": 50}),
    ],
)
def test_models_that_have_no_example(model: str, text: str, expected: Values) -> None:
    found = content(Device("milesight " + model, (), NOBODY), 85, bytes.fromhex(text))
    assert found.troubles == []
    assert found.readings == ([Measured(pytest.approx(expected))] if expected else [])
