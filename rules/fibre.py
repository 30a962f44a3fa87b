"""Wool's water, mould and heat, step by step: compiled, exact within a step.

All that is compiled stands in this file, as in `rules.kernels`; `rules.wool` and `rules.bale` have
the functions for whole series, with their units, settings and sources.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lots.compiled import compiled
from lots.readings.batch import Floats, Ints

FOUND: Final = (
    "regain", "regain_low", "regain_high", "core_regain_low", "core_regain_high",
    "surface_humidity", "mould_index", "mould_in_hours", "core_warming",
)  # fmt: skip
"""What `courses` finds at each sample, by its rows."""

SETTLED_LAGS: Final = 2.0
"""So many of its lags the outer layer follows the air until its start is forgotten: not three, as
it is near the air that it was packed in. [D]"""
RECENT_H: Final = 48.0
"""Today's climate is the mean of about so long: no night is taken for what is to come. [D]"""

KNOWN_TO: Final = 5.0
"""%, between the bounds of what is inside: so far apart nothing is made of it. [D]"""

_NEVER: Final = -(2**63)  # `rules.kernels.NEVER`
_HOUR_MS: Final = 3_600_000.0

MONOLAYER: Final = 10.5639
"""%, with `C` and `K` the constants of GAB at 20 °C, fitted from 10 to 92 %RH."""
C: Final = 9.4345
K: Final = 0.64620
REGAIN_PER_K: Final = -0.07
"""Points, above 20 °C. [D]"""

# Hukka, Viitanen; Ojanen.
_LEVELLING: Final = 2.3  # of k2 = 1 - exp(2.3 (M - Mmax))
_DECLINE_FIRST: Final = 0.00133  # 1/h, in the first hours outside growth
_DECLINE_LATER: Final = 0.000667
_FIRST_HOURS: Final = 6.0
_LATER_FROM: Final = 24.0

Settings = tuple[float, float, float, float, float, float, float, float, float]


@compiled
def courses(
    states: NDArray[np.void],
    mould: Floats,
    cored: Ints,
    cored_regain: Floats,
    before: Ints,
    starts: Ints,
    time: Ints,
    known: Floats,
    balance: Floats,
    settings: Settings,
    found: Floats,
) -> None:
    """Water, mould and heat of each lot of wool over its samples.

    ``states`` (m,) with the fields of `rules.bale.BALES`, moved on. ``mould`` (m, 7): its
    `rules.wool.MouldClass`; NaN of a lot that is not of wool: it is passed over. ``cored`` (m,) ms
    and ``cored_regain`` %: when its regain was tested; ``before`` (m,) ms: the sample before the
    first of these. ``known``: as `rules.kernels.follow` has it; ``balance`` (n,): the regain in
    balance with each sample's air; ``settings``: `rules.bale.SETTINGS`. Writes to ``found`` (rows
    of `FOUND`, n); NaN: unknown.

    In a gap, and while the air is not known, the bounds of the regain part; the mould index stands
    still, and so does the rate at which the core warms.
    """
    for lot in range(len(starts) - 1):
        kind = mould[lot]
        if math.isnan(kind[0]):
            continue
        state, last, lag = states[lot], before[lot], settings[0]
        for i in range(starts[lot], starts[lot + 1]):
            now, air, damp, step = time[i], known[0, i], known[1, i], known[4, i]
            hours = 0.0 if last == _NEVER else (now - last) / _HOUR_MS
            if last < cored[lot] <= now:
                even(state, cored_regain[lot], settings[3])
                hours = (now - cored[lot]) / _HOUR_MS
            last = now
            steep(state, math.nan if math.isnan(step) else balance[i], hours, settings)
            warmer = 1.0 if math.isnan(known[2, i]) else vapour(known[2, i]) / vapour(air)
            follow_air(state, balance[i], damp, warmer, hours, settings)
            unknown = math.isnan(balance[i])
            if unknown:
                state.regain_hours = state.mould_in = math.nan
            else:
                broken = math.isnan(step) or math.isnan(state.regain_hours)
                state.regain_hours = 0.0 if broken else state.regain_hours + step
                grow(state, air, step, kind)
            warm(state, known[2, i], air, step, settings)
            found[0, i] = state.regain if state.regain_hours >= SETTLED_LAGS * lag else math.nan
            found[1, i], found[2, i] = state.outer_low, state.outer_high
            found[3, i], found[4, i] = state.core_low, state.core_high
            found[5, i] = math.nan if unknown else state.surface_humidity
            found[6, i] = math.nan if unknown else state.mould
            found[7, i] = state.mould_in
            found[8, i] = state.core_warming


