"""A connection that publishes a share of a fleet at QoS 1, and counts what is acknowledged.

Written for one thing: paho-mqtt makes an object and takes locks for each message, and sends each
by itself (docs/decisions/fast-fleet.md). It never blocks but while connecting. A message is its
number, so that what is not acknowledged is made again, not kept.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time

import numpy as np

from simulators.fast_fleet.fleet import Fleet
from simulators.fast_fleet.packets import MAX_ID, acknowledged, head, publishes
from simulators.publisher import Broker, BrokerError
from simulators.readings import Ints

PORTION = 500
"""Messages that are made at once: enough to spread what numpy's calls cost."""

CONNECT_S = 10.0
_BACK_OFF_S = (0.5, 5.0)
_READ_BYTES = 1 << 16
_SILENT_S = 20.0
"""So long without an answer to what is in flight, and the connection is taken for dead."""
_CONNECT, _CONNACK, _DISCONNECT = 0x10, 0x20, b"\xe0\x00"


class Share:
    """The messages of tags ``first`` to before ``last``: (round, tag) in the fleet's order."""

    def __init__(self, fleet: Fleet, first: int, last: int, messages: int) -> None:
        """``messages`` of the whole fleet."""
        self.fleet = fleet
        self.width = last - first
        self._first = first
        rounds, rest = divmod(messages, fleet.tags)
        self.count = rounds * self.width + min(max(rest - first, 0), self.width)

    def numbers(self, places: Ints) -> Ints:
        """Places in this share -> numbers of the fleet's messages."""
        rounds, tag = np.divmod(places, self.width)
        return rounds * self.fleet.tags + self._first + tag


