"""Which of a lot's tags are at fault, as their readings come: compiled, each judged by what it said
before and by what its neighbours say.

All that is compiled stands in this file, as in `rules.kernels`; `rules.quality` has what the faults
are, their limits, and the functions for whole series. Times are ms, temperatures °C, humidities
%RH; NaN: not measured, or not known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lots.climate import TAG_BITS
from lots.clock import HOUR_MS
from lots.compiled import compiled
from lots.readings.batch import Floats, Ints

if TYPE_CHECKING:
    from rules.quality import Limits

Codes = NDArray[np.int8]

NEVER: Final = -(2**63)
"""No instant, where one is kept as an integer."""
UNKNOWN_GRAINS: Final = 10.0
"""A tag that has not moved yet is taken for as coarse. [D]"""
MAX_STEP_H: Final = 3.0
"""A reading says nothing of what was more than so many hours after it. [D]"""

RANGE, JUMP, SPIKE, STUCK, SALTED, DRIFT = 1, 2, 4, 8, 16, 32
"""`rules.quality.Fault`"""
UNBELIEVED: Final = RANGE | JUMP | STUCK | SALTED | DRIFT
"""With any of these a reading is not to be believed."""
SPOILS: Final = RANGE | STUCK
"""Faults of a thermometer that leave its tag's humidity without a temperature to be worked out
with."""
LASTING: Final = STUCK | SALTED | DRIFT

TAGS: Final = 3
"""So many of a lot's tags are watched at a time; what more there are is believed. [D]"""
NAMED: Final = (
    "stuck_tag", "salted_tag", "drift_temperature_tag", "drift_humidity_tag", "spiking_tag",
    "spikes",
)  # fmt: skip
"""What `attend` says of a lot's tags: the number of one at fault; how many spikes of late."""
SPIKES_H: Final = 24.0
"""After so many hours a spike counts for 1/e. [D]"""
SPIKY: Final = 0.1
SPIKY_PART: Final = 3.0
"""Of a tag that spiked within two days or so a third of that is a jump already. [D]"""
STANDS_H: Final = 24.0
"""So long a tag that is heard no more is said to be at fault: it may have been replaced. [D]"""
SALTED_H: Final = 6.0
"""So long a tag is far damper than its neighbours until it is called salted. [D]"""
STANDS: Final = 11
"""A neighbour that said the same so often again may be stuck: it is no witness. [D]"""
AIR, CORE = 0, 2
"""Where a tag hangs: codes of `lots.climate.CODES`."""
PLACES: Final = 4
"""More than there are."""
OF_A_TAG: Final = PLACES << TAG_BITS
"""Above it is how often a tag was calibrated."""

WATCH: Final = np.dtype(
    [
        ("at", np.int64),  # of the last reading in range, its own or of who hung there; or `NEVER`
        ("level", np.float64),  # the last that was no jump
        ("jumped", np.float64),  # the last one, if it was a jump
        ("same_since", np.int64),  # from when on it says its last one; `NEVER` before its first
        ("repeats", np.int64),  # how often it said that again
        ("grain", np.float64),  # the smallest step seen, 0 if that is as fine as is asked for
        ("others_low", np.float64),  # of the neighbours during that run
        ("others_high", np.float64),
        ("salted_hours", np.float64),  # so long it has been saturated in dry air; -1 if it is not
        ("apart", np.float64),  # from the neighbours, smoothed, and for how many hours
        ("apart_hours", np.float64),
        ("baseline", np.float64),
        ("spikes", np.float64),  # how many of late: each counts for less by the hour
        ("faults", np.int64),  # of the last reading
    ]
)
"""What is kept of one quantity of one tag. A tag that is placed elsewhere, or calibrated, begins
with a fresh one: it was stuck, salted or adrift as another."""


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
            should = expected[i]
            found[i] = judge(
                states[sensor], time[i], value[i], should, should, NEVER, should, limits
            )


