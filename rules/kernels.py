"""The loops of the fold that numpy cannot take, compiled by numba: one lot after another, by time.

What is compiled stands in this file with all that it is made of, scalars and constants too: what
is kept of a function is taken for stale by the time of its own file alone. Everything here works
in place on contiguous columns, and lets other threads run while it does.

``starts`` (m + 1,) says where each lot's samples begin, and where the last one's end.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lots.clock import HOUR_MS
from lots.compiled import compiled
from lots.readings.batch import Bools, Floats, Ints
from rules import fibre, film, lead

Records = NDArray[np.void]
"""Columns that belong together, one row a lot, so that a lot's are side by side in memory."""

Links = NDArray[np.int32]
"""Places in the window's log."""

NEVER: Final = -(2**63)
"""No instant, where one is kept as an integer: before all others."""

FAR: Final = 2**62
"""Later than any sample, ms."""

MAX_GAP_H: Final = 3.0
"""Past this many hours without a sample, what happened meanwhile is unknown. [D]"""
HOLD_MS: Final = int(MAX_GAP_H * HOUR_MS)
"""So long a measured value holds until the next."""

AT_SATURATION: Final = 97.0
"""%RH at metal from which a tag on it says that water settles: two of three sensors are off by
1.8 at most, nine of ten by 3. [D]"""
BEYOND: Final = 105.0
"""%RH that are taken for such a reading: it says no more than that the air has more vapour than the
metal holds back, by an amount that no sensor there can see. [D]"""

LEAST_AT_SATURATION: Final = 93.0
"""%RH: a tag that says less where water settles is off by more than seven, and broken."""
STANDS: Final = 0.3
"""%RH within which a reading stands still."""
STANDS_H: Final = 1.0
STANDS_K: Final = 1.0
STANDS_MOST_H: Final = 6.0
"""A tag on the metal that stood still for an hour, while the metal changed by a kelvin within six,
stands at its own saturation: of dry metal it would have gone by six %RH. [D]"""
SETTLES_FROM: Final = 102.0
"""%RH that are taken where a tag stands at its own saturation and the air's tag says less: a film
that grows by a few g/m²h. [D]"""

COMPARED_H: Final = 4.0
"""Over so many hours the air's tag is compared with the one at the metal: errors of sensors last,
that one of them is some minutes behind does not. [D]"""
MOST_APART: Final = 0.2
"""Where they are farther apart, in parts of the vapour, they are not in one air or one is broken:
then it says nothing of the other. [D]"""
WARMS_H: Final = 0.5
"""Over so many hours it is seen how fast the metal warms. [D]"""
WARMS_ON_H: Final = 1.0
WARMS_ON_K: Final = 2.0
"""So long, and so far, it is taken to warm on so until the next reading. [D]"""

ICE_PER_K: Final = 0.0097
"""The logarithm of saturation over ice ÷ over water for each degree below 0 °C: to 0.3 % down to
-30 °C of Hyland and Wexler's."""

WET_HUMIDITY: Final = 80.0  # ISO 9223: wet while T > 0 degC and RH > 80 %
DRYING_H: Final = 12.0  # dry hours in a row that end a wet spell [D]
SETTLED_LAGS: Final = 3.0  # a lag's unknown start is forgotten to 5 % after as many time constants

AVERAGE, RATE, HOURS, INTEGRAL = 1, 2, 3, 4
"""Kinds of derived quantities: those of `rules.derived.Kind`; the one that is left counts."""

STEPS: Final = 4
"""More than a rule can have: one for each severity, and none."""

AIR_WARMTH, AIR_DAMP, METAL, HEART, BESIDE, VAPOUR = 1, 2, 4, 8, 16, 32
"""What may be in doubt, added up: the air's temperature and humidity, the metal's temperature where
it is measured, the core's, the air at the metal, and that whose vapour is known."""

JUMP: Final = 2
"""`rules.quality.Fault`"""

AIR, SURFACE, CORE = 0, 1, 2
"""Where a sample was taken: codes of `lots.climate.CODES`."""


