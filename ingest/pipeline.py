"""The way of a reading through ingest, as stages from batch to batch, and the loops that drive it.

broker -> Intake -> journal -> PUBACK
                       `-> follow -> understand -> Keeper.take -> store   (cursor ``store``)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ingest import formats
from ingest.errors import JournalFull, JournalUnwritable
from ingest.formats import Decoded, Kind, Memory, Rejected, Route
from ingest.journal import Entry, Journal
from ingest.message import Message
from ingest.repeats import Repeats
from ingest.screen import screen
from ingest.source import Source
from lots.readings.batch import concatenate

BATCH = 2_000
"""Messages that share one write to the disk, at most."""

BATCH_WAIT_S = 0.25
RETRY_S = 0.5
_log = logging.getLogger("dunnage.ingest")


@dataclass(frozen=True, slots=True)
class Understanding:
    """How entries become readings: ``routes`` by topic, ``memory`` for their formats."""

    routes: Sequence[Route]
    memory: Memory

    def __call__(self, entry: Entry, repeats: Repeats) -> Decoded:
        """What an entry says: decoded, screened, and without what ``repeats`` has seen."""
        decoded = self._decode(entry.messages)
        return replace(decoded, batch=repeats.drop(screen(decoded.batch)))

    def _decode(self, messages: Sequence[Message]) -> Decoded:
        try:
            return formats.decode(messages, self.routes, self.memory)
        except Exception:
            # A decoder must not stumble; if one does, that message alone pays for it.
            _log.exception("a decoder failed: trying its messages one by one")
            return _joined([self._alone(p, message) for p, message in enumerate(messages)])

    def _alone(self, position: int, message: Message) -> Decoded:
        try:
            one = formats.decode([message], self.routes, self.memory)
        except Exception as error:
            reason = f"the decoder failed on it ({error!r}): please report it as a fault of Dunnage"
            refused = [Rejected(position, None, Kind.UNUSABLE, reason)]
            return Decoded(concatenate([]), refused, [])
        return replace(one, rejected=[replace(each, position=position) for each in one.rejected])


def _joined(parts: Sequence[Decoded]) -> Decoded:
    return Decoded(
        concatenate(part.batch for part in parts),
        [each for part in parts for each in part.rejected],
        [ack for part in parts for ack in part.acks],
        [seen for part in parts for seen in part.sightings],
    )


class Intake:
    """From the broker into the journal; acknowledged only when the disk has it."""

    def __init__(self, source: Source, journal: Journal) -> None:
        self._source = source
        self._journal = journal
        self.trouble: str | None = None
        """Why nothing is taken in at the moment."""

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``. A full journal or disk makes it wait, and the broker hold the rest."""
        while not stop.is_set():
            delivery = self._source.take(BATCH, BATCH_WAIT_S)
            if delivery is None:
                continue
            while not self._kept(delivery.messages):
                if stop.wait(RETRY_S):
                    return
            self._source.acknowledge(delivery)

    def _kept(self, messages: Sequence[Message]) -> bool:
        try:
            self._journal.append(messages)
        except (JournalFull, JournalUnwritable) as error:
            if self.trouble is None:
                _log.error("nothing is taken in: %s", error)
            self.trouble = str(error)
            return False
        if self.trouble is not None:
            _log.warning("messages are taken in again")
        self.trouble = None
        return True


def follow(
    journal: Journal,
    offset: int,
    take: Callable[[Entry], None],
    idle: Callable[[], None],
    stop: threading.Event,
) -> None:
    """Hand every entry from ``offset`` on to ``take``, in order, until ``stop``.

    ``idle`` is called between portions and at least some times a second.
    """
    while not stop.is_set():
        entries = journal.read(offset)
        for entry in entries:
            if stop.is_set():
                return
            take(entry)
            offset = entry.end
        idle()
        if not entries:
            journal.wait(offset, BATCH_WAIT_S)
