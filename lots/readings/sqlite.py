"""Readings in a SQLite file: for one machine, with nothing installed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lots.readings import rollup_tables
from lots.readings.batch import KEY_MODULUS, Floats, ReadingBatch, TagKey
from lots.readings.sqlite_file import CORE, SqliteFile
from lots.readings.store import Aggregate, Refused, Rollups
from lots.readings.stored import bounds, is_unicode, recalled, storable

ROWS_AT_ONCE = 3_000
"""Rows in a statement: SQLite takes 32 766 values."""

_ROWS = 10_000  # fetched at a time: rows of Python's take ten times the room of columns

# Rounded down, before 1970 too, and in ms: what numpy's floats hold exactly.
_START = f"(r.at - ((r.at % :step) + :step) % :step) / {KEY_MODULUS}"
_SPAN = "r.tag = :tag and r.at >= :first and r.at < :last"


class SqliteStore:
    """A `ReadingStore` in the file ``path``: one thread writes, any number read.

    ``write`` returns after the data is on the disk (WAL, ``synchronous`` FULL): the journal lets
    go of what the store has, so a power cut must not take it back.
    """

    def __init__(self, path: Path, *, busy_s: float = 10.0) -> None:
        self._file = SqliteFile(path, busy_s)
        self._writing = threading.Lock()
        self._ids: dict[str | TagKey, int] = {}  # of quantities and tags, the writer's own

    def write(self, batch: ReadingBatch) -> list[Refused]:
        kept, _, refused = storable(batch)
        if len(kept):
            with self._writing, self._file.connection() as connection:
                connection.execute("begin immediate")
                try:
                    self._insert(connection, kept)
                    connection.commit()
                except BaseException:
                    self._ids.clear()  # some may be of the transaction that is undone
                    raise
        return refused

    def window(
        self, tag: TagKey, begins: int, ends: int, quantities: Sequence[str] | None = None
    ) -> ReadingBatch:
        with self._file.connection() as connection:
            connection.execute("begin")
            found = _read(connection, tag, _tag_id(connection, tag), *bounds(begins, ends))
        if quantities is None:
            return found
        return replace(found, values={n: c for n, c in found.values.items() if n in quantities})

    def aggregate(
        self, tag: TagKey, begins: int, ends: int, step: int, quantities: Sequence[str]
    ) -> Aggregate:
        first, last = bounds(begins, ends)
        with self._file.connection() as connection:
            connection.execute("begin")
            asked = {
                "tag": _tag_id(connection, tag),
                "first": first,
                "last": last,
                "step": step * KEY_MODULUS,
            }
            start, found = _aggregate_core(connection, asked)
            for name in set(quantities).difference(CORE):
                found[name] = _aggregate_other(connection, asked, name, start)
        return Aggregate(
            start=start.astype(np.int64),
            count={name: found[name][0].astype(np.int64) for name in quantities},
            low={name: found[name][1] for name in quantities},
            mean={name: found[name][2] for name in quantities},
            high={name: found[name][3] for name in quantities},
        )

    def write_rollups(self, step: int, rollups: Sequence[tuple[TagKey, Rollups]]) -> None:
        with self._writing, self._file.connection() as connection:
            connection.execute("begin immediate")
            try:
                numbered = [(self._tag(connection, tag), found) for tag, found in rollups]
                rollup_tables.write(connection, step, numbered, partial(self._quantity, connection))
                connection.commit()
            except BaseException:
                self._ids.clear()  # some may be of the transaction that is undone
                raise

    def rollups(
        self,
        tag: TagKey,
        begins: int,
        ends: int,
        step: int,
        quantities: Sequence[str] | None = None,
    ) -> Rollups:
        with self._file.connection() as connection:
            connection.execute("begin")
            id_ = _tag_id(connection, tag)
            return rollup_tables.read(connection, id_, begins, ends, step, quantities)

    def count(self, tenant: str) -> int:
        if not is_unicode(tenant):
            return 0
        with self._file.connection() as connection:
            (found,) = connection.execute(
                "select count(*) from readings where tag in (select id from tags where tenant = ?)",
                (tenant,),
            ).fetchone()
        return int(found)

    def expire(self, before: int) -> None:
        first, _ = bounds(before, before)
        with self._writing, self._file.connection() as connection:
            tags = connection.execute("select id from tags").fetchall()
            for (id_,) in tags:  # a tag at a time: so the rows lie, and readers see no long wait
                connection.execute("begin immediate")
                connection.execute("delete from others where tag = ? and at < ?", (id_, first))
                connection.execute("delete from readings where tag = ? and at < ?", (id_, first))
                connection.commit()

    def check(self) -> None:
        with self._file.connection() as connection:
            connection.execute("select 1 from readings limit 1").fetchall()

    def close(self) -> None:
        self._file.close()

    def _insert(self, connection: sqlite3.Connection, batch: ReadingBatch) -> None:
        ids = np.asarray([self._tag(connection, tag) for tag in batch.tags], np.int64)[batch.tag]
        at = batch.stored_ns
        columns: list[NDArray[Any]] = [ids, at, batch.flags, batch.doubtful.astype(np.int64)]
        columns += [batch.value(name) for name in CORE]  # a NaN is stored as null
        _put(connection, "readings", columns)
        for name in set(batch.values).difference(CORE):
            value = batch.value(name)
            there = np.flatnonzero(~np.isnan(value))
            quantity = np.full(len(there), self._quantity(connection, name))
            _put(connection, "others", [ids[there], at[there], quantity, value[there]])

    def _tag(self, connection: sqlite3.Connection, tag: TagKey) -> int:
        if tag not in self._ids:
            connection.execute("insert or ignore into tags (tenant, tag) values (?, ?)", tag)
            self._ids[tag] = _tag_id(connection, tag)
        return self._ids[tag]

    def _quantity(self, connection: sqlite3.Connection, name: str) -> int:
        if name not in self._ids:
            connection.execute("insert or ignore into quantities (name) values (?)", (name,))
            (found,) = connection.execute(
                "select id from quantities where name = ?", (name,)
            ).fetchone()
            self._ids[name] = int(found)
        return self._ids[name]


def _put(connection: sqlite3.Connection, table: str, columns: Sequence[NDArray[Any]]) -> None:
    """Insert or replace rows, many in a statement.

    A statement lets other threads run once, and then has to wait for its turn again: with one a
    row, a busy worker's rows wait for milliseconds each.
    """
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    row = f"({', '.join('?' * len(columns))})"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        portion = rows[start : start + ROWS_AT_ONCE]
        connection.execute(
            f"insert or replace into {table} values {', '.join([row] * len(portion))}",  # noqa: S608
            list(chain.from_iterable(portion)),
        )


def _tag_id(connection: sqlite3.Connection, tag: TagKey) -> int:
    """The row of ``tag``; -1, which has no readings, for one that never wrote."""
    if not (is_unicode(tag.tenant) and is_unicode(tag.tag)):
        return -1
    found = connection.execute("select id from tags where tenant = ? and tag = ?", tag).fetchone()
    return -1 if found is None else int(found[0])


def _read(
    connection: sqlite3.Connection, tag: TagKey, id_: int, first: int, last: int
) -> ReadingBatch:
    """Readings with first <= at < last, in the transaction of ``connection``."""
    span = "tag = ? and at >= ? and at < ? order by at"
    found = connection.execute(
        f"select at, flags, {', '.join(CORE)} from readings where {span}",  # noqa: S608
        (id_, first, last),
    )
    at, flags, *core = _columns(found, (np.int64, np.int64, *[np.float64] * len(CORE)))
    found = connection.execute(
        f"select at, quantity, value from others where {span}",  # noqa: S608
        (id_, first, last),
    )
    where, quantity, value = _columns(found, (np.int64, np.int64, np.float64))
    values = dict(zip(CORE, core, strict=True))
    for number in np.unique(quantity).tolist():
        (name,) = connection.execute(
            "select name from quantities where id = ?", (number,)
        ).fetchone()
        mine = quantity == number
        values[name] = np.full(len(at), np.nan)
        values[name][np.searchsorted(at, where[mine])] = value[mine]
    return recalled(tag, at, flags, values)


def _aggregate_core(
    connection: sqlite3.Connection, asked: Mapping[str, int]
) -> tuple[Floats, dict[str, list[Floats]]]:
    """Starts of the steps with readings, and count, low, mean and high of each core quantity."""
    found = connection.execute(
        f"select {_START}, {', '.join(_statistics(f'r.{name}') for name in CORE)}"  # noqa: S608
        f" from readings r where {_SPAN} and r.doubt = 0 group by 1 order by 1",
        asked,
    )
    start, *columns = _columns(found, [np.float64] * (1 + 4 * len(CORE)))
    return start, {name: columns[4 * at : 4 * at + 4] for at, name in enumerate(CORE)}


def _aggregate_other(
    connection: sqlite3.Connection, asked: Mapping[str, int], name: str, start: Floats
) -> list[Floats]:
    """Count, low, mean and high of another quantity in the steps that begin at ``start``."""
    found = connection.execute(
        f"select {_START}, {_statistics('o.value')} from readings r"  # noqa: S608
        " join others o on o.tag = r.tag and o.at = r.at"
        " and o.quantity = (select id from quantities where name = :name)"
        f" where {_SPAN} and r.doubt = 0 group by 1 order by 1",
        {**asked, "name": name if is_unicode(name) else None},
    )
    where, *columns = _columns(found, [np.float64] * 5)
    spread = [np.zeros(len(start)), *(np.full(len(start), np.nan) for _ in range(3))]
    for column, sparse in zip(spread, columns, strict=True):
        column[np.searchsorted(start, where)] = sparse
    return spread


def _statistics(column: str) -> str:
    return ", ".join(f"{function}({column})" for function in ("count", "min", "avg", "max"))


def _columns(found: sqlite3.Cursor, kinds: Sequence[type]) -> list[NDArray[Any]]:
    """Rows as columns of ``kinds``; a null is NaN."""
    parts: list[list[NDArray[Any]]] = [[np.empty(0, kind)] for kind in kinds]
    while rows := found.fetchmany(_ROWS):
        for part, kind, column in zip(parts, kinds, zip(*rows, strict=True), strict=True):
            part.append(np.array(column, kind))
    return [np.concatenate(part) for part in parts]
