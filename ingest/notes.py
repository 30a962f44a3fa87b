"""What is learnt from the journal beside readings, and written to the registry with the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ingest.formats import Decoded
from ingest.journal import Entry
from lots import registry


class Note(Protocol):
    """One kind of such knowledge, gathered until it is written; for one thread.

    An entry may be taken again after a crash: what is written then must be the same rows.
    """

    def take(self, entry: Entry, decoded: Decoded, /) -> None:
        """Gather what ``entry`` says; its readings are in the store."""
        ...

    def write(self, session: Session) -> None:
        """Write what was gathered, in the caller's transaction; `clear` once that is committed."""
        ...

    def clear(self) -> None: ...

    def expire(self, session: Session, before: int) -> None:
        """Forget what is older than ``before`` (ms), where it is not to be kept for ever."""
        ...


def keep(database: Engine, notes: Sequence[Note]) -> None:
    """Write what ``notes`` gathered in a transaction of its own."""
    with registry.writing(database) as session:
        for note in notes:
            note.write(session)
    for note in notes:
        note.clear()
