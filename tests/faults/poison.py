"""Messages that nobody can use, among good ones: each kept with its reason, none in the way."""

from __future__ import annotations

import json
import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import httpx
import numpy as np

from tests.faults.burst import Message, burst
from tests.faults.fleet import Record
from tests.faults.gateway import reading
from tests.faults.judging import judged
from tests.faults.numbers import place
from tests.faults.progress import Progress
from tests.faults.stage import TENANT, Stage
from tests.faults.table import Row
from tests.whole.house import soon

ONE_IN = 100
SLOWER = 1.10
DRAIN_S = 120.0
SETTLE_S = 0.5
WARM_UP = 5
"""One round in so many parts comes first, and is not timed."""
LETTERS_S = 30.0
"""Until they can be listed: they are written with the cursor, on a busy machine seconds later."""

_BAD = re.compile(r"/bad-(\d+)[-/]")


class Size(NamedTuple):
    """``rounds`` of so many ``messages`` without poison, and as many with it, in turns."""

    messages: int
    tags: int
    rounds: int
    timed: bool


FULL = Size(100_000, 200, 21, True)
SHORT = Size(1000, 20, 1, False)

Kind = Callable[[random.Random], bytes]
"""Makes a payload that breaks the contract."""


def kinds() -> list[Kind]:
    """Every way of being unusable, about as long as a good message; the long ones are `_LONG`."""
    fixed: Sequence[bytes] = (
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[[]]",
        b"21.4",
        b'"21.4"',
        b"\xff\xfe{\x00}\x00",
        b'{"temperature": NaN}',
        b'{"temperature": -Infinity}',
        b'{"temperature": 1e999}',
        b'{"temperature": "21.4"}',
        b'{"temperature": [21.4]}',
        b'{"temperature": {"value": 21.4}}',
        b'{"temperature": true}',
        b'{"temperature": null}',
        b'{"note": "no value"}',
        b'{"time": 1, "temperature": 20}',
        b'{"1co2": 412}',
        b'{"t": "now", "temperature": 20}',
        b'{"t": 12345, "temperature": 20}',  # no time of the last years: quarantine
        b'{"t": 99999999999999, "temperature": 20}',
        b'{"boot": -1, "seq": 2, "temperature": 20}',
        b'{"boot": 1.5, "seq": 2, "temperature": 20}',
        b'{"boot": 1, "seq": 99999999999999999999, "temperature": 20}',
        b'{"temperature": 20} {"temperature": 21}',
        b"[" * 3000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        json.dumps({f"q{n}": n for n in range(65)}).encode(),
        b"temperature=21.4;humidity=60",
        b"<reading><temperature>21.4</temperature></reading>",
        b"\x00" * 40,
    )
    good = reading(4021, 17, 4021, 1_763_766_000_000).encode()
    made: list[Kind] = [
        lambda chance: chance.randbytes(chance.randint(1, 200)),
        lambda chance: good[: chance.randint(1, len(good) - 1)],
        lambda chance: bytes(chance.choice(b'{}[]",:0123456789.eE+-') for _ in range(60)) + b"{",
    ]
    return [*(_always(payload) for payload in fixed), *made]


def _always(payload: bytes) -> Kind:
    return lambda _: payload


_LONG: tuple[Kind, ...] = (
    lambda chance: b'{"temperature": 21.4, "note": "' + b"x" * 300_000 + b'"}',
    lambda chance: b"[" + b",".join([b'{"temperature":1}'] * 10_001) + b"]",
)
_EACH_LONG = 200
"""Of so much poison one message each is as long as nobody should send."""


class Mixture(NamedTuple):
    """Messages of one round, and which poison is in them (by its number)."""

    messages: list[Message]
    bad: range


class Maker:
    """Makes rounds; good readings are numbered on over all of them, so is poison."""

    def __init__(self, prefix: str, tags: int, chance: random.Random) -> None:
        self._prefix, self._tags, self._chance = prefix, tags, chance
        self._kinds = kinds()
        self.times: list[int] = []
        self.bad = 0

    def round(self, count: int, poisoned: bool) -> Mixture:
        """``count`` messages, one in `ONE_IN` of them poison where it is ``poisoned``."""
        first, amount = self.bad, count // ONE_IN if poisoned else 0
        at = set(self._chance.sample(range(count), amount))
        messages = [self._poison() if n in at else self._good() for n in range(count)]
        return Mixture(messages, range(first, self.bad))

    def record(self) -> Record:
        times = np.array(self.times, np.int64)
        return Record(self._prefix, self._tags, times, np.ones(len(times), np.bool_))

    def _good(self) -> Message:
        number = len(self.times)
        tag, seq = place(number, self._tags)
        before = self.times[number - self._tags] if number >= self._tags else 0
        self.times.append(max(int(time.time() * 1000), before + 1))
        text = reading(number, 1, seq, self.times[-1])
        return Message(f"dunnage/v1/{TENANT}/{self._prefix}-{tag}/readings", text.encode())

    def _poison(self) -> Message:
        """On a topic of its own, so that each can be found again."""
        number = self.bad
        self.bad += 1
        if number % _EACH_LONG < len(_LONG):
            make = _LONG[number % _EACH_LONG]
        else:
            make = self._kinds[number % len(self._kinds)]
        name, payload = f"bad-{number}", make(self._chance)
        if number % 50 == 7:  # a tag that is too long, with nothing wrong besides
            name, payload = f"{name}-{'x' * 64}", b'{"temperature": 21.4}'
        return Message(f"dunnage/v1/{TENANT}/{name}/readings", payload)


