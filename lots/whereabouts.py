"""Which tag speaks for a lot when: bindings, moves and legs laid over each other.

Pure: dated facts in, spans of time out. A lot's climate is its own tag's, else that of the place
it stood in; where it stood is what began last (a move, or a leg of its shipment). Why it is still
in its box after a leg: ``docs/decisions/whereabouts.md``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lots.clock import DAY_MS
from lots.terms import PlaceKind, Placement

FOREVER = 2**62
"""An open end, ms."""

UNLOADED_MS: Final[Mapping[str, int]] = {PlaceKind.CONTAINER: 5 * DAY_MS, PlaceKind.VEHICLE: DAY_MS}
"""By the kind of a box: so long after it arrived it has been unloaded, if nobody said when. [D]"""

Dated = tuple[int, str | None]


@dataclass(frozen=True, slots=True, order=True)
class Stay:
    """A lot is in ``place`` (None: nowhere known) for begins <= t < ends, ms."""

    begins: int
    ends: int
    place: str | None


@dataclass(frozen=True, slots=True)
class Ride:
    """A leg of a lot's ``shipment`` in ``place`` of ``kind`` (None: not known), ms."""

    shipment: str
    departs: int
    arrives: int
    place: str | None
    kind: str | None


class Way(NamedTuple):
    """A leg that a lot goes, is to go or went, as it is planned, from one site to another in
    ``place``; ms."""

    shipment: str
    number: int
    departs: int
    arrives: int
    origin: str | None
    destination: str | None
    place: str | None


class Watch(NamedTuple):
    """A tag is bound to a lot or a place for begins <= t < ends, ms."""

    tag: str
    placement: str
    begins: int
    ends: int


class Source(NamedTuple):
    """``tag`` speaks for the lot for begins <= t < ends; by way of ``place``, or its own (None)."""

    tag: str
    placement: str
    begins: int
    ends: int
    place: str | None


def aboard(rides: Sequence[Ride]) -> list[Stay]:
    """Where a lot was by its ``rides``, in order of departure: not only from a leg's departure to
    its arrival.

    Between two legs of a shipment it waits in the box that both are in. After the last leg in a box
    it is still in there, until it is booked out or in, or departs again; if nobody says so, as long
    as such a box takes to be unloaded. Who changes to another box has left it.
    """
    found = []
    for ride, after in itertools.zip_longest(rides, rides[1:]):
        ends = ride.arrives
        if after is None or after.shipment != ride.shipment:
            ends += UNLOADED_MS.get(ride.kind or "", 0)
        elif after.place == ride.place:
            ends = max(after.departs, ends)
        found.append(Stay(ride.departs, ends, ride.place))
    return found


def stays(moves: Sequence[Dated], legs: Sequence[Stay]) -> list[Stay]:
    """Where a lot was, without gaps or overlaps, from ``moves`` (at, place) and ``legs``.

    At each time what began last counts. A lot whose leg is over and that was not yet booked in is
    nowhere known: it is not back in the bay that it left.
    """
    if not moves and not legs:
        return []
    spans = [Stay(at, FOREVER, place) for at, place in moves]
    begun = sorted([*spans, *legs], key=lambda span: span.begins)
    newest = {span.begins: span for span in reversed(begun)}  # of one time, a move before a leg
    found: list[Stay] = []
    for begins, following in itertools.pairwise([*sorted(newest), FOREVER]):
        span = newest[begins]
        ends = min(span.ends, following)
        if found and found[-1].ends == begins and found[-1].place == span.place:
            begins = found.pop().begins
        found.append(Stay(begins, ends, span.place))
    return [stay for stay in found if stay.place is not None]


def sources(
    own: Iterable[Watch], stood: Iterable[Stay], watches: Mapping[str, Sequence[Watch]]
) -> list[Source]:
    """Who speaks for a lot: its ``own`` tags, and the tags on the places where it ``stood``.

    ``watches``: place -> its tags. A place's tag counts only where no own tag of the lot has the
    same placement: two sensors would otherwise blend into a climate that never was.
    """
    mine = list(own)
    found = [Source(*watch, None) for watch in mine]
    for stay in stood:
        for watch in watches.get(stay.place or "", ()):
            begins, ends = max(stay.begins, watch.begins), min(stay.ends, watch.ends)
            covered = [(w.begins, w.ends) for w in mine if w.placement == watch.placement]
            found += [
                Source(watch.tag, watch.placement, start, end, stay.place)
                for start, end in without(begins, ends, covered)
            ]
    if len(found) > 1:  # very many lots have one
        found.sort(key=lambda s: (s.begins, s.placement != Placement.AIR, s.tag))
    return found


def without(begins: int, ends: int, covered: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of [begins, ends) when ``covered`` spans are taken out."""
    left = []
    for start, end in sorted(covered):
        if end <= begins:
            continue
        if start >= ends:
            break
        if start > begins:
            left.append((begins, start))
        begins = max(begins, end)
    if begins < ends:
        left.append((begins, ends))
    return left
