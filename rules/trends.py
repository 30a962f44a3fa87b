"""What a lot's own last days say of its next hours, and how good that was on its own record. Pure.

Columns are by the hour, the newest last; temperatures °C, humidities %RH; NaN: not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from lots.climate import CODES, MAX_GAP_H, WET_HUMIDITY, Samples
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Bools, Floats, Ints
from lots.terms import Placement
from rules import air
from rules.forecast import DAY_H, LEARNED_FROM, deviations, hindcasts, probability_above, trend
from rules.kernels import AT_SATURATION, SETTLED_LAGS

AHEAD_H: Final = (3, 6, 12, 24)
"""Hours ahead that are told."""
READ_MS: Final = 30 * DAY_MS
"""So much is read: what is said rests on sixteen days, so that fourteen can be scored."""
USUAL_H: Final = 24.0
USUAL_MOST: Final = 0.5
"""Hours ahead ÷ 24, at most a half, is what the week before weighs in a probability: by Tampere's
open air the further ahead, the more it knows (docs/decisions/forecasts.md). [D]"""
LEAST_SPREAD: Final = 0.1
"""K, or %RH: no air is steadier than a sensor's step."""
WITHIN: Final = math.erf(math.sqrt(0.5))
"""How likely a normally distributed value is within one deviation of its mean."""


class Course(NamedTuple):
    """A lot's last days, (n,) each. ``room``: what is left until water settles on lead, K of
    ``surface`` above ``dew_point``, or until the air is damp (80 %RH), %RH of wool."""

    temperature: Floats
    dew_point: Floats
    surface: Floats
    room: Floats


class Said(NamedTuple):
    """Of one quantity at one hour: its mean, and its standard deviation."""

    mean: float
    spread: float


class Ahead(NamedTuple):
    """``hours`` from the newest reading on; ``likely``: that the lot has no room left before."""

    hours: int
    said: Mapping[str, Said]
    likely: float


class Hindcast(NamedTuple):
    """(n,) of each hour: how ``likely`` something was said to be, how often it had been so in the
    week before (``usual``), and whether it ``came`` (1 or 0)."""

    likely: Floats
    usual: Floats
    came: Floats


class Score(NamedTuple):
    """Of all that a rule said so many ``hours`` ahead: how many ``came``, how ``likely`` they were
    in the mean, the mean square of the two's difference (0 is perfect), the same of always saying
    what was ``usual``; and by fifths of what was said how likely, how many, and how often."""

    rule: str
    hours: int
    scored: int
    came: int
    likely: float
    brier: float
    usual: float
    fifths: list[dict[str, float]]


def course(samples: Sequence[Samples], lag_h: float | None) -> Course:
    """From all that a lot's tags measured up to its newest reading, in order.

    ``lag_h``: of its metal; None: it is no lead. Of lead without a tag in the air the dew point is
    that of the air at the metal.
    """
    if not samples:
        return Course(*np.empty((4, 0)))
    ends = int(samples[-1].time[-1])
    hours = int(ends - samples[0].time[0]) // HOUR_MS + 1
    columns = np.concatenate([_columns(each) for each in samples], axis=1)
    time = np.concatenate([each.time for each in samples])
    temperature, humidity, dew_point, at_metal, metal = (
        _hourly(time, column, ends, hours) for column in columns
    )
    if lag_h is None:
        return Course(temperature, dew_point, np.full(hours, np.nan), WET_HUMIDITY - humidity)
    dew_point = np.where(np.isnan(dew_point), at_metal, dew_point)
    surface = _surface(temperature, metal, lag_h)
    return Course(temperature, dew_point, surface, surface - dew_point)


def ahead(its: Course) -> list[Ahead]:
    """What is to be said now, for each of `AHEAD_H`."""
    if not len(its.room):
        return []
    said = {name: trend(getattr(its, name), DAY_H) for name in Course._fields if name != "room"}
    return [
        Ahead(
            hours,
            {
                name: Said(float(one.mean[hours - 1]), float(one.deviation[hours - 1]))
                for name, one in said.items()
            },
            float(likely.likely[-1]),
        )
        for hours, likely in zip(AHEAD_H, runs_out(its.room), strict=True)
    ]


def runs_out(room: Floats) -> list[Hindcast]:
    """For each of `AHEAD_H`: that ``room`` (n,) is under 0 within so many hours of each hour.

    The least of what is foreseen for these hours is normally distributed about what it was off by
    in the week before; and what was usual then is weighed in.
    """
    n = len(room)
    after = np.concatenate((room, np.full(DAY_H, np.nan)))
    span = range(1, DAY_H + 1)
    foreseen = np.minimum.accumulate([hindcasts(after, h)[h : h + n] for h in span])
    least = np.minimum.accumulate([after[h : h + n] for h in span])
    return [_runs_out(foreseen[hours - 1], least[hours - 1], hours) for hours in AHEAD_H]


def _runs_out(foreseen: Floats, least: Floats, hours: int) -> Hindcast:
    came = np.where(np.isnan(least), np.nan, least < 0.0)
    spread = np.sqrt(_week_before((foreseen - least) ** 2, hours)).clip(min=LEAST_SPREAD)
    usual = _week_before(came, hours)
    weight = min(hours / USUAL_H, USUAL_MOST)
    own = probability_above(0.0, -foreseen, spread)
    return Hindcast((1.0 - weight) * own + weight * usual, usual, came)


