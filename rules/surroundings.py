"""What lots are in the middle of, as columns in which the fold looks times up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from lots.readings.batch import Ints
from lots.terms import Phase, PlaceKind
from rules import kernels
from rules.kernels import Records

PHASES: Final = tuple(Phase)
PLACES: Final = ("", *PlaceKind)
"""Codes are positions; "" is a place that is not known."""

SPAN: Final = np.dtype(
    [
        ("begins", np.int64),  # ms; to the next one's
        ("phase", np.int64),
        ("journey", np.int64),
        ("place", np.int64),
        ("limits", np.int64),  # a row of the book's limits
    ]
)

Span = tuple[int, int, int, int, int]


class Surroundings:
    """Spans of all lots, one after the other. A lot's own are at [at, at + count); the first of all
    is that of lots of which nothing is known, whose count is 0."""

    def __init__(self) -> None:
        self.spans = np.zeros(1, SPAN)
        self.used = 1
        """How many spans there are, with those that nobody has any more."""

    def put(self, spans: Sequence[Span]) -> int:
        """Where these, by time, now are. What a lot had before stays where it is, unused."""
        at, self.used = self.used, self.used + len(spans)
        if self.used > len(self.spans):
            self.spans = np.resize(self.spans, 2 * self.used)
        self.spans[at : self.used] = spans
        return at

    def gather(self, at: Ints, count: Ints) -> Ints:
        """Keep the spans of these lots (n,) alone; returns where each lot's are now."""
        moved = 1 + np.cumsum(count) - count
        index = np.arange(1, 1 + count.sum()) + np.repeat(at - moved, count)
        self.spans = self.spans[np.concatenate(([0], index))]
        self.used = len(self.spans)
        return np.where(count > 0, moved, 0)


def located(spans: Records, at: Ints, count: Ints, starts: Ints, time: Ints) -> Ints:
    """(n,) the span that each sample is in. ``at``, ``count``, ``starts``: of m lots."""
    found = np.empty(len(time), np.int64)
    begins = np.ascontiguousarray(spans["begins"])
    kernels.locate(begins, at, count, starts, time, found)
    return found
