"""A device's clock: what it says at a true instant, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.sensors.faults import ClockDrift, ClockStep, ClockUnset, Epoch2000, Fault, span

Ints = NDArray[np.int64]

EPOCH_2000_MS: Final = 946_684_800_000
"""2000-01-01 UTC in ms since 1970."""


def says(faults: Sequence[Fault], at: Ints, started: Ints) -> Ints:
    """(n,) what the clock says at true instants ``at``, ms, its device started at ``started``.

    Without a fault it is right: a healthy device is set by its network often enough. Faults add up,
    but a clock that is not set has nothing to be wrong about: it counts from the start.
    """
    said = at.astype(np.int64)
    unset = np.zeros(len(at), np.bool_)
    for fault in faults:
        begins, ends = span(fault, int(np.iinfo(np.int64).max))
        lasts = (at >= begins) & (at < ends)
        match fault:
            case ClockDrift():
                gained = np.rint((at - begins) * (fault.ppm / 1e6)).astype(np.int64)
                said = said + np.where(lasts, gained, 0)
            case ClockStep():
                said = said + np.where(lasts, round(fault.seconds * 1000), 0)
            case Epoch2000():
                said = said - np.where(lasts, EPOCH_2000_MS, 0)
            case ClockUnset():
                unset |= lasts
    return np.where(unset, at - started, said)
