"""What a broker sends, taken apart: many PUBLISH packets at once. MQTT 3.1.1; no I/O.

A client that handles each packet by itself spends most of its time doing so. Here a chunk of the
stream becomes lists in one loop; what is not a PUBLISH is left to the client library.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.message import MAX_PAYLOAD_BYTES

_PUBLISH = 0x30
_PUBACK = b"\x40\x02"
_SHORTEST = 2  # bytes of a packet without a body
_LONG = MAX_PAYLOAD_BYTES
_MORE = 0x80  # a further byte of the remaining length follows
MAX_TOPICS = 100_000
"""Topics whose text is remembered; then the memory begins anew."""


class MalformedPacket(ValueError):
    """The broker breaks the protocol, or what we read is not MQTT at all."""


@dataclass(slots=True)
class Chunk:
    """The messages of a piece of the stream, as lists of one length, and the other packets.

    ``acks`` has each message's PUBACK, ready to be sent; empty for one of QoS 0.
    """

    topics: list[str] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    acks: list[bytes] = field(default_factory=list)
    others: bytearray = field(default_factory=bytearray)


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
                return Chunk()
            data = b"".join(self._parts)
            self._parts.clear()
        chunk = Chunk()
        rest = self._split(data, chunk, most)
        if rest < len(data):
            self._parts.append(data[rest:])
            self._kept = len(data) - rest
        return chunk

    def _split(self, data: bytes, chunk: Chunk, most: int) -> int:
        """Take whole packets from ``data``; where the first begins that is not taken."""
        at, end = 0, len(data)
        topics, payloads, acks = chunk.topics, chunk.payloads, chunk.acks
        known = self._topics
        self._wanted = 0
        self.ready = False
        while end - at > _SHORTEST:
            head, length, body = data[at], data[at + 1], at + 2
            if length & _MORE:
                if data[body] & _MORE:
                    length, body = _long_length(data, at)
                    if not body:
                        return at
                else:  # nearly all are of two bytes
                    length += (data[body] << 7) - _MORE
                    body += 1
            stop = body + length
            if stop > end:
                self._wanted = stop - at
                return at
            if len(topics) >= most:
                self.ready = True
                return at
            if head & 0xF4 == _PUBLISH and length >= 2:
                body += 2
                start = body + (data[body - 2] << 8 | data[body - 1])
                name = data[body:start]
                if head & 0x02:
                    acks.append(_PUBACK + data[start : start + 2])
                    start += 2
                else:
                    acks.append(b"")
                if start > stop:
                    raise MalformedPacket("a PUBLISH packet is shorter than its topic")
                topics.append(known.get(name) or self._learnt(name))
                # One byte over the limit tells the format that it was longer.
                payloads.append(data[start:stop] if length < _LONG else _cut(data, start, stop))
            elif head & 0xF0 == _PUBLISH:
                raise MalformedPacket("a PUBLISH packet without a topic, or of QoS 2")
            else:
                chunk.others += data[at:stop]
            at = stop
        if end - at > 1 and not data[at + 1]:  # one without a body, such as PINGRESP
            chunk.others += data[at : at + 2]
            at += 2
        return at

    def _learnt(self, name: bytes) -> str:
        if len(self._topics) >= MAX_TOPICS:
            self._topics.clear()
        try:
            topic = name.decode().replace("\0", "\ufffd")
        except UnicodeDecodeError:
            topic = "\ufffd"
        self._topics[name] = topic
        return topic


def _cut(data: bytes, start: int, stop: int) -> bytes:
    return data[start : min(stop, start + MAX_PAYLOAD_BYTES + 1)]


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """The remaining length of the packet at ``at`` and where its body begins; 0, 0: not all there.

    (MQTT 3.1.1, 2.2.3: seven bits a byte, the lowest first, four bytes at most.)
    """
    length = 0
    for place in range(4):
        if at + 1 + place >= len(data):
            return 0, 0
        byte = data[at + 1 + place]
        length |= (byte & 0x7F) << (7 * place)
        if not byte & _MORE:
            return length, at + 2 + place
    raise MalformedPacket("a packet's length has more than four bytes")
