"""Our own acknowledgement: tells tags that ask which of their readings are safe.

The broker's acknowledgement to a device is not durable, the journal is. What is told here comes
from the journal, so it is safe; and it is told from memory, so the registry may be away: what is
known is written there now and then, and after a start the journal is read on from there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
from sqlalchemy import Engine, Insert, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from ingest.formats import AckWanted, Decoded
from ingest.journal import Entry
from ingest.notes import Note
from ingest.sequences import Changes, Kept, Safe, Sequences
from lots import registry
from lots.clock import Clock
from lots.cursors import read_cursor, write_cursor
from lots.model import TagSequence, Tenant
from lots.readings.batch import Ints, ReadingBatch, TagKey

CURSOR = "sequences"
WRITE_S = 1.0
SHARE = 0.1
"""Of the time, at most, that writing takes: with very many tags it is done less often."""

EXPIRE_S = 3600.0
PATIENCE_S = 1.0
"""How long a question may wait to learn whether a tenant that nobody knew is there by now."""

_log = logging.getLogger("dunnage.ingest")

_TABLE = cast(Table, TagSequence.__table__)
_ADVANCE = (
    update(_TABLE)
    .where(_TABLE.c.tenant == bindparam("of"), _TABLE.c.tag == bindparam("by"))
    .values(high=bindparam("high"), heard=bindparam("heard"))
)


class _Writing(NamedTuple):
    """A transaction that is under way, in a thread of its own."""

    thread: threading.Thread
    changes: Changes
    offset: int
    done: threading.Event


class Answers:
    """The consumer of the journal that answers tags; for one thread.

    ``publish``  topic, payload -> sends it, at QoS 0
    ``keep_ms``  a tag that was not heard of for so long is forgotten
    ``notes``    what must be known of entries to read those after them: written with the cursor,
                 since keeper and rules may be far behind
    """

    def __init__(
        self,
        database: Engine,
        journal: str,
        publish: Callable[[str, bytes], None],
        clock: Clock,
        keep_ms: int,
        notes: Sequence[Note] = (),
    ) -> None:
        self._database = database
        self._notes = notes
        self._journal = journal
        self._publish = publish
        self._clock = clock
        self._keep_ms = keep_ms
        self._tenants = _Tenants(database)
        self._sequences = Sequences()
        self._writing: _Writing | None = None
        self._due = self._expire_due = monotonic()
        self.offset = 0
        """What was taken up to here is known."""
        self.committed = 0
        """And the registry has it: what is before is not needed from the journal."""
        self.sent = 0

    @property
    def missing(self) -> int:
        """Readings that are known not to have come, of all tags."""
        return self._sequences.missing

    def restore(self, start: int) -> int:
        """Where to follow the journal from; raises `CursorMismatch`."""
        with registry.reading(self._database) as session:
            found = read_cursor(session, CURSOR, self._journal)
            self._sequences.restore(_all_kept(session))
        self._tenants.refresh()
        self.offset = self.committed = max(found, start)
        return self.offset

    def take(self, entry: Entry, decoded: Decoded) -> None:
        """Note what came in an entry, and answer who asks in it."""
        if len(entry.messages):
            known = self._tenants.known(_tenants_of(decoded))
            self._note(decoded.batch, known, decoded.framed)
            self._note_spent(decoded, known, int(entry.messages.received[-1]))
            for wanted in decoded.acks:
                if wanted.tenant in known:
                    self._answer(wanted)
        self.offset = entry.end

    def idle(self) -> None:
        """Write now and then, and see whether what was being written is."""
        writing = self._writing
        if writing is not None and not writing.thread.is_alive():
            self._finish(writing)
        if self._writing is None and monotonic() >= self._due:
            self._begin()

    def close(self, patience_s: float) -> None:
        """Write what is known, in ``patience_s`` at most."""
        patience = monotonic() + patience_s
        while monotonic() < patience and (self._writing or self.committed < self.offset):
            if self._writing is None:
                self._begin()
            elif self._writing.thread.is_alive():
                self._writing.thread.join(max(0.0, patience - monotonic()))
            elif not self._finish(self._writing):
                return

    # Noting and answering

    def _note(self, batch: ReadingBatch, known: set[str], framed: frozenset[TagKey]) -> None:
        passed = np.asarray(
            [tag.tenant not in known or tag in framed for tag in batch.tags], np.bool_
        )
        rows = slice(None) if not passed.any() else ~passed[batch.tag]
        columns = (batch.tag, batch.boot, batch.seq, batch.received)
        self._sequences.take(batch.tags, *(column[rows] for column in columns))

    def _note_spent(self, decoded: Decoded, known: set[str], at: int) -> None:
        """A dead letter is as safe as a reading: it is not to be sent again."""
        spent = [
            each
            for each in decoded.spent
            if each.tag.tenant in known and each.tag not in decoded.framed
        ]
        if spent:
            n = len(spent)
            columns: Ints = np.array([(each.boot, each.seq, at) for each in spent], np.int64).T
            self._sequences.take([each.tag for each in spent], np.arange(n), *columns)

    def _answer(self, wanted: AckWanted) -> None:
        tag = TagKey(wanted.tenant, wanted.tag)
        safe = self._sequences.safe(tag, wanted.boot, wanted.seq, wanted.first)
        if safe is not None:
            self._publish(f"dunnage/v1/{tag.tenant}/{tag.tag}/ack", _told(wanted.boot, safe))
            self.sent += 1

    # The registry

    def _begin(self) -> None:
        """In a thread of its own: a registry that says nothing must not keep an answer waiting."""
        self._due = monotonic() + WRITE_S
        changes, done = self._sequences.changes(), threading.Event()
        work = (changes, self.offset, done)
        thread = threading.Thread(
            target=self._write, args=work, name="sequences-writing", daemon=True
        )
        self._writing = _Writing(thread, *work)
        thread.start()

    def _finish(self, writing: _Writing) -> bool:
        """Whether it was written."""
        self._writing = None
        if writing.done.is_set():
            self.committed = writing.offset
        else:
            self._sequences.unwritten(writing.changes)
        return writing.done.is_set()

    def _write(self, changes: Changes, offset: int, done: threading.Event) -> None:
        begun = monotonic()
        try:
            if offset > self.committed:
                with registry.writing(self._database) as session:
                    for note in self._notes:
                        note.write(session)
                    _write_changes(session, changes)
                    write_cursor(session, CURSOR, self._journal, offset)
                for note in self._notes:
                    note.clear()
            done.set()
            self._tenants.refresh()
            self._expire()
        except SQLAlchemyError as error:
            _log.warning("the registry does not answer, trying again: %s", _words(error))
        took = monotonic() - begun
        self._due = max(self._due, begun + took / SHARE)

    def _expire(self) -> None:
        if monotonic() < self._expire_due:
            return
        before = self._clock.now_ms() - self._keep_ms
        with registry.writing(self._database) as session:
            session.execute(delete(TagSequence).where(TagSequence.heard < before))
        self._expire_due = monotonic() + EXPIRE_S


class _Tenants:
    """Which tenants there are; from any thread."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._known: frozenset[str] = frozenset()
        self._answers = True

    def refresh(self) -> None:
        """Ask the registry; raises `SQLAlchemyError`."""
        with registry.reading(self._database) as session:
            self._known = frozenset(session.scalars(select(Tenant.id)))
        self._answers = True

    def known(self, names: set[str]) -> set[str]:
        """Those of ``names`` that there are.

        One that was made just now is asked for. While the registry is away nobody waits for it:
        no tenant can be made then.
        """
        if self._answers and not names <= self._known:
            self._ask()
        return names & self._known

    def _ask(self) -> None:
        self._answers = False  # until it has

        def ask() -> None:
            try:
                self.refresh()
            except SQLAlchemyError as error:
                _log.warning("the registry does not answer, trying again: %s", _words(error))

        thread = threading.Thread(target=ask, name="sequences-asking", daemon=True)
        thread.start()
        thread.join(PATIENCE_S)


