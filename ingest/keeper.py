"""Keeps what arrived: readings in the store, what could not be used among the dead letters."""

from __future__ import annotations

import logging
import threading
from time import monotonic

import numpy as np
from sqlalchemy import Engine, delete
from sqlalchemy.exc import DBAPIError

from ingest import dead_letters
from ingest.bind import Rosters
from ingest.journal import Entry
from ingest.pipeline import RETRY_S, Understanding
from ingest.repeats import Repeats
from ingest.strangers import Strangers
from lots import registry
from lots.clock import Clock
from lots.cursors import read_cursor, write_cursor
from lots.model import DeadLetter
from lots.readings.batch import Bools, ReadingBatch
from lots.readings.store import ReadingStore, Refused, StoreMisconfigured, StoreUnavailable

CURSOR = "store"
EXPIRE_S = 3600.0
COMMIT_S = 0.5
"""The cursor is written this often: what is repeated after a crash is stored identically."""

_log = logging.getLogger("dunnage.ingest")


class Keeper:
    """The consumer of the journal that keeps readings; for one thread."""

    def __init__(
        self,
        database: Engine,
        store: ReadingStore,
        understand: Understanding,
        journal: str,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._database = database
        self._store = store
        self._understand = understand
        self._journal = journal
        self._clock = clock
        self._stop = stop
        self._repeats = Repeats()
        self._rosters = Rosters()
        self._letters: list[DeadLetter] = []
        self._strangers = Strangers()
        self._written = self._expire_due = monotonic()
        self.offset = 0
        """The store has all readings up to here."""
        self.committed = 0
        """And the registry knows so: what is before is not needed from the journal."""
        self.stored = 0
        self.dead_letters = 0
        self.trouble: str | None = None
        """Why nothing is stored at the moment."""

    def restore(self, start: int) -> int:
        """Where to follow the journal from; raises `CursorMismatch`."""
        with registry.reading(self._database) as session:
            found = read_cursor(session, CURSOR, self._journal)
            self._rosters.refresh(session)
        self.offset = self.committed = max(found, start)
        return self.offset

    def take(self, entry: Entry) -> None:
        """Keep an entry's readings, however long the store makes us wait."""
        decoded = self._understand(entry, self._repeats)
        self._letters += (
            dead_letters.of_message(self._journal, entry, each) for each in decoded.rejected
        )
        batch = self._of_tenants(entry, decoded.batch)
        if batch is None:
            return
        refused = self._write(batch) if len(batch) else []
        if refused is None:
            return
        self._letters += (
            dead_letters.of_reading(self._journal, entry, batch, each.position, each.reason)
            for each in refused
        )
        self.stored += len(batch) - len(refused)
        self._strangers.meet(batch, {t: r.known for t, r in self._rosters.by_tenant.items()})
        self.offset = entry.end

    def idle(self) -> None:
        """Commit now and then; forget what is older than should be kept."""
        now = monotonic()
        if now - self._written >= COMMIT_S:
            self.commit()
        if now >= self._expire_due:
            self._expire()
            self._expire_due = now + EXPIRE_S

    def _expire(self) -> None:
        before = self._clock.now_ms() - self._understand.keep_ms
        try:
            self._store.expire(before)
            with registry.writing(self._database) as session:
                session.execute(delete(DeadLetter).where(DeadLetter.received < before))
        except (StoreUnavailable, StoreMisconfigured, DBAPIError) as error:
            _log.warning("old readings and dead letters stay for now: %s", error)

    def commit(self) -> None:
        """Write the cursor, with the dead letters and unknown tags from before it."""
        self._written = monotonic()
        try:
            if self.offset > self.committed:
                self._commit()
            with registry.reading(self._database) as session:
                self._rosters.refresh(session)
        except DBAPIError as error:
            _log.warning("the registry does not answer, trying again: %s", error.orig)

    def _commit(self) -> None:
        with registry.writing(self._database) as session:
            for letter in self._letters:
                session.merge(letter)
            self._strangers.introduce(session)
            write_cursor(session, CURSOR, self._journal, self.offset)
        self.dead_letters += len(self._letters)
        self._letters.clear()
        self._strangers.clear()
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

    def _of_tenants(self, entry: Entry, batch: ReadingBatch) -> ReadingBatch | None:
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
        self._letters += (
            dead_letters.of_reading(
                self._journal, entry, batch, row, "there is no such tenant: `dunnage tenants add`"
            )
            for row in np.flatnonzero(strange).tolist()
        )
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
