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

FROM_GAB: Final = 0.92
"""The activity from which a bale's wool goes straight to what it holds when saturated."""
SATURATED: Final = 34.0
"""%, the regain in saturated air: 33 to 36 published; GAB ends at 28."""
_AT_THAT: Final = 24.3180  # %, GAB's regain there
GIVING_OFF: Final = 1.13
"""Times the mean regain, of a damp bale that dries: 18 % at 65 %RH, the most that was measured."""
GIVES_OFF_FROM: Final = 18.0
"""%, cored: from there it dries."""

# A bale from its surface inward. [D], but for still air, which is 2.5e-5 m²/s.
LAYERS: Final = 3
_ENDS: Final = (0.007, 0.04, 0.4)  # m; 0.4 is three times its volume over its surface
_CENTRES: Final = (0.0035, 0.0235, 0.13)  # of the core nearer to its outside: most is there
_DRY_KG_M3: Final = 290.0
_LONGER: Final = 2.5  # times still air's way, through pressed wool
_SKIN_M: Final = 0.006  # of wool that hold heat up as the air at a bale does, of 8 W/m²K
_VAPOUR: Final = 2.5e-5 / (461.5 * 298.0) * 3600.0  # kg/(m h Pa), of still air
LAYER_STEP_H: Final = 0.5
"""h: the layers move on so often: nothing in them is quicker than hours."""

# Damp wool may heat by itself. [D]
HEATS_FROM: Final = 25.0
"""%, cored: drier bales do not."""
HOT: Final = 60.0
"""°C of its core then: wet bales have come to 76."""
DAMP_BOX: Final = 80.0
"""%RH: air that damp bales have made so."""
RISE: Final = 1.6
"""%: by so much regain its balance rises above the mean of five days when a bale in it heats."""
RISE_LAGS: Final = 6.0  # of the outer layer: three days, until there is such a mean
_FLAT: Final = 1e-4  # of a layer that holds free water, for a percent: none, but for the solver

# Hukka, Viitanen; Ojanen.
_LEVELLING: Final = 2.3  # of k2 = 1 - exp(2.3 (M - Mmax))
_DECLINE_FIRST: Final = 0.00133  # 1/h, in the first hours outside growth
_DECLINE_LATER: Final = 0.000667
_FIRST_HOURS: Final = 6.0
_LATER_FROM: Final = 24.0

Settings = tuple[float, float, float, float, float, float, float, float]


