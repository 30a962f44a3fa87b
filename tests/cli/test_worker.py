"""The worker as a process: what it waits for, what it does not, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.worker import Worker
from lots.clock import Clock
from lots.cursors import CursorMismatch
from lots.settings import Settings
from simulators.message import Message
from simulators.publisher import Publisher
from tests.cli.shell import Running, Shell
from tests.servers import InfluxDB, Mosquitto, PostgreSQL, asked, free_port

SOON_S = 12.0
"""An end that was asked for; systemd and containers are patient for at least as long."""


@pytest.fixture
def port() -> str:
    return str(free_port())


@pytest.fixture
def look(port: str) -> Callable[[], dict[str, Any]]:
    """What troubles the worker, by part; {} while it does not answer."""

    def troubles() -> dict[str, Any]:
        try:
            reply = asked(f"http://127.0.0.1:{port}/readyz")
        except httpx.HTTPError:
            return {}
        parts = reply.json()["parts"]
        assert (reply.status_code == 200) == (not any(parts.values()))
        return parts | {"none": not any(parts.values())}

    return troubles


def figure(port: str, name: str) -> float:
    text = asked(f"http://127.0.0.1:{port}/metrics").text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " ")))


def publish(broker: Mosquitto, tenant: str, tag: str) -> None:
    reading = {"boot": 1, "seq": 1, "t": Clock().now_ms(), "temperature": 21.0, "humidity": 50.0}
    payload = json.dumps(reading).encode()
    with Publisher(broker.url, client_id=f"{tenant}-{tag}") as publisher:
        publisher.publish(Message(f"dunnage/v1/{tenant}/{tag}/readings", payload, 1, 0))
    assert publisher.readings == 1


def stops_soon(worker: Running, number: int = signal.SIGTERM) -> None:
    begun = time.monotonic()
    assert worker.stop(number) == 0, worker.text
    assert time.monotonic() - begun < SOON_S
    assert "Traceback" not in worker.text


def test_broker_and_store_may_come_later_and_never_hold_up_its_end(
    shell: Shell,
    port: str,
    look: Callable[[], dict[str, Any]],
    own_mosquitto: Mosquitto,
    own_influxdb: InfluxDB,
) -> None:
    own_mosquitto.stop()
    own_influxdb.stop()
    shell.says("tenants", "add", "acme")
    shell.environment |= {
        "DUNNAGE_BROKER_URL": own_mosquitto.url,
        "DUNNAGE_READINGS_URL": own_influxdb.store_url("goods"),
        "DUNNAGE_WORKER_PORT": port,
    }
    with Running(shell, "worker") as worker:
        worker.until(lambda: "cannot be reached" in str(look().get("broker")), "no broker")
        own_mosquitto.start()
        worker.until(lambda: look()["broker"] is None, "the broker is found")
        publish(own_mosquitto, "acme", "A-1")
        worker.until(lambda: look()["store"], "the store is missed")
        assert asked(f"http://127.0.0.1:{port}/healthz").is_success
        stops_soon(worker)
    with Running(shell, "worker") as worker:
        worker.until(lambda: look().get("store"), "the store is missed again")
        own_influxdb.start()
        worker.until(lambda: look()["none"], "all is well")
        worker.until(lambda: figure(port, "dunnage_readings_stored_total") == 1, "it is stored")
        own_influxdb.pause()  # it takes what is sent and says nothing
        publish(own_mosquitto, "acme", "A-2")
        time.sleep(1.0)
        stops_soon(worker, signal.SIGINT)
        own_influxdb.resume()


def test_a_registry_that_goes_is_waited_for(
    shell: Shell,
    port: str,
    look: Callable[[], dict[str, Any]],
    mosquitto: Mosquitto,
    own_postgresql: PostgreSQL,
    unique_name: str,
) -> None:
    shell.environment |= {
        "DUNNAGE_BROKER_URL": mosquitto.url,
        "DUNNAGE_CLIENT_ID": unique_name,
        "DUNNAGE_REGISTRY_URL": own_postgresql.url,
        "DUNNAGE_WORKER_PORT": port,
    }
    route = {"filter": f"dunnage/v1/+/{unique_name}/readings", "format": "native"}
    shell.environment["DUNNAGE_SUBSCRIPTIONS"] = json.dumps([route])
    shell.says("tenants", "add", "acme")
    with Running(shell, "worker") as worker:
        worker.until(lambda: look().get("none"), "all is well")
        own_postgresql.stop()
        publish(mosquitto, "acme", unique_name)
        publish(mosquitto, "nobody", unique_name)  # whom to ask about is away
        worker.until(lambda: look()["registry"], "the registry is missed")
        worker.until(lambda: "registry" in str(look()["store"]), "and so is who its tenants are")
        own_postgresql.start()
        worker.until(lambda: look()["none"], "all is well again")
        worker.until(lambda: figure(port, "dunnage_dead_letters_total") == 1, "nobody is told")
        own_postgresql.stop()
        worker.until(lambda: look()["registry"], "the registry is missed again")
        stops_soon(worker)
    own_postgresql.start()
    assert "there is no such tenant" in shell.says("dead-letters", "list", "--tenant", "nobody")
    assert unique_name in shell.says("tags", "unknown", "--tenant", "acme")


def test_a_journal_that_was_lost_is_left_only_when_told(
    shell: Shell, port: str, mosquitto: Mosquitto, unique_name: str
) -> None:
    route = {"filter": f"dunnage/v1/{unique_name}/+/readings", "format": "native"}
    shell.environment |= {
        "DUNNAGE_BROKER_URL": mosquitto.url,
        "DUNNAGE_CLIENT_ID": unique_name,
        "DUNNAGE_SUBSCRIPTIONS": json.dumps([route]),
        "DUNNAGE_WORKER_PORT": port,
    }
    shell.says("tenants", "add", unique_name)
    with Running(shell, "worker") as worker:
        worker.says("mqtt: connected")
        worker.says("the worker is up")
        publish(mosquitto, unique_name, "A-1")
        worker.until(lambda: figure(port, "dunnage_readings_stored_total") == 1, "it is stored")
        stops_soon(worker)
    shutil.rmtree(shell.folder / "data" / "journal")
    told = "the registry follows journal .* `dunnage worker --new-journal`"
    with pytest.raises(CursorMismatch, match=told):
        Worker(Settings(data=shell.folder / "data", worker_port=0))
    with Running(shell, "worker", "--new-journal") as worker:
        worker.says("the worker is up")
        stops_soon(worker)


def test_a_part_that_fails_takes_the_worker_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path, broker_url="mqtt://127.0.0.1:9", worker_port=0)
    worker = Worker(settings)

    def fail(_stop: threading.Event) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(worker._outbox, "run", fail)
    with pytest.raises(RuntimeError, match="out of order"):
        worker.run()
