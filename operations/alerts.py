"""Operators' alerts: what one is, and the book that the watch, the record and the webhook share.

The book says what is; who writes to the registry or sends messages makes the world agree with it,
and says how far that came. So neither of them can hold up the other, or the watch.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lots.fields import written
from operations.conditions import BY_NAME
from rules.ids import stable_id

MOST = 1000
"""Alerts that are over and still to be recorded or told; with more, the oldest are let go."""
GIVE_UP_MS = 3 * 24 * 3_600_000
"""What nobody took for so long is not told any more."""
RENEW_MS = 10_000


@dataclass(frozen=True, slots=True)
class Alert:
    """Something wrong with ``worker`` from ``opened`` to ``cleared``; instants are true time, ms.

    ``told_opened``, ``told_cleared``: when the webhook took it.
    """

    id: str
    name: str
    worker: str
    opened: int
    cleared: int | None
    numbers: Mapping[str, float]
    text: str
    action: str
    told_opened: int | None = None
    told_cleared: int | None = None

    @property
    def severity(self) -> str:
        """critical or warning; of an alert that this version does not know: warning."""
        known = BY_NAME.get(self.name)
        return known.severity if known else "warning"


def opened(worker: str, name: str, at: int, text: str, numbers: Mapping[str, float]) -> Alert:
    """An alert that opens at ``at`` (ms)."""
    id_ = stable_id("operator", worker, name, at)
    return Alert(id_, name, worker, at, None, dict(numbers), text, BY_NAME[name].action)


def shown(alert: Alert) -> dict[str, Any]:
    """As JSON has it, in messages, on the status port and on the command line."""
    return {
        "id": alert.id,
        "name": alert.name,
        "worker": alert.worker,
        "severity": alert.severity,
        "opened": written(alert.opened),
        "cleared": None if alert.cleared is None else written(alert.cleared),
        "text": alert.text,
        "action": alert.action,
        "numbers": dict(alert.numbers),
    }


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that an alert opened or cleared; ``id`` stays the same however often it is sent."""

    alert: Alert
    event: str
    at: int

    @property
    def id(self) -> str:
        return stable_id(self.alert.id, self.event)

    @property
    def payload(self) -> dict[str, Any]:
        head = {"type": f"operator.{self.event}", "timestamp": written(self.at)}
        return head | {"data": shown(self.alert)}


@dataclass(slots=True)
class _Line:
    alert: Alert
    version: int = 0
    recorded: int = -1
    renewed: int = 0


@dataclass(slots=True)
class Book:
    """The alerts that are open, and those that are over but not yet recorded and told."""

    tells: bool  # whether there is anybody to tell
    _lines: dict[str, _Line] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def adopt(self, alerts: Iterable[Alert]) -> None:
        """Take over what the record has from an earlier run."""
        with self._lock:
            self._lines |= {alert.id: _Line(alert, recorded=0) for alert in alerts}

    def open(self) -> list[Alert]:
        """The oldest first."""
        with self._lock:
            found = [line.alert for line in self._lines.values() if line.alert.cleared is None]
        return sorted(found, key=lambda alert: (alert.opened, alert.name))

    def begin(self, alert: Alert) -> None:
        with self._lock:
            self._lines[alert.id] = _Line(alert, renewed=alert.opened)

    def renew(self, id_: str, at: int, text: str, numbers: Mapping[str, float]) -> None:
        """What is found of an open alert by now; recorded only now and then."""
        with self._lock:
            line = self._lines[id_]
            if (line.alert.text, line.alert.numbers) == (text, numbers):
                return
            line.alert = replace(line.alert, text=text, numbers=dict(numbers))
            if at - line.renewed >= RENEW_MS:
                line.renewed = at
                line.version += 1

    def end(self, id_: str, at: int) -> Alert:
        with self._lock:
            line = self._lines[id_]
            line.alert = replace(line.alert, cleared=at)
            line.version += 1
            self._prune()
            return line.alert

    # For the record

    def unrecorded(self) -> list[tuple[Alert, int]]:
        """Alerts that the record does not have as they are, each with its version here."""
        with self._lock:
            changed = [one for one in self._lines.values() if one.version > one.recorded]
            # What is over makes room for the next of its name.
            changed.sort(key=lambda one: (one.alert.cleared is None, one.alert.opened))
            return [(one.alert, one.version) for one in changed]

    def recorded(self, id_: str, version: int) -> None:
        with self._lock:
            line = self._lines.get(id_)
            if line is not None:
                line.recorded = max(line.recorded, version)
                self._prune()

    # For the messages

    def next_notice(self) -> Notice | None:
        """The earliest that nobody has taken yet."""
        with self._lock:
            return min(self._notices(), key=lambda one: (one.at, one.alert.name), default=None)

    def waiting(self) -> int:
        """How many messages are still to be sent."""
        with self._lock:
            return len(self._notices())

    def told(self, notice: Notice, at: int) -> None:
        """Somebody took it, or nobody ever will."""
        with self._lock:
            line = self._lines.get(notice.alert.id)
            if line is None:
                return
            if notice.event == "opened":
                line.alert = replace(line.alert, told_opened=at)
            else:
                line.alert = replace(line.alert, told_cleared=at)
            line.version += 1

    def _notices(self) -> list[Notice]:
        if not self.tells:
            return []
        alerts = [line.alert for line in self._lines.values()]
        begun = [Notice(a, "opened", a.opened) for a in alerts if a.told_opened is None]
        over = [
            Notice(alert, "cleared", alert.cleared)
            for alert in alerts
            if alert.cleared is not None and alert.told_cleared is None
        ]
        return begun + over

    def _prune(self) -> None:
        over = [key for key, line in self._lines.items() if line.alert.cleared is not None]
        for key in over:
            line = self._lines[key]
            told = not self.tells or line.alert.told_cleared is not None
            if line.recorded == line.version and told:
                del self._lines[key]
        for key in [key for key in over if key in self._lines][:-MOST]:
            del self._lines[key]
