"""Water and ice on a surface, for the loops: kg, and the heat that each change takes or gives."""

from __future__ import annotations

from simulators.compiled import compiled
from simulators.physics.air import HEAT_OF_ICE, latent_


@compiled
def settle_(water: float, ice: float, arrives: float, t: float) -> tuple[float, float, float]:
    """Vapour that settles (or, negative, leaves) at ``t`` °C: water, ice and J set free.

    Below 0 °C it settles as frost. Water leaves before ice does; what leaves is there (the caller
    has limited it).
    """
    if arrives >= 0.0:
        if t < 0.0:
            return water, ice + arrives, arrives * (latent_(t) + HEAT_OF_ICE)
        return water + arrives, ice, arrives * latent_(t)
    of_water = min(-arrives, water)
    of_ice = min(-arrives - of_water, ice)
    heat = -(of_water + of_ice) * latent_(t) - of_ice * HEAT_OF_ICE
    return water - of_water, ice - of_ice, heat


@compiled
def freeze_(
    water: float, ice: float, t: float, capacity: float
) -> tuple[float, float, float, float]:
    """Water, ice, °C and J set free, where what has ``capacity`` J/K under them came to ``t`` °C.

    As much freezes or melts as brings it to 0 °C: water on metal does not stay supercooled for
    long, and this way the change neither makes nor loses heat.
    """
    if t < 0.0 and water > 0.0:
        part = min(water, -t * capacity / HEAT_OF_ICE)
        return water - part, ice + part, t + part * HEAT_OF_ICE / capacity, part * HEAT_OF_ICE
    if t > 0.0 and ice > 0.0:
        part = min(ice, t * capacity / HEAT_OF_ICE)
        return water + part, ice - part, t - part * HEAT_OF_ICE / capacity, -part * HEAT_OF_ICE
    return water, ice, t, 0.0
