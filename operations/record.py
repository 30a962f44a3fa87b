"""Operators' alerts in the registry: written when it answers, and read at the next start."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic

import structlog
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from lots import registry
from lots.clock import DAY_MS, Clock
from lots.model import OperatorAlert
from operations.alerts import GIVE_UP_MS, Alert, Book

ASK_S = 1.0
EXPIRE_S = 24 * 3600.0
KEEP_MS = 400 * DAY_MS
"""How long an alert that is over stays in the registry."""
WORKER_LENGTH = 200

_log = structlog.get_logger("dunnage.watch")


class Record:
    """Makes the registry agree with ``book``, and notes whether the registry answers at all.

    For one thread of its own: a registry that says nothing holds up nobody else.
    """

    def __init__(self, database: Engine, book: Book, clock: Clock) -> None:
        """``clock``: the true time."""
        self._database = database
        self._book = book
        self._clock = clock
        self._answered = self._expire_due = monotonic()
        self.trouble: str | None = None
        """Why the registry does not answer."""
        self.skew_s = 0.0
        """Our clock less the registry's."""

    @property
    def silent_s(self) -> float:
        """How long, s, the registry has not answered."""
        return max(0.0, monotonic() - self._answered)

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``; then what is left is written once more."""
        while not stop.wait(ASK_S):
            self.write()
        self.write()

    def write(self) -> None:
        """Ask the registry for a sign of life, and write what it does not have yet."""
        try:
            with registry.reading(self._database) as session:
                self.skew_s = self._measure(session)
            for alert, version in self._book.unrecorded():
                self._keep(alert)
                self._book.recorded(alert.id, version)
            self._expire()
        except SQLAlchemyError as error:
            why = error.orig if isinstance(error, DBAPIError) else error
            self.trouble = " ".join(str(why).split())
            return
        self.trouble = None
        self._answered = monotonic()

    def _keep(self, alert: Alert) -> None:
        try:
            with registry.writing(self._database) as session:
                session.merge(_row(alert))
        except IntegrityError:
            # Two processes call themselves alike; the other one's alert says the same.
            _log.warning("another worker of our name has this alert open", name=alert.name)

    def _measure(self, session: Session) -> float:
        if self._database.dialect.name != "postgresql":
            session.execute(text("select 1"))
            return 0.0  # the registry is a file of this machine
        before = self._clock.now_ms()
        theirs = session.execute(text("select extract(epoch from clock_timestamp()) * 1000"))
        there = float(theirs.scalar_one())
        return ((before + self._clock.now_ms()) / 2 - there) / 1000

    def _expire(self) -> None:
        if monotonic() < self._expire_due:
            return
        with registry.writing(self._database) as session:
            old = OperatorAlert.cleared < self._clock.now_ms() - KEEP_MS
            session.execute(delete(OperatorAlert).where(old))
        self._expire_due = monotonic() + EXPIRE_S


def left_over(session: Session, worker: str, now: int) -> list[Alert]:
    """What an earlier run of ``worker`` left open, or did not get to tell; ``now`` in ms."""
    row = OperatorAlert
    untold = row.told_opened.is_not(None) & row.told_cleared.is_(None)
    unfinished = row.cleared.is_(None) | (untold & (row.cleared > now - GIVE_UP_MS))
    found = session.scalars(select(row).where(row.worker == worker[:WORKER_LENGTH], unfinished))
    return [_alert(each) for each in found]


def listed(session: Session, everything: bool, limit: int) -> list[Alert]:
    """The newest first: those that are open, of all workers; with ``everything`` those that are
    over behind them.
    """
    over = OperatorAlert.cleared.is_not(None)
    query = select(OperatorAlert).order_by(over, OperatorAlert.opened.desc(), OperatorAlert.id)
    if not everything:
        query = query.where(OperatorAlert.cleared.is_(None))
    return [_alert(each) for each in session.scalars(query.limit(limit))]


def clear(session: Session, worker: str, now: int) -> int:
    """Close what is open of a worker that is no more; how many that were."""
    row = OperatorAlert
    found: Sequence[str] = session.scalars(
        update(row)
        .where(row.worker == worker[:WORKER_LENGTH], row.cleared.is_(None))
        .values(cleared=now)
        .returning(row.id)
    ).all()
    return len(found)


def _row(alert: Alert) -> OperatorAlert:
    return OperatorAlert(
        id=alert.id,
        name=alert.name,
        worker=alert.worker,
        opened=alert.opened,
        cleared=alert.cleared,
        numbers=dict(alert.numbers),
        text=alert.text,
        action=alert.action,
        told_opened=alert.told_opened,
        told_cleared=alert.told_cleared,
    )


def _alert(row: OperatorAlert) -> Alert:
    return Alert(
        row.id,
        row.name,
        row.worker,
        row.opened,
        row.cleared,
        row.numbers,
        row.text,
        row.action,
        row.told_opened,
        row.told_cleared,
    )
