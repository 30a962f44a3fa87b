"""Uplinks as ChirpStack v4 publishes them, and what both network servers' formats share."""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import Kind, Memory, RouteError, decode
from ingest.formats.devices import milesight
from ingest.formats.devices.payload import Content
from ingest.formats.uplink import SAMPLE_STEP
from ingest.message import MAX_PAYLOAD_BYTES, Message
from lots.readings.batch import Flag, TagKey
from tests.formats.lorawan import (
    CHIRPSTACK_TOPIC,
    EUI,
    TIME,
    check_vector,
    chirpstack,
    only,
    readings,
    reason,
    routes,
    samples,
    told,
    vectors,
)

BY = routes("chirpstack")
EM300 = bytes.fromhex("01755c03673401046865")
ERS = bytes.fromhex("0100E20229")
ADDRESS = 0x0189440F


@pytest.mark.parametrize("case", vectors("ChirpStack"))
def test_shared_vectors(case: Any) -> None:
    check_vector(case, BY, CHIRPSTACK_TOPIC)


def test_an_uplink_becomes_a_row() -> None:
    decoded = told(chirpstack(EM300), BY)
    assert only(decoded) == {
        "t": TIME,
        "battery_pct": 92,
        "temperature": 30.8,
        "humidity": 50.5,
    }
    batch = decoded.batch
    assert batch.tags == (TagKey("acme", EUI),), "the tenant of the row, the DevEUI in upper case"
    assert Flag(int(batch.flags[0])) == Flag.NETWORK_TIME
    assert (batch.boot.tolist(), batch.seq.tolist()) == ([ADDRESS], [17])
    assert decoded.framed == {TagKey("acme", EUI)}


def test_the_same_uplink_by_another_gateway_is_the_same_reading() -> None:
    first = told(chirpstack(EM300), BY).batch
    other = chirpstack(EM300, time="2025-11-21T23:00:00.987Z", deduplicationId="another")
    other["rxInfo"] = [{"gatewayId": "ffff", "rssi": -120, "snr": -20}, *other["rxInfo"]]
    second = told(other, BY).batch
    assert (first.boot[0], first.seq[0]) == (second.boot[0], second.seq[0])
    assert first.key[0] == second.key[0]
    assert {n: c.tolist() for n, c in first.values.items()} == {
        n: c.tolist() for n, c in second.values.items()
    }


def test_after_a_rejoin_numbers_begin_anew_under_another_address() -> None:
    first = told(chirpstack(EM300, fCnt=0), BY).batch
    later = told(chirpstack(EM300, fCnt=0, devAddr="01ffffff"), BY).batch
    assert (first.boot[0], first.seq[0]) != (later.boot[0], later.seq[0])
    unnamed = chirpstack(EM300)
    del unnamed["fCnt"]
    assert told(unnamed, BY).batch.seq.tolist() == [0], "a zero may be left out"


def test_what_the_decoder_gave_is_used_before_the_bytes() -> None:
    given_ = chirpstack(EM300, object={"TempC_SHT": 21.5, "Hum_SHT": "55.5", "BatV": 3.1})
    assert only(told(given_, BY)) == {
        "t": TIME,
        "temperature": 21.5,
        "humidity": 55.5,
        "battery": 3.1,
    }


@pytest.mark.parametrize("said", [{}, {"err": "unknown"}, {"battery": 92, "rssi": -3}, [], "text"])
def test_the_bytes_are_used_where_the_decoder_knows_nothing_of_the_climate(said: Any) -> None:
    assert only(told(chirpstack(EM300, object=said), BY))["temperature"] == 30.8


def test_a_decoder_that_gives_what_the_bytes_do_not_is_used() -> None:
    decoded = told(chirpstack(b"\xfc\xfd\xfe", object={"battery": 92}), BY)
    assert only(decoded) == {"t": TIME, "battery_pct": 92}


def test_the_model_that_a_decoder_names_tells_the_family() -> None:
    datalog = bytes.fromhex("7FFF 0898 0146 41 691F3F70".replace(" ", ""))
    said = {"Node_type": "LHT65N", "DATALOG": "[327.67,22,32.6,2025-11-20 16:18:56],"}
    (reading,) = readings(told(chirpstack(datalog, object=said, fPort=2), BY))
    assert reading == {"t": 0x691F3F70 * 1000, "temperature": 22, "humidity": 32.6}


