"""Air to hang a tag in, whose truth is plain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOUR = 3_600_000
DAY = 24 * HOUR
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlainAir:
    temperature: Floats
    humidity: Floats
    pressure: Floats
    probe: Floats | None


def still(temperature=20.0, humidity=50.0, pressure=1010.0, probe=15.0):
    """Air that never changes."""
    return lambda at: PlainAir(
        *(np.full(len(at), value) for value in (temperature, humidity, pressure, probe))
    )


def daily(mean=15.0, swing=8.0, humidity=60.0, swing_rh=20.0):
    """Warm and dry by day, cool and damp by night."""

    def air(at):
        wave = np.sin(2 * np.pi * at / DAY)
        warm = mean + swing * wave
        damp = humidity - swing_rh * wave
        return PlainAir(warm, damp, np.full(len(at), 1010.0), warm - 3.0)

    return air
