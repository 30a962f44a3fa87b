"""What the registry says of lots, as columns: what many lots have in common is there once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lots.climate import LotKey
from lots.readings.batch import Ints
from rules.kernels import FAR, Records
from rules.state import FACTS, Book, LotFacts, facts_row, rows_of, silence_limit_ms
from rules.surroundings import Surroundings

WATCH: Final = np.dtype(
    [
        # When silence may begin at all: ms, the first and the last that a tag should be heard, and
        # how long a lot may be silent at least.
        ("watched_from", np.int64),
        ("watched_to", np.int64),
        ("patience", np.int64),
    ]
)

NOTHING: Final = 0
"""The number of a lot of which nothing is said."""

LEAST: Final = 256
"""Different facts that there is room for at least."""


class Register:
    """The facts of the lots in each row of a table."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._by_lot = book.tells_lots_apart
        self.of: NDArray[np.int32] = np.empty(0, np.int32)
        """(rows,) which facts a lot has."""
        self._begin()

    def _begin(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._facts: list[LotFacts | None] = [None]
        self._columns = np.zeros(LEAST, FACTS)
        self._columns["kind"] = -1
        self._watches = np.zeros(LEAST, WATCH)
        self._watches["watched_from"] = FAR
        self.surroundings = Surroundings()

    def resize(self, rows: int) -> None:
        """Have room for ``rows``."""
        more = np.full(rows - len(self.of), NOTHING, np.int32)
        self.of = np.concatenate((self.of, more))

    def facts(self, rows: Ints) -> Records:
        """(n,) `FACTS` of the lots at ``rows``; of one without facts the kind is -1."""
        return rows_of(self._columns, self.of[rows])

    def watches(self) -> Records:
        """(rows,) `WATCH` of all."""
        return rows_of(self._watches, self.of)

    def at(self, row: int) -> LotFacts | None:
        """What is said of the lot at ``row``, but for its name."""
        return self._facts[int(self.of[row])]

    def put(self, row: int, key: LotKey, facts: LotFacts) -> bool:
        """Let the lot at ``row`` have ``facts``; whether that is news."""
        shared = replace(facts, tenant="", lot="")
        # Overlays may tell lots apart that are otherwise alike.
        same = (shared, key.tenant, key.lot if self._by_lot else "")
        number = self._numbers.get(same)
        if number is None:
            number = self._numbers[same] = self._add(shared, facts)
        news = bool(self.of[row] != number)
        self.of[row] = number
        return news

    def drop(self, row: int) -> None:
        """Nothing is said any more of the lot at ``row``."""
        self.of[row] = NOTHING

    def tidy(self, keys: Iterable[LotKey]) -> None:
        """Let go of facts that no lot has any more, where they are most. ``keys``: by row."""
        if len(self._facts) <= 2 * len(np.unique(self.of)) + LEAST:
            return
        before, of = self._facts, self.of.tolist()
        self._begin()
        for row, key in enumerate(keys):
            if (facts := before[of[row]]) is not None:
                self.put(row, key, replace(facts, tenant=key.tenant, lot=key.lot))

    def _add(self, shared: LotFacts, facts: LotFacts) -> int:
        number = len(self._facts)
        if number == len(self._columns):
            self._columns, self._watches = (
                np.concatenate((column, column)) for column in (self._columns, self._watches)
            )
        at = self.surroundings.put(self._book.spans(facts))
        self._columns[number] = facts_row(facts, self._book, at)
        tests = self._book.silences[self._columns["kind"][number]]
        watch = self._watches[number]
        watch["watched_from"] = min((begins for begins, _ in facts.watched), default=FAR)
        watch["watched_to"] = max((ends for _, ends in facts.watched), default=-FAR)
        watch["patience"] = min((silence_limit_ms(test, facts) for _, test in tests), default=FAR)
        self._facts.append(shared)
        return number
