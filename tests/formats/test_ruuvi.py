"""RuuviTags: Ruuvi's own vectors, and which measurement is which however it was heard."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats import Decoded, Memory, RouteError, decode, route
from ingest.message import Message
from ingest.repeats import Repeats
from lots.clock import DAY_MS
from lots.readings.batch import Flag, ReadingBatch, TagKey, concatenate
from lots.settings import Subscription
from tests.formats.anything import as_json, objects, require_sane
from tests.formats.pages import told as told_by

NOW = 1_763_766_000_000
KEEP = 400 * DAY_MS
MAC = "CB:B8:33:4C:88:4F"
TOPIC = f"ruuvi/C8:25:2D:8E:9C:2C/{MAC}"
OTHER_GATEWAY = f"ruuvi/AA:BB:CC:DD:EE:FF/{MAC}"
ROUTE = route(Subscription(filter="ruuvi/+/+", format="ruuvi", tenant="acme"), KEEP)
HEAD = "0201061BFF9904"  # flags; 27 bytes of manufacturer data, company 0x0499
# docs.ruuvi.com, "Data format 5 (RAWv2)", test vectors
VALID = "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
MAXIMUM = "057FFFFFFEFFFE7FFF7FFF7FFFFFDEFEFFFECBB8334C884F"
MINIMUM = "058001000000008001800180010000000000CBB8334C884F"
INVALID = "058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF"
READING = {
    "temperature": 24.3,
    "humidity": 53.49,
    "pressure": 1000.44,
    "acceleration_x": 0.004,
    "acceleration_y": -0.004,
    "acceleration_z": 1.036,
    "battery": 2.977,
    "movements": 66,
}


def sent(data: str = HEAD + VALID, **fields: Any) -> bytes:
    """What a gateway sends, ``fields`` over the usual ones; None leaves one out."""
    usual = {"gw_mac": "C8:25:2D:8E:9C:2C", "rssi": -62, "aoa": [], "gwts": "1763766001"}
    whole = {**usual, "ts": "1763766000", "data": data, "coords": "", **fields}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def told(payload: bytes, topic: str = TOPIC, received: int = NOW) -> Decoded:
    return decode([Message(received, topic, payload)], [ROUTE], Memory())


def values(batch: ReadingBatch) -> dict[str, float]:
    return {name: float(column[0]) for name, column in batch.values.items()}


def test_the_sample_of_the_page() -> None:
    (decoded,) = told_by("ruuvi.md")
    assert decoded.rejected == []
    assert values(decoded.batch) == READING


def test_the_valid_vector() -> None:
    batch = told(sent()).batch
    assert batch.tags == (TagKey("acme", MAC),)
    assert values(batch) == READING
    assert (batch.time.tolist(), batch.seq.tolist()) == ([NOW], [205])
    assert batch.flags.tolist() == [Flag.NETWORK_TIME]


def test_the_largest_values() -> None:
    batch = told(sent(HEAD + MAXIMUM)).batch
    assert values(batch) == {
        "temperature": 163.835,
        "humidity": 163.835,
        "pressure": 1155.34,
        "acceleration_x": 32.767,
        "acceleration_y": 32.767,
        "acceleration_z": 32.767,
        "battery": 3.646,
        "movements": 254,
    }
    assert batch.seq.tolist() == [65534]


def test_the_smallest_values() -> None:
    batch = told(sent(HEAD + MINIMUM)).batch
    assert values(batch) == {
        "temperature": -163.835,
        "humidity": 0,
        "pressure": 500,
        "acceleration_x": -32.767,
        "acceleration_y": -32.767,
        "acceleration_z": -32.767,
        "battery": 1.6,
        "movements": 0,
    }
    assert batch.seq.tolist() == [0]


def test_what_is_not_available_is_left_out() -> None:
    (rejected,) = told(sent(HEAD + INVALID)).rejected
    assert "says of every value that it is not available" in rejected.reason
    pro = HEAD + VALID[:6] + "FFFFFFFF" + VALID[14:]  # without humidity and pressure
    assert values(told(sent(pro)).batch) == {
        name: value for name, value in READING.items() if name not in ("humidity", "pressure")
    }


def test_without_a_sequence_number_the_values_decide() -> None:
    batch = told(sent(HEAD + VALID[:32] + "FFFF" + VALID[36:])).batch
    assert batch.seq.tolist() == [-1]
    assert values(batch) == READING


@pytest.mark.parametrize(
    "data",
    [
        HEAD + VALID,
        HEAD + VALID.lower(),
        HEAD + VALID + "0303AAFE",
        HEAD + VALID + "00000000",
        "03FF4C00" + HEAD + VALID,
        "1BFF9904" + VALID,
        "9904" + VALID,
        VALID,
    ],
)
def test_wherever_the_payload_is_in_the_advertisement(data: str) -> None:
    assert values(told(sent(data)).batch) == READING


def settled(*messages: tuple[str, bytes]) -> ReadingBatch:
    """As a worker has them, one after the other."""
    repeats = Repeats()
    parts = []
    for topic, payload in messages:
        decoded = told(payload, topic)
        assert decoded.rejected == []
        parts.append(repeats.settle(decoded.batch))
    return concatenate(parts)


def test_a_measurement_that_two_gateways_hear_is_one_reading() -> None:
    batch = settled(
        (TOPIC, sent()),
        (OTHER_GATEWAY, sent(ts="1763766003", gwts="1763766003", rssi=-90)),
        (TOPIC, sent(ts=1763766001, gwts=1763766002)),
    )
    assert set(batch.stored_ns.tolist()) == {int(batch.stored_ns[0])}
    assert batch.time.tolist() == [NOW] * 3, "the first delivery's"
    assert all(column[0] == column[1] == column[2] for column in batch.values.values())


def test_the_next_measurement_is_another_reading_even_with_the_same_values() -> None:
    following = HEAD + VALID[:32] + "00CE" + VALID[36:]
    batch = settled((TOPIC, sent()), (TOPIC, sent(following)))
    assert len(set(batch.stored_ns.tolist())) == 2


@pytest.mark.parametrize("later_s", [60, 84_000])
def test_a_sequence_that_begins_anew_is_another_reading(later_s: int) -> None:
    """After 65 534 numbers, or a new battery: the measurement is not the same to the last digit."""
    warmer = HEAD + "0512FD" + VALID[6:]
    later = str(1_763_766_000 - later_s)
    batch = settled((TOPIC, sent(ts=later, gwts=later)), (TOPIC, sent(warmer)))
    assert batch.seq.tolist() == [205, 205]
    assert batch.time.tolist() == [NOW - later_s * 1000, NOW]


@pytest.mark.parametrize(
    ("fields", "time", "flags"),
    [
        ({"ts": None}, NOW, Flag.SERVER_TIME | Flag.NETWORK_TIME),
        ({"ts": None, "gwts": None}, NOW, Flag.SERVER_TIME | Flag.NETWORK_TIME),
        ({"gwts": None}, NOW, Flag.NETWORK_TIME),
        ({"ts": 1763765990.5}, NOW - 9_500, Flag.NETWORK_TIME),
        # a gateway that has no time yet counts from 1970
        ({"ts": "100", "gwts": "160"}, NOW - 60_000, Flag.CLOCK_CORRECTED | Flag.NETWORK_TIME),
    ],
)
def test_times(fields: dict[str, Any], time: int, flags: Flag) -> None:
    batch = told(sent(**fields)).batch
    assert (batch.time.tolist(), batch.flags.tolist()) == ([time], [flags])


def test_the_gateway_speaking_of_itself_is_passed_over() -> None:
    decoded = told(b'{"state": "online"}', "ruuvi/C8:25:2D:8E:9C:2C/gw_status")
    assert (len(decoded.batch), decoded.rejected) == (0, [])


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"{", "cannot be read as JSON"),
        (b"[1]", "it is list: a Ruuvi Gateway sends an object"),
        (sent(data=None), "no data in it: set the gateway's data format to raw"),
        (sent("xyz"), "data is 'xyz': an advertisement is written in hex"),
        (sent(7), "data is 7"),
        (sent(""), "not of a Ruuvi sensor: let the gateway"),
        (sent("02011A0BFF4C001006031A1234567890"), "not of a Ruuvi sensor"),
        (sent("0201060303AAFE1116AAFE10F9037275752E76692F23424C77"), "not of a Ruuvi sensor"),
        (sent("02010611FF990403291A1ECE1EFC18F94202CA0B53"), r"data format 3 \(RAWv1\): update"),
        (sent("0201060EFF99040600000000000000000000"), "data format 6, of a Ruuvi Air"),
        (sent("2BFF9904E1" + "00" * 39), "data format E1, of a Ruuvi Air"),
        (sent("05FF99047700"), "data format 119, which is not known"),
        (sent("1BFF9904" + VALID[:40]), "data format 5 has 24 bytes, and these are 20"),
        (sent(ts="yesterday"), "ts is 'yesterday': the form s is a number"),
        (sent(ts="100", gwts=None), "quarantine: t 100000 is no time"),
    ],
)
def test_what_cannot_be_used_is_told(payload: bytes, expected: str) -> None:
    decoded = told(payload)
    assert len(decoded.batch) == 0
    (rejected,) = decoded.rejected
    assert rejected.tenant == "acme"
    assert re.search(expected, rejected.reason), rejected.reason


def test_there_are_no_options() -> None:
    row = Subscription(filter="#", format="ruuvi", tenant="acme", options={"tag": "x"})
    with pytest.raises(RouteError, match="option tag: there is no such option: use none"):
        route(row, KEEP)


advertisements = st.binary(max_size=34).map(bytes.hex) | st.binary(min_size=22, max_size=24).map(
    lambda rest: HEAD + "05" + rest.hex()
)
payloads = (
    st.binary(max_size=40)
    | as_json(objects(["data", "ts", "gwts", "rssi"]))
    | st.builds(sent, advertisements)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(payloads, max_size=4))
def test_whatever_comes_every_message_is_used_or_told(payloads: list[bytes]) -> None:
    entry = [Message(NOW, TOPIC, payload) for payload in payloads]
    require_sane(entry, ROUTE)
    for message in entry:
        decoded = decode([message], [ROUTE], Memory())
        assert len(decoded.batch) + len(decoded.rejected) == 1
