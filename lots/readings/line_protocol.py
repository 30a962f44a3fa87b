"""Readings as InfluxDB's line protocol: pure bytes, the same for the same reading always.

A reading is a point of the measurement ``readings`` with the tags ``tenant`` and ``tag``, the
integer fields ``flags`` and ``doubt`` (0 or 1) and a float field for each quantity it has, at its
stored time in ns.

One compiled loop writes the lines of a batch from its columns. It takes the numbers that are a
whole number of some decimal place, as what sensors say is; the text of each of the others is made
beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from lots.compiled import compiled
from lots.readings.batch import Floats, Ints, ReadingBatch, TagKey, empty
from lots.readings.influx_names import MEASUREMENT, escaped, field_name, stored_name

Bytes = NDArray[np.uint8]
Places = NDArray[np.int8]

MAX_SERIES = 200_000
"""Whose names are remembered; then the memory begins anew."""

_TENS: Final = np.array([10**power for power in range(19)], np.int64)
_MOST: Final = 1e15
_PLACES: Final = 15
"""A whole number below `_MOST` divided by 10^15 at most is rounded once, so it is the double that
the decimal number stands for (Clinger 1990); and no other of so few digits stands for it."""

_ABSENT: Final = -1
_OTHER: Final = -2

_FLAGS: Final = np.frombuffer(b" flags=", np.uint8)
_DOUBT: Final = np.frombuffer(b"i,doubt=", np.uint8)
_I: Final = ord("i")
_SPACE: Final = ord(" ")
_COMMA: Final = ord(",")
_MINUS: Final = ord("-")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_NEWLINE: Final = ord("\n")

_NUMBER: Final = len("-2.2250738585072014e-308")
"""Bytes of a number at most."""

_LEAST: Final = len(" flags=i,doubt=i \n") + 3 * _NUMBER


class LineProtocol:
    """Writes lines; remembers how the series are called."""

    def __init__(self) -> None:
        self._series: dict[TagKey, bytes] = {}
        self.lines(empty())  # what is compiled is loaded now, not with the first readings

    def lines(self, batch: ReadingBatch) -> bytes:
        """A line for each reading, in order, each ended; ``batch`` must be all `storable`."""
        n = len(batch)
        quantities = sorted(batch.values)
        heads = _table(n, [batch.tag, batch.flags, batch.doubtful, batch.stored_ns], np.int64)
        values = _table(n, [batch.values[quantity] for quantity in quantities], np.float64)
        places = _places(values)
        others = msgspec.json.encode(values[places == _OTHER].tolist())[1:-1]
        known = self._series
        series, series_edges = _joined([known.get(tag) or self._learnt(tag) for tag in batch.tags])
        fields, field_edges = _joined([_field(quantity) for quantity in quantities])
        room = (
            n * _LEAST
            + np.diff(series_edges)[batch.tag].sum()
            + (places != _ABSENT).sum(axis=0) @ (np.diff(field_edges) + _NUMBER)
        )
        out = np.empty(int(room), np.uint8)
        texts = np.frombuffer(others, np.uint8)
        end = _write(heads, series, series_edges, values, places, texts, fields, field_edges, out)
        return out[:end].tobytes()

    def _learnt(self, tag: TagKey) -> bytes:
        tenant, name = (escaped(stored_name(each)) for each in tag)
        if len(self._series) >= MAX_SERIES:
            self._series.clear()
        self._series[tag] = series = f"{MEASUREMENT},tag={name},tenant={tenant}".encode()
        return series


def _field(quantity: str) -> bytes:
    return f",{escaped(field_name(quantity))}=".encode()


def _table(n: int, columns: Sequence[NDArray[Any]], kind: DTypeLike) -> NDArray[Any]:
    """(n, len(columns)), of one layout in memory always: for another all is compiled anew."""
    table = np.empty((n, len(columns)), kind)
    for at, column in enumerate(columns):
        table[:, at] = column
    return table


def _joined(parts: Sequence[bytes]) -> tuple[Bytes, Ints]:
    """``parts`` behind each other, and the edges (len(parts) + 1,) between them."""
    edges = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=edges[1:])
    return np.frombuffer(b"".join(parts), np.uint8), edges


@compiled
def _places(values: Floats) -> Places:
    """Of each number how many decimal places it has, `_ABSENT` or `_OTHER`."""
    places = np.full(values.shape, _OTHER, np.int8)
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = abs(values[row, column])
            if not np.isfinite(value):
                places[row, column] = _ABSENT
                continue
            for place in range(_PLACES + 1):
                ten = float(_TENS[place])
                whole = np.rint(value * ten)
                if whole >= _MOST:
                    break
                if whole / ten == value:
                    places[row, column] = place
                    break
    return places


@compiled
def _copy(text: Bytes, begin: int, end: int, out: Bytes, at: int) -> int:
    """Write a part of ``text`` at ``at``; where it ends, as for all that write."""
    source, target = text[begin:end], out[at:]  # as parts, or each byte's index is looked at
    for place in range(len(source)):
        target[place] = source[place]
    return at + len(source)


@compiled
def _digits(number: int, places: int, out: Bytes, at: int) -> int:
    """Write a whole number, not negative, of units of the last of ``places`` decimal places."""
    length = places + 1
    while length < len(_TENS) and number >= _TENS[length]:
        length += 1
    end = at + length + (1 if places else 0)
    point = end - 1 - places if places else end
    rest, ten, zero = np.uint64(number), np.uint64(10), np.uint64(_ZERO)
    for place in range(end - 1, at - 1, -1):
        if place == point:
            out[place] = _POINT
        else:
            out[place] = zero + rest % ten
            rest //= ten
    return end


@compiled
def _integer(number: int, out: Bytes, at: int) -> int:
    if number < 0:
        out[at] = _MINUS
        return _digits(-number, 0, out, at + 1)
    return _digits(number, 0, out, at)


@compiled
def _decimal(value: float, places: int, out: Bytes, at: int) -> int:
    if np.signbit(value):
        out[at] = _MINUS
        at += 1
    places = max(places, 1)
    return _digits(int(np.rint(abs(value) * float(_TENS[places]))), places, out, at)


@compiled
def _write(
    heads: Ints,
    series: Bytes,
    series_edges: Ints,
    values: Floats,
    places: Places,
    others: Bytes,
    fields: Bytes,
    field_edges: Ints,
    out: Bytes,
) -> int:
    """Fill ``out``, which must have room enough, with lines; where they end.

    ``heads`` (n, 4): series, flags, doubt, stored time. ``values``, ``places`` (n, q). ``others``:
    a text, and a comma between two, for each number that is no decimal, by row and column.
    """
    at, other = 0, 0
    for row in range(len(heads)):
        name = heads[row, 0]
        at = _copy(series, series_edges[name], series_edges[name + 1], out, at)
        at = _copy(_FLAGS, 0, len(_FLAGS), out, at)
        at = _integer(heads[row, 1], out, at)
        at = _copy(_DOUBT, 0, len(_DOUBT), out, at)
        at = _integer(heads[row, 2], out, at)
        out[at] = _I
        at += 1
        for field in range(values.shape[1]):
            if places[row, field] == _ABSENT:
                continue
            at = _copy(fields, field_edges[field], field_edges[field + 1], out, at)
            if places[row, field] == _OTHER:
                begin = other
                while other < len(others) and others[other] != _COMMA:
                    other += 1
                at = _copy(others, begin, other, out, at)
                other += 1
            else:
                at = _decimal(values[row, field], places[row, field], out, at)
        out[at] = _SPACE
        at = _integer(heads[row, 3], out, at + 1)
        out[at] = _NEWLINE
        at += 1
    return at
