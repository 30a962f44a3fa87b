"""Many rows at once, whether some are there already or not: SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, TableClause, column, delete, func, select
from sqlalchemy import table as table_clause
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lots.model import Base

Merge = Callable[[Any, Any], ColumnElement[Any]]
"""(column of the row that is there, column of the new one) -> what is kept."""

_VALUES = 32_766
"""SQLite takes so many in a statement."""


def insert_new(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, all with the same columns; what is there under its key stays as it is."""
    if rows:
        _execute(session, _insert(session, table).on_conflict_do_nothing(), rows)


def insert_or_merge(
    session: Session,
    table: type[Base],
    key: str,
    rows: Sequence[Mapping[str, Any]],
    merges: Mapping[str, Merge],
) -> None:
    """Insert ``rows``, each ``key`` once at most; ``merges``: column -> how two become one."""
    if rows:
        columns, statement = table.__table__.c, _insert(session, table)
        merged = {
            name: merge(columns[name], statement.excluded[name]) for name, merge in merges.items()
        }
        statement = statement.on_conflict_do_update(index_elements=[key], set_=merged)
        _execute(session, statement, rows)


def rows_on_sqlite(session: Session, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run ``statement``, which has a place for ``{rows}``, with many of them at a time.

    Between two statements other threads have their turn first: one a row would take as long as
    they are busy.
    """
    connection = session.connection()
    if not rows:
        return
    width = len(rows[0])
    row, at_once = f"({', '.join('?' * width)})", _VALUES // width
    for start in range(0, len(rows), at_once):
        portion = rows[start : start + at_once]
        filled = statement.format(rows=", ".join([row] * len(portion)))
        connection.exec_driver_sql(filled, tuple(chain.from_iterable(portion)))


def least(session: Session) -> Merge:
    """The smaller of two that are both there."""
    return func.least if _is_postgresql(session) else func.min


def greatest(session: Session) -> Merge:
    """The larger of two that are both there."""
    return func.greatest if _is_postgresql(session) else func.max


def _insert(session: Session, table: type[Base]) -> Any:
    made = postgresql.insert if _is_postgresql(session) else sqlite.insert
    return made(cast(Table, table.__table__))


def _execute(session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows`` by ``statement``: SQLAlchemy's own way takes longer to write than to run."""
    names = list(rows[0])
    if _is_postgresql(session):
        given = _copied(session, statement.table, names, map(itemgetter(*names), rows))
        session.execute(statement.from_select(names, select(given)))
        session.execute(delete(given))
    else:
        compiled = statement.compile(session.get_bind(), column_keys=names)
        one = f"({', '.join('?' * len(names))})"
        filled = str(compiled).replace(one, "{rows}")
        rows_on_sqlite(session, filled, list(map(itemgetter(*compiled.positiontup), rows)))


def _copied(
    session: Session, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> TableClause:
    """``rows`` in a table of this transaction's own, with the columns ``names`` of ``table``."""
    given = table_clause(f"given_{table.name}", *map(column, names))
    like = f"select {', '.join(names)} from {table.name} limit 0"  # noqa: S608  # names of ours
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor:
        cursor.execute(
            f"create temporary table if not exists {given.name} on commit drop as {like}"
        )
        types = [each.type_code for each in cursor.execute(like).description]
        with cursor.copy(
            f"copy {given.name} ({', '.join(names)}) from stdin (format binary)"
        ) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    return given


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