def test_records_of_earlier_have_their_own_time_and_are_told_apart_by_their_values() -> None:
    stamps = [TIME // 1000 - 600, TIME // 1000 - 1200]
    records = [b"\x20\xce" + struct.pack("<IhB", at, 272, 93) for at in stamps]
    decoded = told(chirpstack(EM300 + b"".join(records)), BY)
    assert decoded.rejected == []
    assert [reading["t"] for reading in readings(decoded)] == [
        TIME,
        *(stamp * 1000 for stamp in stamps),
    ]
    batch = decoded.batch
    assert batch.boot.tolist() == [ADDRESS, -1, -1]
    assert batch.seq.tolist() == [17, -1, -1]
    assert batch.flags.tolist() == [int(Flag.NETWORK_TIME), 0, 0]
    again = told(chirpstack(records[0], fCnt=99), BY)
    assert again.batch.stored_ns[0] == batch.stored_ns[1], "the same, in whichever frame it comes"


def test_records_that_a_decoder_gave_have_their_own_time() -> None:
    at = TIME // 1000 - 600
    said = {"temperature": 21, "history": [{"timestamp": at, "temperature": 20}]}
    batch = told(chirpstack(None, object=said), BY).batch
    assert batch.time.tolist() == [TIME, at * 1000]
    assert batch.boot.tolist() == [ADDRESS, -1]


def test_samples_without_a_clock_have_the_uplinks_time_less_how_long_ago_they_were_taken() -> None:
    samples_of_earlier = bytes.fromhex("4100DC3C 4100D678 C100640000012C".replace(" ", ""))
    decoded = told(chirpstack(ERS + samples_of_earlier, fPort=5), BY)
    assert decoded.rejected == []
    batch = decoded.batch
    assert batch.time.tolist() == [TIME, TIME - 60_000, TIME - 120_000, TIME - 300_000]
    assert batch.boot.tolist() == [ADDRESS + n * SAMPLE_STEP for n in range(4)]
    assert set(batch.seq.tolist()) == {17}
    assert set(batch.flags.tolist()) == {int(Flag.NETWORK_TIME)}


def test_a_record_of_a_time_that_cannot_be_does_not_take_the_reading_with_it() -> None:
    record = b"\x20\xce" + struct.pack("<IhB", 214_578_533, 272, 93)
    decoded = told(
        chirpstack(EM300 + record), routes("chirpstack", {"family": "milesight EM320-TH"})
    )
    assert [reading["t"] for reading in readings(decoded)] == [TIME]
    (rejected,) = decoded.rejected
    assert rejected.kind == Kind.QUARANTINE
    assert rejected.reason.startswith("quarantine: record 1: t 214578533000 is no time of the last")


@pytest.mark.parametrize("time", [None, "", "yesterday", "2025-11-21T23:00:00"])
def test_without_a_time_with_a_zone_it_is_the_servers(time: Any) -> None:
    decoded = told(chirpstack(EM300, time=time), BY, received=TIME + 7)
    assert decoded.batch.time.tolist() == [TIME + 7]
    assert Flag(int(decoded.batch.flags[0])) == Flag.NETWORK_TIME | Flag.SERVER_TIME


def test_identity_by_values_leaves_the_frame_out() -> None:
    batch = told(chirpstack(EM300), routes("chirpstack", identity="values")).batch
    assert (batch.boot.tolist(), batch.seq.tolist()) == ([-1], [-1])


# ---- options -----------------------------------------------------------------------------------


def test_the_tag_may_be_the_devices_name() -> None:
    by = routes("chirpstack", {"tag": "device"})
    assert told(chirpstack(EM300), by).batch.tags == (TagKey("acme", "shed-4"),)
    nameless = chirpstack(EM300, deviceInfo={"devEui": EUI})
    assert "the device has 0 characters" in reason(told(nameless, by))


@pytest.mark.parametrize("name", [EUI, EUI.lower(), "shed-4", "Sensors"])
def test_the_family_may_be_told_by_eui_device_or_profile(name: str) -> None:
    ambiguous = b"\x20\xce" + struct.pack("<IhBB", TIME // 1000 - 60, 272, 93, 1)
    by = routes("chirpstack", {"families": {name: "milesight EM300-MCS"}})
    (reading,) = readings(told(chirpstack(ambiguous), by))
    assert reading["door"] == 1
    (without,) = readings(told(chirpstack(ambiguous), BY))
    assert "door" not in without


def test_a_family_of_the_row_is_binding() -> None:
    by = routes("chirpstack", {"family": "netvox", "families": {EUI: "milesight"}})
    assert only(told(chirpstack(EM300), by))["temperature"] == 30.8
    other = chirpstack(EM300, deviceInfo={"devEui": "24e124136b502a18"})
    assert "device type" in reason(told(other, by))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"families": {"x": "sensecap"}}, "'sensecap' is no family of devices: one of milesight, "),
        ({"family": "acme"}, "'acme' is no family"),
        ({"family": 7}, "7 is no family"),
        ({"families": ["milesight"]}, "option families is a table"),
        ({"tag": "serial"}, "option tag is 'serial': dev_eui or device"),
        ({"decoder": "x"}, "option 'decoder' is not known: tag, family or families"),
    ],
)
@pytest.mark.parametrize("format_", ["chirpstack", "things-stack"])
def test_options_that_cannot_be_are_refused_with_the_remedy(
    options: dict[str, Any], expected: str, format_: str
) -> None:
    with pytest.raises(RouteError, match=expected):
        routes(format_, options)


