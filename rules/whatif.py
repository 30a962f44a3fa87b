"""What it comes to if outside air reaches a lot of lead at one hour or another. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from lots.clock import HOUR_MS
from lots.normals import Normals
from lots.readings.batch import Floats
from rules import air
from rules.forecast import Bundle, Opening, openings

STEP_H: Final = 0.5
KNOWN_H: Final = 96
"""So far ahead the air is followed."""
LATEST_H: Final = 48
"""An hour that is asked for lies within so many."""
MATTERS_G_M2: Final = 5.0
"""A film that counts."""


class Outside(NamedTuple):
    """(n,) by `STEP_H` from now: °C, dew point °C, and the dew point's spread, K."""

    temperature: Floats
    dew_point: Floats
    spread: Floats


def by_normals(normals: Normals, now: int) -> Outside:
    """The climate's; ``now`` ms."""
    steps = now + (np.arange(round(KNOWN_H / STEP_H)) * STEP_H * HOUR_MS).astype(np.int64)
    temperature, _, dew_point, spread = normals.at(steps)
    return Outside(temperature, np.minimum(dew_point, temperature), spread)


def steady(temperature: float, humidity: float) -> Outside:
    """Air that is known, and stays."""
    n = round(KNOWN_H / STEP_H)
    dew_point = float(air.dew_point(temperature, humidity))
    return Outside(np.full(n, temperature), np.full(n, dew_point), np.zeros(n))


class Comparison(NamedTuple):
    """``hours`` as they were asked for, and ``dry``: the first of all at which nothing that matters
    settles, even in damper air; None: at no hour of the next `LATEST_H`."""

    hours: list[Opening]
    dry: Opening | None


def compared(
    bundle: Bundle, inside: tuple[float, float], outside: Outside, hours: Sequence[float]
) -> Comparison:
    """``inside``: the air around the lot until then, °C and dew point °C. Raises ValueError for an
    hour that is not within `LATEST_H`."""
    if beyond := [each for each in hours if not 0.0 <= each <= LATEST_H]:
        raise ValueError(f"{beyond[0]:.1f} h from now is not within {LATEST_H} h")
    n = len(outside.temperature)
    within = np.full(n, inside[0]), np.full(n, inside[1])
    air_outside = outside.temperature, outside.dew_point

    def at(*hours: float) -> list[Opening]:
        return openings(bundle, within, air_outside, outside.spread, hours, STEP_H)

    every = (at(float(hour))[0] for hour in range(LATEST_H + 1))
    dry = next((each for each in every if each.worst_g_m2 < MATTERS_G_M2), None)
    return Comparison(at(*hours), dry)


def bundle_of(numbers: Mapping[str, float], time_constant_h: float, transfer: float) -> Bundle:
    """Of a lot's numbers now. Raises KeyError for the number that is not known."""
    return Bundle(numbers["surface"], numbers.get("film", 0.0), time_constant_h, transfer)
