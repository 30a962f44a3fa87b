"""Real series to test against."""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.climate import NotHere, load_measured

HOUR_MS = 3_600_000
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


class Hourly(NamedTuple):
    """(n,) by the hour, NaN where nothing was measured."""

    temperature: NDArray[np.float64]
    humidity: NDArray[np.float64]


def tampere_outdoor() -> Hourly:
    """A year and a half in Tampere's open air."""
    try:
        measured = load_measured("tampere_outdoor")
    except NotHere as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    hour = (measured.time - measured.time[0]) // HOUR_MS
    found = np.full((2, hour[-1] + 1), np.nan)
    found[:, hour] = measured.temperature, measured.humidity
    return Hourly(*found)


Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def series(name: str) -> dict[str, Columns]:
    """sensor -> (time ms, °C, %RH) of a file of measured series."""
    path = DATA / name
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing: CI needs the real data"
        pytest.skip(f"{path} is not in this clone")
    rows: dict[str, list[tuple[float, float, float]]] = {}
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            at = datetime.fromisoformat(row["time"]).timestamp() * 1000
            one = at, float(row["temperature_c"]), float(row["humidity_pct"])
            rows.setdefault(row.get("sensor", ""), []).append(one)
    found = {}
    for sensor, part in rows.items():
        time, temperature, humidity = np.array(part).T
        found[sensor] = time.astype(np.int64), temperature, humidity
    return found
