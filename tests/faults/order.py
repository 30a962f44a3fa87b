"""Through the whole worker: in any order, twice and by wrong clocks the same is kept."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from tests.faults.burst import Message, burst
from tests.faults.clocks import BY_DELIVERY, HOUR_MS, Device, Kind, Measured
from tests.faults.comparison import Compared, Seen, readings, settle
from tests.faults.judging import PATIENCE_S, row_of
from tests.faults.progress import Progress
from tests.faults.stage import TENANT, Stage
from tests.faults.table import Row

TOGETHER = 20
"""Readings of a tag in one message, at most."""

DELIVERY_MS = 60_000
"""So much may the time of a reading differ that depends on its delivery."""


class Manner(StrEnum):
    """How the readings of a device come; a fifth of them comes once more."""

    ANY = "shuffled"
    NEWEST_FIRST = "newest first"  # between the messages of others
    WHOLE = "a whole backlog, newest first"  # in a row


class Part(NamedTuple):
    """What a message has: readings of the device of this ``number``."""

    number: int
    readings: list[Measured]


class Size(NamedTuple):
    """``each``: devices of every kind of clock, of so many ``readings``."""

    each: int
    readings: int


FULL = Size(10, 500)
SHORT = Size(1, 60)


def order(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    """The same devices twice: their readings in order, and as each `Manner` has it."""
    chance = random.Random(seed)
    now = int(time.time()) * 1000
    devices = [_device(kind, size.readings, now, chance) for kind in Kind for _ in range(size.each)]
    straight = stage.registered("straight", len(devices))
    mixed = stage.registered("mixed", len(devices))
    burst(stage.broker.port, "straight", _in_order(straight, devices))
    count = burst(stage.broker.port, "mixed", _mixed(mixed, devices, chance))
    say(f"{count} messages in any order")
    settle(stage.house, PATIENCE_S)
    found = Compared(0, 0, 0, 0, 0, 0, 0, "")
    for number, device in enumerate(devices):
        one = _kept(stage, device, f"{straight}-{number}")
        other = _kept(stage, device, f"{mixed}-{number}")
        found = _compared(found, device, one, other, f"{mixed}-{number}")
    done = (
        f"{len(devices)} devices with {len(Kind)} kinds of clocks, a third each shuffled, newest"
        f" first between others, and newest first in a row; 20 % twice (seed {seed})"
    )
    return row_of("order", done, found)


def _device(kind: Kind, count: int, now: int, chance: random.Random) -> Device:
    """Readings of the last hours and days; a restart now and then, unless its clock needs none."""
    at = now - chance.randint(30, 60) * HOUR_MS
    boot, seq, made = 1, 0, []
    for _ in range(count):
        at += chance.randint(1, 30 * HOUR_MS // 1000 // count) * 1000
        if kind is not Kind.UNSET and chance.random() < 0.02:
            boot, seq = boot + 1, 0
        made.append(Measured(boot, seq, at, chance.randrange(2000) / 100))
        seq += 1
    return Device(kind, made)


def _in_order(prefix: str, devices: Sequence[Device]) -> Iterator[Message]:
    for number, device in enumerate(devices):
        for begin in range(0, len(device.readings), TOGETHER):
            yield _message(f"{prefix}-{number}", device, device.readings[begin : begin + TOGETHER])


def _mixed(prefix: str, devices: Sequence[Device], chance: random.Random) -> Iterator[Message]:
    for number, part in arrivals(devices, chance):
        yield _message(f"{prefix}-{number}", devices[number], part)


def manner(number: int, first: int) -> Manner:
    """Of device ``number``: they take turns, so that ten of a kind meet all."""
    return tuple(Manner)[(number + first) % len(Manner)]


def arrivals(devices: Sequence[Device], chance: random.Random) -> Iterator[Part]:
    """Parts of all devices by turns drawn by ``chance``; those of one keep their order."""
    first = chance.randrange(len(Manner))
    waiting: list[deque[Part]] = []
    turns: list[int] = []
    for number, device in enumerate(devices):
        how = manner(number, first)
        waiting.append(deque(_parts(number, device, how, chance)))
        turns += [number] * (1 if how is Manner.WHOLE else len(waiting[-1]))
    chance.shuffle(turns)
    for number in turns:
        yield waiting[number].popleft()
        while manner(number, first) is Manner.WHOLE and waiting[number]:
            yield waiting[number].popleft()


def _parts(number: int, device: Device, how: Manner, chance: random.Random) -> Iterator[Part]:
    again = chance.sample(device.readings, len(device.readings) // 5)
    if how is Manner.ANY:
        mine = [*device.readings, *again]
        chance.shuffle(mine)
    else:
        again.sort(key=lambda reading: -reading.at)
        mine = [*reversed(device.readings), *again]
    while mine:
        size = chance.randint(1, TOGETHER)
        yield Part(number, mine[:size])
        del mine[:size]


def _message(tag: str, device: Device, part: Sequence[Measured]) -> Message:
    at = int(time.time() * 1000)
    objects = [device.sends(reading, at) for reading in part]
    payload = json.dumps(objects if len(objects) > 1 else objects[0])
    return Message(f"dunnage/v1/{TENANT}/{tag}/readings", payload.encode())


def _kept(stage: Stage, device: Device, tag: str) -> list[Seen]:
    """By their own identity, which the order of arrival has no part in."""
    now = int(time.time() * 1000)
    begins = now - 120 * HOUR_MS
    found = readings(stage.house, tag, begins, now + 48 * HOUR_MS)
    return sorted(found, key=lambda seen: (seen.key, seen.values["temperature"], seen.t))


def _compared(
    found: Compared, device: Device, one: list[Seen], other: list[Seen], tag: str
) -> Compared:
    made, example = len(device.readings), found.example
    doubled = max(0, len(one) - made) + max(0, len(other) - made)
    missing = max(0, made - len(one)) + max(0, made - len(other))
    unlike = 0
    if len(one) == len(other):
        unlike = sum(not _alike(device, *pair) for pair in zip(one, other, strict=True))
    if (doubled or missing or unlike) and not example:
        example = f" (such as {tag}, whose clock is: {device.kind})"
    return found._replace(
        published=found.published + 2 * made,
        acknowledged=found.acknowledged + 2 * made,
        stored=found.stored + len(one) + len(other),
        missing=found.missing + missing,
        doubled=found.doubled + doubled,
        blended=found.blended + unlike,
        example=example,
    )


def _alike(device: Device, one: Seen, other: Seen) -> bool:
    if device.kind not in BY_DELIVERY:
        return one == other
    near = abs(one.time - other.time) <= DELIVERY_MS
    return near and (one.key, one.flags, one.values) == (other.key, other.flags, other.values)
