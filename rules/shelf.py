"""States of many lots, packed: of each only what differs from one that nothing is known of.

A lot's state is a row of words of 8 bytes. Most of them are what they were at first: a rule that is
idle, the wool's moisture of a lot of lead. Others are the time of its newest sample. Two bits a
word say which; all others stand behind these, as they are, so that nothing is lost. A million lots
take a third of what their columns would, and a state is few lines of the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lots.compiled import compiled
from lots.readings.batch import Ints
from rules.kernels import NEVER
from rules.state import States

FRESH: Final = 0  # as of a lot that nothing is known of
NEWEST: Final = 1  # the time of the lot's newest sample
KEPT: Final = 2
A_CODE: Final = 2  # bits
CODES: Final = 64 // A_CODE  # of so many words in one

STEP: Final = 2  # words: extents are multiples of it
SLACK: Final = 2  # steps that an extent may be too large, so that it need not move each time
MOST_USED: Final = 4 / 3
"""So much more than the extents take may be used, before they are moved together."""
NOWHERE: Final = -1

_EXPONENT: Final = 0x7FF0000000000000
_MANTISSA: Final = 0x000FFFFFFFFFFFFF


Steps = NDArray[np.int16]
Columns = tuple[Ints, ...]
"""Words of many lots, (m, …) each: one after another they are the lots' rows."""


