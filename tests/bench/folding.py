"""Binding and the rules' fold with the packs that come with Dunnage: live, and over a past."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from ingest.bind import Directory, Roster, bind
from lots.climate import LotKey, Samples
from lots.clock import DAY_MS
from lots.readings.batch import Floats, Ints, ReadingBatch, TagKey
from lots.whereabouts import FOREVER, Source
from rules import kernels, pack
from rules.engine import Engine
from rules.state import STATE, LotFacts
from tests.bench.comparing import ROUNDS, Figure, alone
from tests.bench.messages import NOW

STEP_MS = 10 * 60_000
YEAR_STEP_MS = 5 * 60_000
YEAR = 365 * DAY_MS // YEAR_STEP_MS
HISTORY = 72 * 3_600_000 // YEAR_STEP_MS
"""Readings in one window of a history."""

LIVE = ((2_000, 1_000, 40), (1_000, 1_000, 60), (200, 200, 100), (60, 1, 200), (10_000, 1, 10))
"""Readings of a batch, lots that they are of, batches."""

KINDS = (("lead", "ingot"), ("wool", "greasy"))


def figures() -> Iterator[Figure]:
    kernels.prepare(STATE)  # what is compiled at a start is no part of it
    for readings, lots, batches in LIVE:
        name = f"rules live, {readings} of {lots} lots a batch"
        yield alone(name, "readings", _Live(readings // lots, lots, batches))
    for commodity, form in KINDS:
        yield alone(f"rules again, a year of {commodity}", "readings", _Again(commodity, form))


def _facts(commodity: str, form: str, name: str) -> LotFacts:
    return LotFacts("bench", name, commodity, form, interval_ms=STEP_MS, watched=((0, FOREVER),))


def _air(time: Ints) -> tuple[Floats, Floats]:
    """Days and nights of an autumn, in which rules begin and cease to fire: degC and %RH."""
    day, week = (np.sin(time / (n * DAY_MS) * 2 * np.pi) for n in (1, 7))
    return 12 + 6 * day + 5 * week, 72 - 15 * day + 12 * week


class _Live:
    """Batches in which each of ``lots`` lots has ``each`` readings of its tag."""

    def __init__(self, each: int, lots: int, batches: int) -> None:
        names = [f"lot-{number}" for number in range(lots)]
        facts = [_facts(*KINDS[number % len(KINDS)], name) for number, name in enumerate(names)]
        sources = {name: [Source(f"tag-{name}", "air", 0, FOREVER, None)] for name in names}
        self._directory = Directory({"bench": Roster("bench", sources, {}, [])})
        self._tags = tuple(TagKey("bench", f"tag-{name}") for name in names)
        self._engine = Engine(pack.load(None))
        self._engine.know({LotKey("bench", one.lot): one for one in facts})
        begins = [NOW + number * each * STEP_MS for number in range(ROUNDS * batches)]
        self._coming = iter([self._batch(begin, each) for begin in begins])
        self._batches = batches

    def __call__(self) -> int:
        done = 0
        for batch in islice(self._coming, self._batches):
            self._engine.evaluate(bind(batch, self._directory))
            done += len(batch)
        return done

    def _batch(self, begins: int, each: int) -> ReadingBatch:
        lots = len(self._tags)
        time = begins + STEP_MS * np.repeat(np.arange(each), lots)
        tag = np.tile(np.arange(lots), each)
        temperature, humidity = _air(time)
        none, nothing = np.full(len(time), -1), np.zeros(len(time), np.int64)
        values = {"temperature": temperature, "humidity": humidity}
        return ReadingBatch(self._tags, tag, time, tag, nothing, values, time, none, none)


class _Again:
    """A lot's year, window by window as a store gives it."""

    def __init__(self, commodity: str, form: str) -> None:
        self._engine = Engine(pack.load(None))
        self._key = LotKey("bench", "lot")
        self._engine.know({self._key: _facts(commodity, form, "lot")})
        time = NOW + YEAR_STEP_MS * np.arange(YEAR, dtype=np.int64)
        nothing, unknown = np.zeros(YEAR, np.int64), np.full(YEAR, np.nan)
        whole = Samples(time, time % 1_000_003, nothing, *_air(time), unknown)
        self._history = [
            whole.take(slice(begin, begin + HISTORY)) for begin in range(0, YEAR, HISTORY)
        ]

    def __call__(self) -> int:
        self._engine.refold(self._key, NOW, self._history)
        return YEAR