# ---- what cannot be used -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "cannot be read as an uplink in JSON.*json = true"),
        (b"\x0a\x24protobuf", "cannot be read as an uplink in JSON.*json = true"),
        (b'{"object":' * 20_000, "cannot be read as an uplink"),
        (b'{"object":' + b"[" * 20_000, "nested too deep"),
        (b" " * (MAX_PAYLOAD_BYTES + 1), "longer than 262144 bytes"),
        ([chirpstack(EM300)], "cannot be read as an uplink in JSON.*Expected `object`"),
        ({}, "it has no deviceInfo"),
        ({"deviceInfo": {}}, "DevEUI None: 16 hexadecimal digits"),
        ({"deviceInfo": {"devEui": "24e124"}}, "DevEUI '24e124': 16 hexadecimal digits"),
        (chirpstack(EM300, fCnt="many"), r"fCnt"),
        (chirpstack(None), "neither a decoded object with a value nor a payload"),
        (chirpstack(b""), "neither a decoded object with a value nor a payload"),
        (chirpstack(None) | {"data": "%%%"}, "the payload '%%%' is not base64"),
        (chirpstack(b"\xfc\xfd\xfe"), "if it is none of milesight, name its family in the option"),
        (
            chirpstack(b"\xfc\xfd\xfe", deviceInfo={"devEui": "1000000000000001"}),
            "the payload fcfdfe on FPort 85 is of no family.*name the family .*option families",
        ),
        (chirpstack(bytes.fromhex("0367")), "0367|ends in the middle"),
    ],
)
def test_what_cannot_be_used_is_rejected_with_the_remedy(payload: Any, expected: str) -> None:
    decoded = told(payload, BY)
    assert len(decoded.batch) == 0
    assert re.search(expected, reason(decoded)), reason(decoded)


def test_what_is_good_in_an_uplink_stays() -> None:
    decoded = told(chirpstack(EM300 + bytes.fromhex("17ab00")), BY)
    assert readings(decoded)[0]["temperature"] == 30.8
    assert "type 0xab on channel 0x17 is not known" in reason(decoded)


@pytest.mark.parametrize(
    "event", ["join", "ack", "txack", "log", "status", "location", "integration"]
)
def test_events_that_hold_no_reading_are_passed_over(event: str) -> None:
    decoded = told(chirpstack(None), BY, CHIRPSTACK_TOPIC.replace("/up", f"/{event}"))
    assert (len(decoded.batch), decoded.rejected) == (0, [])
    decoded = told(b"{}", BY, "application/app-1/device/x/command/down")
    assert decoded.rejected == []


def test_a_frame_about_the_device_alone_is_passed_over() -> None:
    decoded = told(chirpstack(bytes.fromhex("ff0bffff0101ff0f00")), BY)
    assert (len(decoded.batch), decoded.rejected) == (0, [])


def test_a_prefix_before_the_topic_does_no_harm() -> None:
    decoded = told(chirpstack(EM300), BY, "eu868/" + CHIRPSTACK_TOPIC)
    assert only(decoded)["temperature"] == 30.8


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(-1e6, 1e6)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
fields = st.sampled_from(
    ["time", "deviceInfo", "devAddr", "fCnt", "fPort", "data", "object", "rxInfo"]
)
uplinks = st.builds(
    lambda data, changed: json.dumps(chirpstack(data) | changed).encode(),
    st.binary(max_size=40),
    st.dictionaries(fields, json_values, max_size=3),
)
payloads = st.binary(max_size=60) | json_values.map(lambda v: json.dumps(v).encode()) | uplinks


@given(st.lists(payloads, max_size=4))
def test_whatever_comes_every_message_is_used_or_told(messages: list[bytes]) -> None:
    entry = [Message(TIME, CHIRPSTACK_TOPIC, payload) for payload in messages]
    decoded = decode(entry, BY, Memory())
    positions = [each.position for each in decoded.rejected]
    assert positions == sorted(set(positions))
    assert all(each.reason.isprintable() and each.tenant == "acme" for each in decoded.rejected)
    assert all(np.isfinite(c[~np.isnan(c)]).all() for c in decoded.batch.values.values())
    for position, message in enumerate(entry):
        used = len(decode([message], BY, Memory()).batch) > 0
        assert used or position in positions or about_the_device(message.payload)


def about_the_device(payload: bytes) -> bool:
    """Whether it is a frame in which a Milesight device tells of itself alone."""
    data = base64.b64decode(json.loads(payload)["data"])
    return bool(data) and milesight.decode(85, data, "") == Content([], [])


def test_the_samples_of_the_page_are_what_is_said() -> None:
    found = samples("chirpstack.md")
    assert len(found) >= 3
    for heading, topic, payload in found:
        sent = TIME if "2025-11-21" in payload else 0
        decoded = told(payload.encode(), BY, topic, received=sent + 1000)
        if "cannot be used" in heading:
            assert decoded.rejected, payload
        else:
            assert decoded.rejected == [], payload
            assert len(decoded.batch) >= 1, payload
