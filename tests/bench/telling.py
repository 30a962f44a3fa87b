"""Lots of lead and wool whose tags measure: a world for the rules' figures.

All lead is on its way, a month from a cool climate to a warm one: what is to come of it is worked
out anew for each reading. Lots that are neighbours are of one shipment.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np

from ingest.bind import Directory, Roster, bind
from lots import normals
from lots.circumstances import Circumstance, Course, Stand, Voyage, circumstances
from lots.climate import Bound, LotKey
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Floats, Ints, ReadingBatch, TagKey
from lots.terms import PlaceKind
from lots.whereabouts import FOREVER, Source
from rules import pack
from rules.engine import Engine
from rules.state import LotFacts
from tests.bench.messages import NOW

TENANT = "bench"
STEP_MS = 10 * 60_000
KINDS = (("lead", "ingot"), ("wool", "greasy"), ("wool", "scoured"))
"""In turns: a third lead, two thirds wool."""
LOADED = 100
"""So many neighbours have one shipment; those of them that are lead are aboard."""
AWAY_MS = 30 * DAY_MS
CLIMATES = normals.steady(8, 4, 5), normals.steady(20, 16, 5)
"""From where to where. So variable that no `air` of ours is taken for cooled, of which less is
worked out; seasons would make no difference to how much."""


def air(time: Ints, lot: Ints | int = 0) -> tuple[Floats, Floats]:
    """Days and nights of an autumn in which rules begin and cease to fire: degC and %RH.

    Each lot has its own, some weeks apart, and its own sensor's noise.
    """
    day, week = (np.sin((time / n / DAY_MS + lot * 0.618) * 2 * np.pi) for n in (1, 7))
    noise = np.sin(time * 0.37 + lot) / 4
    return 12 + 6 * day + 5 * week + noise, 68 - 15 * day + 12 * week + 2 * noise


def facts(name: str, number: int) -> LotFacts:
    commodity, form = KINDS[number % len(KINDS)]
    return LotFacts(TENANT, name, commodity, form, interval_ms=STEP_MS, watched=((0, FOREVER),))


def departs(shipment: int) -> int:
    """ms; each at another time of the last three days, so that all are away while they are
    measured."""
    return NOW - shipment * 7919 % 259_200 * 1000


@cache
def way(shipment: int) -> tuple[Circumstance, ...]:
    """In a container all the way, of which the climates are known."""
    begins = departs(shipment)
    ends = begins + AWAY_MS
    voyage = Voyage(begins, ends, False, (Course(begins, ends, *CLIMATES),))
    return circumstances([voyage], [Stand(begins, ends, PlaceKind.CONTAINER, "")])


def aboard(name: str, number: int) -> LotFacts:
    """`facts`, and of lead that it is on its way."""
    found = facts(name, number)
    if found.commodity != "lead":
        return found
    return replace(found, circumstances=way(number // LOADED))


def foreseen(engine: Engine, lots: int) -> bool:
    """Whether it is known how likely sweat is, which it is more than 0, of lead and of nothing
    else: by a thousand of ``lots``."""
    some = range(0, lots, max(lots // 1_000, 1))
    keys = [LotKey(TENANT, f"lot-{number}") for number in some]
    return all(
        ("sweat_ahead" in known.numbers) == (KINDS[number % len(KINDS)][0] == "lead")
        for number, known in zip(some, engine.known(keys), strict=True)
    )


class Fleet:
    """A tag for each of ``lots`` lots; batch n is of the next ``size`` of them, ``each`` readings a
    lot, in an order of chance that stays. All speak from ``begins`` on, each ``step_ms``."""

    def __init__(
        self, lots: int, size: int, each: int = 1, *, begins: int = NOW, step_ms: int = STEP_MS
    ) -> None:
        self._size, self._each = size, each
        self._begins, self._step_ms = begins, step_ms
        self._rounds = lots // size
        self._order = np.random.default_rng(5).permutation(lots)
        self._tags = tuple(TagKey(TENANT, f"tag-{number}") for number in range(lots))

    def batch(self, number: int) -> ReadingBatch:
        round_, part = divmod(number, self._rounds)
        lots = np.sort(self._order[part * self._size : (part + 1) * self._size])
        lot = np.tile(lots, self._each)
        step = np.repeat(np.arange(self._each), len(lots))
        # Tags do not measure at the same moment.
        round_ms = self._step_ms * (round_ * self._each + step)
        time = self._begins + round_ms + lot * 7919 % STEP_MS
        temperature, humidity = air(time, lot)
        values = {"temperature": temperature, "humidity": humidity}
        absent, nothing = np.full(len(lot), -1), np.zeros(len(lot), np.int64)
        tags = tuple(self._tags[n] for n in lots.tolist())
        tag = np.tile(np.arange(len(lots)), self._each)
        return ReadingBatch(tags, tag, time, lot % 1_000_000, nothing, values, time, absent, absent)


class Live:
    """``warm`` batches of a fleet are bound and judged, then ``timed`` at each call."""

    def __init__(self, lots: int, size: int, each: int, warm: int, timed: int, calls: int) -> None:
        self._directory, self.engine = world(lots)
        self._fleet = Fleet(lots, size, each)
        for number in range(warm):
            self._take(self._fleet.batch(number))
        numbers = range(warm, warm + timed * calls)
        self.batches = [self._fleet.batch(number) for number in numbers]
        self._coming, self._timed = iter(self.batches), timed
        self._bound: list[Bound] = []

    def bind(self) -> int:
        """Bind the next ones, for the next call to judge."""
        some = list(islice(self._coming, self._timed))
        self._bound = [bind(batch, self._directory) for batch in some]
        return sum(map(len, some))

    def __call__(self) -> int:
        if not self._bound:
            self.bind()
        for bound in self._bound:
            self.engine.evaluate(bound)
        done = sum(len(bound.samples) for bound in self._bound)
        self._bound = []
        return done

    def _take(self, batch: ReadingBatch) -> None:
        self.engine.evaluate(bind(batch, self._directory))


def world(lots: int) -> tuple[Directory, Engine]:
    """Who speaks for so many lots, and an engine that knows them, the lead on its way."""
    names = [f"lot-{number}" for number in range(lots)]
    sources = {
        name: [Source(f"tag-{number}", "air", 0, FOREVER, None)]
        for number, name in enumerate(names)
    }
    engine = Engine(pack.load(None))
    engine.know({LotKey(TENANT, name): aboard(name, n) for n, name in enumerate(names)})
    return Directory({TENANT: Roster(TENANT, sources.items(), {}, [])}), engine


class Limits:
    """What everybody has: a fixed limit with a delay, reading by reading, over ``batches``."""

    LIMIT, DELAY_MS = 80.0, HOUR_MS

    def __init__(self, batches: list[ReadingBatch], timed: int) -> None:
        self._coming, self._timed = iter(batches), timed
        self._since: dict[TagKey, int] = {}
        self._open: set[TagKey] = set()

    def __call__(self) -> int:
        return sum(self._take(batch) for batch in islice(self._coming, self._timed))

    def _take(self, batch: ReadingBatch) -> int:
        columns = batch.tag.tolist(), batch.time.tolist(), batch.values["humidity"].tolist()
        for tag, now, humidity in zip(*columns, strict=True):
            key = batch.tags[tag]
            if humidity <= self.LIMIT:
                self._since.pop(key, None)
                self._open.discard(key)
            elif now - self._since.setdefault(key, now) >= self.DELAY_MS:
                self._open.add(key)
        return len(batch)
