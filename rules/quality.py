"""What a sensor's readings say of the sensor: which of its faults show, and what to believe.

One quantity of one tag at a time, in order of time, each reading judged when it comes by what came
before: a state of fixed size (`WATCH`) and a step. What the air is like is asked of the neighbours:
tags of the same lot or place, `others`. A sensor that differs from a room's air is not found by its
own readings alone.

All that is compiled stands in this file, as in `rules.kernels`. Times are ms, temperatures °C,
humidities %RH; NaN: not measured, or not known.
"""

from __future__ import annotations

import math
from enum import IntFlag
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lots.clock import HOUR_MS
from lots.compiled import compiled
from lots.readings.batch import Bools, Floats, Ints
from rules import air

Codes = NDArray[np.int8]

NEVER: Final = -(2**63)
"""No instant, where one is kept as an integer."""
UNKNOWN_GRAINS: Final = 10.0
"""A tag that has not moved yet is taken for as coarse. [D]"""
MAX_STEP_H: Final = 3.0
"""A reading says nothing of what was more than so many hours after it. [D]"""


class Fault(IntFlag):
    """What is the matter with a reading of one quantity, or with the sensor when it was taken."""

    RANGE = 1  # no such air
    JUMP = 2  # far from the reading before: not believed until the next agrees. Not yet a fault
    SPIKE = 4  # the reading before was one: this is back where it was before that
    STUCK = 8  # the same to the last digit, for longer than air is
    SALTED = 16  # saturated, while the air around is dry
    DRIFT = 32  # away from its neighbours, compared with how it was to them at first
    CLOCK = 64  # not taken when it says


JUMP, RANGE, SPIKE, STUCK = 2, 1, 4, 8
SALTED, DRIFT = 16, 32

DISBELIEF: Final = Fault.RANGE | Fault.JUMP | Fault.STUCK | Fault.SALTED | Fault.DRIFT | Fault.CLOCK
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
    # Salted: at `saturated` for so many hours while the neighbours say at most `dry`.
    saturated: float
    dry: float
    salted_h: float
    # Drift: the distance to the neighbours, over `drift_lag_h`, from what it was in the first
    # `baseline_h` hours of comparing.
    drift: float
    drift_lag_h: float
    baseline_h: float


TEMPERATURE: Final = Limits(
    low=-60.0, high=100.0,
    jump=10.0, jump_per_h=10.0,
    grain=0.1, stuck_readings=12, stuck_h=24.0, moved=2.0, alone_h=72.0,
    saturated=math.inf, dry=-math.inf, salted_h=math.inf,
    drift=4.0, drift_lag_h=168.0, baseline_h=336.0,
)  # fmt: skip
HUMIDITY: Final = Limits(
    low=-1.0, high=101.5,
    jump=40.0, jump_per_h=40.0,
    grain=0.5, stuck_readings=12, stuck_h=24.0, moved=6.0, alone_h=72.0,
    saturated=99.0, dry=80.0, salted_h=6.0,
    drift=10.0, drift_lag_h=168.0, baseline_h=336.0,
)  # fmt: skip

WATCH: Final = np.dtype(
    [
        ("at", np.int64),  # of the last reading in range; `NEVER` before the first
        ("level", np.float64),  # the last that was no jump, and when
        ("level_at", np.int64),
        ("jumped", np.float64),  # the last one if it was a jump
        ("same", np.float64),  # the value of the run of equal readings, from when, how many
        ("same_since", np.int64),
        ("same_count", np.int64),
        ("grain", np.float64),  # the smallest step seen
        ("others_low", np.float64),  # of the neighbours during that run
        ("others_high", np.float64),
        ("salted_hours", np.float64),  # so long it has been saturated in dry air; -1 if it is not
        ("apart", np.float64),  # from the neighbours, smoothed, and for how many hours
        ("apart_hours", np.float64),
        ("baseline", np.float64),
    ]
)
"""What is kept of one quantity of one tag. A tag that is placed elsewhere, or calibrated, begins
with a fresh one."""


def unwatched(n: int) -> NDArray[np.void]:
    """(n,) `WATCH` of sensors that nothing was heard of."""
    found = np.zeros(n, WATCH)
    for name in ("at", "level_at", "same_since"):
        found[name] = NEVER
    found["salted_hours"] = -1.0
    for name in (
        "level",
        "jumped",
        "same",
        "grain",
        "others_low",
        "others_high",
        "apart",
        "baseline",
    ):
        found[name] = np.nan
    return found


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


def clock_faults(time: ArrayLike, received: ArrayLike, ahead_ms: int = 300_000) -> Codes:
    """`Fault.CLOCK` where a reading was received more than ``ahead_ms`` before it was taken.

    A reading that comes late is none, however late. Times ms. Decided when a reading arrives, since
    when that was is not kept.
    """
    ahead = np.asarray(time, np.int64) - np.asarray(received, np.int64) > ahead_ms
    return np.where(ahead, int(Fault.CLOCK), 0).astype(np.int8)


