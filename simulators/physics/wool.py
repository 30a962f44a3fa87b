"""Wool and water, for the loops: sorption with hysteresis, its heat, mould, and self-heating.

Regain is kg of water per kg of dry wool, activity the humidity in equilibrium with it, 0 to 1.

Sorption follows Gibson (*Multiphase heat and mass transfer through hygroscopic porous media*,
Natick/TR-97/005, 1996), who fitted textile fibres of all kinds to one curve:
R = 0.578 R65 a (1/(0.321 + a) + 1/(1.262 - a)), R65 the regain at 65 %, and the heat set free
beyond that of condensation to 195 kJ/kg (1 - a)(1/(0.2 + a) + 1/(1.05 - a)). These constants are
as others quote them, not checked against the report; tests hold them to regains and heats told
elsewhere. The temperature dependence follows from that heat by Clausius and Clapeyron.

R65 lies between a curve of taking up and one of giving off, by how the wool came there: a position
from 0 to 1 that moves towards the one or the other with the water moved, as scanning curves do
(the form of Pedersen, *Building and Environment* 25, 1990; its reach is a design choice).
"""

from __future__ import annotations

import math
from typing import Final

from simulators.compiled import compiled
from simulators.exact import exp_, ln_
from simulators.physics.air import GAS, KELVIN

REFERENCE_T: Final = 25.0  # °C, of the curves
REGAIN_65: Final = (0.140, 0.160)  # taking up and giving off, Morton and Hearle
_SCALE: Final = 0.578
_A: Final = 0.321
_B: Final = 1.262
_SCAN: Final = 0.015  # of regain moved, after which a reversal is forgotten to 1/e: design choice

# Self-heating. Bacteria work where the air between the fibres is nearly saturated ("Spontaneous
# combustion of hay", Rothbaum 1963: hardly below 95 %RH); on wool most at 60 °C (a count of
# thermophiles on slipe wool) and up to 79 °C, and a wet bale reaches 76 °C ("The self-heating of
# wet wool"; these two as their abstracts tell). Rates, power and the budget of food are design
# choices that make a soaked bale take days.
_HEAT_MIN: Final = 5.0
_HEAT_BEST: Final = 60.0
_HEAT_MAX: Final = 79.0
DAMP: Final = 0.93
"""Activity from which bacteria work."""
_HEAT_WET: Final = 0.98
_GROWTH: Final = 1.0 / (5.0 * 3600.0)  # 1/s, at the best
_DYING: Final = 1.0 / (5.0 * 86400.0)
_POWER: Final = 4.0  # W/kg dry at most
_FOOD: Final = 6.0e5  # J/kg dry that they can set free
FIRST_GERMS: Final = 0.01  # of the most that there can be


@compiled
def regain_(activity: float, position: float, low: float, high: float) -> float:
    """In equilibrium at 25 °C; ``low`` and ``high`` are R65 taking up and giving off."""
    r65 = low + position * (high - low)
    return _SCALE * r65 * activity * (1.0 / (_A + activity) + 1.0 / (_B - activity))


@compiled
def sorption_heat_(activity: float) -> float:
    """J/kg set free beyond the latent heat."""
    a = min(max(activity, 0.0), 1.0)
    return 1.95e5 * (1.0 - a) * (1.0 / (0.2 + a) + 1.0 / (1.05 - a))


@compiled
def activity_(regain: float, position: float, t: float, low: float, high: float) -> float:
    """At ``t`` °C: the curve's inverse is a quadratic. 1 where the fibre is saturated."""
    y = regain / (_SCALE * (low + position * (high - low)))
    if y <= 0.0:
        return 0.0
    b = (_A + _B) - (_B - _A) * y
    at_25 = 2.0 * _A * _B * y / (b + math.sqrt(b * b + 4.0 * _A * _B * y * y))
    if at_25 >= 1.0:
        return 1.0
    warmer = 1.0 / (REFERENCE_T + KELVIN) - 1.0 / (t + KELVIN)
    return min(at_25 * exp_(sorption_heat_(at_25) / GAS * warmer), 1.0)


@compiled
def scanned_(position: float, gained: float) -> float:
    """Where between the curves wool is after it ``gained`` (or lost) regain."""
    if gained >= 0.0:
        return position * _SCAN / (_SCAN + gained)
    return position + (1.0 - position) * (-gained) / (_SCAN - gained)


@compiled
def vigour_(t: float, activity: float) -> float:
    """0 to 1, of bacteria: cardinal temperatures (Rosso 1993) times a straight rise in activity."""
    if t <= _HEAT_MIN or t >= _HEAT_MAX or activity <= DAMP:
        return 0.0
    best, low, high = _HEAT_BEST, _HEAT_MIN, _HEAT_MAX
    top = (t - high) * (t - low) * (t - low)
    bottom = (best - low) * ((best - low) * (t - best) - (best - high) * (best + low - 2.0 * t))
    wet = min((activity - DAMP) / (_HEAT_WET - DAMP), 1.0)
    return max(top / bottom, 0.0) * wet


@compiled
def germs_(germs: float, vigour: float, seconds: float) -> float:
    """Of the most there can be: they grow by the logistic law, and die where it is dry."""
    if vigour > 0.0:
        germs += seconds * _GROWTH * vigour * germs * (1.0 - germs)
    else:
        germs -= seconds * _DYING * (germs - FIRST_GERMS)
    return min(max(germs, FIRST_GERMS), 1.0)


@compiled
def microbial_heat_(germs: float, vigour: float, spent: float, oxygen: float) -> float:
    """W/kg dry, none once ``spent`` J/kg are what there was to live on."""
    return _POWER * germs * vigour * oxygen * max(1.0 - spent / _FOOD, 0.0)


@compiled
def mould_(
    index: float, dry_h: float, t: float, rh: float, hours: float,
    early: float, late: float, a: float, b: float, c: float, rh_min: float, decline: float,
) -> tuple[float, float]:  # fmt: skip
    """The VTT index and the hours without growth after ``hours`` at ``t`` °C and ``rh`` %.

    Hukka and Viitanen (1999) with the classes of Ojanen et al. (2010). One step by Euler's method:
    for minutes, in which the index moves by less than a thousandth.
    """
    critical = rh_min
    if t <= 20.0:
        critical = max(((-0.00267 * t + 0.160) * t - 3.13) * t + 100.0, rh_min)
    if t <= 0.0 or t >= 50.0 or rh < critical:
        before, dry_h = dry_h, dry_h + hours
        fast = max(min(dry_h, 6.0) - before, 0.0)
        slow = max(dry_h - max(before, 24.0), 0.0)
        return max(index - decline * (0.00133 * fast + 0.000667 * slow), 0.0), dry_h
    r = (critical - rh) / min(critical - 100.0, -1e-9)
    limit = a + b * r - c * r * r
    k2 = max(1.0 - exp_(2.3 * (index - limit)), 0.0)
    weeks = exp_(-0.68 * ln_(t) - 13.9 * ln_(rh) + 66.02)
    k1 = early if index < 1.0 else late
    return index + hours / 24.0 * k1 * k2 / (7.0 * weeks), 0.0