@compiled
def follow(
    states: Records,
    lags: Floats,
    metal: Bools,
    starts: Ints,
    time: Ints,
    placement: Ints,
    measured: Floats,
    faults: NDArray[np.int8],
    known: Floats,
) -> None:
    """Held values and the surface, which lags behind the air by ``lags`` (m,) h.

    ``measured`` (3, n): temperature, humidity, probe, as they are to be believed; ``faults`` (2, n)
    of `rules.quality`. Moves ``states`` (m,) on, and writes what is known at each sample to
    ``known`` (9, n): air temperature, humidity, core, surface, the hours since the sample before,
    the surface where it is measured, and the air whose vapour is known, by temperature and humidity
    (NaN: unknown). That is the air around the lot; of ``metal`` (m,) without a tag there, the air
    at it: it has as much vapour, until water settles. And what of these is in doubt (`AIR_WARMTH`
    to `VAPOUR`), since the last reading of it jumped: it is here as it was before, so that a lag
    goes on, and is not to be shown.
    """
    for lot in range(len(starts) - 1):
        state, lag = states[lot], lags[lot]
        for i in range(starts[lot], starts[lot + 1]):
            now = time[i]
            step = math.nan
            if state.newest != NEVER and now - state.newest <= HOLD_MS:
                step = (now - state.newest) / HOUR_MS
            before = state.temperature if now - state.temperature_at <= HOLD_MS else math.nan
            warm, damp, probed = measured[0, i], measured[1, i], measured[2, i]
            hot, wet = (faults[0, i] & JUMP) != 0, (faults[1, i] & JUMP) != 0
            if placement[i] == AIR:
                state.doubts = doubted(state.doubts, AIR_WARMTH, hot, warm)
                state.doubts = doubted(state.doubts, AIR_DAMP, wet, damp)
                if not math.isnan(warm):
                    state.temperature, state.temperature_at = warm, now
                if not math.isnan(damp):
                    state.humidity, state.humidity_at = damp, now
                if not math.isnan(probed):
                    touch(state, probed, now)
                    state.doubts = doubted(state.doubts, METAL, False, probed)
            else:
                touched = warm if math.isnan(probed) else probed
                which = HEART if placement[i] == CORE else METAL
                state.doubts = doubted(state.doubts, which, hot, touched)
                if not math.isnan(touched):
                    if placement[i] == CORE:
                        state.core, state.core_at = touched, now
                    else:
                        touch(state, touched, now)
                if placement[i] == SURFACE:
                    state.doubts = doubted(state.doubts, BESIDE, hot or wet, warm + damp)
                    if not math.isnan(warm + damp):
                        since = (now - state.beside_at) / HOUR_MS
                        over_ice = math.exp(ICE_PER_K * min(warm, 0.0))
                        stand(state, warm, damp / over_ice, since)
                        state.beside, state.beside_at = warm, now
                        taken = taken_at_metal(damp / over_ice, state.saturated)
                        state.beside_humidity = over_ice * taken
                        if taken < 100.0:
                            compare(state, now, since)
            state.newest = now
            warmth = state.temperature if now - state.temperature_at <= HOLD_MS else math.nan
            on_metal = warmed_on(state, now)
            if not math.isnan(on_metal):
                # It is settled at once.
                state.surface, state.surface_hours = on_metal, SETTLED_LAGS * lag
            elif math.isnan(warmth):
                state.surface, state.surface_hours = math.nan, 0.0
            else:
                # Over the step the air went from one reading to the next: its mean is the target.
                target = warmth if math.isnan(before) else (before + warmth) / 2
                state.surface, state.surface_hours = following(
                    state.surface, state.surface_hours, target, step, lag
                )
            damp = state.humidity if now - state.humidity_at <= HOLD_MS else math.nan
            known[0, i], known[1, i] = warmth, damp
            known[2, i] = state.core if now - state.core_at <= HOLD_MS else math.nan
            known[3, i] = state.surface if state.surface_hours >= SETTLED_LAGS * lag else math.nan
            known[4, i] = step
            known[5, i] = on_metal
            doubts = state.doubts
            if math.isnan(on_metal):
                doubts &= ~METAL
            vapour_of = BESIDE if math.isnan(warmth + damp) else AIR_WARMTH | AIR_DAMP
            if metal[lot]:
                if now - state.beside_at <= HOLD_MS:
                    warmth, damp = by_metal(state, warmth, damp, on_metal)
                state.vapour_temperature, state.vapour_humidity = warmth, damp
            known[6, i], known[7, i] = warmth, damp
            known[8, i] = (doubts | VAPOUR) if doubts & vapour_of else doubts


