"""The native format and what is common to formats: everything in, nothing crashes, all is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import Decoded, Kind, Memory, RouteError, Row, decode, matches, native, route
from ingest.formats.identity import keys
from ingest.formats.rows import MAX_OTHERS
from ingest.message import MAX_PAYLOAD_BYTES, Message, gathered, whole
from lots.clock import DAY_MS
from lots.readings.batch import Flag, TagKey
from lots.settings import Subscription
from lots.terms import Identity

NOW = 1_763_766_000_000
KEEP = 400 * DAY_MS
TOPIC = "dunnage/v1/acme/tag-1/readings"
NATIVE = [route(Subscription(filter="dunnage/v1/+/+/readings", format="native"), KEEP)]
HOUR = 3_600_000
E2000 = 946_684_800_000
COUNTER_KEYS = [337695, 19377, 947055, 767349]
VALUE_KEYS = [313965, 382090, 89233, 89233]
WIRE = Path(__file__).resolve().parents[2] / "docs" / "wire.md"


def told(payload: Any, topic: str = TOPIC, received: int = NOW) -> Decoded:
    """What one message says; ``payload`` as bytes, or to be made JSON."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return decode([Message(received, topic, raw)], NATIVE, Memory())


def reason(decoded: Decoded) -> str:
    (rejected,) = decoded.rejected
    return rejected.reason


def only(decoded: Decoded) -> tuple[int, Flag]:
    """Time and flags of the one reading."""
    assert decoded.rejected == []
    assert len(decoded.batch) == 1
    return int(decoded.batch.time[0]), Flag(int(decoded.batch.flags[0]))


def test_a_reading_becomes_a_row() -> None:
    batch = told(
        {"boot": 17, "seq": 4021, "t": NOW - 5, "temperature": 21.4, "humidity": 63, "co2": 412}
    ).batch
    assert batch.tags == (TagKey("acme", "tag-1"),)
    assert batch.time.tolist() == [NOW - 5]
    assert {name: column.tolist() for name, column in batch.values.items()} == {
        "temperature": [21.4],
        "humidity": [63.0],
        "co2": [412.0],
    }
    assert (batch.boot.tolist(), batch.seq.tolist(), batch.flags.tolist()) == ([17], [4021], [0])
    assert batch.received.tolist() == [NOW]


def test_messages_of_several_tags_become_one_batch() -> None:
    messages = [
        Message(NOW, TOPIC, b'{"t": %d, "temperature": 1}' % NOW),
        Message(NOW, TOPIC.replace("tag-1", "tag-2"), b'[{"t": %d, "humidity": 2}]' % NOW),
        Message(NOW + 9, TOPIC, b'{"t": %d, "temperature": 3, "probe": null}' % (NOW + 1)),
    ]
    batch = decode(messages, NATIVE, Memory()).batch
    assert [batch.tags[i].tag for i in batch.tag] == ["tag-1", "tag-2", "tag-1"]
    np.testing.assert_array_equal(batch.values["temperature"], [1, np.nan, 3])
    np.testing.assert_array_equal(batch.values["humidity"], [np.nan, 2, np.nan])
    assert "probe" not in batch.values


def test_booleans_are_0_and_1_where_they_make_sense() -> None:
    batch = told([{"t": NOW, "door": True, "alarm": False}, {"t": NOW, "door": 0}]).batch
    np.testing.assert_array_equal(batch.values["door"], [1, 0])
    np.testing.assert_array_equal(batch.values["alarm"], [0, np.nan])


def test_text_and_structures_under_other_names_are_passed_over() -> None:
    decoded = told({"t": NOW, "temperature": 1, "fw": "1.2", "gw": {"a": 1}, "tenant": "other"})
    assert decoded.rejected == []
    assert list(decoded.batch.values) == ["temperature"]
    assert decoded.batch.tags[0].tenant == "acme", "never from a payload"


