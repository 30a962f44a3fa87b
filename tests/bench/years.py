"""A lot's history over three years beside one over three days, of each store:
python -m tests.bench history."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lots.clock import DAY_MS, HOUR_MS, Clock
from lots.fields import written
from lots.readings.batch import TagKey, of_tag
from lots.readings.rollups import daily, rolled
from lots.settings import Settings
from tests.api.service import LOT, SITE, Caller, Service
from tests.bench.comparing import Figure, beside
from tests.servers import InfluxDB

YEARS_MS = 3 * 365 * DAY_MS
EVERY_MS = 600_000


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, InfluxDB() as influx:
        yield _asking("SQLite", Path(folder) / "sqlite", "")
        yield _asking("InfluxDB", Path(folder) / "influx", influx.store_url("years"))


def _asking(store: str, folder: Path, url: str) -> Figure:
    now = Clock().now_ms() // HOUR_MS * HOUR_MS  # InfluxDB lets go of readings by its own clock
    settings = Settings(
        data=folder, readings_url=url, api_port=0, clock_start_ms=now, clock_speed=0
    )
    with Service(settings) as service:
        who = furnished(service, now)
        return beside(
            f"history of 3 years, 500 points at most, {store}",
            "answers",
            lambda: ask(who, now, YEARS_MS, points="500"),
            "of 3 days",
            lambda: ask(who, now, 3 * DAY_MS, points="500"),
        )


def furnished(service: Service, now: int) -> Caller:
    """L1 stood in B1 for three years, then in B2; a reading every ten minutes in each."""
    who = service.caller("bench")
    who.put("sites", id="S1", **SITE)
    who.put("lots", id="L1", **LOT)
    begins = (now - YEARS_MS) // DAY_MS * DAY_MS
    for name, at in (("B1", begins), ("B2", now - YEARS_MS // 2)):
        who.put("places", id=name, site="S1", kind="bay", name=name)
        who.put("tags", id=name, interval_s=EVERY_MS // 1000)
        who.put("bindings", tag=name, place=name, begins=written(begins))
        who.put("moves", lot="L1", place=name, at=written(at))
        times = np.arange(begins, now, EVERY_MS)
        values = {
            "temperature": 10 + 8 * np.sin(times / DAY_MS),
            "humidity": 75 + 9 * np.sin(times / DAY_MS / 7),
        }
        tag = TagKey("bench", name)
        whole = of_tag(tag, times, values)
        hours = rolled(whole, {}, np.arange(begins, now + 1, HOUR_MS))
        service.store.write_rollups(HOUR_MS, [(tag, hours)])
        service.store.write_rollups(DAY_MS, [(tag, daily(hours))])
        service.store.write(whole.take(times > now - 20 * DAY_MS))
    return who


def ask(who: Caller, now: int, span_ms: int, **query: str) -> int:
    found = who.get("/v1/lots/L1/history", **{"from": written(now - span_ms)}, **query)
    assert found["gaps"] == []
    return 1
