"""The records of a SenML pack, resolved: each with its whole name, unit, time and value. Pure."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import cbor2

from ingest.formats.documents import require_length
from ingest.formats.rows import Unusable, shown

VERSION = 10
"""Of RFC 8428: a pack of a later one must not be used."""

MAX_RECORDS = 10_000
MAX_DEPTH = 8

_LABELS: Mapping[int, str] = MappingProxyType(
    {
        -6: "bs", -5: "bv", -4: "bu", -3: "bt", -2: "bn", -1: "bver",
        0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
    }
)  # fmt: skip
"""In CBOR (RFC 8428, 6)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")
_TEXT, _NUMBERS = ("bn", "bu", "n", "u", "vs"), ("bt", "bv", "bs", "v", "s", "t", "ut")
_BASES = ("bn", "bt", "bu", "bv", "bs")
_VALUES = ("v", "vs", "vb", "vd")
_TYPED = frozenset([*_TEXT, *_NUMBERS, "vb", "vd"])
_FOR_OTHERS = frozenset([*_BASES, "bver"])
"""Fields of a record that go for those behind it."""


class Measured(NamedTuple):
    """A record with a number, resolved."""

    base: str  # bn as it stood
    own: str  # n
    unit: str
    time: float  # s, below 2^28 relative to now
    value: float
    is_sum: bool

    @property
    def name(self) -> str:
        return self.base + self.own


def measured_in(content: Any) -> Iterator[tuple[str, Measured | Unusable]]:
    """Each number of a pack, or what is wrong with a record, and where that stands.

    Raises `Unusable` for a pack that must not be used.
    """
    records = _records(content)
    base: dict[str, Any] = {}
    for number, record in enumerate(records):
        place = f"record {number}: "
        base |= {name: record[name] for name in _BASES if name in record}
        yield from ((place, each) for each in _measured(record, base))


def pack_of_cbor(payload: bytes) -> Any:
    """The content, its labels as in JSON; raises `Unusable`."""
    require_length(payload)
    stream = io.BytesIO(payload)
    decoder = cbor2.CBORDecoder(stream, max_depth=MAX_DEPTH, strict_hashable_types=False)
    try:
        content = decoder.decode()
    except (cbor2.CBORError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise Unusable(f"it cannot be read as CBOR ({ascii(str(error))[1:-1]})") from None
    if stream.tell() != len(payload):
        raise Unusable("there is something behind the CBOR array: send one pack in a message")
    if not isinstance(content, list):
        return content
    return [_labelled(each) if isinstance(each, dict) else each for each in content]


def _labelled(record: dict[Any, Any]) -> dict[str, Any]:
    named = {_LABELS.get(key, "") if type(key) is int else key: v for key, v in record.items()}
    return {key: value for key, value in named.items() if isinstance(key, str) and key}


def _records(content: Any) -> list[dict[str, Any]]:
    """All of them, in their types; raises `Unusable` for a pack that must not be used."""
    if not isinstance(content, list):
        raise Unusable(f"it is {_shown(content)}: a SenML pack is an array of records")
    if not 1 <= len(content) <= MAX_RECORDS:
        raise Unusable(f"there are {len(content)} records in it: send 1 to {MAX_RECORDS}")
    for number, record in enumerate(content):
        if not isinstance(record, dict):
            raise Unusable(f"record {number}: it is {_shown(record)}: send an object")
        try:
            _require_known(record)
        except Unusable as error:
            raise Unusable(f"record {number}: {error}") from None
    return content


def _require_known(record: dict[str, Any]) -> None:
    """What a base field says goes for the records behind it: a bad one spoils the pack."""
    for name in record:
        if name.endswith("_"):
            raise Unusable(
                f"the field {shown(name)} must be understood (it ends in _), and is not here: "
                "the pack cannot be used"
            )
    version = record.get("bver", VERSION)
    if type(version) is not int or not 0 < version <= VERSION:
        raise Unusable(f"bver is {_shown(version)}: versions up to {VERSION} are understood")
    for name in record:
        if name in _BASES:
            _require_type(record, name)


def _require_type(record: dict[str, Any], name: str) -> None:
    value = record[name]
    if name in _TEXT:
        good = isinstance(value, str)
    elif name in _NUMBERS:
        good = not isinstance(value, bool) and isinstance(value, (int, float, Decimal))
        good = good and _float(value) is not None
    elif name == "vb":
        good = isinstance(value, bool)
    else:
        good = isinstance(value, (str, bytes))
    if not good:
        wanted = "text" if name in _TEXT else "a number" if name in _NUMBERS else "a boolean"
        raise Unusable(f"{name} is {_shown(value)}: it is to be {wanted}")


def _measured(record: dict[str, Any], base: dict[str, Any]) -> list[Measured | Unusable]:
    try:
        return list(_resolved(record, base))
    except Unusable as error:
        return [error]


def _resolved(record: dict[str, Any], base: dict[str, Any]) -> Iterator[Measured]:
    for name in record:
        if name in _TYPED:
            _require_type(record, name)
    if record.keys() <= _FOR_OTHERS:
        return  # base fields alone, for the records behind it
    value, total = _value(record, base), _total(record, base)
    found = Measured(
        base.get("bn", ""),
        record.get("n", ""),
        record.get("u") or base.get("bu", ""),
        _sum(base.get("bt"), record.get("t")) or 0.0,
        0.0,
        is_sum=False,
    )
    if not _NAME.fullmatch(found.name):
        raise Unusable(
            f"the name {shown(found.name)} is none: bn and n together are letters, digits and "
            "- : . / _ , one of the first two first"
        )
    if value is not None:
        yield found._replace(value=value)
    if total is not None:
        yield found._replace(value=total, is_sum=True)


def _value(record: dict[str, Any], base: dict[str, Any]) -> float | None:
    """None where it is text or data, or there is a sum alone."""
    given = [name for name in _VALUES if name in record]
    if len(given) > 1:
        raise Unusable(f"{' and '.join(given)} are both there: a record has one value")
    if given == ["vb"]:
        return float(record["vb"])
    if given == ["v"] or (not given and _total(record, base) is None and "bv" in base):
        return _sum(base.get("bv"), record.get("v"))
    if not given and _total(record, base) is None:
        raise Unusable("there is no value in it: send v, vb, vs, vd or s")
    return None


def _total(record: dict[str, Any], base: dict[str, Any]) -> float | None:
    return _sum(base.get("bs"), record.get("s"))


def _sum(one: Any, other: Any) -> float | None:
    """What is missing is 0; None where both are."""
    if one is None and other is None:
        return None
    total = (_float(one) or 0.0) + (_float(other) or 0.0)
    return total if one is None or other is None else float(f"{total:.15g}")


def _float(value: Any) -> float | None:
    """Finite; None for what is not."""
    if value is None:
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _shown(value: Any) -> str:
    """CBOR has whole numbers of any length."""
    if isinstance(value, (int, float, str, bytes, bool, list, dict, type(None))) and not (
        isinstance(value, int) and value.bit_length() > 128
    ):
        return shown(value)
    return type(value).__name__
