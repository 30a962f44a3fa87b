"""MQTT: messages in; acknowledgements out, once somebody has them safe.

paho's protocol engine runs in a thread of ours, which reads only while there is room. So
back-pressure is TCP's, no callback ever blocks, and acknowledgements are written in one place, in
the order of receipt, by the connection that they belong to or not at all.
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
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from ingest import address
from ingest.message import MAX_PAYLOAD_BYTES, Message
from lots.clock import Clock

MAX_HELD_BYTES = 64 << 20
"""Payloads that are in memory and not acknowledged."""

MAX_TAKE_BYTES = 4 << 20
LINGER_S = 0.005
KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 5.0
BACK_OFF_S = (0.5, 30.0)
CLOSE_TIMEOUT_S = 10.0
GOODBYE_TIMEOUT_S = 2.0
GOODBYE_TOPIC = "dunnage/goodbye"
MAX_BURST = 100
MAX_PUBLISHED = 10_000
"""Messages to devices that wait to be sent."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message of one connection; ``number`` counts the connection's QoS 1 messages from 0."""

    message: Message
    generation: int
    mid: int
    qos: int
    number: int


class Source:
    """Listens to ``filters`` under a session that the broker keeps while we are away.

    ``max_unacknowledged``  messages held at most, waiting or taken; then reading stops
    ``keepalive_s``         the broker is asked for a sign of life after so long without one

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
    ) -> None:
        self._address = address.parse(broker_url)
        self._filters = tuple(filters)
        self._clock = clock
        self._limit = max_unacknowledged
        self._keepalive = keepalive_s
        self._client = self._make_client(client_id)
        self.connected = False
        self.last_error: str | None = None
        self.received = 0
        self.acknowledged = 0
        self.reconnects = 0
        self._changed = threading.Condition()  # guards what follows
        self._queue: deque[Delivery] = deque()
        self._held = 0
        self._held_bytes = 0
        self._generation = 0
        self._order: deque[tuple[int, int]] = deque()  # (number, mid) of this connection
        self._done: set[int] = set()
        self._outgoing: deque[tuple[str, bytes, int, bool]] = deque()
        self._closing = False
        # of the network thread alone
        self._arrived: list[Delivery] = []
        self._numbered = 0
        self._refused = False
        self._was_connected = False
        self._heard = False  # the broker's answer to our last request
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt-source", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._thread.start()

    def close(self) -> None:
        """Send the acknowledgements that are due and leave; the broker keeps the rest."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)
        self._wake_read.close()
        self._wake_write.close()

    def take(self, limit: int, timeout: float) -> list[Delivery]:
        """Up to ``limit`` messages, and MAX_TAKE_BYTES: waits ``timeout`` s at most for the first.

        Lingers some milliseconds for more, so that batches fill under load.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing, timeout)
            if self._queue and len(self._queue) < limit:
                self._changed.wait_for(lambda: len(self._queue) >= limit or self._closing, LINGER_S)
            taken: list[Delivery] = []
            size = 0
            while self._queue and len(taken) < limit and size < MAX_TAKE_BYTES:
                delivery = self._queue.popleft()
                size += len(delivery.message.payload)
                taken.append(delivery)
                if delivery.qos == 0:
                    self._let_go(delivery)
        self._wake()
        return taken

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """They are safe. Those of an earlier connection come again, and are skipped here."""
        with self._changed:
            for delivery in deliveries:
                if delivery.qos == 0:
                    continue
                self._let_go(delivery)
                if delivery.generation == self._generation:
                    self._done.add(delivery.number)
        self._wake()

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send to devices: at QoS 0 only if connected, at QoS 1 once connected."""
        with self._changed:
            if len(self._outgoing) >= MAX_PUBLISHED:
                _log.warning("mqtt: %s: too much waits to be sent, left out", topic)
                return
            self._outgoing.append((topic, payload, qos, retain))
        self._wake()

    # The network thread

    def _run(self) -> None:
        delay = BACK_OFF_S[0]
        while not self._closing:
            if not self._has_room():
                self._pause(BACK_OFF_S[1])
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
            self._leave()
            self._pause(delay)
            delay = min(delay * 2, BACK_OFF_S[1])

    def _connect(self) -> None:
        self._numbered = 0
        where = self._address
        self._client.connect_async(where.host, where.port, self._keepalive)
        self._client.reconnect()

    def _leave(self) -> None:
        """This connection is over: what it did not acknowledge comes again on the next.

        What is held stays held, though it comes twice: a connection that ended because nobody
        took for long would otherwise be made and filled again and again.
        """
        self.connected = False
        self._arrived.clear()
        with self._changed:
            self._generation += 1
            self._order.clear()
            self._done.clear()

    def _serve(self) -> bool:
        """Work until the connection ends; whether it was ever accepted."""
        accepted = False
        while (sock := self._client.socket()) is not None:
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
        room = self._has_room()
        # TLS may have decrypted more than was read: the socket does not tell of it.
        reads = room and isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
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
            self._read_burst()
        elif event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            return False
        self._client.loop_misc()
        return True

    def _read_burst(self) -> None:
        before, most = -1, min(MAX_BURST, self._limit - self._held)
        while before < len(self._arrived) < most and self._client.socket() is not None:
            before = len(self._arrived)
            self._client.loop_read()
        if not self._arrived:
            return
        with self._changed:
            self._queue.extend(self._arrived)
            self._held += len(self._arrived)
            self._held_bytes += sum(len(d.message.payload) for d in self._arrived)
            self._order.extend((d.number, d.mid) for d in self._arrived if d.qos > 0)
            self._changed.notify_all()
        self.received += len(self._arrived)
        self._arrived.clear()

    def _send_due(self) -> None:
        """Acknowledgements in the order of receipt, then what is to be published."""
        if not self.connected:
            return
        with self._changed:
            due = []
            while self._order and self._order[0][0] in self._done:
                number, mid = self._order.popleft()
                self._done.discard(number)
                due.append(mid)
            outgoing = list(self._outgoing)
            self._outgoing.clear()
        for mid in due:
            self._client.ack(mid, 1)
        self.acknowledged += len(due)
        for topic, payload, qos, retain in outgoing:
            self._client.publish(topic, payload, qos, retain)

    def _say_goodbye(self) -> None:
        """Leave once the broker has read all that we sent.

        Without waiting for its answer to a last request (to leave a topic that nobody is on), a
        message that it sends us after we hung up makes it forget acknowledgements it has not read.
        """
        deadline = time.monotonic() + GOODBYE_TIMEOUT_S
        if self.connected:
            self._client.unsubscribe(GOODBYE_TOPIC)
        while self.connected and not self._heard and time.monotonic() < deadline:
            self._wait_for_socket(select.POLLIN)
            self._client.loop_read()
            self._arrived.clear()  # they come again
            self._client.loop_write()
        self._client.disconnect()
        while self._client.socket() is not None and time.monotonic() < deadline:
            self._wait_for_socket(select.POLLOUT)
            self._client.loop_write()

    def _wait_for_socket(self, event: int) -> None:
        poller = select.poll()
        sock = self._client.socket()
        if sock is not None:
            poller.register(sock, event)
            poller.poll(100)

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            # Woken when it closes, or when there is room again.
            full = self._is_full()
            self._changed.wait_for(
                lambda: self._closing or (full and not self._is_full()),
                max(0.0, deadline - time.monotonic()),
            )

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake; closed: it is gone
            self._wake_write.send(b"\0")

    # Room

    def _let_go(self, delivery: Delivery) -> None:
        self._held -= 1
        self._held_bytes -= len(delivery.message.payload)
        self._changed.notify_all()

    def _is_full(self) -> bool:
        return self._held >= self._limit or self._held_bytes >= MAX_HELD_BYTES

    def _has_room(self) -> bool:
        with self._changed:
            return not self._is_full()

    # What paho calls, in the network thread

    def _make_client(self, client_id: str) -> mqtt.Client:
        client = mqtt.Client(
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
        client.on_message = self._on_message
        client.on_unsubscribe = self._on_unsubscribe
        return client

    def _on_connect(
        self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refused = True
            self._fail(f"refuses us ({reason}): correct user and password in broker_url")
            return
        self.connected = True
        self.reconnects += self._was_connected
        self._was_connected = True
        _log.info("mqtt: connected to %s", self._address)
        client.subscribe([(topic, 1) for topic in self._filters])

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        _mid: int,
        reasons: Sequence[ReasonCode],
        _properties: Any,
    ) -> None:
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

    def _on_message(self, _client: mqtt.Client, _userdata: Any, arrived: mqtt.MQTTMessage) -> None:
        try:
            topic = arrived.topic.replace("\0", "\ufffd")
        except UnicodeDecodeError:
            topic = "\ufffd"
        # One byte over the limit tells the format that it was longer.
        payload = bytes(arrived.payload[: MAX_PAYLOAD_BYTES + 1])
        message = Message(self._clock.now_ms(), topic, payload)
        number = -1
        if arrived.qos > 0:
            number = self._numbered
            self._numbered += 1
        self._arrived.append(Delivery(message, self._generation, arrived.mid, arrived.qos, number))

    def _fail(self, what: str) -> None:
        told = f"the broker {self._address} {what}"
        if told != self.last_error:
            _log.warning("mqtt: %s", told)
        self.last_error = told