def within(hourly: Floats, hours: int) -> Hindcast:
    """That a quantity (n,) comes within its stated spread, ``hours`` ahead."""
    n = len(hourly)
    after = np.concatenate((hourly, np.full(hours, np.nan)))
    off = np.abs(hindcasts(after, hours) - after)[hours : hours + n]
    spread = deviations(hourly, hours)
    unknown = np.isnan(off) | np.isnan(spread)
    said = np.where(unknown, np.nan, WITHIN)
    return Hindcast(said, said, np.where(unknown, np.nan, off <= spread))


def said_before(its: Course, harm: str) -> dict[tuple[str, int], Hindcast]:
    """All that would have been said of a lot, by rule and hours ahead. ``harm``: what it is called
    when its room runs out."""
    found = {
        (f"trend.{harm}", hours): one
        for hours, one in zip(AHEAD_H, runs_out(its.room), strict=True)
    }
    for name in ("dew_point", "surface"):
        found |= {(f"trend.{name}", hours): within(getattr(its, name), hours) for hours in AHEAD_H}
    return found


def scores(lots: Sequence[Mapping[tuple[str, int], Hindcast]]) -> list[Score]:
    """By rule and hours ahead, of all ``lots`` together; what was never both said and seen is
    left out."""
    names = sorted({name for lot in lots for name in lot})
    parts = ((name, [lot[name] for lot in lots if name in lot]) for name in names)
    return [one for name, of in parts for one in _score(name, of)]


def _score(name: tuple[str, int], parts: Sequence[Hindcast]) -> Iterator[Score]:
    likely, usual, came = np.concatenate([np.stack(part) for part in parts], axis=1)
    known = ~np.isnan(likely + came)
    likely, usual, came = likely[known], usual[known], came[known]
    if not len(came):
        return
    yield Score(
        *name,
        len(came),
        int(came.sum()),
        round(float(likely.mean()), 3),
        round(float(((likely - came) ** 2).mean()), 4),
        round(float(((usual - came) ** 2).mean()), 4),
        list(_fifths(likely, came)),
    )


def _fifths(likely: Floats, came: Floats) -> Iterator[dict[str, float]]:
    which = np.minimum((likely * 5).astype(int), 4)
    for fifth in np.unique(which):
        its: Bools = which == fifth
        yield {
            "likely": round(float(likely[its].mean()), 3),
            "scored": int(its.sum()),
            "came": round(float(came[its].mean()), 3),
        }


def _week_before(values: Floats, hours: int) -> Floats:
    """(n,) at each hour the mean of those of the last week whose ``hours`` are over; NaN where that
    is less than half of them."""
    ends = (np.arange(len(values)) + 1 - hours).clip(min=0)
    begins = (ends - LEARNED_FROM).clip(min=0)
    known = np.cumsum(np.concatenate(([0], ~np.isnan(values))))
    sums = np.cumsum(np.concatenate(([0.0], np.nan_to_num(values))))
    count = known[ends] - known[begins]
    mean = (sums[ends] - sums[begins]).clip(min=0.0) / np.maximum(count, 1)
    return np.where(count >= LEARNED_FROM // 2, mean, np.nan)


def _columns(samples: Samples) -> Floats:
    """(5, n): the air's temperature, humidity and dew point, the dew point at the metal, and the
    metal where it is measured."""
    found = np.full((5, len(samples)), np.nan)
    in_air = samples.placement == CODES[Placement.AIR]
    on_metal = samples.placement == CODES[Placement.SURFACE]
    warm, damp, probe = samples.temperature, samples.humidity, samples.probe
    found[0, in_air], found[1, in_air] = warm[in_air], damp[in_air]
    found[2, in_air] = air.dew_point(warm[in_air], damp[in_air])
    # What is saturated there may settle: no sensor sees by how much there is more.
    wet = np.where(damp >= AT_SATURATION, 100.0 + LEAST_SPREAD, damp)
    found[3, on_metal] = air.dew_point(warm[on_metal], wet[on_metal])
    touching = np.where(on_metal & np.isnan(probe), warm, probe)
    found[4, in_air | on_metal] = touching[in_air | on_metal]
    return found


def _hourly(time: Ints, values: Floats, ends: int, hours: int) -> Floats:
    """(hours,) means of the hours up to ``ends`` (ms); a gap of `MAX_GAP_H` at most is straight."""
    known = ~np.isnan(values)
    at = hours - 1 - (ends - time[known]) // HOUR_MS
    count = np.bincount(at, minlength=hours)
    seen = np.flatnonzero(count)
    if not len(seen):
        return np.full(hours, np.nan)
    means = np.bincount(at, values[known], minlength=hours)[seen] / count[seen]
    every = np.arange(hours)
    found = np.interp(every, seen, means, left=np.nan, right=np.nan)
    before = seen[np.searchsorted(seen, every, side="right").clip(min=1) - 1]
    after = seen[np.searchsorted(seen, every).clip(max=len(seen) - 1)]
    return np.where(after - before > MAX_GAP_H, np.nan, found)


def _surface(temperature: Floats, metal: Floats, lag_h: float) -> Floats:
    """(n,) of the metal: as it was measured, else by its lag behind the air, once it has followed
    that for long enough."""
    found, kept = np.full(len(metal), np.nan), math.exp(-1.0 / lag_h)
    level, followed = math.nan, 0.0
    for hour, measured in enumerate(metal):
        target = temperature[max(hour - 1, 0) : hour + 1].mean()
        if not math.isnan(measured):
            level, followed = measured, SETTLED_LAGS * lag_h
        elif math.isnan(target):
            level, followed = math.nan, 0.0
        elif math.isnan(level):
            level = target
        else:
            level, followed = target + (level - target) * kept, followed + 1.0
        if followed >= SETTLED_LAGS * lag_h:
            found[hour] = level
    return found
