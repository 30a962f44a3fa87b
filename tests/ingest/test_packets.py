"""A stream of packets is the same however it is cut."""

from __future__ import annotations

import random
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.message import MAX_PAYLOAD_BYTES
from ingest.packets import MalformedPacket, Packets
from tests.bench.flood import packet

NOW = 1_763_812_800_000
PINGRESP = b"\xd0\x00"
SUBACK = b"\x90\x03\x00\x01\x01"


def unsure(topic: bytes, payload: bytes) -> bytes:
    """A PUBLISH of QoS 0."""
    body = struct.pack(">H", len(topic)) + topic + payload
    assert len(body) < 128
    return b"\x30" + bytes([len(body)]) + body


def told(packets: Packets, pieces: list[bytes], most: int) -> tuple[list[object], bytes]:
    """All messages as (topic, payload, acknowledgement), and the other packets."""
    found: list[object] = []
    others = b""
    for piece in pieces:
        data, first = piece, True
        while first or packets.ready:
            chunk = packets.feed(data, most, NOW)
            data, first = b"", False
            sure, others = chunk.sure, others + chunk.others
            assert len(sure) == len(chunk.acks) // 4
            assert len(sure) + len(chunk.unsure) <= most
            assert len(set(sure.topics)) == len(sure.topics)
            for n, message in enumerate(sure):
                assert message.received == NOW
                found.append((message.topic, message.payload, chunk.acks[4 * n : 4 * n + 4]))
            found += [(message.topic, message.payload) for message in chunk.unsure]
    return found, others


names = st.sampled_from([b"a/b", "ü/lot".encode(), b"x" * 200])
sizes = st.sampled_from([0, 1, 100, 127, 200, 17_000])
things = st.lists(
    st.tuples(st.just("sure"), names, sizes, st.integers(1, 65_535))
    | st.tuples(st.just("unsure"), st.just(b"$SYS/x"), st.integers(0, 90), st.just(0))
    | st.tuples(st.sampled_from([PINGRESP, SUBACK]), st.just(b""), st.just(0), st.just(0)),
    max_size=12,
)


@given(things, st.lists(st.integers(0, 40_000), max_size=8), st.integers(1, 5))
def test_however_it_is_cut(
    sent: list[tuple[str | bytes, bytes, int, int]], cuts: list[int], most: int
) -> None:
    stream, expected, controls = b"", [], b""
    for kind, name, size, number in sent:
        payload = bytes(size)
        if kind == "sure":
            stream += packet(name, payload, number)
            ack = b"\x40\x02" + struct.pack(">H", number)
            expected.append((name.decode(), payload, ack))
        elif kind == "unsure":
            stream += unsure(name, payload)
            expected.append((name.decode(), payload))
        else:
            assert isinstance(kind, bytes)
            stream += kind
            controls += kind
    edges = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[one:other] for one, other in pairwise(edges)]
    found, others = told(Packets(), pieces, most)
    assert [each for each in found if len(each) == 3] == [e for e in expected if len(e) == 3]
    assert [each for each in found if len(each) == 2] == [e for e in expected if len(e) == 2]
    assert others == controls


def test_a_byte_at_a_time() -> None:
    stream = packet(b"a", b"x" * 300, 7) + PINGRESP + packet(b"b", b"", 65_535)
    found, others = told(Packets(), [bytes([byte]) for byte in stream], 10)
    assert found == [("a", b"x" * 300, b"\x40\x02\x00\x07"), ("b", b"", b"\x40\x02\xff\xff")]
    assert others == PINGRESP


def test_what_is_too_long_is_cut_and_what_is_no_text_is_replaced() -> None:
    stream = packet(b"\xff", bytes(3 << 20), 1) + packet(b"a\0b", b"", 2)
    found, _ = told(Packets(), [stream], 10)
    assert found[0] == ("\ufffd", bytes(MAX_PAYLOAD_BYTES + 1), b"\x40\x02\x00\x01")
    assert found[1] == ("a\ufffdb", b"", b"\x40\x02\x00\x02")


@pytest.mark.parametrize(
    "stream",
    [
        b"\x34" + packet(b"a", b"", 1)[1:],  # QoS 2
        b"\x32\x03\x00\x05a",  # shorter than its topic
        b"\x32\x05\x00\x01a\x00\x00",  # packet id 0
        b"\x30\x01\x00",
        b"\x32\xff\xff\xff\xff\x01",  # a length of five bytes
    ],
)
def test_what_is_no_mqtt_is_refused(stream: bytes) -> None:
    with pytest.raises(MalformedPacket):
        Packets().feed(stream, 10, NOW)


def test_many_topics_keep_their_messages_apart() -> None:
    order = random.Random(7).choices(range(3_000), k=8_000)
    stream = b"".join(packet(b"t/%d" % n, b"%d" % n, 1) for n in order)
    sure = Packets().feed(stream, len(order), NOW).sure
    assert [(m.topic, m.payload) for m in sure] == [(f"t/{n}", b"%d" % n) for n in order]
    assert len(sure.topics) == len(set(order))


def test_long_topics_are_read_and_not_remembered() -> None:
    packets, names = Packets(), [b"t/" + b"x" * 600, b"t/x"]
    sure = packets.feed(b"".join(packet(name, b"", 1) for name in names), 10, NOW).sure
    assert [message.topic.encode() for message in sure] == names
    assert list(packets._topics) == [b"t/x"]
