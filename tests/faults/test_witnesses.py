"""What decides over the faults is itself to be trusted: it sees each fault that there can be."""

from __future__ import annotations

import itertools
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest

from lots.readings.batch import TagKey, of_tag
from lots.settings import Settings
from tests.api.service import NOW, Caller, Service
from tests.faults import wire
from tests.faults.away import Latest, slower
from tests.faults.burst import Message, burst
from tests.faults.clocks import Device, Kind, Measured
from tests.faults.comparison import Compared, compare
from tests.faults.fleet import Record
from tests.faults.numbers import humidity, temperature
from tests.faults.order import Manner, arrivals
from tests.faults.poison import slower as slowed
from tests.faults.proxy import BRIEF, Proxy, schedule
from tests.servers import Mosquitto
from tests.whole.house import House

TAGS = 3
TIMES = NOW - 3_600_000 + np.arange(60) * 1000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("witnesses")
    with Service(Settings(data=folder, api_port=0, clock_start_ms=NOW, clock_speed=0)) as running:
        yield running


class Asked:
    """The one thing that `compare` wants of a house."""

    def __init__(self, who: Caller) -> None:
        self.ask = who.reads.get


def found(service: Service, who: Caller, acknowledged: Any, **spoilt: Any) -> Compared:
    """All readings are stored, but for what is ``spoilt``: number -> its time or temperature."""
    moved, blended = spoilt.get("moved", {}), spoilt.get("blended", {})
    lost, again = spoilt.get("lost", ()), spoilt.get("again", ())
    for tag in range(TAGS):
        who.put("tags", id=f"t-{tag}")
        numbers = np.array([n for n in range(tag, 60, TAGS) if n not in lost])
        for keyed, some in ((0, numbers), (1, np.array([n for n in numbers if n in again], int))):
            values = {
                "temperature": [blended.get(n, temperature(n)) for n in some.tolist()],
                "humidity": [humidity(n) for n in some.tolist()],
            }
            times = [moved.get(n, TIMES[n]) for n in some.tolist()]
            key = TagKey(who.tenant, f"t-{tag}")
            service.store.write(of_tag(key, times, values, key=[keyed] * len(some)))
    record = Record("t", TAGS, TIMES, np.asarray(acknowledged))
    return compare(cast(House, Asked(who)), record)


ALL = np.ones(60, np.bool_)


def test_what_is_all_there_is_kept(service: Service, unique_name: str) -> None:
    kept = found(service, service.caller(unique_name), ALL)
    assert kept.kept
    assert kept[:4] == (60, 60, 60, 0)


def test_a_lost_reading_is_missing_only_if_somebody_promised_it(
    service: Service, unique_name: str
) -> None:
    assert found(service, service.caller(unique_name), ALL, lost=[7]).missing == 1
    promised = ALL.copy()
    promised[7] = False
    other = found(service, service.caller(f"{unique_name}-2"), promised, lost=[7])
    assert (other.kept, other.acknowledged, other.stored) == (True, 59, 59)


@pytest.mark.parametrize(
    ("spoilt", "name", "count"),
    [
        ({"again": [4, 5]}, "doubled", 2),
        ({"moved": {9: int(TIMES[9]) + 1}}, "strange", 1),
        ({"blended": {11: 1.25}}, "blended", 1),
    ],
)
def test_other_faults_are_seen(
    service: Service, unique_name: str, spoilt: dict[str, Any], name: str, count: int
) -> None:
    seen = found(service, service.caller(unique_name), ALL, **spoilt)
    assert (getattr(seen, name), seen.kept) == (count, False)
    assert f"{count} {name}" in str(seen)
    assert "t-" in seen.example


def test_a_tag_that_the_api_does_not_know_lacks_all(service: Service, unique_name: str) -> None:
    who = service.caller(unique_name)
    assert compare(cast(House, Asked(who)), Record("u", TAGS, TIMES, ALL)).missing == 60


def test_the_burst_gets_all_across(mosquitto: Mosquitto, unique_name: str) -> None:
    listener = wire.Connection(mosquitto.port, unique_name)
    listener.send(wire.subscribe(f"{unique_name}/#", 1))
    assert [each.kind for each in _heard(listener, 1)] == [wire.SUBACK]
    sent = [Message(f"{unique_name}/{n}", b"x" * (n * 37 % 300)) for n in range(3000)]
    assert burst(mosquitto.port, f"{unique_name}-sends", sent) == 3000
    heard = [each.message for each in _heard(listener, 3000)]
    listener.close()
    assert heard == [tuple(message) for message in sent]


def _heard(link: wire.Connection, count: int) -> list[wire.Packet]:
    found: list[wire.Packet] = []
    ends = time.monotonic() + 10.0
    while len(found) < count and time.monotonic() < ends:
        found += link.exchange(0.1)
    return found