@compiled
def courses(
    states: NDArray[np.void],
    mould: Floats,
    cored: Ints,
    cored_regain: Floats,
    wraps: Floats,
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
    and ``cored_regain`` %: when its regain was tested; ``wraps`` (m,) m: `rules.bale.WRAPS`;
    ``before`` (m,) ms: the sample before the first of these. ``known``: as `rules.kernels.follow`
    has it; ``balance`` (n,): the regain in balance with each sample's air; ``settings``:
    `rules.bale.SETTINGS`. Writes to ``found`` (rows of `FOUND`, n); NaN: unknown.

    In a gap, and while the air is not known, the bounds of the regain part; the mould index stands
    still, and so does the rate at which the core warms.
    """
    work = np.empty((6, LAYERS))
    for lot in range(len(starts) - 1):
        kind = mould[lot]
        if math.isnan(kind[0]):
            continue
        state, last, lag = states[lot], before[lot], settings[0]
        for i in range(starts[lot], starts[lot + 1]):
            now, air, damp, step = time[i], known[0, i], known[1, i], known[4, i]
            hours = 0.0 if last == _NEVER else (now - last) / _HOUR_MS
            if last < cored[lot] <= now:
                even(state, cored_regain[lot])
                hours = (now - cored[lot]) / _HOUR_MS
            last = now
            steep(state, math.nan if math.isnan(step) else balance[i], hours, settings)
            follow_air(state, balance[i], damp, hours, lag)
            tested = cored_regain[lot] if cored[lot] <= now else math.nan
            follow_inside(state, tested, wraps[lot], air, damp, known[2, i], step, settings, work)
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
def even(state: Any, regain: float) -> None:
    """A bale that was just cored: what the test found, throughout; its layers begin so."""
    state.outer_low = state.outer_high = state.core_low = state.core_high = regain
    state.regain = regain
    state.surface_humidity = 100.0 * activity(regain, 20.0, hysteresis(regain))[0]
    state.layers[:] = math.nan


@compiled
def vapour(t: float) -> float:
    """Pa, saturated, over water, by Magnus."""
    return 611.2 * math.exp(17.62 * t / (243.12 + t))


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
def follow_air(state: Any, balance: float, damp: float, hours: float, lag: float) -> None:
    """What the outer layer's regain and the humidity in it most likely are, ``hours`` on, where
    nothing is known of what is inside. ``hours`` NaN of the first sample: it begins at the air's.
    """
    if math.isnan(balance):
        return
    left = 0.0 if math.isnan(state.regain) else math.exp(-hours / lag)
    state.regain = balance if left == 0.0 else balance + (state.regain - balance) * left
    if left == 0.0 or math.isnan(state.regain_before):
        state.regain_before = balance
    else:
        slow = math.exp(-hours / (10.0 * lag))
        state.regain_before = state.regain + (state.regain_before - state.regain) * slow
    if left == 0.0 or math.isnan(state.surface_humidity):
        state.surface_humidity = damp
    else:
        state.surface_humidity = damp + (state.surface_humidity - damp) * left


@compiled
def heats(state: Any, cored: float, damp: float, lag: float) -> bool:
    """Whether a bale of ``cored`` % without a tag in its core heats by itself: damp bales that do
    make the air around them damper from day to day."""
    risen = state.regain - state.regain_before
    known = state.regain_hours >= RISE_LAGS * lag
    return bool(cored >= HEATS_FROM and risen > RISE and damp > DAMP_BOX and known)


@compiled
def hysteresis(cored: float) -> float:
    """Times the mean regain, that a bale of ``cored`` % has in any air."""
    return GIVING_OFF if cored >= GIVES_OFF_FROM else 1.0


@compiled
def follow_inside(
    state: Any, cored: float, wrap: float, air: float, damp: float, core: float, step: float,
    settings: Settings, work: Floats,
) -> None:  # fmt: skip
    """The surface of a bale whose inside is known, ``step`` h on in ``air`` °C of ``damp`` %RH:
    vapour moves between its layers, and through its ``wrap``, m. ``cored``: as the test had it, NaN
    without one; ``core`` °C by a tag, NaN without one: then it follows the air by a lag, and is hot
    while it `heats`. ``work`` (6, LAYERS) is written over.

    Where the air is not known, and in a gap, nothing moves.
    """
    if not state.core_high - state.core_low <= KNOWN_TO:
        state.layers[:] = math.nan
        return
    if math.isnan(state.layers[0]):
        state.layers[:] = (state.core_low + state.core_high) / 2
        state.layer_hours, state.inside = 0.0, math.nan
    if math.isnan(air + damp):
        return
    if not math.isnan(core):
        state.inside = core
    elif heats(state, cored, damp, settings[0]):
        state.inside = HOT
    elif math.isnan(state.inside):
        state.inside = air
    elif not math.isnan(step):
        state.inside = air + (state.inside - air) * math.exp(-step / settings[6])
    if not math.isnan(step):
        state.layer_hours += step
        if state.layer_hours >= LAYER_STEP_H:
            diffuse(state.layers, cored, wrap, air, damp, state.inside, state.layer_hours, work)
            state.layer_hours = 0.0
    outside = warmth(air, state.inside, 0)
    state.surface_humidity = 100.0 * activity(state.layers[0], outside, hysteresis(cored))[0]


@compiled
def warmth(air: float, core: float, layer: int) -> float:
    """°C of a layer: straight from the air, behind what that holds heat up by, to the core."""
    return air + (core - air) * (_SKIN_M + _CENTRES[layer]) / (_SKIN_M + _CENTRES[LAYERS - 1])


@compiled
def diffuse(
    layers: Floats, cored: float, wrap: float, air: float, damp: float, core: float, hours: float,
    work: Floats,
) -> None:  # fmt: skip
    """Regains ``layers`` (LAYERS,) % of a bale ``hours`` on: one implicit step, in which pressures
    go straight with regains. ``wrap``: `rules.bale.WRAPS`."""
    pressure, slope, below, middle, above, change = work
    giving_off = hysteresis(cored)
    inner = 1.0
    for n in range(LAYERS):
        t = warmth(air, core, n)
        damp_here, steep_here = activity(layers[n], t, giving_off)
        full = vapour(t)
        pressure[n], slope[n] = damp_here * full, steep_here * full
        left = 1.0 - _ENDS[n] / _ENDS[LAYERS - 1]
        volume = _ENDS[LAYERS - 1] / 3.0 * (inner**3 - left**3)  # m³ for a m² of surface
        middle[n] = _DRY_KG_M3 * volume / 100.0 / hours  # kg/h for a percent
        below[n] = above[n] = change[n] = 0.0
        inner = left
    passes = _VAPOUR / (wrap + _LONGER * _CENTRES[0])
    change[0] = passes * (damp / 100.0 * vapour(air) - pressure[0])
    middle[0] += passes * slope[0]
    for n in range(LAYERS - 1):
        area = (1.0 - _ENDS[n] / _ENDS[LAYERS - 1]) ** 2
        passes = _VAPOUR / _LONGER * area / (_CENTRES[n + 1] - _CENTRES[n])
        comes = passes * (pressure[n + 1] - pressure[n])
        change[n] += comes
        change[n + 1] -= comes
        middle[n] += passes * slope[n]
        above[n] = -passes * slope[n + 1]
        middle[n + 1] += passes * slope[n + 1]
        below[n + 1] = -passes * slope[n]
    for n in range(1, LAYERS):
        part = below[n] / middle[n - 1]
        middle[n] -= part * above[n - 1]
        change[n] -= part * change[n - 1]
    more = 0.0
    for n in range(LAYERS - 1, -1, -1):
        more = (change[n] - above[n] * more) / middle[n]
        layers[n] = max(layers[n] + more, 0.0)


@compiled
def activity(regain: float, t: float, hysteresis: float) -> tuple[float, float]:
    """Of the air in a bale's wool, 0 to 1, and by how much it rises for a percent of ``regain``."""
    at_20 = regain / hysteresis - REGAIN_PER_K * max(t - 20.0, 0.0)
    if at_20 <= 0.0:
        return 0.0, 1.0 / (MONOLAYER * C * K * hysteresis)
    if at_20 >= SATURATED:
        return 1.0, _FLAT
    if at_20 > _AT_THAT:
        rise = (1.0 - FROM_GAB) / (SATURATED - _AT_THAT)
        return FROM_GAB + (at_20 - _AT_THAT) * rise, rise / hysteresis
    a = humidity_of(at_20, 20.0) / 100.0
    bound = K * a
    free, both = 1.0 - bound, 1.0 + (C - 1.0) * bound
    # d/da of MONOLAYER C bound / (free both)
    rises = MONOLAYER * C * K * (1.0 + (C - 1.0) * bound * bound) / (free * free * both * both)
    return a, 1.0 / (rises * hysteresis)


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
        states, np.empty((0, 7)), whole, real, real, whole, np.zeros(1, np.int64), whole,
        np.empty((8, 0)), real, (0.0,) * 8, np.empty((len(FOUND), 0)),
    )  # fmt: skip
