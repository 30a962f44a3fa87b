"""From the inbox in the registry into the journal: what the API and the command line hand in."""

from __future__ import annotations

import logging
import threading
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ingest.errors import JournalFull, JournalUnwritable
from ingest.journal import Journal
from ingest.message import Message
from lots import inbox, registry

POLL_S = 1.0
MESSAGES = 64
"""That share an entry of the journal, at most."""

MAX_BYTES = 1 << 20
"""Of one entry: what comes from the broker meanwhile is not to wait behind an import."""

_log = logging.getLogger("dunnage.ingest")


class Inbox:
    """Moves messages, the oldest first; for one thread.

    A message is taken out of the registry once the journal has it. A crash in between gives it
    twice: topic, payload and time of receipt are the same, so its readings are too.
    """

    def __init__(self, database: Engine, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._taken: list[int] = []  # in the journal, and perhaps still in the registry
        self.moved = 0
        self.trouble: str | None = None
        """Why nothing is taken from it at the moment."""
        self.heartbeat = monotonic()
        """When it last came round."""

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``; a registry that is away and a full journal are waited for."""
        while not stop.is_set():
            self.heartbeat = monotonic()
            if not self._move():
                stop.wait(POLL_S)

    def _move(self) -> bool:
        """Take a portion; whether there may be more at once."""
        try:
            return self._move_portion()
        except DBAPIError as error:
            self._wait(f"the registry does not answer: {error.orig}")
        except (JournalFull, JournalUnwritable) as error:
            self._wait(str(error))
        return False

    def _move_portion(self) -> bool:
        self._drop_taken()
        with registry.reading(self._database) as session:
            rows = inbox.oldest(session, MESSAGES, MAX_BYTES)
        if rows:
            self._journal.append([Message(row.received, row.topic, row.payload) for row in rows])
            self._taken = [row.id for row in rows]
            self.moved += len(rows)
            self._drop_taken()
        if self.trouble is not None:
            _log.warning("the inbox is taken from again")
        self.trouble = None
        return bool(rows)

    def _drop_taken(self) -> None:
        if self._taken:
            with registry.writing(self._database) as session:
                inbox.drop(session, self._taken)
            self._taken = []

    def _wait(self, why: str) -> None:
        if self.trouble is None:
            _log.warning("nothing is taken from the inbox: %s", why)
        self.trouble = why
