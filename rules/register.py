"""What the registry says of lots, as columns: what many lots have in common is there once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lots.climate import LotKey
from lots.readings.batch import Bools, Ints
from rules.kernels import FAR, Records
from rules.state import FACTS, Book, LotFacts, Said, Watched, facts_row, rows_of, silence_limit_ms
from rules.surroundings import Surroundings

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
        self.watched_from = np.empty(0, np.int64)
        self.watched_to = np.empty(0, np.int64)
        """(rows,) the first and the last (ms) that a tag should be heard; `FAR`, -`FAR`: never."""
        self._several: dict[int, Watched] = {}
        """By row, of lots that are watched in more than one span."""
        self._begin()

    def _begin(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._facts: list[LotFacts | None] = [None]
        self._columns = np.zeros(LEAST, FACTS)
        self._columns["kind"] = -1
        self._patience = np.full(LEAST, FAR)
        self.surroundings = Surroundings()

    def resize(self, rows: int) -> None:
        """Have room for ``rows``."""
        more = rows - len(self.of)
        self.of = np.concatenate((self.of, np.full(more, NOTHING, np.int32)))
        self.watched_from = np.concatenate((self.watched_from, np.full(more, FAR)))
        self.watched_to = np.concatenate((self.watched_to, np.full(more, -FAR)))

    def facts(self, rows: Ints) -> Records:
        """(n,) `FACTS` of the lots at ``rows``; of one without facts the kind is -1."""
        return rows_of(self._columns, self.of[rows])

    def patience(self) -> Ints:
        """(rows,) how long (ms) a lot may be silent at least."""
        return np.take(self._patience, self.of)

    def at(self, row: int, key: LotKey) -> LotFacts | None:
        """What is said of the lot at ``row``, which is called so."""
        facts = self._facts[int(self.of[row])]
        if facts is None:
            return None
        watched = self._several.get(row, ())
        if not watched and self.watched_from[row] != FAR:
            watched = ((int(self.watched_from[row]), int(self.watched_to[row])),)
        return replace(facts, tenant=key.tenant, lot=key.lot, watched=watched)

    def put(self, rows: Ints, said: Said) -> Bools:
        """Let the lots at ``rows`` (n,) have what is said of them; (n,) of which that is news."""
        facts, of = said.facts, said.of
        if self._by_lot:
            facts = [replace(facts[n], lot=lot) for lot, n in zip(said.lots, of, strict=True)]
            of = list(range(len(facts)))
        numbers = np.asarray([self._number(each) for each in facts], np.int32)
        begins = [min((begins for begins, _ in spans), default=FAR) for spans in said.watched]
        ends = [max((ends for _, ends in spans), default=-FAR) for spans in said.watched]
        news = np.zeros(len(rows), np.bool_)
        columns: list[NDArray[Any]] = [self.of, self.watched_from, self.watched_to]
        said_now = numbers[np.asarray(of, np.int64)], begins, ends
        for column, values in zip(columns, said_now, strict=True):
            news |= column[rows] != values
            column[rows] = values
        for number, (row, spans) in enumerate(zip(rows.tolist(), said.watched, strict=True)):
            before = self._several.pop(row, ())
            if len(spans) > 1:
                self._several[row] = spans
            if before != self._several.get(row, ()):
                news[number] = True
        return news

    def _number(self, facts: LotFacts) -> int:
        shared = replace(facts, tenant="", lot="", watched=())
        # Overlays may tell lots apart that are otherwise alike.
        same = (shared, facts.tenant, facts.lot if self._by_lot else "")
        number = self._numbers.get(same)
        if number is None:
            number = self._numbers[same] = self._add(shared, facts)
        return number

    def drop(self, row: int) -> None:
        """Nothing is said any more of the lot at ``row``."""
        self.of[row], self.watched_from[row], self.watched_to[row] = NOTHING, FAR, -FAR
        self._several.pop(row, None)

    def tidy(self, keys: Iterable[LotKey]) -> None:
        """Let go of facts that no lot has any more, where they are most. ``keys``: by row."""
        if len(self._facts) <= 2 * len(np.unique(self.of)) + LEAST:
            return
        before, of = self._facts, self.of.tolist()
        self._begin()
        for row, key in enumerate(keys):
            if (facts := before[of[row]]) is not None:
                self.of[row] = self._number(replace(facts, tenant=key.tenant, lot=key.lot))

    def _add(self, shared: LotFacts, facts: LotFacts) -> int:
        number = len(self._facts)
        if number == len(self._columns):
            self._columns, self._patience = (
                np.concatenate((column, column)) for column in (self._columns, self._patience)
            )
        at = self.surroundings.put(self._book.spans(facts))
        self._columns[number] = facts_row(facts, self._book, at)
        tests = self._book.silences[self._columns["kind"][number]]
        limits = (silence_limit_ms(test, facts) for _, test in tests)
        self._patience[number] = min(limits, default=FAR)
        self._facts.append(shared)
        return number
