"""Readings in InfluxDB 1.x, 2.x or 3.x: written as line protocol, read in InfluxQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import numpy as np

from lots.readings import influxql
from lots.readings.batch import Floats, ReadingBatch, TagKey, concatenate
from lots.readings.influx_writers import (
    Answer,
    LineWriter,
    V1Writer,
    V2Writer,
    exchange,
)
from lots.readings.line_protocol import lines, quantity_name
from lots.readings.store import Aggregate, Refused, StoreMisconfigured, StoreUnavailable
from lots.readings.stored import bounds, recalled, storable

LINES = 5_000
"""Points in a request, as InfluxDB's makers advise."""

PAGE = 10_000
"""Readings in an answer: so many a server gives that was told to limit its answers."""

TIMEOUT_S = 30.0

RETENTION_MARGIN_DAYS = 30
"""A database of our making keeps so much longer than asked: what waited is not refused."""

_DROPPED = re.compile(r"dropped=(\d+)\s*$")

# A limit of the server's, not a fault of the point: other points wait too, until it is raised.
_SERVER_LIMITS = ("max-values-per-tag", "max-series-per-database")


@dataclass(frozen=True, slots=True)
class InfluxServer:
    """Where to write and read, and as whom."""

    url: str  # http://host:port
    database: str  # 2.x and 3.x: the bucket
    user: str = ""
    password: str = ""
    org: str | None = None  # 2.x and 3.x
    token: str = ""  # 2.x and 3.x


