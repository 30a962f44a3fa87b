"""Lots' states as they were on days that are over, on the worker's disk.

So a lot whose past changed is folded again from the last of them before the change, and not from
its first reading on. Like the snapshot they are a cache of the fold: a file that cannot be used is
thrown away, and lots are folded from further back. What is in it is never wrong: whoever folds a
past anew replaces all that came after the change (`Checkpoints.replace`), and a worker that goes
back to a snapshot forgets what was written past it (`Checkpoints.open`).
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from lots.climate import LotKey
from lots.clock import DAY_MS
from rules.attending import WATCH
from rules.engine import Engine
from rules.state import STATE, Book, States

VERSION = 2
"""Of what the bytes mean; to be raised with every change of what the fold makes of samples."""

_TABLES = """
create table journal (id text not null);
create table checkpoints (
    tenant text not null, lot text not null, newest integer not null,
    came_to integer not null, basis blob not null, state blob not null,
    primary key (tenant, lot, newest)
) without rowid;
create index by_offset on checkpoints (came_to);
"""
_FORGET = "delete from checkpoints where tenant = ? and lot = ?"
_log = structlog.get_logger("dunnage.rules")


def spread(times: Sequence[int], *around: int) -> list[int]:
    """Of ``times`` (ms, ascending) those to keep: the further from each of ``around`` the sparser.

    Between two that stay there is no more time than from the later one to the nearest of
    ``around``, or else than there was. So to fold from the last one before a time takes at most
    twice as long as from that time on, and there is about one for each doubling of the distance.
    """
    found: list[int] = []
    at = len(times) - 1
    while at >= 0:
        later = times[at]
        found.append(later)
        reach = min((abs(later - each) for each in around), default=0)
        at = min(at - 1, bisect_left(times, later - reach))
    return found[::-1]


def midnights(first: int, last: int) -> list[int]:
    """The beginnings of days (ms, UTC) with first < time <= last."""
    return list(range((first // DAY_MS + 1) * DAY_MS, last + 1, DAY_MS))


class Checkpoints:
    """In the file ``path``; for one thread. Nothing here raises: without them folds take longer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: sqlite3.Connection | None = None

    def open(self, journal: str, offset: int | None, lots: Collection[LotKey]) -> None:
        """Keep what is of ``journal``, not past ``offset`` (None: nothing) and of these lots."""
        if offset is None or self._rows("select id from journal") != [(journal,)]:
            self._discard()
            self._write(lambda new: new.execute("insert into journal values (?)", (journal,)))
            return

        def tidy(connection: sqlite3.Connection) -> None:
            connection.execute("delete from checkpoints where came_to > ?", (offset,))
            found = connection.execute("select distinct tenant, lot from checkpoints").fetchall()
            gone = [key for key in found if LotKey(*key) not in lots]
            connection.executemany(_FORGET, gone)

        self._write(tidy)

    def times(self, engine: Engine, key: LotKey) -> list[int]:
        """Up to when each of the lot's states reaches that its facts and rules still make, ms."""
        query = "select newest from checkpoints where tenant = ? and lot = ? and basis = ?"
        return sorted(time for (time,) in self._rows(query, *key, _basis(engine, key)))

    def state(self, engine: Engine, key: LotKey, newest: int) -> States | None:
        """The lot's state after all up to ``newest`` (ms); None: not there, or damaged."""
        query = "select state from checkpoints where tenant = ? and lot = ? and newest = ?"
        found = self._rows(query, *key, newest)
        return _unpacked(found[0][0], engine.book) if found else None

    def replace(
        self,
        engine: Engine,
        key: LotKey,
        kept: Iterable[int],
        states: Iterable[States],
        offset: int,
    ) -> None:
        """Of the lot's states only those of the times ``kept`` (ms) stay; ``states``, of one lot
        each, are new. ``offset``: how far the journal is folded."""
        rows = [_row(engine, key, one, offset) for one in states]
        query = "select newest from checkpoints where tenant = ? and lot = ?"
        gone = {time for (time,) in self._rows(query, *key)}.difference(kept)
        self._write(partial(_exchange, [(*key, time) for time in sorted(gone)], rows))

    def add(
        self, engine: Engine, keys: Sequence[LotKey], states: States, begins: int, offset: int
    ) -> None:
        """A new state of each of ``keys``; of its others those before ``begins`` (ms) go, and
        those that have become more than are needed."""
        rows, gone = [], []
        for number, key in enumerate(keys):
            alone = States(*(column[number : number + 1] for column in states.columns()))
            row = _row(engine, key, alone, offset)
            before, newest = self.times(engine, key), row[2]
            kept = spread([t for t in before if begins <= t < newest] + [newest], newest)
            gone += [(*key, time) for time in set(before).difference(kept)]
            rows.append(row)
        self._write(partial(_exchange, gone, rows))

    def forget(self, key: LotKey) -> None:
        """Drop all of a lot's."""
        self._write(lambda connection: connection.execute(_FORGET, key))

    def sync(self) -> None:
        """Before a snapshot: what was taken away until here does not come back, whatever fails."""
        try:
            self._opened().execute("pragma wal_checkpoint(truncate)")
        except sqlite3.Error as error:
            self._failed(error)

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._opened().execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._failed(error)
            return []

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """In a transaction. Where it fails all goes: else what is no longer true would stay."""
        try:
            connection = self._opened()
            connection.execute("begin immediate")
            work(connection)
            connection.execute("commit")
        except sqlite3.Error as error:
            self._failed(error)

    def _opened(self) -> sqlite3.Connection:
        if self._kept is None:
            self._kept = self._connected()
            (version,) = self._kept.execute("pragma user_version").fetchone()
            if version != VERSION:
                self._discard()
                self._kept = self._connected()
                self._kept.executescript(
                    f"begin; {_TABLES} pragma user_version = {VERSION}; commit"
                )
        return self._kept

    def _connected(self) -> sqlite3.Connection:
        found = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        found.execute("pragma journal_mode = wal")
        found.execute("pragma synchronous = normal")  # see `sync`
        return found

    def _failed(self, error: sqlite3.Error) -> None:
        _log.warning(
            "checkpoints cannot be kept; lots are folded from further back", why=str(error)
        )
        self._discard()

    def _discard(self) -> None:
        """Throw the file away: on a full disk that works where taking rows out does not."""
        with suppress(sqlite3.Error):
            self.close()
        self._kept = None
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{self._path}{end}").unlink(missing_ok=True)


