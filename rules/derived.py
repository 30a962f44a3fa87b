"""Derived quantities: what a pack makes of the signals, with or without a memory of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from lots.readings.batch import Bools, Floats
from rules import keys
from rules.expression import Columns, Condition, Quantity, condition, quantity
from rules.keys import Misfit, listed
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


def parse(name: str, body: object, names: Collection[str], scope: Scope) -> Derived:
    """``body`` of a pack's table ``derived``, which may read the signals ``names``.

    ``scope``: the goods of its pack. Raises ValueError with what is wrong.
    """
    if not isinstance(body, dict):
        raise Misfit(f"is a table with one of {listed(_KINDS)}, and 'unit' and 'about'")
    kinds = [kind for key, kind in _KINDS.items() if key in body]
    if len(kinds) != 1:
        raise Misfit(f"has exactly one of {listed(_KINDS)}")
    (kind,) = kinds
    made, span = kind.name.lower(), _SPANS.get(kind)
    needed = {made, "unit", "about"}
    optional = {span, "per"} if kind in _SUMS else set()
    if span is not None and kind not in _SUMS:
        needed.add(span)
    keys.table(body, {*needed, *filter(None, optional)}, needed)
    with keys.under(made):
        source = (condition if kind in _CONDITIONS else quantity)(str(body[made]), names)
    span_ms = 0
    if span is not None and span in body:
        span_ms = keys.span_ms(span, body[span])
        if span_ms == 0:
            raise Misfit(f"{span} is {body[span]!r}; it is longer than nothing", span)
    per = keys.member("per", body.get("per", ""), ("", *PERS))
    unit, about = (keys.text(key, body[key]) for key in ("unit", "about"))
    return Derived(name, kind, source, span_ms, per, unit, about, scope)


_KINDS: Final[Mapping[str, Kind]] = {kind.name.lower(): kind for kind in Kind}
