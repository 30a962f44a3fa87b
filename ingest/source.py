"""MQTT: messages in; acknowledgements out, once somebody has them safe.

paho keeps the connection (connecting, TLS, subscribing, signs of life, publishing) in a thread of
ours, which reads the socket itself, and only while there is room: `packets` takes the stream apart
many messages at once, and paho is given the rest. So back-pressure is TCP's, no callback ever
blocks, and acknowledgements are written in one place, a batch at a time, in the order of receipt,
by the connection that they belong to or not at all. Why is in ``docs/decisions/reading-mqtt.md``.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MessageType
from paho.mqtt.reasoncodes import ReasonCode

from ingest import address
from ingest.holding import Delivery, Holding
from ingest.message import Messages
from ingest.packets import PUBACK_BYTES, Chunk, Packets, prepare
from lots.clock import Clock

KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 5.0
BACK_OFF_S = (0.5, 30.0)
CLOSE_TIMEOUT_S = 10.0
GOODBYE_TIMEOUT_S = 2.0
GOODBYE_TOPIC = "dunnage/goodbye"
READ_BYTES = 256 << 10
TRICKLE_BYTES, TRICKLE_S = 16 << 10, 0.002
"""After so little, a breath: at some thousand messages a second each would be read by itself."""

BROKER_FIGURES = (
    "$SYS/broker/publish/messages/dropped",
    "$SYS/brokers/+/metrics/delivery/dropped/queue_full",
)
"""What Mosquitto, and EMQX, say of messages that they did not keep."""

MAX_PUBLISHED = 10_000
"""Messages to devices that wait to be sent."""

_log = logging.getLogger(__name__)


class _Client(mqtt.Client):
    """paho's client keeps the connection; it reads what it is given instead of its socket."""

    given: bytearray | None = None
    """What there is to read; None where the connection has ended."""

    def _sock_recv(self, bufsize: int) -> bytes:
        if self.given is None:
            return b""
        if not self.given:
            raise BlockingIOError
        part = bytes(self.given[:bufsize])
        del self.given[:bufsize]
        return part

    def give(self, data: bytearray | None) -> None:
        """Let it handle whole packets; None: the stream has ended."""
        self.given = data
        while (data is None or data) and self.socket() is not None:
            self.loop_read()

    def send(self, acks: bytes) -> None:
        """Any number of PUBACK packets, as one."""
        self._packet_queue(MessageType.PUBACK, acks, 0, 0)


