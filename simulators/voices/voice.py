"""What a voice is: how a fleet's readings become the messages of one wire format.

A `Voice` says what the format can carry and which row of the server's settings takes it; opened for
a tenant it is a `Speaker`, which makes the messages. Data flows one way: readings, then what the
device makes of their values (`Carried`), then bytes. Nothing here knows the server's decoders.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import numpy as np

from simulators.message import Message
from simulators.readings import Floats, Readings, Sightings

LIVE_MS = 60_000
"""A device that has a memory reports a reading as its present one if it is not older (a choice of
ours: no family measures and reports further apart)."""


class Carried(NamedTuple):
    """What a format can say of a quantity: ``per_unit`` steps in one unit, from ``low`` to ``high``
    in that unit. A device whose sensor is beyond says the limit."""

    per_unit: int
    low: float = -math.inf
    high: float = math.inf

    def count(self, value: float) -> int:
        """``value`` in steps, the nearest."""
        return math.floor(min(max(value, self.low), self.high) * self.per_unit + 0.5)

    def said(self, value: float) -> float:
        """``value`` as the device says it."""
        return self.count(value) / self.per_unit

    def all_said(self, values: Floats) -> Floats:
        """(n,) the same of a column; NaN stays NaN."""
        counts: Floats = np.floor(np.clip(values, self.low, self.high) * self.per_unit + 0.5)
        return counts / self.per_unit


class Told(StrEnum):
    """What tells a reading from a repeat, as the settings call it (docs/formats/README.md)."""

    COUNTERS = "counters"
    FRAME = "frame"
    VALUES = "values"


class Times(StrEnum):
    """Whose clock the time of a reading is of."""

    DEVICE = "device"  # each reading's ``t``
    NETWORK = "network"  # when gateway or network had it, for all: the device keeps nothing
    BOTH = "both"  # the network's for the present reading, the device's for what it kept


class Speaker(Protocol):
    """A fleet of one tenant that speaks: it remembers what the format asks it to."""

    @property
    def will(self) -> Message | None:
        """What the broker is to publish for this connection if it breaks, where there is one."""

    def opening(self, at: int) -> list[Message]:
        """What a new connection begins with; again after each reconnect. Mostly nothing."""

    def named(self, tag: str) -> str:
        """What the server will call ``tag``: a format may have names of its own."""

    def say(self, readings: Readings, at: int) -> list[Message]:
        """What leaves at the instant ``at`` (ms since 1970 UTC, the true time), in its order.

        A reading of which the format can carry nothing is not said. Where `Voice.times` is not
        DEVICE the present reading has the time ``at``; present is what was measured at most
        `LIVE_MS` before ``readings.sent`` (without it, before ``at``). Where it is NETWORK all
        readings have the time ``at``: do not give it a backlog.
        """


def as_said(
    readings: Readings, carries: Mapping[str, Carried], others: Carried | None = None
) -> Readings:
    """``readings`` with their values as they can be said, without those of which none can."""
    values = {
        name: way.all_said(column)
        for name, column in readings.values.items()
        if (way := carries.get(name, others))
    }
    kept = [~np.isnan(column) for column in values.values()]
    some = np.logical_or.reduce(kept) if kept else np.zeros(len(readings), np.bool_)
    return replace(readings, values=values).at(some)


@dataclass(frozen=True, slots=True)
class Voice:
    """A wire format as a fleet speaks it.

    ``carries``      quantity -> how it can be said; what is not in it is not said
    ``others``       how quantities of other names are said, where they can be; else None
    ``per_message``  readings in one message, at most
    ``time_step``    ms: times are cut down to it
    ``row``          tenant -> the row of `subscriptions` in the server's settings that takes it
    ``open``         tenant -> a fleet that speaks
    """

    name: str
    about: str
    carries: Mapping[str, Carried]
    others: Carried | None
    per_message: int
    told: Told
    times: Times
    time_step: int
    row: Callable[[str], dict[str, Any]]
    open: Callable[[str], Speaker]

    def carried(self, readings: Readings) -> Readings:
        """``readings`` with their values as this format says them, without those that have none."""
        return as_said(readings, self.carries, self.others)


class ReaderSpeaker(Protocol):
    """RFID readers of one tenant that speak."""

    def say(self, sightings: Sightings, at: int) -> list[Message]:
        """What a reader publishes at the instant ``at``."""


@dataclass(frozen=True, slots=True)
class ReaderVoice:
    """A format of RFID readers; ``time_step`` in ms, ``rssi`` how signal strength (dBm) is said."""

    name: str
    about: str
    per_message: int
    time_step: int
    rssi: Carried
    row: Callable[[str], dict[str, Any]]
    open: Callable[[str], ReaderSpeaker]


class Plain:
    """A speaker that remembers nothing: ``says`` is all there is of it."""

    will: Message | None = None

    def __init__(self, says: Callable[[Readings, int], list[Message]]) -> None:
        self._says = says

    def opening(self, at: int) -> list[Message]:
        del at
        return []

    def named(self, tag: str) -> str:
        return tag

    def say(self, readings: Readings, at: int) -> list[Message]:
        return self._says(readings, at)


def digits_of(name: str, digits: int) -> str:
    """``digits`` upper-case hexadecimal digits that are ``name``'s own, on every machine."""
    return hashlib.sha256(name.encode()).hexdigest()[:digits].upper()
