"""Lots: bundles of lead ingots and bales of wool, as layers from their surface to their core.

A unit (a bundle, a bale) is taken as shells of its own shape: at depth x its area has shrunk by
(1 - x/d)² and what is inside it by (1 - x/d)³, d being three times its volume over its surface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from simulators.exact import power
from simulators.physics.air import DIFFUSION
from simulators.physics.state import LOT, NODES
from simulators.physics.wool import FIRST_GERMS, REFERENCE_T, REGAIN_65

_LEAD_UNIT: Final = 1000.0  # kg, of a bundle of the size below; others have its shape
LIGHTEST: Final = {False: 100.0, True: 30.0}
"""kg of a unit of lead and of wool: lighter ones are too quick for the steps."""
_LEAD_HEAT: Final = 129.5  # J/kgK
_LEAD_CONDUCTS: Final = 35.0  # W/mK
_LEAD_SHARES: Final = (0.0, 0.15, 0.42, 1.0)  # of d, where layers end
_INGOTS_TOUCH: Final = 400.0  # W/m²K between rows of ingots: design choice, of the order of metals
_INGOT_ROW: Final = 0.08  # m
_WOOL_DEPTHS: Final = (0.0, 0.005, 0.015, 0.035, 0.075, 0.14, 0.22)  # m; the core is the rest
_WOOL_HEAT: Final = 1360.0  # J/kgK dry
_WOOL_CONDUCTS: Final = 0.050  # W/mK, pressed
_WOOL_HOLDS_UP: Final = 2.5  # times as much as still air holds vapour up, pressed: design choice

VERY_SENSITIVE: Final = (1.0, 2.0, 1.0, 7.0, 2.0, 80.0, 0.5)
SENSITIVE: Final = (0.578, 0.386, 0.3, 6.0, 1.0, 80.0, 0.25)
"""Classes of the VTT index: k1 below and from 1, A, B, C, RHmin, decline."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the goods: metres of a unit, and what distinguishes the material."""

    wool: bool
    size: tuple[float, float, float]  # length, width, height
    mould: tuple[float, ...] = SENSITIVE
    regain: float = 1.0  # times the curves of clean wool
    germy: float = 0.5  # how much feeds bacteria: grease and suint do
    soaks_h: float = 0.5  # hours in which a film soaks in: grease sheds it


FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "ingot": Form(False, (0.65, 0.48, 0.32)),
        "greasy": Form(True, (1.10, 0.70, 0.70), VERY_SENSITIVE, 0.95, 1.0, 4.0),
        "scoured": Form(True, (1.10, 0.70, 0.70), SENSITIVE, 1.0, 0.4, 0.5),
        "tops": Form(True, (1.10, 0.70, 0.70), SENSITIVE, 1.02, 0.3, 0.5),
        "cashmere": Form(True, (0.90, 0.60, 0.50), SENSITIVE, 1.02, 0.4, 0.5),
    }
)


@dataclass(frozen=True, slots=True)
class Packaging:
    """What is around the goods: metres of still air that hold vapour up as it does, and the share
    of rain that gets in. Design choices, after films and fabrics of the trade."""

    barrier: float
    rain: float


PACKAGING: Final[Mapping[str, Packaging]] = MappingProxyType(
    {
        "strapped": Packaging(0.0, 1.0),
        "pallet": Packaging(0.0, 1.0),
        "shrink_wrapped": Packaging(40.0, 0.0),
        "bale_nylon": Packaging(0.05, 0.6),
        "bale_jute": Packaging(0.01, 0.9),
        "boxed": Packaging(0.5, 0.2),
    }
)

_CONTACT: Final = 3.0  # W/m²K, through 40 mm of wood
_LEAD_EMITS: Final = 0.6  # oxidised grey (0.28 fresh to 0.63)
_LEAD_ABSORBS: Final = 0.7
_PACK_EMITS: Final = 0.9
_PACK_ABSORBS: Final = 0.5
_FILM_TOP: Final = 0.25  # kg/m² that stay on a level face, and on an upright one: design choices
_FILM_SIDE: Final = 0.10
_CAVITY: Final = 1.5  # kg that the recesses of a bundle hold
_INTO_CAVITY: Final = 0.3  # of what runs off, as much stays in them
_CAVITY_OPENING: Final = 0.02  # m² of water that the air reaches there


