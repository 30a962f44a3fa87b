"""How far each consumer of a journal has come. An offset means nothing without its journal's id."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from lots.errors import UserError
from lots.model import Cursor


class CursorMismatch(UserError):
    """The registry knows of another journal than the one in the data folder."""


def read_cursor(session: Session, name: str, journal: str) -> int:
    """The offset of ``name`` in ``journal``; 0 where nothing was consumed yet.

    Raises `CursorMismatch` for a journal that is not the one the offset belongs to.
    """
    row = session.get(Cursor, name)
    if row is None:
        return 0
    if row.journal != journal:
        raise CursorMismatch(
            f"the registry follows journal {row.journal}, but the data folder holds {journal}. "
            "Restore the journal's folder; or, if it is lost, say `dunnage worker --new-journal`: "
            "what was acknowledged and not yet stored is lost with it, and all lots are folded "
            "again from the store"
        )
    return row.offset


def write_cursor(session: Session, name: str, journal: str, offset: int) -> None:
    """Set the offset of ``name``, in the caller's transaction."""
    session.merge(Cursor(name=name, journal=journal, offset=offset))


def adopt_journal(session: Session, journal: str, start: int) -> None:
    """Let all consumers follow ``journal`` from ``start``, in place of the one they followed."""
    session.execute(update(Cursor).values(journal=journal, offset=start))
