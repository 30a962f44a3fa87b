"""A large fleet: the same everywhere, said as the native voice does, lossless over a bad broker."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.fast_fleet import Fleet, play
from simulators.fast_fleet.command import times
from simulators.fast_fleet.connection import Share
from simulators.fast_fleet.fleet import Columns
from simulators.fast_fleet.packets import acknowledged, head, publishes
from simulators.fast_fleet.playing import CATCH_UP_S, Pace
from simulators.publisher import BrokerError
from simulators.voices import VOICES

START = NOW = 1_763_766_000_000
FLEET = Fleet(tags=1000, seed=7, start_ms=START, tenant="große-flotte")


class Published(NamedTuple):
    topic: str
    payload: bytes
    number: int
    again: bool


def packets(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """First byte, body, and where it ends, of each packet that is there whole."""
    at = 0
    while True:
        length = shift = 0
        here = at + 1
        while here < len(data) and data[here] > 127:
            length |= (data[here] & 127) << shift
            here, shift = here + 1, shift + 7
        if here >= len(data):
            return
        length |= data[here] << shift
        end = here + 1 + length
        if end > len(data):
            return
        yield data[at], data[here + 1 : end], end
        at = end


def published(first: int, body: bytes) -> Published:
    length = int.from_bytes(body[:2], "big")
    assert first & ~0x08 == 0x32, "a PUBLISH of QoS 1, not retained"
    number = int.from_bytes(body[2 + length : 4 + length], "big")
    return Published(body[2 : 2 + length].decode(), body[4 + length :], number, bool(first & 8))


def said(fleet: Fleet, numbers: np.ndarray) -> list[Published]:
    ids = numbers % 65_535 + 1
    data = bytes(publishes(head(fleet), fleet.columns(numbers), ids, again=False))
    found = list(packets(data))
    assert found[-1][2] == len(data)
    return [published(first, body) for first, body, _ in found]


def test_it_says_what_the_native_voice_says():
    numbers = np.arange(2500)
    speaker = VOICES["native"].open(FLEET.tenant)
    wanted = [m for each in FLEET.readings(numbers) for m in speaker.say(each, 0)]
    got = said(FLEET, numbers)
    assert [(p.topic, p.payload) for p in got] == [(m.topic, m.payload) for m in wanted]
    assert [p.number for p in got] == (numbers % 65_535 + 1).tolist()


@given(
    st.lists(
        st.tuples(
            st.integers(-10_000, 10_000),
            st.integers(0, 10_000),
            st.integers(0, 110_000),
            st.integers(0, 4000),
            st.integers(0, 2**53),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_numbers_are_written_as_json_has_them(rows):
    count = np.arange(len(rows))
    temperature, humidity, pressure, battery, t = (np.array(c) for c in zip(*rows, strict=True))
    columns = Columns(count, count, t, temperature, humidity, pressure, battery)
    data = bytes(publishes(head(FLEET), columns, count + 1, again=True))
    for (first, body, _), row in zip(packets(data), rows, strict=True):
        message = published(first, body)
        assert message.again
        numbers = [row[0] / 100, row[1] / 100, row[2] / 100, row[3] / 1000]
        found = json.loads(message.payload)
        assert list(found.values())[3:] == numbers
        assert found["t"] == row[4]
        assert json.dumps(found, separators=(",", ":")).encode() == message.payload


def test_it_is_the_same_on_every_machine():
    digest = hashlib.sha256()
    for message in said(Fleet(tags=100_000, seed=7, start_ms=START), np.arange(20_000) * 37):
        digest.update(message.topic.encode() + b"\n" + message.payload + b"\n")
    assert digest.hexdigest() == (
        "95b6ec61b0c0396c7bb72fc18034f550ad95fc6cd73a81ced5d03b5458b3313f"
    )


def test_a_message_is_the_same_wherever_it_is_made():
    alone = [said(FLEET, np.array([number]))[0] for number in (0, 999, 1000, 54_321)]
    assert alone == said(FLEET, np.array([0, 999, 1000, 54_321]))
    assert said(FLEET, np.arange(9)) != said(
        Fleet(1000, 8, START, tenant=FLEET.tenant), np.arange(9)
    )


def test_readings_are_plausible():
    columns = FLEET.columns(np.arange(200_000))
    assert -30 < columns.temperature.min() / 100 < columns.temperature.max() / 100 < 45
    assert 1 <= columns.humidity.min() / 100 < columns.humidity.max() / 100 <= 100
    assert 940 < columns.pressure.min() / 100 < columns.pressure.max() / 100 < 1050
    assert (np.diff(columns.t) >= 0).all()
    assert columns.t[-1] - columns.t[0] < 200 * FLEET.interval_ms


@pytest.mark.parametrize(
    "wrong", [{"tags": 0}, {"tags": 5, "prefix": "a/b"}, {"tags": 5, "tenant": ""}]
)
def test_a_fleet_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"give|cannot be a name"):
        Fleet(**wrong)


@given(st.integers(1, 50), st.integers(0, 400), st.integers(1, 7))
def test_shares_are_the_whole_fleet_once(tags, messages, count):
    bounds = sorted({tags * place // count for place in range(count + 1)})
    fleet = Fleet(tags=tags)
    found: list[int] = []
    for first, last in pairwise(bounds):
        share = Share(fleet, first, last, messages)
        numbers = share.numbers(np.arange(share.count))
        assert (np.diff(numbers) > 0).all()
        assert ((first <= numbers % tags) & (numbers % tags < last)).all()
        found += numbers.tolist()
    assert sorted(found) == list(range(messages))


@given(st.lists(st.integers(1, 65_535), max_size=30), st.lists(st.integers(0, 130)), st.booleans())
def test_acknowledgements_are_read_however_they_come(ids, cuts, pinged):
    stream = b"".join(b"\x40\x02" + each.to_bytes(2, "big") for each in ids)
    if pinged:
        stream = stream[:8] + b"\xd0\x00" + stream[8:] if len(stream) >= 8 else b"\xd0\x00" + stream
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    found, left = [], b""
    for first, last in pairwise(bounds):
        got, left = acknowledged(left + stream[first:last])
        found += got.tolist()
    assert (found, left) == (ids, b"")


def test_a_pace_is_kept_and_a_pause_is_not_made_up_for():
    pace = Pace(1000.0, 0.0)
    sent = 0
    for step in range(1, 101):
        count = pace.allowed(step / 100)
        pace.spend(count)
        sent += count
    assert sent == pytest.approx(1000, abs=1)
    assert pace.allowed(60.0) == pytest.approx(1000 * CATCH_UP_S)
    assert Pace(None, 0.0).allowed(0.0) > 1 << 40


class Broker:
    """As much of one as is needed to be a bad one: it answers ``answers`` PUBLISH packets of a
    connection, then hangs up, or with ``mute`` says nothing more."""

    def __init__(self, answers: list[int | None], *, mute: bool = False, code: int = 0) -> None:
        self.heard: list[list[Published]] = []
        self.connects: list[bytes] = []
        self._answers, self._mute, self._code = list(answers), mute, code
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Broker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        for answers in self._answers:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line:
                line.settimeout(10)
                self._speak(line, answers)

    def _speak(self, line: socket.socket, answers: int | None) -> None:
        heard: list[Published] = []
        self.heard.append(heard)
        data = b""
        while True:
            more = line.recv(1 << 16)
            if not more:
                return
            data += more
            end = 0
            for first, body, at in packets(data):
                end = at
                if first == 0x10:
                    self.connects.append(body)
                    line.sendall(bytes([0x20, 2, 0, self._code]))
                elif first == 0xE0:
                    return
                else:
                    heard.append(published(first, body))
                    if answers is None or len(heard) <= answers:
                        line.sendall(b"\x40\x02" + heard[-1].number.to_bytes(2, "big"))
                    elif not self._mute:
                        return
            data = data[end:]


def test_what_a_lost_connection_left_is_sent_again_and_marked(monkeypatch):
    monkeypatch.setattr("simulators.fast_fleet.connection._BACK_OFF_S", (0.01, 0.02))
    with Broker([300, 0, 450, None]) as broker:
        played = play(FLEET, broker.url, messages=3000, connections=1, window=400)
    assert (played.messages, played.unacknowledged) == (3000, 0)
    wanted = [p.payload for p in said(FLEET, np.arange(3000))]
    once, none, more, rest = broker.heard
    assert [p.payload for p in once] == wanted[: len(once)]
    assert not any(p.again for p in once)
    for heard, safe in ((none, 300), (more, 300), (rest, 750)):
        assert [p.payload for p in heard] == wanted[safe : safe + len(heard)]
        assert all(p.again for p in heard[:1])
    assert [p.again for p in rest].index(False) <= 400
    assert not rest[-1].again


def test_a_broker_that_is_behind_is_not_overrun():
    stop = threading.Event()
    with Broker([100], mute=True) as broker:
        threading.Timer(0.5, stop.set).start()
        played = _quickly(play, FLEET, broker.url, stop)
        assert len(broker.heard[0]) == 100 + 150
    assert (played.messages, played.unacknowledged) == (100, 150)


def _quickly(play_, fleet, url, stop):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("simulators.fast_fleet.playing._CLOSE_S", 0.2)
        return play_(fleet, url, messages=3000, connections=1, window=150, stop=stop)


def test_a_broker_that_stays_silent_is_told_of(monkeypatch):
    monkeypatch.setattr("simulators.fast_fleet.playing._PATIENCE_S", 0.2)
    with Broker([0], mute=True) as broker, pytest.raises(BrokerError, match="see whether it runs"):
        play(FLEET, broker.url, messages=10, connections=1)


def test_a_dead_connection_is_given_up(monkeypatch):
    monkeypatch.setattr("simulators.fast_fleet.connection._SILENT_S", 0.1)
    with Broker([5, None], mute=True) as broker:
        assert play(FLEET, broker.url, messages=10, connections=1).messages == 10
    assert [p.again for p in broker.heard[1]] == [True] * 5


@pytest.mark.parametrize(("url", "remedy"), [("mqtt://127.0.0.1:1", "start it"), ("x", "write it")])
def test_a_broker_that_is_not_there_is_told_of(url, remedy):
    with pytest.raises(BrokerError, match=remedy):
        play(FLEET, url, messages=1)


def test_a_broker_that_refuses_is_told_of():
    with Broker([0], code=5) as broker, pytest.raises(BrokerError, match="check name and password"):
        play(FLEET, broker.url, messages=1, connections=1)


def test_all_of_it_arrives_in_order_over_a_real_broker(mosquitto, listen, unique_name):
    fleet = Fleet(tags=300, seed=3, start_ms=START, tenant=unique_name)
    told = []
    with listen(mosquitto.url, f"dunnage/v1/{unique_name}/+/readings", unique_name) as heard:
        played = play(fleet, mosquitto.url, messages=10_100, connections=3, tell=told.append)
        heard.wait_for(10_100)
    assert (played.messages, played.readings, played.unacknowledged) == (10_100, 10_100, 0)
    assert told[-1].acknowledged == told[-1].messages == 10_100
    wanted = [(p.topic, p.payload) for p in said(fleet, np.arange(10_100))]
    assert Counter(heard.messages) == Counter(wanted)
    of_one = [payload for topic, payload in heard.messages if "tag-007" in topic]
    assert of_one == [payload for topic, payload in wanted if "tag-007" in topic]


def test_a_broker_that_dies_and_comes_back_gets_all_of_it(own_mosquitto, unique_name):
    fleet = Fleet(tags=300, tenant=unique_name)
    connected = set()

    def tell(now):
        connected.add(now.connected)
        if now.acknowledged > 500 and len(connected) == 1:
            own_mosquitto.kill()
        elif now.connected == 0:
            own_mosquitto.start()

    played = play(fleet, own_mosquitto.url, messages=4000, rate=2000, connections=2, tell=tell)
    assert connected >= {0, 2}
    assert (played.messages, played.unacknowledged) == (4000, 0)


def test_an_encrypted_broker_is_trusted_by_its_certificate(encrypted, unique_name):
    fleet = Fleet(tags=300, tenant=unique_name)
    url = f"mqtts://127.0.0.1:{encrypted.port}"
    played = play(fleet, f"{url}?ca={encrypted.folder}/ca.pem", messages=5000, connections=2)
    assert (played.messages, played.unacknowledged) == (5000, 0)
    for wrong, remedy in ((url, r"by \?ca=FILE"), (f"{url}?ca=/nowhere.pem", "PEM certificates")):
        with pytest.raises(BrokerError, match=remedy):
            play(fleet, wrong, messages=1)


def test_name_and_password_are_given():
    with Broker([None]) as broker:
        url = broker.url.replace("mqtt://", "mqtt://fleet:p%40ss@")
        assert play(FLEET, url, messages=1, connections=1).messages == 1
    (connect,) = broker.connects
    assert connect[:10] == b"\x00\x04MQTT\x04\xc2\x00\x00"
    assert connect.endswith(b"\x00\x05fleet\x00\x04p@ss")


def test_a_rate_is_kept(mosquitto, unique_name):
    fleet = Fleet(tags=100, tenant=unique_name)
    begun = time.monotonic()
    played = play(fleet, mosquitto.url, messages=1500, rate=1000)
    assert time.monotonic() - begun > 1.3
    assert played.per_second < 1150


def command(url: str, tenant: str, *more: str) -> list[str]:
    start = [sys.executable, "-m", "simulators.fast_fleet", "--broker", url, "--tags", "1000"]
    return [*start, "--tenant", tenant, *more]


def test_the_command_says_what_was_acknowledged(mosquitto, unique_name):
    asked = command(mosquitto.url, unique_name, "--messages", "3000")
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["messages"], last["readings"]) == (3000, 3000)
    assert last.keys() == {"messages", "readings", "seconds", "per_second"}


def test_the_command_says_so_also_when_it_is_interrupted(mosquitto, listen, unique_name):
    asked = command(mosquitto.url, unique_name, "--messages", "1000000", "--rate", "500")
    with (
        listen(mosquitto.url, f"dunnage/v1/{unique_name}/+/readings", unique_name) as heard,
        subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as running,
    ):
        heard.wait_for(50, 30.0)
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=30)
    assert running.returncode == 0
    assert 50 <= json.loads(output)["messages"] < 1_000_000


def test_paced_readings_are_of_now_and_others_end_now():
    assert times(NOW, tags=100_000, messages=1, rate=20_000.0, interval_ms=9) == (NOW, 5_000)
    start, interval = times(NOW, tags=100, messages=250, rate=None, interval_ms=600_000)
    last = Fleet(100, start_ms=start, interval_ms=interval).columns(np.arange(250)).t[-1]
    assert NOW - 600_000 <= last < NOW
