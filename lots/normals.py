"""A site's climate normals: what the air outside is like, by month and hour of the day.

Pure: hourly series in, a small table out. Months and hours are of UTC; between them values lie
straight, the year and the day as rings. The year is taken as twelve equal months, which is at most
two days off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Floats, Ints

MONTHS: Final = 12
HOURS: Final = 24
YEAR_MS: Final = 365.2425 * DAY_MS
QUANTITIES: Final = ("temperature", "temperature_spread", "dew_point", "dew_point_spread")
"""°C and K: means, and the standard deviations of single years' hours about them."""
LEAST_DAYS: Final = 20
"""So many days of a month must have been measured at each hour, or it is not known. [D]"""


class TooLittle(ValueError):
    """A series from which no normals can be made; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Normals:
    """``values``: float32 of (4, 12, 24): `QUANTITIES`, months from January, hours of UTC. As bytes
    they are equal where the numbers are, and can be a key."""

    values: bytes

    @property
    def table(self) -> NDArray[np.float32]:
        return np.frombuffer(self.values, np.float32).reshape(len(QUANTITIES), MONTHS, HOURS)

    def at(self, time: Ints) -> Floats:
        """(4, n) `QUANTITIES` at ``time`` ms (n,)."""
        month = (time % YEAR_MS) / YEAR_MS * MONTHS - 0.5
        hour = (time % DAY_MS) / HOUR_MS
        m, h = np.floor(month).astype(int), np.floor(hour).astype(int)
        later, further = month - m, hour - h
        table = self.table.astype(np.float64)
        now = [table[:, (m + i) % MONTHS] for i in (0, 1)]  # (4, n, 24)
        which = np.arange(len(time))
        by_month = [
            each[:, which, h % HOURS] * (1 - further) + each[:, which, (h + 1) % HOURS] * further
            for each in now
        ]
        return np.asarray(by_month[0] * (1 - later) + by_month[1] * later)

    def as_lists(self) -> dict[str, list[list[float]]]:
        """By quantity, to the hundredth, as the registry keeps them."""
        return {
            name: np.round(part.astype(np.float64), 2).tolist()
            for name, part in zip(QUANTITIES, self.table, strict=True)
        }


def of_lists(lists: Mapping[str, Any]) -> Normals:
    """What `Normals.as_lists` gave."""
    return Normals(np.asarray([lists[name] for name in QUANTITIES], np.float32).tobytes())


def steady(temperature: float, dew_point: float, spread: float) -> Normals:
    """Of a climate that is the same at all times, °C; ``spread`` K of both."""
    means = np.asarray([temperature, spread, dew_point, spread], np.float32)
    return Normals(np.repeat(means, MONTHS * HOURS).tobytes())


def made(time: Ints, temperature: Floats, dew_point: Floats) -> Normals:
    """Normals of a series (n,): ``time`` ms, °C, about hourly or oftener; NaN is left out.

    Raises `TooLittle` where a month or an hour of the day has too few days.
    """
    known = ~np.isnan(temperature + dew_point)
    time, values = time[known], np.stack([temperature[known], dew_point[known]])
    month = time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % MONTHS
    cell = month * HOURS + (time // HOUR_MS) % HOURS
    # Each hour of each day weighs the same, however often it was measured.
    hours, which = np.unique(time // HOUR_MS, return_inverse=True)
    often = np.bincount(which, minlength=len(hours))
    hourly = [np.bincount(which, row, len(hours)) / often for row in values]
    cell = cell[np.unique(which, return_index=True)[1]] if len(time) else cell
    count = np.bincount(cell, minlength=MONTHS * HOURS)
    _require_days(count.reshape(MONTHS, HOURS))
    means = [np.bincount(cell, row, MONTHS * HOURS) / count for row in hourly]
    spreads = [
        np.sqrt(np.bincount(cell, (row - mean[cell]) ** 2, MONTHS * HOURS) / (count - 1))
        for row, mean in zip(hourly, means, strict=True)
    ]
    table = np.asarray([means[0], spreads[0], means[1], spreads[1]])
    return Normals(np.round(table, 2).astype(np.float32).tobytes())


def _require_days(count: NDArray[np.int64]) -> None:
    """(12, 24) days by month and hour."""
    few = np.flatnonzero(count.min(axis=1) < LEAST_DAYS)
    if len(few):
        raise TooLittle(
            f"{_listed([NAMES[month] for month in few.tolist()])}: fewer than {LEAST_DAYS} days at"
            " some hour of the day; normals need a year by the hour"
        )


NAMES: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