@compiled
def touch(state: Any, value: float, now: int) -> None:
    """The metal was measured: how warm it is, and how fast it warms of late."""
    since = (now - state.on_surface_at) / HOUR_MS
    if since > MAX_GAP_H or math.isnan(state.on_surface):
        state.warms = 0.0
    elif since > 0.0:
        left = math.exp(-since / WARMS_H)
        state.warms = state.warms * left + (value - state.on_surface) / since * (1.0 - left)
    state.on_surface, state.on_surface_at = value, now


@compiled
def warmed_on(state: Any, now: int) -> float:
    """°C of the metal that was measured, as it has warmed or cooled since: between two of its
    readings those of the air come, and metal that stood still meanwhile would be too cold for
    them whenever the day warms both. NaN after `HOLD_MS`."""
    if now - state.on_surface_at > HOLD_MS:
        return math.nan
    more = state.warms * min((now - state.on_surface_at) / HOUR_MS, WARMS_ON_H)
    return float(state.on_surface + min(max(more, -WARMS_ON_K), WARMS_ON_K))


@compiled
def doubted(doubts: int, which: int, jumps: bool, value: float) -> int:
    """``doubts`` after a reading: with ``which`` if it ``jumps``, without if it has a ``value``."""
    if jumps:
        return doubts | which
    return doubts if math.isnan(value) else doubts & ~which


@compiled
def stand(state: Any, temperature: float, humidity: float, since: float) -> None:
    """A tag on the metal says ``humidity``, %RH over ice below 0 °C, ``since`` h after the last
    time: if it stands still while the metal changes, it is at saturation."""
    still = abs(humidity - state.stands) <= STANDS and 0.0 < since <= MAX_GAP_H
    if not still or state.stood_hours > STANDS_MOST_H:
        state.stands, state.stood_hours, state.stood_from = humidity, 0.0, temperature
        return
    state.stood_hours += since
    moved = abs(temperature - state.stood_from) >= STANDS_K
    if moved and state.stood_hours >= STANDS_H and state.stands >= LEAST_AT_SATURATION:
        state.saturated = min(state.stands, 100.0)


@compiled
def taken_at_metal(humidity: float, saturated: float) -> float:
    """%RH, over ice below 0 °C, that a reading at metal is taken for; ``saturated``: what that tag
    says at saturation, NaN: not known."""
    if math.isnan(saturated):
        return BEYOND if humidity >= AT_SATURATION else humidity
    return BEYOND if humidity >= saturated - STANDS else humidity * 100.0 / saturated


@compiled
def compare(state: Any, now: int, since: float) -> None:
    """A tag at dry metal has spoken, ``since`` h after the last time: how much more vapour it says
    than the air's tag. Near its dew point it knows better: 1 %RH is 0.17 K there, and 0.4 in warm
    air over cold metal, at 45 %RH."""
    known = now - min(state.temperature_at, state.humidity_at) <= HOLD_MS
    if not known or state.humidity <= 0.0:
        return
    says = vapour(state.beside, state.beside_humidity)
    more = says / vapour(state.temperature, state.humidity) - 1.0
    if abs(more) > MOST_APART:
        return
    if since > MAX_GAP_H or math.isnan(state.more_at_metal):
        state.more_at_metal = more
    else:
        left = math.exp(-since / COMPARED_H)
        state.more_at_metal = more + (state.more_at_metal - more) * left


@compiled
def by_metal(state: Any, warmth: float, damp: float, measured: float) -> tuple[float, float]:
    """The air whose vapour is known, by temperature and humidity: of the air's tag, ``warmth`` and
    ``damp``; where there is none, of the one at the metal. At its own saturation that one knows
    better that water settles on metal of ``measured`` °C."""
    if math.isnan(warmth + damp):
        return state.beside, state.beside_humidity
    if not math.isnan(state.more_at_metal):
        damp = min(damp * (1.0 + state.more_at_metal), 100.0)
    over_ice = math.exp(ICE_PER_K * min(measured, 0.0))
    settles = state.saturated < 100.0 and state.beside_humidity >= 100.0 * over_ice
    if settles and vapour(warmth, damp) < vapour(measured, SETTLES_FROM * over_ice):
        return measured, SETTLES_FROM * over_ice
    return warmth, damp


@compiled
def vapour(temperature: float, humidity: float) -> float:
    """Of air, by Magnus, to compare with another's: without its constant."""
    return humidity * math.exp(17.62 * temperature / (243.12 + temperature))


