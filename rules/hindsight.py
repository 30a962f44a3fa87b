"""What came of what was foreseen: whether somebody acted on it, whether it was prevented by that,
and how good forecasts were. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from statistics import fmean, median
from typing import Final, NamedTuple

import numpy as np

from lots.circumstances import AHEAD_MS, OPENING_MS
from lots.climate import MAX_GAP_H
from lots.clock import HOUR_MS
from lots.readings.batch import Ints
from lots.whereabouts import Way
from rules.derived import Derived
from rules.expression import Condition, condition
from rules.foreseen import Foreseen, Point, clock, fields
from rules.rule import Level, Rule, Rules, Severity, Step

COUNTS_MS: Final = 3 * HOUR_MS
"""A leg that is put off by less changes nothing of what was foreseen. [D]"""
SEEN: Final = 0.5
"""Of its time so much must have been measured for it to be known that nothing came. [D]"""
SHOWN_H: Final = 3.0
"""A curve is told by points so far apart."""


class Outcome(StrEnum):
    """What came of a forecast."""

    CAME = "came"
    ABSENT = "absent"
    CHANGED = "changed"  # what it rested on is not so any more: it says nothing of the forecast
    UNKNOWN = "unknown"  # too little was measured


def outcome(came: bool, acted: bool, seen: float) -> Outcome:
    """``seen``: the share of its time that was measured, 0 to 1."""
    if came:
        return Outcome.CAME
    if acted:
        return Outcome.CHANGED
    return Outcome.ABSENT if seen >= SEEN else Outcome.UNKNOWN


def share_seen(times: Ints, begins: int, ends: int) -> float:
    """Of begins to ends (ms): what lies between two of ``times`` (n,) no further apart than
    `MAX_GAP_H`, 0 to 1."""
    within = np.unique(times[(times >= begins) & (times <= ends)])
    steps = np.diff(np.concatenate(([begins], within, [ends])))
    return float(steps[steps <= MAX_GAP_H * HOUR_MS].sum() / (ends - begins))


def harm_alone(rules: Rules, harm: Derived) -> Rules:
    """Rules that find when the condition of ``harm`` holds, and nothing else."""
    source = harm.source
    assert isinstance(source, Condition)
    level = Level(source, condition(f"not ({source.text})", source.names), 0)
    step = Step(Severity.INFO, "", "", touches=False, waits=True, test=level)
    rule = Rule(harm.name, (step,), harm.about, harm.scope)
    return Rules((rule,), harm.definition, rules.derived, rules.limits, rules.overlays)


def acts(was: Sequence[Way], now: Sequence[Way], said: int, zone: str) -> list[str]:
    """How the legs of a lot that lay ahead at ``said`` (ms) are others ``now``, in words; by the
    clock of ``zone``."""
    ahead = {_leg(way): way for way in was if _is_ahead(way, said)}
    planned = {_leg(way): way for way in was}
    found = {_leg(way): way for way in now}
    said_of = []
    for leg, way in ahead.items():
        if leg not in found:
            said_of.append(f"{leg} is not to be gone")
        elif words := _differs(way, found[leg], zone, said):
            said_of.append(f"{leg} {words}")
    new = [leg for leg, way in found.items() if leg not in planned and _is_ahead(way, said)]
    return [*said_of, *(f"{leg} was put in" for leg in new)]


def _leg(way: Way) -> str:
    return f"leg {way.number} of {way.shipment}"


def _is_ahead(way: Way, said: int) -> bool:
    return way.departs < said + AHEAD_MS and way.arrives + OPENING_MS > said


def _differs(was: Way, now: Way, zone: str, said: int) -> str:
    """What of a leg is another; "": nothing that counts."""
    for name in ("departs", "arrives"):
        planned, found = getattr(was, name), getattr(now, name)
        if abs(found - planned) >= COUNTS_MS:
            return f"{name} {clock(found, zone, said)} in place of {clock(planned, zone, said)}"
    for name, words in (("origin", "from"), ("destination", "to"), ("place", "in")):
        planned, found = getattr(was, name), getattr(now, name)
        if found != planned:
            return (
                f"goes {words} {found or 'nowhere known'} in place of {planned or 'nowhere known'}"
            )
    return ""


def prevented(
    lot: str, told: Foreseen, zone: str, acted: Sequence[str], curve: Sequence[Point]
) -> str:
    """What the closing message says of something that was foreseen and acted on, and never came:
    with the film that would have been."""
    likely = fields(told, zone, told.said)["likely"]
    wet = [point for point in curve if point.film_g_m2 > 0 and point.hours % SHOWN_H == 0]
    grams = ", ".join(f"{point.film_g_m2:g} g/m² after {point.hours:g} h" for point in wet)
    course = f"{grams}, from {clock(told.said, zone, told.said)} on" if grams else "a film"
    return (
        f"Prevented on {lot}: {'; '.join(acted)}. As it was foreseen ({likely} likely) water would"
        f" have settled: {course}. None that counts was seen."
    )


class Judged(NamedTuple):
    """A forecast; ``begins``: ms, when it was expected; ``came``: ms, when it came; ``outcome``
    None: its time has not come."""

    rule: str
    site: str | None
    begins: int
    probability: float
    outcome: Outcome | None
    came: int | None


class Score(NamedTuple):
    """Of the forecasts of a rule for a site. ``brier``: the mean square of probability less what
    came, 0 is perfect, and ``likely`` the mean probability, of the ``scored`` ones: ``came`` of
    them did. ``off_h``: the median of the hours between when it came and when it was expected.
    None where there is none to say it of."""

    rule: str
    site: str | None
    scored: int
    came: int
    likely: float | None
    brier: float | None
    off_h: float | None
    changed: int
    unknown: int
    waiting: int


def scores(judged: Iterable[Judged]) -> list[Score]:
    """By rule and site."""

    def subject(one: Judged) -> tuple[str, str]:
        return one.rule, one.site or ""

    return [
        _score(rule, site or None, list(of))
        for (rule, site), of in groupby(sorted(judged, key=subject), subject)
    ]


def _score(rule: str, site: str | None, of: Sequence[Judged]) -> Score:
    def count(outcome: Outcome | None) -> int:
        return sum(one.outcome == outcome for one in of)

    scored = [one for one in of if one.outcome in (Outcome.CAME, Outcome.ABSENT)]
    said = [one.probability for one in scored]
    errors = [(one.probability - (one.outcome == Outcome.CAME)) ** 2 for one in scored]
    off = [abs(one.came - one.begins) / HOUR_MS for one in of if one.came is not None]
    return Score(
        rule,
        site,
        len(scored),
        count(Outcome.CAME),
        round(fmean(said), 3) if said else None,
        round(fmean(errors), 4) if errors else None,
        round(median(off), 1) if off else None,
        count(Outcome.CHANGED),
        count(Outcome.UNKNOWN),
        count(None),
    )