@compiled
def attend(
    tags: Ints,
    watches: NDArray[np.void],
    starts: Ints,
    time: Ints,
    number: Ints,
    placement: Ints,
    measured: Floats,
    settings: tuple[Limits, Limits, Limits, Limits],
    faults: Codes,
    named: Floats,
) -> None:
    """Judge the samples of lots by the tags that took them, and leave what is to be believed.

    ``tags`` (m, `TAGS`) and ``watches`` (m, 2 `TAGS`), moved on: which of its tags each lot
    watches, and `WATCH` of their temperatures and humidities. A tag that hangs where another did
    goes on from what that said: it jumps from there, and is stuck by its own readings alone.
    ``number``, ``placement`` (n,): `lots.climate.tag_numbers`, and where that hangs. ``settings``:
    limits of temperatures and humidities, and of both in the goods' core. ``measured`` (3, n):
    temperature, humidity, probe; NaN is left where they are not to be believed. Writes to
    ``faults`` (2, n) those of the sample's temperature and humidity, and to ``named`` (6, n) the
    tags that are at fault, as `NAMED` has them, 0: none.
    """
    for lot in range(len(starts) - 1):
        own, its = tags[lot], watches[lot]
        for i in range(starts[lot], starts[lot + 1]):
            now, where = time[i], placement[i]
            by_probe = where != AIR and not math.isnan(measured[2, i])
            warmth = measured[2, i] if by_probe else measured[0, i]
            slot = place_of(own, its, number[i] * PLACES + where + 1, now)
            if slot < 0:
                faults[0, i] = faults[1, i] = 0
            else:
                first = 2 if where == CORE else 0
                limits, damp_limits = settings[first], settings[first + 1]
                faults[0, i] = told(own, its, 2 * slot, now, warmth, limits)
                faults[1, i] = told(own, its, 2 * slot + 1, now, measured[1, i], damp_limits)
            if faults[0, i] & UNBELIEVED:
                measured[0, i] = math.nan
                if by_probe:
                    measured[2, i] = math.nan
            if faults[1, i] & UNBELIEVED or faults[0, i] & SPOILS:
                measured[1, i] = math.nan
            name_faulty(own, its, now, i, named)


@compiled
def place_of(own: Ints, its: NDArray[np.void], tag: int, now: int) -> int:
    """Where the ``tag`` of a lot is watched; -1: nowhere, since as many others were just heard."""
    free, longest = -1, now - int(MAX_STEP_H * HOUR_MS)
    before, latest = -1, NEVER
    for slot in range(len(own)):
        if own[slot] == tag:
            return slot
        if own[slot] and (own[slot] - tag) % OF_A_TAG == 0:  # before it was calibrated
            free, longest, before, latest = slot, NEVER, slot, now + 1
        heard = max(its[2 * slot].at, its[2 * slot + 1].at)
        if heard < longest:
            free, longest = slot, heard
        if own[slot] and (own[slot] - tag) % PLACES == 0 and heard > latest:
            before, latest = slot, heard
    if free < 0:
        return -1
    for quantity in range(2):
        new = its[2 * free + quantity]
        at, level, jumped = NEVER, math.nan, math.nan
        if before >= 0:
            old = its[2 * before + quantity]
            at, level, jumped = old.at, old.level, old.jumped
        new.at, new.level, new.jumped = at, level, jumped
        new.same_since, new.repeats, new.grain = NEVER, 0, 0.0
        new.others_low = new.others_high = math.nan
        new.salted_hours, new.apart, new.apart_hours, new.baseline = -1.0, math.nan, 0.0, math.nan
        new.spikes, new.faults = 0.0, 0
    own[free] = tag
    return free


@compiled
def told(own: Ints, its: NDArray[np.void], at: int, now: int, value: float, limits: Limits) -> int:
    """The faults of a reading of the quantity that is watched at ``at``: `judge`, with what the
    lot's other tags say."""
    if math.isnan(value):
        return 0
    state = its[at]
    expected, dampest, spoke, beside = neighbours(own, its, at, now)
    hours = 0.0 if state.at == NEVER else (now - state.at) / HOUR_MS
    faults = judge(state, now, value, expected, dampest, spoke, beside, limits)
    if state.spikes > 0.0:
        state.spikes *= math.exp(-hours / SPIKES_H)
    if faults & SPIKE:
        state.spikes += 1.0
    state.faults = faults
    return faults


