"""What can be wrong with a tag. Every fault is a frozen value; what it does is in this folder.

Instants are ms since 1970 UTC, true time; ``ends`` None: to the end. How a journey's file declares
them stands in ``docs/simulators/sensors.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Stuck:
    """It says again and again what it said last: ``quantity``, or all that it measures."""

    begins: int
    ends: int | None = None
    quantity: str | None = None


@dataclass(frozen=True, slots=True)
class Spiking:
    """Now and then, ``per_day`` on average, one reading is off by about ``size``, up or down."""

    begins: int
    ends: int | None = None
    quantity: str = "temperature"
    per_day: float = 6.0
    size: float = 20.0


@dataclass(frozen=True, slots=True)
class Salted:
    """Salt on the humidity sensor holds brine: within some ``hours`` it says nearly 100 %RH."""

    begins: int
    ends: int | None = None
    hours: float = 12.0


@dataclass(frozen=True, slots=True)
class Dying:
    """From ``begins`` on its battery runs down, until it is empty at ``ends``: it browns out while
    it is cold, starts again when it is warmer, and in the end is silent."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Forgetful:
    """It keeps so few ``readings`` while nobody hears it; the oldest make room."""

    begins: int
    readings: int
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class ClockDrift:
    """Its clock is never set again and gains ``ppm`` (86.4 ms a day each; below 0: it loses)."""

    begins: int
    ppm: float
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Its clock jumps by so many ``seconds``."""

    begins: int
    seconds: float
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Epoch2000:
    """Its clock counts from 2000 and its firmware does not know."""

    begins: int
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class ClockUnset:
    """Its clock was never set: it counts from the device's start."""

    begins: int
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """It is taken down at ``begins``; another tag, ``by``, hangs there after some ``hours``."""

    begins: int
    by: str
    hours: float = 0.0
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Misbound:
    """The registry has it on ``lot`` or in ``place``, where it is not, until somebody corrects that
    at ``ends``."""

    begins: int
    lot: str | None = None
    place: str | None = None
    ends: int | None = None


Fault: TypeAlias = (
    Stuck | Spiking | Salted | Dying | Forgetful
    | ClockDrift | ClockStep | Epoch2000 | ClockUnset | Replaced | Misbound
)  # fmt: skip

KINDS: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {
        "stuck": Stuck,
        "spiking": Spiking,
        "salted": Salted,
        "dying": Dying,
        "forgetful": Forgetful,
        "clock_drift": ClockDrift,
        "clock_step": ClockStep,
        "epoch_2000": Epoch2000,
        "clock_unset": ClockUnset,
        "replaced": Replaced,
        "misbound": Misbound,
    }
)
"""As a journey's file calls them."""

NAMES: Final[Mapping[type[Fault], str]] = MappingProxyType(
    {kind: name for name, kind in KINDS.items()}
)


def span(fault: Fault, last: int) -> tuple[int, int]:
    """From when until when it lasts, ``last`` being the end of all."""
    return fault.begins, last if fault.ends is None else min(fault.ends, last)
