"""Publishes messages to a broker as a device does: QoS 1, counted when the broker has them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from simulators.message import Message

IN_FLIGHT: Final = 100
"""So many messages are unacknowledged at most."""
BURST_S: Final = 0.1
"""After a pause, no more than this much of the rate is sent at once."""
_CONNECT_S: Final = 10.0
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class BrokerError(Exception):
    """The broker cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and who we are to it; ``ca`` is a file of certificates to trust."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None

    @classmethod
    def at(cls, url: str) -> Broker:
        """Of ``mqtt://name:password@host:port`` or ``mqtts://…?ca=FILE``; raises `BrokerError`."""
        example = "write it like mqtt://127.0.0.1:1883 or mqtts://name:password@host:8883"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # whose words have part of the address in them
            raise BrokerError(
                f"the broker's address has a port that is no number up to 65535, or a host that is"
                f" none: {example}"
            ) from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise BrokerError(
                f"the broker's address has the scheme {parts.scheme!r} and the host"
                f" {parts.hostname or ''!r}: {example}"
            )
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            ca=parse_qs(parts.query).get("ca", [None])[-1],
        )


class Publisher:
    """A connection that comes back by itself, at most ``rate`` messages a second.

    `publish` blocks while too much is unacknowledged. One thread publishes; `stop` may be called
    from any thread or a signal handler. ``client_id`` has to be nobody else's on that broker.
    ``will`` is asked before each connection what the broker is to publish if it breaks.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        rate: float = 300.0,
        patience_s: float = 60.0,
        will: Callable[[], Message | None] | None = None,
    ) -> None:
        if rate <= 0:
            raise ValueError(f"rate is {rate}: give messages a second, over 0")
        self.messages = 0
        self.readings = 0
        """What the broker has acknowledged."""
        self.connections = 0
        """How often the broker has let us in: once more, and the will of before was published."""
        self._broker = Broker.at(url)
        self._interval = 1.0 / rate
        self._next = 0.0
        self._patience = patience_s
        self._waiting: dict[int, int] = {}  # packet id -> readings, of the publishing thread alone
        # paho calls back with its own lock held: the callbacks take none of ours and only queue.
        self._acknowledged: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[ReasonCode] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._closed = False
        self._will = will
        self._client = self._make_client(client_id)

    def _make_client(self, client_id: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        client.max_inflight_messages_set(IN_FLIGHT)
        client.reconnect_delay_set(1, 5)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls:
            self._trust(client)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        return client

    def _trust(self, client: mqtt.Client) -> None:
        try:
            client.tls_set(self._broker.ca)
        except OSError as error:
            raise BrokerError(
                f"the broker's address has ca={self._broker.ca} ({error}): name a file of PEM"
                " certificates"
            ) from error

    def _on_pre_connect(self, client: mqtt.Client, _user: Any) -> None:
        if self._will and (will := self._will()):
            client.will_set(will.topic, will.payload, qos=1)

    def _on_connect(
        self, _client: mqtt.Client, _user: Any, _flags: Any, reason: ReasonCode, _props: Any
    ) -> None:
        if not reason.is_failure:
            self.connections += 1
        self._answers.put(reason)

    def _on_publish(
        self, _client: mqtt.Client, _user: Any, mid: int, _reason: Any, _props: Any
    ) -> None:
        self._acknowledged.put(mid)

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Connect for the first time; raises `BrokerError` if that does not work at once."""
        where = f"{self._broker.host}:{self._broker.port}"
        try:
            self._client.connect(self._broker.host, self._broker.port, keepalive=30)
        except (OSError, ValueError) as error:
            raise BrokerError(
                f"no broker can be reached at {where} ({error}): start it, or give another address"
            ) from error
        self._client.loop_start()
        try:
            answer = self._answers.get(timeout=_CONNECT_S)
        except queue.Empty:
            self._end()
            raise BrokerError(
                f"what listens at {where} does not answer as an MQTT broker: check the port"
            ) from None
        if answer.is_failure:
            self._end()
            raise BrokerError(
                f"the broker at {where} refuses us ({answer}): check name and password in"
                " mqtt://name:password@host:port"
            )

    def publish(self, message: Message) -> bool:
        """Send ``message``; False if `stop` came first. Acknowledgement is awaited later.

        Raises `BrokerError` when the broker has acknowledged nothing for ``patience_s``.
        """
        self._keep_pace()
        self._await(IN_FLIGHT - 1, self._patience, or_stop=True)
        if self._stopping.is_set():
            return False
        info = self._client.publish(message.topic, message.payload, qos=1)
        if info.rc == mqtt.MQTT_ERR_QUEUE_SIZE:
            raise BrokerError("a message could not be queued: its packet id is still in use")
        self._waiting[info.mid] = message.readings
        return True

    def stop(self) -> None:
        """Publish no more: whoever waits in `publish` comes back."""
        self._stopping.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, unless `stop` comes first; True if it came."""
        return self._stopping.wait(seconds)

    def close(self, timeout_s: float = 10.0) -> int:
        """Wait for what is unacknowledged, then disconnect; how many messages remained so."""
        if self._closed:
            return len(self._waiting)
        self._closed = True
        try:
            self._await(0, timeout_s, or_stop=False)
        except BrokerError:
            pass  # counted below: the caller decides what to make of it
        finally:
            self._client.disconnect()
            self._end()
        return len(self._waiting)

    def _end(self) -> None:
        self._client.loop_stop()

    def _keep_pace(self) -> None:
        now = time.monotonic()
        self._next = max(self._next, now - BURST_S)
        if self._next > now:
            self._stopping.wait(self._next - now)
        self._next += self._interval

    def _await(self, left: int, patience_s: float, *, or_stop: bool) -> None:
        """Count what was acknowledged, and wait until at most ``left`` messages are not."""
        last_answer = time.monotonic()
        while True:
            try:
                wait = len(self._waiting) > left
                mid = self._acknowledged.get(block=wait, timeout=0.1 if wait else None)
            except queue.Empty:
                if len(self._waiting) <= left or (or_stop and self._stopping.is_set()):
                    return
                if time.monotonic() - last_answer > patience_s:
                    raise BrokerError(
                        f"the broker at {self._broker.host}:{self._broker.port} has acknowledged"
                        f" nothing for {patience_s:.0f} s: see whether it runs"
                    ) from None
                continue
            last_answer = time.monotonic()
            readings = self._waiting.pop(mid, None)
            if readings is not None:
                self.messages += 1
                self.readings += readings
