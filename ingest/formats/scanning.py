"""Plain native readings out of JSON, as one compiled loop over the bytes of many messages.

It takes only what it reads exactly as a careful decoder would, and leaves all else to one: known
fields without escapes, numbers that a double holds exactly or that one rounded operation gives
(at most 2^53 times a power of ten up to 10^22: Clinger 1990), `true` and `false`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lots.compiled import compiled
from lots.readings.batch import Bools, Floats, Ints

Bytes = NDArray[np.uint8]

FIELDS: Final = (
    "boot",
    "seq",
    "first",
    "ack",
    "t",
    "sent",
    "temperature",
    "humidity",
    "pressure",
    "battery",
    "probe",
    "shock",
    "tilt",
    "light",
    "door",
    "lat",
    "lon",
)
"""Columns of the table that is filled, in this order."""

COUNTS: Final = 3
"""The first so many are whole numbers from 0; -1: absent. The others: NaN."""

ACK: Final = 3
DOOR: Final = 14
"""These may be `true` and `false`, the first of them nothing else."""

_WIDTH: Final = 16
_NAMES: Final = np.array([list(name.encode().ljust(_WIDTH, b"\0")) for name in FIELDS], np.uint8)
_LENGTHS: Final = np.array([len(name) for name in FIELDS], np.int64)
_TENS: Final = np.array([float(10**power) for power in range(23)])
_MOST: Final = 2**53
_BAD: Final = -1


@compiled
def _blank(data: Bytes, at: int, end: int) -> int:
    """Past white space."""
    while at < end and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += 1
    return at


@compiled
def _field(data: Bytes, begin: int, end: int, guess: int) -> int:
    """Which of `FIELDS` the bytes are; ``guess`` is tried first."""
    length = end - begin
    for attempt in range(len(_LENGTHS)):
        field = guess + attempt
        if field >= len(_LENGTHS):
            field -= len(_LENGTHS)
        if _LENGTHS[field] == length:
            same = True
            for place in range(length):
                if data[begin + place] != _NAMES[field, place]:
                    same = False
                    break
            if same:
                return field
    return _BAD


@compiled
def _number(data: Bytes, at: int, end: int, whole: bool) -> tuple[int, float]:
    """Where the number at ``at`` ends, and what it is; `_BAD` where it is none, or not exact."""
    negative = at < end and data[at] == 45
    if negative:
        at += 1
    begin, digits, power, mantissa = at, 0, 0, 0
    while at < end and 48 <= data[at] <= 57:
        mantissa = mantissa * 10 + (data[at] - 48)
        digits += 1
        at += 1
        if digits > 18:
            return _BAD, 0.0
    if digits == 0 or (digits > 1 and data[begin] == 48):
        return _BAD, 0.0
    if whole:
        if negative or (at < end and (data[at] == 46 or data[at] == 101 or data[at] == 69)):
            return _BAD, 0.0
        return (at, float(mantissa)) if mantissa < _MOST else (_BAD, 0.0)
    if at < end and data[at] == 46:
        at += 1
        begin = at
        while at < end and 48 <= data[at] <= 57:
            mantissa = mantissa * 10 + (data[at] - 48)
            digits += 1
            power -= 1
            at += 1
            if digits > 18:
                return _BAD, 0.0
        if at == begin:
            return _BAD, 0.0
    if at < end and (data[at] == 101 or data[at] == 69):
        return _BAD, 0.0  # an exponent is rare
    if mantissa > _MOST or power < -22:
        return _BAD, 0.0
    value = float(mantissa)
    if power < 0:
        value /= _TENS[-power]
    # "-0" is the integer 0, "-0.0" is not.
    return at, -value if negative and (mantissa > 0 or power < 0) else value


@compiled
def _word(data: Bytes, at: int, end: int) -> tuple[int, float]:
    """`true` as 1, `false` as 0."""
    if (
        at + 4 <= end
        and data[at] == 116
        and data[at + 1] == 114
        and data[at + 2] == 117
        and data[at + 3] == 101
    ):
        return at + 4, 1.0
    if (
        at + 5 <= end
        and data[at] == 102
        and data[at + 1] == 97
        and data[at + 2] == 108
        and data[at + 3] == 115
        and data[at + 4] == 101
    ):
        return at + 5, 0.0
    return _BAD, 0.0


@compiled
def _object(data: Bytes, at: int, end: int, row: Floats) -> int:
    """Fill ``row`` from the object at ``at``; where it ends, or `_BAD`."""
    row[:COUNTS] = -1.0
    row[COUNTS] = 0.0
    row[COUNTS + 1 :] = np.nan
    if at >= end or data[at] != 123:
        return _BAD
    guess = 0
    at = _blank(data, at + 1, end)
    if at < end and data[at] == 125:
        return at + 1
    while True:
        if at >= end or data[at] != 34:
            return _BAD
        begin = at + 1
        at = begin
        while at < end and data[at] != 34:
            at += 1
        field = _field(data, begin, at, guess)
        if field < 0:
            return _BAD
        guess = field + 1 if field + 1 < len(_LENGTHS) else 0
        at = _blank(data, at + 1, end)
        if at >= end or data[at] != 58:
            return _BAD
        at = _blank(data, at + 1, end)
        if at >= end:
            return _BAD
        if field == ACK or (field == DOOR and (data[at] == 116 or data[at] == 102)):
            at, row[field] = _word(data, at, end)
        else:
            at, row[field] = _number(data, at, end, field < COUNTS)
        if at < 0:
            return _BAD
        at = _blank(data, at, end)
        if at >= end:
            return _BAD
        if data[at] == 125:
            return at + 1
        if data[at] != 44:
            return _BAD
        at = _blank(data, at + 1, end)


@compiled
def scan(data: Bytes, ends: Ints, able: Bools, most: int, table: Floats, rows: Ints) -> int:
    """Read messages that stand behind each other in ``data``, each up to its place in ``ends``;
    those that are not ``able`` (m,) are passed over as not plain.

    ``table`` (r, len(FIELDS)) is filled: r is enough where it is the number of "{" in ``data``.
    ``rows`` (m,) is how many rows each message has: 0 one that is not plain, -1 a single reading,
    else that of an array, of ``most`` at most. Returns how many rows there are.
    """
    filled = 0
    begin = 0
    for message in range(len(ends)):
        end = ends[message]
        rows[message] = 0
        at = _blank(data, begin, end)
        begin = end
        if not able[message]:
            continue
        if at < end and data[at] == 123 and filled < len(table):
            at = _object(data, at, end, table[filled])
            if at >= 0 and _blank(data, at, end) == end:
                rows[message] = -1
                filled += 1
            continue
        if at >= end or data[at] != 91:
            continue
        first = filled
        at = _blank(data, at + 1, end)
        while True:
            if filled - first >= most or filled >= len(table):
                at = _BAD
                break
            at = _object(data, at, end, table[filled])
            if at < 0:
                break
            filled += 1
            at = _blank(data, at, end)
            if at >= end or (data[at] != 44 and data[at] != 93):
                at = _BAD
                break
            if data[at] == 93:
                at += 1
                break
            at = _blank(data, at + 1, end)
        if at >= 0 and _blank(data, at, end) == end:
            rows[message] = filled - first
        else:
            filled = first
    return filled
