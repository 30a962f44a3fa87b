"""Readings as InfluxDB's line protocol: pure text, the same for the same reading always.

A reading is a point of the measurement ``readings`` with the tags ``tenant`` and ``tag``, the
integer fields ``flags`` and ``doubt`` (0 or 1) and a float field for each quantity it has, at its
stored time in ns.
"""

from __future__ import annotations

import msgspec
import numpy as np

from lots.readings.batch import Floats, Ints, ReadingBatch, TagKey
from lots.readings.influx_names import MEASUREMENT, escaped, field_name, stored_name

MAX_SERIES = 200_000
"""Whose names are remembered; then the memory begins anew."""


class LineProtocol:
    """Writes lines; remembers how the series are called."""

    def __init__(self) -> None:
        self._series: dict[TagKey, str] = {}

    def text(self, batch: ReadingBatch) -> str:
        """A line for each reading, in order, each ended; ``batch`` must be all `storable`.

        Made of columns of text that are joined at once: a format per line is the slower half of
        writing to InfluxDB.
        """
        count = len(batch)
        series = [self._named(tag) for tag in batch.tags]
        columns = [[series[index] for index in batch.tag.tolist()], _flags(batch)]
        for quantity in sorted(batch.values):
            field = f",{escaped(field_name(quantity))}="
            columns += _fields(field, _numbers(batch.values[quantity]))
        columns += [[" "] * count, _numbers(batch.stored_ns), ["\n"] * count]
        width = len(columns)
        parts = [""] * (count * width)
        for place, column in enumerate(columns):
            parts[place::width] = column
        return "".join(parts)

    def _named(self, tag: TagKey) -> str:
        known = self._series.get(tag)
        if known is None:
            tenant, name = (escaped(stored_name(each)) for each in tag)
            if len(self._series) >= MAX_SERIES:
                self._series.clear()
            known = self._series[tag] = f"{MEASUREMENT},tag={name},tenant={tenant}"
        return known


def _flags(batch: ReadingBatch) -> list[str]:
    doubt = batch.doubtful.astype(np.int64)
    told, which = np.unique(batch.flags * 2 + doubt, return_inverse=True)
    texts = [f" flags={each // 2}i,doubt={each % 2}i" for each in told.tolist()]
    return [texts[index] for index in which.tolist()]


def _numbers(column: Floats | Ints) -> list[str]:
    """The shortest text that reads as the same number; "null" for none."""
    return msgspec.json.encode(column.tolist()).decode()[1:-1].split(",")


def _fields(field: str, numbers: list[str]) -> list[list[str]]:
    if "null" not in numbers:
        return [[field] * len(numbers), numbers]
    return [["" if number == "null" else field + number for number in numbers]]
