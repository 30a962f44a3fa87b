"""Every trouble provoked for real, on real servers: told within ten seconds, where it should be.

By the limits and paces that are shipped; what is smaller than in life is what has to be filled.
"""

from __future__ import annotations

import ctypes
import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cli.worker import Worker
from ingest import address
from lots import registry
from lots.clock import Clock
from lots.settings import Settings
from operations import record
from operations.conditions import STUCK_S, Limits
from tests.bench.flood import Flood
from tests.cli.shell import Running, Shell
from tests.conftest import make
from tests.receiver import Receiver
from tests.servers import InfluxDB, Mosquitto, PostgreSQL, asked, free_port

IN_TIME_S = 10.0
SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto.conf"


class Forgetful(Mosquitto):
    """Keeps nothing on its disk and little in memory; says what it dropped as often as shipped."""

    def _prepare(self) -> None:
        super()._prepare()
        path = self.folder / "mosquitto.conf"
        text = path.read_text().replace("persistence true", "persistence false")
        text = text.replace("max_queued_messages 1000000", "max_queued_messages 100")
        text = text.replace("max_inflight_messages 20000", "max_inflight_messages 20")
        (pace,) = re.findall(r"^sys_interval .*\n", SHIPPED.read_text(), re.MULTILINE)
        path.write_text(text + pace)


@pytest.fixture
def forgetful() -> Iterator[Forgetful]:
    with make(Forgetful) as server:
        yield server