def lot(
    form: Form, unit_kg: float, units: float, t: float, regain_surface: float, regain_core: float,
    position: float = 0.5, exposed: float = 1.0,
) -> Any:  # fmt: skip
    """A record of `LOT`: ``units`` of ``unit_kg`` dry each, at ``t`` °C throughout.

    Regains are kg/kg, of the outer 35 mm and of all that is inside of it; ``position`` is where the
    wool is between its curves; ``exposed`` the share of top, sides and cavities that air, rain and
    drips reach.
    """
    row = np.zeros(1, LOT)[0]
    length, width, height = form.size
    if not form.wool:
        scale = float(power(unit_kg / _LEAD_UNIT, 1.0 / 3.0))
        length, width, height = scale * length, scale * width, scale * height
    volume = length * width * height
    side, top = 2.0 * (length + width) * height, length * width
    depth = 3.0 * volume / (side + 2.0 * top)
    row["wool"], row["units"] = form.wool, units
    row["top"], row["side"], row["bottom"] = exposed * top, exposed * side, top
    row["contact"] = _CONTACT
    ends = (*_WOOL_DEPTHS, depth) if form.wool else tuple(s * depth for s in _LEAD_SHARES)
    layers = row["layers"] = len(ends) - 1
    size = [1.0 - x / depth for x in ends]  # of what is left inside, of 1
    left = [s * s * s for s in size]
    row["mass"][:layers] = [unit_kg * (a - b) for a, b in pairwise(left)]
    middles = [0.5 * (a + b) for a, b in pairwise(ends)]
    middles[-1] = ends[-2] + 0.25 * (depth - ends[-2])  # most of the core is near its surface
    between = [
        ((side + 2.0 * top) * s * s, b - a)
        for s, (a, b) in zip(size[1:], pairwise(middles), strict=False)
    ]
    row["t"] = t
    if form.wool:
        row["heat"] = _WOOL_HEAT
        row["emits"], row["absorbs"] = _PACK_EMITS, _PACK_ABSORBS
        row["half_layer"] = middles[0] / _WOOL_CONDUCTS
        row["half_vapour"] = middles[0] * _WOOL_HOLDS_UP / DIFFUSION
        row["conducts"][: layers - 1] = [_WOOL_CONDUCTS * area / way for area, way in between]
        row["diffuses"][: layers - 1] = [
            DIFFUSION / _WOOL_HOLDS_UP * area / way for area, way in between
        ]
        row["oxygen"] = np.linspace(1.0, 0.6, NODES)  # less gets in deeper: design choice
        row["low"], row["high"] = (form.regain * r for r in REGAIN_65)
        row["u"] = [regain_surface] * 3 + [regain_core] * (NODES - 3)
        row["position"] = position
        row["soaks"] = 1.0 / (form.soaks_h * 3600.0)
        row["germy"], row["germs"] = form.germy, FIRST_GERMS
        row["mould"] = form.mould
        row["film_top"] = _FILM_TOP
    else:
        row["heat"] = _LEAD_HEAT
        row["emits"], row["absorbs"] = _LEAD_EMITS, _LEAD_ABSORBS
        way = 1.0 / _LEAD_CONDUCTS + 1.0 / (_INGOTS_TOUCH * _INGOT_ROW)
        row["conducts"][: layers - 1] = [area / (length * way) for area, length in between]
        row["film_top"], row["film_side"] = _FILM_TOP, _FILM_SIDE
        row["cavity"], row["into_cavity"] = _CAVITY, _INTO_CAVITY
        row["cavity_opening"] = exposed * _CAVITY_OPENING
    return row


def mean_regain(form: Form, surface: float, core: float) -> float:
    """kg/kg of a whole unit, of which the outer layers and the inside are so damp; 0 of lead."""
    if not form.wool:
        return 0.0
    row = lot(form, 1.0, 1.0, REFERENCE_T, surface, core)
    return float(np.cumsum(row["mass"] * row["u"])[-1])