@compiled
def even(state: Any, regain: float, giving_off: float) -> None:
    """A bale that was just cored: what the test found, throughout."""
    state.outer_low = state.outer_high = state.core_low = state.core_high = regain
    state.regain, state.surface_humidity = regain, humidity_of(regain / giving_off, 20.0)


@compiled
def vapour(t: float) -> float:
    """Saturation pressure by Magnus, of any unit: for ratios."""
    return math.exp(17.62 * t / (243.12 + t))


@compiled
def steep(state: Any, balance: float, hours: float, settings: Settings) -> None:
    """The bounds of a bale's layers ``hours`` on in air of that ``balance``; NaN: in any."""
    outer_lag, core_lag, low, high, driest, dampest = settings[:6]
    least, most = low * balance, high * balance
    if math.isnan(balance):
        least, most = driest, dampest
    state.outer_low, state.core_low = soak(
        state.outer_low, state.core_low, least, hours, outer_lag, core_lag
    )
    state.outer_high, state.core_high = soak(
        state.outer_high, state.core_high, most, hours, outer_lag, core_lag
    )


@compiled
def follow_air(
    state: Any, balance: float, damp: float, warmer: float, hours: float, settings: Settings
) -> None:
    """What the outer layer's regain and the humidity in it most likely are, ``hours`` on.

    The layer lies between the air and what is inside: where that is known, from a core test,
    ``settings`` say how much of its vapour comes out; ``warmer``: by what its pressure is higher
    there. ``hours`` NaN of the first sample: it begins at the air's.
    """
    lag, giving_off, share = settings[0], settings[3], settings[8]
    if math.isnan(balance):
        return
    core = (state.core_low + state.core_high) / 2
    if state.core_high - state.core_low <= KNOWN_TO:
        inside = humidity_of(core / giving_off if core > state.regain else core, 20.0)
        damp = min((1.0 - share) * damp + share * warmer * inside, 100.0)
    left = 0.0 if math.isnan(state.regain) else math.exp(-hours / lag)
    state.regain = balance if left == 0.0 else balance + (state.regain - balance) * left
    if left == 0.0 or math.isnan(state.surface_humidity):
        state.surface_humidity = damp
    else:
        state.surface_humidity = damp + (state.surface_humidity - damp) * left


@compiled
def humidity_of(regain: float, t: float) -> float:
    """%RH of air in balance with wool of ``regain``, 0 to 100; 100 where none can be so damp."""
    at_20 = regain - REGAIN_PER_K * max(t - 20.0, 0.0)
    if at_20 <= 0.0:
        return 0.0
    # GAB is a quadratic in K a.
    middle = (C - 2.0) * at_20 - MONOLAYER * C
    root = math.sqrt(middle * middle + 4.0 * (C - 1.0) * at_20 * at_20)
    return min(100.0 * (middle + root) / (2.0 * (C - 1.0) * at_20) / K, 100.0)


@compiled
def humidities(regain: Floats, t: Floats, found: Floats) -> None:
    """`humidity_of` each of n, to ``found`` (n,); NaN in, NaN out."""
    for i in range(len(regain)):
        unknown = math.isnan(regain[i] + t[i])
        found[i] = math.nan if unknown else humidity_of(regain[i], t[i])


@compiled
def grow(state: Any, t: float, step: float, kind: Floats) -> None:
    """Mould in the climate of the surface, and the hours until its index reaches 1 as it now goes
    on: the mean course of about `RECENT_H`, with what levels it off."""
    early, late, decline = kind[0], kind[1], kind[6]
    rate, highest = growth(t, state.surface_humidity, kind[2], kind[3], kind[4], kind[5])
    if not math.isnan(step) and step > 0.0:
        was = state.mould
        state.mould, state.mould_dry_hours = advance(
            was, state.mould_dry_hours, rate, highest, step, early, late, decline
        )
        pace, brake = early * rate, early * rate * math.exp(-_LEVELLING * highest)
        if rate == 0.0:
            pace = min(state.mould - was, 0.0) / step
        recent = math.exp(-step / RECENT_H)
        if math.isnan(state.mould_pace):
            state.mould_pace, state.mould_brake = pace, brake
        state.mould_pace = pace + (state.mould_pace - pace) * recent
        state.mould_brake = brake + (state.mould_brake - brake) * recent
    state.mould_in = ahead(state.mould, state.mould_pace, state.mould_brake)


