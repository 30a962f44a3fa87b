"""The readings' store that a URL names."""

from __future__ import annotations

from pathlib import Path

from lots.readings.address import address
from lots.readings.influx import InfluxStore
from lots.readings.sqlite import SqliteStore
from lots.readings.store import ReadingStore


def open_store(url: str, retention_days: int) -> ReadingStore:
    """A store that is not asked anything yet; raises `StoreMisconfigured` for a bad ``url``.

    ``retention_days``: how long a database that is created here keeps readings. Who only asks does
    better with `lots.readings.history`: writing needs a compiler.
    """
    where = address(url)
    return SqliteStore(where) if isinstance(where, Path) else InfluxStore(where, retention_days)
