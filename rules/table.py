"""All lots in memory: a row each in columns that grow together."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from lots.climate import Chosen, LotKey
from lots.readings.batch import Ints
from rules.kernels import NEVER, Records
from rules.naming import NO_ROW, Keys, Rows, by_tenant
from rules.register import NOTHING, Register
from rules.shelf import Shelf
from rules.state import Book, LotFacts, Said
from rules.window import Window

LEAST = 256
"""Rows that there is room for at least."""

_NOT_SOUGHT = -2

NOTE = np.dtype(
    [
        ("heard", np.bool_),  # it was folded, or is known to be silent; else it has only facts
        ("changed", np.bool_),  # its numbers moved, and were not shown since
        ("silent", np.bool_),  # a rule of silence fires for it
        ("checkpoint", np.int32),  # the day (since 1970) of its last checkpoint, 0: of none
    ]
)


class LotTable:
    """Rows by key. ``base``: the states before the window's samples, ``head`` after them.

    ``middle``: states between the two, of lots that have many samples: their bases move on to these
    and nothing is folded a second time. It has no rows before there is one.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self.rows = Rows()
        self.keys = Keys(self.rows)
        self._free = array("i")
        self.base, self.middle, self.head = (Shelf(book.fresh(1)) for _ in range(3))
        self.register = Register(book)
        self.notes: Records = np.zeros(0, NOTE)
        self.window = Window()
        self.known: Mapping[LotKey, LotFacts] = _Known(self)
        self._whole: Sequence[LotKey] = ()
        """Whose rows were sought last, and what was found."""
        self._found = np.empty(0, np.int64)

    def row(self, key: LotKey) -> int:
        """The row of a lot; it gets one if it has none."""
        found = self.rows.get(key)
        return int(self.rows_for(key.tenant, [key.lot])[0]) if found is None else found

    def rows_for(self, tenant: str, lots: Sequence[str]) -> Ints:
        """(n,) the rows of ``lots``; those that have none get one."""
        found = self.rows.of(tenant, lots)
        new = list(dict.fromkeys(lots[n] for n in np.flatnonzero(found == NO_ROW).tolist()))
        if not new:
            return found
        while len(self._free) < len(new):
            self._grow(max(LEAST, 2 * len(self.keys)))
        self.rows.put(tenant, new, [self._free.pop() for _ in new])
        self._whole = ()
        return self.rows.of(tenant, lots)

    def rows_of(self, keys: Sequence[LotKey]) -> Ints:
        """(n,) rows of ``keys``; `NO_ROW` where one has none."""
        if not isinstance(keys, Chosen):
            found = np.full(len(keys), NO_ROW)
            for tenant, places, lots in by_tenant(keys):
                found[places] = self.rows.of(tenant, lots)
            return found
        if self._whole is not keys.whole:
            self._whole, self._found = keys.whole, np.full(len(keys.whole), _NOT_SOUGHT)
        found = self._found[keys.numbers]
        if (unsought := found == _NOT_SOUGHT).any():
            numbers = keys.numbers[unsought]
            sought = [keys.whole[number] for number in numbers.tolist()]
            found[unsought] = self._found[numbers] = self.rows_of(sought)
        return found

    def middles(self, rows: Ints) -> Ints:
        """(n,) ms, the newest sample in each one's middle state; `NEVER` where there is none."""
        if not len(self.middle.newest):
            return np.full(len(rows), NEVER)
        return self.middle.newest[rows]

    def halve(self, rows: Ints) -> None:
        """Let the middle states of ``rows`` be their heads as they are now."""
        if len(rows):
            if not len(self.middle.newest):
                self.middle.resize(len(self.keys))
            self.middle.match(rows, self.head)

    def spoil(self, rows: Ints) -> None:
        """Let ``rows`` have no middle states."""
        if len(self.middle.newest):
            self.middle.clear(rows)

    def rows_made(self, keys: Sequence[LotKey]) -> Ints:
        """As `rows_of`; those that have none get one."""
        found = np.empty(len(keys), np.int64)
        for tenant, places, lots in by_tenant(keys):
            found[places] = self.rows_for(tenant, lots)
        return found

    def know(self, facts: Mapping[LotKey, LotFacts]) -> None:
        """Take over the lots' facts; a lot that has none any more keeps its row."""
        keys = list(facts)
        for tenant, places, lots in by_tenant(keys):
            its = [facts[keys[place]] for place in places]
            watched = [each.watched for each in its]
            self.learn(tenant, [Said(lots, its, list(range(len(its))), watched)])
        for key in [key for key in self.known if key not in facts]:
            self.register.drop(self.rows[key])

    def learn(self, tenant: str, said: Iterable[Said]) -> tuple[Ints, Ints]:
        """Take over some lots' facts; returns their rows, and those to which they are news."""
        self.register.tidy(self.keys)
        rows, news = [], []
        for part in said:
            its = self.rows_for(tenant, part.lots)
            rows.append(its)
            news.append(its[self.register.put(its, part)])
        return np.concatenate([_nothing(), *rows]), np.concatenate([_nothing(), *news])

    def take_over(self, other: LotTable) -> None:
        """The rows and facts of ``other``, which is of no use afterwards, and nothing else."""
        self._grow(len(other.keys))
        self.rows, self.keys, self._free = other.rows, other.keys, other._free
        self.register = other.register

    def forget(self, key: LotKey) -> None:
        """Give a lot's row back."""
        row = self.rows.get(key)
        if row is not None:
            self._whole = ()
            self._clear(np.asarray([row]))
            self.register.drop(row)
            self.rows.drop(row)
            self._free.append(row)

    def _clear(self, rows: Ints) -> None:
        self.base.clear(rows)
        self.spoil(rows)
        self.head.clear(rows)
        self.notes[rows] = np.zeros(1, NOTE)
        self.window.drop(rows)

    def _grow(self, size: int) -> None:
        before = len(self.keys)
        rows = np.arange(before, size)
        self.base.resize(before + len(rows))
        if len(self.middle.newest):
            self.middle.resize(before + len(rows))
        self.head.resize(before + len(rows))
        self.register.resize(before + len(rows))
        self.notes = np.concatenate((self.notes, np.zeros(len(rows), NOTE)))
        self.window.resize(before + len(rows))
        self._clear(rows)
        self.rows.resize(before + len(rows))
        self._free.frombytes(rows[::-1].astype(np.int32).tobytes())


class _Known(Mapping[LotKey, LotFacts]):
    """The facts of a table's lots, of those that have some."""

    def __init__(self, table: LotTable) -> None:
        self._table = table

    def __getitem__(self, key: LotKey) -> LotFacts:
        found = self._table.register.at(self._table.rows[key], key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        row = self._table.rows.get(key) if isinstance(key, LotKey) else None
        return row is not None and bool(self._table.register.of[row] != NOTHING)

    def __iter__(self) -> Iterator[LotKey]:
        keys = self._table.keys
        return (keys[row] for row in np.flatnonzero(self._table.register.of).tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self._table.register.of))


def _nothing() -> Ints:
    return np.empty(0, np.int64)
