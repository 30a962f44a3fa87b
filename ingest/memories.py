"""What formats have to remember, kept in the registry, so that a restart forgets none of it.

Whoever writes how far it came in the journal writes this in the same transaction, or before: what
is read from there on may need what was said before it, and others may be far behind.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Insert, delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from ingest.formats import Decoded, Memory
from ingest.formats.memory import Remembered
from ingest.journal import Entry
from lots.model import FormatMemory


class Memories:
    """Writes what is fresh in ``memory``; one for each thread that writes."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._fresh: list[Remembered] = []

    def restore(self, session: Session) -> None:
        """Fill the memory with what the registry has."""
        rows = session.scalars(select(FormatMemory))
        self._memory.restore([Remembered(row.subject, row.since, row.value) for row in rows])

    def take(self, entry: Entry, decoded: Decoded) -> None:
        """The memory gathered it already."""

    def write(self, session: Session) -> None:
        self._fresh = self._memory.fresh()
        if self._fresh:
            session.execute(_upsert(session), [fact._asdict() for fact in self._fresh])

    def clear(self) -> None:
        self._memory.written(self._fresh)

    def expire(self, session: Session, before: int) -> None:
        """What was no longer so at ``before``; a birth of years ago may be the one in force."""
        later = aliased(FormatMemory)
        over = exists().where(
            later.subject == FormatMemory.subject,
            later.since > FormatMemory.since,
            later.since <= before,
        )
        session.execute(
            delete(FormatMemory).where(over), execution_options={"synchronize_session": False}
        )
        self._memory.forget(before)


def _upsert(session: Session) -> Insert:
    """Two threads may write at once. Of one ms the greater value stays, as `Memory` has it."""
    dialect = session.get_bind().dialect.name
    made: Any = (postgresql if dialect == "postgresql" else sqlite).insert(FormatMemory)
    new = made.excluded
    upsert: Insert = made.on_conflict_do_update(
        index_elements=["subject", "since"],
        set_={"value": new.value},
        where=FormatMemory.value < new.value,
    )
    return upsert