class Source:
    """Listens to ``filters`` under a session that the broker keeps while we are away.

    ``max_unacknowledged``  messages held at most, waiting or taken; then reading stops
    ``keepalive_s``         the broker is asked for a sign of life after so long without one
    ``watch_broker``        ask the broker for what it dropped too: ``broker_figures``
    ``expects_session``     the broker should know us from earlier: else something was lost

    Everything taken has to be acknowledged one day: until then it counts as held. Use from any
    thread. Raises `address.BrokerAddressError`; later trouble is in ``last_error``, with its
    remedy, while connecting goes on being tried.
    """

    def __init__(
        self,
        broker_url: str,
        client_id: str,
        filters: Sequence[str],
        clock: Clock,
        max_unacknowledged: int = 20_000,
        keepalive_s: int = KEEPALIVE_S,
        *,
        watch_broker: bool = False,
        expects_session: bool = False,
    ) -> None:
        self._address = address.parse(broker_url)
        self._filters = tuple(filters)
        self._clock = clock
        self._keepalive = keepalive_s
        self._watch_broker = watch_broker
        self._client = self._make_client(client_id)
        self.connected = False
        self.last_error: str | None = None
        self.received = 0
        self.acknowledged = 0
        self.reconnects = 0
        self.sessions_lost = 0
        """Connections on which the broker did not know us: what came while we were away is lost."""
        self.broker_figures: dict[str, str] = {}
        """topic -> what the broker last said of itself there."""
        self.heartbeat = time.monotonic()
        """When the network thread last came round."""
        self._holding = Holding(max_unacknowledged)
        self._outgoing: deque[tuple[str, bytes, int, bool]] = deque()
        self._closing = False
        # of the network thread alone
        self._packets = Packets()
        prepare()  # what is compiled is loaded now, not with the first message
        self._refused = False
        self._expects_session = expects_session
        self._was_connected = False
        self._watch_mid: int | None = None
        self._heard = False  # the broker's answer to our last request
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt-source", daemon=True)

    @property
    def held(self) -> int:
        """Messages that are not acknowledged yet, of `limit` at most."""
        return self._holding.count

    @property
    def limit(self) -> int:
        return self._holding.limit

    @property
    def thread_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._thread.start()

    def close(self) -> None:
        """Send the acknowledgements that are due and leave; the broker keeps the rest."""
        self._closing = True
        self._holding.close()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)
        self._wake_read.close()
        self._wake_write.close()

    def take(self, limit: int, timeout: float) -> Delivery | None:
        """As `Holding.take`."""
        delivery = self._holding.take(limit, timeout)
        self._wake()
        return delivery

    def acknowledge(self, delivery: Delivery) -> None:
        """As `Holding.acknowledge`."""
        self._holding.acknowledge(delivery)
        self._wake()

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send to devices: at QoS 0 only if connected, at QoS 1 once connected."""
        if len(self._outgoing) >= MAX_PUBLISHED:
            _log.warning("mqtt: %s: too much waits to be sent, left out", topic)
            return
        self._outgoing.append((topic, payload, qos, retain))
        self._wake()

    # The network thread

    def _run(self) -> None:
        delay = BACK_OFF_S[0]
        while not self._closing:
            self.heartbeat = time.monotonic()
            if self._holding.full:
                self._holding.pause(BACK_OFF_S[1])
                continue
            self._refused = False
            try:
                self._connect()
                if self._serve():
                    delay = BACK_OFF_S[0]
            except ssl.SSLError as error:
                self._fail(f"is not trusted ({error}): correct broker_url, or add ?ca=FILE to it")
            except OSError as error:
                self._fail(f"cannot be reached ({error}): start it, or correct broker_url")
            except Exception as error:
                _log.exception("mqtt: the connection is given up and made anew")
                self._fail(f"broke the connection ({error!r})")
            self.connected = False
            self._holding.renew()
            self._holding.pause(delay)
            delay = min(delay * 2, BACK_OFF_S[1])

    def _connect(self) -> None:
        self._packets = Packets()
        self._client.given = bytearray()
        where = self._address
        self._client.connect_async(where.host, where.port, self._keepalive)
        self._client.reconnect()

    def _serve(self) -> bool:
        """Work until the connection ends; whether it was ever accepted."""
        accepted = False
        while (sock := self._client.socket()) is not None:
            self.heartbeat = time.monotonic()
            self._send_due()
            if self._closing:
                self._say_goodbye()
                return accepted
            if not self._exchange(sock):
                break
            accepted |= self.connected
        return accepted

    def _exchange(self, sock: Any) -> bool:
        """Wait for something to do and do it; False when the peer left while we did not read."""
        room = not self._holding.full
        reads = room and (self._packets.ready or _decrypted(sock))
        poller = select.poll()
        poller.register(self._wake_read, select.POLLIN)
        wanted = (select.POLLIN if room else 0) | (
            select.POLLOUT if self._client.want_write() else 0
        )
        poller.register(sock, wanted)
        events = dict(poller.poll(0 if reads else 1000))
        if self._wake_read.fileno() in events:
            with contextlib.suppress(BlockingIOError):
                self._wake_read.recv(65536)
        event = events.get(sock.fileno(), 0)
        if event & select.POLLOUT:
            self._client.loop_write()
        if reads or (room and event & ~select.POLLOUT):
            data = b"" if self._packets.ready else self._read(sock)
            self._arrive(self._packets.feed(data, self._holding.room, self._clock.now_ms()))
            if len(data) < TRICKLE_BYTES:
                time.sleep(TRICKLE_S)
        elif event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            return False
        self._client.loop_misc()
        return True

    def _read(self, sock: Any) -> bytes:
        """What there is, up to READ_BYTES; ends the connection where the peer did."""
        try:
            data: bytes = sock.recv(READ_BYTES)
            # TLS gives a record at a time.
            while data and _decrypted(sock) and len(data) < READ_BYTES:
                data += sock.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        except OSError:
            data = b""
        if not data:
            self._client.give(None)
        return data

    def _arrive(self, chunk: Chunk) -> None:
        if chunk.others:
            self._client.give(chunk.others)
        self._hold(chunk.sure, chunk.acks)
        self._hold(self._without_figures(chunk.unsure), b"")

    def _hold(self, arrived: Messages, acks: bytes) -> None:
        if len(arrived):
            self._holding.add(arrived, acks)
            self.received += len(arrived)

    def _without_figures(self, arrived: Messages) -> Messages:
        """Take out what the broker says of itself."""
        figures = [n for n, topic in enumerate(arrived.topics) if topic.startswith("$SYS/")]
        if not figures:
            return arrived
        said = np.isin(arrived.topic, figures)
        for message in arrived.at(said):
            self.broker_figures[message.topic] = message.payload[:100].decode("ascii", "replace")
        return arrived.at(~said)

    def _send_due(self) -> None:
        """Acknowledgements in the order of receipt, then what is to be published."""
        if not self.connected:
            return
        due = self._holding.due()
        if due:
            self._client.send(due)
            self.acknowledged += len(due) // PUBACK_BYTES
        while self._outgoing:
            self._client.publish(*self._outgoing.popleft())

    def _say_goodbye(self) -> None:
        """Leave once the broker has read all that we sent.

        Without waiting for its answer to a last request (to leave a topic that nobody is on), a
        message that it sends us after we hung up makes it forget acknowledgements it has not read.
        """
        deadline = time.monotonic() + GOODBYE_TIMEOUT_S
        if self.connected:
            self._client.unsubscribe(GOODBYE_TOPIC)
        while self.connected and not self._heard and time.monotonic() < deadline:
            sock = self._wait_for_socket(select.POLLIN)
            if sock is not None:
                chunk = self._packets.feed(self._read(sock), READ_BYTES, 0)
                if chunk.others:  # messages come again
                    self._client.give(chunk.others)
            self._client.loop_write()
        self._client.disconnect()
        while self._client.socket() is not None and time.monotonic() < deadline:
            self._wait_for_socket(select.POLLOUT)
            self._client.loop_write()

    def _wait_for_socket(self, event: int) -> Any:
        """The socket, if it is there and ready."""
        poller = select.poll()
        sock = self._client.socket()
        if sock is None:
            return None
        poller.register(sock, event)
        return sock if poller.poll(100) else None

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake; closed: it is gone
            self._wake_write.send(b"\0")

    # What paho calls, in the network thread

    def _make_client(self, client_id: str) -> _Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_queued_messages_set(MAX_PUBLISHED)
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set_context(self._address.tls_context())
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        return client

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Any,
    ) -> None:
        if reason.is_failure:
            self._refused = True
            self._fail(f"refuses us ({reason}): correct user and password in broker_url")
            return
        self.connected = True
        self.reconnects += self._was_connected
        if (self._was_connected or self._expects_session) and not flags.session_present:
            self.sessions_lost += 1
            _log.error(
                "mqtt: the broker %s has forgotten us: what came while we were away is lost; let "
                "it keep its sessions on disk (persistence)",
                self._address,
            )
        self._was_connected = True
        _log.info("mqtt: connected to %s", self._address)
        client.subscribe([(topic, 1) for topic in self._filters])
        if self._watch_broker:
            # Apart from the others: who may not see it is no worse off.
            _, self._watch_mid = client.subscribe([(topic, 0) for topic in BROKER_FIGURES])

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        mid: int,
        reasons: Sequence[ReasonCode],
        _properties: Any,
    ) -> None:
        if mid == self._watch_mid:
            return
        refused = [
            topic
            for topic, reason in zip(self._filters, reasons, strict=False)
            if reason.is_failure
        ]
        if refused:
            self._fail(
                f"refuses the subscription to {', '.join(refused)}: allow the account to read it, "
                "or correct subscriptions in the settings"
            )
        else:
            self.last_error = None

    def _on_unsubscribe(self, *_ignored: Any) -> None:
        self._heard = True

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Any,
    ) -> None:
        self.connected = False
        if not (self._refused or self._closing):
            self._fail(f"ended the connection ({reason}): see its log if it goes on")

    def _fail(self, what: str) -> None:
        told = f"the broker {self._address} {what}"
        if told != self.last_error:
            _log.warning("mqtt: %s", told)
        self.last_error = told


def _decrypted(sock: Any) -> bool:
    """Whether TLS has decrypted more than was read: the socket does not tell of it."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
