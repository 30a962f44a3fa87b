"""Makes the tables from the typical years that pvlib carries.

``python -m simulators.climate.make`` writes them; it needs pvlib, which the ``dev`` extra brings.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pvlib
from numpy.typing import NDArray
from pvlib.iotools import read_tmy2, read_tmy3

from simulators.climate.table import HOURS, STATIONS, Station, write

Floats = NDArray[np.float64]


def table(station: Station) -> str:
    """The text of ``station``'s table, from its file in pvlib. Raises ValueError on a strange one.

    The first row of both formats is what was read at 01:00 standard time, whatever label pvlib
    gives it (its reader of TMY2 says 00:00), and the last is midnight; so they are rolled to UTC.
    """
    path = Path(pvlib.__file__).parent / "data" / station.source
    if station.dataset == "TMY2":
        data, about = read_tmy2(path)
        columns = (data["DryBulb"] / 10.0, data["RHum"], data["Pressure"])
    else:
        data, about = read_tmy3(path, map_variables=True)
        columns = (data["temp_air"], data["relative_humidity"], data["pressure"])
    found = (len(data), about["TZ"], round(about["latitude"], 1), round(about["longitude"], 1))
    expected = (
        HOURS,
        station.utc_offset_h,
        round(station.latitude, 1),
        round(station.longitude, 1),
    )
    if found != expected:
        raise ValueError(f"{path}: rows, time zone and position are {found}, not {expected}")
    return write(station, *(_to_utc(np.asarray(c, np.float64), station) for c in columns))


def main() -> None:
    """Write every station's table beside this file."""
    for station in STATIONS.values():
        (Path(__file__).parent / f"{station.key}.csv").write_text(table(station), encoding="utf-8")


def _to_utc(local: Floats, station: Station) -> Floats:
    return np.roll(local, 1 - station.utc_offset_h)


if __name__ == "__main__":
    main()
