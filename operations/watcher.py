"""Watches a worker: looks, judges, says what opened and cleared in the log and in the book."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

import structlog

from lots.clock import Clock
from operations import alerts, watch
from operations.alerts import Alert, Book
from operations.conditions import Finding, Limits
from operations.figures import Figures
from operations.watch import Open

PACE_S = 1.0

_log = structlog.get_logger("dunnage.watch")


class Watcher:
    """Looks by ``look`` at the worker called ``worker``; for one thread.

    ``earlier``: alerts that the last run left open; they go on where they still hold, and clear
    where they do not.
    """

    def __init__(
        self,
        look: Callable[[float], Figures],
        limits: Limits,
        worker: str,
        book: Book,
        clock: Clock,
        earlier: list[Alert],
    ) -> None:
        """``clock``: the true time."""
        self._look = look
        self._limits = limits
        self._worker = worker
        self._book = book
        self._clock = clock
        self._open = {alert.name: alert for alert in earlier if alert.cleared is None}
        found = {a.name: Finding(True, a.text, dict(a.numbers)) for a in self._open.values()}
        self._judgement = watch.adopt(found)
        self.heartbeat = monotonic()

    @property
    def latest(self) -> Figures:
        """What was seen last; looks, where nothing was yet."""
        return self._judgement.figures or self._look(monotonic())

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``."""
        while not stop.wait(PACE_S):
            try:
                self.once()
            except Exception:
                # To be without it is better than to be without the worker; and the next may do.
                _log.exception("the watch could not look")
            self.heartbeat = monotonic()

    def once(self) -> None:
        """Look and judge."""
        before = self._judgement
        after = watch.judge(before, self._look(monotonic()), self._limits)
        self._judgement = after
        now = self._clock.now_ms()
        for name in self._open.keys() - after.open.keys():
            self._clear(name, now)
        for name, found in after.open.items():
            if name not in self._open:
                self._begin(name, found, now)
            else:
                finding = found.finding
                self._book.renew(self._open[name].id, now, finding.text, finding.numbers)

    def _begin(self, name: str, found: Open, now: int) -> None:
        finding = found.finding
        alert = alerts.opened(self._worker, name, now, finding.text, finding.numbers)
        tell = _log.error if alert.severity == "critical" else _log.warning
        tell(
            "operator alert opened",
            alert=name,
            text=alert.text,
            action=alert.action,
            numbers=dict(alert.numbers),
        )
        self._open[name] = alert
        self._book.begin(alert)

    def _clear(self, name: str, now: int) -> None:
        alert = self._open.pop(name)
        _log.warning("operator alert cleared", alert=name, seconds=(now - alert.opened) / 1000)
        self._book.end(alert.id, now)
