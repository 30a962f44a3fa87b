"""Keeps what arrived: readings in the store, what could not be used among the dead letters."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from time import monotonic

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ingest.bind import Rosters
from ingest.dead_letters import DeadLetters
from ingest.first_times import FirstTimesNote
from ingest.formats import Decoded
from ingest.impossible_values import ImpossibleValues
from ingest.journal import Entry
from ingest.memories import Memories
from ingest.notes import Note
from ingest.pipeline import RETRY_S
from ingest.sightings import Sightings
from ingest.stale import StaleNote
from ingest.strangers import Strangers
from ingest.understanding import Understanding
from ingest.wrong_clocks import WrongClocks
from lots import registry
from lots.clock import DAY_MS, Clock
from lots.cursors import read_cursor, write_cursor
from lots.readings.batch import Bools, ReadingBatch
from lots.readings.store import ReadingStore, Refused, StoreMisconfigured, StoreUnavailable

CURSOR = "store"
EXPIRE_S = 3600.0
COMMIT_S = 0.5
"""The cursor is written this often: what is repeated after a crash is stored identically."""

COMMIT_SHARE, MAX_COMMIT_S = 20, 5.0
"""Less often where it takes long, as in a backlog, which touches the hours of many tags: one part
in so many of the time, but so often at least."""

_log = logging.getLogger("dunnage.ingest")


class Keeper:
    """The consumer of the journal that keeps readings, and the notes; for one thread."""

    def __init__(
        self,
        database: Engine,
        store: ReadingStore,
        understanding: Understanding,
        clock: Clock,
        keep_ms: int,
        stop: threading.Event,
    ) -> None:
        self._database = database
        self._store = store
        self._journal = understanding.journal.id
        self._clock = clock
        self._keep_ms = keep_ms
        self._stop = stop
        self._rosters = Rosters()
        self._memories = Memories(understanding.memory)
        self._times = FirstTimesNote(understanding.repeats)
        self._letters = DeadLetters(self._journal)
        self._notes: tuple[Note, ...] = (
            self._letters,
            Strangers(self._rosters),
            self._memories,
            self._times,
            StaleNote(clock),
            Sightings(),
        )
        self._clocks = WrongClocks()
        self._impossible = ImpossibleValues()
        self._due = self._expire_due = monotonic()
        self.offset = 0
        """The store has all readings up to here."""
        self.committed = 0
        """And the registry knows so: what is before is not needed from the journal."""
        self.stored = 0
        self.trouble: str | None = None
        """Why nothing is stored at the moment."""

    @property
    def dead_letters(self) -> int:
        """Messages and readings that could not be used, since the start."""
        return self._letters.written

    @property
    def wrong_clocks(self) -> str | None:
        """Which tags' clocks are wrong, in words."""
        return self._clocks.trouble

    @property
    def impossible_values(self) -> str | None:
        """Which tags say what cannot be, in words."""
        return self._impossible.trouble

    def restore(self, start: int) -> int:
        """Where to follow the journal from; raises `CursorMismatch`."""
        with registry.reading(self._database) as session:
            found = read_cursor(session, CURSOR, self._journal)
            self._rosters.refresh(session)
            self._memories.restore(session)
            self._times.restore(session)
        self.offset = self.committed = max(found, start)
        return self.offset

    def take(self, entry: Entry, decoded: Decoded) -> None:
        """Keep an entry's readings, however long the store makes us wait."""
        batch = self._of_tenants(decoded.batch)
        if batch is None:
            return
        refused = self._write(batch) if len(batch) else []
        if refused is None:
            return
        for each in refused:
            self._letters.refuse(batch, each.position, each.reason)
        self.stored += len(batch) - len(refused)
        kept = replace(decoded, batch=batch)
        now = self._clock.now_ms()
        self._clocks.take(kept, now)
        self._impossible.take(batch, now)
        for note in self._notes:
            note.take(entry, kept)
        self.offset = entry.end

    def idle(self) -> None:
        """Commit now and then; forget what is older than should be kept."""
        now = monotonic()
        if now >= self._due:
            self.commit()
            took = monotonic() - now
            self._due = now + max(COMMIT_S, min(took * COMMIT_SHARE, MAX_COMMIT_S))
        if now >= self._expire_due:
            self._expire()
            for troubles in (self._clocks, self._impossible):
                troubles.forget(self._clock.now_ms())
            self._expire_due = now + EXPIRE_S

    def _expire(self) -> None:
        before = self._clock.now_ms() - self._keep_ms
        try:
            self._store.expire(before - DAY_MS)  # the oldest that are taken in have their hour yet
            with registry.writing(self._database) as session:
                for note in self._notes:
                    note.expire(session, before)
        except (StoreUnavailable, StoreMisconfigured, DBAPIError) as error:
            _log.warning("old readings and dead letters stay for now: %s", error)

    def commit(self) -> None:
        """Write the cursor, with the notes from before it."""
        try:
            if self.offset > self.committed:
                self._commit()
            with registry.reading(self._database) as session:
                self._rosters.refresh(session)
        except DBAPIError as error:
            _log.warning("the registry does not answer, trying again: %s", error.orig)

    def _commit(self) -> None:
        with registry.writing(self._database) as session:
            for note in self._notes:
                note.write(session)
            write_cursor(session, CURSOR, self._journal, self.offset)
        for note in self._notes:
            note.clear()
        self.committed = self.offset

    def _write(self, batch: ReadingBatch) -> list[Refused] | None:
        """What the store refused; None where we are to stop before it answered."""
        while not self._stop.is_set():
            try:
                refused = self._store.write(batch)
            except (StoreUnavailable, StoreMisconfigured) as error:
                if self.trouble is None:
                    _log.error("readings wait in the journal: %s", error)
                self.trouble = str(error)
                self._stop.wait(RETRY_S)
                continue
            if self.trouble is not None:
                _log.warning("readings are stored again")
            self.trouble = None
            return refused
        return None

    def _of_tenants(self, batch: ReadingBatch) -> ReadingBatch | None:
        """Readings of tenants that there are: nobody could ever ask for the others.

        None where we are to stop before the registry told which there are.
        """
        unknown = self._unknown_tenants(batch)
        if unknown.any():
            if not self._ask_for_rosters():
                return None
            unknown = self._unknown_tenants(batch)
        if not unknown.any():
            return batch
        strange = unknown[batch.tag]
        for row in np.flatnonzero(strange).tolist():
            reason = "there is no such tenant: `dunnage tenants add`"
            self._letters.refuse(batch, row, reason)
        return batch.take(~strange)

    def _ask_for_rosters(self) -> bool:
        while not self._stop.is_set():
            try:
                with registry.reading(self._database) as session:
                    self._rosters.refresh(session)
            except DBAPIError as error:
                if self.trouble is None:
                    _log.warning("readings wait for the registry: %s", error.orig)
                self.trouble = f"the registry does not answer: {error.orig}"
                self._stop.wait(RETRY_S)
                continue
            self.trouble = None
            return True
        return False

    def _unknown_tenants(self, batch: ReadingBatch) -> Bools:
        """By tag of ``batch``."""
        known = self._rosters.by_tenant
        return np.asarray([tag.tenant not in known for tag in batch.tags], np.bool_)