class Connection:
    """Sends ``share`` in its order, at most ``window`` messages of it unacknowledged."""

    def __init__(self, broker: Broker, client_id: str, share: Share, window: int) -> None:
        self.acknowledged = 0
        self.share = share
        self.last_answer = time.monotonic()
        self._broker = broker
        self._trust = _trust(broker)
        self._client_id = client_id
        self._window = min(window, MAX_ID)
        self._head = head(share.fleet)
        self._socket: socket.socket | None = None
        self._in = b""
        self._out = memoryview(b"")
        self._next = 0  # place of the first message that was never sent
        self._again = np.empty(0, np.int64)  # places that a lost connection left unacknowledged
        self._place = np.full(MAX_ID + 1, -1, np.int64)  # packet identifier -> place in flight
        self._flying = 0
        self._retry_at = 0.0
        self._back_off = _BACK_OFF_S[0]

    @property
    def connected(self) -> bool:
        return self._socket is not None

    @property
    def unacknowledged(self) -> int:
        """Sent, and not answered."""
        return self._flying + len(self._again)

    @property
    def unsent(self) -> int:
        """Of the share, never sent."""
        return self.share.count - self._next

    def fileno(self) -> int:
        """For a selector; there is none without a connection."""
        if self._socket is None:
            raise ValueError("there is no connection")
        return self._socket.fileno()

    @property
    def wants_to_write(self) -> bool:
        """Whether the socket has not taken all that was to be sent."""
        return bool(self._out)

    def connect(self) -> None:
        """Raises `BrokerError`."""
        broker = self._broker
        where = f"{broker.host}:{broker.port}"
        try:
            found, answer = self._opened()
        except ssl.SSLError as error:
            raise BrokerError(
                f"the broker at {where} is not trusted ({error.reason}): name its certificates by"
                " ?ca=FILE"
            ) from error
        except OSError as error:
            raise BrokerError(
                f"no broker can be reached at {where} ({error}): start it, or give another address"
            ) from error
        if answer[0] != _CONNACK:
            found.close()
            raise BrokerError(
                f"what listens at {where} does not answer as an MQTT broker: check the port"
            )
        if answer[3]:
            found.close()
            raise BrokerError(
                f"the broker at {where} refuses us (code {answer[3]}): check name and password in"
                " mqtt://name:password@host:port"
            )
        found.setblocking(False)
        self._socket = found
        self.last_answer = time.monotonic()

    def _opened(self) -> tuple[socket.socket, bytes]:
        """A new connection, and what the broker answered to CONNECT; raises OSError."""
        broker = self._broker
        found = socket.create_connection((broker.host, broker.port), CONNECT_S)
        try:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._trust:
                found = self._trust.wrap_socket(found, server_hostname=broker.host)
            found.sendall(_connect(self._client_id, broker.username, broker.password))
            return found, _exactly(found, 4)
        except BaseException:
            found.close()
            raise

    def reconnect(self) -> bool:
        """Try it again, if it is time to; whether there is a connection now."""
        if self._socket is None and time.monotonic() >= self._retry_at:
            try:
                self.connect()
                self._back_off = _BACK_OFF_S[0]
            except BrokerError:
                self._retry_at = time.monotonic() + self._back_off
                self._back_off = min(2 * self._back_off, _BACK_OFF_S[1])
        return self.connected

    def send(self, most: int) -> int:
        """Send what can be: first again what was lost, then up to ``most`` new messages.

        Returns how many of these. Without a connection, or where the broker is behind, none.
        """
        new = 0
        least = min(PORTION, -(-self._window // 4))  # a few at a time cost as much as many
        while self._flush() and (room := self._window - self._flying) >= least:
            if len(self._again):
                places, self._again = np.split(self._again, [min(PORTION, room)])
                self._launch(places, again=True)
                continue
            count = min(PORTION, room, most - new, self.unsent)
            if count <= 0:
                break
            places = np.arange(self._next, self._next + count)
            if (self._place[_ids(places)] >= 0).any():
                break  # a broker that answers out of order still owes us one of these
            self._launch(places, again=False)
            self._next += count
            new += count
        return new

    def receive(self) -> None:
        """Take the acknowledgements that have come; a connection that is dead is given up."""
        if self._flying and time.monotonic() - self.last_answer > _SILENT_S:
            self._lose()
        while self._socket is not None:
            try:
                data = self._socket.recv(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError:
                data = b""
            if not data:
                self._lose()
                return
            ids, self._in = acknowledged(self._in + data)
            self._count(ids)
            if len(data) < _READ_BYTES and not isinstance(self._socket, ssl.SSLSocket):
                return  # that was all: no need to ask once more

    def _count(self, ids: Ints) -> None:
        """A second answer to one message counts for nothing."""
        places = self._place[ids]
        count = int((places >= 0).sum())
        self._place[ids] = -1
        self._flying -= count
        self.acknowledged += count
        self.last_answer = time.monotonic()

    def close(self) -> None:
        """Say goodbye."""
        if self._socket is not None:
            try:
                self._socket.setblocking(True)
                self._socket.sendall(_DISCONNECT)
            except OSError:
                pass  # it is gone already
            self._socket.close()
            self._socket = None

    def _launch(self, places: Ints, *, again: bool) -> None:
        """Into the packets to be sent, each under the identifier that its place has."""
        ids = _ids(places)
        self._place[ids] = places
        self._flying += len(places)
        columns = self.share.fleet.columns(self.share.numbers(places))
        self._out = publishes(self._head, columns, ids, again=again)

    def _flush(self) -> bool:
        """Whether the socket took all that was to be sent."""
        while self._out and self._socket is not None:
            try:
                self._out = self._out[self._socket.send(self._out) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                return False
            except OSError:
                self._lose()
        return self._socket is not None

    def _lose(self) -> None:
        """The connection is gone: what is not acknowledged has to be sent again."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._in, self._out = b"", memoryview(b"")
        flying = self._place[self._place >= 0]
        self._again = np.sort(np.concatenate((self._again, flying)))
        self._place[:] = -1
        self._flying = 0


def _ids(places: Ints) -> Ints:
    """The packet identifier of each place; of `MAX_ID` in a row each has its own."""
    return places % MAX_ID + 1


def _trust(broker: Broker) -> ssl.SSLContext | None:
    """Whom to trust; None where nothing is encrypted. Raises `BrokerError`."""
    if not broker.tls:
        return None
    try:
        return ssl.create_default_context(cafile=broker.ca)
    except OSError as error:
        raise BrokerError(
            f"the broker's address has ca={broker.ca} ({error}): name a file of PEM certificates"
        ) from error


def _connect(client_id: str, username: str | None, password: str | None) -> bytes:
    """CONNECT (3.1): a clean session without keep-alive, for the broker need not wait for us."""
    flags = 0x02
    texts = [client_id]
    if username is not None:
        flags |= 0x80
        texts.append(username)
        if password is not None:
            flags |= 0x40
            texts.append(password)
    body = _text("MQTT") + bytes([4, flags, 0, 0]) + b"".join(map(_text, texts))
    length = bytearray()
    rest = len(body)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    length.append(rest)
    return bytes([_CONNECT]) + length + body


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("it hung up")
        data += more
    return data
