"""The tables of typical years, and the weather at any instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulators.exact import between

Floats = NDArray[np.float64]

HOURS: Final = 8760
"""Of a typical year, which has no 29 February."""
HOUR_MS: Final = 3_600_000
_FEBRUARY_29: Final = (31 + 28) * 24  # the hour of the year where it begins, if it does
_HEADER: Final = "temperature_c,humidity_pct,pressure_hpa,sun_w_m2,wind_m_s,cloud_tenths,rain_mm_h"
_FORMATS: Final = ("{:.1f}", "{:.0f}", "{:.0f}", "{:.0f}", "{:.1f}", "{:.0f}", "{:.1f}")


@dataclass(frozen=True, slots=True)
class Station:
    """Where a typical year was measured."""

    key: str
    name: str
    latitude: float
    longitude: float
    timezone: str  # as people there read clocks
    utc_offset_h: int  # of the standard time that the source is in
    source: str  # the file in pvlib that it was made from
    dataset: str


STATIONS: Final[Mapping[str, Station]] = MappingProxyType(
    {
        station.key: station
        for station in (
            Station("miami", "Miami, Florida", 25.8, -80.267,
                    "America/New_York", -5, "12839.tm2", "TMY2"),
            Station("greensboro", "Greensboro, North Carolina", 36.1, -79.95,
                    "America/New_York", -5, "723170TYA.CSV", "TMY3"),
            Station("sand_point", "Sand Point, Alaska", 55.317, -160.517,
                    "America/Anchorage", -9, "703165TY.csv", "TMY3"),
        )
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Climate:
    """A typical year by the hour: (8760,) each, row n at hour n of the year, UTC.

    ``temperature`` °C, ``humidity`` %RH, ``pressure`` hPa, ``sun`` W/m² on a level surface,
    ``wind`` m/s, ``cloud`` tenths of the sky that are covered opaquely, ``rain`` mm/h in the
    hour before, NaN where the source does not have it.
    """

    station: Station
    temperature: Floats
    humidity: Floats
    pressure: Floats
    sun: Floats
    wind: Floats
    cloud: Floats
    rain: Floats

    def at(self, instant_ms: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Temperature, humidity and pressure at instants (ms since 1970 UTC) of any year."""
        hours = hour_of_year(instant_ms)
        return (
            interpolate(self.temperature, hours),
            interpolate(self.humidity, hours),
            interpolate(self.pressure, hours),
        )


def load(station: str) -> Climate:
    """The typical year of ``station``; raises ValueError for one that is not carried."""
    if station not in STATIONS:
        known = ", ".join(STATIONS)
        raise ValueError(f"there is no climate of {station!r}: use one of {known}")
    text = (files("simulators.climate") / f"{station}.csv").read_text(encoding="utf-8")
    rows = np.loadtxt(text.splitlines(), delimiter=",", comments="#", skiprows=_preamble(text))
    return Climate(STATIONS[station], *np.ascontiguousarray(rows.T))


def write(station: Station, columns: Sequence[Floats]) -> str:
    """The text of a station's table, as `load` reads it, from `Climate`'s columns in order."""
    lines = [
        f"# {station.name}: a typical year by the hour. Row n is hour n of the year, UTC.",
        f"# Source: NREL {station.dataset}, file {station.source} of pvlib. See SOURCES.md.",
        _HEADER,
    ]
    lines += [
        ",".join(form.format(value) for form, value in zip(_FORMATS, row, strict=True))
        for row in np.column_stack(columns).tolist()
    ]
    return "\n".join(lines) + "\n"


def hour_of_year(instant_ms: ArrayLike) -> Floats:
    """Hours since the year began in UTC, in [0, 8760); 29 February is 28 February once more."""
    instant = np.asarray(instant_ms, np.float64).astype(np.int64).astype("datetime64[ms]")
    year = instant.astype("datetime64[Y]")
    begins = year.astype("datetime64[ms]")
    hours = np.asarray((instant - begins).astype(np.int64) / HOUR_MS)
    leap = ((year + 1).astype("datetime64[D]") - year.astype("datetime64[D]")).astype(int) == 366
    return np.asarray(np.where(leap & (hours >= _FEBRUARY_29), hours - 24.0, hours))


def interpolate(column: Floats, hours: ArrayLike) -> Floats:
    """A column of a year at ``hours`` of the year, straight between its rows, the year a ring."""
    position = np.asarray(hours, np.float64) % HOURS
    return between(position, np.arange(HOURS + 1), np.append(column, column[0]))


def _preamble(text: str) -> int:
    return text.splitlines().index(_HEADER) + 1
