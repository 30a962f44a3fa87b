"""What goods stand in: kinds of containers, vehicles and stores, and what is in them.

Sizes of containers are ISO 668's; the layers are those of the trade (2 mm of steel, 28 mm of
plywood, foam), with handbook values of steel 7 850 kg/m³ and 490 J/kgK, plywood 600 and 1 700,
concrete 2 300 and 900. How leaky each is, is a design choice within what is told of them: a sound
container changes its air a few times a day, a hall some times an hour with the wind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.exact import between
from simulators.physics.air import GAS, KELVIN, saturation
from simulators.physics.box import TABLE, TABLE_END
from simulators.physics.state import CONDITIONS, ENCLOSURE, SORBER

Floats = NDArray[np.float64]

WOOD: Final = 0
CALCIUM_CHLORIDE: Final = 1


@dataclass(frozen=True, slots=True)
class Skin:
    """A roof or walls: how much sun they absorb, W/m²K through them, J/m²K of their two skins."""

    absorbs: float
    u: float
    outer: float
    inner: float


_STEEL = Skin(absorbs=0.70, u=5000.0, outer=4000.0, inner=4000.0)  # 1.8 mm, corrugated; red oxide
_VAN = Skin(absorbs=0.35, u=3.0, outer=3500.0, inner=7000.0)  # aluminium on plywood, white
_FOAM = Skin(absorbs=0.30, u=0.35, outer=3500.0, inner=3500.0)  # of a reefer, white
_CRATE = Skin(absorbs=0.60, u=6.0, outer=9000.0, inner=9000.0)  # 18 mm of plywood
_INSULATED = Skin(absorbs=0.50, u=0.6, outer=5000.0, inner=9000.0)  # sandwich panels
_BLOCK = Skin(absorbs=0.60, u=1.5, outer=60e3, inner=60e3)  # hollow blocks
_SHEET = Skin(absorbs=0.60, u=5.0, outer=4000.0, inner=4000.0)  # trapezoidal sheet with a fleece
_BOARDS = Skin(absorbs=0.80, u=3.0, outer=9000.0, inner=9000.0)  # tiles or felt on boards


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of enclosure: metres inside, skins, floor, air and what it leaks.

    ``leak`` is air changes per hour in still air as warm as outside, ``leak_wind`` more per m/s and
    ``leak_stack`` per square root of a K between inside and outside. ``floor_wood`` is kg/m² of its
    floor that take part in its moisture.
    """

    length: float
    width: float
    height: float
    roof: Skin
    wall: Skin
    floor_u: float
    floor_heat: float
    on_ground: bool
    leak: float
    leak_wind: float
    leak_stack: float
    h: float  # W/m²K by convection inside
    floor_wood: float
    wind: float = 1.0  # share of the station's wind, at 10 m, that reaches it: design choices
    open: bool = False


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "container_20": Kind(5.90, 2.35, 2.39, _STEEL, _STEEL, 3.0, 28e3, False,
                             0.02, 0.015, 0.010, 3.0, 3.0, 0.6),
        "container_40": Kind(12.03, 2.35, 2.39, _STEEL, _STEEL, 3.0, 28e3, False,
                             0.02, 0.015, 0.010, 3.0, 3.0, 0.6),
        "reefer_40": Kind(11.58, 2.29, 2.40, _FOAM, _FOAM, 0.4, 15e3, False,
                          0.02, 0.004, 0.004, 10.0, 0.5),
        "van": Kind(13.6, 2.48, 2.70, _VAN, _VAN, 3.0, 25e3, False,
                    0.20, 0.030, 0.050, 3.0, 1.5),
        "crate": Kind(2.2, 1.2, 1.2, _CRATE, _CRATE, 3.0, 25e3, False,
                      0.02, 0.005, 0.005, 2.5, 2.0, 0.5),
        "hall": Kind(20.0, 15.0, 6.0, _INSULATED, _INSULATED, 0.4, 200e3, True,
                     0.20, 0.04, 0.03, 4.0, 1.0, 0.7),
        "shed": Kind(20.0, 12.0, 5.0, _SHEET, _SHEET, 0.5, 200e3, True,
                     0.50, 0.15, 0.10, 4.0, 1.0, 0.7),
        "block_store": Kind(15.0, 12.0, 4.0, _SHEET, _BLOCK, 0.5, 200e3, True,
                            0.30, 0.08, 0.06, 4.0, 1.0, 0.7),
        "roof_space": Kind(10.0, 8.0, 1.6, _BOARDS, _BOARDS, 0.5, 20e3, False,
                           0.80, 0.64, 0.24, 3.0, 6.0),
        "yard": Kind(50.0, 50.0, 4.0, _SHEET, _SHEET, 0.0, 1.0, True,
                     0.0, 0.0, 0.0, 4.0, 0.0, 1.0, open=True),
    }
)  # fmt: skip