@compiled
def ahead(m: float, pace: float, brake: float) -> float:
    """Hours until dM/dt = ``pace`` - ``brake`` exp(2.3 M) brings the index from ``m`` to 1; 0 if it
    was there, inf if it never does."""
    if m >= 1.0:
        return 0.0
    if pace <= 0.0:
        return math.inf
    if brake <= 1e-30 * pace:  # none, but for what logarithms take
        return (1.0 - m) / pace
    return hours_to(1.0, m, pace, math.log(pace / brake) / _LEVELLING)


@compiled
def warm(state: Any, core: float, air: float, step: float, settings: Settings) -> None:
    """The rate at which the core warms by itself. Samples of one time are one step."""
    if step == 0.0:
        return
    between = (state.heating_air + air) / 2
    state.core_warming = heating(
        state.core_warming, state.heating_core, core, between, step, settings[6], settings[7]
    )
    state.heating_core, state.heating_air = core, air


@compiled
def soak(
    outer: float, core: float, balance: float, step: float, outer_lag: float, core_lag: float
) -> tuple[float, float]:
    """A bale ``step`` h on in air that its fibre is in balance with at ``balance``: outer, core.

    The outer layer follows the air by ``outer_lag`` h, the core follows the outer layer by
    ``core_lag``: the cascade of two lags, solved exactly, for equal ones too.
    """
    slow = math.exp(-step / core_lag)
    apart = step / outer_lag - step / core_lag
    # (slow - fast) / apart, the part of the outer layer's distance that has come to the core.
    if abs(apart) < 1e-9:
        passed = slow * (1.0 - apart / 2)
    elif apart > 0.0:
        passed = -slow * math.expm1(-apart) / apart
    else:
        passed = math.exp(-step / outer_lag) * math.expm1(apart) / apart
    core = balance + (core - balance) * slow + (outer - balance) * passed * step / core_lag
    return balance + (outer - balance) * math.exp(-step / outer_lag), core


@compiled
def soak_course(
    outer: float, core: float, balance: Floats, step: Floats, outer_lag: float, core_lag: float,
    found: Floats,
) -> None:  # fmt: skip
    """`soak` over the steps of one bale; writes to ``found`` (2, n): outer, core."""
    for i in range(len(step)):
        outer, core = soak(outer, core, balance[i], step[i], outer_lag, core_lag)
        found[0, i], found[1, i] = outer, core


@compiled
def heating(
    rate: float, core: float, core_now: float, air: float, step: float, lag: float, smoothing: float
) -> float:
    """K/day that a bale's core warms by itself, smoothed over ``smoothing`` h, after a step.

    What the core, now at ``core_now``, would be had it only followed ``air`` by ``lag`` h from
    ``core`` is left out: a bale that comes warm into a cold hall does not heat. Exact for a heat
    that stays as it is. ``rate`` NaN: of nothing before, so it begins at none.
    """
    if math.isnan(core + core_now + air + step) or step <= 0.0:
        return rate
    if math.isnan(rate):
        rate = 0.0
    only_followed = air + (core - air) * math.exp(-step / lag)
    now = 24.0 * (core_now - only_followed) / (-lag * math.expm1(-step / lag))
    return now + (rate - now) * math.exp(-step / smoothing)


@compiled
def heating_course(
    rate: float, core: Floats, air: Floats, step: Floats, lag: float, smoothing: float,
    found: Floats,
) -> None:  # fmt: skip
    """`heating` over the samples of one bale, the air between two being their mean; writes to
    ``found`` (n,)."""
    for i in range(len(step)):
        if i > 0:
            between = (air[i - 1] + air[i]) / 2
            rate = heating(rate, core[i - 1], core[i], between, step[i], lag, smoothing)
        found[i] = rate


