"""Sweat that is known to come: lots on their way from one climate to another, compiled.

From the newest sample on, the metal follows the air that the lot is brought into, by steps: on a
course the climate's normals and what is left of the present anomaly. A closed container adds its
own water, and what is cooled keeps its own air until it is opened. Before a course the metal goes
slowly to the air that it has, which swings by the day. All that is compiled stands in this file, as
in `rules.kernels`.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lots.circumstances import OPENING_MS
from lots.clock import DAY_MS, HOUR_MS
from lots.compiled import compiled
from lots.normals import HOURS, MONTHS, YEAR_MS
from lots.readings.batch import Floats, Ints

COURSE: Final = np.dtype(
    [
        ("departs", np.int64),  # ms
        ("arrives", np.int64),
        # Rows of the normals.
        ("origin", np.int64),
        ("destination", np.int64),
    ]
)
"""`lots.circumstances.Course`"""

STEP_H: Final = 3.0
ANOMALY_H: Final = 48.0
"""So slowly an anomaly of the weather decays: measured on a year and a half of Tampere's air."""
TOGETHER: Final = 0.7
"""How far warm weather is damp weather: the correlation of the two anomalies. [D]"""
SENSOR_K: Final = 0.67
"""Of a margin, by a sensor of ±0.2 °C, ±1.8 %RH at 20 °C, 40 %RH. [P]"""
NEEDED_G_M2: Final = 5.0
"""A film of sweat that counts: it has to settle within a step."""
LIKELY: Final = 0.0
"""Deviations from where it is as likely as not."""
STORE_LAG_H: Final = 24.0
"""In which metal in store is as warm as the air now; in less it has followed the day's swing. [D]
"""

CONTAINER: Final = 3
"""The code of one: `rules.surroundings.PLACES`"""
CLOSED_DEW_K: Final = 0.75
"""By so much the dew point of a closed container goes up with each kelvin of the day's swing, from
what is in it: at a steady humidity it would be 0.95, with none but the air's water 0. [D]"""
COOLED: Final = 2.5
"""So many spreads under the climate's mean air is not its weather: it is cooled. [D]"""

_STEP_MS: Final = int(STEP_H * HOUR_MS)
_YEAR_MS: Final = int(YEAR_MS)  # whole, so that its remainder is quick
_PA_K: Final = 100.0  # of vapour for each kelvin of dew point, about 17 °C
_LEFT: Final = math.exp(-STEP_H / ANOMALY_H)  # of an anomaly, after a step
_NEVER: Final = -8.4  # deviations; further off a probability is 0


@compiled
def look(
    spans: NDArray[np.void],
    at: Ints,
    count: Ints,
    starts: Ints,
    time: Ints,
    metal: Floats,
    air: Floats,
    dew_point: Floats,
    lags: Floats,
    transfers: Floats,
    horizon: int,
    courses: NDArray[np.void],
    normals: NDArray[np.float32],
    found: Floats,
) -> None:
    """What is to come of each lot, seen from each of its samples.

    ``spans``: `rules.surroundings.SPAN`; of lot i those at [at[i], at[i] + count[i]). ``metal``,
    ``air``, ``dew_point`` °C (n,); ``lags`` h and ``transfers`` g/(m² h Pa) (m,), NaN of a lot that
    is not of metal. ``courses`` `COURSE`; ``normals`` (k, 12, 24, 5): of
    `rules.surroundings.Courses`. Writes to ``found`` (3, n): the probability that a film of sweat
    settles within ``horizon`` ms, in how many hours, and for how many; 0 and NaN where no course is
    known so far ahead, NaN where the metal is not.
    """
    for lot in range(len(starts) - 1):
        last = at[lot] + max(count[lot], 1) - 1
        for i in range(starts[lot], starts[lot + 1]):
            if math.isnan(transfers[lot]):
                found[0, i] = found[1, i] = found[2, i] = math.nan
                continue
            now = time[i]
            span = last
            while span > at[lot] and spans[span].begins > now:
                span -= 1
            first = span
            while first < last and spans[first].course < 0:
                first += 1
            if spans[first].course < 0 or spans[first].begins >= now + horizon:
                found[0, i], found[1, i], found[2, i] = 0.0, math.nan, math.nan
            else:
                found[0, i], found[1, i], found[2, i] = sweat(
                    spans, span, first, last, now, metal[i], air[i], dew_point[i], lags[lot],
                    transfers[lot], horizon, courses, normals,
                )  # fmt: skip


@compiled
def sweat(
    spans: NDArray[np.void], span: int, first: int, last: int, now: int, metal: float, air: float,
    dew_point: float, lag: float, transfer: float, horizon: int, courses: NDArray[np.void],
    normals: NDArray[np.float32],
) -> tuple[float, float, float]:  # fmt: skip
    """Of a lot that is in ``span``, comes to a course with ``first`` or is on it, and has ``last``
    as its last: as `look` finds it."""
    if math.isnan(metal):
        return math.nan, math.nan, math.nan
    if math.isnan(air):
        air = metal  # a tag on it alone
    course, closed = courses[spans[first].course], spans[span].place == CONTAINER
    mean, spread, dew, _ = expected(course, normals, now, closed)
    if spans[span].course >= 0:
        # The weather that the lot is out in now: what is left of it is known of the next days.
        known = not math.isnan(dew_point)
        warmer, damper = (air - mean, dew_point - dew) if known else (0.0, 0.0)
        return worst(
            spans, span, last, now, metal, air, closed, known, warmer, damper,
            known and is_cooled(air, mean, spread), lag, transfer, horizon, courses, normals,
        )  # fmt: skip
    bare = worst(
        spans, span, last, now, metal, air, closed, False, 0.0, 0.0, False, lag, transfer, horizon,
        courses, normals,
    )  # fmt: skip
    if not is_cooled(metal, mean, spread):
        return bare
    # What is stored cold may be carried cold: one is as likely as the other. [D]
    cold = worst(
        spans, span, last, now, metal, air, closed, False, 0.0, 0.0, True, lag, transfer, horizon,
        courses, normals,
    )  # fmt: skip
    later = cold if cold[1] > bare[1] or math.isnan(bare[1]) else bare
    return (bare[0] + cold[0]) / 2.0, later[1], later[2]


