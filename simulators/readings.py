"""What sensors measured and readers saw, as columns, before any wire format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Index = NDArray[np.intp] | NDArray[np.bool_] | slice

QUANTITIES: Mapping[str, str] = {
    "temperature": "°C",
    "humidity": "%RH",
    "pressure": "hPa",
    "probe": "°C",
    "battery": "V",
    "shock": "g",
    "tilt": "°",
    "light": "lx",
    "door": "",
    "lat": "°",
    "lon": "°",
}
"""The quantities of the wire (docs/wire.md) and the unit that `Readings` has them in: humidity over
water at every temperature, pressure at the device, door 0 closed and 1 open. A reading may have
others; they have their own names and units."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """``n`` readings of one tag, in the order in which they leave it.

    ``boot``    (n,) how often the device had started
    ``seq``     (n,) number of the reading in this boot, one more each
    ``t``       (n,) when it was measured by the *device's* clock, ms since 1970 UTC; what a clock
                that counts from 2000, or was never set, says is said as it is
    ``values``  quantity -> (n,) values; NaN: not measured
    ``sent``    what the same clock says as they leave, where the device tells it; else None
    ``first``   the oldest ``seq`` of the last reading's boot that the device still holds, where it
                keeps readings until the server has acknowledged them; else None
    """

    tag: str
    boot: Ints
    seq: Ints
    t: Ints
    values: Mapping[str, Floats]
    sent: int | None = None
    first: int | None = None

    def __len__(self) -> int:
        return len(self.t)

    def at(self, index: Index) -> Readings:
        """Those at ``index`` (positions, a mask or a slice), in that order."""
        return replace(
            self,
            boot=self.boot[index],
            seq=self.seq[index],
            t=self.t[index],
            values={name: column[index] for name, column in self.values.items()},
        )

    def measured(self, row: int) -> dict[str, float]:
        """What reading ``row`` has: quantity -> value, without what was not measured."""
        found = {name: float(column[row]) for name, column in self.values.items()}
        return {name: value for name, value in found.items() if not np.isnan(value)}


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """``n`` times that an RFID reader saw an item: no measured value, but where it was.

    ``t``        (n,) ms since 1970 UTC, by the reader's clock
    ``epc``      (n,) what the item's EPC memory has, hexadecimal
    ``antenna``  (n,) its number, from 1
    ``rssi``     (n,) dBm
    """

    reader: str
    t: Ints
    epc: Sequence[str]
    antenna: Ints
    rssi: Floats

    def __len__(self) -> int:
        return len(self.t)
