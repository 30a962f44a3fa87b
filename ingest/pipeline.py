"""The way of a reading through ingest, as stages from batch to batch, and the loops that drive it.

broker -> Intake -> journal -> PUBACK
                       `-> follow -> understand -> Keeper.take -> store   (cursor ``store``)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from ingest.errors import JournalFull, JournalUnwritable
from ingest.formats import Decoded
from ingest.journal import Entry, Journal
from ingest.message import Messages
from ingest.source import Source
from ingest.understanding import Understanding

BATCH = 2_000
"""Messages that share one write to the disk, at most."""

BATCH_WAIT_S = 0.25
RETRY_S = 0.5
_log = logging.getLogger("dunnage.ingest")


class Intake:
    """From the broker into the journal; acknowledged only when the disk has it."""

    def __init__(self, source: Source, journal: Journal) -> None:
        self._source = source
        self._journal = journal
        self.trouble: str | None = None
        """Why nothing is taken in at the moment."""
        self.heartbeat = monotonic()
        """When it last came round."""

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``. A full journal or disk makes it wait, and the broker hold the rest."""
        while not stop.is_set():
            self.heartbeat = monotonic()
            delivery = self._source.take(BATCH, BATCH_WAIT_S)
            if delivery is None:
                continue
            while not self._kept(delivery.messages):
                if stop.wait(RETRY_S):
                    return
            self._source.acknowledge(delivery)

    def _kept(self, messages: Messages) -> bool:
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
    understanding: Understanding,
    offset: int,
    take: Callable[[Entry, Decoded], None],
    idle: Callable[[], None],
    stop: threading.Event,
) -> None:
    """Hand what stands in the journal from ``offset`` on to ``take``, in order, until ``stop``.

    ``idle`` is called between portions and at least some times a second.
    """
    reader = object()
    while not stop.is_set():
        found = understanding.after(offset, reader)
        if found is None:
            understanding.journal.wait(offset, BATCH_WAIT_S)
        else:
            take(found.entry, found.decoded)
            offset = found.entry.end
        idle()
