"""Judges a worker by its figures: a fold, without a clock and without input or output.

An alert opens when a level has been past its limit for long enough, or when an event happened. It
clears when the level has been well for ``Limits.clear_s`` without a break, or when the event is
`EVENT_OPEN_S` ago; what lies between the two limits changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from operations.conditions import CONDITIONS, EVENT_OPEN_S, Event, Finding, Level, Limits
from operations.figures import Figures

GAP_S = 3.0
"""Who was not there for so long (stopped, or asleep) finds every age too high at first."""


@dataclass(frozen=True, slots=True)
class Open:
    """An alert: what was found last, how long it has been well (s of `Figures.at`)."""

    finding: Finding
    well_since: float | None = None
    before: int = 0  # of an event: how many there had been before this alert


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known after so many figures: which alerts are open, what is about to open."""

    figures: Figures | None = None
    bad_since: Mapping[str, float] = field(default_factory=dict)
    open: Mapping[str, Open] = field(default_factory=dict)


def adopt(names: Mapping[str, Finding]) -> Judgement:
    """Begin with alerts that an earlier run left open."""
    return Judgement(open={name: Open(finding) for name, finding in names.items()})


def judge(before: Judgement, now: Figures, limits: Limits) -> Judgement:
    """What is known once ``now`` has been looked at too."""
    absent = before.figures is not None and now.at - before.figures.at > GAP_S
    bad_since: dict[str, float] = {}
    still: dict[str, Open] = {}
    for condition in CONDITIONS:
        if isinstance(condition, Event):
            found = _event(condition, before, now)
        elif absent:
            found = before.open.get(condition.name)
        else:
            found = _level(condition, before, now, limits, bad_since)
        if found is not None:
            still[condition.name] = found
    return Judgement(now, bad_since, still)


def _level(
    condition: Level, before: Judgement, now: Figures, limits: Limits, bad_since: dict[str, float]
) -> Open | None:
    finding = condition.look(now, limits)
    known = before.open.get(condition.name)
    if known is None:
        if finding is None or not finding.bad:
            return None
        begun = before.bad_since.get(condition.name, now.at)
        bad_since[condition.name] = begun
        return Open(finding) if now.at - begun >= condition.after_s else None
    if finding is not None:
        return Open(finding if finding.bad else known.finding)
    return _well(known, now.at, limits.clear_s)


def _event(condition: Event, before: Judgement, now: Figures) -> Open | None:
    count = condition.count(now)
    seen = condition.count(before.figures) if before.figures is not None else 0
    known = before.open.get(condition.name)
    if count <= seen:
        return None if known is None else _well(known, now.at, EVENT_OPEN_S)
    base = seen if known is None else known.before
    happened = count - base
    return Open(Finding(True, condition.text(happened), {"count": float(happened)}), None, base)


def _well(known: Open, at: float, patience_s: float) -> Open | None:
    since = at if known.well_since is None else known.well_since
    return None if at - since >= patience_s else replace(known, well_since=since)
