"""Sweat that an alert told of before any was seen: in words, and as the film that is to come. Pure.

An alert was foreseen where its condition would not have held if nothing were known to come
(`rules.ahead`): then what is told is when, for how long and until when to wait.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from lots.circumstances import AHEAD_MS, Circumstance, Course
from lots.clock import HOUR_MS
from lots.readings.batch import Floats, Ints
from rules import lead
from rules.ahead import ANOMALY_H, STORE_LAG_H
from rules.forecast import Bundle, followed
from rules.rule import Level
from rules.signals import AHEAD
from rules.state import LotFacts

CURVE_STEP_H: Final = 1.0
CURVE_H: Final = AHEAD_MS // HOUR_MS
"""So far ahead the film is followed."""

_ROUNDED: Final = 0.005  # by so much a number may be more than is told of it
_DRY_K: Final = 3.0  # under the air: a dew point that is not known, of air that is left behind


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Said at ``said``: with ``probability`` 0 to 1 it comes within `AHEAD_MS`, most likely from
    ``begins`` to ``ends``; ms."""

    said: int
    begins: int
    ends: int
    probability: float


def foreseen(level: Level, numbers: Mapping[str, float], at: int) -> Foreseen | None:
    """What opened an alert at ``at`` (ms) by its ``numbers``, if that was nothing but what is known
    to come; None: what was measured would have done."""
    if "sweat_in" not in numbers:
        return None
    seen = {n: value for n, value in numbers.items() if n not in AHEAD}
    likely = dict(numbers) | {"sweat_ahead": numbers["sweat_ahead"] + _ROUNDED}
    if not _holds(level, likely) or _holds(level, seen | {"sweat_ahead": 0.0}):
        return None
    begins = at + round(numbers["sweat_in"] * HOUR_MS)
    lasts = round(numbers.get("sweat_lasts", 0.0) * HOUR_MS)
    return Foreseen(at, begins, begins + lasts, numbers["sweat_ahead"])


def _holds(level: Level, numbers: Mapping[str, float]) -> bool:
    known = {name: np.asarray(value) for name, value in numbers.items()}
    return bool(level.opens.holds(defaultdict(lambda: np.asarray(math.nan), known)))


def fields(told: Foreseen, zone: str) -> dict[str, str]:
    """`signals.FORESEEN` for texts; ``zone``: of the site where it is brought."""
    return {
        "likely": "over 99 %" if told.probability > 0.99 else f"{100 * told.probability:.0f} %",
        "comes_in": _hours(told.begins - told.said),
        "lasts": _hours(told.ends - told.begins),
        "wait_until": clock(told.ends, zone, told.said),
    }


def _hours(span: int) -> str:
    return f"{max(round(span / HOUR_MS), 1)} h"


def clock(time: int, zone: str, now: int) -> str:
    """``time`` (ms) on the clock of ``zone``, to the next half hour: "13:30 (Europe/Berlin)", with
    its day where that is not the one of ``now``."""
    half = timedelta(minutes=30)
    here, today = (datetime.fromtimestamp(each / 1000, ZoneInfo(zone)) for each in (time, now))
    past = (here - here.replace(minute=0, second=0, microsecond=0)) % half
    here = here + (half - past) if past else here
    return f"{_day(here, today)}{here:%H:%M} ({zone})"


def _day(here: datetime, today: datetime) -> str:
    return "" if here.date() == today.date() else f"{here:%a} {here.day} {here:%b} "


class Point(NamedTuple):
    """``hours`` after it was said there would be so much water on the metal."""

    hours: float
    film_g_m2: float


def curve(facts: LotFacts, numbers: Mapping[str, float], at: int) -> list[Point]:
    """The film that is to come of a lot of lead, by the hour for `CURVE_H`, seen from ``at`` (ms).

    The air is as `rules.ahead` expects it, without its spread, and the water by `lead.film_step`.
    Empty of what is no lead, or whose metal is not known.
    """
    transfer = lead.transfer(facts.commodity, facts.packaging)
    if math.isnan(transfer) or "surface" not in numbers:
        return []
    hours = CURVE_STEP_H * np.arange(1, round(CURVE_H / CURVE_STEP_H) + 1)
    times = at + (hours * HOUR_MS).astype(np.int64)
    warmth, dew_point, on_course = _air_to_come(facts.circumstances, numbers, at, times)
    lags = np.where(on_course > 0.0, facts.lag_h, max(facts.lag_h, STORE_LAG_H))
    bundle = Bundle(numbers["surface"], numbers.get("film", 0.0), facts.lag_h, transfer)
    _, film, _ = followed(bundle, warmth, dew_point, CURVE_STEP_H, lags)
    pairs = zip(hours.tolist(), film.tolist(), strict=True)
    return [Point(hour, round(grams, 1)) for hour, grams in pairs]


def _air_to_come(
    spans: Sequence[Circumstance], numbers: Mapping[str, float], at: int, times: Ints
) -> Floats:
    """(3, n) °C, dew point °C, and 1 where the lot is on a course, at ``times`` (n,) ms: the air
    that it has until then, and what is left of the present anomaly on the way."""
    air = numbers.get("temperature", numbers["surface"])
    dew_point = numbers.get("dew_point", air - _DRY_K)
    now = _course_at(spans, at)
    warmer = damper = 0.0
    if now is not None:
        mean, dew = _climate(now, at)
        warmer, damper = air - mean, dew_point - dew
    found = np.empty((3, len(times)))
    for i, time in enumerate(times.tolist()):
        course = _course_at(spans, time)
        if course is not None:
            left = math.exp((at - time) / HOUR_MS / ANOMALY_H) if now is not None else 0.0
            mean, dew = _climate(course, time)
            air = mean + left * warmer
            dew_point = min(dew + left * damper, air)
        found[:, i] = air, dew_point, course is not None
    return found


def _course_at(spans: Sequence[Circumstance], time: int) -> Course | None:
    begun = [one for one in spans if one.begins <= time]
    return begun[-1].course if begun else None


def _climate(course: Course, time: int) -> tuple[float, float]:
    """Means of air and dew point, °C, on a course at ``time`` ms."""
    part = min(max((time - course.departs) / (course.arrives - course.departs), 0.0), 1.0)
    at = np.asarray([time])
    begin, end = (each.at(at)[:, 0] for each in (course.origin, course.destination))
    mean = begin + part * (end - begin)
    return float(mean[0]), float(mean[2])
