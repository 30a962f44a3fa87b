"""All lots in memory: a row each in columns that grow together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np

from lots.climate import Chosen, LotKey
from lots.readings.batch import Ints
from rules.kernels import Records
from rules.shelf import Shelf
from rules.state import FACTS, Book, LotFacts, facts_row, silence_limit_ms
from rules.surroundings import Surroundings
from rules.window import FAR, Window

LEAST = 256
"""Rows that there is room for at least."""

NOBODY = LotKey("", "")
_NOT_SOUGHT = -2

NOTE = np.dtype(
    [
        ("heard", np.bool_),  # it was folded, or is known to be silent; else it has only facts
        ("changed", np.bool_),  # its numbers moved, and were not shown since
        ("silent", np.bool_),  # a rule of silence fires for it
        # When silence may begin at all: ms, the first and the last that a tag should be heard, and
        # how long it may be silent at least.
        ("watched_from", np.int64),
        ("watched_to", np.int64),
        ("patience", np.int64),
    ]
)


class LotTable:
    """Rows by key. ``base``: the states before the window's samples, ``head`` after them."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.rows: dict[LotKey, int] = {}
        self.keys: list[LotKey] = []
        """By row; `NOBODY`: it is free."""
        self._free: list[int] = []
        self.base, self.head = Shelf(book.fresh(1)), Shelf(book.fresh(1))
        self.facts: Records = np.zeros(0, FACTS)
        self.notes: Records = np.zeros(0, NOTE)
        self.surroundings = Surroundings()
        self.window = Window()
        self.known: Mapping[LotKey, LotFacts] = {}
        self._whole: Sequence[LotKey] = ()
        """Whose rows were sought last, and what was found."""
        self._found = np.empty(0, np.int64)

    def row(self, key: LotKey) -> int:
        """The row of a lot; it gets one if it has none."""
        found = self.rows.get(key)
        if found is None:
            if not self._free:
                self._grow()
            found = self.rows[key] = self._free.pop()
            self.keys[found] = key
            self._whole = ()
        return found

    def rows_of(self, keys: Sequence[LotKey]) -> Ints:
        """(n,) rows of ``keys``; -1 where one has none."""
        if not isinstance(keys, Chosen):
            return np.fromiter(map(self.rows.get, keys, repeat(-1)), np.int64, len(keys))
        if self._whole is not keys.whole:
            self._whole, self._found = keys.whole, np.full(len(keys.whole), _NOT_SOUGHT)
        found = self._found[keys.numbers]
        if (unsought := found == _NOT_SOUGHT).any():
            numbers = keys.numbers[unsought]
            sought = [keys.whole[number] for number in numbers.tolist()]
            found[unsought] = self._found[numbers] = self.rows_of(sought)
        return found

    def know(self, facts: Mapping[LotKey, LotFacts]) -> None:
        """Take over the lots' facts; a lot that has none any more keeps its row."""
        self._tidy()
        for key, each in facts.items():
            if self.known.get(key) != each or key not in self.rows:
                self._note(self.row(key), each)
        for key in self.known.keys() - facts.keys():
            if key in self.rows:
                self.facts["kind"][self.rows[key]] = -1
        self.known = facts

    def forget(self, key: LotKey) -> None:
        """Give a lot's row back."""
        row = self.rows.pop(key, None)
        if row is not None:
            self._whole = ()
            self._clear(np.asarray([row]))
            self.keys[row] = NOBODY
            self._free.append(row)

    def _note(self, row: int, facts: LotFacts) -> None:
        at = self.surroundings.put(self._book.spans(facts))
        self.facts[row] = facts_row(facts, self._book, at)
        tests = self._book.silences[self.facts["kind"][row]]
        note = self.notes[row]
        note["watched_from"] = min((begins for begins, _ in facts.watched), default=FAR)
        note["watched_to"] = max((ends for _, ends in facts.watched), default=-FAR)
        note["patience"] = min((silence_limit_ms(test, facts) for _, test in tests), default=FAR)

    def _tidy(self) -> None:
        """Make room where more than half of the spans are such that nobody has any more."""
        if self.surroundings.used > 2 * self.facts["spans"].sum() + LEAST:
            self.facts["at"] = self.surroundings.gather(self.facts["at"], self.facts["spans"])

    def _clear(self, rows: Ints) -> None:
        self.base.clear(rows)
        self.head.clear(rows)
        self.facts[rows] = np.zeros(1, FACTS)
        self.facts["kind"][rows] = -1
        self.notes[rows] = np.zeros(1, NOTE)
        self.window.drop(rows)

    def _grow(self) -> None:
        before = len(self.keys)
        rows = np.arange(before, max(LEAST, 2 * before))
        self.base.resize(before + len(rows))
        self.head.resize(before + len(rows))
        self.facts = np.concatenate((self.facts, np.zeros(len(rows), FACTS)))
        self.notes = np.concatenate((self.notes, np.zeros(len(rows), NOTE)))
        self.window.resize(before + len(rows))
        self._clear(rows)
        self.keys += [NOBODY] * len(rows)
        self._free += reversed(rows.tolist())