class Shelf:
    """States by row. ``fresh``: of one lot that nothing is known of, which all rows are at first.

    ``newest`` (rows,) ms, of each one's state: to be read, not written.
    """

    def __init__(self, fresh: States, columns: Sequence[Ints] = ()) -> None:
        """``columns``: what another had to say, to read from."""
        self._like = fresh
        self._fresh = np.concatenate(_columns(fresh), axis=None)
        self._codes = -(-len(self._fresh) // CODES)
        self._largest = -(-(self._codes + len(self._fresh)) // STEP) * STEP
        newest, at, words = columns or [np.empty(0, np.int64) for _ in range(3)]
        self.newest, self._at, self._words = newest, at, words
        self._steps = np.zeros(len(self._at), np.int16)
        sizes(self._at, self._words, self._codes, self._steps)
        self._used = np.zeros(1, np.int64)
        self._free = np.full(self._largest // STEP + 1, NOWHERE, np.int64)
        """By an extent's steps, the first that is free; its first word says which is the next."""

    def resize(self, rows: int) -> None:
        """Have room for ``rows``."""
        more = rows - len(self.newest)
        self.newest = np.concatenate((self.newest, np.full(more, NEVER)))
        self._at = np.concatenate((self._at, np.full(more, NOWHERE)))
        self._steps = np.concatenate((self._steps, np.zeros(more, np.int16)))

    def take(self, rows: Ints) -> States:
        """The states at ``rows``: copies, that can go their own way."""
        columns = tuple(
            np.empty((len(rows), _width(column)), np.int64) for column in self._like.columns()
        )
        unpack(rows, self.newest, self._at, self._words, self._fresh, self._codes, columns)
        return _states(columns, self._like)

    def put(self, rows: Ints, states: States) -> None:
        """Write ``states`` over those at the distinct ``rows``."""
        self._make_room(len(rows))
        pack(
            rows, _columns(states), self._fresh, self._codes,
            self.newest, self._at, self._steps, self._words, self._used, self._free,
        )  # fmt: skip

    def is_like(self, other: Shelf) -> bool:
        """Whether states are packed alike in both, if both have the same columns."""
        return np.array_equal(self._fresh, other._fresh)

    def match(self, rows: Ints, other: Shelf, theirs: Ints | None = None) -> None:
        """Let the states at the distinct ``rows`` be those that ``other``, of the same columns and
        `is_like` it, has at ``theirs``; None: at the same rows."""
        if not len(rows):
            return
        self._make_room(len(rows))
        carry(
            rows if theirs is None else theirs, other.newest, other._at, other._steps, other._words,
            rows, self.newest, self._at, self._steps, self._words, self._used, self._free,
        )  # fmt: skip

    def _make_room(self, rows: int) -> None:
        needed = rows * self._largest
        if self._used[0] + needed <= len(self._words):
            return
        if self._used[0] > MOST_USED * STEP * int(self._steps.sum(dtype=np.int64)):
            self._tidy()
        room = int(self._used[0]) + needed
        # In place, where the system can: what there is is not in memory twice.
        self._words.resize(room + room // 8, refcheck=False)

    def _tidy(self) -> None:
        """Let extents stand one behind the other. States grow together while lots are new, and
        none needs the small extents that all have left."""
        rows = np.flatnonzero(self._at != NOWHERE)
        rows = rows[np.argsort(self._at[rows])]
        self._used[0] = slide(rows, self._at, self._steps, self._words)
        self._free[:] = NOWHERE

    def only(self, rows: Ints) -> Shelf:
        """A shelf with what is at ``rows`` alone."""
        found = Shelf(self._like)
        found.resize(len(rows))
        found.match(np.arange(len(rows)), self, rows)
        return found

    def columns(self) -> tuple[Ints, Ints, Ints]:
        """What it is made of: one can be made of these again."""
        return self.newest, self._at, self._words[: self._used[0]]

    def clear(self, rows: Ints) -> None:
        """Let nothing be known at ``rows``."""
        drop(rows, self.newest, self._at, self._steps, self._words, self._free)


def _columns(states: States) -> Columns:
    """The columns of ``states`` as words."""
    columns = (np.ascontiguousarray(column) for column in states.columns())
    return tuple(column.view(np.int64).reshape(len(column), _width(column)) for column in columns)


def _states(columns: Columns, like: States) -> States:
    """``columns`` of words as states that have columns ``like`` these."""
    pairs = zip(columns, like.columns(), strict=True)
    return States(
        *(
            words.view(column.dtype).reshape(len(words), *column.shape[1:])
            for words, column in pairs
        )
    )


def _width(column: NDArray[Any]) -> int:
    """Words of a row."""
    return column.dtype.itemsize // 8 * math.prod(column.shape[1:])


@compiled
def unpack(
    rows: Ints, newest: Ints, at: Ints, words: Ints, fresh: Ints, codes: int, columns: Columns
) -> None:
    """Write the states at ``rows`` (m,) to ``columns``."""
    for m in range(len(rows)):
        row, n = rows[m], 0
        for column in columns:
            for i in range(column.shape[1]):
                column[m, i] = fresh[n + i]
            n += column.shape[1]
        begin = at[row]
        if begin == NOWHERE:
            continue
        kept, n, code, left = begin + codes, 0, 0, 0
        for column in columns:
            i, width = 0, column.shape[1]
            while i < width:
                if left == 0:
                    code, left = words[begin + n // CODES], CODES
                passed = 1
                if code == 0:  # all that is left of it is fresh
                    passed = min(left, width - i)
                elif code & 3 == NEWEST:
                    column[m, i] = newest[row]
                elif code & 3 == KEPT:
                    column[m, i] = words[kept]
                    kept += 1
                code >>= A_CODE
                i += passed
                n += passed
                left -= passed


@compiled
def pack(
    rows: Ints, columns: Columns, fresh: Ints, codes: int,
    newest: Ints, at: Ints, steps: Steps, words: Ints, used: Ints, free: Ints,
) -> None:  # fmt: skip
    """Write the states in ``columns`` to ``rows`` (m,).

    A lot's first word is its newest time. Behind ``used`` there is room for the largest extents.
    """
    found = np.empty(codes + len(fresh), np.int64)
    for m in range(len(rows)):
        row, now = rows[m], columns[0][m, 0]
        newest[row] = now
        found[:codes] = 0
        n, count = 0, codes
        for column in columns:
            own = column[m]
            like = fresh[n : n + len(own)]
            for i in range(len(own)):
                word = own[i]
                if word == like[i]:
                    continue
                if word == now:
                    found[(n + i) // CODES] |= NEWEST << ((n + i) % CODES * A_CODE)
                elif not (is_nan(word) and is_nan(like[i])):
                    found[(n + i) // CODES] |= KEPT << ((n + i) % CODES * A_CODE)
                    found[count] = word
                    count += 1
            n += len(own)
        begin = extent(row, (count + STEP - 1) // STEP, at, steps, words, used, free)
        for n in range(count):
            words[begin + n] = found[n]


@compiled
def extent(
    row: int, needed: int, at: Ints, steps: Steps, words: Ints, used: Ints, free: Ints
) -> int:
    """Where the row's extent now begins, of so many steps as are ``needed`` or a few more."""
    if not needed <= steps[row] <= needed + SLACK:
        leave(row, at, steps, words, free)
        if free[needed] != NOWHERE:
            at[row] = free[needed]
            free[needed] = words[at[row]]
        else:
            at[row] = used[0]
            used[0] += needed * STEP
        steps[row] = needed
    return int(at[row])


@compiled
def carry(
    theirs: Ints, their_newest: Ints, their_at: Ints, their_steps: Steps, their_words: Ints,
    rows: Ints, newest: Ints, at: Ints, steps: Steps, words: Ints, used: Ints, free: Ints,
) -> None:  # fmt: skip
    """Write the states that another shelf has at ``theirs`` (m,) over those at ``rows`` (m,),
    packed as they are."""
    for m in range(len(rows)):
        row, their = rows[m], theirs[m]
        newest[row] = their_newest[their]
        if their_at[their] == NOWHERE:
            leave(row, at, steps, words, free)
            continue
        begin = extent(row, their_steps[their], at, steps, words, used, free)
        for n in range(their_steps[their] * STEP):
            words[begin + n] = their_words[their_at[their] + n]


@compiled
def slide(rows: Ints, at: Ints, steps: Steps, words: Ints) -> int:
    """Move the extents of ``rows`` (m,), by where they begin, to the front; returns their end."""
    end = 0
    for row in rows:
        begin, count = at[row], steps[row] * STEP
        for n in range(count):
            words[end + n] = words[begin + n]
        at[row] = end
        end += count
    return end


@compiled
def sizes(at: Ints, words: Ints, codes: int, steps: Steps) -> None:
    """Write to ``steps`` (rows,) how many the extents that begin ``at`` (rows,) are large."""
    for row in range(len(at)):
        if at[row] != NOWHERE:
            count = codes
            for code in words[at[row] : at[row] + codes]:
                for word in range(CODES):
                    count += (code >> word * A_CODE & 3) == KEPT
            steps[row] = (count + STEP - 1) // STEP


@compiled
def is_nan(word: int) -> bool:
    """Whether the number whose bits these are is none."""
    return (word & _EXPONENT) == _EXPONENT and (word & _MANTISSA) != 0


@compiled
def leave(row: int, at: Ints, steps: Steps, words: Ints, free: Ints) -> None:
    """Give a row's extent back."""
    if at[row] != NOWHERE:
        words[at[row]] = free[steps[row]]
        free[steps[row]] = at[row]
        at[row], steps[row] = NOWHERE, 0


@compiled
def drop(rows: Ints, newest: Ints, at: Ints, steps: Steps, words: Ints, free: Ints) -> None:
    """Let nothing be known at ``rows``."""
    for row in rows:
        leave(row, at, steps, words, free)
        newest[row] = NEVER


def prepare() -> None:
    """Have everything in here compiled, or fetched from where it is kept."""
    whole, steps = np.empty(0, np.int64), np.empty(0, np.int16)
    columns = tuple(np.empty((0, 1), np.int64) for _ in fields(States))
    unpack(whole, whole, whole, whole, whole, 0, columns)
    pack(whole, columns, whole, 0, whole, whole, steps, whole, whole, whole)
    carry(whole, whole, whole, steps, whole, whole, whole, whole, steps, whole, whole, whole)
    slide(whole, whole, steps, whole)
    sizes(whole, whole, 0, steps)
    drop(whole, whole, whole, steps, whole, whole)