@compiled
def neighbours(
    own: Ints, its: NDArray[np.void], at: int, now: int
) -> tuple[float, float, int, float]:
    """What two other tags beside say that it should be; the most that one says, of those that
    move, and when one did last; and what another shows that may move.

    The first two by tags in the same air alone: of temperature their mean, of humidity what their
    vapour comes to at its own temperature. NaN where there are none.
    """
    slot, quantity = at // 2, at % 2
    count, total, most, beside, spoke = 0, 0.0, math.nan, math.nan, NEVER
    full = saturated(its[2 * slot].level) if quantity == 1 else 1.0
    for other in range(len(own)):
        if other == slot or own[other] == 0:
            continue
        state = its[2 * other + quantity]
        if state.same_since == NEVER or state.faults & UNBELIEVED:
            continue
        if now - state.at > MAX_STEP_H * HOUR_MS:
            continue
        where = (own[other] - 1) % PLACES
        if where != CORE and math.isnan(beside):
            beside = state.level
        if where == AIR and (own[slot] - 1) % PLACES == AIR:
            count += 1
            says = state.level
            if quantity == 1:
                says *= saturated(its[2 * other].level)
            total += says
            if state.repeats < STANDS:
                spoke = max(spoke, state.at)
                if not says / full <= most:
                    most = says / full
    expected = total / full / count if count >= 2 else math.nan
    if quantity == 1:
        expected = expected if math.isnan(expected) else min(expected, 100.0)
    return expected, most, spoke, beside


@compiled
def saturated(temperature: float) -> float:
    """Vapour pressure over water in parts of that at 0 °C (Magnus, WMO): compared, never shown."""
    return math.exp(17.62 * temperature / (243.12 + temperature))


@compiled
def faulty(tags: Ints, watches: NDArray[np.void], newest: Ints, named: Floats) -> None:
    """What `attend` says of each lot's tags at its ``newest`` (m,) sample, to ``named`` (6, m)."""
    for lot in range(len(tags)):
        name_faulty(tags[lot], watches[lot], newest[lot], lot, named)


