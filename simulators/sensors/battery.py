"""Batteries: what is left, and what voltage a device sees of it.

Voltage over charge is read off the makers' discharge curves to a tenth of a volt. How the inner
resistance grows in the cold and as a cell empties is a choice of ours, so that a worn cell fails to
start a radio in a frosty night and does so again at noon, as they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.exact import between

Floats = NDArray[np.float64]

_YEAR_H: Final = 8766.0
_PER_K_BELOW: Final = 0.06
"""Of the inner resistance at 20 °C, for each K below it."""
_WHEN_EMPTY: Final = 4.0
"""Times the inner resistance of a full one."""


@dataclass(frozen=True, slots=True)
class Battery:
    """``charge`` (0 to 1, rising) and the ``volts`` there without a load; ``resistance`` Ω of a
    full one at 20 °C; ``pulse_a`` that the device draws when it sends; below ``fails_v`` it fails;
    ``leaks``: of its capacity a year, by itself."""

    name: str
    capacity_mah: float
    charge: tuple[float, ...]
    volts: tuple[float, ...]
    resistance: float
    pulse_a: float
    fails_v: float
    leaks: float

    def left(self, begun: float, mean_w: float, hours: Floats) -> Floats:
        """(n,) charge after ``hours`` at ``mean_w`` W, of ``begun`` at first; below 0: empty."""
        drawn_mah = mean_w / self.volts[-2] * 1e3 * hours
        return np.asarray(begun - drawn_mah / self.capacity_mah - self.leaks * hours / _YEAR_H)

    def loaded(self, charge: Floats, temperature: Floats) -> Floats:
        """(n,) V under the pulse of sending, at ``charge`` and ``temperature`` °C."""
        open_v = between(charge, self.charge, self.volts)
        cold = 1.0 + _PER_K_BELOW * np.maximum(20.0 - temperature, 0.0)
        worn = 1.0 + (_WHEN_EMPTY - 1.0) * (1.0 - np.clip(charge, 0.0, 1.0))
        return np.asarray(open_v - self.pulse_a * self.resistance * cold * worn)


CR2477: Final = Battery(
    "CR2477 (Li-MnO2)", 1000.0,
    (0.0, 0.03, 0.08, 0.2, 0.5, 0.9, 1.0), (1.8, 2.3, 2.6, 2.8, 2.93, 2.99, 3.1),
    resistance=15.0, pulse_a=0.008, fails_v=2.0, leaks=0.01,
)  # fmt: skip
ER18505: Final = Battery(
    "ER18505 (Li-SOCl2)", 4000.0,
    (0.0, 0.03, 0.08, 0.2, 0.9, 1.0), (2.2, 2.9, 3.35, 3.5, 3.6, 3.66),
    resistance=2.0, pulse_a=0.045, fails_v=2.6, leaks=0.01,
)  # fmt: skip
ALKALINE_2AA: Final = Battery(
    "two alkaline AA", 2500.0,
    (0.0, 0.05, 0.1, 0.3, 0.5, 0.9, 1.0), (1.7, 2.0, 2.15, 2.35, 2.5, 2.9, 3.2),
    resistance=0.6, pulse_a=0.12, fails_v=1.9, leaks=0.03,
)  # fmt: skip
