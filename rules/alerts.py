"""The life of an alert: one rule firing for one lot, at most one open at a time.

What the fold says happened and what the record has are laid side by side (`reconcile`, pure); the
difference is written. Doing it twice changes nothing: an alert's id is a hash of its lot, rule and
beginning, a message's of the alert and its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lots.climate import MAX_GAP_H
from lots.clock import HOUR_MS
from rules.ids import stable_id
from rules.state import Change

FRESH_MS = round(MAX_GAP_H * HOUR_MS)
"""What is over is news for as long as a reading holds."""


@dataclass(frozen=True, slots=True)
class Stage:
    """From ``at`` (ms) on an alert stands at this ``step`` of its rule; ``numbers`` made it so."""

    at: int
    step: int
    numbers: dict[str, float] = field(default_factory=dict, compare=False)


Stages = tuple[Stage, ...]
"""How severe an alert was, from when on: the first is where it opened."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One rule firing from where its ``stages`` begin to ``cleared`` (None: still), as the fold
    has it."""

    id: str
    rule: str
    stages: Stages
    cleared: int | None
    ending: dict[str, float] = field(default_factory=dict, compare=False)
    """What ended it."""

    @property
    def opened(self) -> int:
        return self.stages[0].at

    @property
    def numbers(self) -> dict[str, float]:
        """What opened it."""
        return self.stages[0].numbers


@dataclass(frozen=True, slots=True)
class Known:
    """An alert as the record has it."""

    id: str
    rule: str
    opened: int
    cleared: int | None
    withdrawn: bool
    stages: Stages = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes the record agree with the fold; to be done in the order of the fields."""

    withdraw: list[str]
    move: list[Episode]
    """Those whose stages are others than the record has."""
    end: list[tuple[str, int]]
    restore: list[Episode]
    begin: list[Episode]

    def __len__(self) -> int:
        """How many alerts it changes."""
        ids = {*self.withdraw, *(one.id for one in self.move), *(id_ for id_, _ in self.end)}
        return len(ids) + len(self.restore) + len(self.begin)


def episodes(change: Change) -> list[Episode]:
    """The firings that a change speaks of, by their beginning."""

    def began(rule: str, stages: Stages) -> Episode:
        return Episode(stable_id(*change.key, rule, stages[0].at), rule, stages, None)

    running = {
        rule: began(rule, tuple(Stage(at, step) for step, at in enumerate(stood, 1)))
        for rule, stood in change.open_before.items()
    }
    done: list[Episode] = []
    for event in change.transitions:
        stage = Stage(event.at, event.step, event.numbers)
        one = running.pop(event.rule, None)
        if event.step and one is None:
            running[event.rule] = began(event.rule, (stage,))
        elif event.step and one is not None:
            running[event.rule] = replace(one, stages=(*one.stages, stage))
        elif one is not None:
            done.append(replace(one, cleared=event.at, ending=event.numbers))
    return sorted([*done, *running.values()], key=lambda one: (one.opened, one.rule))


def is_told(change: Change, episode: Episode, actionable_ms: int, now: int) -> bool:
    """Whether people are told that ``episode`` began: of what only comes to light when it is over
    they are told what can still be acted on at ``now`` (ms), and the rest is recorded.

    So it is with what late data bring, and with what was begun and over before it was heard of: a
    tag that comes back from weeks at sea has all of them in one batch.
    """
    ended = episode.cleared
    if episode.opened > change.known_to and (ended is None or now - ended <= FRESH_MS):
        return True
    acts = ended is None or (episode.rule in change.left and _is_last(change, episode.rule, ended))
    return acts and now - change.newest <= actionable_ms


def _is_last(change: Change, rule: str, ended: int) -> bool:
    """Whether what ``rule`` left to act on is of the episode that ended then, and of none later."""
    return all(event.at <= ended for event in change.transitions if event.rule == rule)


def reconcile(known: Iterable[Known], target: Sequence[Episode], since: int) -> Plan:
    """What to do so that the record from ``since`` on is ``target``.

    ``known``: all of the lot's alerts that are open, or touch the time from ``since`` on. How they
    stood before it the record knows better than a change that begins there.
    """
    record = {alert.id: alert for alert in known}
    wanted = {episode.id for episode in target}
    plan = Plan([], [], [], [], [])
    for alert in record.values():
        if alert.id not in wanted and not alert.withdrawn and _touches(alert, since):
            plan.withdraw.append(alert.id)
    for one in target:
        found = record.get(one.id)
        if found is None:
            plan.begin.append(one)
            continue
        episode = replace(one, stages=_joined(found.stages, one.stages, since))
        if found.withdrawn or (found.cleared is not None and episode.cleared is None):
            plan.restore.append(episode)
            continue
        if episode.stages != found.stages:
            plan.move.append(episode)
        if episode.cleared is not None and found.cleared != episode.cleared:
            plan.end.append((episode.id, episode.cleared))
    return plan


def _joined(recorded: Stages, found: Stages, since: int) -> Stages:
    """As ``recorded`` before ``since``, and as ``found`` from there on."""
    before = tuple(stage for stage in recorded if stage.at < since)
    return (*before, *(stage for stage in found if stage.at >= since)) if before else found


def _touches(alert: Known, since: int) -> bool:
    """An alert that ended before ``since`` is none of this change's business."""
    return alert.cleared is None or alert.cleared >= since