def poison(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    """In turns without and with poison: the worker is stopped until the broker has a round."""
    maker = Maker(stage.registered("mixed", size.tags), size.tags, random.Random(seed))
    burst(stage.broker.port, "warm-up", maker.round(size.messages // WARM_UP, False).messages)
    _await_settled(stage)
    seconds: dict[bool, list[float]] = {False: [], True: []}  # of each pair of rounds, in order
    for number in range(2 * size.rounds):
        poisoned = bool(number % 2) ^ bool(number // 2 % 2)  # so that neither is always first
        took = _drained(stage, maker.round(size.messages, poisoned))
        seconds[poisoned].append(took)
        how = "with" if poisoned else "without"
        say(f"round {number + 1} of {2 * size.rounds}, {how} poison: {took:.2f} s")
    row = judged(stage, "poison", "", maker.record())
    letters = _all_letters(stage, maker.bad)
    ratio, low, high = slower(seconds[True], seconds[False])
    rates = {which: size.messages * size.rounds / sum(of) for which, of in seconds.items()}
    figures = {
        "in the dead letters": f"{len(letters)} of {maker.bad}",
        "readings/s without": f"{rates[False]:,.0f}",
        "with": f"{rates[True]:,.0f}",
        "time with ÷ without": f"{ratio:.3f} ({low:.3f} to {high:.3f}, {size.rounds} pairs)",
    }
    done = f"{size.messages * size.rounds} messages, one in {ONE_IN} unusable"
    row = replace(row, done=done, figures=figures)
    if row.failed:
        return row
    if letters != list(range(maker.bad)):
        lost = sorted(set(range(maker.bad)) - set(letters))
        return replace(row, verdict=f"{len(lost)} are not in the dead letters, such as {lost[:3]}")
    if size.timed and ratio >= SLOWER:
        return replace(row, verdict=f"{(ratio - 1) * 100:.0f} % slower than without")
    return row


def slower(slow: Sequence[float], fast: Sequence[float]) -> tuple[float, float, float]:
    """How many times slower, and 95 % bounds of that, from rounds played one after the other.

    Hodges and Lehmann's estimate of the logarithm of the pairs' ratios: the median of the means of
    any two of them, which varies by a quarter less than the plain median does, and single ratios
    vary by a sixth. Bounds by Wilcoxon's signed ranks; of fewer than six pairs they are the
    extremes.
    """
    logs = np.log(np.asarray(slow) / np.asarray(fast))
    first, second = np.triu_indices(len(logs))
    means = np.sort((logs[first] + logs[second]) / 2)
    pairs = len(logs)
    spread = np.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
    outside = max(int(pairs * (pairs + 1) / 4 - 1.96 * spread), 0)
    ratio, low, high = np.exp([np.median(means), means[outside], means[-1 - outside]])
    return float(ratio), float(low), float(high)


def _drained(stage: Stage, mixture: Mixture) -> float:
    """Seconds until the worker has taken in, kept and judged a round that waited for it."""
    house = stage.house
    before = house.figure("dunnage_messages_acknowledged_total")
    house.signal("worker", signal.SIGSTOP)
    try:
        burst(stage.broker.port, "mixture", mixture.messages)
    finally:
        begun = time.monotonic()
        house.signal("worker", signal.SIGCONT)
    whole = before + len(mixture.messages)
    soon(
        lambda: house.figure("dunnage_messages_acknowledged_total") >= whole and house.settled(),
        "a round is taken in",
        DRAIN_S,
    )
    took = time.monotonic() - begun
    time.sleep(SETTLE_S)
    return took


def _await_settled(stage: Stage) -> None:
    soon(stage.house.settled, "the worker is done", DRAIN_S)
    time.sleep(SETTLE_S)


def _all_letters(stage: Stage, count: int) -> list[int]:
    """`_letters` in order, once all below ``count`` are among them, or `LETTERS_S` are over."""
    ends = time.monotonic() + LETTERS_S
    while True:
        found = sorted(_letters(stage))
        if set(found) >= set(range(count)) or time.monotonic() > ends:
            return found
        time.sleep(0.1)


def _letters(stage: Stage) -> Iterator[int]:
    """Numbers of the poison that the API lists."""
    path: str | None = "/v1/dead-letters?limit=1000"
    while path:
        reply: httpx.Response = stage.house.ask(path)
        reply.raise_for_status()
        page = reply.json()
        for item in page["items"]:
            if found := _BAD.search(item["topic"]):
                yield int(found[1])
        path = page["next"]
