"""What formats have to remember, kept in the registry, so that a restart forgets none of it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

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
        """A birth of years ago may be the one in force."""
