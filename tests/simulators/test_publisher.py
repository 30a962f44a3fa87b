"""Publishing to a real broker: counted when acknowledged, paced, back after a broker's death."""

import socket
import threading
import time

import pytest

from simulators.message import Message
from simulators.publisher import Broker, BrokerError, Publisher
from simulators.voices import VOICES


def message(topic: str, number: int) -> Message:
    return Message(topic, f"{number}".encode(), 3, number)


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "name", "password"),
    [
        ("mqtt://127.0.0.1", "127.0.0.1", 1883, False, None, None),
        ("mqtts://broker.example", "broker.example", 8883, True, None, None),
        ("mqtt://fleet:p%40ss@[::1]:1999/", "::1", 1999, False, "fleet", "p@ss"),
    ],
)
def test_addresses(url, host, port, tls, name, password):
    assert Broker.at(url) == Broker(host, port, tls, name, password)


def test_certificates_to_trust_may_be_named():
    assert Broker.at("mqtts://h?ca=/etc/ca.pem").ca == "/etc/ca.pem"
    with pytest.raises(BrokerError, match="PEM"):
        Publisher("mqtts://h?ca=/nowhere/ca.pem", client_id="x")


def test_a_password_is_not_shown():
    assert "secret" not in repr(Broker.at("mqtt://fleet:secret@127.0.0.1"))
    for url in ("mqtt://fleet:secret", "mqtt://fleet:secret/1@h", "mqtt://fleet:[secret@h"):
        with pytest.raises(BrokerError, match="port") as told:
            Broker.at(url)
        assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["localhost:1883", "http://x", "mqtt://", "mqtt://h:0x1", ""])
def test_an_address_of_no_use_says_how_to_write_it(url):
    with pytest.raises(BrokerError, match=r"mqtt://127\.0\.0\.1:1883"):
        Publisher(url, client_id="x")


def test_what_is_acknowledged_has_arrived_and_is_counted(mosquitto, listen, unique_name):
    topic = f"dunnage/v1/{unique_name}/a/readings"
    with (
        listen(mosquitto.url, topic, f"{unique_name}-ears") as heard,
        Publisher(mosquitto.url, client_id=unique_name, rate=5000) as publisher,
    ):
        for number in range(1000):
            assert publisher.publish(message(topic, number))
        assert publisher.close() == 0
        heard.wait_for(1000)
    assert (publisher.messages, publisher.readings) == (1000, 3000)
    assert [int(payload) for _, payload in heard.messages] == list(range(1000))


def test_it_keeps_to_its_rate(mosquitto, unique_name):
    with Publisher(mosquitto.url, client_id=unique_name, rate=100) as publisher:
        begins = time.monotonic()
        for number in range(60):
            publisher.publish(message("dunnage/v1/x/y/readings", number))
        took = time.monotonic() - begins
    assert 0.45 < took < 5  # 60 at 100 a second, the first ten at once


def test_a_broker_that_dies_on_the_way_loses_nothing(own_mosquitto, listen, soon, unique_name):
    topic = f"dunnage/v1/{unique_name}/a/readings"
    with (
        listen(own_mosquitto.url, topic, f"{unique_name}-ears") as heard,
        Publisher(own_mosquitto.url, client_id=unique_name, rate=2000) as publisher,
    ):
        threading.Timer(0.2, own_mosquitto.restart).start()
        for number in range(1000):
            assert publisher.publish(message(topic, number))
        assert publisher.close(20) == 0
        assert publisher.messages == 1000
        # Some come twice: those that were on the way when it died.
        soon(lambda: {int(payload) for _, payload in heard.messages} == set(range(1000)))


def test_a_broker_that_stays_away_is_an_error_and_counts_nothing(own_mosquitto, unique_name):
    with Publisher(own_mosquitto.url, client_id=unique_name, rate=5000, patience_s=1) as publisher:
        own_mosquitto.stop()
        with pytest.raises(BrokerError, match="has acknowledged nothing for 1 s: see whether"):
            all(publisher.publish(message("dunnage/v1/x/y/readings", n)) for n in range(1000))
        assert publisher.close(0.5) > 0
    assert publisher.readings == 0


def test_stop_brings_a_waiting_publisher_back(own_mosquitto, unique_name):
    with Publisher(own_mosquitto.url, client_id=unique_name, rate=5000) as publisher:
        own_mosquitto.pause()
        threading.Timer(0.5, publisher.stop).start()
        sent = 0
        while publisher.publish(message("dunnage/v1/x/y/readings", sent)):
            sent += 1
        assert 50 < sent <= 100
        assert publisher.wait(60)  # returns at once
        own_mosquitto.resume()
        assert publisher.close() == 0
        assert publisher.messages == sent


def test_no_broker_there(unique_name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(BrokerError, match=f"no broker can be reached at 127.0.0.1:{port} .*start"):
        Publisher(f"mqtt://127.0.0.1:{port}", client_id=unique_name).connect()


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="rate is 0: give messages a second, over 0"):
        Publisher("mqtt://127.0.0.1", client_id="x", rate=0)


def test_a_sparkplug_node_that_is_cut_off_dies_and_is_born_again(
    mosquitto, listen, soon, unique_name
):
    """The will of the broken connection is the death of the birth before, by its bdSeq."""
    node = VOICES["sparkplug"].open(unique_name)
    with (
        listen(mosquitto.url, f"spBv1.0/{unique_name}/+/gateway", f"{unique_name}-ears") as heard,
        Publisher(mosquitto.url, client_id=unique_name, will=lambda: node.will) as publisher,
    ):
        births = node.opening(1000)
        assert publisher.publish(births[0])
        heard.wait_for(1)
        with Publisher(mosquitto.url, client_id=unique_name):  # which takes the name over
            heard.wait_for(2)
        soon(lambda: publisher.connections > 1)
        births += node.opening(2000)
        assert publisher.publish(births[1])
        assert publisher.close() == 0
        heard.wait_for(3)
    topics = [topic.split("/")[2] for topic, _ in heard.messages]
    assert topics == ["NBIRTH", "NDEATH", "NBIRTH"]
    sessions = [bd_seq(payload) for _, payload in heard.messages]
    assert sessions == [0, 0, 1]


def bd_seq(payload: bytes) -> int:
    """A metric's name, its type, and its value as the field long_value."""
    _, found, value = payload.partition(b"\x0a\x05bdSeq\x20\x04\x58")
    assert found
    return value[0]