def test_many_structures_in_few_readings_are_passed_over_too() -> None:
    decoded = told([{"t": NOW, "temperature": 1, "gw": [{}] * 10_001}, {"temperature": "x"}])
    assert len(decoded.batch) == 1
    assert decoded.rejected[0].reason.startswith("reading 1: ")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "cannot be read as JSON"),
        (b"\xff\xfe", "cannot be read as JSON"),
        (b'{"temperature": "\xff"}', "JSON in UTF-8"),
        (b'{"temperature": NaN}', "NaN and Infinity are not JSON"),
        (b'{"temperature": -Infinity}', "NaN and Infinity are not JSON"),
        (b'{"temperature": 1e999}', "out of range"),
        (b'{"temperature": 1} and more', "trailing"),
        (b'{"a":' * 20_000, "nested too deep"),
        (b"[" * 100_000, "nested too deep"),
        (b" " * (MAX_PAYLOAD_BYTES + 1), "send it in parts"),
        ([], "array is empty"),
        (b"[" + b"{}," * 10_000 + b"{}]", "send 10000 at most"),
        ({}, "no value in it"),
        ({"t": NOW, "boot": 1, "seq": 2, "temperature": None}, "no value in it"),
        (7, "it is 7: send an object"),
        ("text", "it is 'text': send an object"),
        (None, "it is None: send an object"),
        ({"temperature": "21.4"}, "temperature is '21.4': send a number"),
        ({"temperature": True}, "temperature is True: send a number"),
        ({"temperature": [1]}, "temperature is list: send a number"),
        ({"temperature": 10**400}, "cannot be read|no measured value"),
        ({"temperature": 1, "t": "2025-11-21T23:00:00Z"}, "t is '2025.*ms since 1970"),
        ({"temperature": 1, "t": True}, "t is True"),
        ({"temperature": 1, "sent": "now"}, "sent is 'now'"),
        ({"temperature": 1, "boot": -1}, "boot is -1: send a whole number"),
        ({"temperature": 1, "seq": 1.5}, "seq is 1.5: send a whole number"),
        ({"temperature": 1, "seq": 2**63}, "seq is 9223372036854775808"),
        ({"temperature": 1, "ack": True, "boot": 1, "seq": 1, "first": "x"}, "first is 'x'"),
        ({"temperature": 1, "über": 1}, r"'\\xfcber' cannot be the name"),
        ({"temperature": 1, "1st": 1}, "'1st' cannot be the name"),
        ({"temperature": 1, "": 1}, "'' cannot be the name"),
        ({"temperature": 1, "a" * 65: 1}, "cannot be the name"),
        ({"temperature": 1, "a\u0000b": 1}, "cannot be the name"),
        ({"temperature": 1, "key": 1}, "key is reserved"),
        ({"temperature": 1, "Time": 1}, "Time is reserved.*clock is t"),
        ({f"q{n}": n for n in range(65)}, "send 64 at most"),
    ],
)
def test_what_cannot_be_used_is_rejected_with_the_place_and_the_remedy(
    payload: Any, expected: str
) -> None:
    decoded = told(payload)
    assert len(decoded.batch) == 0
    (rejected,) = decoded.rejected
    assert (rejected.kind, rejected.tenant) == (Kind.UNUSABLE, "acme")
    assert re.search(expected, rejected.reason), rejected.reason
    assert len(rejected.reason) < 400
    assert rejected.reason.isprintable()


@pytest.mark.parametrize(
    ("topic", "tenant", "expected"),
    [
        ("dunnage/v1/acme//readings", "acme", "tag has 0 characters"),
        ("dunnage/v1/acme/ /readings", "acme", "tag has 1 characters"),
        ("dunnage/v1//tag/readings", None, "tenant has 0 characters"),
        (f"dunnage/v1/{'x' * 65}/tag/readings", None, "tenant has 65 characters"),
        (f"dunnage/v1/acme/{'x' * 65}/readings", "acme", "tag has 65 characters"),
        ("dunnage/v1/acme/a\x07b/readings", "acme", "cannot be printed"),
        ("dunnage/v1/acme/a\ufffdb/readings", "acme", "not UTF-8"),
        ("elsewhere/v1/acme/tag/readings", None, "no row of subscriptions"),
    ],
)
def test_topics_that_name_nobody_are_rejected(
    topic: str, tenant: str | None, expected: str
) -> None:
    """And a tenant sees those of its own."""
    decoded = told({"t": NOW, "temperature": 1}, topic=topic)
    assert len(decoded.batch) == 0
    assert expected in reason(decoded)
    assert decoded.rejected[0].tenant == tenant


def test_nothing_bad_takes_the_good_with_it() -> None:
    good = '{"t": %d, "temperature": %d}'
    parts = [good % (NOW, 1), '{"temperature": 1e999}', '{"temperature": "x"}', good % (NOW, 2)]
    messages = [
        Message(NOW, TOPIC, b"broken"),
        Message(NOW, TOPIC, f"[{','.join(parts)}]".encode()),
        Message(NOW, "nobody", b"{}"),
        Message(NOW, TOPIC, (good % (NOW, 3)).encode()),
    ]
    decoded = decode(messages, NATIVE, Memory())
    np.testing.assert_array_equal(np.sort(decoded.batch.values["temperature"]), [1, 2, 3])
    assert [each.position for each in decoded.rejected] == [0, 1, 2]
    assert "reading 1: it cannot be read" in decoded.rejected[1].reason
    assert "reading 2: temperature is 'x'" in decoded.rejected[1].reason


