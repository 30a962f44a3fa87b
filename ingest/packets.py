"""What a broker sends, taken apart: many PUBLISH packets at once. MQTT 3.1.1; no I/O.

A client that handles each packet by itself spends most of its time doing so. Here a compiled loop
finds the packets of a chunk of the stream, and what is not a PUBLISH is left to the client library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.message import MAX_PAYLOAD_BYTES
from lots.compiled import compiled
from lots.readings.batch import Ints

MAX_TOPICS = 100_000
"""Topics whose text is remembered; then the memory begins anew."""

PUBACK_BYTES = 4
_SHORTEST: Final = 8
"""Bytes of a PUBLISH packet of QoS 1 at least, so that so many fit in a chunk at most."""

_WHOLE, _MALFORMED, _FULL = 0, 1, 2
_OTHER, _BEGINS, _ID, _PAYLOAD, _ENDS = range(5)


class MalformedPacket(ValueError):
    """The broker breaks the protocol, or what we read is not MQTT at all."""


@dataclass(frozen=True, slots=True)
class Published:
    """Messages, as lists of one length; ``acks`` has the PUBACK of each, behind each other, ready
    to be sent, and is empty for messages of QoS 0."""

    topics: list[str]
    payloads: list[bytes]
    acks: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a piece of the stream held."""

    sure: Published  # of QoS 1
    unsure: Published  # of QoS 0
    others: bytearray  # the packets that are no PUBLISH


class Packets:
    """The stream of one connection."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # the beginning of a packet whose rest is still to come
        self._kept = 0
        self._wanted = 0
        self._topics: dict[bytes, str] = {}
        self.ready = False
        """Whether a whole packet waits: there is more without reading more."""

    def feed(self, data: bytes, most: int) -> Chunk:
        """What is complete with ``data``, of messages ``most`` at most: the others wait, `ready`.

        Raises `MalformedPacket`.
        """
        if self._parts:
            self._parts.append(data)
            self._kept += len(data)
            if self._kept < self._wanted:
                return Chunk(NOTHING, NOTHING, bytearray())
            data = b"".join(self._parts)
            self._parts.clear()
        places = np.empty((min(most, len(data) // _SHORTEST + 1), 5), np.int64)
        found, rest, self._wanted, why = _split(np.frombuffer(data, np.uint8), places)
        if why == _MALFORMED:
            raise MalformedPacket("the broker sent a packet that breaks the protocol, or of QoS 2")
        self.ready = why == _FULL
        if rest < len(data):
            self._parts.append(data[rest:])
            self._kept = len(data) - rest
        return self._chunk(data, places[:found])

    def _chunk(self, data: bytes, places: Ints) -> Chunk:
        others = bytearray()
        if places[:, _OTHER].any():
            for begins, ends in places[places[:, _OTHER] == 1][:, (_BEGINS, _ENDS)].tolist():
                others += data[begins:ends]
            places = places[places[:, _OTHER] == 0]
        counted = places[:, _ID] > 0
        if counted.all():
            return Chunk(self._published(data, places), NOTHING, others)
        unsure = self._published(data, places[~counted])
        return Chunk(self._published(data, places[counted]), unsure, others)

    def _published(self, data: bytes, places: Ints) -> Published:
        if not len(places):
            return NOTHING
        _, begins, ids, payload, ends = places.T
        sure = bool(ids[0])
        # One byte over the limit tells the format that it was longer.
        cut = np.minimum(ends, payload + MAX_PAYLOAD_BYTES + 1)
        topic_ends = payload - 2 if sure else payload
        names = [
            data[one:other] for one, other in zip(begins.tolist(), topic_ends.tolist(), strict=True)
        ]
        known = self._topics
        topics = [known.get(name) or self._learnt(name) for name in names]
        payloads = [
            data[one:other] for one, other in zip(payload.tolist(), cut.tolist(), strict=True)
        ]
        return Published(topics, payloads, _pubacks(ids) if sure else b"")

    def _learnt(self, name: bytes) -> str:
        if len(self._topics) >= MAX_TOPICS:
            self._topics.clear()
        try:
            topic = name.decode().replace("\0", "\ufffd")
        except UnicodeDecodeError:
            topic = "\ufffd"
        self._topics[name] = topic
        return topic


NOTHING: Final = Published([], [], b"")


def _pubacks(ids: Ints) -> bytes:
    found = np.empty((len(ids), PUBACK_BYTES), np.uint8)
    found[:, 0], found[:, 1], found[:, 2], found[:, 3] = 0x40, 2, ids >> 8, ids & 255
    return found.tobytes()


@compiled
def _split(data: NDArray[np.uint8], places: Ints) -> tuple[int, int, int, int]:
    """Find whole packets.

    ``places`` (m, 5) is filled: 1 for one that is no PUBLISH; where it begins, or its topic; its
    packet id, 0 at QoS 0; where its payload begins; where it ends. Returns how many there are,
    where the first begins that is not taken, how long that will be (0: not known yet), and why it
    is not: not `_WHOLE`, `_MALFORMED`, or ``places`` is `_FULL`.
    """
    at, count, end = 0, 0, len(data)
    while end - at >= 2:
        head, body, length, shift = data[at], at + 1, 0, 0
        while True:  # seven bits a byte, the lowest first, four bytes at most (2.2.3)
            if body >= end:
                return count, at, 0, _WHOLE
            byte = data[body]
            body += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift > 21:
                return count, at, 0, _MALFORMED
        stop = body + length
        if stop > end:
            return count, at, stop - at, _WHOLE
        if count >= len(places):
            return count, at, 0, _FULL
        places[count, _ENDS] = stop
        if head & 0xF0 == 0x30:
            if head & 0x04 or length < 2:
                return count, at, 0, _MALFORMED
            payload = body + 2 + (int(data[body]) << 8 | int(data[body + 1]))
            places[count, _ID] = 0
            if head & 0x02:
                payload += 2
                if payload <= stop:
                    places[count, _ID] = int(data[payload - 2]) << 8 | int(data[payload - 1])
                if places[count, _ID] == 0:
                    return count, at, 0, _MALFORMED
            if payload > stop:
                return count, at, 0, _MALFORMED
            places[count, _OTHER] = 0
            places[count, _BEGINS] = body + 2
            places[count, _PAYLOAD] = payload
        else:
            places[count, _OTHER] = 1
            places[count, _BEGINS] = at
            places[count, _ID] = 0
            places[count, _PAYLOAD] = 0
        count += 1
        at = stop
    return count, at, 0, _WHOLE
