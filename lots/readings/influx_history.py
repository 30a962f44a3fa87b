"""Readings in InfluxDB 1.x, 2.x or 3.x, read in InfluxQL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lots.readings import influx_rollups, influxql
from lots.readings.batch import ReadingBatch, TagKey, concatenate
from lots.readings.influx_database import InfluxDatabase, InfluxServer, Table
from lots.readings.influx_names import quantity_name
from lots.readings.store import Aggregate, Rollups
from lots.readings.stored import bounds, recalled

PAGE = 10_000
"""Readings in an answer: so many a server gives that was told to limit its answers."""

TIMEOUT_S = 30.0

RETENTION_MARGIN_DAYS = 30
"""A database of our making keeps so much longer than asked: what waited is not refused."""


class InfluxHistory:
    """A `ReadingHistory` on a server. A missing 1.x database is created when we may."""

    def __init__(
        self, server: InfluxServer, retention_days: int, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        keep_days = retention_days + RETENTION_MARGIN_DAYS
        self._readings = InfluxDatabase(server, keep_days, timeout_s)
        self._rollups = influx_rollups.database_of(server, timeout_s)

    def window(
        self, tag: TagKey, begins: int, ends: int, quantities: Sequence[str] | None = None
    ) -> ReadingBatch:
        first, last = bounds(begins, ends)
        pages: list[ReadingBatch] = []
        while True:
            table = self._readings.ask(influxql.window(tag, first, last, PAGE, quantities))
            if not table.rows:
                return concatenate(pages)
            pages.append(_readings(tag, table))
            first = int(table.rows[-1][0]) + 1  # a series has one point at a time
            if len(table.rows) < PAGE and not table.partial:
                return concatenate(pages)

    def aggregate(
        self, tag: TagKey, begins: int, ends: int, step: int, quantities: Sequence[str]
    ) -> Aggregate:
        named = list(dict.fromkeys(quantities))
        known = [name for name in named if name]
        table = self._readings.ask(influxql.aggregate(tag, *bounds(begins, ends), step, known))
        columns = table.floats()
        n = len(table.rows)
        found = {
            name: [
                columns.get(f"{function}_{number}", np.full(n, np.nan))
                for function in influxql.STATISTICS
            ]
            for number, name in enumerate(known)
        }
        absent = [np.full(n, np.nan)] * 4
        by_name = {name: found.get(name, absent) for name in named}
        return Aggregate(
            start=np.array([row[0] // 1_000_000 for row in table.rows], np.int64),
            count={name: np.nan_to_num(of[0]).astype(np.int64) for name, of in by_name.items()},
            low={name: of[1] for name, of in by_name.items()},
            mean={name: of[2] for name, of in by_name.items()},
            high={name: of[3] for name, of in by_name.items()},
        )

    def rollups(
        self,
        tag: TagKey,
        begins: int,
        ends: int,
        step: int,
        quantities: Sequence[str] | None = None,
    ) -> Rollups:
        return influx_rollups.read(self._rollups, tag, begins, ends, step, quantities)

    def count(self, tenant: str) -> int:
        table = self._readings.ask(influxql.count(tenant))
        return int(table.rows[0][1]) if table.rows else 0

    def check(self) -> None:
        self._readings.check()

    def close(self) -> None:
        self._readings.close()
        self._rollups.close()


def _readings(tag: TagKey, table: Table) -> ReadingBatch:
    columns = table.floats()
    ns = np.array([row[0] for row in table.rows], np.int64)
    flags = np.nan_to_num(columns.pop("flags", np.zeros(len(ns)))).astype(np.int64)
    columns.pop("doubt", None)
    values = {quantity_name(name): column for name, column in columns.items()}
    return recalled(tag, ns, flags, values)
