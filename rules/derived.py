"""Derived quantities: what a pack makes of the signals, with or without a memory of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from lots.readings.batch import Bools, Floats
from rules.expression import (
    Columns,
    Condition,
    ExpressionError,
    Quantity,
    condition,
    quantity,
)
from rules.scope import Scope


class Kind(IntEnum):
    """What is made of the source; the numbers are those of `rules.kernels.measure`."""

    VALUE = 0  # the number itself
    AVERAGE = 1  # following the number as a first-order lag
    RATE = 2  # of change, an hour: the number's distance from its average, by the time of that
    HOURS = 3  # in which the condition held
    INTEGRAL = 4  # of the number over the hours in which it is above 0
    TIMES = 5  # that the condition began to hold


_NAN, _BEFORE = np.nan, -np.inf
FRESH: Final[Mapping[Kind, tuple[float, ...]]] = {
    Kind.VALUE: (),
    Kind.AVERAGE: (_NAN, _NAN, 0.0, _NAN),
    Kind.RATE: (_NAN, _NAN, 0.0, _NAN),
    Kind.HOURS: (0.0, 0.0, 0.0),
    Kind.INTEGRAL: (0.0, 0.0, 0.0),
    Kind.TIMES: (0.0, _NAN, *(_BEFORE,) * 8),
}
"""What each remembers of a lot that nothing is known of; the first number is what it came to."""

PERS: Final = ("journey", "phase")
"""What a sum may be of: it begins anew with the next."""

_SPANS: Final[Mapping[Kind, str]] = {
    Kind.AVERAGE: "over",
    Kind.RATE: "over",
    Kind.HOURS: "spell",
    Kind.INTEGRAL: "spell",
    Kind.TIMES: "within",
}
"""The key of its time: of a lag, of rest after which it begins anew, of the past that counts."""
_SUMS: Final = frozenset({Kind.HOURS, Kind.INTEGRAL})
_CONDITIONS: Final = frozenset({Kind.HOURS, Kind.TIMES})


@dataclass(frozen=True, slots=True)
class Derived:
    """``name`` in ``unit``, for the lots of its pack. ``span_ms``: 0 where it has none, of a spell
    that never ends. ``per``: one of `PERS`; "": all of the lot's time."""

    name: str
    kind: Kind
    source: Quantity | Condition
    span_ms: int
    per: str
    unit: str
    about: str
    scope: Scope

    @property
    def definition(self) -> str:
        """What its memory means: another one begins anew."""
        return f"{self.name} {self.kind.name} {self.span_ms} {self.per} {self.source.text}"

    def of(self, columns: Columns) -> Floats:
        """(n,) its source at each sample: a number, or of a condition 1, 0 or NaN, unknown."""
        if isinstance(self.source, Quantity):
            return self.source(columns)
        return _as_number(*self.source(columns))


def _as_number(holds: Bools, fails: Bools) -> Floats:
    return np.where(holds, 1.0, np.where(fails, 0.0, np.nan))


def parse(
    name: str,
    body: object,
    names: Collection[str],
    scope: Scope,
    duration_ms: Callable[[str, object], int],
) -> Derived:
    """``body`` of a pack's table ``derived``, which may read the signals ``names``.

    ``scope``: the goods of its pack. Raises ValueError with what is wrong.
    """
    if not isinstance(body, dict):
        raise ValueError(f"is a table with one of {_listed(_KINDS)}, and 'unit' and 'about'")
    kinds = [kind for key, kind in _KINDS.items() if key in body]
    if len(kinds) != 1:
        raise ValueError(f"has exactly one of {_listed(_KINDS)}")
    (kind,) = kinds
    made = kind.name.lower()
    span = _SPANS.get(kind, made)  # the key of its time; of a plain number it has none
    optional = {span, "per"} if kind in _SUMS else set()
    allowed = {made, "unit", "about", span} | optional
    if unknown := sorted(map(str, body.keys() - allowed)):
        raise ValueError(f"unknown key {unknown[0]!r}; there are {_listed(allowed)}")
    if missing := sorted(allowed - optional - body.keys()):
        raise ValueError(f"key {missing[0]!r} is missing: add it")
    for key in ("unit", "about"):
        if not isinstance(body[key], str) or not body[key].strip():
            raise ValueError(f"{key} is {body[key]!r}; it is a text")
    text = str(body[made])
    try:
        source = (condition if kind in _CONDITIONS else quantity)(text, names)
    except ExpressionError as error:
        raise ExpressionError(f"{made}: {error}") from error
    span_ms = duration_ms(span, body[span]) if span in body and span != made else 0
    if span_ms == 0 and span in body and span != made:
        raise ValueError(f"{span} is {body[span]!r}; it is longer than nothing")
    if (per := body.get("per", "")) not in ("", *PERS):
        raise ValueError(f"per is {per!r}; it is one of {_listed(PERS)}")
    unit, about = body["unit"].strip(), _line(body["about"])
    return Derived(name, kind, source, span_ms, per, unit, about, scope)


_KINDS: Final[Mapping[str, Kind]] = {kind.name.lower(): kind for kind in Kind}


def _listed(keys: Collection[str]) -> str:
    return ", ".join(sorted(keys))


def _line(text: str) -> str:
    return " ".join(text.split())
