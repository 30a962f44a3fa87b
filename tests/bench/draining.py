"""The worker end to end: 20 000 messages wait at a real Mosquitto; beside a client that counts.

Both sessions get the same messages. The worker writes its journal, acknowledges, stores in SQLite
and judges; the bare client of paho-mqtt counts, and paho acknowledges. Both run in this process,
one after the other, and the time is from connecting on.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cli.worker import Worker
from lots import registry
from lots.records import KINDS
from lots.settings import Settings
from tests.bench.comparing import ROUNDS, Figure, compared
from tests.bench.messages import reading, topic
from tests.servers import Mosquitto

MESSAGES = 20_000
TAGS = 200
STEP_MS = 10 * 60_000
FILTER = "dunnage/v1/bench/+/readings"
WORKER, COUNTER = "dunnage-worker", "counter"
PATIENCE_S = 60.0

STEPS = {
    "acknowledged": "dunnage_messages_acknowledged",
    "stored": "dunnage_readings_stored",
    "judged": "dunnage_readings_evaluated",
}


def figures() -> Iterator[Figure]:
    rates: dict[str, list[tuple[float, float]]] = {step: [] for step in STEPS}
    with Mosquitto() as broker, tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            settings = _settings(Path(folder) / str(number), broker)
            _register(settings)
            _fill(broker)
            bare = MESSAGES / _counted(broker)
            for step, seconds in _worked(settings).items():
                rates[step].append((MESSAGES / seconds, bare))
    for step, found in rates.items():
        yield compared(f"worker, waiting until {step}", "readings", "paho that counts", found)


def _settings(folder: Path, broker: Mosquitto) -> Settings:
    return Settings(data=folder, broker_url=broker.url, client_id=WORKER, worker_port=0)


def _register(settings: Settings) -> None:
    """Every tag speaks for a lot of its own."""
    begins = datetime.fromtimestamp(0, UTC)
    goods = {"commodity": "lead", "form": "ingot", "packaging": "strapped", "net_mass_kg": 1000}
    names = [f"tag-{n}" for n in range(TAGS)]
    things = {
        "tags": [{"id": name, "interval_s": STEP_MS // 1000} for name in names],
        "lots": [{"id": name, **goods} for name in names],
        "bindings": [{"tag": name, "lot": name, "begins": begins} for name in names],
    }
    database = registry.connect(settings.registry)
    registry.migrate(database)
    with registry.writing(database) as session:
        registry.create_tenant(session, "bench", "bench")
        for kind, rows in things.items():
            records = [KINDS[kind].model_validate(row) for row in rows]
            registry.put_many(session, "bench", kind, records)
    database.dispose()


def _fill(broker: Mosquitto) -> None:
    """Let the broker keep the messages for both, who are away."""
    for name in (WORKER, COUNTER):
        _subscribe(broker, name)
    tags = _client("tags", broker)
    tags.loop_start()
    begins = int(time.time() * 1000) - MESSAGES // TAGS * STEP_MS
    for number in range(MESSAGES):
        seq, tag = divmod(number, TAGS)
        payload = json.dumps(reading(seq, begins + seq * STEP_MS))
        sent = tags.publish(topic(tag), payload, qos=1)
    sent.wait_for_publish(PATIENCE_S)
    tags.disconnect()
    tags.loop_stop()


def _subscribe(broker: Mosquitto, name: str) -> None:
    """Begin a session that lasts, and leave it."""

    def leave(client: mqtt.Client, *_: object) -> None:
        client.disconnect()

    client = _client(name, broker)
    client.on_subscribe = leave
    client.subscribe(FILTER, qos=1)
    client.loop_forever()


def _client(name: str, broker: Mosquitto) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, name, clean_session=False)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", broker.port)
    return client


def _counted(broker: Mosquitto) -> float:
    """Seconds until a client that does nothing else has counted them all."""
    counted = 0

    def count(client: mqtt.Client, _userdata: object, _message: mqtt.MQTTMessage) -> None:
        nonlocal counted
        counted += 1
        if counted == MESSAGES:
            client.disconnect()

    begun = time.perf_counter()
    client = _client(COUNTER, broker)
    client.on_message = count
    client.loop_forever()
    return time.perf_counter() - begun


def _worked(settings: Settings) -> dict[str, float]:
    """Seconds until the worker has done each of `STEPS` with all of them."""
    worker = Worker(settings)
    thread = threading.Thread(target=worker.run)
    begun = time.perf_counter()
    thread.start()
    taken = {step: _reached(worker, name, begun) for step, name in STEPS.items()}
    worker.stop()
    thread.join()
    return taken


def _reached(worker: Worker, name: str, begun: float) -> float:
    while _figure(worker, name) < MESSAGES:
        assert time.perf_counter() - begun < PATIENCE_S, f"{name}: {_figure(worker, name)}"
        time.sleep(0.01)
    return time.perf_counter() - begun


def _figure(worker: Worker, name: str) -> float:
    return next(figure.value for figure in worker.figures() if figure.name == name)
