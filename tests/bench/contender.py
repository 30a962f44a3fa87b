"""One contender of `tests.bench.ingest`, in a process of its own: says "ready", waits for a line.

`paho PORT COUNT` counts messages in a bare loop of paho-mqtt. `worker` is the whole worker by the
settings in its environment; it ends with SIGTERM and writes what it measured as JSON.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import threading
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt

from cli import worker as wiring
from cli.logging import to_stderr
from lots.clock import Clock
from lots.readings.batch import ReadingBatch
from lots.readings.store import ReadingStore, Refused
from lots.settings import load

LONGEST_MS = 60_000
SAMPLE_S = 30
"""From one look at the memory to the next."""


class Watched:
    """A store that notes how old each reading is when it is kept, ms since its own time.

    Counted by the millisecond, up to `LONGEST_MS`: the worker's memory is measured too.
    """

    def __init__(self, store: ReadingStore) -> None:
        self._store = store
        self._counts = np.zeros(LONGEST_MS + 1, np.int64)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, batch: ReadingBatch) -> list[Refused]:
        refused = self._store.write(batch)
        delays = Clock().now_ms() - batch.time
        np.add.at(self._counts, delays.clip(0, LONGEST_MS), 1)
        return refused

    def percentile(self, share: float) -> float:
        """ms that so many percent of the readings took at most."""
        below = np.cumsum(self._counts)
        return float(np.searchsorted(below, below[-1] * share / 100))


def paho(port: int, name: str, count: int) -> None:
    counted = 0

    def on_message(client: mqtt.Client, _userdata: object, _message: mqtt.MQTTMessage) -> None:
        nonlocal counted
        counted += 1
        if counted == count:
            client.disconnect()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, clean_session=False)
    client.on_message = on_message
    _await_go()
    client.connect("127.0.0.1", port)
    client.loop_forever()


def worker() -> None:
    to_stderr(30)
    watched: list[Watched] = []

    def watching(settings: Any) -> ReadingStore:
        watched.append(Watched(found(settings)))
        store: Any = watched[0]
        return store

    found, wiring.store_of = wiring.store_of, watching
    running = wiring.Worker(load())
    signal.signal(signal.SIGTERM, running.stop)
    threading.Thread(target=_sample, args=(memory := [],), daemon=True).start()
    _await_go()
    running.run()
    told = {
        "p50_ms": watched[0].percentile(50),
        "p99_ms": watched[0].percentile(99),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rss_course_mb": memory,
    }
    print(json.dumps(told), flush=True)


def _sample(course: list[float]) -> None:
    """The memory in use, MB, every `SAMPLE_S`."""
    pause = threading.Event()
    while True:
        with open("/proc/self/statm") as file:
            course.append(round(int(file.read().split()[1]) * resource.getpagesize() / 2**20, 1))
        pause.wait(SAMPLE_S)


def _await_go() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    if sys.argv[1] == "paho":
        paho(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        worker()
