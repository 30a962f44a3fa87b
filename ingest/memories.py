"""What formats have to remember, kept in the registry, so that a restart forgets none of it."""

from __future__ import annotations

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, aliased

from ingest.formats import Decoded, Memory
from ingest.formats.memory import Remembered
from ingest.journal import Entry
from lots.model import FormatMemory


class Memories:
    """Writes what is fresh in ``memory``."""

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
        for fact in self._fresh:
            session.merge(FormatMemory(subject=fact.subject, since=fact.since, value=fact.value))

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
