"""Many rows at once, whether some are there already or not: SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lots.model import Base

Merge = Callable[[Any, Any], ColumnElement[Any]]
"""(column of the row that is there, column of the new one) -> what is kept."""


def insert_new(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, all with the same columns; what is there under its key stays as it is."""
    if rows:
        session.connection().execute(_insert(session, table).on_conflict_do_nothing(), rows)


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
        session.connection().execute(statement, rows)


def least(session: Session) -> Merge:
    """The smaller of two that are both there."""
    return func.least if _is_postgresql(session) else func.min


def greatest(session: Session) -> Merge:
    """The larger of two that are both there."""
    return func.greatest if _is_postgresql(session) else func.max


def _insert(session: Session, table: type[Base]) -> Any:
    # By the driver's own executemany: a statement of many rows takes longer to write than to run.
    made = postgresql.insert if _is_postgresql(session) else sqlite.insert
    return made(cast(Table, table.__table__))


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
