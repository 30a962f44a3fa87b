"""The life of an alert: one rule firing for one lot, at most one open at a time.

What the fold says happened and what the record has are laid side by side (`reconcile`, pure); the
difference is written. Doing it twice changes nothing: an alert's id is a hash of its lot, rule and
beginning, a message's of the alert and its event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules.state import Change


def stable_id(*parts: object) -> str:
    """The same id for the same parts, in every process and for ever."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Episode:
    """One rule firing from ``opened`` to ``cleared`` (None: still), as the fold has it."""

    id: str
    rule: str
    opened: int
    cleared: int | None
    numbers: dict[str, float]


@dataclass(frozen=True, slots=True)
class Known:
    """An alert as the record has it."""

    id: str
    rule: str
    opened: int
    cleared: int | None
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes the record agree with the fold; to be done in the order of the fields."""

    withdraw: list[str]
    end: list[tuple[str, int]]
    restore: list[Episode]
    begin: list[Episode]

    def __len__(self) -> int:
        """How many alerts it changes."""
        return len(self.withdraw) + len(self.end) + len(self.restore) + len(self.begin)


def episodes(change: Change) -> list[Episode]:
    """The firings that a change speaks of, by their beginning."""

    def began(rule: str, at: int, numbers: dict[str, float]) -> Episode:
        return Episode(stable_id(*change.key, rule, at), rule, at, None, numbers)

    running = {rule: began(rule, at, {}) for rule, at in change.open_before.items()}
    done: list[Episode] = []
    for event in change.transitions:
        if event.opens:
            running[event.rule] = began(event.rule, event.at, event.numbers)
        elif event.rule in running:
            one = running.pop(event.rule)
            done.append(Episode(one.id, one.rule, one.opened, event.at, one.numbers))
    return sorted([*done, *running.values()], key=lambda one: (one.opened, one.rule))


def is_told(change: Change, episode: Episode, actionable_ms: int, now: int) -> bool:
    """Whether people are told that ``episode`` began: of what only came to light by late data they
    are told what can still be acted on at ``now`` (ms), and the rest is recorded."""
    if episode.opened > change.known_to:
        return True
    lasts = episode.cleared is None or episode.rule in change.left
    return lasts and now - change.newest <= actionable_ms


def reconcile(known: Iterable[Known], target: Sequence[Episode], since: int) -> Plan:
    """What to do so that the record from ``since`` on is ``target``.

    ``known``: all of the lot's alerts that are open, or touch the time from ``since`` on.
    """
    record = {alert.id: alert for alert in known}
    wanted = {episode.id for episode in target}
    plan = Plan([], [], [], [])
    for alert in record.values():
        if alert.id not in wanted and not alert.withdrawn and _touches(alert, since):
            plan.withdraw.append(alert.id)
    for episode in target:
        found = record.get(episode.id)
        if found is None:
            plan.begin.append(episode)
        elif found.withdrawn or (found.cleared is not None and episode.cleared is None):
            plan.restore.append(episode)
        elif episode.cleared is not None and found.cleared != episode.cleared:
            plan.end.append((episode.id, episode.cleared))
    return plan


def _touches(alert: Known, since: int) -> bool:
    """An alert that ended before ``since`` is none of this change's business."""
    return alert.cleared is None or alert.cleared >= since
