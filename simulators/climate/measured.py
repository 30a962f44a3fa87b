"""Climates that were measured or published elsewhere and are not carried: read where they lie.

A table has the columns ``time`` (ISO 8601, UTC), ``temperature_c``, ``humidity_pct`` and perhaps
``pressure_hpa``. Sun, wind, sky and rain are not known there: NaN.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulators.exact import between

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDER_VARIABLE: Final = "DUNNAGE_CLIMATE_DATA"
_BESIDE: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "climate"
_STANDARD_HPA: Final = 1013.25


class NotHere(FileNotFoundError):
    """A measured climate that this machine does not have; the message says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Columns (n,): ``time`` ms since 1970 UTC, rising; ``temperature`` °C, ``humidity`` %RH,
    ``pressure`` hPa, standard where it was not measured."""

    key: str
    time: Ints
    temperature: Floats
    humidity: Floats
    pressure: Floats

    def at(self, instant_ms: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Temperature, humidity and pressure, straight between rows; the first and the last row
        hold before and after."""
        return (
            between(instant_ms, self.time, self.temperature),
            between(instant_ms, self.time, self.humidity),
            between(instant_ms, self.time, self.pressure),
        )


def folder() -> Path:
    """Where measured climates are: ``DUNNAGE_CLIMATE_DATA``, else ``shared/data/climate`` beside
    the project."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else _BESIDE


def load_measured(key: str) -> Measured:
    """The table ``key``.csv. Raises NotHere where it is not, ValueError where it cannot be read."""
    path = folder() / f"{key}.csv"
    if not path.is_file():
        raise NotHere(
            f"the climate {key!r} is not carried and {path} does not exist: set {FOLDER_VARIABLE} "
            "to a folder that has it, or let the journey use miami, greensboro or sand_point"
        )
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    try:
        time = np.array([row["time"].rstrip("Z") for row in rows], "datetime64[ms]")
        temperature = np.array([float(row["temperature_c"]) for row in rows])
        humidity = np.array([float(row["humidity_pct"]) for row in rows])
        pressure = np.array([float(row.get("pressure_hpa") or _STANDARD_HPA) for row in rows])
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: {error!r}: a table has time (ISO 8601, UTC), temperature_c, humidity_pct "
            "and perhaps pressure_hpa"
        ) from None
    instants = time.astype(np.int64)
    if not len(rows) or (np.diff(instants) <= 0).any():
        raise ValueError(f"{path}: no rows, or their times do not rise: sort them by time")
    return Measured(key, instants, temperature, humidity, pressure)
