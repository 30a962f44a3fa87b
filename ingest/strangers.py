"""Tags that report and that nobody registered: remembered, for an operator to adopt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete
from sqlalchemy.orm import Session

from ingest.bind import Rosters
from ingest.formats import Decoded
from ingest.journal import Entry
from lots.model import Tag, UnknownTag
from lots.readings.batch import ReadingBatch, TagKey


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one tag since the last note in the registry; ms, by the server's clock."""

    first: int
    last: int
    readings: int
    values: Mapping[str, float]


class Strangers:
    """What was heard, by tag, until they are written."""

    def __init__(self, rosters: Rosters) -> None:
        self._rosters = rosters
        self._seen: dict[TagKey, Heard] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def take(self, _entry: Entry, decoded: Decoded) -> None:
        """Note the tags that the registry does not have."""
        batch = decoded.batch
        for number in self._rosters.strange(batch.tags).tolist():
            tag = batch.tags[number]
            rows = np.flatnonzero(batch.tag == number)
            if len(rows):
                self._seen[tag] = _heard(batch, rows, self._seen.get(tag))

    def write(self, session: Session) -> None:
        for tag, seen in self._seen.items():
            if session.get(Tag, (tag.tenant, tag.tag)) is not None:
                continue  # adopted since
            row = session.get(UnknownTag, (tag.tenant, tag.tag))
            if row is None:
                row = UnknownTag(
                    tenant=tag.tenant, tag=tag.tag, first_seen=seen.first, readings=0, last_seen=0
                )
                session.add(row)
            row.readings += seen.readings
            row.last_seen = max(row.last_seen, seen.last)
            row.last_values = dict(seen.values)

    def clear(self) -> None:
        self._seen = {}

    def expire(self, session: Session, before: int) -> None:
        session.execute(delete(UnknownTag).where(UnknownTag.last_seen < before))


def _heard(batch: ReadingBatch, rows: NDArray[np.intp], before: Heard | None) -> Heard:
    newest = int(rows[np.argmax(batch.time[rows])])
    received = batch.received[rows]
    return Heard(
        first=before.first if before else int(received.min()),
        last=int(received.max()),
        readings=len(rows) + (before.readings if before else 0),
        values={
            name: float(column[newest])
            for name, column in batch.values.items()
            if np.isfinite(column[newest])
        },
    )