@compiled
def name_faulty(own: Ints, its: NDArray[np.void], now: int, i: int, named: Floats) -> None:
    """Write which tags are at fault to ``named`` at ``i``: of several the one watched longest."""
    for row in range(len(named)):
        named[row, i] = 0.0
    for slot in range(len(own)):
        warmth, damp = its[2 * slot], its[2 * slot + 1]
        faults, spikes = warmth.faults | damp.faults, warmth.spikes + damp.spikes
        if not (faults & LASTING or spikes > 0.0):
            continue
        if now - max(warmth.at, damp.at) > STANDS_H * HOUR_MS:
            continue  # it is heard no more
        tag = float((own[slot] - 1) % OF_A_TAG // PLACES)
        if faults & STUCK and named[0, i] == 0.0:
            named[0, i] = tag
        if damp.salted_hours >= SALTED_H and named[1, i] == 0.0:
            named[1, i] = tag
        if warmth.faults & DRIFT and named[2, i] == 0.0:
            named[2, i] = tag
        if damp.faults & DRIFT and named[3, i] == 0.0:
            named[3, i] = tag
        if spikes > named[5, i]:
            named[4, i], named[5, i] = tag, spikes


@compiled
def judge(
    state: Any, now: int, value: float, expected: float, dampest: float, spoke: int,
    beside: float, limits: Limits,
) -> int:  # fmt: skip
    """The faults of a reading, and ``state`` moved on. A reading without ``value`` has none.

    ``expected``: what its neighbours say that it should be, and ``dampest`` the most that one of
    them says, who ``spoke`` last at that time; ``beside``: what one of them shows, which moves if
    the air does. Across a gap nothing adds up: of the time since the reading before, three hours at
    most count.
    """
    if math.isnan(value):
        return 0
    if not limits.low <= value <= limits.high:
        return RANGE
    hours = math.inf if state.at == NEVER else (now - state.at) / HOUR_MS
    step = 0.0 if state.at == NEVER else min(hours, MAX_STEP_H)
    last = state.level if math.isnan(state.jumped) else state.jumped
    if state.same_since == NEVER:
        last = math.nan  # that is another tag's
    before, state.at = state.at, now
    doubted = (state.faults & SALTED) != 0
    faults = jumped(state, hours, value, limits)
    if is_stuck(state, now, value, last, beside, limits):
        faults |= STUCK
    # Nor is it believed while it may be, from when another contradicted it until that one says
    # damp too: two that speak in turn, or of which one is heard later, would else say wet and dry
    # in turn.
    if is_salted(state, value, dampest, step, limits) or (
        state.salted_hours >= 0.0
        and (spoke >= before > NEVER or (doubted and not math.isnan(dampest)))
    ):
        faults |= SALTED
    # A reading that is wrong otherwise says nothing of drift.
    if not faults & (JUMP | STUCK | SALTED) and is_drifting(state, value - expected, step, limits):
        faults |= DRIFT
    return faults


@compiled
def jumped(state: Any, hours: float, value: float, limits: Limits) -> int:
    """JUMP, SPIKE or neither, ``hours`` after the reading before. Where the next reading agrees
    with a jump, it was none."""
    far = limits.jump + limits.jump_per_h * hours
    if state.spikes > SPIKY:
        far /= SPIKY_PART
    was_jump = not math.isnan(state.jumped)
    if abs(value - state.level) > far and not (
        was_jump and abs(value - state.jumped) <= limits.jump
    ):
        state.jumped = value
        return JUMP
    back = was_jump and abs(value - state.level) < abs(value - state.jumped)
    state.level, state.jumped = value, math.nan
    return SPIKE if back else 0


@compiled
def is_stuck(
    state: Any, now: int, value: float, last: float, beside: float, limits: Limits
) -> bool:
    """Whether the reading is one of too many that are equal."""
    if value != last:
        apart = abs(value - last)
        if math.isnan(last):
            state.grain = UNKNOWN_GRAINS * limits.grain
        elif apart < state.grain:
            state.grain = apart if apart > limits.grain else 0.0
        state.same_since, state.repeats = now, 0
        state.others_low = state.others_high = math.nan
        return False
    state.repeats += 1
    if not math.isnan(beside):
        if not beside >= state.others_low:
            state.others_low = beside
        if not beside <= state.others_high:
            state.others_high = beside
    if state.repeats + 1 < limits.stuck_readings or value >= limits.saturated:
        return False
    hours = (now - state.same_since) / HOUR_MS
    grain = max(state.grain, limits.grain)
    hours /= grain / limits.grain
    moved = state.others_high - state.others_low >= limits.moved + 2 * grain
    return bool(hours >= limits.alone_h or (hours >= limits.stuck_h and moved))


@compiled
def is_salted(state: Any, value: float, dampest: float, step: float, limits: Limits) -> bool:
    """Whether it has been damp, far above all of its neighbours, for too long; and from then on
    until it is seen to dry, since in damp air a spoilt sensor is like a sound one. Of unknown air
    nothing adds up."""
    if state.salted_hours >= SALTED_H and value >= limits.salted_from:
        return True
    if value < limits.salted_from or value - dampest < limits.salted_apart:
        state.salted_hours = -1.0
    elif not math.isnan(dampest):
        state.salted_hours = 0.0 if state.salted_hours < 0.0 else state.salted_hours + step
    return bool(state.salted_hours >= SALTED_H)


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


def prepare(settings: tuple[Limits, Limits, Limits, Limits]) -> None:
    """Have `attend` compiled, or fetched from where it is kept. ``settings``: as it has them."""
    whole, codes = np.empty(0, np.int64), np.empty((2, 0), np.int8)
    attend(
        np.empty((0, TAGS), np.int64), np.empty((0, 2 * TAGS), WATCH), np.zeros(1, np.int64), whole,
        whole, whole, np.empty((3, 0)), settings, codes, np.empty((len(NAMED), 0)),
    )  # fmt: skip
    faulty(
        np.empty((0, TAGS), np.int64), np.empty((0, 2 * TAGS), WATCH), whole,
        np.empty((len(NAMED), 0)),
    )  # fmt: skip
