"""What `Repeats` remembers, kept in the registry, so that a restart forgets none of it.

Whoever writes how far it came in the journal writes this in the same transaction, or before: then
nothing that is read again afterwards is given another time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Insert, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ingest.formats import Decoded
from ingest.journal import Entry
from ingest.repeats import Page, Repeats
from lots.model import FirstTimes
from lots.readings.batch import TagKey


class FirstTimesNote:
    """Writes what is fresh in ``repeats``; one for each thread that writes."""

    def __init__(self, repeats: Repeats) -> None:
        self._repeats = repeats
        self._fresh: list[Page] = []

    def restore(self, session: Session) -> None:
        """Fill the memory with what the registry has."""
        table = FirstTimes.__table__.c
        rows = session.execute(
            select(table.tenant, table.tag, table.slot, table.number, table.newest, table.readings)
        )
        self._repeats.restore(Page(TagKey(tenant, tag), *rest) for tenant, tag, *rest in rows)

    def take(self, entry: Entry, decoded: Decoded) -> None:
        """The memory gathered it already."""

    def write(self, session: Session) -> None:
        self._fresh = self._repeats.fresh()
        if self._fresh:
            rows = [_row(page) for page in self._fresh]
            session.execute(_upsert(session), rows)

    def clear(self) -> None:
        self._repeats.written(self._fresh)
        self._fresh = []

    def expire(self, session: Session, before: int) -> None:
        session.execute(delete(FirstTimes).where(FirstTimes.newest < before))


def _row(page: Page) -> dict[str, Any]:
    return {
        "tenant": page.tag.tenant,
        "tag": page.tag.tag,
        "slot": page.slot,
        "number": page.number,
        "newest": page.newest,
        "readings": page.readings,
    }


def _upsert(session: Session) -> Insert:
    """Two threads may write at once: what is newer stays."""
    if session.get_bind().dialect.name == "postgresql":
        made: Any = postgresql.insert(FirstTimes)
    else:
        made = sqlite.insert(FirstTimes)
    new = made.excluded
    upsert: Insert = made.on_conflict_do_update(
        index_elements=["tenant", "tag", "slot"],
        set_={"number": new.number, "newest": new.newest, "readings": new.readings},
        where=FirstTimes.number < new.number,
    )
    return upsert
