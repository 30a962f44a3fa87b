"""The truth about tags: what was wrong with each, and when. It scores alarms about sensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import NamedTuple

from simulators.sensors.faults import NAMES, Fault, span

_SHOWN_APART = ("begins", "ends", "quantity")


class Wrong(NamedTuple):
    """``fault`` of ``tag`` from ``begins`` to ``ends``, true ms since 1970; a single bad reading
    has both at its instant. ``quantity``: the one that it spoils, or empty: more than one, or
    none; ``detail``: its size and the like."""

    tag: str
    fault: str
    begins: int
    ends: int
    quantity: str
    detail: str


def declared(tag: str, faults: Sequence[Fault], last: int) -> Iterator[Wrong]:
    """What the faults of a tag say of themselves, ``last`` being the end of all."""
    for fault in faults:
        begins, ends = span(fault, last)
        if begins <= last:  # one that is replaced ends with that
            quantity = getattr(fault, "quantity", None) or ""
            yield Wrong(tag, NAMES[type(fault)], begins, ends, quantity, _detail(fault))


def _detail(fault: Fault) -> str:
    found = {f.name: getattr(fault, f.name) for f in fields(fault) if f.name not in _SHOWN_APART}
    return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in found.items() if value is not None)  # fmt: skip
