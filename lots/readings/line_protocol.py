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

import numpy as np

from lots.readings.batch import ReadingBatch

MEASUREMENT = "readings"

_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff%\\\"]")
_SEPARATORS = re.compile(r"[ ,=]")
_PREFIX = "value."
_TAKEN = frozenset({"time", "tenant", "tag", "flags", "doubt"})


def lines(batch: ReadingBatch) -> list[str]:
    """(n,) a line for each reading; ``batch`` must be all `storable`."""
    names = [
        (_escaped(stored_name(tag)), _escaped(stored_name(tenant))) for tenant, tag in batch.tags
    ]
    series = [f"{MEASUREMENT},tag={tag},tenant={tenant}" for tag, tenant in names]
    columns = [
        [series[index] for index in batch.tag.tolist()],
        [f" flags={flags}i" for flags in batch.flags.tolist()],
        [",doubt=1i" if doubt else ",doubt=0i" for doubt in batch.doubtful.tolist()],
    ]
    for quantity in sorted(batch.values):
        field = f",{_escaped(field_name(quantity))}="
        value = batch.values[quantity]
        there = np.isfinite(value).tolist()
        columns.append(
            [
                f"{field}{number!r}" if one else ""
                for number, one in zip(value.tolist(), there, strict=True)
            ]
        )
    columns.append([f" {ns}" for ns in batch.stored_ns.tolist()])
    return ["".join(parts) for parts in zip(*columns, strict=True)]


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


def _escaped(name: str) -> str:
    return _SEPARATORS.sub(r"\\\g<0>", name)