class Watched:
    """A worker in this process, and what it says of itself on its port."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.url = f"http://127.0.0.1:{worker._status.port}"

    def open(self) -> dict[str, dict[str, Any]]:
        """Alerts by name."""
        found = asked(f"{self.url}/troubles").json()["open"]
        return {alert["name"]: alert for alert in found}

    def figure(self, name: str) -> float:
        text = asked(f"{self.url}/metrics").text
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith(name)))

    def tells(self, name: str) -> dict[str, Any]:
        """The alert of that name, which opens in time; it is a metric too."""
        until(lambda: name in self.open(), IN_TIME_S)
        assert self.figure(f'dunnage_operator_alert{{name="{name}"') == 1.0
        alert = self.open()[name]
        assert alert["text"]
        assert alert["action"]
        return alert

    def clears_soon(self) -> None:
        """Without the patience that it has with a real trouble that may come back."""
        watcher = self.worker._watch._watcher
        watcher._limits = replace(watcher._limits, clear_s=1.0)


@contextmanager
def watched(folder: Path, broker: Mosquitto, **settings: Any) -> Iterator[Watched]:
    """Running, connected, and without trouble."""
    name = folder.name
    options = {"data": folder / "data", "broker_url": broker.url, "client_id": name} | settings
    bound = options.pop("journal_max_mb", 64)
    # Less than the settings allow, so that the shipped part of it is soon full.
    made = Settings(worker_port=0, **options).model_copy(update={"journal_max_mb": bound})
    worker = Worker(made)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        until(lambda: worker._source.connected and worker._source.last_error is None)
        yield Watched(worker)
    finally:
        worker.stop()
        thread.join()


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"after {seconds:g} s it has not come about"
        time.sleep(0.05)


def publish(broker: Mosquitto, payloads: Iterable[bytes]) -> None:
    """As a tag of the tenant acme would, until the broker has them all."""
    where = address.parse(broker.url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect(where.host, where.port)
    client.loop_start()
    sent = [client.publish("dunnage/v1/acme/A-1/readings", each, qos=1) for each in payloads]
    for one in sent:
        one.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def reading(seq: int = 1, ahead_h: float = 0.0, temperature: float = 21.0) -> bytes:
    t = Clock().now_ms() + round(ahead_h * 3_600_000)
    values = {"boot": 1, "seq": seq, "t": t, "temperature": temperature}
    return json.dumps(values).encode()


def add_acme(url: str) -> None:
    database = registry.connect(url)
    registry.migrate(database)
    with registry.writing(database) as session:
        registry.create_tenant(session, "acme", "Acme")
    database.dispose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_dies_and_a_session_that_is_forgotten(
    tmp_path: Path, forgetful: Forgetful
) -> None:
    with watched(tmp_path, forgetful) as worker:
        assert worker.figure("dunnage_broker_thread_alive") == 1.0
        assert worker.open() == {}
        forgetful.restart()
        alert = worker.tells("broker.session")
        assert "is lost" in alert["text"]
        assert worker.figure("dunnage_broker_sessions_lost_total") == 1.0
        thread, sock = worker.worker._source._thread, worker.worker._source._client.socket()
        assert thread.ident is not None
        # What no `except Exception` holds up, in whatever the thread is doing.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        )
        assert worker.tells("broker.thread")["numbers"]["alive"] == 0.0
        assert worker.figure("dunnage_broker_thread_alive") == 0.0
        assert sock is not None
        sock.close()
    with watched(tmp_path, forgetful) as worker:  # and what an earlier run said goes on
        assert {"broker.session", "broker.thread"} <= worker.open().keys()
        worker.clears_soon()
        until(lambda: worker.open().keys() == {"broker.session"})
    publish(forgetful, (reading(number) for number in range(500)))
    with watched(tmp_path, forgetful) as worker:  # what it dropped while we were away
        assert worker.tells("broker.drops")["numbers"]["count"] > 0
        assert worker.figure("dunnage_broker_messages_dropped_total") > 0
    forgetful.restart()
    with watched(tmp_path, forgetful) as worker:  # and that it forgot us then
        until(lambda: "once" in worker.open()["broker.session"]["text"], IN_TIME_S)


def test_a_tag_whose_clock_is_ahead_and_is_set(tmp_path: Path, own_mosquitto: Mosquitto) -> None:
    add_acme(f"sqlite:///{tmp_path}/data/registry.sqlite")
    with watched(tmp_path, own_mosquitto) as worker:
        publish(own_mosquitto, [reading(1, ahead_h=5.0)])
        alert = worker.tells("tags.clock")
        assert alert["text"].startswith("the clock of a tag is wrong: A-1 of acme (5.0 h ahead")
        worker.clears_soon()
        publish(own_mosquitto, [reading(2)])
        until(lambda: "tags.clock" not in worker.open())


def test_a_tag_that_says_what_cannot_be_and_is_mended(
    tmp_path: Path, own_mosquitto: Mosquitto
) -> None:
    add_acme(f"sqlite:///{tmp_path}/data/registry.sqlite")
    with watched(tmp_path, own_mosquitto) as worker:
        publish(own_mosquitto, [reading(1, temperature=900.0)])
        alert = worker.tells("tags.range")
        assert alert["text"] == "a tag says what cannot be: A-1 of acme (temperature 900 °C)"
        worker.clears_soon()
        publish(own_mosquitto, [reading(2)])
        until(lambda: "tags.range" not in worker.open())


def test_a_store_that_is_away_until_journal_and_queue_are_full(
    tmp_path: Path, own_mosquitto: Mosquitto, own_influxdb: InfluxDB
) -> None:
    add_acme(f"sqlite:///{tmp_path}/data/registry.sqlite")
    store = own_influxdb.store_url("goods")
    options = {"readings_url": store, "journal_max_mb": 32}
    with watched(tmp_path, own_mosquitto, **options) as worker:
        publish(own_mosquitto, [reading()])
        until(lambda: worker.figure("dunnage_readings_stored_total") == 1.0)
        own_influxdb.pause()  # it takes what is sent, and says nothing: no error tells of it
        publish(own_mosquitto, [reading(2)])
        lag = worker.tells("store.lag")
        assert lag["numbers"]["seconds"] >= Limits().lag_s
        assert worker.figure("dunnage_store_lag_seconds") >= Limits().lag_s
        assert worker.figure("dunnage_rules_lag_seconds") == 0.0
        assert "store.away" not in worker.open()
        own_influxdb.kill()
        worker.tells("store.away")
        publish(own_mosquitto, [bytes(250_000)] * 140)
        full = worker.tells("journal.full")
        assert full["numbers"]["bound"] == 32 << 20
        assert worker.figure("dunnage_journal_fill_ratio") > 0.8
        with Flood(own_mosquitto.port, "fleet") as fleet:
            topic = b"dunnage/v1/acme/A-1/readings"
            fleet.send((topic, b"%d" % number) for number in range(25_000))
        assert worker.tells("queue.full")["numbers"]["limit"] == 20_000.0
        assert worker.figure("dunnage_queue_fill_ratio") > 0.8
        assert worker.open().keys() == {"store.lag", "store.away", "journal.full", "queue.full"}


def test_operators_hear_of_it_while_the_registry_is_away_too(
    tmp_path: Path, own_mosquitto: Mosquitto, own_postgresql: PostgreSQL
) -> None:
    with (
        Receiver() as receiver,
        watched(
            tmp_path,
            own_mosquitto,
            registry_url=own_postgresql.url,
            operator_webhook_url=receiver.url,
        ) as worker,
    ):

        def told() -> list[tuple[str, str]]:
            bodies = [json.loads(each.body) for each in receiver.received]
            return [(body["type"], body["data"]["name"]) for body in bodies]

        own_postgresql.stop()
        own_mosquitto.stop()
        worker.tells("registry.away")
        assert "cannot be reached" in worker.tells("broker.away")["text"]
        until(lambda: len(told()) == 2, IN_TIME_S)
        assert sorted(told()) == [
            ("operator.opened", "broker.away"),
            ("operator.opened", "registry.away"),
        ]
        own_mosquitto.start()
        worker.clears_soon()
        own_postgresql.start()
        until(lambda: worker.open() == {})
        until(lambda: len(told()) == 4, IN_TIME_S)
        assert sorted(told()[2:]) == [
            ("operator.cleared", "broker.away"),
            ("operator.cleared", "registry.away"),
        ]
        database = registry.connect(own_postgresql.url)

        def kept() -> list[tuple[str, bool]]:
            with registry.reading(database) as session:
                found = record.listed(session, everything=True, limit=10)
            return sorted((one.name, one.told_cleared is not None) for one in found)

        until(lambda: kept() == [("broker.away", True), ("registry.away", True)], IN_TIME_S)
        database.dispose()


def test_an_inbox_and_rollups_that_stand_still(
    tmp_path: Path, mosquitto: Mosquitto, unique_name: str
) -> None:
    with watched(tmp_path / unique_name, mosquitto) as watch:
        parts = watch.worker._inbox, watch.worker._rollups
        watch.clears_soon()
        held = threading.Event()
        moved = watch.worker._inbox._move
        watch.worker._inbox._move = lambda: held.wait() and moved()  # type: ignore[method-assign]
        made = watch.worker._rollups.make_due
        watch.worker._rollups.make_due = (  # type: ignore[method-assign]
            lambda stop=None: held.wait() and made(stop)
        )
        time.sleep(1.5)

        def stuck() -> bool:
            for part in parts:
                part.heartbeat = time.monotonic() - STUCK_S
            return "part.stuck" in watch.open()

        until(stuck, IN_TIME_S)
        assert set(watch.tells("part.stuck")["numbers"]) == {"inbox", "rollups"}
        held.set()
        for part in parts:
            part.heartbeat = time.monotonic()
        until(lambda: watch.open() == {}, IN_TIME_S)
        assert watch.figure('dunnage_part_age_seconds{part="inbox"}') < STUCK_S / 2


def test_messages_that_the_broker_drops_are_told_and_nothing_else_is(
    tmp_path: Path, forgetful: Forgetful
) -> None:
    port = str(free_port())
    shell = Shell(tmp_path, DUNNAGE_BROKER_URL=forgetful.url, DUNNAGE_WORKER_PORT=port)
    status = f"http://127.0.0.1:{port}"

    def open_() -> dict[str, Any]:
        found = asked(f"{status}/troubles").json()["open"]
        return {alert["name"]: alert for alert in found}

    shell.says("tenants", "add", "acme")
    assert shell.says("troubles") == "no troubles\n"
    with Running(shell, "worker") as worker:
        worker.says("the worker is up")
        until(lambda: asked(f"{status}/readyz").is_success)
        time.sleep(1.5)  # it has heard that nothing was dropped yet
        worker.process.send_signal(signal.SIGSTOP)
        publish(forgetful, (reading(number) + b" " * 2000 for number in range(4000)))
        time.sleep(3)
        worker.process.send_signal(signal.SIGCONT)
        until(lambda: "broker.drops" in open_(), IN_TIME_S)
        time.sleep(2.5)  # two more looks
        assert open_().keys() == {"broker.drops"}, "that it stood still itself is nobody's fault"
        assert worker.stop() == 0
    line = json.loads(says_trouble(shell, "--json"))
    assert (line["name"], line["worker"]) == ("broker.drops", "dunnage-worker")
    assert line["numbers"]["count"] > 0
    assert "max_queued_messages" in says_trouble(shell)
    assert shell.says("troubles", "--forget", "dunnage-worker") == "no troubles\n"
    assert "broker.drops" in shell.says("troubles", "--all")


def says_trouble(shell: Shell, *options: str) -> str:
    done = shell("troubles", *options)
    assert done.returncode == 1, done.stderr
    return done.stdout.decode()
