"""Sweat that an alert told of before any was seen, in words. Pure.

An alert was foreseen where its condition would not have held if nothing were known to come
(`rules.ahead`): then what is told is when, for how long and until when to wait.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from lots.clock import HOUR_MS
from rules.rule import Level
from rules.signals import AHEAD

_ROUNDED: Final = 0.005  # by so much a number may be more than is told of it


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


def fields(told: Foreseen, zone: str, now: int) -> dict[str, str]:
    """`signals.FORESEEN` for texts that are told at ``now`` (ms): what a leg brings that is booked
    late could have been said hours ago. ``zone``: of the site where it is brought."""
    return {
        "likely": "over 99 %" if told.probability > 0.99 else f"{100 * told.probability:.0f} %",
        "comes_in": _hours(told.begins - now),
        "lasts": _hours(told.ends - told.begins),
        "wait_until": clock(told.ends, zone, told.said),
    }


def _hours(span: int) -> str:
    return f"{max(round(span / HOUR_MS), 1)} h"


def clock(time: int, zone: str, now: int) -> str:
    """``time`` (ms) on the clock of ``zone``, to the next half hour: "13:30 (Europe/Berlin)", with
    its day where that is not the one of ``now``."""
    half, ahead = 30 * 60_000, _at(time, zone).utcoffset() or timedelta()
    local = time + round(ahead.total_seconds() * 1000)
    here, today = _at(time + -local % half, zone), _at(now, zone)
    return f"{_day(here, today)}{hour(here)} ({zone})"


def _at(time: int, zone: str) -> datetime:
    return datetime.fromtimestamp(time / 1000, ZoneInfo(zone))


def hour(here: datetime) -> str:
    """As a clock shows it: "13:30"; where it shows that twice, since it is put back, which it is:
    "03:30 EET"."""
    is_twice = here.utcoffset() != here.replace(fold=1 - here.fold).utcoffset()
    return f"{here:%H:%M %Z}" if is_twice else f"{here:%H:%M}"


def _day(here: datetime, today: datetime) -> str:
    return "" if here.date() == today.date() else f"{here:%a} {here.day} {here:%b} "


class Point(NamedTuple):
    """``hours`` after it was said there would be so much water on the metal."""

    hours: float
    film_g_m2: float
