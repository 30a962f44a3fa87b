"""Devices' clocks, right and wrong in every way that is to be understood, and what they send."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

HOUR_MS = 3_600_000
EPOCH_2000_MS = 946_684_800_000
"""2000-01-01T00:00:00Z"""


class Kind(StrEnum):
    RIGHT = "right"
    SECONDS = "seconds"
    FROM_2000 = "ms since 2000"
    SECONDS_FROM_2000 = "s since 2000"
    AHEAD = "a day ahead"  # and it says what it thinks it is
    BEHIND = "a day behind"  # the same: its message may have waited, so it is believed
    STEPS = "steps back"  # an hour, in the middle
    UNSET = "never set"  # it counts from its start, and says so
    NONE = "no clock"


TOLD_BY_SENT = frozenset({Kind.AHEAD, Kind.BEHIND, Kind.UNSET})
BY_DELIVERY = frozenset({Kind.AHEAD, Kind.UNSET, Kind.NONE})
"""The time of these depends on when they were delivered first."""


class Measured(NamedTuple):
    """``at``: ms since 1970, in truth; whole seconds, so that every clock can say it."""

    boot: int
    seq: int
    at: int
    temperature: float


class Device(NamedTuple):
    """``readings`` by increasing time."""

    kind: Kind
    readings: Sequence[Measured]

    def clock(self, at: int) -> int:
        """What it says at the true time ``at``."""
        first, middle = self.readings[0].at, self.readings[len(self.readings) // 2].at
        said = {
            Kind.SECONDS: at // 1000,
            Kind.FROM_2000: at - EPOCH_2000_MS,
            Kind.SECONDS_FROM_2000: (at - EPOCH_2000_MS) // 1000,
            Kind.AHEAD: at + 30 * HOUR_MS,
            Kind.BEHIND: at - 24 * HOUR_MS,
            Kind.STEPS: at - HOUR_MS if at >= middle else at,
            Kind.UNSET: at - first + 5000,
        }
        return said.get(self.kind, at)

    def sends(self, reading: Measured, at: int) -> dict[str, Any]:
        """The object for ``reading`` in a message that leaves at the true time ``at``."""
        told: dict[str, Any] = {
            "boot": reading.boot,
            "seq": reading.seq,
            "temperature": reading.temperature,
        }
        if self.kind is not Kind.NONE:
            told["t"] = self.clock(reading.at)
        if self.kind in TOLD_BY_SENT:
            told["sent"] = self.clock(at)
        return told
