"""The SQLite file that readings are kept in: its tables, its connections, its errors."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lots.readings.store import StoreMisconfigured, StoreUnavailable

CORE = ("temperature", "humidity", "probe", "pressure", "battery")
"""Quantities with a column of their own; the others are rows of ``others``."""

_LAYOUT = 2  # the file's user_version; 1 had no rollups

STATISTICS = ("count", "low", "mean", "high")

_ROLLUPS = f"""
create table if not exists rollups (
    tag integer not null, step integer not null, start integer not null,
    covered integer not null, wet integer not null, dry integer not null, heard integer not null,
    {", ".join(f"{name}_{which} real" for name in CORE for which in STATISTICS)},
    primary key (tag, step, start)
) without rowid;
create table if not exists other_rollups (
    tag integer not null, step integer not null, start integer not null, quantity integer not null,
    {", ".join(f"{which} real" for which in STATISTICS)},
    primary key (tag, step, start, quantity)
) without rowid;
"""

_SCHEMA = f"""
begin immediate;
create table if not exists tags (
    id integer primary key, tenant text not null, tag text not null, unique (tenant, tag)
);
create table if not exists quantities (id integer primary key, name text not null unique);
create table if not exists readings (
    tag integer not null, at integer not null, flags integer not null, doubt integer not null,
    {", ".join(f"{name} real" for name in CORE)},
    primary key (tag, at)
) without rowid;
create table if not exists others (
    tag integer not null, at integer not null, quantity integer not null, value real not null,
    primary key (tag, at, quantity)
) without rowid;
{_ROLLUPS}
pragma user_version = {_LAYOUT};
commit;
"""

_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
}


class SqliteFile:
    """Connections to the file at ``path``, made when first needed and lent to one user at a time.

    WAL, so that readers and the writer do not wait for each other; ``synchronous`` FULL, so that
    what is committed is on the disk.
    """

    def __init__(self, path: Path, busy_s: float) -> None:
        self._path = path
        self._busy_s = busy_s
        self._preparing = threading.Lock()
        self._prepared = False
        self._idle: list[sqlite3.Connection] = []  # its append and pop are atomic
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile; what is not committed is undone."""
        connection = None
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            yield connection
        except sqlite3.Error as error:
            raise self._judged(error) from error
        finally:
            if connection is not None:
                connection.rollback()
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreMisconfigured(
                f"The folder of {self._path} cannot be made ({error.strerror}): name another in"
                " readings_url"
            ) from error
        connection = sqlite3.connect(
            self._path, timeout=self._busy_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma synchronous = full")
            with self._preparing:
                if not self._prepared:
                    self._prepare(connection)
                    self._prepared = True
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (layout,) = connection.execute("pragma user_version").fetchone()
        if layout not in (0, 1, _LAYOUT):
            raise StoreMisconfigured(
                f"{self._path} is of layout {layout}, this version of Dunnage knows {_LAYOUT}:"
                " use the version that wrote it, or name another file in readings_url"
            )
        connection.execute("pragma journal_mode = wal")
        if layout != _LAYOUT:
            connection.executescript(_SCHEMA)

    def _judged(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
        if code in _PASSING:
            return StoreUnavailable(f"{self._path} cannot be used now: {error}")
        return StoreMisconfigured(
            f"{self._path} cannot be used as a store of readings: {error}; check that it is ours,"
            " that we may write there, or name another file in readings_url"
        )