@compiled
def following(
    value: float, hours: float, target: float, step: float, constant: float
) -> tuple[float, float]:
    """A first-order lag ``step`` h on towards ``target``: its value, and how long it followed.

    Unknown how long (NaN): it starts anew. An unknown target leaves nothing known.
    """
    if math.isnan(step) or math.isnan(value) or math.isnan(target):
        return target, 0.0
    return target + (value - target) * math.exp(-step / constant), hours + step


@compiled
def courses(states: Records, starts: Ints, known: Floats, found: Floats) -> None:
    """Hours of wetness: moves ``states`` on, and writes them to ``found`` (n,); NaN: unknown."""
    for lot in range(len(starts) - 1):
        state = states[lot]
        for i in range(starts[lot], starts[lot + 1]):
            temperature, humidity, step = known[0, i], known[1, i], known[4, i]
            is_known = not math.isnan(temperature + humidity)
            if temperature > 0.0 and humidity > WET_HUMIDITY:
                # Across a gap too: the dry hours before it are not the end of this spell.
                if not math.isnan(step):
                    state.wet_hours += step
                state.dry_hours = 0.0
            elif is_known and not math.isnan(step):
                state.dry_hours += step
                if state.dry_hours >= DRYING_H:
                    state.wet_hours = 0.0
            found[i] = state.wet_hours if is_known else math.nan


@compiled
def locate(spans: Records, at: Ints, count: Ints, starts: Ints, time: Ints, found: Ints) -> None:
    """The span that each sample is in: of lot i those at [at[i], at[i] + count[i]), by when they
    begin; the first is from ever on. Samples are mostly in the last."""
    for lot in range(len(starts) - 1):
        for i in range(starts[lot], starts[lot + 1]):
            span = at[lot] + max(count[lot], 1) - 1
            while span > at[lot] and spans[span].begins > time[i]:
                span -= 1
            found[i] = span


@compiled
def measure(
    kind: int,
    span_h: float,
    memory: Floats,
    applies: Bools,
    starts: Ints,
    time: Ints,
    step: Floats,
    source: Floats,
    era: Ints,
    found: Floats,
) -> None:
    """A derived quantity with a memory, of ``kind`` (`rules.derived.Kind`), at each sample.

    ``memory`` (m, width), moved on: the first number is what it came to, the others are its own.
    ``applies`` (m,): elsewhere it is unknown. ``source``, ``found`` (n,). ``span_h`` 0: none.
    ``era`` (n,): where it differs from one sample to the next a sum begins anew; empty: never.
    What is unknown, and what passes in a gap, adds nothing; a lag begins anew.
    """
    for lot in range(len(starts) - 1):
        own = memory[lot]
        for i in range(starts[lot], starts[lot + 1]):
            if not applies[lot]:
                found[i] = math.nan
                continue
            value, hours = source[i], step[i]
            if kind in (AVERAGE, RATE):
                lag_behind(own, value, hours, span_h)
                if own[2] < span_h:
                    own[0] = math.nan
                else:
                    own[0] = own[1] if kind == AVERAGE else (value - own[1]) / span_h
            elif kind in (HOURS, INTEGRAL):
                if len(era) and era[i] != own[2]:
                    own[0], own[1], own[2] = 0.0, 0.0, era[i]
                own[0], own[1] = added(own[0], own[1], value, hours, span_h, kind == HOURS)
            else:
                own[0] = recount(own, value, time[i], span_h)
            found[i] = own[0]


@compiled
def lag_behind(own: Floats, value: float, hours: float, constant: float) -> None:
    """A first-order lag behind a number that went straight from its last value to this one.

    ``own[1:]``: the lag, for how many hours it followed, the last value. Exact for such a course,
    so that of a steady climb the distance behind it is climb x ``constant``, however often it was
    measured.
    """
    if math.isnan(value + hours + own[1]):
        own[1], own[2] = value, 0.0
    elif hours > 0.0:
        behind = (value - own[3]) / hours * constant
        left = math.exp(-hours / constant)
        own[1] = value - behind + (own[1] - own[3] + behind) * left
        own[2] += hours
    own[3] = value


@compiled
def added(
    total: float, rest: float, value: float, hours: float, spell: float, only_hours: bool
) -> tuple[float, float]:
    """A sum ``hours`` on, and how long it has been at rest: after a ``spell`` of that it is 0."""
    if math.isnan(value) or math.isnan(hours):
        return total, rest
    if value > 0.0:
        return total + (hours if only_hours else value * hours), 0.0
    rest += hours
    if 0.0 < spell <= rest:
        total = 0.0
    return total, rest


