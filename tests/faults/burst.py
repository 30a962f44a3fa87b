"""Many messages to the broker as fast as it takes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tests.faults import wire

WINDOW = 1000


class Message(NamedTuple):
    topic: str
    payload: bytes


def burst(port: int, client: str, messages: Iterable[Message]) -> int:
    """Publish at QoS 1 until the broker has acknowledged all; returns how many."""
    link = wire.Connection(port, client)
    try:
        waiting: set[int] = set()
        count = 0
        for message in messages:
            count += 1
            number = count % 65_535 + 1
            waiting.add(number)
            link.send(wire.publish(message.topic, message.payload, number))
            if count % 100 == 0:
                _exchange(link, waiting, WINDOW)
        _exchange(link, waiting, 0)
        link.send(wire.goodbye())
        list(link.exchange(0.1))
        return count
    finally:
        link.close()


def _exchange(link: wire.Connection, waiting: set[int], most: int) -> None:
    """Until at most ``most`` messages are not acknowledged."""
    while link.waiting > wire.READ_BYTES or len(waiting) > most:
        for packet in link.exchange(1.0):
            if packet.kind == wire.PUBACK:
                waiting.discard(packet.number)
