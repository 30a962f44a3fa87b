"""RFID readers of a journey: what passes them, and which of it they see.

A reader at a place's door sees lots that are brought in or out; one at a site's gate sees what a
vehicle takes with it when a leg starts or ends there. Every package has a label, whose EPC is an
SSCC-96 (GS1, EPC Tag Data Standard 2.0, 14.6.1): our own number, made of the lot's name. How often
a label answers, and that metal and wet wool hide some, is drawn by the seed: choices of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from simulators import exact
from simulators.journeys.model import Lot
from simulators.message import Message
from simulators.readings import Sightings
from simulators.sensors import declared
from simulators.voices import READERS, ReaderVoice
from simulators.voyage import instant
from simulators.world import World

PREFIX: Final = 614141
"""The company in our EPCs: the one of GS1's own examples, which is nobody's."""
_BY_HAND_MS: Final = 20_000
"""Between two packages that are carried through a door, one after another."""
_DRIVES_MS: Final = 4_000
"""That a vehicle takes through a gate."""
_ANSWERS: Final = 6
"""Times that a label is read in passing, at most."""
_WITHIN_MS: Final = 2_000
"""In which it is."""
_PUBLISHES_MS: Final = 1_000
"""A reader publishes what it saw each second."""
_NEAR, _FAR = -38.0, -66.0  # dBm


@dataclass(frozen=True, slots=True)
class Gate:
    """A reader, at the door of ``place`` or the gate of ``site``; ``misses`` of the labels."""

    key: str
    voice: ReaderVoice
    place: str | None
    site: str | None
    antennas: int
    misses: float


class Passed(NamedTuple):
    """Package ``number`` (from 1) of a lot goes through a gate at the true instant ``at``, ms;
    ``seen``: how often its label was read, 0 for a label that was missed."""

    gate: str
    at: int
    lot: str
    number: int
    epc: str
    seen: int


def gates_in(world: World) -> tuple[Gate, ...]:
    """The readers of a world."""
    return tuple(_gate(declared.reader(entry)) for entry in world.journey.readers)


def passed(world: World, gate: Gate) -> list[Passed]:
    """All that goes through a gate, by time: whether or not it is seen."""
    found = []
    for at, lot in sorted(_passages(world, gate), key=lambda each: (each[0], each[1].key)):
        number = 1 + np.arange(lot.packages)
        draw = partial(exact.uniform, world.seed, "gate", gate.key, lot.key)
        # By the hour of the journey: the same on any date.
        since = at - world.start_ms
        missed = draw("missed", since, index=number) < gate.misses
        seen = np.where(missed, 0, 1 + np.floor(draw("seen", since, index=number) * _ANSWERS))
        found += [
            Passed(gate.key, _through(gate, at, n), lot.key, n, epc(lot.key, n), times)
            for n, times in zip(number.tolist(), seen.astype(np.int64).tolist(), strict=True)
        ]
    return sorted(found, key=lambda each: (each.at, each.lot, each.number))


def told(world: World, gate: Gate, tenant: str) -> Iterator[Message]:
    """What the reader publishes, by time; no readings are in it."""
    speaker = gate.voice.open(tenant)
    for at, sightings in _seen(world, gate):
        for message in speaker.say(sightings, at):
            yield message._replace(readings=0)


def epc(lot: str, number: int) -> str:
    """24 hexadecimal digits, the label's own: of package ``number`` of a lot."""
    of_lot = int(hashlib.sha256(lot.encode()).hexdigest()[:12], 16) % 1_000_000
    serial = of_lot * 10_000 + number % 10_000  # the extension digit and nine more
    # Header 0x31; filter 6 (a unit load); partition 5: a company of 24 bits, a serial of 34.
    bits = 0x31 << 88 | 6 << 85 | 5 << 82 | PREFIX << 58 | serial << 24
    return f"{bits:024X}"


def _gate(entry: Mapping[str, Any]) -> Gate:
    return Gate(
        str(entry["id"]), READERS[entry["voice"]], entry.get("place"), entry.get("site"),
        entry["antennas"], entry["misses"],
    )  # fmt: skip


def _through(gate: Gate, at: int, number: int) -> int:
    """When package ``number`` is under the antennas, the first of its lot coming at ``at``."""
    return at + (number - 1) * _BY_HAND_MS if gate.site is None else at + number % _DRIVES_MS


def _passages(world: World, gate: Gate) -> Iterator[tuple[int, Lot]]:
    """When a lot comes to the gate."""
    for lot in world.lots:
        aboard = [each for each in world.journey.shipments if lot.key in each.lots]
        if gate.site is not None:
            for leg in (leg for shipment in aboard for leg in shipment.legs):
                for site, hour in ((leg.origin, leg.departs), (leg.destination, leg.arrives)):
                    if site == gate.site and hour <= world.journey.days * 24.0:
                        yield instant(world, hour), lot
            continue
        stays = [(world.journey.hours(stand.when), stand.place) for stand in lot.stands]
        stays += [(shipment.loads, shipment.vehicle) for shipment in aboard]
        stays += [(s.unloads, s.to) for s in aboard if s.unloads is not None and s.to is not None]
        for (_, left), (hour, came) in pairwise(sorted(stays, key=lambda stay: stay[0])):
            if left != came and gate.place in (left, came) and hour <= world.journey.days * 24.0:
                yield instant(world, hour), lot


def _seen(world: World, gate: Gate) -> Iterator[tuple[int, Sightings]]:
    """What the reader saw in each second in which it saw anything, when that is over."""
    rows = sorted(row for each in passed(world, gate) for row in _answers(world, gate, each))
    second: list[tuple[int, str, int, float]] = []
    for row in rows:
        if second and row[0] // _PUBLISHES_MS != second[0][0] // _PUBLISHES_MS:
            yield _sightings(gate, second)
            second = []
        second.append(row)
    if second:
        yield _sightings(gate, second)


def _answers(world: World, gate: Gate, each: Passed) -> Iterator[tuple[int, str, int, float]]:
    """Each time that a label was read: when, what, by which antenna, how strong in dBm."""
    index = np.arange(each.seen)
    draw = partial(exact.uniform, world.seed, "label", gate.key, each.epc)
    since = each.at - world.start_ms
    after = np.floor(draw("after", since, index=index) * _WITHIN_MS).astype(np.int64)
    antenna = 1 + np.floor(draw("antenna", since, index=index) * gate.antennas).astype(np.int64)
    rssi = _FAR + draw("rssi", since, index=index) * (_NEAR - _FAR)
    columns = ((each.at + after).tolist(), antenna.tolist(), rssi.tolist())
    for at, port, strength in zip(*columns, strict=True):
        yield at, each.epc, port, strength


def _sightings(gate: Gate, rows: list[tuple[int, str, int, float]]) -> tuple[int, Sightings]:
    at, epcs, antenna, rssi = zip(*rows, strict=True)
    ends = (at[0] // _PUBLISHES_MS + 1) * _PUBLISHES_MS
    return ends, Sightings(gate.key, np.array(at), epcs, np.array(antenna), np.array(rssi))