_DRIPS_AT: Final = 0.060  # kg/m² that hang under a roof before they fall: design choice
_RUNS_AT: Final = 0.080  # kg/m² on walls
_FLOOR_INNER: Final = 3.0  # times as much wood behind the surface
_FLOOR_OPENING: Final = 2.0e-9  # kg/(m² s Pa): painted or worn plywood, a tenth of bare air
_WOOD_INWARD_S: Final = 4 * 86400.0  # between the surface of a board and its middle
_DUNNAGE_OPENING: Final = 1.5e-9  # kg/(s Pa) per kg: boards of 25 mm, stacked
_DUNNAGE_OUTER: Final = 0.3
_DESICCANT_OPENING: Final = 8.0e-10
"""kg/(s Pa) per kg dry: about 100 g a day and kg in damp heat, as bags are sold: design choice."""
_DESICCANT_FULL: Final = 1.6
"""kg/kg at which a bag of calcium chloride has given its water to its gel: design choice."""


def enclosure(kind: Kind, air_t: float, vapour_pa: float, ground_t: float) -> Any:
    """A record of `ENCLOSURE`, all of it at ``air_t`` °C, but a floor on the ground at its °C."""
    box = np.zeros(1, ENCLOSURE)[0]
    box["open"] = kind.open
    box["volume"] = kind.length * kind.width * kind.height
    box["roof_area"] = box["floor_area"] = kind.length * kind.width
    box["wall_area"] = 2.0 * (kind.length + kind.width) * kind.height
    for part, skin in (("roof", kind.roof), ("wall", kind.wall)):
        box[f"{part}_absorbs"] = skin.absorbs
        box[f"{part}_u"] = skin.u
        box[f"{part}_outer"] = skin.outer
        box[f"{part}_inner"] = skin.inner
    box["floor_u"], box["floor_heat"] = kind.floor_u, kind.floor_heat
    box["ground_t"] = ground_t if kind.on_ground else math.nan
    box["drips_at"], box["runs_at"] = _DRIPS_AT, _RUNS_AT
    for name in ("air_t", "roof_to", "roof_ti", "wall_to", "wall_ti"):
        box[name] = air_t
    box["floor_t"] = 0.5 * (air_t + ground_t) if kind.on_ground else air_t
    box["vapour"] = vapour_pa * box["volume"] / (GAS * (air_t + KELVIN))
    return box


def conditions(kind: Kind, leak_factor: float = 1.0) -> Any:
    """A record of `CONDITIONS`: shut, nothing running, in the weather; from the first step on."""
    row = np.zeros(1, CONDITIONS)[0]
    row["leak"] = kind.leak * leak_factor
    row["leak_wind"] = kind.leak_wind * leak_factor
    row["leak_stack"] = kind.leak_stack * leak_factor
    row["h"] = kind.h
    row["door_height"] = min(kind.height, 2.6)
    row["sun"] = row["sky"] = row["rain_share"] = 1.0
    row["wind"] = kind.wind
    row["heat_to"], row["cool_to"] = -100.0, 100.0
    return row


