"""Makes the tables from the typical years that pvlib carries.

``python -m simulators.climate.make`` writes them; it needs pvlib, which the ``dev`` extra brings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pvlib
from numpy.typing import NDArray
from pvlib.iotools import read_tmy2, read_tmy3

from simulators.climate.table import HOURS, STATIONS, Station, write

Floats = NDArray[np.float64]
_SUN: Final = 3  # its column


# Of the present weather of TMY2 (manual, table 3-3): what its digit for rain says in mm/h. The
# National Weather Service calls rain light below 2.5 mm/h and heavy from 7.6 mm/h on; the figures
# within these classes are ours.
_RAIN_MM_H: Final = {0: 1.0, 1: 4.5, 2: 12.0, 3: 1.0, 4: 4.5, 5: 12.0, 6: 1.0, 7: 4.5, 8: 12.0}
_RAIN_DIGIT: Final = 10_000_000


def table(station: Station) -> str:
    """The text of ``station``'s table, from its file in pvlib. Raises ValueError on a strange one.

    The first row of both formats is what was read at 01:00 standard time, whatever label pvlib
    gives it (its reader of TMY2 says 00:00), and the last is midnight; so they are rolled to UTC.
    """
    path = Path(pvlib.__file__).parent / "data" / station.source
    if station.dataset == "TMY2":
        data, about = read_tmy2(path)
        columns = [
            data["DryBulb"] / 10.0, data["RHum"], data["Pressure"], data["GHI"],
            data["Wspd"] / 10.0, data["OpqCld"], _rain_of_weather(data["PresentWeather"]),
        ]  # fmt: skip
    else:
        data, about = read_tmy3(path, map_variables=False)
        columns = [
            data["Dry-bulb (C)"], data["RHum (%)"], data["Pressure (mbar)"], data["GHI (W/m^2)"],
            data["Wspd (m/s)"], data["OpqCld (tenths)"], _rain(data),
        ]  # fmt: skip
    found = (len(data), about["TZ"], round(about["latitude"], 1), round(about["longitude"], 1))
    expected = (
        HOURS,
        station.utc_offset_h,
        round(station.latitude, 1),
        round(station.longitude, 1),
    )
    if found != expected:
        raise ValueError(f"{path}: rows, time zone and position are {found}, not {expected}")
    year = [_to_utc(np.asarray(column, np.float64), station) for column in columns]
    # The sun's is the mean of the hour that ends at the row: half of it and of the next are at it.
    year[_SUN] = (year[_SUN] + np.roll(year[_SUN], -1)) / 2.0
    return write(station, year)


def main() -> None:
    """Write every station's table beside this file."""
    for station in STATIONS.values():
        (Path(__file__).parent / f"{station.key}.csv").write_text(table(station), encoding="utf-8")


def _rain(data: Any) -> Floats:
    """mm/h; NaN throughout where the source does not have every hour.

    What the source heads as mm is tenths of it: its steps are those of a hundredth of an inch
    (3, 5, 8, 10, 13 …), and its year at Greensboro would be 8 345 mm, not about 1 000.
    """
    depth = np.asarray(data["Lprecip depth (mm)"], np.float64) / 10.0
    hourly = np.asarray(data["Lprecip quantity (hr)"]) == 1
    return depth if hourly.all() else np.full(HOURS, np.nan)


def _rain_of_weather(codes: Any) -> Floats:
    """mm/h, of the nine digits of what the weather was: thunder, rain, drizzle, snow and so on."""
    digits = np.asarray(codes, np.int64) // _RAIN_DIGIT % 10
    return np.array([_RAIN_MM_H.get(digit, 0.0) for digit in digits.tolist()])


def _to_utc(local: Floats, station: Station) -> Floats:
    return np.roll(local, 1 - station.utc_offset_h)


if __name__ == "__main__":
    main()
