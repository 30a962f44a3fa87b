"""Delivers the outbox: at least once each, with growing pauses, until somebody takes it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any, Protocol

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from lots import registry
from lots.clock import Clock
from lots.model import Outgoing
from rules.channels.webhook import Undelivered

BATCH = 100
FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 600_000
GIVE_UP_MS = 3 * 24 * 3_600_000
"""After so long nobody can act on it; the message stays in the outbox with its error."""

_log = structlog.get_logger("dunnage.outbox")


class Channel(Protocol):
    def send(self, message: str, address: str, payload: Mapping[str, Any], now: int) -> None:
        """Deliver, or raise `Undelivered`."""
        ...

    def close(self) -> None: ...


class Outbox:
    """Sends what is due; for one thread. Uses the true time: the world outside runs by it."""

    def __init__(self, database: Engine, channels: Mapping[str, Channel]) -> None:
        self._database = database
        self._channels = channels
        self._clock = Clock()
        self.sent = 0
        self.failed = 0
        self.heartbeat = monotonic()
        """When it last came round, or to the next message."""

    def run(self, stop: threading.Event, pause_s: float = 0.5) -> None:
        """Until ``stop``."""
        while not stop.is_set():
            self.heartbeat = monotonic()
            try:
                done = self.deliver(stop)
            except DBAPIError as error:
                _log.warning("the registry does not answer, trying again", error=str(error.orig))
                done = 0
            if not done:
                stop.wait(pause_s)
        for channel in self._channels.values():
            channel.close()

    def deliver(self, stop: threading.Event | None = None) -> int:
        """Try what is due, the oldest first and until ``stop``; returns how many were due."""
        now = self._clock.now_ms()
        with registry.reading(self._database) as session:
            due = session.scalars(
                select(Outgoing.id)
                .where(Outgoing.sent.is_(None), Outgoing.next_attempt <= now)
                .order_by(Outgoing.created)
                .limit(BATCH)
            ).all()
        for id_ in due:
            if stop is not None and stop.is_set():
                break
            self.heartbeat = monotonic()
            # Each at its own now: the one before may have kept us waiting, and receivers refuse
            # what was signed minutes ago.
            with registry.reading(self._database) as session:
                # As it is now: its words may have changed while the others were tried.
                message = session.get(Outgoing, id_)
            if message is not None:
                self._try(message, self._clock.now_ms())
        return len(due)

    def waiting(self) -> int:
        """How many messages are still to be delivered."""
        with registry.reading(self._database) as session:
            query = select(func.count(Outgoing.id)).where(
                Outgoing.sent.is_(None), Outgoing.next_attempt < NEVER
            )
            return int(session.scalars(query).one())

    def _try(self, message: Outgoing, now: int) -> None:
        error, permanent = self._send(message, now)
        with registry.writing(self._database) as session:
            row = session.get(Outgoing, message.id)
            if row is None:
                return
            row.attempts += 1
            row.error = error
            if error is None:
                row.sent = now
                self.sent += 1
                return
            self.failed += 1
            row.next_attempt = next_attempt(row.attempts, row.created, now, permanent)
        _log.warning("a message was not delivered", id=message.id, error=error)

    def _send(self, message: Outgoing, now: int) -> tuple[str | None, bool]:
        channel = self._channels.get(message.channel)
        if channel is None:
            return f"there is no channel {message.channel!r} any more", True
        try:
            channel.send(message.id, message.recipient, message.payload, now)
        except Undelivered as error:
            return str(error), error.permanent
        except Exception as error:
            # Whatever it is, it is this message's: the others are not to wait for it.
            _log.exception("a channel failed", id=message.id, channel=message.channel)
            return repr(error), False
        return None, False


NEVER = 2**62


def next_attempt(attempts: int, created: int, now: int, permanent: bool) -> int:
    """When (ms) to try again after ``attempts`` failures; `NEVER` where it is of no use."""
    if permanent or now - created > GIVE_UP_MS:
        return NEVER
    return now + min(FIRST_PAUSE_MS << min(attempts - 1, 20), LONGEST_PAUSE_MS)