def floor(kind: Kind, place: int, moisture: float) -> Any:
    """A record of `SORBER`: what of the floor takes part, at ``moisture`` kg/kg."""
    heap = np.zeros(1, SORBER)[0]
    area = kind.length * kind.width
    heap["enclosure"], heap["table"] = place, WOOD
    heap["outer"] = max(kind.floor_wood * area, 1e-3)
    heap["inner"] = _FLOOR_INNER * heap["outer"]
    heap["exchange"] = _FLOOR_OPENING * area if kind.floor_wood > 0.0 else 0.0
    heap["inward"] = heap["outer"] / _WOOD_INWARD_S
    heap["full"] = math.inf
    heap["u_outer"] = heap["u_inner"] = moisture
    return heap


def dunnage(place: int, kg: float, moisture: float) -> Any:
    """A record of `SORBER`: ``kg`` dry of boards or pallets at ``moisture`` kg/kg throughout."""
    heap = np.zeros(1, SORBER)[0]
    heap["enclosure"], heap["table"] = place, WOOD
    heap["outer"], heap["inner"] = _DUNNAGE_OUTER * kg, (1.0 - _DUNNAGE_OUTER) * kg
    heap["exchange"] = _DUNNAGE_OPENING * kg
    heap["inward"] = heap["outer"] / _WOOD_INWARD_S
    heap["full"] = math.inf
    heap["u_outer"] = heap["u_inner"] = moisture
    return heap


def desiccant(place: int, kg: float, since: int, load: float) -> Any:
    """A record of `SORBER`: ``kg`` of calcium chloride, hung up at a step with ``load`` kg/kg."""
    heap = np.zeros(1, SORBER)[0]
    heap["enclosure"], heap["table"] = place, CALCIUM_CHLORIDE
    heap["with_air"], heap["since"] = 1, since
    heap["outer"] = kg
    heap["exchange"] = _DESICCANT_OPENING * kg
    heap["full"] = _DESICCANT_FULL
    heap["u_outer"] = load
    return heap


def curves() -> Floats:
    """(2, rows) the activity over moisture 0 to `TABLE_END` kg/kg: wood, calcium chloride.

    Wood by the Wood Handbook (Forest Products Laboratory, 2010, equation 4-5) at 20 °C, saturated
    at 30 %. Calcium chloride: its hexahydrate's 0.30 and, dissolved, the water activity of its
    solutions (0.41 at 60 % water by mass, 0.63 at 70, 0.83 at 80, after Conde, 2004).
    """
    moisture = np.linspace(0.0, TABLE_END, TABLE + 1)
    humid = np.linspace(0.0, 1.0, 1001)
    wood = between(moisture, _wood(humid), humid)
    chloride = between(
        moisture, [0.0, 0.05, 0.6, 1.0, 1.5, 2.33, 4.0], [0.0, 0.2, 0.30, 0.33, 0.41, 0.63, 0.83]
    )
    return np.ascontiguousarray([wood, chloride])


def _wood(humid: Floats) -> Floats:
    """kg/kg in equilibrium with a relative humidity 0 to 1 at 20 °C."""
    t = 20.0
    w = 349.0 + 1.29 * t + 0.0135 * t * t
    k = 0.805 + 0.000736 * t - 0.00000273 * t * t
    k1 = 6.27 - 0.00938 * t - 0.000303 * t * t
    k2 = 1.91 + 0.0407 * t - 0.000293 * t * t
    kh = k * humid
    two = k1 * kh + 2.0 * k1 * k2 * kh * kh
    return np.asarray(18.0 / w * (kh / (1.0 - kh) + two / (1.0 + k1 * kh + k1 * k2 * kh * kh)))


def wood_moisture(temperature: float, vapour_pa: float) -> float:
    """kg/kg of wood in equilibrium with air."""
    humid = min(max(vapour_pa / float(saturation(temperature)), 0.0), 1.0)
    return float(_wood(np.asarray(humid)))
