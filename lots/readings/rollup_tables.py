"""Rollups in the SQLite file of the readings: a row an hour or day of a tag."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from lots.readings.batch import Floats, Ints
from lots.readings.sqlite_file import CORE, STATISTICS
from lots.readings.store import Aggregate, Rollups

Row = tuple[Any, ...]

_VALUES = 32_000  # in a statement; SQLite takes 32 766
_TIMES = ("covered", "wet", "dry", "heard")


def write(
    connection: sqlite3.Connection,
    step: int,
    rollups: Sequence[tuple[int, Rollups]],
    quantity: Callable[[str], int],
) -> None:
    """Of tags by their numbers, in the transaction of ``connection``.

    ``quantity`` has the number of a name.
    """
    rows: list[Row] = []
    others: list[Row] = []
    for tag, found in rollups:
        starts = found.statistics.start.tolist()
        n = len(starts)
        columns = [[tag] * n, [step] * n, starts]
        columns += [getattr(found, name).tolist() for name in _TIMES]
        columns += [column for name in CORE for column in _figures(found.statistics, name)]
        rows += zip(*columns, strict=True)
        for name in found.statistics.count.keys() - set(CORE):
            there = np.flatnonzero(found.statistics.count[name] > 0).tolist()
            figures = _figures(found.statistics, name)
            before = (tag, step)
            number = quantity(name)
            others += [
                (*before, starts[at], number, *(column[at] for column in figures)) for at in there
            ]
    _put(connection, "rollups", rows)
    _put(connection, "other_rollups", others)


def read(
    connection: sqlite3.Connection,
    tag: int,
    begins: int,
    ends: int,
    step: int,
    quantities: Sequence[str] | None,
) -> Rollups:
    """In the transaction of ``connection``."""
    core = [name for name in CORE if quantities is None or name in quantities]
    figures = [f"{name}_{which}" for name in core for which in STATISTICS]
    span = "tag = ? and step = ? and start >= ? and start < ? order by start"
    rows = connection.execute(
        f"select start, {', '.join([*_TIMES, *figures])} from rollups where {span}",  # noqa: S608
        (tag, step, begins, ends),
    ).fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * (5 + len(figures))
    start, *times = (np.array(column, np.int64) for column in columns[:5])
    values = [np.array(column, np.float64) for column in columns[5:]]
    found = {name: values[4 * at : 4 * at + 4] for at, name in enumerate(core)}
    found |= _others(connection, (tag, step, begins, ends), start, quantities)
    absent = [np.zeros(len(start)), *[np.full(len(start), np.nan)] * 3]
    if quantities is None:
        found = {name: of for name, of in found.items() if np.nansum(of[0])}
    else:
        found = {name: found.get(name, absent) for name in quantities}
    statistics = Aggregate(
        start,
        {name: np.nan_to_num(of[0]).astype(np.int64) for name, of in found.items()},
        {name: of[1] for name, of in found.items()},
        {name: of[2] for name, of in found.items()},
        {name: of[3] for name, of in found.items()},
    )
    return Rollups(statistics, *times)


def _figures(statistics: Aggregate, name: str) -> list[list[Any]]:
    """A quantity's columns, null where there is none."""
    if name not in statistics.count:
        return [[None] * len(statistics.start)] * len(STATISTICS)
    columns = [getattr(statistics, which)[name].tolist() for which in STATISTICS]
    columns[0] = [count or None for count in columns[0]]
    return columns  # a NaN is stored as null


def _others(
    connection: sqlite3.Connection,
    asked: tuple[int, ...],
    start: Ints,
    quantities: Sequence[str] | None,
) -> dict[str, list[Floats]]:
    """count, low, mean and high at each ``start`` of quantities without columns of their own."""
    if quantities is not None and set(quantities) <= set(CORE):
        return {}
    names = dict(connection.execute("select id, name from quantities").fetchall())
    wanted = [id_ for id_, name in names.items() if quantities is None or name in quantities]
    rows = connection.execute(
        f"select quantity, start, {', '.join(STATISTICS)} from other_rollups"  # noqa: S608
        " where tag = ? and step = ? and start >= ? and start < ?"
        f" and quantity in ({', '.join('?' * len(wanted))})",
        (*asked, *wanted),
    ).fetchall()
    columns = np.array(rows, np.float64).reshape(-1, 2 + len(STATISTICS)).T
    found = {}
    for id_ in np.unique(columns[0]).tolist():
        mine = columns[1:, columns[0] == id_]
        where = np.searchsorted(start, mine[0])
        spread = [np.zeros(len(start)), *(np.full(len(start), np.nan) for _ in range(3))]
        for column, sparse in zip(spread, mine[1:], strict=True):
            column[where] = sparse
        found[names[int(id_)]] = spread
    return found


def _put(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    """Many rows in a statement: between two of them other threads have their turn first."""
    if not rows:
        return
    row = f"({', '.join('?' * len(rows[0]))})"
    most = _VALUES // len(rows[0])
    for start in range(0, len(rows), most):
        portion = rows[start : start + most]
        connection.execute(
            f"insert or replace into {table} values {', '.join([row] * len(portion))}",  # noqa: S608
            list(chain.from_iterable(portion)),
        )