def test_a_schedule_is_the_same_for_a_seed() -> None:
    assert schedule(5, 10.0) == schedule(5, 10.0) != schedule(6, 10.0)
    acts = [act for seed in range(100) for act in schedule(seed, 2.5)]
    assert {act.fault for act in acts} == set(BRIEF)
    assert all(act.begins + act.lasts <= 2.5 for act in acts)


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back all it gets."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def serve(link: socket.socket) -> None:
            with link:
                try:
                    while data := link.recv(65_536):
                        link.sendall(data)
                except OSError:
                    return

        def accept() -> None:
            while not over.is_set():
                try:
                    link, _ = server.accept()
                except TimeoutError:
                    continue
                link.settimeout(5.0)
                threads.append(threading.Thread(target=serve, args=(link,)))
                threads[-1].start()

        threads: list[threading.Thread] = []
        accepting = threading.Thread(target=accept)
        accepting.start()
        yield int(server.getsockname()[1])
        over.set()
        accepting.join()
        for thread in threads:
            thread.join()


def test_the_proxy_changes_nothing_that_it_forwards(echo: int) -> None:
    """What comes is what was sent, up to where the connection was ended."""
    whole = ended = 0
    with Proxy(echo) as proxy:
        for seed in range(8):
            proxy.play(schedule(seed, 0.6), seed)
            sent, came = _exchanged(proxy.port, seed)
            assert sent.startswith(came)
            whole, ended = whole + (sent == came), ended + (sent != came)
        proxy.calm()
        sent, came = _exchanged(proxy.port, 99)
        assert sent == came
    assert whole < 8
    assert ended > 0
    assert len(proxy.done) >= 4


def _exchanged(port: int, seed: int) -> tuple[bytes, bytes]:
    """What was sent for 0.6 s and what came back of it, until the connection ended."""
    chance, sent, came = random.Random(seed), b"", b""
    ends = time.monotonic() + 0.6
    try:
        with socket.create_connection(("127.0.0.1", port), 2.0) as link:
            link.settimeout(1.0)
            while time.monotonic() < ends:
                part = chance.randbytes(chance.randint(1, 2000))
                sent += part
                link.sendall(part)
                time.sleep(0.005)
            while len(came) < len(sent) and (data := link.recv(65_536)):
                came += data
    except OSError:
        pass
    return sent, came


def test_poison_is_judged_by_pairs_of_rounds_and_not_by_the_kindest_of_them() -> None:
    without, with_it = [1.0, 2.0, 4.0, 1.0, 1.0], [1.2, 2.4, 2.0, 1.2, 3.0]
    assert [round(each, 3) for each in slowed(with_it, without)] == [1.2, 0.5, 3.0]


def test_a_tenth_that_poison_costs_is_found_in_rounds_that_differ_by_a_sixth() -> None:
    chance = np.random.default_rng(7)
    drift = np.linspace(1.0, 1.5, 21)  # the machine slows down
    for true in (1.0, 1.1, 1.3):
        found = []
        for _ in range(200):
            without, with_it = np.exp(chance.normal(0.0, 0.12, (2, 21)))
            ratio, low, high = slowed(list(true * drift * with_it), list(drift * without))
            found.append((ratio, low <= true <= high))
        ratios, within = zip(*found, strict=True)
        assert abs(np.mean(ratios) - true) < 0.02
        assert np.std(ratios) < 0.05
        assert np.mean(within) > 0.9


def made_devices() -> list[Device]:
    """Three of each kind of clock."""
    readings = [Measured(1, n, 1_000_000 * n, n / 10) for n in range(100)]
    return [Device(kind, readings) for kind in Kind for _ in range(3)]


def test_backlogs_come_newest_first() -> None:
    """Those of a third of the devices in a row, those of another between others' messages."""
    some = made_devices()
    parts = list(arrivals(some, random.Random(3)))
    assert parts == list(arrivals(some, random.Random(3)))
    manners = set[tuple[Kind, Manner]]()
    for number, device in enumerate(some):
        at = [n for n, part in enumerate(parts) if part.number == number]
        seqs = [reading.seq for n in at for reading in parts[n].readings]
        assert sorted(set(seqs)) == list(range(100))
        assert len(seqs) == 120
        newest_first = seqs[:100] == list(range(99, -1, -1))
        in_a_row = at[-1] - at[0] == len(at) - 1
        how = {(True, True): Manner.WHOLE, (True, False): Manner.NEWEST_FIRST}
        manners.add((device.kind, how.get((newest_first, in_a_row), Manner.ANY)))
    assert manners == set(itertools.product(Kind, Manner))


def test_alerts_that_came_later_are_seen() -> None:
    usual = [0.3] * 9 + [0.6]
    assert slower(usual, {"away": [0.45] * 10, "back": [0.3] * 9 + [1.5]}, 0.2) is None
    assert "median alert took 0.55 s back" in str(slower(usual, {"back": [0.55] * 10}, 0.2))
    assert "worst alert took 2.00 s away" in str(slower(usual, {"away": [0.3, 0.3, 2.0]}, 0.2))
    assert slower(usual, {"away": [float("inf")] * 3}, 0.2) is not None


def test_the_last_reading_of_every_tag_decides_whether_the_history_is_complete() -> None:
    assert Latest("t", 100, 5, NOW).numbers() == [99, 98, 97, 96, 95]
    assert Latest("t", 3, 5, NOW).numbers() == [2, 1, 0]


def test_a_reading_is_visible_when_the_api_shows_it(service: Service, unique_name: str) -> None:
    who = service.caller(unique_name)
    house = cast(House, Asked(who))
    found(service, who, ALL, lost=[58])
    latest = Latest("t", 60, TAGS, int(TIMES[59]))
    assert [latest.visible(house, number) for number in latest.numbers()] == [True, False, True]