@compiled
def recount(own: Floats, value: float, now: int, within_h: float) -> float:
    """How often a condition (``value`` 1, 0 or NaN) began in the hours before ``now``.

    ``own``: the count, whether it held, and the instants at which it began, of the last eight.
    """
    if not math.isnan(value):
        if value > 0.0 and own[1] == 0.0:
            for n in range(len(own) - 1, 2, -1):
                own[n] = own[n - 1]
            own[2] = now
        own[1] = value
    count = 0.0
    for n in range(2, len(own)):
        if own[n] > now - within_h * HOUR_MS:
            count += 1.0
    return count


@compiled
def walk(
    pending: Ints,
    opened: Ints,
    applies: Bools,
    steps: Ints,
    delays: Ints,
    starts: Ints,
    time: Ints,
    step: Floats,
    holds: Bools,
    clears: Bools,
    found: Ints,
) -> int:
    """Every rule's little machine over the samples: idle, pending, open, and open at which step.

    ``steps`` (rules + 1,): where each rule's columns begin, a column a step, the mildest first.
    ``pending``, ``opened`` (m, columns): since when, ms, `NEVER` if not; moved on. ``applies``
    (m, rules); ``delays`` (columns,) ms; ``holds``, ``clears`` (columns, n). A step that opens
    opens those before it too, and clears only when none after it is open; a rule does not rise at
    the sample at which it fell. Samples of one time are judged when all of them are in. Writes
    where a rule comes to stand to ``found``, as (sample x rules + rule) x `STEPS` + how many of its
    steps are open, and returns how many there are.
    """
    count = 0
    rules = len(steps) - 1
    for lot in range(len(starts) - 1):
        end = starts[lot + 1]
        for rule in range(rules):
            if not applies[lot, rule]:
                continue
            first, last = steps[rule], steps[rule + 1]
            stands, gap = first, False
            while stands < last and opened[lot, stands] != NEVER:
                stands += 1
            for i in range(starts[lot], end):
                gap = gap or math.isnan(step[i])
                if i + 1 < end and time[i + 1] == time[i]:
                    continue
                before = stands
                while stands > first and clears[stands - 1, i]:
                    stands -= 1
                    opened[lot, stands] = NEVER
                rises = stands
                for column in range(before, last):
                    if not holds[column, i]:
                        pending[lot, column] = NEVER
                        continue
                    if pending[lot, column] == NEVER or gap:
                        pending[lot, column] = time[i]
                    if time[i] - pending[lot, column] >= delays[column] and stands == before:
                        rises = column + 1
                while stands < rises:
                    opened[lot, stands], pending[lot, stands] = time[i], NEVER
                    stands += 1
                if stands != before:
                    found[count] = (i * rules + rule) * STEPS + stands - first
                    count += 1
                gap = False
    return count


@compiled
def sift(starts: Ints, time: Ints, identity: Ints, bases: Ints, keep: Bools, late: Ints) -> None:
    """Which samples can be taken: ``keep`` (n,) is False for those not after ``bases`` (m,), whose
    first time goes to ``late`` (m,), else `NEVER`, and for repeats within the batch."""
    for lot in range(len(starts) - 1):
        late[lot] = NEVER
        run = starts[lot]
        for i in range(starts[lot], starts[lot + 1]):
            keep[i] = True
            if time[i] <= bases[lot]:
                keep[i] = False
                if late[lot] == NEVER:
                    late[lot] = time[i]
                continue
            if time[i] != time[run]:
                run = i
            for other in range(run, i):
                if identity[other] == identity[i]:
                    keep[i] = False
                    break


@compiled
def recall(
    last: Links, previous: Links, times: Ints, identities: Ints,
    starts: Ints, time: Ints, identity: Ints, keep: Bools,
) -> None:  # fmt: skip
    """Set ``keep`` (n,) to False for samples that the lot's window has already.

    A lot's window is a chain: from ``last`` (m,) by ``previous``, -1 at its end.
    """
    for lot in range(len(starts) - 1):
        begin, end = starts[lot], starts[lot + 1]
        at = last[lot]
        while at >= 0:
            i = begin + np.searchsorted(time[begin:end], times[at])
            while i < end and time[i] == times[at]:
                if identity[i] == identities[at]:
                    keep[i] = False
                i += 1
            at = previous[at]


