"""What a sensor's readings say of the sensor: which of its faults show, and what to believe.

One quantity of one tag at a time, in order of time, each reading judged when it comes by what came
before: a state of fixed size and a step. What the air is like is asked of the neighbours:
tags of the same lot or place, `others`. A sensor that differs from a room's air is not found by its
own readings alone.

The steps are compiled, in `rules.attending`, which judges all tags of a lot as samples come. Times
are ms, temperatures °C, humidities %RH; NaN: not measured, or not known.
"""

from __future__ import annotations

import math
from enum import IntFlag
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lots.clock import HOUR_MS
from lots.readings.batch import Bools, Floats, Ints
from rules import air
from rules.attending import MAX_STEP_H, NEVER, SPOILS, UNBELIEVED, WATCH, courses

Codes = NDArray[np.int8]


class Fault(IntFlag):
    """What is the matter with a reading of one quantity, or with the sensor when it was taken."""

    RANGE = 1  # no such air
    JUMP = 2  # far from the reading before: not believed until the next agrees. Not yet a fault
    SPIKE = 4  # the reading before was one: this is back where it was before that
    STUCK = 8  # the same to the last digit, for longer than air is
    SALTED = 16  # damp, while the air around is dry
    DRIFT = 32  # away from its neighbours, compared with how it was to them at first


DISBELIEF: Final = Fault(UNBELIEVED)
"""With any of these a reading is not to be believed. A SPIKE speaks of the one before, a JUMP."""
FAULTS: Final = ~Fault.JUMP
"""What to tell a person of: a jump may be a door."""


class Limits(NamedTuple):
    """When a quantity's readings are faulty. Set by the healthy series of `docs/physics.md`. [D]"""

    low: float
    high: float
    jump: float  # at once
    jump_per_h: float  # and in addition, by how long the reading before is ago
    # Stuck: so many equal readings in so many hours while the neighbours moved by this; or in
    # `alone_h` whatever they did. So of a tag with steps as fine as `grain`; one with coarser
    # ones stands still for longer, and it takes so many times the hours.
    grain: float
    stuck_readings: int
    stuck_h: float
    moved: float
    alone_h: float
    saturated: float  # there air may stand still for days
    # Salted: from so much on, so far above what each neighbour says; until it says less.
    salted_from: float
    salted_apart: float
    # Drift: the distance to the neighbours, over `drift_lag_h`, from what it was in the first
    # `baseline_h` hours of comparing.
    drift: float
    drift_lag_h: float
    baseline_h: float


TEMPERATURE: Final = Limits(
    low=-60.0, high=100.0,
    jump=6.0, jump_per_h=14.0,
    grain=0.1, stuck_readings=12, stuck_h=24.0, moved=2.0, alone_h=72.0,
    saturated=math.inf,
    salted_from=math.inf, salted_apart=math.inf,
    drift=4.0, drift_lag_h=168.0, baseline_h=336.0,
)  # fmt: skip
HUMIDITY: Final = Limits(
    low=-1.0, high=101.5,
    jump=40.0, jump_per_h=40.0,
    grain=0.5, stuck_readings=12, stuck_h=24.0, moved=6.0, alone_h=72.0,
    saturated=99.0,
    salted_from=80.0, salted_apart=15.0,
    drift=10.0, drift_lag_h=168.0, baseline_h=336.0,
)  # fmt: skip

CORE_ALONE_H: Final = 720.0
"""The middle of a bale follows the air by weeks. [D]"""
SETTINGS: Final = (
    TEMPERATURE,
    HUMIDITY,
    TEMPERATURE._replace(stuck_h=math.inf, alone_h=CORE_ALONE_H),
    HUMIDITY._replace(stuck_h=math.inf, alone_h=CORE_ALONE_H),
)
"""For `rules.attending.attend`."""


def unwatched(n: int) -> NDArray[np.void]:
    """(n,) `WATCH` of sensors that nothing was heard of."""
    found = np.zeros(n, WATCH)
    found[:] = _UNWATCHED
    return found


_UNKNOWN = np.nan
_UNWATCHED = (
    NEVER, _UNKNOWN, _UNKNOWN, NEVER, 0, 0.0, _UNKNOWN, _UNKNOWN, -1.0, _UNKNOWN, 0.0,
    _UNKNOWN, 0.0, 0,
)  # fmt: skip


def watch(
    time: Ints,
    value: ArrayLike,
    limits: Limits,
    expected: ArrayLike = np.nan,
    state: NDArray[np.void] | None = None,
) -> Codes:
    """(n,) `Fault` of each reading of one quantity of one tag.

    ``time`` (n,) ms in order; ``expected``: what the neighbours say that it should be (`others`,
    `expected_humidity`), NaN where there are none. ``state`` (1,) of `unwatched`, moved on, so that
    a series can be taken in parts; left out: nothing was heard before.
    """
    values, should = np.broadcast_arrays(
        np.atleast_1d(np.asarray(value, float)), np.asarray(expected, float)
    )
    state = unwatched(1) if state is None else state
    found = np.empty(len(values), np.int8)
    courses(
        state, np.array([0, len(values)]), np.ascontiguousarray(time, np.int64),
        np.ascontiguousarray(values), np.ascontiguousarray(should), limits, found,
    )  # fmt: skip
    return found


def believed(temperature_faults: ArrayLike, humidity_faults: ArrayLike) -> tuple[Bools, Bools]:
    """Whether each reading's temperature, and its humidity, are to be believed.

    A sensor whose humidity is salted or drifts still has a good thermometer. One whose thermometer
    is stuck or out of range has no good humidity either: it is worked out with its temperature.
    """
    warmth, damp = np.asarray(temperature_faults), np.asarray(humidity_faults)
    is_warmth = (warmth & UNBELIEVED) == 0
    is_damp = ((damp & UNBELIEVED) == 0) & ((warmth & SPOILS) == 0)
    return np.asarray(is_warmth), np.asarray(is_damp)


def others(values: ArrayLike) -> Floats:
    """(k, n) for each of ``k`` tags of one place: the median of what all others say, of ``values``.

    NaN where fewer than two others say anything: of two that differ nobody knows which is wrong.
    """
    table = np.asarray(values, float)
    found = np.full(table.shape, np.nan)
    for tag in range(len(table)):
        rest = np.sort(np.delete(table, tag, axis=0), axis=0)  # NaN comes last
        count = (~np.isnan(rest)).sum(axis=0)
        enough = np.flatnonzero(count >= 2)
        n = count[enough]
        found[tag, enough] = (rest[(n - 1) // 2, enough] + rest[n // 2, enough]) / 2
    return found


def held(time: Ints, values: Floats, at: Ints, hold_h: float = MAX_STEP_H) -> Floats:
    """(n,) what a tag's ``values``, measured at ``time`` (in order), say at each of ``at``.

    The last that was measured, for at most ``hold_h`` hours; else NaN.
    """
    last = np.searchsorted(time, at, side="right") - 1
    known = (last >= 0) & (at - time[last] <= hold_h * HOUR_MS)
    return np.where(known, values[last], np.nan)


def expected_humidity(temperature: ArrayLike, vapour_pa: ArrayLike) -> Floats:
    """%RH over water that a sensor at ``temperature`` should show in air of ``vapour_pa``, to 100.

    Rooms share their vapour more than their humidity: compare by it.
    """
    return np.minimum(
        100.0 * np.asarray(vapour_pa, float) / air.saturation_pressure(temperature), 100.0
    )
