"""The names and units that network servers' decoders give, for the few quantities there are."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.devices.decoder_output import (
    _ALIASES,
    _BATTERY,
    _INTO,
    _OUTSIDE,
    _RECORDS,
    _TIMES,
    content,
)
from ingest.formats.devices.payload import Content, Measured, Values
from tests.formats.lorawan import ROOT

S = 1_665_561_758


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # Milesight, Elsys, Netvox, Dragino as their own decoders have it
        (
            {"battery": 92, "temperature": 30.8, "humidity": 50.5},
            {"battery_pct": 92, "temperature": 30.8, "humidity": 50.5},
        ),
        (
            {"temperature": 22.6, "humidity": 41, "light": 39, "motion": 6, "vdd": 3426},
            {"temperature": 22.6, "humidity": 41, "light": 39, "battery": 3.426},
        ),
        (
            {"Device": "R718A", "Volt": 3.6, "Temp": 16.48, "Humi": 68.14},
            {"battery": 3.6, "temperature": 16.48, "humidity": 68.14},
        ),
        ({"Volt": "2.3(low battery)", "Temp": 16.48}, {"temperature": 16.48}),
        (
            {
                "BatV": 3.062,
                "Bat_status": 3,
                "TempC_SHT": 28.29,
                "Hum_SHT": 88.6,
                "TempC_DS": 27.81,
            },
            {"battery": 3.062, "temperature": 28.29, "humidity": 88.6, "probe": 27.81},
        ),
        (
            {"TempC_SHT": "28.29", "Hum_SHT": "88.6", "TempC_DS": 327.67},
            {"temperature": 28.29, "humidity": 88.6},
        ),
        ({"ILL_lx": 800, "TempC_SHT": "NULL", "Hum_SHT": 50}, {"light": 800, "humidity": 50}),
        (
            {"TempC1": 21, "TempC_SHT": 25.2, "Hum_SHT": 51.7},
            {"probe": 21, "temperature": 25.2, "humidity": 51.7},
        ),
        ({"TempC1": 21, "TempC_SHT": "NULL"}, {"probe": 21}),
        ({"TempC1": 21, "TempC2": 22, "TempC3": "NULL"}, {"temperature": 21, "temperature_2": 22}),
        ({"Temp_C1": "NULL", "Temp_C2": 22}, {"temperature_2": 22}),
        (
            {"temperature_chn1": 21, "temperature_chn2": 22},
            {"temperature": 21, "temperature_2": 22},
        ),
        ({"externalTemperature": -20}, {"probe": -20}),
        ({"magnet_status": "open", "temperature": 5}, {"door": 1, "temperature": 5}),
        ({"magnet_status": "close", "temperature": 5}, {"door": 0, "temperature": 5}),
        # Cayenne LPP, in The Things Stack and in ChirpStack
        (
            {
                "temperature_1": 22.5,
                "relative_humidity_2": 41,
                "barometric_pressure_3": 1010.1,
                "luminosity_4": 7,
            },
            {"temperature": 22.5, "humidity": 41, "pressure": 1010.1, "light": 7},
        ),
        (
            {"temperatureSensor": {"1": 22.5, "3": 20}, "humiditySensor": {"2": 41}},
            {"temperature": 22.5, "temperature_2": 20, "humidity": 41},
        ),
        # units by name, and where a number can be of one only
        ({"temperature_f": 50}, {"temperature": 10}),
        ({"TempF": 14, "humidity": 50}, {"temperature": -10, "humidity": 50}),
        ({"temperature": 77}, {"temperature": 77}),
        ({"temperature": {"value": 50, "unit": "°F"}}, {"temperature": 10}),
        ({"temperature": {"value": 21.5, "unit": "°C"}}, {"temperature": 21.5}),
        ({"temperature": {"value": 21.5, "unit": "K"}}, {}),
        ({"humidity": {"value": 50, "unit": "%"}}, {"humidity": 50}),
        ({"battery": {"value": 3, "unit": "V"}}, {"battery": 3}),
        ({"battery": {"value": 3, "unit": "%"}}, {"battery_pct": 3}),
        ({"battery": {"value": 3100, "unit": "mV"}}, {"battery": 3.1}),
        ({"pressure": 1012.5}, {"pressure": 1012.5}),
        ({"pressure": 101250}, {"pressure": 1012.5}),
        ({"pressure": 4.5}, {}),
        ({"barometric_pressure_kpa": 101.25}, {"pressure": 1012.5}),
        ({"pressure_pa": 101250}, {"pressure": 1012.5}),
        ({"battery": 3.6}, {"battery": 3.6}),
        ({"battery": 3600}, {"battery": 3.6}),
        ({"battery": 3}, {}),
        ({"battery": 100}, {"battery_pct": 100}),
        ({"battery": 254}, {}),
        ({"batteryLevel": 75.5}, {"battery_pct": 75.5}),
        ({"battery_percentage": 3}, {"battery_pct": 3}),
        ({"battery_mv": 3000}, {"battery": 3}),
        ({"batteryVoltage": 3}, {"battery": 3}),
        ({"batteryVoltage": 3000}, {"battery": 3}),
        # nested
        (
            {"data": {"air": {"temperature": 20, "relativeHumidity": 50}}},
            {"temperature": 20, "humidity": 50},
        ),
        (
            {"air": {"temperature": 20}, "soil": {"temperature": 10, "moisture": 3}},
            {"temperature": 20, "probe": 10},
        ),
        ({"sensors": {"external": {"temperature": 10}}}, {"probe": 10}),
        ({"probe": {"value": 10}}, {"probe": 10}),
        (
            {"alarm": {"temperature": 30}, "settings": {"temp": 1}, "temperature": 20},
            {"temperature": 20},
        ),
        # nothing that is known, or nothing that can be
        ({"error": 1, "counter": 12, "text": "hello"}, {}),
        ({"temperature": None, "humidity": "", "co2": [1], "pressure": True}, {}),
        ({"temperature": -327.68, "humidity": 127.5}, {}),
        ({"temperature": 10**400}, {}),
        ([], {}),
        (7, {}),
        ("text", {}),
        (None, {}),
    ],
)
def test_names_and_units(said: Any, expected: Values) -> None:
    wanted = [Measured(pytest.approx(expected))] if expected else []
    assert content(said) == Content(wanted, [])


@pytest.mark.parametrize(
    "time", [S, S * 1000, "2022-10-12T08:02:38Z", "2022-10-12T10:02:38.000+02:00"]
)
def test_records_of_earlier_have_the_time_of_their_own(time: Any) -> None:
    said = {
        "battery": 92,
        "history": [{"timestamp": time, "temperature": 27.2, "humidity": 46.5}],
    }
    assert content(said).readings == [
        Measured({"battery_pct": 92}),
        Measured({"temperature": 27.2, "humidity": 46.5}, t=S * 1000),
    ]


def test_normalized_measurements_of_the_things_stack() -> None:
    said = [{"air": {"temperature": 20, "relativeHumidity": 50, "pressure": 1013, "co2": 400}}]
    expected = {"temperature": 20, "humidity": 50, "pressure": 1013, "co2": 400}
    assert content(said) == Content([Measured(expected)], [])
    said = [{"air": {"temperature": 20}, "time": "2022-10-12T08:02:38Z"}]
    assert content(said) == Content([Measured({"temperature": 20}, t=S * 1000)], [])


def test_records_without_a_time_cannot_be_placed() -> None:
    found = content(
        {"records": [{"temperature": 20}, {"temperature": 21}, {"time": "12:00", "temp": 1}]}
    )
    assert found.readings == [Measured({"temperature": 20})]
    assert found.troubles == [
        f"record {place} of the decoder has no time that can be read: let it give s since 1970"
        for place in (1, 2)
    ]


def test_too_many_records_are_told() -> None:
    said = {"history": [{"timestamp": S + n, "temperature": 20} for n in range(501)]}
    found = content(said)
    assert len(found.readings) == 500
    assert found.troubles == ["more than 500 records: the rest was left out"]


def test_the_page_has_every_name_that_is_known() -> None:
    """And no other: what a decoder may call a quantity is what is written there."""
    text = (ROOT / "docs" / "formats" / "lorawan-devices.md").read_text()
    table = text.split("## What a decoder gave")[1].split("\n\n- ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    names = {name for _, _, last in rows for name in re.findall(r"`([a-z0-9]+)`", last)}
    for name in names:
        assert content({name: 4.5 if "bat" in name else 900}).readings, name
    assert names == _ALIASES.keys() | _BATTERY
    for word in _INTO | _OUTSIDE | _RECORDS | set(_TIMES):
        assert f"`{word}`" in text, word


NAMES = """temperature temp1 TempC_DS battery humidity history air soil time timestamp value unit
    door 1 data pressure ü"""
names = st.sampled_from(NAMES.split()) | st.text(max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)


@given(anything)
def test_nothing_that_a_decoder_gives_is_a_fault(said: Any) -> None:
    found = content(said)
    assert all(one.values for one in found.readings)
    assert all(math.isfinite(value) for one in found.readings for value in one.values.values())
