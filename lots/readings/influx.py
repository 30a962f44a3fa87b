"""Readings in InfluxDB 1.x, 2.x or 3.x: written as line protocol, read in InfluxQL."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lots.readings import influx_rollups, influxql
from lots.readings.batch import Ints, ReadingBatch, TagKey, concatenate
from lots.readings.influx_database import InfluxDatabase, InfluxServer, Table
from lots.readings.influx_names import quantity_name
from lots.readings.influx_writers import Answer
from lots.readings.line_protocol import LineProtocol
from lots.readings.store import Aggregate, Refused, Rollups
from lots.readings.stored import bounds, recalled, storable

LINES = 5_000
"""Points in a request, as InfluxDB's makers advise."""

PAGE = 10_000
"""Readings in an answer: so many a server gives that was told to limit its answers."""

TIMEOUT_S = 30.0

RETENTION_MARGIN_DAYS = 30
"""A database of our making keeps so much longer than asked: what waited is not refused."""

_DROPPED = re.compile(r"dropped=(\d+)\s*$")


class InfluxStore:
    """A `ReadingStore` on a server. A missing 1.x database is created when we may."""

    def __init__(
        self, server: InfluxServer, retention_days: int, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        keep_days = retention_days + RETENTION_MARGIN_DAYS
        self._readings = InfluxDatabase(server, keep_days, timeout_s)
        self._lines = LineProtocol()
        self._rollups = influx_rollups.database_of(server, timeout_s)

    def write(self, batch: ReadingBatch) -> list[Refused]:
        kept, positions, refused = storable(batch)
        for start in range(0, len(kept), LINES):
            portion = slice(start, start + LINES)
            refused += self._offer(kept.take(portion), positions[portion])
        return sorted(refused, key=lambda bad: bad.position)

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

    def write_rollups(self, step: int, rollups: Sequence[tuple[TagKey, Rollups]]) -> None:
        influx_rollups.write(self._rollups, step, rollups)

    def rollups(
        self,
        tag: TagKey,
        begins: int,
        ends: int,
        step: int,
        quantities: Sequence[str] | None = None,
    ) -> Rollups:
        return influx_rollups.read(self._rollups, tag, begins, ends, step, quantities)

    def latest(self, tag: TagKey) -> ReadingBatch:
        return _readings(tag, self._readings.ask(influxql.latest(tag)))

    def count(self, tenant: str) -> int:
        table = self._readings.ask(influxql.count(tenant))
        return int(table.rows[0][1]) if table.rows else 0

    def expire(self, before: int) -> None:
        """InfluxDB does so by its retention policy."""

    def check(self) -> None:
        self._readings.check()

    def close(self) -> None:
        self._readings.close()
        self._rollups.close()

    def _offer(self, batch: ReadingBatch, positions: Ints) -> list[Refused]:
        """Write ``batch``; finds the readings, by ``positions``, that are to blame for a refusal.

        A refusal may be of some or of all, and which, no version says: so halves are offered
        until each is taken whole or is a single point. What was taken already is written again,
        which changes nothing.
        """
        text = self._lines.text(batch)
        answer = self._readings.post(text.encode())
        if answer.ok:
            return []
        self.check()  # it may be we who are refused, not the points
        points = list(zip(positions.tolist(), text[:-1].split("\n"), strict=True))
        return self._narrowed(points, answer)

    def _narrowed(self, points: list[tuple[int, str]], refusal: Answer) -> list[Refused]:
        dropped = _DROPPED.search(refusal.reason)
        if len(points) == 1 or (dropped and int(dropped[1]) == len(points)):
            return [Refused(position, f"InfluxDB: {refusal.reason}") for position, _ in points]
        middle = len(points) // 2
        found = []
        for half in (points[:middle], points[middle:]):
            answer = self._post(half)
            if not answer.ok:
                found += self._narrowed(half, answer)
        return found

    def _post(self, points: list[tuple[int, str]]) -> Answer:
        return self._readings.post("\n".join(line for _, line in points).encode())


def _readings(tag: TagKey, table: Table) -> ReadingBatch:
    columns = table.floats()
    ns = np.array([row[0] for row in table.rows], np.int64)
    flags = np.nan_to_num(columns.pop("flags", np.zeros(len(ns)))).astype(np.int64)
    columns.pop("doubt", None)
    values = {quantity_name(name): column for name, column in columns.items()}
    return recalled(tag, ns, flags, values)
