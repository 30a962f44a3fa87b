"""What a journey's sites know of their climates: means and spreads by month and hour of UTC.

Made from the climate's data, never from a seed's weather: that is the truth that is to be found.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.climate.measured import load_measured
from simulators.climate.table import HOURS, STATIONS, load
from simulators.physics.air import dew_point, saturation

Floats = NDArray[np.float64]

_YEAR: Final = np.datetime64("2001-01-01T00", "h")  # one without 29 February


def normals(key: str) -> dict[str, Any]:
    """The field ``climate`` of a site whose climate is ``key``.

    Raises `simulators.climate.NotHere` for one that is not on this machine.
    """
    if key in STATIONS:
        year = load(key)
        time = _YEAR + np.arange(HOURS)
        temperature, humidity = year.temperature, year.humidity
        source = f"typical year of {year.station.name} ({year.station.dataset})"
    else:
        measured = load_measured(key)
        time = measured.time.astype("datetime64[ms]").astype("datetime64[h]")
        temperature, humidity = measured.temperature, measured.humidity
        source = f"measured series {key}"
    dew = dew_point(humidity / 100.0 * saturation(temperature))
    month = time.astype("datetime64[M]").astype(int) % 12
    hour = time.astype(int) % 24
    found: dict[str, Any] = {"source": source}
    for name, column in (("temperature", temperature), ("dew_point", dew)):
        mean, spread = _by_month_and_hour(column, month, hour)
        found[name], found[f"{name}_spread"] = mean, spread
    return found


def _by_month_and_hour(
    column: Floats, month: NDArray[np.int64], hour: NDArray[np.int64]
) -> tuple[list[list[float]], list[list[float]]]:
    cells = [[column[(month == m) & (hour == h)] for h in range(24)] for m in range(12)]
    means = [[round(float(np.mean(cell)), 2) for cell in row] for row in cells]
    spreads = [[round(float(np.std(cell, ddof=1)), 2) for cell in row] for row in cells]
    return means, spreads
