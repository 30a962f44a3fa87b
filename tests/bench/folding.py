"""The rules' fold with the packs that come with Dunnage: as readings come, and over a past."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lots.climate import LotKey, Samples
from lots.clock import DAY_MS, HOUR_MS
from rules import pack
from rules.engine import Engine
from rules.state import LotFacts
from tests.bench.comparing import Figure, alone
from tests.bench.messages import NOW

STEP_MS = 10 * 60_000
LOTS = 200
MONTH = 30 * DAY_MS // STEP_MS
HISTORY = 72 * HOUR_MS // STEP_MS
"""Readings in one window of a history."""

KINDS = (("lead", "ingot"), ("wool", "greasy"))


def figures() -> Iterator[Figure]:
    for each, batches in ((1, 20), (6, 10)):
        yield alone(
            f"rules live, {LOTS} lots, {each} each a batch", "readings", _Live(each, batches)
        )
    for commodity, form in KINDS:
        yield alone(f"rules again, a month of {commodity}", "readings", _Again(commodity, form))


def _facts(commodity: str, form: str, name: str) -> LotFacts:
    return LotFacts("bench", name, commodity, form, interval_ms=STEP_MS, watched=((0, 2**62),))


def _samples(begins: int, count: int) -> Samples:
    """Days and nights of an autumn, in which rules begin and cease to fire."""
    time = begins + STEP_MS * np.arange(count, dtype=np.int64)
    day, week = (np.sin(time / (n * DAY_MS) * 2 * np.pi) for n in (1, 7))
    return Samples(
        time,
        time % 1_000_003,
        np.zeros(count, np.int64),
        12 + 6 * day + 5 * week,
        72 - 15 * day + 12 * week,
        np.full(count, np.nan),
    )


class _Live:
    """Batches in which each lot has ``each`` readings, in order of time."""

    def __init__(self, each: int, batches: int) -> None:
        self._engine = Engine(pack.load(None))
        self._keys = [LotKey("bench", f"lot-{n}") for n in range(LOTS)]
        self._facts = {
            key: _facts(*KINDS[n % len(KINDS)], key.lot) for n, key in enumerate(self._keys)
        }
        self._each, self._batches = each, batches
        self._next = NOW

    def __call__(self) -> int:
        for _ in range(self._batches):
            bound = _samples(self._next, self._each)
            self._engine.evaluate(dict.fromkeys(self._keys, bound), self._facts)
            self._next += self._each * STEP_MS
        return self._batches * self._each * LOTS


class _Again:
    """A lot's month, window by window as a store gives it."""

    def __init__(self, commodity: str, form: str) -> None:
        self._engine = Engine(pack.load(None))
        self._key = LotKey("bench", "lot")
        self._facts = _facts(commodity, form, "lot")
        whole = _samples(NOW, MONTH)
        self._history = [
            whole.take(slice(begin, begin + HISTORY)) for begin in range(0, MONTH, HISTORY)
        ]

    def __call__(self) -> int:
        self._engine.refold(self._key, NOW, self._history, self._facts)
        return MONTH
