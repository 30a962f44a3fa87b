"""What the journal's entries say: understood once, for all who follow the journal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ingest import formats
from ingest.formats import Decoded, Kind, Memory, Rejected, Route
from ingest.journal import Entry, Journal, joined
from ingest.message import Messages
from ingest.repeats import Repeats
from ingest.screen import screen
from lots.readings.batch import concatenate

BATCH = 4_000
"""Messages that are understood together, at most: each stage costs little more for many."""

BATCH_BYTES = 2 << 20
RECENT_BYTES = 64 << 20
"""Of batches that stay for those who follow behind, by the size of their columns."""

_log = logging.getLogger("dunnage.ingest")


class Understood(NamedTuple):
    """Entries of the journal as one, and what they say."""

    entry: Entry
    decoded: Decoded

    @property
    def size(self) -> int:
        """Bytes of it, roughly."""
        batch = self.decoded.batch
        return self.entry.end - self.entry.offset + 8 * len(batch) * (len(batch.values) + 6)


class Understanding:
    """Of one journal: ``routes`` by topic, ``memory`` for their formats; from any thread."""

    def __init__(
        self, journal: Journal, routes: Sequence[Route], memory: Memory, repeats: Repeats
    ) -> None:
        self.journal = journal
        self.memory = memory
        self.repeats = repeats
        self._routing = formats.Routing(routes)
        self._lock = threading.Lock()
        self._recent: dict[int, Understood] = {}
        self._readers: dict[object, int] = {}

    def after(self, offset: int, reader: object = None) -> Understood | None:
        """What follows ``offset``; None at the journal's end. Raises what `Journal.read` does.

        ``reader`` reads on from there and not before. Who follows behind another gets the same
        batch, as long as there is room for what lies between them.
        """
        with self._lock:
            self._readers[reader] = offset
            self._forget_before(min(self._readers.values()))
            found = self._recent.get(offset)
            if found is not None:
                return found
            entry = self._entry(offset)
            if entry is None:
                return None
            found = Understood(entry, self._understand(entry.messages))
            if any(at <= offset for who, at in self._readers.items() if who is not reader):
                self._recent[offset] = found
                self._make_room()
            return found

    @property
    def held_bytes(self) -> int:
        """Of batches that somebody has yet to read, roughly."""
        return sum(each.size for each in self._recent.values())

    def _forget_before(self, offset: int) -> None:
        """What everybody has read."""
        for passed in [begin for begin in self._recent if begin < offset]:
            del self._recent[passed]

    def _make_room(self) -> None:
        """Who is furthest behind does without: the others are nearer to each other."""
        while self.held_bytes > RECENT_BYTES:
            del self._recent[min(self._recent)]

    def _entry(self, offset: int) -> Entry | None:
        """As many entries as may go together: a tick stands alone, its place in time matters."""
        entries = self.journal.read(offset)
        together: list[Entry] = []
        count = size = 0
        for entry in entries:
            count += len(entry.messages)
            size += entry.end - entry.offset
            # Up to where another's batch begins, so that it can be shared from there on.
            alone = entry.tick is not None or entry.offset in self._recent
            if together and (alone or count > BATCH or size > BATCH_BYTES):
                break
            together.append(entry)
            if entry.tick is not None:
                break
        return joined(together) if together else None

    def _understand(self, messages: Messages) -> Decoded:
        """Decoded, screened, and with the times of first deliveries."""
        decoded = self._decode(messages)
        return replace(decoded, batch=self.repeats.settle(screen(decoded.batch)))

    def _decode(self, messages: Messages) -> Decoded:
        try:
            return self._routing.decode(messages, self.memory)
        except Exception:
            # A decoder must not stumble; if one does, that message alone pays for it.
            _log.exception("a decoder failed: trying its messages one by one")
            return formats.together([self._alone(messages, n) for n in range(len(messages))])

    def _alone(self, messages: Messages, position: int) -> Decoded:
        try:
            one = self._routing.decode(messages.part(position, position + 1), self.memory)
        except Exception as error:
            reason = f"the decoder failed on it ({error!r}): please report it as a fault of Dunnage"
            refused = [Rejected(position, None, Kind.UNUSABLE, reason)]
            return Decoded(concatenate([]), refused, [])
        return replace(one, rejected=[replace(each, position=position) for each in one.rejected])
