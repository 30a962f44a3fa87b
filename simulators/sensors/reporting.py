"""Which measurements become readings: all, or those that differ; and how readings are numbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import exact
from simulators.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_JITTER_MS: Final = 400
"""A device wakes within so much of when it should; a choice of ours."""
_ROUNDING: Final = 1e-9
"""Two values in a device's steps that are just a delta apart are, whatever their binary digits."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """A device measures each ``sample_s``.

    By interval: each ``interval_s`` the latest becomes a reading. By change, where ``deltas``
    (quantity -> by how much) are given: one is made whenever a quantity has moved that far since
    the last reading, and after ``interval_s`` without (a heartbeat). ``sent``: the device tells
    what its clock says as a message leaves.
    """

    interval_s: float = 600.0
    sample_s: float = 600.0
    deltas: Mapping[str, float] = field(default_factory=dict)
    sent: bool = False


def instants(reporting: Reporting, begins: int, ends: int, seed: int, tag: str) -> Ints:
    """When the device measures in begins <= at < ends, ms: in its own phase, never quite even."""
    step = round(reporting.sample_s * 1000)
    phase = int(float(exact.uniform(seed, "phase", tag, index=0)) * step)
    number = np.arange(max(0, -(-(ends - begins - phase) // step)), dtype=np.int64)
    jitter = np.floor(exact.uniform(seed, "jitter", tag, index=number) * _JITTER_MS)
    at = begins + phase + number * step + jitter.astype(np.int64)
    return at[at < ends]


def reported(reporting: Reporting, at: Ints, values: Mapping[str, Floats]) -> Bools:
    """(n,) whether the measurement at each instant ``at`` becomes a reading."""
    heartbeat = round(reporting.interval_s * 1000)
    names = [name for name in reporting.deltas if name in values]
    columns = np.stack([values[name] for name in names]) if names else np.empty((0, len(at)))
    deltas = np.array([reporting.deltas[name] for name in names], np.float64)
    made = np.zeros(len(at), np.bool_)
    # Half a sample early is on time: the next would be late.
    _choose(at, columns, deltas, heartbeat - round(reporting.sample_s * 500), made)
    return made


@compiled
def _choose(at: Ints, columns: Floats, deltas: Floats, heartbeat: int, made: Bools) -> None:
    last = -1
    for i in range(at.size):
        tell = last < 0 or at[i] - at[last] >= heartbeat
        for j in range(deltas.size):
            if not tell and abs(columns[j, i] - columns[j, last]) >= deltas[j] - _ROUNDING:
                tell = True
        if tell:
            made[i] = True
            last = i


def numbered(restarts: Ints, first_boot: int) -> tuple[Ints, Ints]:
    """(n,) boot and seq of readings in order of time, ``restarts`` (n,) starts before each."""
    boot = first_boot + restarts
    begins = np.searchsorted(restarts, restarts, side="left")
    return boot, np.arange(len(restarts)) - begins
