"""The source on a real Mosquitto: nothing is acknowledged that is not safe, nothing is lost."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest import address
from ingest.address import BrokerAddressError
from ingest.holding import Delivery
from ingest.source import Source
from lots.clock import Clock
from tests.servers import Mosquitto, free_port

STOPPED = Clock(1_763_766_000_000, 0.0)


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@contextmanager
def source(url: str, name: str, *, limit: int = 20_000, keepalive: int = 30) -> Iterator[Source]:
    """Connected and subscribed to all under ``name``."""
    opened = Source(url, name, [f"{name}/#"], STOPPED, limit, keepalive)
    opened.start()
    try:
        until(lambda: opened.connected and opened.last_error is None)
        time.sleep(0.05)  # its subscription is on the way
        yield opened
    finally:
        opened.close()


@contextmanager
def publisher(url: str) -> Iterator[Callable[..., None]]:
    """Sends ``(topic, payload)`` and returns when the broker has it."""
    where = address.parse(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect(where.host, where.port)
    client.loop_start()

    def publish(topic: str, *payloads: bytes, qos: int = 1, retain: bool = False) -> None:
        sent = [client.publish(topic, payload, qos, retain) for payload in payloads]
        for one in sent:
            one.wait_for_publish(10)

    try:
        yield publish
    finally:
        client.disconnect()
        client.loop_stop()


def numbers(begin: int, end: int) -> list[bytes]:
    return [str(number).encode() for number in range(begin, end)]


def take(opened: Source, count: int, seconds: float = 10.0) -> list[Delivery]:
    """So many messages, one by one, or what came in time."""
    taken: list[Delivery] = []
    deadline = time.monotonic() + seconds
    while len(taken) < count and time.monotonic() < deadline:
        delivery = opened.take(1, 0.2)
        taken += [delivery] if delivery is not None else []
    return taken


def acknowledge(opened: Source, taken: list[Delivery]) -> None:
    for delivery in taken:
        opened.acknowledge(delivery)


def payloads(deliveries: list[Delivery]) -> list[bytes]:
    return [message.payload for delivery in deliveries for message in delivery.messages]


def test_hands_over_what_came_in_its_order(mosquitto: Mosquitto, unique_name: str) -> None:
    with source(mosquitto.url, unique_name) as opened, publisher(mosquitto.url) as publish:
        publish(f"{unique_name}/a", *numbers(0, 300))
        publish(f"{unique_name}/b", b"unsure", qos=0)
        taken = take(opened, 301)
        assert payloads(taken) == [*numbers(0, 300), b"unsure"]
        assert [delivery.acks != b"" for delivery in taken[-2:]] == [True, False]
        assert taken[0].messages[0].topic == f"{unique_name}/a"
        assert taken[0].messages[0].received == STOPPED.now_ms()
        acknowledge(opened, taken)
        until(lambda: opened.acknowledged == 300)
        assert opened.received == 301
        assert opened.take(10, 0.01) is None


def test_nothing_is_acknowledged_before_it_is_said_to_be_safe(
    mosquitto: Mosquitto, unique_name: str
) -> None:
    with publisher(mosquitto.url) as publish:
        with source(mosquitto.url, unique_name) as opened:
            publish(f"{unique_name}/a", *numbers(0, 50))
            taken = take(opened, 50)
            acknowledge(opened, taken[:20])
            acknowledge(opened, taken[30:])  # out of order: not sent before the ten between
            until(lambda: opened.acknowledged == 20)
        publish(f"{unique_name}/a", *numbers(50, 60))  # while it is away
        with source(mosquitto.url, unique_name) as opened:
            taken = take(opened, 40)
            assert payloads(taken) == numbers(20, 60)
            acknowledge(opened, taken)
            until(lambda: opened.acknowledged == 40)
        with source(mosquitto.url, unique_name) as opened:
            assert opened.take(1, 0.3) is None


def test_a_killed_broker_is_found_again_and_stale_acknowledgements_are_not_sent(
    own_mosquitto: Mosquitto, unique_name: str
) -> None:
    with source(own_mosquitto.url, unique_name) as opened:
        with publisher(own_mosquitto.url) as publish:
            publish(f"{unique_name}/a", *numbers(0, 10))
            old = take(opened, 10)
            taken_at = time.time()
            saved = own_mosquitto.folder / "mosquitto.db"  # what it had not saved, it forgets
            until(lambda: saved.exists() and saved.stat().st_mtime > taken_at)
        own_mosquitto.kill()
        until(lambda: not opened.connected)
        until(lambda: opened.last_error is not None)
        assert f"127.0.0.1:{own_mosquitto.port}" in (opened.last_error or "")
        own_mosquitto.start()
        until(lambda: opened.connected and opened.last_error is None, 20)
        assert opened.reconnects == 1
        with publisher(own_mosquitto.url) as publish:
            publish(f"{unique_name}/a", *numbers(10, 15))
        again = take(opened, 15)
        assert payloads(again) == numbers(0, 15)
        acknowledge(opened, old)  # same packet ids, another connection
        acknowledge(opened, again[12:])
        time.sleep(0.3)
        assert opened.acknowledged == 0
        acknowledge(opened, again[:12])
        until(lambda: opened.acknowledged == 15)


def test_reads_no_more_than_it_may_hold_and_stays_connected(
    mosquitto: Mosquitto, unique_name: str
) -> None:
    with (
        source(mosquitto.url, unique_name, limit=50) as opened,
        publisher(mosquitto.url) as publish,
    ):
        publish(f"{unique_name}/a", *numbers(0, 400))
        until(lambda: opened.received == 50)
        time.sleep(0.3)
        assert opened.received == 50
        taken = take(opened, 50)
        time.sleep(0.2)
        assert opened.received == 50, "taken is not acknowledged"
        while len(taken) < 400:
            acknowledge(opened, taken[-50:])
            new = take(opened, 50)
            assert len(new) == 50
            taken += new
        assert payloads(taken) == numbers(0, 400)
        assert (opened.connected, opened.reconnects) == (True, 0)


def test_a_long_stop_costs_at_most_the_connection(mosquitto: Mosquitto, unique_name: str) -> None:
    with (
        source(mosquitto.url, unique_name, limit=20, keepalive=1) as opened,
        publisher(mosquitto.url) as publish,
    ):
        publish(f"{unique_name}/a", *numbers(0, 100))
        until(lambda: opened.received == 20)
        time.sleep(4)
        assert opened.received == 20, "it must not connect only to fill up again"
        seen: set[bytes] = set()
        while len(seen) < 100:
            taken = take(opened, 20, seconds=5)
            assert taken
            seen.update(payloads(taken))
            acknowledge(opened, taken)
        assert seen == set(numbers(0, 100))
        assert opened.reconnects <= 1


def test_an_idle_connection_lives(mosquitto: Mosquitto, unique_name: str) -> None:
    with source(mosquitto.url, unique_name, keepalive=1) as opened:
        time.sleep(2.5)
        assert (opened.connected, opened.reconnects) == (True, 0)


def test_messages_that_are_too_long_are_cut_and_large_ones_pass(
    mosquitto: Mosquitto, unique_name: str
) -> None:
    with source(mosquitto.url, unique_name) as opened, publisher(mosquitto.url) as publish:
        publish(f"{unique_name}/a", bytes(256 * 1024), bytes(3 << 20), b"")
        assert [len(payload) for payload in payloads(take(opened, 3))] == [262144, 262145, 0]


def test_retained_messages_are_messages(mosquitto: Mosquitto, unique_name: str) -> None:
    with publisher(mosquitto.url) as publish:
        publish(f"{unique_name}/a", b"kept", retain=True)
        with source(mosquitto.url, unique_name) as opened:
            assert payloads(take(opened, 1)) == [b"kept"]
        publish(f"{unique_name}/a", b"", retain=True)


def test_publishes_to_devices(mosquitto: Mosquitto, unique_name: str) -> None:
    with (
        source(mosquitto.url, unique_name) as opened,
        source(mosquitto.url, f"{unique_name}-device") as device,
    ):
        opened.publish(f"{unique_name}-device/ack", b"one")
        opened.publish(f"{unique_name}-device/commands", b"two", qos=1)
        assert payloads(take(device, 2)) == [b"one", b"two"]


@pytest.fixture
def guarded(own_mosquitto: Mosquitto) -> Mosquitto:
    """A broker that wants a password."""
    own_mosquitto.stop()
    passwords = own_mosquitto.folder / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(passwords), "worker", "s p@ss"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        why = "mosquitto_passwd is not installed: it comes with mosquitto"
        assert not os.environ.get("CI"), f"{why} (under CI nothing is skipped)"
        pytest.skip(why)
    conf = own_mosquitto.folder / "mosquitto.conf"
    settings = conf.read_text().replace("allow_anonymous true", "allow_anonymous false")
    conf.write_text(f"{settings}password_file {passwords}\n")
    return own_mosquitto.start()


def test_a_wrong_password_is_told_and_tried_again(guarded: Mosquitto, unique_name: str) -> None:
    port = guarded.port
    with source(f"mqtt://worker:s%20p%40ss@127.0.0.1:{port}", unique_name) as opened:
        assert opened.last_error is None
    refused = Source(f"mqtt://worker:wrong@127.0.0.1:{port}", unique_name, ["#"], STOPPED)
    refused.start()
    until(lambda: refused.last_error is not None)
    assert "correct user and password in broker_url" in (refused.last_error or "")
    assert "wrong@" not in (refused.last_error or "")
    assert not refused.connected
    refused.close()


def test_a_broker_that_is_not_there_is_told_and_found_later(
    own_mosquitto: Mosquitto, unique_name: str
) -> None:
    own_mosquitto.stop()
    opened = Source(own_mosquitto.url, unique_name, [f"{unique_name}/#"], STOPPED)
    opened.start()
    until(lambda: opened.last_error is not None)
    assert f"127.0.0.1:{own_mosquitto.port} cannot be reached" in (opened.last_error or "")
    own_mosquitto.start()
    until(lambda: opened.connected and opened.last_error is None, 20)
    opened.close()


# paho leaves a socket to the garbage collector when the handshake fails.
@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_encrypted_connections(encrypted: Mosquitto, unique_name: str) -> None:
    url = f"mqtts://127.0.0.1:{encrypted.port}"
    trusting = f"{url}?ca={encrypted.folder}/ca.pem"
    with source(trusting, unique_name) as opened:
        for number in range(5):  # many in one TLS record, and one over many records
            opened.publish(f"{unique_name}/a", str(number).encode() * 30_000, qos=1)
            for small in numbers(0, 300):
                opened.publish(f"{unique_name}/a", small, qos=1)
        taken = take(opened, 1505, 30.0)  # paho has 20 on the way at a time
        assert len(taken) == 1505
        acknowledge(opened, taken)
        until(lambda: opened.acknowledged == 1505)
    wary = Source(url, unique_name, ["#"], STOPPED)
    wary.start()
    until(lambda: wary.last_error is not None)
    assert "is not trusted" in (wary.last_error or "")
    assert "?ca=FILE" in (wary.last_error or "")
    wary.close()


def test_closing_is_quick_whatever_goes_on(unique_name: str) -> None:
    opened = Source(f"mqtt://127.0.0.1:{free_port()}", unique_name, ["#"], STOPPED)
    opened.start()
    until(lambda: opened.last_error is not None)
    begun = time.monotonic()
    opened.close()
    assert time.monotonic() - begun < 2
    Source("mqtt://127.0.0.1:1", unique_name, ["#"], STOPPED).close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://h", ("h", 1883, False, None, None, None)),
        ("mqtt://u@h:7", ("h", 7, False, "u", None, None)),
        ("mqtts://u:p%40%3A@h", ("h", 8883, True, "u", "p@:", None)),
        ("mqtts://[::1]:99/?ca=/etc/ca.pem", ("::1", 99, True, None, None, "/etc/ca.pem")),
    ],
)
def test_broker_addresses(url: str, expected: tuple[object, ...]) -> None:
    found = address.parse(url)
    assert (
        found.host,
        found.port,
        found.tls,
        found.username,
        found.password,
        found.ca,
    ) == expected
    assert "p@" not in f"{found} {found!r}"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "scheme"),
        ("localhost:1883", "scheme"),
        ("http://h", "scheme"),
        ("mqtt://", "no host"),
        ("mqtt://h:port", "port"),
        ("mqtt://h:70000", "(?i)port"),
        ("mqtt://h/path", "path"),
        ("mqtt://h?x=1", "x is no option"),
        ("mqtt://:secret@h", "no user"),
        ("mqtt://u:secret", "port"),
        ("mqtt://u:secret/1@h", "port"),
        ("mqtt://u:[secret@h", "host"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, why: str) -> None:
    with pytest.raises(BrokerAddressError, match=why) as told:
        address.parse(url)
    assert "mqtt://user:password@host:1883" in str(told.value)
    assert "secret" not in str(told.value)


def test_a_ca_file_that_is_missing_is_told() -> None:
    with pytest.raises(BrokerAddressError, match="PEM"):
        Source("mqtts://h?ca=/nowhere/ca.pem", "id", ["#"], STOPPED)
