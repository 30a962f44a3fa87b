"""Which family a device is of, and that no payload is a fault of any of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.devices import FAMILIES, Device, content
from ingest.formats.devices.payload import Content

MILESIGHT = bytes.fromhex("01755c03673401046865")
ELSYS = bytes.fromhex("0100E2022904002705060608070D62")
NETVOX = bytes.fromhex("010B012406701A9E000000")
LHT65 = bytes.fromhex("CBF60B0D0376010ADD7FFF")
NOBODY = Device("", (), "1000000000000001")


def temperature(found: Content) -> float:
    assert found.troubles == []
    return found.readings[0].values["temperature"]


@pytest.mark.parametrize("port", [1, 2, 6, 85, None])
@pytest.mark.parametrize(("data", "expected"), [(MILESIGHT, 30.8), (NETVOX, 16.48), (LHT65, 28.29)])
def test_a_payload_that_one_family_alone_can_read_needs_no_name(
    port: int | None, data: bytes, expected: float
) -> None:
    assert temperature(content(NOBODY, port, data)) == expected


def test_elsys_is_known_by_its_payload_on_any_port() -> None:
    assert temperature(content(NOBODY, 85, bytes.fromhex("0100E20229070D62"))) == 22.6


@pytest.mark.parametrize(
    ("device", "family"),
    [
        (Device("milesight", (), ""), "milesight"),
        (Device("Milesight AM307", ("elsys",), "A817580000000000"), "milesight"),
        (Device("", ("milesight-iot", "em300-th"), ""), "milesight"),
        (Device("", ("elsys",), ""), "elsys"),
        (Device("", ("Cold store ERS2",), ""), "elsys"),
        (Device("", ("ERS CO2 Lite",), ""), "elsys"),
        (Device("", ("netvox", "r718a"), ""), "netvox"),
        (Device("", ("R718A-868",), ""), "netvox"),
        (Device("", ("LHT65N",), ""), "dragino"),
        (Device("", ("Sensors",), "A840410000000000"), "dragino"),
        (Device("", ("Sensors",), "24E1240000000000"), "milesight"),
        (Device("", ("Sensors",), "00137A0000000000"), "netvox"),
        (Device("", ("Sensors",), "A817580000000000"), "elsys"),
    ],
)
def test_the_name_or_the_eui_tells_the_family(device: Device, family: str) -> None:
    samples = {"milesight": MILESIGHT, "elsys": ELSYS, "netvox": NETVOX, "dragino": LHT65}
    port = FAMILIES[family].ports[0]
    assert temperature(content(device, port, samples[family])) in (30.8, 22.6, 16.48, 28.29)
    unreadable = content(device, port, b"\xfc\xfd\xfe")
    assert unreadable.readings == []
    assert "of no family" not in unreadable.troubles[0]
    if not device.family:
        assert unreadable.troubles[-1].startswith(f"if it is none of {family}, name its family in")


def test_a_name_in_an_other_word_is_no_hint() -> None:
    for name in ("Offers", "Shelter", "Systems", "Tr718a", "parts301"):
        found = content(Device("", (name,), ""), 85, b"\xfc\xfd\xfe")
        assert found.troubles[0].startswith("the payload fcfdfe on FPort 85 is of no family"), name


def test_a_hint_that_leads_to_nothing_gives_way_to_what_fits_but_a_setting_does_not() -> None:
    assert temperature(content(Device("", ("Elsys",), ""), 85, MILESIGHT)) == 30.8
    assert content(Device("netvox", (), ""), 85, MILESIGHT).readings == []


def test_the_reason_names_the_remedy() -> None:
    (trouble,) = content(NOBODY, 85, b"\xfc\xfd\xfe" * 20).troubles
    assert "option families, under the DevEUI or the device profile" in trouble
    assert "milesight, elsys, netvox, dragino" in trouble


def test_a_frame_about_the_device_alone_is_known_without_a_name() -> None:
    assert content(NOBODY, 85, bytes.fromhex("ff0bff ff0101 ff0f00")) == Content([], [])
    for port in (4, 7, 14, 23):  # on which some family sends nothing else
        assert content(NOBODY, port, bytes.fromhex("fcfdfe00")).troubles


def test_what_came_before_an_unknown_channel_stays_without_a_name_too() -> None:
    found = content(NOBODY, 85, MILESIGHT + bytes.fromhex("17ab1234"))
    assert found.readings[0].values["temperature"] == 30.8
    assert found.troubles[0].startswith("byte 10: type 0xab on channel 0x17 is not known")


def test_seven_bytes_of_an_elsys_are_no_status_of_a_dragino() -> None:
    found = content(NOBODY, 5, bytes.fromhex("0100E202291211"))
    assert found.readings[0].values == {"temperature": 22.6, "humidity": 41, "leak": 17}


MODELS = """
    TS601 WT102 WT303 WT401 WT201 EM320-TH VS321 AM307 AM308 AM305L EM300-TH EM300-MCS TS201 TS302
    WTS506 EM500-SMTC LHT65N-VIB LHT65N-PIR LHT65N LHT52 S31-LB SN50V3 LSN50-V2 LSN50V2-S31 D20-LB
    R718A ERS Sensors
"""
models = st.sampled_from(MODELS.split())
ports = st.sampled_from([None, 0, 1, 2, 3, 4, 5, 6, 7, 14, 22, 85])
records = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from([MILESIGHT, b"\x20\xce", b"\x21\xce", ELSYS, NETVOX, LHT65, b"\x01\x0b\x01"]),
    st.binary(max_size=60),
)
payloads = st.binary(max_size=80) | records


@given(st.sampled_from(sorted(FAMILIES)), ports, payloads, models)
def test_no_payload_is_a_fault_of_a_family(
    family: str, port: int | None, data: bytes, model: str
) -> None:
    check(FAMILIES[family].decode(port, data, model))


@given(ports, payloads, models)
def test_no_payload_is_a_fault_of_the_search_for_a_family(
    port: int | None, data: bytes, model: str
) -> None:
    check(content(Device("", (model,), "1000000000000001"), port, data))


def check(found: Content) -> None:
    assert all(one.values for one in found.readings)
    assert all(math.isfinite(v) for one in found.readings for v in one.values.values())
    assert all(name.isidentifier() for one in found.readings for name in one.values)
    assert all(trouble.isprintable() for trouble in found.troubles)
