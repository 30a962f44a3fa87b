"""What tenants, tags and quantities are called in InfluxDB: pure text.

Names are stored so that every version of InfluxDB reads back what was written. Line protocol has
no way to say a backslash before a separator, or at the end of a tag, and no version agrees with
another on quotes and control characters: these, and ``%``, are written as ``%5C`` and so on.
InfluxDB drops a field called ``time`` without a word, answers twice for one called like a tag, and
keeps names that begin with ``_`` for itself: such a quantity gets ``value.`` before its name.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

MEASUREMENT = "readings"

_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff%\\\"]")
_SEPARATORS = re.compile(r"[ ,=]")
_PREFIX = "value."
_TAKEN = frozenset({"time", "tenant", "tag", "flags", "doubt"})


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
