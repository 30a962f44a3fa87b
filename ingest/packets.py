"""What a broker sends, taken apart: many PUBLISH packets at once. MQTT 3.1.1; no I/O.

A client that handles each packet by itself spends most of its time doing so. Here a compiled loop
finds the packets of a chunk of the stream, and what is not a PUBLISH is left to the client library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.message import MAX_PAYLOAD_BYTES, NO_MESSAGES, Messages, columns
from lots.compiled import compiled
from lots.readings.batch import Ints

MAX_TOPICS, LONG_TOPIC_BYTES = 100_000, 512
"""Topics whose text is remembered; then the memory begins anew. No long ones: no tag has any."""

PUBACK_BYTES = 4
_SHORTEST: Final = 8
"""Bytes of a PUBLISH packet of QoS 1 at least, so that so many fit in a chunk at most."""

_WHOLE, _MALFORMED, _FULL = 0, 1, 2
_OTHER, _BEGINS, _ID, _PAYLOAD, _ENDS = range(5)


class MalformedPacket(ValueError):
    """The broker breaks the protocol, or what we read is not MQTT at all."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a piece of the stream held.

    ``sure``    messages of QoS 1; ``acks`` has the PUBACK of each, behind each other, to be sent
    ``unsure``  messages of QoS 0
    ``others``  the packets that are no PUBLISH
    """

    sure: Messages
    acks: bytes
    unsure: Messages
    others: bytearray


class Packets:
    """The stream of one connection."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # the beginning of a packet whose rest is still to come
        self._kept = 0
        self._wanted = 0
        self._topics: dict[bytes, str] = {}
        self.ready = False
        """Whether a whole packet waits: there is more without reading more."""

    def feed(self, data: bytes, most: int, received: int) -> Chunk:
        """What is complete with ``data``, which came at ``received`` (ms since 1970 UTC).

        Of messages ``most`` at most: the others wait, `ready`. Raises `MalformedPacket`.
        """
        if self._parts:
            self._parts.append(data)
            self._kept += len(data)
            if self._kept < self._wanted:
                return Chunk(NO_MESSAGES, b"", NO_MESSAGES, bytearray())
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
        return self._chunk(data, places[:found], received)

    def _chunk(self, data: bytes, places: Ints, received: int) -> Chunk:
        others = bytearray()
        if places[:, _OTHER].any():
            for begins, ends in places[places[:, _OTHER] == 1][:, (_BEGINS, _ENDS)].tolist():
                others += data[begins:ends]
            places = places[places[:, _OTHER] == 0]
        counted = places[:, _ID] > 0
        if counted.all():
            sure, unsure = places, places[:0]
        else:
            sure, unsure = places[counted], places[~counted]
        return Chunk(
            self._messages(data, sure, received),
            _pubacks(sure[:, _ID]),
            self._messages(data, unsure, received),
            others,
        )

    def _messages(self, data: bytes, places: Ints, received: int) -> Messages:
        count = len(places)
        if not count:
            return NO_MESSAGES
        stream = np.frombuffer(data, np.uint8)
        _, begins, ids, payload, ends = np.ascontiguousarray(places.T)
        topic_ends = payload - 2 * (ids > 0)
        topic, firsts = np.empty(count, np.int64), np.empty(count, np.int64)
        slots = np.full(2 << count.bit_length(), -1)
        firsts = firsts[: _distinct(stream, begins, topic_ends, slots, firsts, topic)]
        spans = zip(begins[firsts].tolist(), topic_ends[firsts].tolist(), strict=True)
        names = [data[begin:end] for begin, end in spans]
        known = self._topics
        topics = [known.get(name) or self._learnt(name) for name in names]
        # One byte over the limit tells the format that it was longer.
        kept = np.cumsum(np.minimum(ends - payload, MAX_PAYLOAD_BYTES + 1))
        payloads = np.empty(kept[-1], np.uint8)
        _gather(stream, payload, kept, payloads)
        return columns(topics, topic, np.full(count, received), payloads.tobytes(), kept)

    def _learnt(self, name: bytes) -> str:
        try:
            topic = name.decode().replace("\0", "\ufffd")
        except UnicodeDecodeError:
            topic = "\ufffd"
        if len(name) <= LONG_TOPIC_BYTES:
            if len(self._topics) >= MAX_TOPICS:
                self._topics.clear()
            self._topics[name] = topic
        return topic


def prepare() -> None:
    """Have what is compiled ready."""
    Packets().feed(b"\x30\x03\x00\x01t", 1, 0)


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


@compiled
def _distinct(
    data: NDArray[np.uint8], begins: Ints, ends: Ints, slots: Ints, firsts: Ints, which: Ints
) -> int:
    """Number alike names alike: ``which`` (n,) is the number of each, and ``firsts`` where the name
    of a number stands first. Returns how many names there are.

    ``slots``: -1 throughout; more than n of them, a power of two.
    """
    mask = np.uint64(len(slots) - 1)
    count = 0
    for name in range(len(begins)):
        begin, length = begins[name], ends[name] - begins[name]
        mixed = np.uint64(0xCBF29CE484222325)  # FNV-1a
        for at in range(length):
            mixed = (mixed ^ np.uint64(data[begin + at])) * np.uint64(0x100000001B3)
        slot = (mixed ^ (mixed >> np.uint64(32))) & mask
        while True:
            known = slots[slot]
            if known < 0:
                slots[slot] = which[name] = count
                firsts[count] = name
                count += 1
                break
            first = firsts[known]
            same = ends[first] - begins[first] == length
            for at in range(length if same else 0):
                if data[begins[first] + at] != data[begin + at]:
                    same = False
                    break
            if same:
                which[name] = known
                break
            slot = (slot + np.uint64(1)) & mask
    return count


@compiled
def _gather(data: NDArray[np.uint8], begins: Ints, ends: Ints, found: NDArray[np.uint8]) -> None:
    """Put what begins at ``begins`` (n,) behind each other, each up to its place in ``ends``."""
    at = 0
    for n in range(len(begins)):
        begin = begins[n] - at
        while at < ends[n]:
            found[at] = data[begin + at]
            at += 1
