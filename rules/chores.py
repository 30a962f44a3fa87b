"""What nobody waits for: forecasts are judged when their time has come, and preventive service is
set before a season."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy
import structlog
from sqlalchemy.exc import DBAPIError

from lots import registry
from lots.clock import DAY_MS, Clock
from lots.readings.store import ReadingHistory
from rules import forecasts, tasks
from rules.judge import Judge
from rules.letters import Recipient
from rules.rule import Rules

EACH_MS: Final = 600_000
FASTEST_S: Final = 0.5

_log = structlog.get_logger("dunnage.chores")


class Chores:
    """Does them about each `EACH_MS` of the clock; for one thread."""

    def __init__(
        self,
        database: sqlalchemy.Engine,
        store: ReadingHistory,
        rules: Callable[[], Rules],
        recipients: Sequence[Recipient],
        clock: Clock,
    ) -> None:
        """``rules``: those in force; ``recipients``: who is told of tasks."""
        self._database, self._clock, self._recipients = database, clock, recipients
        self._day = 0
        self._judge = Judge(database, store, rules, clock)

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``."""
        pause_s = max(FASTEST_S, min(EACH_MS / 1000, self._clock.real_seconds(EACH_MS)))
        while not stop.is_set():
            try:
                self.do(stop)
            except DBAPIError as error:
                _log.warning("the registry does not answer; chores wait", error=str(error.orig))
            stop.wait(pause_s)

    def do(self, stop: threading.Event | None = None) -> None:
        """All that is due; the same again changes nothing."""
        now = self._clock.now_ms()
        self._judge.judge(stop)
        with registry.writing(self._database) as session:
            forecasts.forget(session, now)
            if now // DAY_MS != self._day:
                tasks.make(session, self._recipients, now)
        self._day = now // DAY_MS
