"""A unit of a lot in its surroundings, for the loop: water on it and in it, and its heat."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.compiled import compiled
from simulators.physics.air import (
    DIFFUSION,
    HEAT_OF_WATER,
    latent_,
    saturation_,
    saturation_of_surface_,
    transfer_,
)
from simulators.physics.film import freeze_, settle_
from simulators.physics.wool import (
    DAMP,
    FIRST_GERMS,
    activity_,
    germs_,
    microbial_heat_,
    mould_,
    scanned_,
    sorption_heat_,
    vigour_,
)

Floats = NDArray[np.float64]

_SOAKED: Final = 1.0  # kg/kg that wool holds between its fibres before water goes deeper


@compiled
def steep_(lot: Any) -> None:
    """The activity of each layer of wool, from its regain."""
    if lot.wool:
        for n in range(lot.layers):
            lot.activity[n] = activity_(lot.u[n], lot.position[n], lot.t[n], lot.low, lot.high)


@compiled
def open_(lot: Any, stay: Any, h: float, p: float) -> None:
    """How readily a unit exchanges vapour with air of ``p`` Pa: kg/(s Pa) of its faces and
    cavities, through its packaging. Dry metal gives off nothing."""
    lot.pressure = (
        lot.activity[0] * saturation_(lot.t[0]) if lot.wool else saturation_of_surface_(lot.t[0])
    )
    way = 1.0 / transfer_(h, lot.t[0]) + stay.barrier / DIFFUSION + lot.half_vapour
    takes = lot.wool or p >= lot.pressure
    lot.g_top = lot.top / way if takes or lot.top_water + lot.top_ice > 0.0 else 0.0
    lot.g_side = lot.side / way if takes or lot.side_water + lot.side_ice > 0.0 else 0.0
    lot.g_cavity = lot.cavity_opening / way if lot.cavity_water + lot.cavity_ice > 0.0 else 0.0


@compiled
def take_(lot: Any, p: float, heat: float, dt: float) -> float:
    """``heat`` J and what vapour settles from air of ``p`` Pa, as `open_` found; the kg of it."""
    top, side = dt * lot.g_top * (p - lot.pressure), dt * lot.g_side * (p - lot.pressure)
    if lot.wool:
        gained = max(top + side, -0.5 * lot.u[0] * lot.mass[0])
        sorb_(lot, 0, gained, heat)
        return float(gained)
    t, capacity = lot.t[0], lot.mass[0] * lot.heat
    top = max(top, -(lot.top_water + lot.top_ice))
    side = max(side, -(lot.side_water + lot.side_ice))
    hollow = dt * lot.g_cavity * (p - lot.pressure)
    hollow = max(hollow, -(lot.cavity_water + lot.cavity_ice))
    lot.top_water, lot.top_ice, of_top = settle_(lot.top_water, lot.top_ice, top, t)
    lot.side_water, lot.side_ice, of_side = settle_(lot.side_water, lot.side_ice, side, t)
    lot.cavity_water, lot.cavity_ice, inside = settle_(lot.cavity_water, lot.cavity_ice, hollow, t)
    warm = of_top + of_side + inside
    lot.heat_in += warm
    lot.t[0] += (heat + warm) / capacity
    _freeze(lot, capacity)
    run_off_(lot)
    return float(top + side + hollow)


@compiled
def _freeze(lot: Any, capacity: float) -> None:
    t = lot.t[0]
    lot.top_water, lot.top_ice, t, of_top = freeze_(lot.top_water, lot.top_ice, t, capacity)
    lot.side_water, lot.side_ice, t, of_side = freeze_(lot.side_water, lot.side_ice, t, capacity)
    lot.cavity_water, lot.cavity_ice, t, inside = freeze_(
        lot.cavity_water, lot.cavity_ice, t, capacity
    )
    lot.t[0] = t
    lot.heat_in += of_top + of_side + inside


@compiled
def run_off_(lot: Any) -> None:
    """What the top cannot hold runs over the sides, part of it into cavities."""
    over = max(lot.top_water - lot.film_top * lot.top, 0.0)
    lot.top_water -= over
    lot.side_water += over - _into_cavity(lot, over)


@compiled
def collect_(lot: Any) -> float:
    """kg that run off a unit: of its sides, or, of wool, of what its top cannot hold."""
    if lot.wool:
        over = max(lot.top_water - lot.film_top * lot.top, 0.0)
        lot.top_water -= over
        return float(over)
    over = max(lot.side_water - lot.film_side * lot.side, 0.0)
    lot.side_water -= over
    return float(over - _into_cavity(lot, over))


@compiled
def _into_cavity(lot: Any, runs: float) -> float:
    """kg that stay in the cavities, of what runs off."""
    room = max(lot.cavity - lot.cavity_water - lot.cavity_ice, 0.0)
    into = min(lot.into_cavity * runs, room)
    lot.cavity_water += into
    return float(into)


@compiled
def sorb_(lot: Any, node: int, gained: float, heat: float) -> None:
    """Water onto a layer of wool, with its heat of sorption and ``heat`` J."""
    mass = lot.mass[node]
    warm = gained * (latent_(lot.t[node]) + sorption_heat_(lot.activity[node]))
    lot.heat_in += warm
    lot.t[node] += (heat + warm) / (mass * (lot.heat + HEAT_OF_WATER * lot.u[node]))
    lot.heat_in += HEAT_OF_WATER * gained * lot.t[node]
    lot.u[node] += gained / mass
    lot.position[node] = scanned_(lot.position[node], gained / mass)
    lot.activity[node] = activity_(lot.u[node], lot.position[node], lot.t[node], lot.low, lot.high)


@compiled
def inside_(lot: Any, dt: float, heat: Floats, water: Floats) -> None:
    """Heat, vapour, bacteria and soaking between the layers of a unit."""
    core = lot.layers - 1
    for n in range(lot.layers):
        heat[n] = 0.0
        water[n] = 0.0
    for n in range(core):
        moves = dt * lot.conducts[n] * (lot.t[n] - lot.t[n + 1])
        heat[n] -= moves
        heat[n + 1] += moves
    if not lot.wool:
        for n in range(lot.layers):
            lot.t[n] += heat[n] / (lot.mass[n] * lot.heat)
        return
    lot.power = 0.0
    here = lot.activity[0] * saturation_(lot.t[0])
    for n in range(core):
        there = lot.activity[n + 1] * saturation_(lot.t[n + 1])
        moves = dt * lot.diffuses[n] * (here - there)
        water[n] -= moves
        water[n + 1] += moves
        here = there
    for n in range(lot.layers):
        if lot.activity[n] > DAMP or lot.germs[n] > FIRST_GERMS:
            heat[n] += _bacteria(lot, n, dt)
        sorb_(lot, n, water[n], heat[n])
    _soak(lot, dt)


@compiled
def _bacteria(lot: Any, n: int, dt: float) -> float:
    """J that bacteria set free in a layer."""
    vigour = lot.germy * vigour_(lot.t[n], lot.activity[n])
    lot.germs[n] = germs_(lot.germs[n], vigour, dt)
    power = microbial_heat_(lot.germs[n], vigour, lot.spent[n], lot.oxygen[n])
    lot.spent[n] += dt * power
    lot.power += power * lot.mass[n]
    lot.heat_in += dt * power * lot.mass[n]
    return float(dt * power * lot.mass[n])


@compiled
def _soak(lot: Any, dt: float) -> None:
    """A film soaks into wool, layer by layer."""
    film = lot.top_water + lot.side_water
    if film <= 0.0:
        return
    part = min(dt * lot.soaks, 1.0)
    lot.top_water -= part * lot.top_water
    lot.side_water -= part * lot.side_water
    left = part * film
    for n in range(lot.layers):
        takes = min(left, max(_SOAKED - lot.u[n], 0.0) * lot.mass[n])
        if n == lot.layers - 1:
            takes = left
        if takes > 0.0:
            # Liquid: only the heat of wetting beyond the latent is set free.
            sorb_(lot, n, takes, -takes * latent_(lot.t[n]))
            lot.heat_in -= takes * latent_(lot.t[n])
        left -= takes


@compiled
def grow_(lot: Any, hours: float) -> None:
    if lot.wool:
        m = lot.mould
        lot.mould_index, lot.mould_dry = mould_(
            lot.mould_index, lot.mould_dry, lot.t[0], 100.0 * lot.activity[0], hours,
            m[0], m[1], m[2], m[3], m[4], m[5], m[6],
        )  # fmt: skip
