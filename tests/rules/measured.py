"""Real series to test against."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.climate import NotHere, load_measured

HOUR_MS = 3_600_000


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
