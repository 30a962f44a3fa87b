"""Makes the rollups that are stale: hours from raw readings once they are over, days from hours.

What is made is written to the store first, and its mark is removed after: a crash in between has
it made again, with the same result.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lots import registry
from lots.calibration import corrections_of
from lots.climate import Corrections
from lots.clock import DAY_MS, HOUR_MS, Clock
from lots.readings import rollup_marks
from lots.readings.batch import TagKey
from lots.readings.rollup_marks import OPEN, Span, Stale
from lots.readings.rollup_windows import Hours, remade, windows
from lots.readings.rollups import REACH_MS, daily
from lots.readings.store import ReadingStore, Rollups, StoreMisconfigured, StoreUnavailable

GRACE_MS = 5 * 60_000
"""After an hour is over: most of its readings are there by then. The others have it made again."""

MARKS = 1_000
STEPS = 4_000
"""Marks, and hours or days, that are worked on at once."""

BREATH_S = 0.05
"""Between two portions: whoever takes readings in goes first."""

RETRY_S = 2.0
PAUSES_S = (0.25, 20.0)
"""How long to wait at least and at most where nothing is due."""

_log = logging.getLogger("dunnage.rollups")


class _Work(NamedTuple):
    """What of a mark is made now; ``rest``: the last step that is left for later, None: none."""

    stale: Stale
    begins: int
    ends: int
    rest: int | None


class RollupMaker:
    """For one thread of one worker."""

    def __init__(self, database: Engine, store: ReadingStore, clock: Clock, keep_ms: int) -> None:
        """``keep_ms``: for how long raw readings are kept."""
        self._database = database
        self._store = store
        self._clock = clock
        self._keep_ms = keep_ms
        self.made = 0
        """Hours and days."""
        self.trouble: str | None = None
        """Why nothing is made at the moment."""
        self.heartbeat = monotonic()
        """When it last came round, or to the next window or day: a portion may take minutes."""

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``, whether store and registry answer or not."""
        least, most = PAUSES_S
        while not stop.is_set():
            self.heartbeat = monotonic()
            try:
                busy = self.make_due(stop)
            except (StoreUnavailable, StoreMisconfigured, DBAPIError) as error:
                reason = error.orig if isinstance(error, DBAPIError) else error
                if self.trouble is None:
                    _log.warning("rollups wait: %s", reason)
                self.trouble = str(reason)
                stop.wait(RETRY_S)
                continue
            self.trouble = None
            idle = min(max(self._clock.real_seconds(60_000), least), most)
            stop.wait(BREATH_S if busy else idle)

    def make_due(self, stop: threading.Event | None = None) -> bool:
        """Make a portion of what is due; False where nothing is left. Raises what the stores do."""
        stop = stop or threading.Event()
        hours = self._make_hours(stop)
        days = not stop.is_set() and self._make_days()
        return hours or days

    def _make_hours(self, stop: threading.Event) -> bool:
        now = self._clock.now_ms()
        before = (now - GRACE_MS) // HOUR_MS * HOUR_MS
        # The store keeps a day more than is taken in, so that the last hours have all of theirs.
        oldest = (now - self._keep_ms - DAY_MS) // HOUR_MS * HOUR_MS
        with registry.reading(self._database) as session:
            due = rollup_marks.due(session, HOUR_MS, before, MARKS)
            corrections = _corrections(session, due)  # after the marks: at least as new
        work = list(_portion(due, HOUR_MS, before, oldest))
        made: list[tuple[TagKey, Rollups]] = []
        touched: list[Span] = []
        for tag, hours in _by_tag(work).items():
            for window in windows(hours):
                if stop.is_set():
                    return False
                self.heartbeat = monotonic()
                of_tag = corrections.get(tag, {})
                (first, last), found = remade(self._store, tag, of_tag, window, before)
                found = self._no_worse(tag, found, now)
                if len(found):
                    made.append((tag, found))
                    touched.append(Span(tag, first, last - HOUR_MS))
        self._store.write_rollups(HOUR_MS, made)
        self._finish(HOUR_MS, work, rollup_marks.days_of(touched, now))
        self.made += sum(len(found) for _, found in made)
        return bool(due)

    def _make_days(self) -> bool:
        before = (self._clock.now_ms() - GRACE_MS) // DAY_MS * DAY_MS
        with registry.reading(self._database) as session:
            due = rollup_marks.due(session, DAY_MS, before, MARKS)
        work = list(_portion(due, DAY_MS, before, -OPEN))
        made = [
            (each.stale.span.tag, daily(hours))
            for each in work
            if len(hours := self._hours_of(each))
        ]
        self._store.write_rollups(DAY_MS, made)
        self._finish(DAY_MS, work, [])
        self.made += sum(len(found) for _, found in made)
        return bool(due)

    def _hours_of(self, each: _Work) -> Rollups:
        self.heartbeat = monotonic()
        return self._store.rollups(each.stale.span.tag, each.begins, each.ends, HOUR_MS)

    def _no_worse(self, tag: TagKey, found: Rollups, now: int) -> Rollups:
        """Without the hours of which less is there now than was when they were made first.

        Raw readings expire, and what is left of an hour must not take the place of all of it.
        """
        start = found.statistics.start
        safe = now - self._keep_ms + REACH_MS
        if not len(found) or start[0] >= safe:
            return found
        known = self._store.rollups(tag, int(start[0]), safe, HOUR_MS)
        at = np.searchsorted(start, known.statistics.start)
        at = np.minimum(at, len(start) - 1)
        less = known.covered > found.covered[at]
        for name, count in known.statistics.count.items():
            mine = found.statistics.count.get(name, np.zeros(len(start), np.int64))
            less |= count > mine[at]
        less &= start[at] == known.statistics.start
        return found.take(np.delete(np.arange(len(start)), at[less]))

    def _finish(self, step: int, work: Sequence[_Work], days: Sequence[Span]) -> None:
        if not work:
            return
        with registry.writing(self._database) as session:
            rollup_marks.mark(session, DAY_MS, days)
            rollup_marks.done(session, step, [each.stale for each in work if each.rest is None])
            left = [(each.stale, each.rest) for each in work if each.rest is not None]
            rollup_marks.shorten(session, step, left)


def _portion(due: Sequence[Stale], step: int, before: int, oldest: int) -> Iterator[_Work]:
    """`STEPS` of what is due, of a long span the newest; what is too old to be made is done."""
    left = STEPS
    for stale in due:
        begins = max(stale.span.start, oldest)
        ends = max(begins, min(stale.span.until + step, before))
        first = max(begins, ends - left * step)
        yield _Work(stale, first, ends, None if first == begins else first - step)
        left -= (ends - first) // step
        if left <= 0:
            return


def _by_tag(work: Sequence[_Work]) -> dict[TagKey, list[Hours]]:
    found: dict[TagKey, list[Hours]] = {}
    for each in work:
        found.setdefault(each.stale.span.tag, []).append((each.begins, each.ends))
    return found


def _corrections(session: Session, due: Sequence[Stale]) -> dict[TagKey, Corrections]:
    found: dict[TagKey, Corrections] = {}
    for tenant in {stale.span.tag.tenant for stale in due}:
        tags = {stale.span.tag.tag for stale in due if stale.span.tag.tenant == tenant}
        of_tags = corrections_of(session, tenant, tags)
        found |= {TagKey(tenant, tag): each for tag, each in of_tags.items()}
    return found