def _tenants_of(decoded: Decoded) -> set[str]:
    """All that are in it."""
    tags = {tag.tenant for tag in decoded.batch.tags}
    return tags.union(
        (each.tag.tenant for each in decoded.spent), (each.tenant for each in decoded.acks)
    )


def _told(boot: int, safe: Safe) -> bytes:
    return msgspec.json.encode({"boot": boot, "seq": safe.seq, "missing": safe.missing})


def _words(error: SQLAlchemyError) -> object:
    return error.orig if isinstance(error, DBAPIError) else error


def _all_kept(session: Session) -> Iterator[Kept]:
    for tenant, tag, *rest in session.execute(select(*_TABLE.c)):
        yield Kept(TagKey(tenant, tag), *rest)


def _write_changes(session: Session, changes: Changes) -> None:
    """Whole rows where more than the highest number changed."""
    connection = session.connection()
    if changes.reshaped:
        rows = [
            dict(zip(_TABLE.c.keys(), (*kept.tag, *kept[1:]), strict=True))
            for kept in changes.reshaped
        ]
        connection.execute(_upsert(connection.dialect.name), rows)
    if changes.advanced:
        connection.execute(
            _ADVANCE,
            [
                {"of": kept.tag.tenant, "by": kept.tag.tag, "high": kept.high, "heard": kept.heard}
                for kept in changes.advanced
            ],
        )


def _upsert(dialect: str) -> Insert:
    made: Any = (postgresql if dialect == "postgresql" else sqlite).insert(_TABLE)
    new = {name: made.excluded[name] for name in ("boot", "low", "high", "heard", "more")}
    upsert: Insert = made.on_conflict_do_update(index_elements=["tenant", "tag"], set_=new)
    return upsert
