"""The rules' own speed: `python -m tests.bench.rules [--json]`, with the packs that come with us.

Live: batches of 1 000 readings of as many lots out of 10 000, a third lead and two thirds wool,
judged while windows are full and rules come and go; and with binding them to their lots before.
All lead is on a leg between two climates, 34 lots a shipment, so each of its readings asks what is
to come in two days; wool has no such forecast.
Beside it what everybody has: a loop that holds each reading against a limit with a delay. Again:
one lot's year at five minutes, from memory; 1 000 lots' 30 days, a day of all at a time. By the
processor's time of one thread, so that it matters little what else the machine does.

Last a million lots in a process of its own, that begins with a registry, a snapshot and a journal,
lead on legs as above:
until the rules are where they were, all of its memory at most, and live as above: in turns with
10 000 lots again, since what a reading costs is to be the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np

from cli import heap
from lots.climate import Bound, LotKey, Samples
from lots.clock import DAY_MS
from lots.readings.batch import Ints
from rules import kernels, pack, shelf, surroundings
from rules.engine import Engine
from rules.state import STATE
from tests.bench import million
from tests.bench.comparing import ROUNDS, Figure, alone, compared, timed
from tests.bench.messages import NOW
from tests.bench.telling import KINDS, TENANT, Limits, Live, air, facts, foreseen

BATCH = 1_000
LOTS = 10_000
WARM = 800
"""Batches until every window is full, and all lead has followed the air for some of its lags."""
BATCHES = 100
"""That are timed at once."""

STEP_MS = 5 * 60_000
YEAR = 365 * DAY_MS // STEP_MS
HISTORY = 72 * 3_600_000 // STEP_MS
"""Readings in one window of a history."""
ABREAST, DAYS = 1_000, 30


def figures() -> Iterator[Figure]:
    prepare()
    yield from live(ROUNDS)
    small = Live(200, 200, 1, 10, BATCHES, ROUNDS)
    yield alone("rules live, 200 of 200 lots a batch", "readings", small)
    one = Live(1, 1, 10_000, 1, 10, ROUNDS)
    yield alone("rules live, 10000 of one lot a batch", "readings", one)
    for number, (commodity, form) in enumerate(KINDS):
        yield alone(f"rules again, a year of {form} {commodity}", "readings", Again(number))
    yield Figure(f"rules again, {ABREAST} lots abreast (CPU)", "readings", abreast(ABREAST))


def prepare() -> None:
    """What is compiled at a start is no part of any figure."""
    kernels.prepare(STATE)
    shelf.prepare()
    surroundings.prepare()
    heap.settle()


def live(rounds: int) -> tuple[Figure, Figure]:
    ours = Live(LOTS, BATCH, 1, WARM, BATCHES, rounds)
    bare = Limits(ours.batches, BATCHES)
    found = [(_rate(ours.bind), _rate(ours), _rate(bare)) for _ in range(rounds)]
    assert foreseen(ours.engine, LOTS)
    name = f"rules live, {BATCH} of {LOTS} lots a batch (CPU)"
    judged = [(ours, bare) for _, ours, bare in found]
    both = [(1 / (1 / bound + 1 / ours), bare) for bound, ours, bare in found]
    return (
        compared(name, "readings", "a limit in a loop", judged),
        compared(f"with binding, {name}", "readings", "a limit in a loop", both),
    )


def _rate(work: Callable[[], int]) -> float:
    return timed(work, time.process_time)


class Again:
    """A lot's year, window by window as a store gives it."""

    def __init__(self, number: int) -> None:
        self._engine = Engine(pack.load(None))
        self._key = LotKey(TENANT, "lot")
        self._engine.know({self._key: facts("lot", number)})
        whole = _samples(np.arange(YEAR), np.zeros(YEAR, np.int64))
        begins = range(0, YEAR, HISTORY)
        self._history = [whole.take(slice(begin, begin + HISTORY)) for begin in begins]

    def __call__(self) -> int:
        self._engine.refold(self._key, NOW, self._history)
        return YEAR


def abreast(lots: int) -> float:
    """Readings a second of ``lots`` lots' 30 days, a day of all at a time."""
    names = [f"lot-{number}" for number in range(lots)]
    known = {LotKey(TENANT, name): facts(name, number) for number, name in enumerate(names)}
    engine = Engine(pack.load(None))
    engine.know(known)
    each = DAY_MS // STEP_MS
    seconds = 0.0
    for day in range(DAYS):
        step = np.tile(np.arange(day * each, (day + 1) * each), lots)
        found = _samples(step, np.repeat(np.arange(lots), each))
        bound = Bound(tuple(known), np.arange(lots + 1) * each, found)
        begun = time.process_time()
        engine.evaluate(bound)
        seconds += time.process_time() - begun
    return lots * each * DAYS / seconds


def _samples(step: Ints, lot: Ints) -> Samples:
    when = NOW + STEP_MS * step
    nothing, unknown = np.zeros(len(when), np.int64), np.full(len(when), np.nan)
    return Samples(when, when % 1_000_003, nothing, *air(when, lot), unknown)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.rules",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the median of them is told")
    parser.add_argument("--lots", type=int, default=million.LOTS, help="0: without the million")
    asked = parser.parse_args()

    def say(text: object) -> None:
        print(text, file=sys.stderr, flush=True)

    say(f"load before {os.getloadavg()[0]:.1f}: with more than 0.5 the machine is not idle")
    prepare()
    rate, bound = live(asked.rounds)
    say(rate)
    say(bound)
    years = [Again(number) for number in range(len(KINDS))]
    lot_year = max(median(YEAR / _rate(year) for _ in range(asked.rounds)) for year in years)
    say(f"a lot's year again: {lot_year:.3f} s")
    refold = abreast(ABREAST)
    say(f"{ABREAST} lots' {DAYS} days abreast: {refold:,.0f} readings/s")
    found = {
        "readings_per_s": rate.rate,
        "bound_readings_per_s": bound.rate,
        "ratio_limits": rate.ratio or 0.0,
        "lot_year_s": lot_year,
        "refold_per_s": refold,
    }
    if asked.lots:
        found |= million.measured(asked.lots, say)
    told = {name: round(value, 3) for name, value in found.items()}
    print(json.dumps(told) if asked.json else told)


if __name__ == "__main__":
    main()
