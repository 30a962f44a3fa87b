"""As much of MQTT 3.1.1 as a gateway needs, written without the library that the worker uses.

A witness of its own: packets out, packets in, and a connection that never blocks.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
KEEPALIVE_S = 60
CONNECT_S = 5.0
READ_BYTES = 1 << 18


class Packet(NamedTuple):
    """``kind`` is the upper half of the first byte; ``body`` what follows the length."""

    kind: int
    flags: int
    body: bytes

    @property
    def number(self) -> int:
        """The packet identifier of a PUBACK or SUBACK."""
        return int.from_bytes(self.body[:2], "big")

    @property
    def message(self) -> tuple[str, bytes]:
        """Topic and payload of a PUBLISH of QoS 0."""
        (length,) = struct.unpack_from(">H", self.body)
        return self.body[2 : 2 + length].decode(), self.body[2 + length :]


def connect(client: str, clean: bool) -> bytes:
    flags = 2 if clean else 0
    return _packet(0x10, _text("MQTT") + bytes([4, flags]) + _count(KEEPALIVE_S) + _text(client))


def publish(topic: str, payload: bytes, number: int, again: bool = False) -> bytes:
    """At QoS 1; ``again``: it was sent before."""
    return _packet(0x32 | (again << 3), _text(topic) + _count(number) + payload)


def subscribe(topic: str, number: int) -> bytes:
    return _packet(0x82, _count(number) + _text(topic) + b"\0")


def ping() -> bytes:
    return b"\xc0\0"


def goodbye() -> bytes:
    return b"\xe0\0"


class Refused(OSError):
    """The broker did not take the connection, or ended it."""


class Connection:
    """To the broker on ``port`` of this machine; raises `OSError` once it is over."""

    def __init__(self, port: int, client: str, *, clean: bool = True) -> None:
        self._out = bytearray()
        self._in = bytearray()
        self._socket = socket.create_connection(("127.0.0.1", port), CONNECT_S)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(connect(client, clean))
            self._require_accepted()
            self._socket.setblocking(False)
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._socket, selectors.EVENT_READ)
        except BaseException:
            self._socket.close()
            raise

    @property
    def waiting(self) -> int:
        """Bytes that the socket has not taken yet."""
        return len(self._out)

    def send(self, packet: bytes) -> None:
        """Puts it behind what waits; `exchange` sends."""
        self._out += packet

    def exchange(self, seconds: float) -> Iterator[Packet]:
        """Send and receive what can be within ``seconds``; the packets that came whole."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        self._selector.modify(self._socket, wanted)
        for _, events in self._selector.select(seconds):
            if events & selectors.EVENT_WRITE:
                with contextlib.suppress(BlockingIOError):
                    sent = self._socket.send(self._out)
                    del self._out[:sent]
            if events & selectors.EVENT_READ:
                self._receive()
        yield from self._whole()

    def close(self) -> None:
        self._selector.close()
        self._socket.close()

    def _require_accepted(self) -> None:
        while not (found := list(self._whole())):
            self._receive()
        if found[0].kind != CONNACK or found[0].body[1:] != b"\0":
            raise Refused("the broker does not take the connection")

    def _receive(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise Refused("the broker ended the connection")
        self._in += data

    def _whole(self) -> Iterator[Packet]:
        at = 0
        try:
            while (found := _packet_at(self._in, at)) is not None:
                packet, at = found
                yield packet
        finally:
            del self._in[:at]


def _packet_at(data: bytearray, at: int) -> tuple[Packet, int] | None:
    """The packet that begins at ``at``, and where the next does; None if it is not all there."""
    length, shift, here = 0, 0, at + 1
    while True:
        if here >= len(data):
            return None
        byte = data[here]
        length |= (byte & 127) << shift
        here, shift = here + 1, shift + 7
        if byte < 128:
            break
    if here + length > len(data):
        return None
    first = data[at]
    return Packet(first >> 4, first & 15, bytes(data[here : here + length])), here + length


def _packet(first: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray()
    while True:
        length, digit = length >> 7, length & 127
        digits.append(digit | (128 if length else 0))
        if not length:
            return bytes([first]) + bytes(digits) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return _count(len(data)) + data


def _count(number: int) -> bytes:
    return struct.pack(">H", number)