class InfluxStore:
    """A `ReadingStore` on a server. A missing 1.x database is created when we may."""

    def __init__(
        self, server: InfluxServer, retention_days: int, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._server = server
        self._retention_days = retention_days
        self._client = _client(server, timeout_s)
        self._writer: LineWriter = (
            V1Writer(self._client, server.database)
            if server.org is None
            else V2Writer(server.url, server.token, server.org, server.database, timeout_s)
        )

    def write(self, batch: ReadingBatch) -> list[Refused]:
        kept, positions, refused = storable(batch)
        points = list(zip(positions.tolist(), lines(kept), strict=True))
        for start in range(0, len(points), LINES):
            refused += self._offer(points[start : start + LINES])
        return sorted(refused, key=lambda bad: bad.position)

    def window(
        self, tag: TagKey, begins: int, ends: int, quantities: Sequence[str] | None = None
    ) -> ReadingBatch:
        first, last = bounds(begins, ends)
        pages: list[ReadingBatch] = []
        while True:
            table = self._ask(influxql.window(tag, first, last, PAGE, quantities))
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
        table = self._ask(influxql.aggregate(tag, *bounds(begins, ends), step, known))
        columns = _columns(table)
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

    def latest(self, tag: TagKey) -> ReadingBatch:
        return _readings(tag, self._ask(influxql.latest(tag)))

    def count(self, tenant: str) -> int:
        table = self._ask(influxql.count(tenant))
        return int(table.rows[0][1]) if table.rows else 0

    def expire(self, before: int) -> None:
        """InfluxDB does so by its retention policy."""

    def check(self) -> None:
        self._ask(influxql.probe())
        if self._server.org is None:
            self._demand(self._writer.post(b""))  # nothing, but only for who may write

    def close(self) -> None:
        self._writer.close()
        self._client.close()

    def _offer(self, points: list[tuple[int, str]]) -> list[Refused]:
        """Write ``points`` (position, line); finds those that are to blame for a refusal.

        A refusal may be of some or of all, and which, no version says: so halves are offered
        until each is taken whole or is a single point. What was taken already is written again,
        which changes nothing.
        """
        answer = self._post(points)
        if answer.ok:
            return []
        self.check()  # it may be we who are refused, not the points
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
        """The answer to a write: taken, or refused for the points' own sake."""
        body = "\n".join(line for _, line in points).encode()
        answer = self._writer.post(body)
        if _no_database(answer) and self._create_database():
            answer = self._writer.post(body)
        limit = next((name for name in _SERVER_LIMITS if name in answer.reason), None)
        if limit:
            raise StoreMisconfigured(
                f"InfluxDB is at a limit of its own ({answer.reason}): raise {limit} in its"
                " configuration and restart it"
            )
        if answer.status not in _OF_THE_POINTS:
            self._demand(answer)
        return answer

    def _ask(self, statement: str) -> _Table:
        params = {"db": self._server.database, "q": statement, "epoch": "ns"}
        answer = exchange(self._client, "GET", "/query", params)
        if _no_database(answer) and self._create_database():
            answer = exchange(self._client, "GET", "/query", params)
        self._demand(answer)
        return _table(answer)

    def _create_database(self) -> bool:
        """Whether a missing database is one of 1.x and is there now."""
        if self._server.org is not None:
            return False
        days = self._retention_days + RETENTION_MARGIN_DAYS
        statement = influxql.create_database(self._server.database, days)
        answer = exchange(self._client, "POST", "/query", {"q": statement})
        if answer.status in (401, 403):
            raise StoreMisconfigured(
                f"InfluxDB at {self._server.url} has no database {self._server.database!r} and"
                f" does not let us create it ({answer.reason}): as its administrator run"
                f" {statement}"
            )
        return answer.ok

    def _demand(self, answer: Answer) -> None:
        """Nothing for an answer that is one; else raises what the caller can do about it."""
        where = f"InfluxDB at {self._server.url}"
        said = f"{answer.status}: {answer.reason}"
        if answer.status >= 500 or answer.status in (408, 429):
            raise StoreUnavailable(f"{where} cannot answer now ({said})")
        if answer.status in (401, 403):
            raise StoreMisconfigured(
                f"{where} refuses us ({said}): check the user, password or token in readings_url,"
                f" and that it may read and write {self._server.database!r}"
            )
        if _no_database(answer):
            raise StoreMisconfigured(
                f"{where} has no database or bucket {self._server.database!r} ({said}): create it,"
                " or correct readings_url"
            )
        if not answer.ok:
            raise StoreMisconfigured(
                f"{where} does not understand us ({said}): check the address, the port and http"
                " or https (influxdbs://) in readings_url"
            )


_OF_THE_POINTS = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class _Table:
    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    partial: bool = False  # the server has more than it gave


def _client(server: InfluxServer, timeout_s: float) -> httpx.Client:
    headers = {"Authorization": f"Token {server.token}"} if server.token else {}
    return httpx.Client(
        base_url=server.url,
        auth=(server.user, server.password) if server.user else None,
        headers=headers,
        timeout=timeout_s,
    )


def _no_database(answer: Answer) -> bool:
    """1.x says so to a query with status 200."""
    return answer.status == 404 or "database not found" in _error(answer)


def _error(answer: Answer) -> str:
    """The error within an answer; a long answer is data."""
    return answer.reason if len(answer.text) < 2_000 else ""


def _table(answer: Answer) -> _Table:
    """What a query found; raises `StoreUnavailable` for what is not the answer to one."""
    try:
        (result,) = msgspec.json.decode(answer.text)["results"]
    except (msgspec.DecodeError, TypeError, KeyError, ValueError) as error:
        raise StoreUnavailable(
            f"InfluxDB gave no answer to a query, but {answer.text[:200]!r}"
        ) from error
    if "error" in result:
        raise StoreUnavailable(f"InfluxDB cannot answer a query: {result['error']}")
    if not result.get("series"):
        return _Table()
    series = result["series"][0]
    partial = bool(result.get("partial") or series.get("partial"))
    return _Table(series["columns"], series["values"], partial)


def _columns(table: _Table) -> dict[str, Floats]:
    """All but the time, which floats do not hold; a null is NaN."""
    columns = zip(*table.rows, strict=True)
    return {
        name: np.array(column, np.float64)
        for name, column in zip(table.columns, columns, strict=False)
        if name != "time"
    }


def _readings(tag: TagKey, table: _Table) -> ReadingBatch:
    columns = _columns(table)
    ns = np.array([row[0] for row in table.rows], np.int64)
    flags = np.nan_to_num(columns.pop("flags", np.zeros(len(ns)))).astype(np.int64)
    columns.pop("doubt", None)
    values = {quantity_name(name): column for name, column in columns.items()}
    return recalled(tag, ns, flags, values)
