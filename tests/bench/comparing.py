"""Rates, and the same work without Dunnage beside it: both in one run, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 3

TURNS = 9
"""Of work that is short: the machine's other work changes from one to the next."""


@dataclass(frozen=True, slots=True)
class Figure:
    """So many of ``unit`` a second, and without us (``bare``) where there is such a thing.

    ``ratio``  the median of each round's ours ÷ bare: less than 1 is slower
    """

    name: str
    unit: str
    rate: float
    bare: float | None = None
    bare_name: str = ""
    ratio: float | None = None

    def __str__(self) -> str:
        line = f"{self.name:44} {self.rate:12,.0f} {self.unit}/s"
        if self.bare is None or self.ratio is None:
            return line
        return f"{line:70} {self.bare_name}: {self.bare:,.0f}, so {self.ratio:.2f}"


def timed(work: Callable[[], int], clock: Callable[[], float] = time.perf_counter) -> float:
    """How many a second ``work``, which says how many it did, does."""
    begun = clock()
    done = work()
    return done / (clock() - begun)


def alone(name: str, unit: str, work: Callable[[], int]) -> Figure:
    """Of work that only computes, in one thread: by the processor's time, so that it does not
    matter what else the machine does."""
    rates = [timed(work, time.process_time) for _ in range(ROUNDS)]
    return Figure(f"{name} (CPU)", unit, median(rates))


def beside(
    name: str, unit: str, work: Callable[[], int], bare_name: str, bare: Callable[[], int]
) -> Figure:
    """In turns, so that whatever else the machine does meets both."""
    return compared(name, unit, bare_name, [(timed(work), timed(bare)) for _ in range(TURNS)])


def compared(name: str, unit: str, bare_name: str, rates: list[tuple[float, float]]) -> Figure:
    """From (ours, bare) of each round."""
    return Figure(
        name,
        unit,
        median(ours for ours, _ in rates),
        median(bare for _, bare in rates),
        bare_name,
        median(ours / bare for ours, bare in rates),
    )
