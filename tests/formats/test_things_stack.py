"""Uplinks as The Things Stack v3 publishes them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import Memory, decode
from ingest.formats.devices import milesight
from ingest.formats.devices.payload import Content
from ingest.message import Message
from lots.readings.batch import Flag, TagKey
from tests.formats.lorawan import (
    EUI,
    THINGS_STACK_TOPIC,
    TIME,
    check_vector,
    only,
    readings,
    reason,
    routes,
    samples,
    things_stack,
    told,
    vectors,
)

BY = routes("things-stack")
EM300 = bytes.fromhex("01755c03673401046865")
LHT65 = bytes.fromhex("CBF60B0D0376010ADD7FFF")
ADDRESS = 0x0189440F


@pytest.mark.parametrize("case", vectors("ThingsStackCommunity", "ThingsStackIndustries"))
def test_shared_vectors(case: Any) -> None:
    check_vector(case, BY, THINGS_STACK_TOPIC)


def test_an_uplink_becomes_a_row() -> None:
    decoded = told(things_stack(EM300), BY, THINGS_STACK_TOPIC)
    assert only(decoded) == {"t": TIME, "battery_pct": 92, "temperature": 30.8, "humidity": 50.5}
    batch = decoded.batch
    assert batch.tags == (TagKey("acme", EUI),)
    assert Flag(int(batch.flags[0])) == Flag.NETWORK_TIME
    assert (batch.boot.tolist(), batch.seq.tolist()) == ([ADDRESS], [17])


def test_the_tag_may_be_the_devices_id() -> None:
    by = routes("things-stack", {"tag": "device"})
    decoded = told(things_stack(EM300), by, THINGS_STACK_TOPIC)
    assert decoded.batch.tags == (TagKey("acme", "shed-4"),)


def test_zeros_that_are_left_out_are_zeros() -> None:
    decoded = told(things_stack(EM300, f_cnt=None), BY, THINGS_STACK_TOPIC)
    assert decoded.batch.seq.tolist() == [0]


def test_without_the_network_servers_time_the_application_servers_is_used() -> None:
    decoded = told(things_stack(EM300, received_at=None), BY, THINGS_STACK_TOPIC)
    assert decoded.batch.time.tolist() == [TIME - 123 + 400]


def test_nanoseconds_are_cut_to_milliseconds() -> None:
    payload = things_stack(EM300, received_at="2025-11-21T23:00:00.123999999Z")
    assert told(payload, BY, THINGS_STACK_TOPIC).batch.time.tolist() == [TIME]


def test_normalized_values_are_surer_than_decoded_ones() -> None:
    payload = things_stack(
        LHT65,
        decoded_payload={"temp": 70.5, "hum": 51, "BatV": 3.06},
        normalized_payload=[{"air": {"temperature": 21.4, "relativeHumidity": 50}}],
    )
    assert only(told(payload, BY, THINGS_STACK_TOPIC)) == {
        "t": TIME,
        "temperature": 21.4,
        "humidity": 50,
        "battery": 3.06,
    }


@pytest.mark.parametrize(
    ("brand", "model"), [("dragino", "lht65"), ("dragino", "lht65n"), (None, "lht65"), (None, None)]
)
def test_the_version_tells_the_family(brand: str | None, model: str | None) -> None:
    version = {"brand_id": brand, "model_id": model, "firmware_version": "1.8"}
    payload = things_stack(LHT65, f_port=2, version_ids=version)
    assert only(told(payload, BY, THINGS_STACK_TOPIC)) == {
        "t": TIME,
        "battery": 3.062,
        "temperature": 28.29,
        "humidity": 88.6,
        "probe": 27.81,
    }


@pytest.mark.parametrize(
    "rest",
    [
        "join",
        "down/queued",
        "down/sent",
        "down/ack",
        "down/nack",
        "down/failed",
        "down/push",
        "up/normalized",
        "location/solved",
        "queue/invalidated",
        "service/data",
    ],
)
def test_messages_that_hold_no_reading_are_passed_over(rest: str) -> None:
    decoded = told(b"{}", BY, THINGS_STACK_TOPIC.removesuffix("up") + rest)
    assert (len(decoded.batch), decoded.rejected) == (0, [])


@pytest.mark.parametrize("device", ["down", "up", "join", "service"])
def test_a_devices_name_is_no_kind_of_message(device: str) -> None:
    decoded = told(things_stack(EM300), BY, f"v3/app-1@tenant/devices/{device}/up")
    assert only(decoded)["temperature"] == 30.8


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", r"cannot be read as an uplink in JSON.*subscribe to v3/\+/devices/\+/up"),
        ({}, "no end_device_ids, or no uplink_message"),
        ({"end_device_ids": {"dev_eui": EUI}, "join_accept": {}}, "no uplink_message"),
        ({"end_device_ids": {}, "uplink_message": {}}, "DevEUI None"),
        (things_stack(None), "neither a decoded object with a value nor a payload"),
        (things_stack(b"\xfc\xfd\xfe"), "name its family in the option families"),
        (things_stack(EM300, f_port="x"), "f_port"),
    ],
)
def test_what_cannot_be_used_is_rejected_with_the_remedy(payload: Any, expected: str) -> None:
    decoded = told(payload, BY, THINGS_STACK_TOPIC)
    assert len(decoded.batch) == 0
    assert re.search(expected, reason(decoded)), reason(decoded)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
inner = st.sampled_from(
    ["f_port", "f_cnt", "decoded_payload", "normalized_payload", "received_at", "version_ids"]
)
outer = st.sampled_from(["end_device_ids", "received_at", "uplink_message"])


@given(
    st.binary(max_size=40),
    st.dictionaries(inner, json_values, max_size=2),
    st.dictionaries(outer, json_values, max_size=1),
)
def test_whatever_comes_every_message_is_used_or_told(
    data: bytes, within: dict[str, Any], about: dict[str, Any]
) -> None:
    payload = json.dumps(things_stack(data, **within) | about).encode()
    decoded = decode([Message(TIME, THINGS_STACK_TOPIC, payload)], BY, Memory())
    about_the_device = milesight.decode(85, data, "") == Content([], [])
    assert len(decoded.batch) or decoded.rejected or about_the_device
    assert all(each.reason.isprintable() for each in decoded.rejected)


def test_the_samples_of_the_page_are_what_is_said() -> None:
    found = samples("things-stack.md")
    assert len(found) >= 2
    for heading, topic, payload in found:
        decoded = told(payload.encode(), BY, topic, received=TIME + 1000)
        if "cannot be used" in heading:
            assert decoded.rejected, payload
        else:
            assert decoded.rejected == [], payload
            assert readings(decoded), payload