Row = tuple[str, str, int, int, bytes, bytes]


def _row(engine: Engine, key: LotKey, state: States, offset: int) -> Row:
    content = b"".join(column.tobytes() for column in state.columns())
    newest = int(state.lots["newest"][0])
    return (*key, newest, offset, _basis(engine, key), zlib.compress(content, 1))


def _exchange(
    gone: Iterable[tuple[str, str, int]], rows: Iterable[Row], connection: sqlite3.Connection
) -> None:
    query = "delete from checkpoints where tenant = ? and lot = ? and newest = ?"
    connection.executemany(query, gone)
    connection.executemany("insert or replace into checkpoints values (?, ?, ?, ?, ?, ?)", rows)


def _basis(engine: Engine, key: LotKey) -> bytes:
    """What else a lot's state follows from, besides samples and dated facts, whose changes ask for
    a fold: its rules, its undated facts, and what the bytes mean."""
    undated = replace(engine.table.known[key], watched=(), circumstances=(), interval_ms=0)
    said = repr((STATE.descr, WATCH.descr, engine.rules.digest, undated))
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


def _unpacked(content: bytes, book: Book) -> States | None:
    """None where it is damaged: zlib checks that."""
    state, at = book.fresh(1), 0
    try:
        content = zlib.decompress(content)
    except zlib.error:
        return None
    if len(content) != sum(column.nbytes for column in state.columns()):
        return None
    for column in state.columns():
        part = content[at : (at := at + column.nbytes)]
        column[:] = np.frombuffer(part, column.dtype).reshape(column.shape)
    return state
