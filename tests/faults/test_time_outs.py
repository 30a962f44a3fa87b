"""The long stalls of `connections`: what waits behind one gives up by itself, and comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import numpy as np
import pytest

from ingest.source import CONNECT_TIMEOUT_S, KEEPALIVE_S, Source
from lots.clock import Clock
from lots.readings.batch import ReadingBatch, TagKey, of_tag
from lots.readings.influx import InfluxStore
from lots.readings.influx_database import InfluxServer
from lots.readings.influx_history import TIMEOUT_S
from lots.readings.store import StoreUnavailable
from tests.faults.connections import SIGNS, outlasting, signs
from tests.faults.proxy import Act, Fault, Proxy
from tests.servers import ADMIN, PASSWORD, InfluxDB, Mosquitto
from tests.whole.house import soon

T0 = 1_763_766_000_000
TAG = TagKey("harbour", "a1")
WAITS_S = 0.5


def test_every_long_act_outlasts_what_the_worker_waits_for() -> None:
    assert outlasting(1) == outlasting(1) != outlasting(2)
    for plan in map(outlasting, range(20)):
        for act in plan.influxdb:
            assert act.lasts > TIMEOUT_S
        deaf, dead = plan.broker
        assert (deaf.fault, dead.fault) == (Fault.UNREACHABLE, Fault.STALL)
        assert deaf.lasts > CONNECT_TIMEOUT_S
        assert dead.lasts > 2 * KEEPALIVE_S
        _, one_way, unreachable = plan.influxdb
        assert deaf.begins + deaf.lasts + 10.0 < one_way.begins  # readings come again
        assert unreachable.begins < dead.begins


@pytest.mark.parametrize(
    ("part", "words", "sign"),
    [
        ("store", "InfluxDB at http://127.0.0.1:1 does not answer: timed out", "InfluxDB"),
        ("broker", "ended the connection (Keep alive timeout): see", "keepalive of the broker"),
        ("broker", "cannot be reached (timed out): start it", "connecting to the broker"),
    ],
)
def test_each_time_out_has_its_sign(part: str, words: str, sign: str) -> None:
    assert signs({"journal": None, part: words}) == {sign}
    assert signs({part: "cannot be reached (Connection refused)"}) == set()
    assert sign in SIGNS


@contextmanager
def store(influxdb: InfluxDB, proxy: Proxy, database: str) -> Iterator[InfluxStore]:
    """By way of ``proxy``; waits for an answer for WAITS_S."""
    influxdb.query(f'CREATE DATABASE "{database}"')
    where = InfluxServer(f"http://127.0.0.1:{proxy.port}", database, user=ADMIN, password=PASSWORD)
    with closing(InfluxStore(where, 400, timeout_s=WAITS_S)) as opened:
        opened.check()
        yield opened
    influxdb.query(f'DROP DATABASE "{database}"')


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.ONE_WAY, Fault.UNREACHABLE])
def test_a_write_times_out_and_is_done_once(
    influxdb: InfluxDB, unique_name: str, fault: Fault
) -> None:
    """Also where it comes twice: when the stall ends, and when it is tried again."""
    batch = of_tag(TAG, T0 + np.arange(100), {"temperature": np.arange(100.0)})
    with Proxy(influxdb.port) as proxy, store(influxdb, proxy, unique_name) as opened:
        proxy.play([Act(0.0, 3 * WAITS_S, fault, 1)], 1)
        time.sleep(0.1)
        begun = time.monotonic()
        if fault is Fault.UNREACHABLE:  # the connection was reset: that shows first
            with pytest.raises(StoreUnavailable):
                opened.write(batch)
            begun = time.monotonic()
        with pytest.raises(StoreUnavailable, match="timed out") as told:
            opened.write(batch)
        assert time.monotonic() - begun >= WAITS_S
        assert signs({"store": str(told.value)}) == {"InfluxDB"}
        assert proxy.done[fault] >= 1
        soon(_taken(opened, batch), "the write is taken")
        found = opened.window(TAG, T0, T0 + 1000)
        assert found.time.tolist() == batch.time.tolist()


def _taken(opened: InfluxStore, batch: ReadingBatch) -> Callable[[], bool]:
    def taken() -> bool:
        try:
            return opened.write(batch) == []
        except StoreUnavailable:
            return False

    return taken


@contextmanager
def source(proxy: Proxy, name: str) -> Iterator[Source]:
    """Connected through ``proxy``, with a keepalive of 1 s."""
    url = f"mqtt://127.0.0.1:{proxy.port}"
    opened = Source(url, name, [f"{name}/#"], Clock(T0, 0.0), keepalive_s=1)
    opened.start()
    try:
        soon(lambda: opened.connected, "the source is connected")
        yield opened
    finally:
        opened.close()


def test_a_connection_that_stands_still_is_given_up(mosquitto: Mosquitto, unique_name: str) -> None:
    with Proxy(mosquitto.port) as proxy, source(proxy, unique_name) as opened:
        proxy.play([Act(0.0, 4.0, Fault.STALL, 0)], 1)
        soon(lambda: signs({"broker": opened.last_error}), "it is given up, and says why")
        assert signs({"broker": opened.last_error}) == {"keepalive of the broker"}
        assert not opened.connected
        soon(lambda: opened.connected, "it is connected again")
        assert proxy.done[Fault.STALL] >= 1


def test_nobody_answers_who_connects(
    mosquitto: Mosquitto, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.source.CONNECT_TIMEOUT_S", 0.5)
    with Proxy(mosquitto.port) as proxy, source(proxy, unique_name) as opened:
        proxy.play([Act(0.0, 2.5, Fault.UNREACHABLE, 0)], 1)
        soon(lambda: signs({"broker": opened.last_error}), "connecting times out")
        assert signs({"broker": opened.last_error}) == {"connecting to the broker"}
        assert not opened.connected
        soon(lambda: opened.connected, "it is connected again")
        assert proxy.done == {Fault.UNREACHABLE: 1}


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.FRAGMENTS, Fault.REFUSED])
def test_a_connection_that_says_nothing_meanwhile_suffers_nothing(
    mosquitto: Mosquitto, fault: Fault
) -> None:
    with (
        Proxy(mosquitto.port) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), 2.0) as busy,
        socket.create_connection(("127.0.0.1", proxy.port), 2.0),
    ):
        time.sleep(0.2)
        proxy.play([Act(0.0, 0.4, fault, 0)], 1)
        time.sleep(0.2)
        if fault is Fault.REFUSED:
            with (
                suppress(ConnectionResetError),  # it may be told as it connects
                socket.create_connection(("127.0.0.1", proxy.port), 2.0),
            ):
                pass
            time.sleep(0.1)
        else:
            busy.sendall(b"\x10")
            busy.sendall(b"\x10")
            time.sleep(0.1)
        assert proxy.done == {fault: 1}
