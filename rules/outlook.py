"""The year at a site: which weeks bring sweat, damp, frost or moth to goods in an unheated store.

Pure, from the site's climate normals: in each hour of a week temperature and dew point are normally
distributed about their means, and go together as far as `rules.ahead` has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from lots.climate import WET_HUMIDITY
from lots.clock import DAY_MS, HOUR_MS
from lots.normals import HOURS, YEAR_MS, Normals
from lots.readings.batch import Bools, Floats
from rules import air, wool
from rules.ahead import ANOMALY_H, TOGETHER

WEEKS: Final = 52
LAG_H: Final = 12.0
"""By so much metal in store is behind the weather. [D]"""
AHEAD_WEEKS: Final = 2
"""So long before a season what is to be done before it is due. [D]"""


class Hazard(NamedTuple):
    """What a week may bring: in what, and from how much on it is a season. [D]"""

    unit: str
    from_: float
    commodities: tuple[str, ...]


HAZARDS: Final[Mapping[str, Hazard]] = MappingProxyType(
    {
        "sweat": Hazard("% of hours with metal under the dew point", 10.0, ("lead",)),
        "damp": Hazard(f"% of hours over {WET_HUMIDITY:g} %RH", 35.0, ("lead", "wool")),
        "frost": Hazard("% of hours below 0 °C", 10.0, ("lead",)),
        "moth": Hazard("degree-days above 10 °C a week", 35.0, ("wool",)),
    }
)


@dataclass(frozen=True, slots=True)
class Season:
    """Weeks ``begins`` to ``ends``, both of them, 1 to 52; it may go over the turn of the year.
    ``worst``: the most of it, in the hazard's unit; ``due``: the week to be ready by."""

    hazard: str
    begins: int
    ends: int
    worst: float
    due: int

    @property
    def all_year(self) -> bool:
        return (self.ends - self.begins) % WEEKS == WEEKS - 1


def weeks(normals: Normals) -> dict[str, Floats]:
    """hazard -> (52,) how much of it each week brings, in the hazard's unit."""
    middle = (np.arange(WEEKS) + 0.5) * YEAR_MS / WEEKS
    at = (middle // DAY_MS * DAY_MS)[:, None] + np.arange(HOURS) * HOUR_MS
    found = normals.at(at.ravel().astype(np.int64)).reshape(4, WEEKS, HOURS)
    warmth, spread, dew_point, dew_spread = found
    below = warmth - air.dew_point(warmth, WET_HUMIDITY)  # so far the dew point is at 80 %RH
    metal = warmth.mean(axis=1, keepdims=True)
    still = math.exp(-LAG_H / ANOMALY_H)
    return {
        "sweat": _share(dew_point - metal, _apart(spread, dew_spread, still * TOGETHER)),
        "damp": _share(below - (warmth - dew_point), _apart(spread, dew_spread, TOGETHER)),
        "frost": _share(-warmth, spread),
        "moth": 7.0 * wool.moth_degrees(warmth).mean(axis=1),
    }


def _apart(spread: Floats, other: Floats, correlation: float) -> Floats:
    """The standard deviation of their difference."""
    return np.sqrt(spread**2 + other**2 - 2.0 * correlation * spread * other)


def _share(mean: Floats, deviation: Floats) -> Floats:
    """(52,) % of hours in which a value is above 0."""
    over = np.vectorize(math.erf, otypes=[float])(mean / np.maximum(deviation, 1e-6) / math.sqrt(2))
    return np.asarray(50.0 * (1.0 + over).mean(axis=1))


def seasons(normals: Normals, commodity: str) -> list[Season]:
    """Of the hazards that concern ``commodity``, by the week in which they begin. A week between
    two is of the season too, and one alone is none."""
    found = []
    for name, brought in weeks(normals).items():
        hazard = HAZARDS[name]
        if commodity in hazard.commodities:
            found += [
                Season(name, begins + 1, ends + 1, _most(brought, begins, ends), _due(begins, ends))
                for begins, ends in _runs(brought >= hazard.from_)
            ]
    return sorted(found, key=lambda season: (season.begins, season.hazard))


def _due(begins: int, ends: int) -> int:
    if (ends - begins) % WEEKS == WEEKS - 1:
        return 1
    return (begins - AHEAD_WEEKS) % WEEKS + 1


def _most(brought: Floats, begins: int, ends: int) -> float:
    week = (begins + np.arange((ends - begins) % WEEKS + 1)) % WEEKS
    return float(brought[week].max())


def _runs(holds: Bools) -> list[tuple[int, int]]:
    """(first, last) of the runs of a ring of weeks, from 0."""
    near = np.roll(holds, 1) & np.roll(holds, -1)
    holds = holds | near
    if holds.all():
        return [(0, len(holds) - 1)]
    begins = np.flatnonzero(holds & ~np.roll(holds, 1))
    ends = np.flatnonzero(holds & ~np.roll(holds, -1))
    if not len(begins):
        return []
    if ends[0] < begins[0]:
        ends = np.roll(ends, -1)
    pairs = zip(begins.tolist(), ends.tolist(), strict=True)
    return [(first, last) for first, last in pairs if first != last]
