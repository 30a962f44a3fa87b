"""MQTT 3.1.1, as much as a node needs, which never waits without end and never takes much memory.

Why not umqtt.simple: docs/decisions/firmware.md. Every wait has an end; what the broker announces
is measured against `MOST_BYTES` before it is read; whatever goes wrong is an OSError, after which
the connection is of no use any more.
"""

import errno
import select
import struct
import time

MOST_BYTES = 1_536
"""Of a message that is taken in: our longest acknowledgement is 32 ranges, under 1 200 bytes."""

_BEGINNING = 576
"""Bytes of a longer one that are looked at: its topic, of two names of 64 characters."""

_WAITING = 4
"""Messages that wait to be taken out; more are dropped, the oldest first."""

_GOODBYE_MS = 1_000

_TIMED_OUT = (errno.ETIMEDOUT, errno.EAGAIN)

_TOLD = {
    1: "it does not speak MQTT 3.1.1",
    2: "it refuses the client id",
    3: "it is not available",
    4: "it refuses user or password",
    5: "it does not let this account in",
}


class Mqtt:
    """A connection to a broker.

    `connect`     () -> a socket that is connected, whose timeout is set: `write`, `read`, `close`
    `timeout_s`   how long any one answer of the broker may take
    """

    def __init__(self, connect, client_id, user=None, password=None, keepalive_s=60, timeout_s=10):
        self._connect = connect
        self._client_id = client_id
        self._account = (user, password)
        self._keepalive_s = keepalive_s
        self._timeout_s = timeout_s
        self._sock = None
        self._poll = None
        self._packet = 0
        self._waiting = []

    def connect(self):
        """First of all; may take as long as `connect` does."""
        self.close()
        self._sock = self._connect()
        # A socket of TLS has no timeout of its own to be changed, but it can be polled.
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLIN)
        self._waiting = []

    def open(self, will_topic, will):
        """Sign in; the broker publishes `will`, retained, when the connection is lost."""
        user, password = self._account
        flags = 0x02 | 0x04 | 1 << 3 | 0x20  # clean session; a will, QoS 1, retained
        fields = [self._client_id, will_topic, will]
        if user is not None:
            flags |= 0x80
            fields.append(user)
            if password is not None:
                flags |= 0x40
                fields.append(password)
        body = struct.pack("!H4sBBH", 4, b"MQTT", 4, flags, self._keepalive_s)
        self._write(0x10, body + b"".join(_text(field) for field in fields))
        kind, answer = self._packet_of(0x20)
        if kind != 0x20 or len(answer) != 2:
            raise OSError("the broker's answer is no MQTT")
        if answer[1]:
            raise OSError("the broker: " + _TOLD.get(answer[1], "refused, code %d" % answer[1]))

    def subscribe(self, topics):
        """With QoS 1, and not before the broker has said yes to all."""
        identifier = self._next()
        body = struct.pack("!H", identifier)
        for topic in topics:
            body += _text(topic) + b"\x01"
        self._write(0x82, body)
        _, answer = self._packet_of(0x90, identifier)
        if 0x80 in answer[2:]:
            raise OSError("the broker refuses a subscription")

    def publish(self, topic, payload, retain=False):
        """With QoS 1; comes back when the broker has acknowledged."""
        identifier = self._next()
        body = _text(topic) + struct.pack("!H", identifier)
        self._write(0x32 | (1 if retain else 0), body, payload)
        self._packet_of(0x40, identifier)

    def receive(self, wait_ms):
        """The next message, (topic, payload); None where none comes in `wait_ms`. The payload of
        one that is too long to be taken in is None."""
        ends = time.ticks_add(time.ticks_ms(), wait_ms)
        while not self._waiting:
            left = time.ticks_diff(ends, time.ticks_ms())
            if left <= 0:
                return None
            kind, body, whole = self._read(left)
            if kind is None:
                return None
            self._handle(kind, body, whole)
        return self._waiting.pop(0)

    def close(self):
        """Say good-bye, so that there is no will, and end it, whatever state it is in.

        Wi-Fi may be switched off next, so it is waited for that the broker, which has heard it,
        ends the connection.
        """
        if self._sock is None:
            return
        try:
            self._write(0xE0, b"")
            ends = time.ticks_add(time.ticks_ms(), _GOODBYE_MS)
            while True:
                left = time.ticks_diff(ends, time.ticks_ms())
                if left <= 0 or not self._poll.poll(left) or not self._sock.read(1):
                    break
        except OSError:
            pass  # nobody is there to hear it
        self._sock.close()
        self._sock = None

    # Packets

    def _next(self):
        self._packet = self._packet % 65_535 + 1
        return self._packet

    def _packet_of(self, wanted, identifier=None):
        """The broker's answer of kind `wanted` to `identifier`; messages before it are kept."""
        ends = time.ticks_add(time.ticks_ms(), self._timeout_s * 1000)
        while True:
            left = time.ticks_diff(ends, time.ticks_ms())
            kind, body, whole = self._read(left) if left > 0 else (None, None, None)
            if kind is None:
                raise OSError("the broker does not answer")
            if kind & 0xF0 == wanted:
                if len(body) < 2 or not whole:
                    raise OSError("the broker's answer is no MQTT")
                if identifier is None or struct.unpack_from("!H", body)[0] == identifier:
                    return kind, body
            else:
                self._handle(kind, body, whole)

    def _handle(self, kind, body, whole):
        if kind & 0xF0 != 0x30:
            return
        at = 2 + int.from_bytes(body[:2], "big")
        if len(body) < at + (2 if kind & 0x06 else 0):
            raise OSError("the broker's message is no MQTT")
        try:
            topic = body[2:at].decode()
        except UnicodeError:
            raise OSError("the broker's topic is no UTF-8") from None
        if kind & 0x06:
            self._write(0x40, body[at : at + 2])
            at += 2
        self._waiting.append((topic, body[at:] if whole else None))
        del self._waiting[:-_WAITING]

    def _write(self, kind, body, payload=b""):
        length = len(body) + len(payload)
        head = bytearray([kind])
        while True:
            byte, length = length & 0x7F, length >> 7
            head.append(byte | (0x80 if length else 0))
            if not length:
                break
        self._all(bytes(head) + body)
        if payload:
            self._all(payload)

    def _all(self, data):
        written = self._sock.write(data)
        if written is not None and written != len(data):
            raise OSError("the connection took only a part")

    def _read(self, wait_ms):
        """(kind, body, whether that is all of it) of the next packet; None in place of each where
        none begins in `wait_ms`. What is longer than is taken has to come to its end in the time
        that an answer may take: a broker could announce 256 MB."""
        if not self._poll.poll(wait_ms):
            return None, None, None
        try:
            first = self._sock.read(1)
        except OSError as error:
            if error.args and error.args[0] in _TIMED_OUT:
                return None, None, None
            raise
        if first is None:
            return None, None, None
        if not first:
            raise OSError("the broker has closed the connection")
        length = shift = 0
        while True:
            byte = self._exactly(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
            if shift > 21:
                raise OSError("the broker's packet is no MQTT")
        if length <= MOST_BYTES:
            return first[0], self._exactly(length), True
        ends = time.ticks_add(time.ticks_ms(), self._timeout_s * 1000)
        body = self._exactly(_BEGINNING)
        left = length - _BEGINNING
        while left:
            if time.ticks_diff(ends, time.ticks_ms()) <= 0:
                raise OSError("a message of %d bytes takes too long: take it away" % length)
            left -= len(self._exactly(min(left, 256)))
        return first[0], body, False

    def _exactly(self, count):
        data = self._sock.read(count) if count else b""
        if data is None or len(data) != count:
            raise OSError("the connection broke in the middle of a packet")
        return data


def _text(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("!H", len(data)) + data
