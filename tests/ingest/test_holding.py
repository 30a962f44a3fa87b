"""What is held is bounded, in number and bytes, and comes to nothing when all is acknowledged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.holding import MAX_HELD_BYTES, MAX_TAKE_BYTES, Delivery, Holding
from ingest.message import Message, gathered
from ingest.packets import PUBACK_BYTES

LONGEST = 65_000
"""Characters that a topic may have, about."""


def add(holding: Holding, *found: Message) -> None:
    holding.add(gathered(found), bytes(PUBACK_BYTES * len(found)))


def taken(holding: Holding, limit: int) -> Delivery:
    delivery = holding.take(limit, 0.0)
    assert delivery is not None
    return delivery


def test_topics_count_as_payloads_do() -> None:
    holding = Holding(20_000)
    chunk = [Message(0, str(n).ljust(LONGEST, "x"), b"") for n in range(4)]
    chunks = 0
    while not holding.full:
        add(holding, *chunk)
        chunks += 1
    assert chunks == -(-MAX_HELD_BYTES // (4 * LONGEST))
    delivery = taken(holding, 20_000)
    assert MAX_TAKE_BYTES <= delivery.messages.size < MAX_TAKE_BYTES + 4 * LONGEST
    holding.acknowledge(delivery)
    assert not holding.full


sizes = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=6)


@given(st.lists(sizes, min_size=1, max_size=5), st.integers(1, 4))
def test_nothing_is_left_when_all_is_acknowledged(chunks: list, limit: int) -> None:
    holding = Holding(100)
    sent = [[Message(0, topic, bytes(size)) for topic, size in chunk] for chunk in chunks]
    for chunk in sent:
        add(holding, *chunk)
    got = []
    while holding.count:
        delivery = taken(holding, limit)
        got += delivery.messages
        holding.acknowledge(delivery)
    assert got == [message for chunk in sent for message in chunk]
    assert holding._bytes == 0
    assert len(holding.due()) == PUBACK_BYTES * len(got)
