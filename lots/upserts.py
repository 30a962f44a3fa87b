"""Many rows in one statement, whether some are there already or not: SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lots.model import Base

PARAMETERS = 20_000
"""Of one statement; both databases take some more."""

Merge = Callable[[Any, Any], ColumnElement[Any]]
"""(column of the row that is there, column of the new one) -> what is kept."""


def insert_new(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, all with the same columns; what is there under its key stays as it is."""
    for portion in _portions(rows):
        session.execute(_insert(session, table).values(list(portion)).on_conflict_do_nothing())


def insert_or_merge(
    session: Session,
    table: type[Base],
    key: str,
    rows: Sequence[Mapping[str, Any]],
    merges: Mapping[str, Merge],
) -> None:
    """Insert ``rows``, each ``key`` once at most; ``merges``: column -> how two become one."""
    columns = table.__table__.c
    for portion in _portions(rows):
        statement = _insert(session, table).values(list(portion))
        merged = {
            name: merge(columns[name], statement.excluded[name]) for name, merge in merges.items()
        }
        session.execute(statement.on_conflict_do_update(index_elements=[key], set_=merged))


def least(session: Session) -> Merge:
    """The smaller of two that are both there."""
    return func.least if _is_postgresql(session) else func.min


def greatest(session: Session) -> Merge:
    """The larger of two that are both there."""
    return func.greatest if _is_postgresql(session) else func.max


def _insert(session: Session, table: type[Base]) -> Any:
    return postgresql.insert(table) if _is_postgresql(session) else sqlite.insert(table)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _portions(rows: Sequence[Mapping[str, Any]]) -> list[Sequence[Mapping[str, Any]]]:
    if not rows:
        return []
    size = max(1, PARAMETERS // len(rows[0]))
    return [rows[start : start + size] for start in range(0, len(rows), size)]
