"""The way from a device to the broker: what arrives when, by which gateway, in which order.

A device keeps what nobody has heard and tries again; a gateway may hold what it heard for a while.
So nothing is lost but what a device had no room to keep, and that is told. The same readings may
arrive twice, late, and the newest first.
"""

from __future__ import annotations

import math
from collections import deque
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
class Gateway:
    """What hears a tag, ``channel`` being the way to it.

    With ``heard_twice`` it hears too what another one has. It passes on at once, or each
    ``batch_s`` all that it has. With ``unconfirmed`` its answer does not get through: the device
    takes the message for lost and sends it again with the next. ``per_message`` readings at most
    are in a message to it. Its network delays a message by up to ``jitter_s``, so that they
    overtake each other.
    """

    key: str = "gateway-1"
    channel: Channel = Channel()
    heard_twice: float = 0.0
    batch_s: float = 0.0
    unconfirmed: float = 0.0
    per_message: int = 24
    jitter_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Radio:
    """How a tag is heard.

    A message is lost where all of ``gateways`` lose it; else one of those that did not has it, and
    perhaps the others too. What a device kept it sends newest first, as many readings at a time as
    every gateway takes.
    """

    gateways: tuple[Gateway, ...] = (Gateway(),)
    out_of_reach: tuple[tuple[int, int], ...] = ()  # true ms, from … to

    @property
    def per_message(self) -> int:
        """Readings in a message, at most."""
        return min(gateway.per_message for gateway in self.gateways)


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
    """Readings, by position, that leave the device at ``leaves``; ``heard`` by that gateway, with
    the attempt that begins at the reading ``attempt``."""

    leaves: int
    positions: tuple[int, ...]
    heard: int
    attempt: int


class _Copy(NamedTuple):
    """A message as one gateway passes it on."""

    at: int
    gateway: int
    message: int


def send(made: Made, radio: Radio, seed: int) -> Sent:
    """Transmit what a device made: it tries each time that it has made a reading."""
    tag = made.readings.tag
    lost = _lost(made.at, radio, seed, tag)
    left: list[_Message] = []
    waiting: deque[int] = deque()
    luck = _Luck(seed, tag)
    room = _rooms(made).tolist()
    for position, (at, ways) in enumerate(zip(made.at.tolist(), lost.T.tolist(), strict=True)):
        waiting.append(position)
        _attempt(waiting, position, at, ways, radio, luck, left)
        while len(waiting) > room[position]:
            waiting.popleft()
    arrived = np.zeros(len(made.at), np.bool_)
    for message in left:
        arrived[list(message.positions)] = True
    kept = np.array([position for position in waiting if not arrived[position]], np.int64)
    arrived[kept] = True
    return Sent(_arrivals(made, left, lost, radio, seed), np.flatnonzero(~arrived), kept)


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
    waiting: deque[int], attempt: int, at: int, lost: Sequence[float], radio: Radio, luck: _Luck,
    left: list[_Message],
) -> None:  # fmt: skip
    """Send what waits, newest first, until one message is lost; what the device has to keep stays.

    ``lost``: how likely each of the gateways loses it.
    """
    unconfirmed: list[list[int]] = []
    leaves = at
    while waiting and min(lost) < 1.0:
        size = min(radio.per_message, len(waiting))
        part = [waiting.pop() for _ in range(size)][::-1]
        heard = _heard_by(lost, luck())
        if heard is None:
            waiting.extend(part)
            break
        left.append(_Message(leaves, tuple(part), heard, attempt))
        if luck() < radio.gateways[heard].unconfirmed:
            unconfirmed.append(part)
        leaves += _AIRTIME_MS
    for part in reversed(unconfirmed):
        waiting.extend(part)


def _heard_by(lost: Sequence[float], draw: float) -> int | None:
    """Which gateway has a message that each of them loses with ``lost``; None: all lost it."""
    through = [1.0 - chance for chance in lost]
    left = math.prod(lost)
    if draw < left:
        return None
    draw = (draw - left) / (1.0 - left) * math.fsum(through)
    for gateway, chance in enumerate(through):
        draw -= chance
        if draw < 0.0 < chance:
            return gateway
    return max(range(len(lost)), key=through.__getitem__)


def _lost(at: Ints, radio: Radio, seed: int, tag: str) -> Floats:
    """(gateways, n) how likely each loses a message at each attempt; 1 where nobody can hear."""
    lost = np.array([_lost_to(gateway, len(at), seed, tag) for gateway in radio.gateways])
    for begins, ends in radio.out_of_reach:
        lost[:, (at >= begins) & (at < ends)] = 1.0
    return lost


def _lost_to(gateway: Gateway, attempts: int, seed: int, tag: str) -> Floats:
    channel = gateway.channel
    bad, states = False, []
    draws = exact.uniform(seed, "channel", tag, gateway.key, index=np.arange(attempts))
    for draw in draws.tolist():
        bad = draw >= channel.recovers if bad else draw < channel.fails
        states.append(bad)
    return np.where(np.array(states, np.bool_), channel.lost_bad, channel.lost_good)


def _rooms(made: Made) -> Ints:
    """(n,) how many readings the device can keep."""
    room = np.full(len(made.at), made.device.model.memory)
    for fault in made.device.faults:
        if isinstance(fault, Forgetful):
            ends = made.device.ends if fault.ends is None else fault.ends
            room[(made.at >= fault.begins) & (made.at < ends)] = fault.readings
    return room


def _arrivals(
    made: Made, left: Sequence[_Message], lost: Floats, radio: Radio, seed: int
) -> tuple[Transmission, ...]:
    copies = sorted(_copies(made.readings.tag, left, lost, radio, seed))
    gathered: dict[tuple[int, int], list[_Message]] = {}
    for copy in copies:
        gathered.setdefault((copy.at, copy.gateway), []).append(left[copy.message])
    found = [
        Transmission(at, readings, radio.gateways[gateway].key)
        for (at, gateway), messages in gathered.items()
        for readings in _packed(made, messages)
    ]
    return tuple(found)


def _copies(
    tag: str, left: Sequence[_Message], lost: Floats, radio: Radio, seed: int
) -> Iterator[_Copy]:
    """Who hears each message, and when each of them has passed it on."""
    if not left:
        return
    leaves = np.array([message.leaves for message in left])
    first = np.array([message.heard for message in left])
    attempts = np.array([message.attempt for message in left])
    number = np.arange(len(left))
    for i, gateway in enumerate(radio.gateways):
        chance = gateway.heard_twice * (lost[i, attempts] < 1.0)
        too = exact.uniform(seed, "heard", tag, gateway.key, index=number) < chance
        at = leaves + _passed_on(gateway, leaves, seed, tag, number)
        for k in np.flatnonzero(too | (first == i)).tolist():
            yield _Copy(int(at[k]), i, k)


def _passed_on(gateway: Gateway, leaves: Ints, seed: int, tag: str, number: Ints) -> Ints:
    """(n,) ms from when a message leaves the device to when it is at the broker."""
    if gateway.batch_s > 0:
        batch = round(gateway.batch_s * 1000)
        # All that a gateway has goes at its own minute of the hour.
        phase = int(float(exact.uniform(seed, "phase", gateway.key, index=0)) * batch)
        return batch - (leaves - phase) % batch
    span = _PASSES_ON_MS + round(gateway.jitter_s * 1000)
    return np.floor(exact.uniform(seed, "delay", tag, gateway.key, index=number) * span).astype(
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