def test_many_troubles_of_one_message_are_counted() -> None:
    decoded = told([{"temperature": "x"}] * 100)
    assert reason(decoded).endswith("; and 95 more")


def test_quantities_of_one_batch_are_bounded() -> None:
    readings = [{"t": NOW, f"q{n}": 1, "temperature": 1} for n in range(MAX_OTHERS + 50)]
    decoded = told(readings)
    assert len(decoded.batch.values) == MAX_OTHERS + 1
    assert "different quantities" in reason(decoded)
    assert len(decoded.batch) == MAX_OTHERS


def test_whoever_makes_up_quantities_costs_nobody_else_a_reading() -> None:
    """Neither another tenant's of any name, nor the tenant's own of the usual names."""
    made_up = json.dumps([{"t": NOW, f"q{n}": 1} for n in range(MAX_OTHERS + 50)]).encode()
    usual = b'{"t": %d, "temperature": 20, "humidity": 50, "door": true}' % NOW
    unusual = b'{"t": %d, "co2": 412}' % NOW
    messages = [
        Message(NOW, TOPIC, made_up),
        Message(NOW, TOPIC.replace("tag-1", "tag-2"), usual),
        Message(NOW, TOPIC.replace("acme", "other"), unusual),
    ]
    decoded = decode(messages, NATIVE, Memory())
    assert [each.position for each in decoded.rejected] == [0]
    assert len(decoded.batch) == MAX_OTHERS + 2


