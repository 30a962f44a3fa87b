"""Water and ice on metal, and the metal's own temperature: compiled, exact within a step.

The film is one mass, g/m²: ice below 0 °C, water from there up. It grows while the air's vapour
pressure is over the surface's saturation pressure and shrinks while it is under it, and the heat
that this sets free or takes warms or cools the metal. All that is compiled stands in this file, as
in `rules.kernels`; `rules.lead` has the functions for whole series.

Saturation is a table by whole °C and straight in between, under 0.02 K off: so everything has a
closed form within a degree, and a step is the same however it is cut.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lots.compiled import compiled
from lots.readings.batch import Floats, Ints

COLDEST: Final = -80
WARMEST: Final = 120
"""°C, of the table of saturation pressures; beyond it a surface is unknown."""
ROOF, BOX, OPEN, YARD = 0, 1, 2, 3
"""Where a lot stands: under a roof; in a box whose roof may drip; where rain and ice may come, and
from there on (in a yard) wind too."""
SETTLED_LAGS: Final = 3.0
"""So many lags the metal follows the air until its unknown start is forgotten (to 5 %)."""

# J/g, at 0 °C. Ice's 13 % more and the heat of melting (67 kJ/m² of 200 g/m²: half a kelvin of a
# bundle, minutes) are left out.
_LATENT_HEAT: Final = 2500.0
_SECONDS_PER_HOUR: Final = 3600.0
_SAME: Final = 1e-9  # relative: at the dew point, but for rounding
_NEAR_K: Final = 1e-11  # at an edge, but for rounding


@compiled
def courses(
    states: NDArray[np.void],
    lags: Floats,
    transfers: Floats,
    shut_in: Floats,
    starts: Ints,
    shelter: Ints,
    around: Floats,
    air: Floats,
    vapour: Floats,
    on_metal: Floats,
    step: Floats,
    settings: tuple[float, float, float, float, float, float, float, float],
    saturation: Floats,
    found: Floats,
) -> None:
    """The film of each lot, and the most that it may be, over its samples.

    ``states`` (m,) with the fields of `rules.lead.FILM`, moved on. ``lags`` h, ``transfers``
    g/(m² h Pa) (m,), both of a bay, NaN of a lot that has no film: it is passed over; ``shut_in``
    the same of what is in a box, but for what there may be at most: no wrapping is relied on.
    ``around`` (4, 2), by ``shelter``: `rules.lead.AROUND`. ``air``, ``on_metal`` °C and
    ``vapour`` Pa (n,) are what is known at each sample, ``step`` h (n,) how long since the one
    before: in between, their mean acts. ``settings``: `rules.lead.Film`; ``saturation``:
    `rules.lead.SATURATION`. ``shelter`` (n,): `ROOF`, `BOX`, `OPEN` or `YARD`. Writes to
    ``found`` (5, n): the film, g/m²; the most that it may be; hours wet in this spell; dry hours;
    and the most that may stand in its recesses, g/m² of their opening.

    A step that is not known (NaN: a gap) or of whose air nothing is known leaves the film that was
    seen as it was, and counts as neither wet nor dry. But what may be there at most is the limit
    from then on, until the metal's temperature is known again and that much has dried, and the dry
    hours begin anew. So it is with a lot that nothing was known of. It is reckoned with air as
    much damper as its sensor may be off. Nor is dry what the next reading may find wet: where the
    vapour, if it rises as it did since the sample before, would settle.

    Recesses are full after what no tag sees: in the open, and in a box whose air is so near its
    dew point that the roof may drip; and after so much film that it ran. They dry through their
    openings, which takes days to weeks, and as long as they may hold water there are no dry hours.
    """
    limit, wet_from, drying_h, runs, depth, share, drips, doubt = settings
    for lot in range(len(starts) - 1):
        if math.isnan(transfers[lot]):
            continue
        state = states[lot]
        settled = SETTLED_LAGS * lags[lot]
        for i in range(starts[lot], starts[lot + 1]):
            h = around[shelter[i], 0]
            transfer = 1.0 / (1.0 / transfers[lot] + around[shelter[i], 1])
            own = shut_in[lot] if shelter[i] == BOX else transfers[lot]
            seen = 1.0 / (1.0 / own + around[shelter[i], 1])
            lag, warmth = lags[lot] * around[ROOF, 0] / h, air[i]
            damp, metal = vapour[i], on_metal[i]
            if not math.isnan(state.air_before):
                warmth = (state.air_before + warmth) / 2
            rise = 0.0
            if not math.isnan(state.vapour_before):
                rise = max(damp - state.vapour_before, 0.0)
                damp = (state.vapour_before + damp) / 2
            worst_metal = metal
            if math.isnan(metal):
                metal, worst_metal = state.metal, state.worst_metal
            else:
                # Measured: it lags behind nothing, and the free air's temperature may be unknown.
                if not math.isnan(state.metal_before):
                    metal = (state.metal_before + metal) / 2
                lag, warmth, worst_metal = math.inf, metal, metal
            state.air_before, state.vapour_before = air[i], vapour[i]
            state.metal_before = on_metal[i]
            begun = state.worst_metal
            if is_unknown(metal, state.film, warmth, damp, step[i]):
                state.metal = state.worst_metal = air[i]
                state.metal_hours = 0.0
                state.worst, state.dried_hours = limit, 0.0
            else:
                state.metal, state.film, state.film_dry_hours, wet = advance(
                    metal, state.film, state.film_dry_hours, warmth, damp, step[i], lag, h,
                    seen, limit, wet_from, True, saturation,
                )  # fmt: skip
                state.film_hours += wet
                if state.film_dry_hours >= drying_h:
                    state.film_hours = 0.0
                state.worst_metal, state.worst, state.dried_hours, _ = advance(
                    worst_metal, state.worst, state.dried_hours, warmth, damp * (1.0 + doubt),
                    step[i], lag, h, share * transfer, limit, wet_from, False, saturation,
                )  # fmt: skip
                state.metal_hours += step[i]
            if not math.isnan(on_metal[i]):
                state.metal = state.worst_metal = on_metal[i]
                state.metal_hours = settled
            if state.metal_hours < settled:
                state.worst, state.dried_hours = limit, 0.0
            exposed = shelter[i] >= OPEN
            if shelter[i] == BOX:
                exposed = not vapour[i] <= saturation_at(air[i] - drips, saturation)
            if exposed:
                state.worst = max(state.worst, limit)
            if exposed or state.film >= runs:
                state.recess = depth
            elif state.recess > 0.0:
                state.recess -= given_off(
                    begun, state.worst_metal, damp * (1.0 + doubt), share * transfer, step[i],
                    saturation,
                )  # fmt: skip
                state.recess = min(max(state.recess, 0.0), depth)
            soon = (vapour[i] + rise) * (1.0 + doubt)
            if state.recess > 0.0 or soon > saturation_at(state.metal, saturation):
                state.dried_hours = 0.0
            if state.film > 0.0:
                state.worst, state.dried_hours = max(state.worst, state.film), 0.0
            found[0, i], found[1, i] = state.film, state.worst
            found[2, i], found[3, i] = state.film_hours, state.dried_hours
            found[4, i] = state.recess


@compiled
def given_off(
    before: float, after: float, vapour: float, transfer: float, hours: float, saturation: Floats
) -> float:
    """g/m² that water in metal that went from ``before`` to ``after`` °C gave off in ``hours``; 0
    if anything is unknown."""
    if math.isnan(before + after + vapour + hours):
        return 0.0
    pressure = (saturation_at(before, saturation) + saturation_at(after, saturation)) / 2
    return transfer * (pressure - vapour) * hours


@compiled
def is_unknown(metal: float, film: float, air: float, vapour: float, hours: float) -> bool:
    """Whether `advance` could say nothing."""
    known = COLDEST <= metal <= WARMEST and COLDEST <= air <= WARMEST
    return not known or math.isnan(film + vapour + hours)


@compiled
def advance(
    metal: float, film: float, dry_hours: float, air: float, vapour: float, hours: float,
    lag: float, h: float, transfer: float, limit: float, wet_from: float, only_water: bool,
    saturation: Floats,
) -> tuple[float, float, float, float]:  # fmt: skip
    """``hours`` on in air that stays as it is: metal, film, dry hours, and how many were wet.

    ``metal``, ``air`` °C; ``film`` g/m²; ``dry_hours``: so long there was no film, or, with
    ``only_water``, less than ``wet_from`` g/m² of water (ice is none); ``vapour`` Pa, of
    the air; ``lag`` h, infinite where the metal's temperature is given; ``h`` W/(m² K);
    ``transfer`` g/(m² h Pa). Water runs off above ``limit`` g/m²; ice does not, before it melts.
    Hours are wet with at least ``wet_from`` g/m² of water. All NaN if anything is unknown.
    """
    if is_unknown(metal, film, air, vapour, hours) or math.isnan(lag + transfer):
        return math.nan, math.nan, math.nan, math.nan
    left, wet_hours = hours, 0.0
    while left > 0.0:
        pressure = saturation_at(metal, saturation)
        settles = vapour > pressure
        if abs(vapour - pressure) <= _SAME * vapour:
            settles = air < metal
        is_wet = film > 0.0 or settles
        # A pascal more in the air warms the metal as so many kelvins would.
        latent = _LATENT_HEAT * transfer / (_SECONDS_PER_HOUR * h) if is_wet else 0.0
        rises = air - metal + latent * (vapour - pressure) > 0.0
        cell = float(math.floor(metal))
        if cell == metal and not rises:
            cell -= 1.0
        cell = min(max(cell, float(COLDEST)), WARMEST - 1.0)
        low = saturation[int(cell) - COLDEST]
        slope = saturation[int(cell) + 1 - COLDEST] - low
        base = low - slope * cell
        pace = (1.0 + slope * latent) / lag
        target = metal
        if pace > 0.0:
            target = (air + latent * (vapour - base)) / (1.0 + slope * latent)
        # On to the next whole degree, or to the dew point if that comes before.
        edge = cell + 1.0 if rises else cell
        dew = (vapour - base) / slope
        if min(metal, edge) + _NEAR_K < dew < max(metal, edge) - _NEAR_K:
            edge = dew
        span, arrives = left, False
        if pace > 0.0 and (target - edge) * (edge - metal) > 0.0:
            until = math.log((target - metal) / (target - edge)) / pace
            arrives = until <= left
            span = min(until, left)
        after, over = 0.0, 0.0
        if is_wet:
            flow = transfer * (vapour - base - slope * target)
            bend = transfer * slope * (target - metal)
            after = grown(film, flow, bend, pace, span)
            if after < 0.0:
                after = 0.0
                if film > 0.0:
                    span, arrives = time_of(0.0, film, flow, bend, pace, span), False
            if cell >= 0.0:
                over = hours_over(wet_from, film, after, flow, bend, pace, span)
                wet_hours += over
                after = min(after, limit)
        if over == 0.0 and (only_water or not is_wet):
            dry_hours += span
        else:
            dry_hours = span - over if only_water and after < film else 0.0
        if arrives:
            metal = edge
        elif pace > 0.0:
            metal = target + (metal - target) * math.exp(-pace * span)
        film = after
        left -= span
    return metal, film, dry_hours, wet_hours


@compiled
def saturation_at(temperature: float, saturation: Floats) -> float:
    """Pa, over ice below 0 °C and over water above, by the table."""
    cell = min(max(float(math.floor(temperature)), float(COLDEST)), WARMEST - 1.0)
    low = saturation[int(cell) - COLDEST]
    return float(low + (saturation[int(cell) + 1 - COLDEST] - low) * (temperature - cell))


@compiled
def grown(film: float, flow: float, bend: float, pace: float, hours: float) -> float:
    """g/m², ``film`` after ``hours`` within a degree, at ``flow`` + ``bend`` exp(-``pace`` t)."""
    if pace == 0.0:
        return film + (flow + bend) * hours
    return film + flow * hours - bend * math.expm1(-pace * hours) / pace


@compiled
def time_of(
    level: float, film: float, flow: float, bend: float, pace: float, hours: float
) -> float:
    """h, when `grown` comes to ``level``, which it passes once within ``hours``: by Newton."""
    low, high = 0.0, hours
    rises = film < level
    guess = hours / 2
    for _ in range(60):
        beyond = grown(film, flow, bend, pace, guess) - level
        if (beyond < 0.0) == rises:
            low = guess
        else:
            high = guess
        speed = flow + bend * math.exp(-pace * guess)
        better = guess - beyond / speed if speed != 0.0 else low
        if not low < better < high:
            better = (low + high) / 2
        if abs(better - guess) <= 1e-15 * hours:
            break
        guess = better
    return guess


@compiled
def hours_over(
    level: float, film: float, after: float, flow: float, bend: float, pace: float, hours: float
) -> float:
    """h of ``hours`` with at least ``level``, of a film that only grows or only shrinks."""
    if (film >= level) == (after >= level):
        return hours if after >= level else 0.0
    crossing = time_of(level, film, flow, bend, pace, hours)
    return hours - crossing if after > film else crossing
