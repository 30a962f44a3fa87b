"""The node's MQTT against a real broker, and against peers that are none; and time over UDP."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import paho.mqtt.client as mqtt
import pytest

from tests.conftest import make
from tests.firmware.micropython import MicroPython
from tests.servers import Mosquitto, find_program
from tests.test_packaging import Account, DeployedMosquitto
from tests.whole.house import soon


@pytest.fixture
def node(device: MicroPython) -> MicroPython:
    """With a client to `make(port)`."""
    device.run(
        "import harness, time\n"
        "from node.mqtt import MOST_BYTES, Mqtt\n"
        "from real import connected\n"
        "harness.power(-1, 'torn', -1)\n"
        "def make(port, timeout_s=1):\n"
        "    return Mqtt(lambda: connected(port, timeout_s), 'tag-1', timeout_s=timeout_s)\n"
        "def opened(m, topic='x', will=b'offline'):\n"
        "    m.connect()\n"
        "    m.open(topic, will)\n"
        "    return m\n"
        "def refused(act):\n"
        "    began = time.ticks_ms()\n"
        "    try:\n"
        "        act()\n"
        "    except OSError as error:\n"
        "        print(error)\n"
        "    print(time.ticks_diff(time.ticks_ms(), began))\n"
    )
    return device


class Watcher:
    """Hears everything below a topic, retained messages as such."""

    def __init__(self, port: int, topics: str) -> None:
        heard: list[tuple[str, bytes, bool]] = []
        self.heard = heard  # not by self below: a client in a ring of references ends too late
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _u, found: heard.append(
            (found.topic, bytes(found.payload), bool(found.retain))
        )
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topics, qos=1)
        self._client.loop_start()
        assert ready.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def peer(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of one who takes a connection and does with it what ``handle`` does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                handle(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_status_is_online_and_offline_only_where_the_link_broke(
    node: MicroPython, mosquitto: Mosquitto, unique_name: str
) -> None:
    topic = f"{unique_name}/status"
    watcher = Watcher(mosquitto.port, topic)
    try:
        node.run(f"m = opened(make({mosquitto.port}), '{topic}')")
        node.run(f"m.publish('{topic}', b'online', True)\nm.close()")
        soon(lambda: len(watcher.heard) == 1, "online")
        node.run(f"opened(m, '{topic}')")
        node.run("harness.power(0, 'torn', -1)\nharness.spend()\nm.close()")
        node.run("harness.power(-1, 'torn', -1)")
        soon(lambda: len(watcher.heard) == 2, "the will")
    finally:
        watcher.close()
    assert [payload for _, payload, _ in watcher.heard] == [b"online", b"offline"]
    late = Watcher(mosquitto.port, topic)
    soon(lambda: late.heard, "what is retained")
    late.close()
    assert late.heard == [(topic, b"offline", True)]


def test_the_shipped_accounts_let_it_do_its_work(node: MicroPython) -> None:
    root = "dunnage/v1/acme/T-1"
    with make(DeployedMosquitto) as broker:
        worker = Account(broker, "dunnage-worker")
        worker.listen("dunnage/#")
        node.run(
            "def signed_in(password):\n"
            f"    return Mqtt(lambda: connected({broker.port}), 'acme/T-1', 'acme/T-1', password)"
        )
        told, _ = node.run("refused(lambda: opened(signed_in('wrong')))")
        node.run(f"m = opened(signed_in('of-acme/T-1'), '{root}/status')")
        node.run(f"m.subscribe(('{root}/ack', '{root}/commands'))")
        node.run(f"m.publish('{root}/readings', '{{}}')")
        soon(lambda: worker.heard, "the reading")
        for topic in ("ack", "commands"):
            worker.say(f"{root}/{topic}", topic.encode())
        found = node.run("print(m.receive(5000))\nprint(m.receive(5000))\nm.close()")
        worker.close()
    assert told == "the broker: it does not let this account in"
    assert worker.heard[0] == f"{root}/readings"
    assert found == [f"('{root}/ack', b'ack')", f"('{root}/commands', b'commands')"]


def test_a_command_as_the_readme_has_it(
    node: MicroPython, mosquitto: Mosquitto, unique_name: str
) -> None:
    topic = f"dunnage/v1/{unique_name}/tag-0042/commands"
    program = find_program("mosquitto_pub", "mosquitto-clients")
    command = [program, "-h", "127.0.0.1", "-p", str(mosquitto.port), "-r", "-q", "1", "-t", topic]
    subprocess.run([*command, "-m", '{"interval": 600, "batch": 6}'], check=True)
    node.run(f"m = opened(make({mosquitto.port}))\nm.subscribe(('{topic}',))")
    (told,) = node.run("print(m.receive(2000))\nm.close()")
    assert told == f"('{topic}', b'{{\"interval\": 600, \"batch\": 6}}')"


def test_what_is_too_long_is_passed_over(
    node: MicroPython, mosquitto: Mosquitto, unique_name: str
) -> None:
    """And costs no memory, but is told of; what comes behind it arrives."""
    topic = f"{unique_name}/commands"
    with_long = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    with_long.connect("127.0.0.1", mosquitto.port)
    with_long.loop_start()
    node.run(f"m = opened(make({mosquitto.port}, 20))\nm.subscribe(('{topic}',))")
    for payload in (b"x" * 200_000, b"short"):
        with_long.publish(topic, payload, qos=1).wait_for_publish(10)
    found = node.run("for ms in (20_000, 20_000, 50): print(m.receive(ms))\nm.close()")
    with_long.disconnect()
    with_long.loop_stop()
    assert found == [f"('{topic}', None)", f"('{topic}', b'short')", "None"]


def publish_packet(topic: bytes, length: int) -> bytes:
    """The beginning of a PUBLISH with QoS 0 that announces so many bytes in all."""
    announced = bytearray([0x30])
    left = length
    while left > 0x7F:
        announced.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes(announced) + bytes([left]) + len(topic).to_bytes(2, "big") + topic


def test_what_never_comes_to_its_end_is_given_up(node: MicroPython) -> None:
    """A broker may announce 256 MB, and send them a little at a time."""

    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00" + publish_packet(b"commands", 200_000_000))
        with suppress(OSError):
            for _ in range(60):
                connection.sendall(b"x" * 600)
                time.sleep(0.1)

    with peer(handle) as port:
        node.run(f"m = opened(make({port}, 3))")
        told, took = node.run("refused(lambda: m.receive(5000))\nm.close()")
    assert told.startswith("a message of 200000000 bytes takes too long")
    assert int(took) < 10_000


def test_good_bye_has_arrived_before_the_network_is_switched_off(node: MicroPython) -> None:
    """It is waited for that the broker ends the connection, but not without end."""
    heard = []

    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")
        time.sleep(0.3)
        heard.append(connection.recv(1000))

    with peer(handle) as port:
        node.run(f"m = opened(make({port}))")
        node.run("from node import mqtt\nusual, mqtt._GOODBYE_MS = mqtt._GOODBYE_MS, 10_000")
        node.run("m.close()\nmqtt._GOODBYE_MS = usual")
        assert heard == [b"\xe0\x00"], "close waited for it"


def test_a_broker_that_does_not_hear_a_good_bye_is_not_waited_for(node: MicroPython) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")
        time.sleep(6)

    with peer(handle) as port:
        node.run(f"m = opened(make({port}))")
        (took,) = node.run("refused(m.close)")
    assert 900 <= int(took) < 5_000


@pytest.mark.parametrize("answer", [b"\x40\x01\x00", b"\x40\x00", b"\x40\x80\x20" + bytes(4096)])
def test_an_acknowledgement_that_is_none(node: MicroPython, answer: bytes) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")
        connection.recv(1000)
        connection.sendall(answer)
        time.sleep(0.2)

    with peer(handle) as port:
        node.run(f"m = opened(make({port}))")
        told, _ = node.run("refused(lambda: m.publish('a', b'b'))\nm.close()")
    assert told == "the broker's answer is no MQTT"


def test_messages_that_wait_are_bounded(
    node: MicroPython, mosquitto: Mosquitto, unique_name: str
) -> None:
    node.run(f"m = opened(make({mosquitto.port}))\nm.subscribe(('{unique_name}/#',))")
    node.run(f"for n in range(10): m.publish('{unique_name}/own', b'%d' % n)")
    found = node.run("while True:\n    f = m.receive(200)\n    if not f: break\n    print(f[1])")
    node.run("m.close()")
    assert len(found) <= 5
    assert found[-1] == "b'9'"


def test_a_broker_that_stands_still_is_given_up(
    node: MicroPython, own_mosquitto: Mosquitto
) -> None:
    node.run(f"m = opened(make({own_mosquitto.port}))")
    own_mosquitto.pause()
    try:
        told, took = node.run("refused(lambda: m.publish('a', b'b'))")
    finally:
        own_mosquitto.resume()
    node.run("m.close()")
    assert told == "the broker does not answer"
    assert 900 <= int(took) < 10_000


def test_a_broker_that_ends_is_noticed(node: MicroPython, own_mosquitto: Mosquitto) -> None:
    node.run(f"m = opened(make({own_mosquitto.port}))")
    own_mosquitto.kill()
    told = node.run("refused(lambda: [m.publish('a', b'b') for _ in range(3)])\nm.close()")
    assert len(told) == 2, "it was an OSError"
    assert int(told[1]) < 10_000
    assert len(node.run(f"refused(lambda: opened(make({own_mosquitto.port})))")) == 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"\x20\x02\x00\x05", "the broker: it does not let this account in"),
        (b"\x20\x02\x00\x04", "the broker: it refuses user or password"),
        (b"\x20\x02\x00\x77", "the broker: refused, code 119"),
        (b"\x20\x03\x00\x00\x00", "the broker's answer is no MQTT"),
        (b"\x20\xff\x7f" + bytes(16_383), "the broker's answer is no MQTT"),
        (b"\x30\x04\x00\x02\xff\xfe", "the broker's topic is no UTF-8"),
        (b"\x20\xff\xff\xff\xff\x01", "the broker's packet is no MQTT"),
        (b"\x20\x02\x00", "the connection broke in the middle of a packet"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "[Errno 110] ETIMEDOUT"),
        (b"\x30\x03\x00\x09x", "the broker's message is no MQTT"),
        (b"\x32\x03\x00\x01x", "the broker's message is no MQTT"),
        (b"", "the broker has closed the connection"),
    ],
)
def test_who_is_no_broker_or_refuses(node: MicroPython, answer: bytes, told: str) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer)
        if answer.startswith(b"HTTP"):
            time.sleep(1.2)

    with peer(handle) as port:
        found = node.run(f"refused(lambda: opened(make({port})))")
    assert found[0] == told
    assert int(found[1]) < 10_000


def test_who_takes_the_connection_and_says_nothing(node: MicroPython) -> None:
    def handle(connection: socket.socket) -> None:
        time.sleep(1.5)

    with peer(handle) as port:
        told, took = node.run(f"refused(lambda: opened(make({port})))")
    assert told == "the broker does not answer"
    assert int(took) < 10_000


def test_time_from_a_server(node: MicroPython) -> None:
    tokens = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            asked, who = server.recvfrom(100)
            assert (len(asked), asked[0]) == (48, 0x23)
            tokens.add(asked[40:])
            seconds = (3_972_754_800).to_bytes(4, "big") + (1 << 30).to_bytes(4, "big")
            server.sendto(b"\x24\x02" + bytes(22) + asked[40:] + bytes(8) + seconds, who)

        port = server.getsockname()[1]
        for _ in range(2):
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            found = node.run(f"from node import ntp\nprint(ntp.ask('127.0.0.1', 2.0, {port}))")
            thread.join(10)
            assert found == ["1763766000250"]
        _, took = node.run(f"refused(lambda: ntp.ask('127.0.0.1', 0.5, {port}))")
    assert len(tokens) == 2, "each question has a number of its own"
    assert int(took) < 10_000
