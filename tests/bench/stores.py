"""How many readings a second each store takes and gives: python -m tests.bench.stores."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from lots.readings.batch import ReadingBatch, TagKey
from lots.readings.open import open_store
from lots.whereabouts import FOREVER
from tests.bench.comparing import Figure
from tests.servers import InfluxDB

READINGS = 100_000
TAGS = 200
T0 = 1_763_000_000_000


def batches(size: int) -> Iterator[ReadingBatch]:
    """Four quantities, a reading a minute of each tag, as ingest would write them."""
    random = np.random.default_rng(1)
    tags = tuple(TagKey("bench", f"tag-{number}") for number in range(TAGS))
    none = np.full(size, -1)
    for start in range(0, READINGS, size):
        at = T0 + np.arange(start, start + size) // TAGS * 60_000
        values = {
            name: np.round(random.normal(20, 5, size), 2)
            for name in ("temperature", "humidity", "pressure", "battery")
        }
        tag = np.arange(start, start + size) % TAGS
        key = random.integers(0, 1_000_000, size)
        yield ReadingBatch(tags, tag, at, key, np.zeros(size, np.int64), values, at, none, none)


def measure(url: str, size: int) -> Iterator[Figure]:
    ready = list(batches(size))
    with closing(open_store(url, 400)) as store:
        begun = time.perf_counter()
        for batch in ready:
            assert store.write(batch) == []
        taken = time.perf_counter()
        found = sum(len(store.window(tag, 0, FOREVER)) for tag in ready[0].tags)
        given = time.perf_counter()
    assert found == READINGS
    kind = url.partition(":")[0]
    yield Figure(f"{kind}, written {size:,} at a time", "readings", READINGS / (taken - begun))
    yield Figure(f"{kind}, read back", "readings", READINGS / (given - taken))


def figures() -> Iterator[Figure]:
    with InfluxDB() as server, tempfile.TemporaryDirectory() as folder:
        for size in (1000, 5000):
            yield from measure(f"sqlite:///{folder}/{size}.sqlite", size)
            yield from measure(server.store_url(f"bench_{size}"), size)


if __name__ == "__main__":
    for figure in figures():
        print(figure)
