"""The way from a device to the broker: what arrives when, by which gateway, in which order.

A device keeps what nobody has heard and tries again; a gateway may hold what it heard for a while.
So nothing is lost but what a device had no room to keep, and that is told. The same readings may
arrive twice, late, and the newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators import exact
from simulators.readings import Readings
from simulators.sensors.device import Made
from simulators.sensors.faults import Forgetful

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_AIRTIME_MS: Final = 2_000
"""Between a device's messages while it sends what it kept: LoRaWAN's two receive windows."""
_PASSES_ON_MS: Final = 3_000
"""A gateway that does not batch passes on within so much; a choice of ours."""
_LARGEST_BATCH: Final = 1_000
"""Readings in one message of a gateway; a choice of ours, a tenth of what the wire allows."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A bursty channel of two states (Gilbert 1960, Elliott 1963), one step an attempt: from good
    to bad with probability ``fails``, back with ``recovers``; a message is lost with ``lost_good``
    in the one and ``lost_bad`` in the other."""

    fails: float = 0.0
    recovers: float = 1.0
    lost_good: float = 0.0
    lost_bad: float = 1.0


@dataclass(frozen=True, slots=True)
class Radio:
    """How a tag is heard.

    Of ``gateways`` one hears each message that is not lost, and each of the others hears it too
    with ``heard_twice``. A gateway passes on at once, or each ``batch_s`` all that it has. With
    ``unconfirmed`` the device takes a message that arrived for lost, and sends it again with the
    next. What it kept it sends newest first, ``per_message`` readings at a time. A network delays a
    message by up to ``jitter_s``, so that they overtake each other.
    """

    channel: Channel = Channel()
    gateways: tuple[str, ...] = ("gateway-1",)
    heard_twice: float = 0.0
    batch_s: float = 0.0
    unconfirmed: float = 0.0
    per_message: int = 24
    jitter_s: float = 0.0
    out_of_reach: tuple[tuple[int, int], ...] = ()  # true ms, from … to


class Transmission(NamedTuple):
    """``readings`` that arrive at the broker at the true instant ``at``, ms, by the gateway
    ``via``."""

    at: int
    readings: Readings
    via: str


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """What arrives, in order of time, and the positions of the readings that never do: ``lost``
    because the device had no room, ``kept`` because it still has them at the end."""

    arrivals: tuple[Transmission, ...]
    lost: Ints
    kept: Ints


class _Message(NamedTuple):
    """Readings, by position, that leave the device at ``leaves``."""

    leaves: int
    positions: tuple[int, ...]


class _Copy(NamedTuple):
    """A message as one gateway passes it on."""

    at: int
    gateway: int
    message: int


def send(made: Made, radio: Radio, seed: int) -> Sent:
    """Transmit what a device made: it tries each time that it has made a reading."""
    tag = made.readings.tag
    lost = _lost(made.at, radio, seed, tag).tolist()
    left: list[_Message] = []
    waiting: list[int] = []
    luck = _Luck(seed, tag)
    room = _rooms(made).tolist()
    for position, at in enumerate(made.at.tolist()):
        waiting.append(position)
        if lost[position] < 1.0:
            waiting = _attempt(waiting, at, lost[position], radio, luck, left)
        waiting = waiting[max(0, len(waiting) - room[position]) :]
    arrived = np.zeros(len(made.at), np.bool_)
    for message in left:
        arrived[list(message.positions)] = True
    kept = np.array([position for position in waiting if not arrived[position]], np.int64)
    arrived[kept] = True
    return Sent(_arrivals(made, left, radio, seed), np.flatnonzero(~arrived), kept)


class _Luck:
    """Numbers in (0, 1), one after another; the same for the same tag."""

    def __init__(self, seed: int, tag: str) -> None:
        self._seed, self._tag = seed, tag
        self._drawn: list[float] = []
        self._used = 0

    def __call__(self) -> float:
        if self._used == len(self._drawn):
            index = self._used + np.arange(1024)
            self._drawn += exact.uniform(self._seed, "luck", self._tag, index=index).tolist()
        self._used += 1
        return self._drawn[self._used - 1]


def _attempt(
    waiting: list[int], at: int, lost: float, radio: Radio, luck: _Luck, left: list[_Message]
) -> list[int]:
    """Send what waits, newest first, until one message is lost; what the device still keeps."""
    kept: list[int] = []
    ends = len(waiting)
    leaves = at
    while ends:
        begins = max(0, ends - radio.per_message)
        if luck() < lost:
            return waiting[:ends] + kept
        left.append(_Message(leaves, tuple(waiting[begins:ends])))
        if luck() < radio.unconfirmed:
            kept = waiting[begins:ends] + kept
        ends, leaves = begins, leaves + _AIRTIME_MS
    return kept


def _lost(at: Ints, radio: Radio, seed: int, tag: str) -> Floats:
    """(n,) how likely a message is lost at each attempt; 1 where nobody can hear."""
    channel = radio.channel
    bad, states = False, []
    for draw in exact.uniform(seed, "channel", tag, index=np.arange(len(at))).tolist():
        bad = draw >= channel.recovers if bad else draw < channel.fails
        states.append(bad)
    lost = np.where(states, channel.lost_bad, channel.lost_good)
    for begins, ends in radio.out_of_reach:
        lost[(at >= begins) & (at < ends)] = 1.0
    return lost


def _rooms(made: Made) -> Ints:
    """(n,) how many readings the device can keep."""
    room = np.full(len(made.at), made.device.model.memory)
    for fault in made.device.faults:
        if isinstance(fault, Forgetful):
            ends = made.device.ends if fault.ends is None else fault.ends
            room[(made.at >= fault.begins) & (made.at < ends)] = fault.readings
    return room


def _arrivals(
    made: Made, left: Sequence[_Message], radio: Radio, seed: int
) -> tuple[Transmission, ...]:
    copies = sorted(_copies(made.readings.tag, left, radio, seed))
    gathered: dict[tuple[int, int], list[_Message]] = {}
    for copy in copies:
        gathered.setdefault((copy.at, copy.gateway), []).append(left[copy.message])
    found = [
        Transmission(at, readings, radio.gateways[gateway])
        for (at, gateway), messages in gathered.items()
        for readings in _packed(made, messages)
    ]
    return tuple(found)


def _copies(tag: str, left: Sequence[_Message], radio: Radio, seed: int) -> Iterator[_Copy]:
    """Who hears each message, and when each of them has passed it on."""
    if not left:
        return
    leaves = np.array([message.leaves for message in left])
    number = np.arange(len(left))
    count = len(radio.gateways)
    nearest = np.floor(exact.uniform(seed, "nearest", tag, index=number) * count).astype(np.int64)
    for gateway in range(count):
        name = radio.gateways[gateway]
        heard = exact.uniform(seed, "heard", tag, name, index=number) < radio.heard_twice
        at = leaves + _passed_on(radio, leaves, seed, tag, name, number)
        for k in np.flatnonzero(heard | (nearest == gateway)).tolist():
            yield _Copy(int(at[k]), gateway, k)


def _passed_on(radio: Radio, leaves: Ints, seed: int, tag: str, gateway: str, number: Ints) -> Ints:
    """(n,) ms from when a message leaves the device to when it is at the broker."""
    if radio.batch_s > 0:
        batch = round(radio.batch_s * 1000)
        # All that a gateway has goes at its own minute of the hour.
        phase = int(float(exact.uniform(seed, "phase", gateway, index=0)) * batch)
        return batch - (leaves - phase) % batch
    span = _PASSES_ON_MS + round(radio.jitter_s * 1000)
    return np.floor(exact.uniform(seed, "delay", tag, gateway, index=number) * span).astype(
        np.int64
    )


def _packed(made: Made, messages: Sequence[_Message]) -> Iterator[Readings]:
    """What a gateway passes on at once: one array, or each message as it left where it is told
    when that was."""
    if made.device.tells_sent:
        for message in messages:
            sent = int(made.clock(np.array([message.leaves]))[0])
            part = made.readings.at(np.array(message.positions))
            yield Readings(part.tag, part.boot, part.seq, part.t, part.values, sent)
        return
    positions = list(dict.fromkeys(p for message in messages for p in message.positions))
    for begins in range(0, len(positions), _LARGEST_BATCH):
        yield made.readings.at(np.sort(positions[begins : begins + _LARGEST_BATCH]))
