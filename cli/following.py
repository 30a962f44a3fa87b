"""The rules' side of the worker: between the journal and the evaluator."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ingest.bind import Rosters, bind, parted
from ingest.first_times import FirstTimesNote
from ingest.formats import Decoded
from ingest.journal import Entry
from ingest.keeper import Keeper
from ingest.memories import Memories
from ingest.notes import Note, keep
from ingest.understanding import Understanding
from lots import registry
from rules.evaluator import Evaluator
from rules.versions import Packs

SETTLE_S = 1.0
SAVE_S = 30.0
PRESSED_SAVE_S = 2.0
"""While the journal has no room: it lets go of what a snapshot covers."""

RETRY_S = 0.5
CATCH_UP_S = 0.5
_log = structlog.get_logger("dunnage.rules")


def learnt(understanding: Understanding) -> tuple[Note, ...]:
    """What must be known of entries to read those after them: for one who writes how far it came.

    The keeper writes this too, but where the store is away it is far behind.
    """
    return FirstTimesNote(understanding.repeats), Memories(understanding.memory)


class RuleFollower:
    """Understands the journal's entries, binds readings to lots and evaluates; for one thread."""

    def __init__(
        self,
        evaluator: Evaluator,
        database: Engine,
        keeper: Keeper,
        understanding: Understanding,
        packs: Packs,
        stop: threading.Event,
    ) -> None:
        self._evaluator = evaluator
        self._packs = packs
        self.adopted = 0
        """How often changed packs were taken over."""
        self._database = database
        self._keeper = keeper
        self._notes = learnt(understanding)
        self._stop = stop
        self._rosters = Rosters()
        self._settled = self._saved = monotonic()
        self.evaluated = 0
        self.pressed = False
        """Whether the journal waits for room."""
        self.trouble: str | None = None
        """Why alerts are not written at the moment."""

    def restore(self, journal: str, start: int, end: int) -> int:
        """Where to follow the journal from; raises `CursorMismatch`."""
        offset = self._evaluator.restore(journal, start, end)
        self._refresh()
        return offset

    def take(self, entry: Entry, decoded: Decoded) -> None:
        """Evaluate one entry, and write what it changed before the next one."""
        if entry.tick is not None:
            self._evaluator.tick(entry.end, entry.tick)
        else:
            batch = decoded.batch
            for part in parted(batch, self._rosters.directory):
                self._evaluator.take(entry.end, bind(part, self._rosters.directory))
            self.evaluated += len(batch)
        if self._evaluator.pending:
            self._insist(self._evaluator.commit)

    def idle(self) -> None:
        """What is done about every second, and what about twice a minute."""
        now = monotonic()
        if now - self._settled >= SETTLE_S:
            self._insist(self._settle)
            self._settled = monotonic()
        if now - self._saved >= (PRESSED_SAVE_S if self.pressed else SAVE_S):
            self._insist(self._save)
            self._saved = monotonic()

    def close(self) -> None:
        """Leave a snapshot, so that the next start has nothing to fold again."""
        try:
            self._save()
        except DBAPIError as error:
            _log.warning("no snapshot: the registry does not answer", error=str(error.orig))
        self._evaluator.close()

    def _save(self) -> None:
        """A snapshot, and the notes before it: the journal is read on from there."""
        keep(self._database, self._notes)
        self._evaluator.save(self.pressed)

    def _settle(self) -> None:
        self._adopt()
        if self._evaluator.engine.dirty:
            self._await_keeper()
        self._evaluator.settle(self._keeper.offset)
        # After the requests to fold again were read, so that the rosters are at least as new.
        self._refresh()
        self._evaluator.commit()

    def _adopt(self) -> None:
        """Take changed packs over."""
        rules = self._packs.changed()
        if rules is not None and self._evaluator.adopt(rules):
            self._packs.taken(rules)
            self.adopted += 1
            _log.info("changed packs are in force", digest=rules.digest, rules=len(rules.rules))

    @property
    def packs_refused(self) -> str | None:
        """Why the packs that are there are not in force."""
        return self._packs.refused

    def _await_keeper(self) -> None:
        """Lots are folded again from the store, so it must have what the rules have seen."""
        patience = monotonic() + CATCH_UP_S
        while self._keeper.offset < self._evaluator.offset and monotonic() < patience:
            if self._keeper.trouble is not None or self._stop.wait(0.01):
                return

    def _refresh(self) -> None:
        with registry.reading(self._database) as session:
            self._rosters.refresh(session)

    def _insist(self, step: Callable[[], None]) -> None:
        """Do ``step`` until the registry answers: what was folded is not to be forgotten."""
        while not self._stop.is_set():
            try:
                step()
            except DBAPIError as error:
                if self.trouble is None:
                    _log.warning(
                        "the registry does not answer, trying again", error=str(error.orig)
                    )
                self.trouble = str(error.orig)
                self._stop.wait(RETRY_S)
                continue
            self.trouble = None
            return