@compiled
def is_cooled(temperature: float, mean: float, spread: float) -> bool:
    """Whether air, or metal that has stood in it, is colder than the climate makes it, K."""
    return temperature < mean - COOLED * spread


@compiled
def worst(
    spans: NDArray[np.void], span: int, last: int, now: int, metal: float, air: float, closed: bool,
    seen: bool, warmer: float, damper: float, cooled: bool, lag: float, transfer: float,
    horizon: int, courses: NDArray[np.void], normals: NDArray[np.float32],
) -> tuple[float, float, float]:  # fmt: skip
    """`sweat`, at the worst step, of a lot that is ``closed`` in a container or not. What was
    ``seen`` of the present weather is ``warmer`` and ``damper`` than the normals, K. Of what is
    ``cooled`` the air stays as it is until it arrived; from then on it may be opened at any time.
    """
    needed = NEEDED_G_M2 / (transfer * _PA_K * STEP_H)
    settling = math.exp(-STEP_H / lag)
    # The worst step is that of the most deviations: so one error function is enough.
    most, when, lasts, gone = _NEVER, math.nan, 0.0, 1.0
    course, of_now = -1, 1.0 if seen else 0.0
    for step in range(1, horizon // _STEP_MS + 1):
        at = now + step * _STEP_MS
        of_now *= _LEFT
        while span < last and spans[span + 1].begins <= at:
            span += 1
        # Booking it in opens it.
        if not (cooled and spans[span].course < 0 and course >= 0):
            course = spans[span].course
        if course < 0 and span == last:
            break
        if course < 0:
            metal = air + (metal - air) * math.exp(-STEP_H / max(STORE_LAG_H, lag))
            continue
        left = of_now
        if cooled:
            metal, left = air + (metal - air) * settling, 0.0
            if at < courses[course].arrives:
                continue
            if at >= courses[course].arrives + OPENING_MS:
                break
        after, spread, dew, dew_spread = expected(
            courses[course], normals, at, closed and not cooled
        )
        after += left * warmer
        dew = min(dew + left * damper, after)
        if not cooled:
            # The air goes straight from one to the other, and the metal behind it.
            behind = (after - air) / STEP_H * lag
            metal = after - behind + (metal - air + behind) * settling
            air = after
            gone *= settling
        new = 1.0 - left * left
        of_metal = spread * (1.0 - gone)
        variance = dew_spread**2 + of_metal**2 - 2.0 * TOGETHER * dew_spread * of_metal
        deviation = math.sqrt(max(variance, 0.0) * new + SENSOR_K**2)
        here = (dew - metal - needed) / deviation
        if here > most and most < LIKELY:
            when = step * STEP_H
        most = max(most, here)
        if dew > metal:
            lasts += STEP_H
    probability = (1.0 + math.erf(most / math.sqrt(2.0))) / 2.0 if most > _NEVER else 0.0
    return probability, when, lasts


@compiled
def expected(
    course: Any, normals: NDArray[np.float32], at: int, closed: bool
) -> tuple[float, float, float, float]:
    """`climate` without its swing, of the air that a lot has on the way: ``closed`` in a container
    or not."""
    mean, spread, dew, dew_spread, swing = climate(course, normals, at)
    if closed:
        dew += CLOSED_DEW_K * swing
    return mean, spread, dew, dew_spread


@compiled
def climate(
    course: Any, normals: NDArray[np.float32], at: int
) -> tuple[float, float, float, float, float]:
    """Of a course at ``at`` ms: the air's mean and spread, its dew point's mean and spread, and how
    far the mean is off that of the day."""
    part = 1.0
    if at < course.arrives:
        part = max((at - course.departs) / (course.arrives - course.departs), 0.0)
    month = (at % _YEAR_MS) / _YEAR_MS * MONTHS - 0.5
    hour = (at % DAY_MS) / HOUR_MS
    m, h = math.floor(month), math.floor(hour)
    later, further = month - m, hour - h
    warmth, spread, dew, dew_spread, swing = 0.0, 0.0, 0.0, 0.0, 0.0
    for end in range(2):
        site, share = (course.destination, part) if end else (course.origin, 1.0 - part)
        if share == 0.0:
            continue
        for i in range(2):
            for j in range(2):
                weight = (later if i else 1.0 - later) * (further if j else 1.0 - further) * share
                found = normals[site, int(m + i) % MONTHS, int(h + j) % HOURS]
                warmth += weight * found[0]
                spread += weight * found[1]
                dew += weight * found[2]
                dew_spread += weight * found[3]
                swing += weight * found[4]
    return warmth, spread, dew, dew_spread, swing
