"""Hours ahead: air by its own last days, metal behind it, and opening now or later.

Pure numpy; temperatures °C, films g/m². Each forecast has its standard deviation, from which
`probability_above` states a probability that can be checked when its time has come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lots.readings.batch import Floats, Ints
from rules import air, lead

DAY_H: Final = 24
DAYS: Final = 7
"""Of the diurnal mean."""
ANOMALY_H: Final = 48.0
"""So slowly an anomaly decays: with seven days' means the best on Tampere's year and a half."""
LEARNED_FROM: Final = 7 * DAY_H
"""Hours of past forecasts from which the spread is taken."""


class Trend(NamedTuple):
    """(k,) ``mean`` and ``deviation`` of each hour ahead, from 1 on; NaN where not known."""

    mean: Floats
    deviation: Floats


def trend(hourly: ArrayLike, hours: int) -> Trend:
    """What an hourly series (n,) will be in the next ``hours``, a day at most; NaN: not measured.

    The mean of the same hour on the last seven days, and what the newest value is off its own,
    decaying with 48 h. The deviation is that of the same forecasts whose time came in the last
    week: it takes twelve days of readings, the mean eight; of less it is not known.
    """
    known = np.asarray(hourly, float)[-(LEARNED_FROM + (DAYS + 2) * DAY_H) :]
    found = np.full((2, hours), np.nan)
    if len(known):
        after = np.concatenate((known, np.full(hours, np.nan)))
        for ahead in range(1, hours + 1):
            found[0, ahead - 1] = hindcasts(after, ahead)[len(known) - 1 + ahead]
            found[1, ahead - 1] = deviations(known, ahead)[-1]
    return Trend(*found)


def hindcasts(hourly: ArrayLike, hours: int) -> Floats:
    """(n,) of a series: what was to be said of each hour ``hours`` before it, 1 to 24."""
    known = np.asarray(hourly, float)
    if not 1 <= hours <= DAY_H:
        raise ValueError(f"{hours} hours: a forecast is of 1 to {DAY_H}")
    found = np.full(len(known), np.nan)
    target = np.arange(DAYS * DAY_H + hours, len(known))
    origin = target - hours
    anomaly = known[origin] - _same_hour(known, origin)
    found[target] = _same_hour(known, target) + anomaly * math.exp(-hours / ANOMALY_H)
    return found


def deviations(hourly: ArrayLike, hours: int) -> Floats:
    """(n,) of a series: at each hour the root mean square error of the forecasts of ``hours`` ahead
    whose time came in the week up to it; NaN where that is less than half of them."""
    known = np.asarray(hourly, float)
    errors = hindcasts(known, hours) - known
    come = np.cumsum(np.concatenate(([0], ~np.isnan(errors))))
    squares = np.cumsum(np.concatenate(([0.0], np.nan_to_num(errors) ** 2)))
    before = (np.arange(1, len(known) + 1) - LEARNED_FROM).clip(min=0)
    count = come[1:] - come[before]
    mean = (squares[1:] - squares[before]) / np.maximum(count, 1)
    return np.where(count >= LEARNED_FROM // 2, np.sqrt(np.maximum(mean, 0.0)), np.nan)


def _same_hour(known: Floats, at: Ints) -> Floats:
    """Means of the same hour on the seven days before each of ``at``."""
    return np.asarray(known[at[:, None] - DAY_H * np.arange(1, DAYS + 1)].mean(axis=1))


def probability_above(level: ArrayLike, mean: ArrayLike, deviation: ArrayLike) -> Floats:
    """That a normally distributed value is above ``level``."""
    apart = (np.asarray(mean, float) - np.asarray(level, float)) / np.asarray(deviation, float)
    return np.asarray(0.5 * (1.0 + np.vectorize(math.erf, otypes=[float])(apart / math.sqrt(2.0))))


class Bundle(NamedTuple):
    """A lot of lead now: its metal and film, how it follows the air and takes up its water."""

    metal_c: float
    film_g_m2: float
    time_constant_h: float
    transfer: float  # g/(m² h Pa)


@dataclass(frozen=True, slots=True)
class Opening:
    """What opening after ``hours`` comes to. ``margin_k``: metal above the dew point it meets;
    ``film_g_m2``: the most that settles; ``wet_h``: with 5 g/m² or more; ``dry_in_h``: from now on,
    infinite if not within the air that is known; NaN: it stays dry; ``worst_g_m2``: the most that
    settles in air with a dew point one deviation higher."""

    hours: float
    metal_c: float
    dew_point_c: float
    margin_k: float
    film_g_m2: float
    wet_h: float
    dry_in_h: float
    worst_g_m2: float


def openings(
    bundle: Bundle,
    inside: tuple[ArrayLike, ArrayLike],
    outside: tuple[ArrayLike, ArrayLike],
    spread_k: ArrayLike,
    hours: Sequence[float],
    step_h: float,
) -> list[Opening]:
    """What opening at each of ``hours`` from now comes to.

    ``inside``, ``outside``: air °C and dew point °C (n,) by ``step_h`` from now on; ``spread_k`` of
    the dew point outside. Until it is opened the lot stays in the air inside. Raises ValueError for
    an hour that is not within that time.
    """
    known_h = step_h * len(np.asarray(outside[0], float))
    for each in hours:
        if not 0.0 <= each < known_h:
            raise ValueError(f"{each:g} h from now is not within the {known_h:g} h that are known")
    return [_opening(bundle, inside, outside, spread_k, each, step_h) for each in hours]


def _opening(
    bundle: Bundle,
    inside: tuple[ArrayLike, ArrayLike],
    outside: tuple[ArrayLike, ArrayLike],
    spread_k: ArrayLike,
    after_h: float,
    step_h: float,
) -> Opening:
    begins = round(after_h / step_h)
    within, out = (np.asarray(each, float) for each in (inside, outside))
    damper = np.minimum(out[1] + np.asarray(spread_k, float), out[0])
    courses = []
    for dew_point in (out[1], damper):
        warmth = np.concatenate((within[0][:begins], out[0][begins:]))
        dew = np.concatenate((within[1][:begins], dew_point[begins:]))
        courses.append(followed(bundle, warmth, dew, step_h))
    (metal, film, wet), (_, worst, _) = courses
    some = np.flatnonzero(film[begins:] > 0.0) + begins
    dry_in = math.nan
    if len(some):
        dry_in = math.inf if some[-1] == len(film) - 1 else float(some[-1] + 2) * step_h
    at_opening = bundle.metal_c if begins == 0 else float(metal[begins - 1])
    return Opening(
        hours=after_h,
        metal_c=at_opening,
        dew_point_c=float(out[1][begins]),
        margin_k=at_opening - float(out[1][begins]),
        film_g_m2=float(film[begins:].max()),
        wet_h=float(wet[begins:].sum()),
        dry_in_h=dry_in,
        worst_g_m2=float(worst[begins:].max()),
    )


def followed(
    bundle: Bundle,
    warmth: Floats,
    dew_point: Floats,
    step_h: float,
    lags_h: ArrayLike | None = None,
) -> Floats:
    """(3, n): the metal, °C, the film, g/m², and the hours wet of each step, at its end, in air of
    ``warmth`` and ``dew_point`` °C (n,); ``lags_h`` (n,): by these in place of the bundle's own."""
    lags = np.broadcast_to(bundle.time_constant_h if lags_h is None else lags_h, len(warmth))
    vapour = air.saturation_pressure(dew_point)
    found = np.empty((3, len(warmth)))
    metal, film, dry = bundle.metal_c, bundle.film_g_m2, 0.0
    for i in range(len(warmth)):
        after = lead.film_step(
            metal, film, dry, warmth[i], vapour[i], step_h, lags[i], bundle.transfer
        )
        metal, film, dry = float(after.metal_c), float(after.film_g_m2), float(after.dry_hours)
        found[:, i] = metal, film, float(after.wet_hours)
    return found
