"""States of many lots, packed: of each only what differs from one that nothing is known of.

A lot's state is a row of words of 8 bytes. Most of them are what they were at first: a rule that is
idle, the wool's moisture of a lot of lead. Others say what a word before them says: the time of its
newest sample, or the air's temperature once more (`rules.alike`). Two lists of bytes say which are
kept and which are alike; the kept ones stand behind these, as they are, so that nothing is lost. A
million lots take a tenth of what their columns would, and a state is few lines of the processor's
cache.
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
from rules.alike import alike
from rules.kernels import NEVER
from rules.state import States

HEAD: Final = 4
"""Bytes that an extent begins with: how many each of its two lists has, by 2 bytes each."""
FURTHER: Final = 255
"""A list has how far each word is from the one before it; this is so far, and there is none."""
TOGETHER: Final = 8
"""So many words are passed over at once if none differs; so many lots are unpacked at once."""

FETCHED: Final = 256
"""States that are fetched before the first of them is touched: they stay in the nearest cache."""
LINE: Final = 8  # words in a line of the processor's cache
LINES: Final = 3
"""Of a state that are fetched: most have no more."""

STEP: Final = 2  # words: extents are multiples of it
SLACK: Final = 2  # steps that an extent may be too large, so that it need not move each time
MOST_USED: Final = 4 / 3
"""So much more than the extents take may be used, before they are moved together."""
NOWHERE: Final = -1

_EXPONENT: Final = 0x7FF0000000000000
_MANTISSA: Final = 0x000FFFFFFFFFFFFF


Steps = NDArray[np.int16]
Bytes = NDArray[np.uint8]
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
        self._alike = alike(fresh)
        width = len(self._fresh)
        listed_in = -(-(HEAD + 2 * width) // 8)
        self._largest = -(-(listed_in + width) // STEP) * STEP
        newest, at, words = columns or [np.empty(0, np.int64) for _ in range(3)]
        self.newest, self._at, self._words = newest, at, words
        self._steps = np.zeros(len(self._at), np.int16)
        sizes(self._at, self._words.view(np.uint8), self._steps)
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
        unpack(
            rows, self.newest, self._at, self._steps, self._words, self._words.view(np.uint8),
            self._fresh, self._alike, columns,
        )  # fmt: skip
        return _states(columns, self._like)

    def put(self, rows: Ints, states: States) -> None:
        """Write ``states`` over those at the distinct ``rows``."""
        self._make_room(len(rows))
        pack(
            rows, _columns(states), self._fresh, self._alike,
            self.newest, self._at, self._steps, self._words, self._words.view(np.uint8),
            self._used, self._free,
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
    rows: Ints, newest: Ints, at: Ints, steps: Steps, words: Ints, content: Bytes, fresh: Ints,
    alike: Ints, columns: Columns,
) -> int:  # fmt: skip
    """Write the states at ``rows`` (m,) to ``columns``; ``content``: the bytes of ``words``.

    A lot's first word is its newest time. Returns what `fetch` does.
    """
    some, fetched = np.empty((TOGETHER, len(fresh)), np.int64), 0
    for first in range(0, len(rows), TOGETHER):
        if first % FETCHED == 0:
            fetched += fetch(rows[first : first + FETCHED], newest, at, steps, words)
        # What was just written word by word is not read again at once: that would wait.
        end = min(first + TOGETHER, len(rows))
        for m in range(first, end):
            read(rows[m], newest, at, words, content, fresh, alike, some[m - first])
        before = 0
        for column in columns:
            width = column.shape[1]
            for m in range(first, end):
                its, own = column[m], some[m - first, before : before + width]
                for i in range(width):
                    its[i] = own[i]
            before += width
    return fetched


@compiled
def fetch(rows: Ints, newest: Ints, at: Ints, steps: Steps, words: Ints) -> int:
    """Have what is kept of ``rows`` (m,) come from memory to the processor's cache.

    Who reads state after state waits for each to come; here nothing waits for anything, so that
    many come at once. Returns a sum that is of no use, lest the compiler leave it all out.
    """
    found, last = 0, len(words) - 1
    for row in rows:
        found += newest[row] + steps[row] + at[row]
    for row in rows:
        if at[row] != NOWHERE:
            for line in range(LINES):
                found += words[min(at[row] + line * LINE, last)]
    return found


@compiled
def read(
    row: int, newest: Ints, at: Ints, words: Ints, content: Bytes, fresh: Ints, alike: Ints,
    own: Ints,
) -> None:  # fmt: skip
    """Write the state at ``row`` to ``own`` (words,)."""
    for i in range(len(fresh)):
        own[i] = fresh[i]
    own[0] = newest[row]
    if at[row] == NOWHERE:
        return
    place = at[row] * 8
    kept, same = listed(content, place)
    size = HEAD + kept + same
    keeps, i, word = words[at[row] + in_words(size) :], 0, 0
    for step in content[place + HEAD : place + HEAD + kept]:
        i += step
        if step != FURTHER:
            own[i] = keeps[word]
            word += 1
    i = 0
    for step in content[place + HEAD + kept : place + size]:
        i += step
        if step != FURTHER:
            own[i] = own[alike[i]]


@compiled
def pack(
    rows: Ints, columns: Columns, fresh: Ints, alike: Ints, newest: Ints,
    at: Ints, steps: Steps, words: Ints, content: Bytes, used: Ints, free: Ints,
) -> int:  # fmt: skip
    """Write the states in ``columns`` to ``rows`` (m,).

    Behind ``used`` there is room for the largest extents. Returns what `fetch` does.
    """
    width, fetched = len(fresh), 0
    own, kept, same = np.empty((3, width), np.int64)
    lists = np.empty(HEAD + 2 * width, np.uint8)
    differs = np.zeros((width + TOGETHER - 1) // TOGETHER * TOGETHER, np.uint8)
    some_differ = differs.view(np.uint64)
    for m in range(len(rows)):
        if m % FETCHED == 0:
            fetched += fetch(rows[m : m + FETCHED], newest, at, steps, words)
        row, first = rows[m], 0
        for column in columns:
            its = column[m]
            part = own[first : first + len(its)]
            for i in range(len(its)):
                part[i] = its[i]
            first += len(its)
        newest[row] = own[0]
        for i in range(width):
            differs[i] = own[i] != fresh[i]
        differs[0] = 0
        keeps, says = 0, 0
        for n in range(len(some_differ)):
            if some_differ[n]:
                for i in range(n * TOGETHER, (n + 1) * TOGETHER):
                    if differs[i]:
                        if own[i] == own[alike[i]]:
                            same[says] = i
                            says += 1
                        elif not (is_nan(own[i]) and is_nan(fresh[i])):
                            kept[keeps] = i
                            keeps += 1
        behind = enlist(kept, keeps, lists, HEAD)
        size = enlist(same, says, lists, behind)
        head(lists, behind - HEAD, size - behind)
        count = in_words(size) + keeps
        begin = extent(row, (count + STEP - 1) // STEP, at, steps, words, used, free)
        for n in range(size):
            content[begin * 8 + n] = lists[n]
        begin += in_words(size)
        for n in range(keeps):
            words[begin + n] = own[kept[n]]
    return fetched


@compiled
def in_words(size: int) -> int:
    """The words that ``size`` bytes take."""
    return (size + 7) >> 3


@compiled
def head(lists: Bytes, kept: int, same: int) -> None:
    lists[0], lists[1], lists[2], lists[3] = kept & 255, kept >> 8, same & 255, same >> 8


@compiled
def listed(content: Bytes, place: int) -> tuple[int, int]:
    """How many bytes the list of the kept words has, and that of those that are alike."""
    kept, same = content[place] | content[place + 1] << 8, content[place + 2]
    return kept, same | content[place + 3] << 8


@compiled
def enlist(which: Ints, count: int, lists: Bytes, place: int) -> int:
    """Write the first ``count`` of ``which`` as a list to ``place``; returns where it ends."""
    before = 0
    for n in range(count):
        gap = which[n] - before
        before = which[n]
        while gap >= FURTHER:
            lists[place] = FURTHER
            gap -= FURTHER
            place += 1
        lists[place] = gap
        place += 1
    return place


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
) -> int:  # fmt: skip
    """Write the states that another shelf has at ``theirs`` (m,) over those at ``rows`` (m,),
    packed as they are. Returns what `fetch` does."""
    fetched = 0
    for m in range(len(rows)):
        if m % FETCHED == 0:
            some = slice(m, m + FETCHED)
            fetched += fetch(theirs[some], their_newest, their_at, their_steps, their_words)
            fetched += fetch(rows[some], newest, at, steps, words)
        row, their = rows[m], theirs[m]
        newest[row] = their_newest[their]
        if their_at[their] == NOWHERE:
            leave(row, at, steps, words, free)
            continue
        begin = extent(row, their_steps[their], at, steps, words, used, free)
        count = their_steps[their] * STEP
        its, own = their_words[their_at[their] :][:count], words[begin : begin + count]
        for n in range(count):
            own[n] = its[n]
    return fetched


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
def sizes(at: Ints, content: Bytes, steps: Steps) -> None:
    """Write to ``steps`` (rows,) how many the extents that begin ``at`` (rows,) are large."""
    for row in range(len(at)):
        if at[row] != NOWHERE:
            kept, same = listed(content, at[row] * 8)
            count, place = in_words(HEAD + kept + same), at[row] * 8 + HEAD
            for n in range(place, place + kept):
                count += content[n] != FURTHER
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
    content = np.empty(0, np.uint8)
    columns = tuple(np.empty((0, 1), np.int64) for _ in fields(States))
    unpack(whole, whole, whole, steps, whole, content, whole, whole, columns)
    pack(
        whole, columns, whole, whole, whole, whole, steps, whole, content, whole, whole
    )  # fmt: skip
    carry(whole, whole, whole, steps, whole, whole, whole, whole, steps, whole, whole, whole)
    slide(whole, whole, steps, whole)
    sizes(whole, content, steps)
    drop(whole, whole, whole, steps, whole, whole)
