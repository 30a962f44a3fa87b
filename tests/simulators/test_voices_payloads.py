"""Payloads that the vendors, and others who had such a device, have published."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.readings import Readings
from simulators.voices import LOGGERS, dragino, elsys, milesight, netvox, ruuvi, sparkplug
from simulators.voices.lorawan import Sample

AIR = {"temperature": 22.6, "humidity": 41.0, "light": 39.0, "battery": 3.426}


def hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text)


def test_a_milesight_em300_th():
    """shared/vectors/lorawan, milesight_em300_th; its README's record of earlier."""
    values = {"battery_pct": 92.0, "temperature": 30.8, "humidity": 50.5}
    assert milesight.present(values) == hexadecimal("01755c 03673401 046865")
    earlier = Sample({"temperature": 27.2, "humidity": 46.5}, 0, 1_665_561_758_000, 99_000)
    assert milesight.record(earlier) == hexadecimal("20CE9E74466310015D00")


def test_an_elsys_ers():
    """shared/vectors/lorawan, elsys_ers2, without its motion and CO2."""
    assert elsys.encoded(Sample(AIR, 0, 0, 0)) == hexadecimal("0100e2 0229 040027 070d62")


@pytest.mark.parametrize(
    ("seconds", "data"),
    [(60, "4100e23c"), (3600, "8100e20e10"), (100_000, "c100e2000186a0")],
)
def test_an_elsys_sample_of_earlier_has_its_offset(seconds, data):
    """ "Sensor payload": bits 7 and 6 of the type tell of 1, 2 or 4 bytes behind the value."""
    sample = Sample({"temperature": 22.6}, 0, 0, seconds * 1000)
    assert elsys.encoded(sample) == hexadecimal(data)


def test_a_netvox_r718a():
    """shared/vectors/lorawan, netvox_r718a."""
    values = {"battery": 3.6, "temperature": 16.48, "humidity": 68.14}
    assert netvox.report(values) == hexadecimal("010b012406701a9e000000")


def test_a_dragino_lht65():
    """The Things Network's device repository, vendor/dragino; the LHT65 manual, 2.6.5."""
    values = {"battery": 3.062, "temperature": 28.29, "humidity": 88.6, "probe": 27.81}
    assert dragino.present(values)[:7] == hexadecimal("cbf60b0d037601")
    assert dragino.present(values)[7:] == hexadecimal("0add7fff")
    earlier = Sample({"temperature": 22.0, "humidity": 32.6}, 0, 1_611_030_423_000, 99_000)
    record = dragino.record(earlier)
    assert record[:6] + record[7:] == hexadecimal("7FFF08980146 60065F97")
    assert record[6] == 0x81  # 0x41 in the manual, where it was polled for


@pytest.mark.parametrize(
    ("values", "seq", "data"),
    [
        (
            {
                "temperature": 24.3,
                "humidity": 53.49,
                "pressure": 1000.44,
                "acceleration_x": 0.004,
                "acceleration_y": -0.004,
                "acceleration_z": 1.036,
                "battery": 2.977,
                "movements": 66,
            },
            205,
            "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F",
        ),
        ({}, 65_534, "058000FFFFFFFF800080008000FFF6FFFFFECBB8334C884F"),
    ],
)
def test_a_ruuvi_tag(values, seq, data):
    """docs.ruuvi.com, data format 5: its valid case; nothing available, at its power of +4 dBm."""
    said = ruuvi.advertisement(values, seq, "CB:B8:33:4C:88:4F")
    assert said == hexadecimal("0201061BFF9904") + hexadecimal(data)


def test_sparkplug_data_by_alias():
    """Written by hand from sparkplug_b.proto: a float of 21.6 under alias 1, at one time."""
    time = 1_763_766_060_000
    metrics = sparkplug.data({"temperature": 21.6}, time, historical=False)
    wanted = "120e 1001 18e08799c5aa33 65cdccac41"
    assert metrics == hexadecimal(wanted)
    assert sparkplug.payload(time, b"", 2) == hexadecimal("08e08799c5aa33 1802")


@pytest.mark.parametrize(
    ("number", "data"), [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02")]
)
def test_integers_of_variable_length(number, data):
    """protobuf.dev/programming-guides/encoding."""
    assert sparkplug.varint(number) == hexadecimal(data)


@pytest.mark.parametrize(
    ("maker", "line"),
    [
        ("hobo", "1,11/18/25 07:00:00 AM,6.4,78.2"),
        ("testo", "1;18.11.2025;07:00:00;6,4;78,2"),
        ("elitech", "1,2025-11-18 07:00:00,6.4,78.2"),
    ],
)
def test_loggers_write_as_on_their_page(maker, line):
    """docs/formats/logger-csv.md."""
    one = np.array([1])
    values = {"temperature": np.array([6.4]), "humidity": np.array([78.2])}
    readings = Readings("x", one, one, one * 1_763_449_200_000, values)
    logger = LOGGERS[maker]
    text = logger.file("10347362", readings).decode(logger.encoding)
    assert text.split("\r\n")[-2:] == [line, ""]
