"""Which hours' rollups the readings that came make stale: written with the cursor."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from sqlalchemy.orm import Session

from ingest.formats import Decoded
from ingest.journal import Entry
from lots.clock import HOUR_MS, Clock
from lots.readings import rollup_marks
from lots.readings.batch import TagKey
from lots.readings.rollup_marks import Span


class StaleNote:
    """Notes each tag and hour that a reading is in.

    The rollups of an hour are not made before it is over. So a tag of which that is written is not
    noted again for this hour until then: nearly all readings are of the present one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gathered: dict[int, set[TagKey]] = {}  # hour, in hours since 1970 -> tags
        self._written: dict[int, set[TagKey]] = {}  # the same, of hours that are not over

    def take(self, _entry: Entry, decoded: Decoded) -> None:
        batch = decoded.batch
        if not len(batch):
            return
        hour = batch.time // HOUR_MS
        first, last = int(hour.min()), int(hour.max())
        if first == last:
            # Not all of its tags need have a reading left.
            there = np.flatnonzero(np.bincount(batch.tag, minlength=len(batch.tags)))
            self._gather(first, (batch.tags[tag] for tag in there.tolist()))
            return
        n = len(batch.tags)
        # One number for both, by hour and then by tag: sorting it groups the tags of each hour.
        both = np.unique((hour - first) * n + batch.tag)
        hours, edges = np.unique(both // n, return_index=True)
        parts = np.split(both % n, edges[1:])
        for each, tags in zip((hours + first).tolist(), parts, strict=True):
            self._gather(each, (batch.tags[tag] for tag in tags.tolist()))

    def write(self, session: Session) -> None:
        rollup_marks.mark(session, HOUR_MS, self._spans())

    def clear(self) -> None:
        now = self._clock.now_ms() // HOUR_MS
        for hour, tags in self._gathered.items():
            if hour >= now:
                self._written.setdefault(hour, set()).update(tags)
        for hour in [hour for hour in self._written if hour < now]:
            del self._written[hour]
        self._gathered = {}

    def expire(self, _session: Session, _before: int) -> None:
        """Who makes the rollups knows which can no longer be made."""

    def _gather(self, hour: int, tags: Iterable[TagKey]) -> None:
        found = set(tags)
        if hour in self._written and hour >= self._clock.now_ms() // HOUR_MS:
            found -= self._written[hour]
        if found:
            self._gathered.setdefault(hour, set()).update(found)

    def _spans(self) -> Iterator[Span]:
        """A tag's hours in a row are one: a backlog of a year is a few."""
        hours: dict[TagKey, list[int]] = {}
        for hour in sorted(self._gathered):
            for tag in self._gathered[hour]:
                hours.setdefault(tag, []).append(hour)
        now = self._clock.now_ms()
        for tag, found in hours.items():
            begins = found[0]
            for hour, following in itertools.pairwise([*found, -1]):
                if following != hour + 1:
                    span = Span(tag, begins * HOUR_MS, hour * HOUR_MS)
                    yield from rollup_marks.apart(span, HOUR_MS, now)
                    begins = following
