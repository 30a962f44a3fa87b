"""A fleet that publishes as fast as a broker takes it: prepared packets on a plain socket.

A client library would be the limit of what is measured.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Self

PORTION = 500
"""Messages that are sent in one write."""

MAX_WAITING = 5_000
"""Messages sent that the broker has not answered yet."""

_PUBACK_BYTES = 4


def packet(topic: bytes, payload: bytes, mid: int) -> bytes:
    """A PUBLISH packet of QoS 1 (MQTT 3.1.1, 3.3)."""
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", mid) + payload
    return b"\x32" + _length(len(body)) + body


def _length(count: int) -> bytes:
    digits = bytearray()
    while True:
        count, digit = divmod(count, 128)
        digits.append(digit | 128 if count else digit)
        if not count:
            return bytes(digits)


class Flood:
    """A connection under the name ``client_id`` to a broker on this machine."""

    def __init__(self, port: int, client_id: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        name = client_id.encode()
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack(">H", len(name)) + name
        self._socket.sendall(b"\x10" + _length(len(body)) + body)
        assert self._socket.recv(4, socket.MSG_WAITALL) == b"\x20\x02\x00\x00"
        self._sent = self._answered = self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, messages: Iterable[tuple[bytes, bytes]]) -> int:
        """(topic, payload) each; returns how many, once the broker has answered all of them."""
        found = iter(messages)
        begun = self._sent
        while portion := list(islice(found, PORTION)):
            self.write(portion)
            while self._sent - self._answered > MAX_WAITING:
                self._hear()
        self.wait()
        return self._sent - begun

    def paced(self, messages: Iterator[tuple[bytes, bytes]], rate: float, seconds: float) -> int:
        """Offer ``rate`` messages a second, in portions of 10 ms; those behind time at once.

        Returns how many were sent; messages are made when they are sent, so that they may say when.
        """
        begun, sent = time.perf_counter(), 0
        while (now := time.perf_counter() - begun) < seconds:
            due = int(now * rate) - sent
            if due > 0:
                self.write(list(islice(messages, due)))
                sent += due
            self._socket.setblocking(False)
            try:
                self._hear()
            except BlockingIOError:
                pass
            finally:
                self._socket.setblocking(True)
            time.sleep(max(0.0, begun + (sent + rate / 100) / rate - time.perf_counter()))
        self.wait()
        return sent

    def write(self, portion: list[tuple[bytes, bytes]]) -> None:
        mids = range(self._sent, self._sent + len(portion))
        self._socket.sendall(
            b"".join(
                packet(topic, payload, number % 65_535 + 1)
                for number, (topic, payload) in zip(mids, portion, strict=True)
            )
        )
        self._sent += len(portion)

    def wait(self) -> None:
        """Until the broker has answered all."""
        while self._answered < self._sent:
            self._hear()

    def _hear(self) -> None:
        heard = len(self._socket.recv(1 << 16))
        assert heard, "the broker hung up"
        self._bytes += heard
        self._answered = self._bytes // _PUBACK_BYTES
