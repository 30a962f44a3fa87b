"""Tags that report and that nobody registered: remembered, for an operator to adopt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from lots.model import Tag, UnknownTag
from lots.readings.batch import ReadingBatch, TagKey


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was heard of one tag since the last note in the registry; ms, by the server's clock."""

    first: int
    last: int
    readings: int
    values: Mapping[str, float]


class Strangers:
    """Sightings by tag, until they are written."""

    def __init__(self) -> None:
        self._seen: dict[TagKey, Sighting] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def meet(self, batch: ReadingBatch, known: Mapping[str, Collection[str]]) -> None:
        """Note the tags of ``batch`` that are not in ``known``: tenant -> its tags."""
        for number, tag in enumerate(batch.tags):
            rows = np.flatnonzero(batch.tag == number)
            if len(rows) and tag.tag not in known.get(tag.tenant, ()):
                self._seen[tag] = _sighting(batch, rows, self._seen.get(tag))

    def introduce(self, session: Session) -> None:
        """Write them, in the caller's transaction; `clear` once that is committed."""
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


def _sighting(batch: ReadingBatch, rows: NDArray[np.intp], before: Sighting | None) -> Sighting:
    newest = int(rows[np.argmax(batch.time[rows])])
    received = batch.received[rows]
    return Sighting(
        first=before.first if before else int(received.min()),
        last=int(received.max()),
        readings=len(rows) + (before.readings if before else 0),
        values={
            name: float(column[newest])
            for name, column in batch.values.items()
            if np.isfinite(column[newest])
        },
    )
