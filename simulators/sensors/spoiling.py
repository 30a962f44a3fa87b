"""Faults of the sensor itself: what they make of what it would have said."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import exact
from simulators.sensors.faults import Salted, Spiking, Stuck, span

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DAY_S: Final = 86_400
_HOUR_MS: Final = 3_600_000
_BRINE: Final = 99.6
"""%RH that a salted sensor ends at; a choice of ours, near what such sensors show."""


def salted(fault: Salted, at: Ints, humid: Floats) -> Floats:
    """(n,) %RH at the sensor under brine, at instants ``at``."""
    begins, ends = span(fault, int(at[-1]) + 1)
    hours = np.maximum((at - begins) / _HOUR_MS, 0.0)
    wet = 1.0 - exact.exp(-3.0 * hours / fault.hours)  # nearly all of it after ``hours``
    under = humid + wet * (_BRINE - humid)
    return np.where((at >= begins) & (at < ends), np.maximum(under, humid), humid)


def stuck(fault: Stuck, at: Ints, said: Floats) -> Floats:
    """(n,) ``said``, what was said last before it began for as long as it lasts."""
    begins, ends = span(fault, int(at[-1]) + 1)
    held = (at >= begins) & (at < ends)
    if not held.any():
        return said
    first = int(np.argmax(held))
    return np.where(held, said[max(first - 1, 0)], said)


def spikes(fault: Spiking, at: Ints, sample_s: float, seed: int, tag: str) -> Floats:
    """(n,) what is added to what is measured each ``sample_s``, at ``at``: 0 but for spikes."""
    since = at - fault.begins
    begins, ends = span(fault, int(at[-1]) + 1)
    likely = fault.per_day * sample_s / _DAY_S
    stream = ("spike", tag, fault.quantity)
    hit = exact.uniform(seed, *stream, "when", index=since) < likely
    # Between half and one and a half times the size, up as often as down.
    part = exact.uniform(seed, *stream, "size", index=since) + 0.5
    sign = np.where(exact.uniform(seed, *stream, "sign", index=since) < 0.5, -1.0, 1.0)
    return np.where(hit & (at >= begins) & (at < ends), sign * part * fault.size, 0.0)
