"""What a lot is in the middle of, by time: in stock, being loaded, on its way, at the customer's.

Pure: dated facts in, spans of time out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lots.clock import HOUR_MS
from lots.normals import Normals
from lots.terms import Phase

LOADING_MS: Final = 12 * HOUR_MS
"""So long before it departs a shipment is being loaded: stuffed, with doors open. [D]"""

ALWAYS: Final = -(2**62)
"""The beginning of the first span, ms."""

AHEAD_MS: Final = 48 * HOUR_MS
"""So far ahead the rules look at what is known to come; so what they know of a lot may change so
long before a change of its courses."""

OPENING_MS: Final = 24 * HOUR_MS
"""So long after it arrived a lot is opened at the latest, where nobody books it in. [D]"""


@dataclass(frozen=True, slots=True)
class Course:
    """The climate outside on a leg: from the one at ``departs`` to the other at ``arrives`` (ms),
    evenly; that of ``destination`` afterwards."""

    departs: int
    arrives: int
    origin: Normals
    destination: Normals


@dataclass(frozen=True, slots=True)
class Voyage:
    """A shipment of the lot: its first departure, its last arrival, ms; to a customer or not; and
    of each leg between sites whose climates are known the course, by time."""

    departs: int
    arrives: int
    to_customer: bool
    courses: tuple[Course, ...] = ()


@dataclass(frozen=True, slots=True)
class Stand:
    """The lot is in a place of ``kind`` in ``region`` ("": not known), for begins <= t < ends,
    ms."""

    begins: int
    ends: int
    kind: str
    region: str


NOWHERE: Final = Stand(ALWAYS, ALWAYS, "", "")


@dataclass(frozen=True, slots=True)
class Circumstance:
    """From ``begins`` (ms) on, to the next one's.

    ``journey``: 0 before the first shipment is loaded, then it grows with each. ``place``: the kind
    of place that it is in; it and ``region`` are "" where they are not known. ``course``: of the
    climate that it is brought into, on the way and until it is booked in where it came to; None: it
    stays in the air that it has, or what comes is not known.
    """

    begins: int
    phase: Phase
    journey: int
    place: str
    region: str
    course: Course | None = None


UNKNOWN: Final = (Circumstance(ALWAYS, Phase.IN_STOCK, 0, "", ""),)
"""Of a lot of which nothing is known."""


def circumstances(voyages: Sequence[Voyage], stands: Sequence[Stand]) -> tuple[Circumstance, ...]:
    """Of one lot, from `ALWAYS` on; of two shipments at a time the later counts."""
    if not voyages and not stands:
        return UNKNOWN
    phases = _phases(sorted(voyages, key=lambda one: (one.departs, one.arrives)))
    courses = sorted(
        (each for voyage in voyages for each in voyage.courses),
        key=lambda one: (one.departs, one.arrives),
    )
    edges = {begins for begins, _, _ in phases}
    edges |= {edge for stand in stands for edge in (stand.begins, stand.ends)}
    for each in courses:
        edges |= {each.departs, each.arrives, each.arrives + OPENING_MS}
    found: list[Circumstance] = []
    for begins in sorted(edges):
        _, phase, journey = [each for each in phases if each[0] <= begins][-1]
        here = [stand for stand in stands if stand.begins <= begins < stand.ends]
        stand = max(here, key=lambda one: one.begins, default=NOWHERE)
        course = _course(begins, courses, arrived=stand.begins)
        new = Circumstance(begins, phase, journey, stand.kind, stand.region, course)
        if not found or replace(new, begins=found[-1].begins) != found[-1]:
            found.append(new)
    return tuple(found)


def _phases(voyages: Sequence[Voyage]) -> list[tuple[int, Phase, int]]:
    """(begins, phase, journey), by time."""
    found = [(ALWAYS, Phase.IN_STOCK, 0)]
    for number, voyage in enumerate(voyages, 1):
        after = Phase.AT_CUSTOMER if voyage.to_customer else Phase.IN_STOCK
        loading = voyage.departs - LOADING_MS
        found = [each for each in found if each[0] < loading]
        found += [
            (loading, Phase.LOADING, number),
            (voyage.departs, Phase.IN_TRANSIT, number),
            (voyage.arrives, after, number),
        ]
    return found


def _course(at: int, courses: Sequence[Course], *, arrived: int) -> Course | None:
    """The one that a lot is on at ``at``, which has stood where it is since ``arrived``."""
    begun = [each for each in courses if each.departs <= at]
    if not begun or at >= begun[-1].arrives + OPENING_MS:
        return None
    return None if arrived >= begun[-1].arrives else begun[-1]
