"""The film that is to come of a lot of lead, by the hour, as what was foreseen has it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from lots.circumstances import AHEAD_MS, Circumstance, Course
from lots.clock import HOUR_MS
from lots.readings.batch import Floats, Ints
from rules import ahead, lead
from rules.ahead import ANOMALY_H, STORE_LAG_H
from rules.forecast import Bundle, followed
from rules.foreseen import Point
from rules.state import LotFacts
from rules.surroundings import PLACES, Courses

CURVE_STEP_H: Final = 1.0
CURVE_H: Final = AHEAD_MS // HOUR_MS
"""So far ahead the film is followed."""

_DRY_K: Final = 3.0  # under the air: a dew point that is not known, of air that is left behind


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
    that it has until then, and what is left of the present anomaly on the way. What is cooled is
    opened when it arrives."""
    air = numbers.get("temperature", numbers["surface"])
    dew_point = numbers.get("dew_point", air - _DRY_K)
    kept, now = Courses(), _span_at(spans, at)
    closed = PLACES.index(now.place) == ahead.CONTAINER
    warmer = damper = 0.0
    cooled = False
    if now.course is not None:
        mean, spread, dew = _climate(kept, now.course, at, closed)
        warmer, damper = air - mean, dew_point - dew
        cooled = ahead.is_cooled(air, mean, spread)
    found = np.empty((3, len(times)))
    for i, time in enumerate(times.tolist()):
        course = _span_at(spans, time).course
        if course is not None and not (cooled and time < course.arrives):
            seen = now.course is not None and not cooled
            left = math.exp((at - time) / HOUR_MS / ANOMALY_H) if seen else 0.0
            mean, _, dew = _climate(kept, course, time, closed)
            air = mean + left * warmer
            dew_point = min(dew + left * damper, air)
        found[:, i] = air, dew_point, course is not None
    return found


def _span_at(spans: Sequence[Circumstance], time: int) -> Circumstance:
    return [one for one in spans if one.begins <= time][-1]


def _climate(kept: Courses, course: Course, time: int, closed: bool) -> tuple[float, float, float]:
    """The air's mean and spread, and the dew point's mean, °C, on a course at ``time`` ms."""
    row = kept.row(course)
    mean, spread, dew, _ = ahead.expected(kept.courses[row], kept.normals, time, closed)
    return mean, spread, dew