@compiled
def chain(
    rows: Ints, starts: Ints, times: Ints, first: int,
    previous: Links, last: Links, held: Links, oldest: Ints,
) -> None:  # fmt: skip
    """Hang samples, which stand in the log from ``first`` on, to the chains of ``rows`` (m,)."""
    for lot in range(len(rows)):
        row, begin = rows[lot], first + starts[lot]
        end = first + starts[lot + 1]
        for i in range(begin, end):
            previous[i] = last[row]
            last[row] = i
            oldest[row] = min(oldest[row], times[i])
        held[row] += end - begin


@compiled
def newer(rows: Ints, edges: Ints, times: Ints, previous: Links, last: Links, found: Ints) -> None:
    """Write how many of the samples of ``rows`` (m,) are newer than ``edges`` (ms) to ``found``."""
    for lot in range(len(rows)):
        found[lot] = 0
        at = last[rows[lot]]
        while at >= 0:
            if times[at] > edges[lot]:
                found[lot] += 1
            at = previous[at]


@compiled
def unhang(
    rows: Ints, edges: Ints, times: Ints,
    previous: Links, last: Links, held: Links, oldest: Ints,
) -> int:  # fmt: skip
    """Take samples up to ``edges`` (ms) from the chains of ``rows`` (m,); how many they were.

    ``oldest``: later than any sample where nothing stays.
    """
    gone = 0
    for lot in range(len(rows)):
        row, above = rows[lot], -1
        at = last[row]
        last[row], oldest[row] = -1, FAR
        while at >= 0:
            if times[at] > edges[lot]:
                if above < 0:
                    last[row] = at
                else:
                    previous[above] = at
                above = at
                oldest[row] = min(oldest[row], times[at])
            else:
                held[row] -= 1
                gone += 1
            at = previous[at]
        if above >= 0:
            previous[above] = -1
    return gone


@compiled
def tidy(last: Links, previous: Links, there: Links) -> None:
    """Let the chains be as if their samples alone stood in the log, in the order in which they do.

    ``there`` (n,): where each now stands, -1 of one that no chain has.
    """
    there[:] = -1
    for at in last:
        while at >= 0:
            there[at] = 0
            at = previous[at]
    count = 0
    for i in range(len(there)):
        if there[i] == 0:
            there[i] = count
            previous[count] = there[previous[i]] if previous[i] >= 0 else -1
            count += 1
    for row in range(len(last)):
        if last[row] >= 0:
            last[row] = there[last[row]]


@compiled
def close_up(column: NDArray[Any], there: Links) -> None:
    """Move what is in ``column`` (n,) to where `tidy` says that it stands."""
    for i in range(len(there)):
        if there[i] >= 0:
            column[there[i]] = column[i]


@compiled
def chains(last: Links, previous: Links, starts: Ints, index: Ints) -> None:
    """Write each lot's chain to its part of ``index``, the oldest link first."""
    for lot in range(len(starts) - 1):
        at = last[lot]
        for i in range(starts[lot + 1] - 1, starts[lot] - 1, -1):
            index[i] = at
            at = previous[at]


def prepare(state: np.dtype[np.void]) -> None:
    """Have everything in here compiled, or fetched from where it is kept. ``state``: a lot's."""
    whole, real, flags = np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_)
    lots, starts = np.empty(0, state), np.zeros(1, np.int64)
    rows, many = np.empty((0, 0), np.int64), np.empty((0, 0), np.bool_)
    known, codes = np.empty((9, 0)), np.empty((2, 0), np.int8)
    follow(lots, real, flags, starts, whole, whole, np.empty((3, 0)), codes, known)
    courses(lots, starts, known, real)
    fibre.prepare(lots)
    film.courses(
        lots, real, real, real, starts, whole, lead.AROUND, real, real, real, real,
        lead.FILM_SETTINGS, lead.SATURATION, np.empty((5, 0)),
    )  # fmt: skip
    measure(AVERAGE, 1.0, np.empty((0, 0)), flags, starts, whole, real, real, whole, real)
    walk(rows, rows, many, starts, whole, starts, whole, real, many, many, whole)
    sift(starts, whole, whole, whole, flags, whole)
    links = np.empty(0, np.int32)
    recall(links, links, whole, whole, starts, whole, whole, flags)
    chain(whole, starts, whole, 0, links, links, links, whole)
    newer(whole, whole, whole, links, links, whole)
    unhang(whole, whole, whole, links, links, links, whole)
    tidy(links, links, links)
    for column in (whole, np.empty(0, np.int8), real):
        close_up(column, links)
    chains(links, links, starts, whole)
