"""A listener on a real broker: what really went over the wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion


class Heard:
    """(topic, payload) in order of arrival."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._more = threading.Condition()

    def add(self, topic: str, payload: bytes) -> None:
        with self._more:
            self.messages.append((topic, payload))
            self._more.notify_all()

    def wait_for(self, count: int, seconds: float = 10.0) -> None:
        with self._more:
            arrived = self._more.wait_for(lambda: len(self.messages) >= count, seconds)
        assert arrived, f"heard {len(self.messages)} of {count} messages in {seconds} s"


@contextmanager
def listening(url: str, topics: str, client_id: str) -> Iterator[Heard]:
    """What is published on ``topics`` while inside; it survives a restart of the broker."""
    heard, subscribed = Heard(), threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    client.reconnect_delay_set(1, 1)
    client.on_connect = lambda *_: client.subscribe(topics, qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _c, _u, message: heard.add(message.topic, message.payload)
    parts = urlsplit(url)
    client.connect(parts.hostname, parts.port)
    client.loop_start()
    try:
        assert subscribed.wait(10)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def listen() -> Callable[[str, str, str], object]:
    return listening


@pytest.fixture
def soon() -> Callable[[Callable[[], bool]], None]:
    """Waits until something is so, at most ten seconds."""

    def wait(so: Callable[[], bool]) -> None:
        ends = time.monotonic() + 10
        while not so():
            assert time.monotonic() < ends
            time.sleep(0.02)

    return wait