@compiled
def advance(
    m: float, dry: float, rate: float, highest: float, hours: float,
    early: float, late: float, decline: float,
) -> tuple[float, float]:  # fmt: skip
    """The VTT mould index ``m`` and its hours outside growth after ``hours`` of one climate.

    ``rate``, ``highest``: as `rules.wool.growth` has them; ``early``, ``late``, ``decline``: of the
    `rules.wool.MouldClass`. Within a step the model is solved exactly.
    """
    if math.isnan(m + dry + rate + hours):
        return math.nan, math.nan
    if rate == 0.0:
        return max(m - decline * declined(dry, dry + hours), 0.0), dry + hours
    if m < 1.0:
        to_one = hours_to(1.0, m, rate * early, highest)
        if to_one >= hours:
            return grown(m, rate * early * hours, highest), 0.0
        m, hours = 1.0, hours - to_one
    return grown(m, rate * late * hours, highest), 0.0


@compiled
def declined(begins: float, ends: float) -> float:
    """By how much, at Cmat 1, the index falls from ``begins`` to ``ends`` hours outside growth."""
    first = min(ends, _FIRST_HOURS) - min(begins, _FIRST_HOURS)
    later = max(ends, _LATER_FROM) - max(begins, _LATER_FROM)
    return _DECLINE_FIRST * first + _DECLINE_LATER * later


@compiled
def grown(m: float, growth: float, highest: float) -> float:
    """dM/dx = 1 - exp(2.3 (M - Mmax)) from ``m``, solved for x = ``growth``."""
    if m >= highest:
        return m
    room = math.expm1(_LEVELLING * (highest - m))
    return highest - math.log1p(room * math.exp(-_LEVELLING * growth)) / _LEVELLING


@compiled
def hours_to(target: float, m: float, rate: float, highest: float) -> float:
    """Hours until `grown` comes to ``target``; inf if the humidity does not bring it there."""
    if target >= highest:
        return math.inf
    room = math.expm1(_LEVELLING * (highest - m))
    left = math.expm1(_LEVELLING * (highest - target))
    return math.log(room / left) / (_LEVELLING * rate)


@compiled
def critical(t: float, humidity_min: float) -> float:
    """%RH from which mould grows at ``t`` °C; inf where none does, NaN where that is not known."""
    if math.isnan(t):
        return math.nan
    if t <= 0.0 or t >= 50.0:
        return math.inf
    if t > 20.0:
        return humidity_min
    return max(100.0 + t * (-3.13 + t * (0.160 - 0.00267 * t)), humidity_min)


@compiled
def growth(
    t: float, humidity: float, a: float, b: float, c: float, humidity_min: float
) -> tuple[float, float]:
    """Index per hour at k1 = k2 = 1, 0 where mould does not grow; and the highest index there."""
    damp, needed = min(humidity, 100.0), critical(t, humidity_min)
    if math.isnan(needed) or math.isnan(humidity):
        return math.nan, math.nan
    if damp < needed:
        return 0.0, a
    days = 7.0 * math.exp(66.02 - 0.68 * math.log(t) - 13.9 * math.log(damp))
    # Just above 0 °C the critical humidity comes to 100 %: then r is 1, not 0/0.
    edge = min(needed, 100.0 - 1e-9)
    r = (edge - damp) / (edge - 100.0)
    return 1.0 / (24.0 * days), a + b * r - c * r * r


@compiled
def growths(
    t: Floats, humidity: Floats, a: float, b: float, c: float, humidity_min: float, found: Floats
) -> None:
    """`growth` in each of n climates, to ``found`` (2, n)."""
    for i in range(len(t)):
        found[0, i], found[1, i] = growth(t[i], humidity[i], a, b, c, humidity_min)


def prepare(states: NDArray[np.void]) -> None:
    """Have what the fold needs compiled, or fetched from where it is kept. ``states`` (0,)."""
    whole, real = np.empty(0, np.int64), np.empty(0)
    courses(
        states, np.empty((0, 7)), whole, real, whole, np.zeros(1, np.int64), whole,
        np.empty((8, 0)), real, (0.0,) * 9, np.empty((len(FOUND), 0)),
    )  # fmt: skip
