"""The readings that a URL names, for who only asks."""

from __future__ import annotations

from pathlib import Path

from lots.readings.address import address
from lots.readings.influx_history import InfluxHistory
from lots.readings.sqlite import SqliteStore
from lots.readings.store import ReadingHistory


def open_history(url: str, retention_days: int) -> ReadingHistory:
    """What is not asked anything yet; raises `StoreMisconfigured` for a bad ``url``.

    ``retention_days``: how long a database that is created here keeps readings.
    """
    where = address(url)
    return SqliteStore(where) if isinstance(where, Path) else InfluxHistory(where, retention_days)
