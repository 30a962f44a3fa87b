"""One database of an InfluxDB server (2.x and 3.x: a bucket): lines in, questions and answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import numpy as np

from lots.readings import influxql
from lots.readings.batch import Floats
from lots.readings.influx_writers import Answer, LineWriter, V1Writer, V2Writer, exchange
from lots.readings.store import StoreMisconfigured, StoreUnavailable

# A limit of the server's, not a fault of the point: other points wait too, until it is raised.
_SERVER_LIMITS = ("max-values-per-tag", "max-series-per-database")

_OF_THE_POINTS = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class InfluxServer:
    """Where to write and read, and as whom."""

    url: str  # http://host:port
    database: str  # 2.x and 3.x: the bucket
    user: str = ""
    password: str = ""
    org: str | None = None  # 2.x and 3.x
    token: str = ""  # 2.x and 3.x


@dataclass(frozen=True, slots=True)
class Table:
    """An answer's rows, the time in ns first."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    partial: bool = False  # the server has more than it gave

    def floats(self, but: Collection[str] = ()) -> dict[str, Floats]:
        """All ``but`` these and the time, which floats do not hold; a null is NaN."""
        columns = zip(*self.rows, strict=True)
        return {
            name: np.array(column, np.float64)
            for name, column in zip(self.columns, columns, strict=False)
            if name != "time" and name not in but
        }


class InfluxDatabase:
    """A missing 1.x database is created when we may; ``keep_days`` None: to be kept for ever."""

    def __init__(self, server: InfluxServer, keep_days: int | None, timeout_s: float) -> None:
        self._server = server
        self.name = server.database
        self._keep_days = keep_days
        self._client = _client(server, timeout_s)
        self._writer: LineWriter = (
            V1Writer(self._client, server.database)
            if server.org is None
            else V2Writer(server.url, server.token, server.org, server.database, timeout_s)
        )

    def post(self, body: bytes) -> Answer:
        """The answer to a write: taken, or refused for the points' own sake."""
        answer = self._writer.post(body)
        if _no_database(answer) and self._create():
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

    def ask(self, statement: str) -> Table:
        """What a question in InfluxQL finds."""
        params = {"db": self._server.database, "q": statement, "epoch": "ns"}
        answer = exchange(self._client, "GET", "/query", params)
        if _no_database(answer) and self._create():
            answer = exchange(self._client, "GET", "/query", params)
        self._demand(answer)
        return _table(answer)

    def check(self) -> None:
        """Nothing if we can read and, where that can be tried, write; else raises."""
        self.ask(influxql.probe())
        if self._server.org is None:
            self._demand(self._writer.post(b""))  # nothing, but only for who may write

    def close(self) -> None:
        self._writer.close()
        self._client.close()

    def _create(self) -> bool:
        """Whether a missing database is one of 1.x and is there now."""
        if self._server.org is not None:
            return False
        statement = influxql.create_database(self._server.database, self._keep_days)
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


def _table(answer: Answer) -> Table:
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
        return Table()
    series = result["series"][0]
    partial = bool(result.get("partial") or series.get("partial"))
    return Table(series["columns"], series["values"], partial)