def believed(temperature_faults: ArrayLike, humidity_faults: ArrayLike) -> tuple[Bools, Bools]:
    """Whether each reading's temperature, and its humidity, are to be believed.

    A sensor whose humidity is salted or drifts still has a good thermometer. One whose thermometer
    is stuck or out of range has no good humidity either: it is worked out with its temperature.
    """
    warmth, damp = np.asarray(temperature_faults), np.asarray(humidity_faults)
    spoils = Fault.RANGE | Fault.STUCK | Fault.CLOCK
    is_warmth = (warmth & int(DISBELIEF)) == 0
    is_damp = ((damp & int(DISBELIEF)) == 0) & ((warmth & int(spoils)) == 0)
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


@compiled
def courses(
    states: NDArray[np.void],
    starts: Ints,
    time: Ints,
    value: Floats,
    expected: Floats,
    limits: Limits,
    found: Codes,
) -> None:
    """`judge` over the readings of many sensors of one quantity.

    ``starts`` (m + 1,) as in `rules.kernels`. Moves ``states`` (m,) on, and writes each reading's
    faults to ``found`` (n,).
    """
    for sensor in range(len(starts) - 1):
        for i in range(starts[sensor], starts[sensor + 1]):
            found[i] = judge(states[sensor], time[i], value[i], expected[i], limits)


@compiled
def median_of_others(values: Floats, times: Ints, own: int, now: int, hold_ms: int) -> float:
    """What all but the tag ``own`` of a place say at ``now``: `others`, as it stands in a stream.

    ``values`` (k,) the last of each tag, measured at ``times`` (k,) ms; they hold for ``hold_ms``.
    NaN where fewer than two say anything.
    """
    said = np.empty(len(values))
    count = 0
    for tag in range(len(values)):
        held_ms = now - times[tag]
        if tag != own and 0 <= held_ms <= hold_ms and not math.isnan(values[tag]):
            said[count] = values[tag]
            count += 1
    if count < 2:
        return math.nan
    return float(np.median(said[:count]))


@compiled
def judge(state: Any, now: int, value: float, expected: float, limits: Limits) -> int:
    """The faults of a reading, and ``state`` moved on. A reading without ``value`` has none.

    Across a gap nothing adds up: of the time since the reading before, three hours at most count.
    """
    if math.isnan(value):
        return 0
    if not limits.low <= value <= limits.high:
        return RANGE
    step = 0.0
    if state.at != NEVER:
        step = min((now - state.at) / HOUR_MS, MAX_STEP_H)
    state.at = now
    faults = jumped(state, now, value, limits)
    if is_stuck(state, now, value, expected, limits):
        faults |= STUCK
    if is_salted(state, value, expected, step, limits):
        faults |= SALTED
    # A reading that may be a spike says nothing of drift.
    if not faults & JUMP and is_drifting(state, value - expected, step, limits):
        faults |= DRIFT
    return faults


@compiled
def jumped(state: Any, now: int, value: float, limits: Limits) -> int:
    """JUMP, SPIKE or neither. Where the next reading agrees with a jump, it was none."""
    far = math.inf
    if state.level_at != NEVER:
        far = limits.jump + limits.jump_per_h * (now - state.level_at) / HOUR_MS
    was_jump = not math.isnan(state.jumped)
    if abs(value - state.level) > far and not (
        was_jump and abs(value - state.jumped) <= limits.jump
    ):
        state.jumped = value
        return JUMP
    back = was_jump and abs(value - state.level) < abs(value - state.jumped)
    state.level, state.level_at, state.jumped = value, now, math.nan
    return SPIKE if back else 0


@compiled
def is_stuck(state: Any, now: int, value: float, expected: float, limits: Limits) -> bool:
    """Whether the reading is one of too many that are equal."""
    if value != state.same:
        apart = abs(value - state.same)
        if not apart >= state.grain:
            state.grain = apart
        state.same, state.same_since, state.same_count = value, now, 0
        state.others_low = state.others_high = expected
    state.same_count += 1
    if not math.isnan(expected):
        if not expected >= state.others_low:
            state.others_low = expected
        if not expected <= state.others_high:
            state.others_high = expected
    if state.same_count < limits.stuck_readings or value >= limits.saturated:
        return False
    hours = (now - state.same_since) / HOUR_MS
    grain = UNKNOWN_GRAINS * limits.grain if math.isnan(state.grain) else state.grain
    hours /= max(1.0, grain / limits.grain)
    moved = state.others_high - state.others_low >= limits.moved + 2 * grain
    return bool(hours >= limits.alone_h or (hours >= limits.stuck_h and moved))


@compiled
def is_salted(state: Any, value: float, expected: float, step: float, limits: Limits) -> bool:
    """Whether it has been saturated in dry air for too long. Of unknown air nothing adds up."""
    if value < limits.saturated or expected > limits.dry:
        state.salted_hours = -1.0
    elif not math.isnan(expected):
        state.salted_hours = 0.0 if state.salted_hours < 0.0 else state.salted_hours + step
    return bool(state.salted_hours >= limits.salted_h)


@compiled
def is_drifting(state: Any, apart: float, step: float, limits: Limits) -> bool:
    """Whether its distance from the neighbours is another than it was at first."""
    if not math.isnan(apart):
        if math.isnan(state.apart):
            state.apart = apart
        state.apart = apart + (state.apart - apart) * math.exp(-step / limits.drift_lag_h)
        state.apart_hours += step
        if math.isnan(state.baseline) and state.apart_hours >= limits.baseline_h:
            state.baseline = state.apart
    return bool(abs(state.apart - state.baseline) > limits.drift)
