"""Readings as InfluxDB's line protocol: pure text, the same for the same reading always.

A reading is a point of the measurement ``readings`` with the tags ``tenant`` and ``tag``, the
integer fields ``flags`` and ``doubt`` (0 or 1) and a float field for each quantity it has, at its
stored time in ns.

Names are stored so that every version of InfluxDB reads back what was written. Line protocol has
no way to say a backslash before a separator, or at the end of a tag, and no version agrees with
another on quotes and control characters: these, and ``%``, are written as ``%5C`` and so on.
InfluxDB drops a field called ``time`` without a word, answers twice for one called like a tag, and
keeps names that begin with ``_`` for itself: such a quantity gets ``value.`` before its name.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec
import numpy as np

from lots.readings.batch import Floats, Ints, ReadingBatch, TagKey

MEASUREMENT = "readings"

MAX_SERIES = 200_000
"""Whose names are remembered; then the memory begins anew."""

_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff%\\\"]")
_SEPARATORS = re.compile(r"[ ,=]")
_PREFIX = "value."
_TAKEN = frozenset({"time", "tenant", "tag", "flags", "doubt"})


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


def stored_name(name: str) -> str:
    """What stands in InfluxDB for a tenant or a tag; different for different names."""
    return _ODD.sub(_percent, name)


def field_name(quantity: str) -> str:
    """What stands in InfluxDB for a quantity; different for different quantities."""
    clash = quantity in _TAKEN or quantity.startswith(("_", _PREFIX))
    return stored_name(_PREFIX + quantity if clash else quantity)


def quantity_name(field: str) -> str:
    """The quantity that `field_name` made ``field`` of."""
    return unquote(field).removeprefix(_PREFIX)


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))


def escaped(name: str) -> str:
    """A name as it stands in a line."""
    return _SEPARATORS.sub(r"\\\g<0>", name)
