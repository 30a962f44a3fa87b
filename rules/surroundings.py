"""What lots are in the middle of, as columns in which the fold looks times up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from lots.circumstances import Course
from lots.normals import HOURS, MONTHS, QUANTITIES, Normals
from lots.readings.batch import Ints
from lots.terms import Phase, PlaceKind
from rules import ahead, kernels
from rules.ahead import COURSE
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
        ("course", np.int64),  # a row of its courses; -1: none
    ]
)

Span = tuple[int, int, int, int, int, int]


class Courses:
    """Courses and the climates between which they lie, each once however many lots are on it."""

    def __init__(self) -> None:
        # By climate, month and hour its normals, and last the day's swing: how far the hour's mean
        # is off the day's. What is asked for together stands together.
        self.normals = np.zeros((1, MONTHS, HOURS, len(QUANTITIES) + 1), np.float32)
        self.courses = np.zeros(1, COURSE)
        self._climates: dict[Normals, int] = {}
        self._rows: dict[Course, int] = {}

    def row(self, course: Course | None) -> int:
        """Of ``courses``; -1 for none."""
        if course is None:
            return -1
        if course not in self._rows:
            ends = self._climate(course.origin), self._climate(course.destination)
            at = self._rows[course] = len(self._rows)
            if at == len(self.courses):
                self.courses = np.resize(self.courses, 2 * at)
            self.courses[at] = (course.departs, course.arrives, *ends)
        return self._rows[course]

    def _climate(self, normals: Normals) -> int:
        if normals not in self._climates:
            at = self._climates[normals] = len(self._climates)
            if at == len(self.normals):
                self.normals = np.concatenate((self.normals, np.zeros_like(self.normals)))
            table = normals.table
            self.normals[at, ..., :-1] = np.moveaxis(table, 0, -1)
            self.normals[at, ..., -1] = table[0] - table[0].mean(axis=1, keepdims=True)
        return self._climates[normals]


class Surroundings:
    """Spans of all lots, one after the other. A lot's own are at [at, at + count); the first of all
    is that of lots of which nothing is known, whose count is 0."""

    def __init__(self) -> None:
        self.spans = np.zeros(1, SPAN)
        self.spans["course"] = -1
        self._used = 1

    def put(self, spans: Sequence[Span]) -> int:
        """Where these, by time, now are."""
        at, self._used = self._used, self._used + len(spans)
        if self._used > len(self.spans):
            self.spans = np.resize(self.spans, 2 * self._used)
        self.spans[at : self._used] = spans
        return at


def located(spans: Records, at: Ints, count: Ints, starts: Ints, time: Ints) -> Ints:
    """(n,) the span that each sample is in. ``at``, ``count``, ``starts``: of m lots."""
    found = np.empty(len(time), np.int64)
    kernels.locate(spans, at, count, starts, time, found)
    return found


def prepare() -> None:
    """Have what looks in spans compiled, or fetched from where it is kept."""
    whole, real, none = np.empty(0, np.int64), np.empty(0), Courses()
    kernels.locate(np.zeros(1, SPAN), whole, whole, np.zeros(1, np.int64), whole, whole)
    ahead.look(
        np.zeros(1, SPAN), whole, whole, np.zeros(1, np.int64), whole, real, real, real, real, real,
        0, none.courses, none.normals, np.empty((3, 0)),
    )  # fmt: skip
    ahead.expected(none.courses[0], none.normals, 0, False)
    ahead.is_cooled(0.0, 0.0, 0.0)
