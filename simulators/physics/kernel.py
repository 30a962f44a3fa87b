"""The loop in time: enclosures, what sorbs in them, and lots, step by step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators import compiled as compiling
from simulators import exact
from simulators.compiled import compiled, kept
from simulators.physics.air import GAS, KELVIN, saturation_
from simulators.physics.box import enclosed_
from simulators.physics.goods import grow_, inside_, steep_
from simulators.physics.state import NODES, Records
from simulators.physics.yard import in_the_open_

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MINUTE: Final = 60.0


def advance(
    weather: Floats, enclosures: Records, conditions: Records, sorbers: Records, curves: Floats,
    lots: Records, stays: Records, first: int, step_s: float, every: int, air: Floats,
    goods: Floats,
) -> None:  # fmt: skip
    """Advance all from step ``first`` by steps of ``step_s`` seconds, and record after each
    ``every`` of them, until the records are full.

    ``weather`` (enclosures, hours, 7) is `WEATHER` at whole hours from step 0 on;
    ``conditions`` (enclosures, n) and ``stays`` (lots, n) are in order of time, each from its
    ``since`` on. ``air`` (enclosures, records, 8) and ``goods`` (lots, records, 20) are filled.
    ``enclosures``, ``sorbers`` and ``lots`` end as they are then.
    """
    _loop()(
        weather, enclosures, conditions, sorbers, curves, lots, stays, first, step_s, every, air,
        goods,
    )  # fmt: skip


@cache
def _loop() -> Callable[..., None]:
    """The loop, compiled: kept from one start to the next while nothing that is in it changes."""
    pieces = Path(__file__).parent.glob("*.py")
    files = [*sorted(pieces), Path(exact.__file__), Path(compiling.__file__)]
    return _loop_of(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())


def _loop_of(sources: str) -> Callable[..., None]:
    @kept
    def loop(
        weather: Floats, enclosures: Records, conditions: Records, sorbers: Records,
        curves: Floats, lots: Records, stays: Records, first: int, step_s: float, every: int,
        air: Floats, goods: Floats,
    ) -> None:  # fmt: skip
        if len(sources) == 0:  # what numba keeps is stale by what a function closes over
            return
        condition = np.zeros(len(enclosures), np.int64)
        stay = np.zeros(len(lots), np.int64)
        now = np.empty(weather.shape[2])
        heat, water = np.empty(NODES), np.empty(NODES)
        for i in range(len(lots)):
            steep_(lots[i])
        per_minute = max(int(_MINUTE / step_s), 1)
        for step in range(first, first + air.shape[1] * every):
            record = (step - first) // every
            recorded = (step - first + 1) % every == 0
            _turn(stays, stay, step)
            _turn(conditions, condition, step)
            for e in range(len(enclosures)):
                box, here = enclosures[e], conditions[e, condition[e]]
                _weather(weather[e], step * step_s, now)
                if box.open:
                    in_the_open_(box, here, now, lots, stays, stay, e, step_s)
                else:
                    enclosed_(box, here, now, sorbers, curves, lots, stays, stay, e, step, step_s)
                if recorded:
                    _record_air(box, now, air[e, record])
            for i in range(len(lots)):
                inside_(lots[i], step_s, heat, water)
                if (step + 1) % per_minute == 0:
                    grow_(lots[i], per_minute * step_s / 3600.0)
                if recorded:
                    e = stays[i, stay[i]].enclosure
                    _record_goods(lots[i], e, air[e, record], goods[i, record])

    return loop


@compiled
def _turn(rows: Records, row: Ints, step: int) -> None:
    """``row`` (n,): which of each line of ``rows`` holds at ``step``."""
    for i in range(len(row)):
        while row[i] + 1 < rows.shape[1] and rows[i, row[i] + 1].since <= step:
            row[i] += 1


@compiled
def _weather(hourly: Floats, seconds: float, now: Floats) -> None:
    hour = int(seconds / 3600.0)
    part = seconds / 3600.0 - hour
    for c in range(len(now)):
        now[c] = hourly[hour, c] * (1.0 - part) + hourly[hour + 1, c] * part
    now[6] = hourly[hour + 1, 6]  # a row has the rain of the hour before it


@compiled
def _record_air(box: Any, now: Floats, row: Floats) -> None:
    row[0] = box.air_t
    row[1] = box.vapour * GAS * (box.air_t + KELVIN) / box.volume
    row[2] = now[2]
    row[3] = box.roof_ti
    row[4] = (box.roof_water + box.roof_ice) / box.roof_area
    row[5] = box.dripped
    row[6] = box.changes
    row[7] = box.floor_t


@compiled
def _record_goods(lot: Any, place: int, air: Floats, row: Floats) -> None:
    core = lot.layers - 1
    dry, water, hottest = 0.0, 0.0, -1e9
    for n in range(lot.layers):
        dry += lot.mass[n]
        water += lot.mass[n] * lot.u[n]
        hottest = max(hottest, lot.t[n])
    inside = water / dry
    held = lot.cavity_water + lot.cavity_ice
    water += lot.top_water + lot.top_ice + lot.side_water + lot.side_ice + held
    row[0] = place
    row[1], row[2], row[3] = air[0], air[1], air[2]
    row[4], row[5] = lot.t[0], lot.t[core]
    if lot.wool:
        row[6], row[7] = lot.activity[0], lot.activity[core]
    else:
        row[6] = min(air[1] / saturation_(lot.t[0]), 1.0)
        row[7] = row[6]
    top, side = 1000.0 / lot.top, 1000.0 / lot.side
    row[8] = max(lot.top_water * top, lot.side_water * side)
    row[9] = max(lot.top_ice * top, lot.side_ice * side)
    row[10] = 1000.0 * held
    row[11], row[12], row[13] = lot.u[0], lot.u[core], inside
    row[14] = lot.mould_index
    row[15] = lot.power / dry
    row[16] = hottest
    row[17] = water
    row[18], row[19] = top * lot.rained, top * lot.dripped
