"""The metrics of a Sparkplug payload: names, numbers and units. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ingest.formats.rows import Unusable, shown
from ingest.formats.sparkplug_births import Known
from ingest.formats.sparkplug_payload import DataType

MAX_DEPTH = 8
"""Templates in templates."""

GOOD = 192
"""The property Quality of a value to believe; 0 is bad, 500 stale (Sparkplug 3.0.0, 6.4.17)."""

_UNIT = frozenset(["engunit", "engineeringunit", "engineeringunits", "unit", "units", "uom"])
_BITS: Mapping[int, int] = MappingProxyType(
    {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
)
_NUMERIC = ("int_value", "long_value", "float_value", "double_value", "boolean_value")


class Metric(NamedTuple):
    """A metric of a message, by its name."""

    name: str
    message: Any
    datatype: int
    unit: str
    time: int | None  # ms since 1970


def is_given(message: Any) -> bool:
    """Whether it has a value that counts."""
    if message.is_null or message.is_transient or message.WhichOneof("value") is None:
        return False
    quality = _properties(message).get("quality")
    return quality is None or quality == GOOD


def known(message: Any, name: str, inner: bool = False) -> Known:
    """What a birth says of a metric; a member of a template has no alias."""
    alias = message.alias if message.HasField("alias") and not inner else None
    return Known(name, alias, message.datatype, unit_of(message))


def unit_of(message: Any) -> str:
    """ "" where it says none."""
    properties = _properties(message)
    found = next((properties[name] for name in properties if name in _UNIT), "")
    return found.strip() if isinstance(found, str) else ""


def name_of(message: Any) -> str:
    """ "" where it has only an alias; raises `Unusable`."""
    name = message.name
    if not isinstance(name, str):  # the runtime hands bytes out where they are no UTF-8
        raise Unusable(f"its name {shown(name)} is not UTF-8")
    return name


def members(name: str, message: Any, depth: int = MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    """The metric itself, or of a template those in it, with their paths as names."""
    if message.WhichOneof("value") != "template_value":
        yield name, message
        return
    if not depth:
        raise Unusable(f"{shown(name)}: templates are nested more than {MAX_DEPTH} deep")
    for member in message.template_value.metrics:
        yield from members(f"{name}/{name_of(member)}", member, depth - 1)


def number(metric: Metric) -> float | None:
    """None for NaN and Infinity; raises `Unusable` for what is no number."""
    message = metric.message
    kind = message.WhichOneof("value")
    if kind not in _NUMERIC:
        told = metric.datatype
        type_ = DataType(told).name.lower() if told in list(DataType) else f"type {told}"
        raise Unusable(f"{shown(metric.name)} is a {type_}: a number is expected of that name")
    value = getattr(message, kind)
    if kind == "float_value":
        value = float(str(np.float32(value)))  # 21.4, not 21.399999618530273
    bits = _BITS.get(metric.datatype)
    if bits and kind in ("int_value", "long_value"):
        value &= (1 << bits) - 1
        value -= (value >> (bits - 1)) << bits  # two's complement
    return float(value) if math.isfinite(value) else None


def is_boolean(metric: Metric) -> bool:
    return (
        metric.datatype == DataType.BOOLEAN or metric.message.WhichOneof("value") == "boolean_value"
    )


def _properties(message: Any) -> dict[str, Any]:
    """By name without case and blanks."""
    if not message.HasField("properties"):
        return {}
    pairs = zip(message.properties.keys, message.properties.values, strict=False)
    return {
        "".join(name.split()).lower(): getattr(value, kind)
        for name, value in pairs
        if isinstance(name, str) and (kind := value.WhichOneof("value")) and not value.is_null
    }