@pytest.mark.parametrize(
    ("reading", "time", "flags"),
    [
        ({"t": NOW - HOUR}, NOW - HOUR, Flag(0)),
        ({"t": NOW - HOUR + 0.4}, NOW - HOUR, Flag(0)),
        ({"t": NOW + 3 * HOUR}, NOW + 3 * HOUR, Flag(0)),
        ({"t": NOW + 3 * HOUR + 1}, NOW + 3 * HOUR + 1, Flag.CLOCK_AHEAD),
        ({"t": NOW + DAY_MS}, NOW + DAY_MS, Flag.CLOCK_AHEAD),
        ({"t": (NOW + 9 * HOUR) // 1000}, NOW + 9 * HOUR, Flag.SECONDS | Flag.CLOCK_AHEAD),
        ({"t": NOW - KEEP}, NOW - KEEP, Flag(0)),
        ({"t": (NOW - HOUR) // 1000}, NOW - HOUR, Flag.SECONDS),
        ({"t": (NOW - HOUR) / 1000 + 0.25}, NOW - HOUR + 250, Flag.SECONDS),
        ({"t": NOW - E2000 - HOUR}, NOW - HOUR, Flag.EPOCH_2000),
        ({"t": (NOW - E2000 - HOUR) // 1000}, NOW - HOUR, Flag.EPOCH_2000 | Flag.SECONDS),
        ({}, NOW, Flag.SERVER_TIME),
        ({"t": None}, NOW, Flag.SERVER_TIME),
        ({"sent": 12}, NOW, Flag.SERVER_TIME),
        # A clock that is right, or may be: the message can have waited at the broker.
        ({"t": NOW - HOUR, "sent": NOW}, NOW - HOUR, Flag(0)),
        ({"t": NOW, "sent": NOW + 5 * 60_000}, NOW, Flag(0)),
        ({"t": NOW - 9 * HOUR, "sent": NOW - 8 * HOUR}, NOW - 9 * HOUR, Flag(0)),
        # One that cannot be.
        ({"t": NOW + 71 * HOUR, "sent": NOW + 72 * HOUR}, NOW - HOUR, Flag.CLOCK_CORRECTED),
        ({"t": 5000, "sent": 65_000}, NOW - 60_000, Flag.CLOCK_CORRECTED),
        ({"t": NOW - 2 * KEEP, "sent": NOW - 2 * KEEP + 9}, NOW - 9, Flag.CLOCK_CORRECTED),
        (
            {"t": NOW // 1000 + HOUR // 1000, "sent": NOW // 1000 + 2 * HOUR // 1000},
            NOW - HOUR,
            Flag.SECONDS | Flag.CLOCK_CORRECTED,
        ),
    ],
)
def test_device_clocks(reading: dict[str, Any], time: int, flags: Flag) -> None:
    assert only(told({"temperature": 1, **reading})) == (time, flags)


@pytest.mark.parametrize(
    "reading",
    [
        {"t": NOW + DAY_MS + 1},
        {"t": NOW - KEEP - 1},
        {"t": 0},
        {"t": -5},
        {"t": 1e300},
        {"t": NOW * 1000},
        {"t": 10**18},
        {"t": 5000, "sent": 4000 + KEEP * 2},
    ],
)
def test_impossible_times_go_to_quarantine(reading: dict[str, Any]) -> None:
    good = {"t": NOW, "temperature": 1}
    decoded = told([good, {"temperature": 2, **reading}])
    assert decoded.batch.values["temperature"].tolist() == [1.0]
    (rejected,) = decoded.rejected
    assert rejected.kind == Kind.QUARANTINE
    assert rejected.reason.startswith("quarantine: reading 1: t ")
    assert "set the device's clock" in rejected.reason


def test_a_later_delivery_is_the_same_reading() -> None:
    for reading in (
        {"boot": 1, "seq": 2, "t": NOW, "temperature": 1.0, "humidity": 2},
        {"humidity": 2.0, "t": NOW, "temperature": 1},
        {"t": NOW // 1000, "sent": NOW // 1000, "temperature": 1},
        {"t": NOW - E2000, "temperature": -0.0},
    ):
        first = told({"temperature": 0, **reading}).batch
        late = told([{"t": NOW, "co2": 4}, reading], received=NOW + 9 * HOUR).batch
        assert late.stored_ns[1] == first.stored_ns[0]
        assert late.flags[1] == first.flags[0]


def test_keys_never_change() -> None:
    """Stored readings depend on them; these numbers were written down when the format was made."""
    counters = keys(np.array([17, 17, 0, 2**53]), np.array([4021, 4022, 0, 0]), {})
    assert counters.tolist() == COUNTER_KEYS
    nan = np.nan
    values = {
        "temperature": np.array([21.4, 21.4, 0.0, -0.0]),
        "humidity": np.array([63.2, nan, nan, nan]),
    }
    unknown = np.full(4, -1)
    assert keys(unknown, unknown, values).tolist() == VALUE_KEYS
    swapped = dict(reversed(values.items())) | {"probe": np.full(4, nan)}
    assert keys(unknown, np.arange(4), swapped).tolist() == VALUE_KEYS


def test_keys_of_counters_spread() -> None:
    seq = np.arange(20_000)
    found = keys(np.zeros(20_000, np.int64), seq, {})
    expected = 1e6 * (1 - np.exp(-20_000 / 1e6))  # distinct ones of a good hash
    assert abs(len(np.unique(found)) - expected) < 60


def test_acknowledgements_are_asked_for_once_a_tag() -> None:
    readings = [
        {"boot": 1, "seq": 7, "t": NOW, "temperature": 1, "ack": True},
        {"boot": 1, "seq": 9, "t": NOW, "temperature": "bad", "ack": True, "first": 3},
        {"boot": 1, "seq": 11, "t": NOW, "temperature": 1, "ack": False},
        {"seq": 12, "t": NOW, "temperature": 1, "ack": True},
    ]
    (ack,) = told(readings).acks
    assert (ack.tenant, ack.tag, ack.boot, ack.seq, ack.first) == ("acme", "tag-1", 1, 9, 3)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("dunnage/v1/+/+/readings", "dunnage/v1/a/b/readings", True),
        ("dunnage/v1/+/+/readings", "dunnage/v1/a/b/c/readings", False),
        ("dunnage/v1/+/+/readings", "dunnage/v1/a/b", False),
        ("dunnage/#", "dunnage/v1/a", True),
        ("dunnage/#", "dunnage", True),
        ("dunnage", "dunnage/v1", False),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("#", "a", True),
        ("+", "", True),
        ("$share/workers/dunnage/+", "dunnage/v1", True),
    ],
)
def test_topic_filters(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(RouteError, match=r"'morse' for '#': use one of .*native"):
        route(Subscription(filter="#", format="morse"), KEEP)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
fields = st.sampled_from(
    ["boot", "seq", "t", "sent", "ack", "first", "temperature", "door", "co2", "time", "ü"]
)
readings = st.dictionaries(fields, json_values, max_size=8)
payloads = (
    st.binary(max_size=60)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.lists(readings, max_size=4).map(lambda value: json.dumps(value).encode())
)
topics = st.just(TOPIC) | st.text(max_size=30) | st.just("dunnage/v1/a/\ufffd/readings")


@given(st.lists(st.tuples(topics, payloads), max_size=5))
def test_whatever_comes_every_message_is_used_or_told(messages: list[tuple[str, bytes]]) -> None:
    entry = [Message(NOW, topic, payload) for topic, payload in messages]
    decoded = decode(entry, NATIVE, Memory())
    positions = [each.position for each in decoded.rejected]
    assert positions == sorted(set(positions))
    assert all(each.reason.isprintable() for each in decoded.rejected)
    batch = decoded.batch
    if not len(batch):
        assert len(positions) == len(messages)
    assert np.all((batch.time >= NOW - KEEP) & (batch.time <= NOW + DAY_MS))
    assert not any(np.isinf(column).any() for column in batch.values.values())
    alone = [len(decode([one], NATIVE, Memory()).batch) for one in entry]
    assert sum(alone) == len(batch), "what a message says does not depend on its neighbours"


counts = st.integers(-1, 3) | st.sampled_from([2**53 - 1, 2**53, 4.0])
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
nearly_plain = st.fixed_dictionaries(
    {},
    optional={
        "boot": counts,
        "seq": counts,
        "first": counts,
        "ack": st.booleans() | st.none(),
        "t": st.sampled_from([NOW, NOW // 1000, NOW - E2000, 0, -1.5]) | numbers,
        "sent": st.sampled_from([NOW, NOW + 10**7]),
        "temperature": numbers,
        "humidity": numbers,
        "door": st.booleans() | numbers,
        "lat": numbers,
        "co2": numbers,
    },
)
nearly_plain_payloads = (nearly_plain | st.lists(nearly_plain, max_size=3)).map(
    lambda value: json.dumps(value).encode()
)


def rows(decoded: Decoded) -> list[tuple[object, ...]]:
    batch = decoded.batch
    return sorted(
        (
            *batch.tags[batch.tag[i]],
            *(int(column[i]) for column in (batch.time, batch.key, batch.flags)),
            *(int(column[i]) for column in (batch.received, batch.boot, batch.seq)),
            str({n: float(c[i]) for n, c in sorted(batch.values.items()) if not np.isnan(c[i])}),
        )
        for i in range(len(batch))
    )


def require_agreement(payloads: list[bytes], identity: Identity = Identity.COUNTERS) -> None:
    topics = (TOPIC, TOPIC.replace("tag-1", "tag-2"))
    entry = whole(
        gathered(Message(NOW, topics[n % 2], payload) for n, payload in enumerate(payloads))
    )
    row = Row(None, identity, KEEP)
    quick, careful = native.decode(entry, row, Memory()), native.itemwise(entry, row)
    assert rows(quick) == rows(careful)
    assert quick.rejected == careful.rejected
    assert {ack.tag for ack in quick.acks} == {ack.tag for ack in careful.acks}


@given(
    st.lists(nearly_plain_payloads, max_size=4),
    st.sampled_from([Identity.COUNTERS, Identity.VALUES]),
)
def test_the_quick_way_and_the_careful_way_agree(payloads: list[bytes], identity: Identity) -> None:
    require_agreement(payloads, identity)


@given(st.lists(st.from_regex(r"-?[0-9.eE+-]{1,24}", fullmatch=True), min_size=1, max_size=4))
def test_both_ways_agree_on_what_a_number_is(texts: list[str]) -> None:
    require_agreement([f'{{"temperature": {text}, "seq":{text}}}'.encode() for text in texts])
    require_agreement([f'{{"temperature": {text}}}'.encode() for text in texts])


@given(nearly_plain_payloads, st.data())
def test_both_ways_agree_on_what_is_broken(payload: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(payload)))
    put = data.draw(st.sampled_from([b"", b" ", b"\n", b"{", b"}", b"[", b"]", b",", b'"', b"\\"]))
    cut = data.draw(st.integers(0, 2))
    require_agreement([payload, payload[:at] + put + payload[at + cut :], payload])


def samples() -> list[tuple[str, str, str]]:
    """(heading, topic, payload) of the samples in the wire contract."""
    pattern = r"^#+ ([^\n]+)$|^```json (\S+)\n(.*?)^```$"
    heading, found = "", []
    for match in re.finditer(pattern, WIRE.read_text(), re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.append((heading, match[2], match[3]))
    return found


def test_the_samples_of_the_wire_contract_are_what_is_said() -> None:
    found = [one for one in samples() if one[1].endswith("/readings")]
    assert len(found) >= 4
    for heading, topic, payload in found:
        decoded = told(payload.encode(), topic=topic)
        if "cannot be used" in heading:
            assert decoded.rejected, payload
        else:
            assert decoded.rejected == [], payload
            assert len(decoded.batch) >= 1
