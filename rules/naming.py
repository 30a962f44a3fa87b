"""Rows by lot, and lots by row, without an object for each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lots import names
from lots.climate import LotKey
from lots.names import Names
from lots.readings.batch import Ints

NOBODY = LotKey("", "")
"""In a row that is free."""
NO_ROW = -1


class _Tenant:
    """Lots of one tenant that are in a row, or were: their names stay known."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number
        self.lots = Names()
        self.rows = array("i")
        """Of each of ``lots``; `NO_ROW` of one that is in none."""


class Rows(Mapping[LotKey, int]):
    """lot -> its row."""

    def __init__(self) -> None:
        self._of: dict[str, _Tenant] = {}
        self._tenants: list[_Tenant] = []
        self._tenant, self._lot = array("i"), array("i")
        """By row: whose the lot is, and which of theirs; -1 of a row that is free."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[LotKey]:
        return (self.at(row) for row in range(self.room) if self._lot[row] >= 0)

    def __getitem__(self, key: LotKey) -> int:
        of = self._of.get(key.tenant)
        number = of.lots.number(key.lot) if of else names.NOBODY
        if of is None or number == names.NOBODY or of.rows[number] == NO_ROW:
            raise KeyError(key)
        return of.rows[number]

    def of(self, tenant: str, lots: Sequence[str]) -> Ints:
        """(n,) rows of ``lots``; `NO_ROW` where one has none."""
        of = self._of.get(tenant)
        if of is None:
            return np.full(len(lots), NO_ROW)
        numbers = of.lots.find(lots)
        known = numbers != names.NOBODY
        found = np.full(len(lots), NO_ROW)
        found[known] = np.frombuffer(of.rows, np.int32)[numbers[known]]
        return found

    def put(self, tenant: str, lots: Sequence[str], rows: Sequence[int]) -> None:
        """Let ``lots``, which have no row, have these, which are free."""
        if tenant not in self._of:
            self._tenants.append(_Tenant(tenant, len(self._tenants)))
            self._of[tenant] = self._tenants[-1]
        of = self._of[tenant]
        numbers = of.lots.add(lots)
        of.rows.extend([NO_ROW] * (len(of.lots) - len(of.rows)))
        for column, index, values in (
            (of.rows, numbers, rows),
            (self._tenant, rows, of.number),
            (self._lot, rows, numbers),
        ):
            np.frombuffer(column, np.int32)[index] = values
        self._count += len(rows)

    def drop(self, row: int) -> None:
        """Let a row that has a lot be free."""
        self._tenants[self._tenant[row]].rows[self._lot[row]] = NO_ROW
        self._lot[row] = names.NOBODY
        self._count -= 1

    @property
    def room(self) -> int:
        """Rows that there are."""
        return len(self._lot)

    def resize(self, rows: int) -> None:
        """Have room for ``rows``."""
        more = array("i", [names.NOBODY]) * (rows - self.room)
        self._tenant += more
        self._lot += more

    def at(self, row: int) -> LotKey:
        """The lot in a row; `NOBODY`: it is free."""
        number = self._lot[row]
        if number == names.NOBODY:
            return NOBODY
        of = self._tenants[self._tenant[row]]
        return LotKey(of.name, of.lots[number])


class Keys:
    """row -> the lot; `NOBODY`: it is free."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows.room

    def __getitem__(self, row: int) -> LotKey:
        return self._rows.at(row)

    def __iter__(self) -> Iterator[LotKey]:
        return map(self._rows.at, range(len(self)))


def by_tenant(keys: Sequence[LotKey]) -> Iterator[tuple[str, list[int], list[str]]]:
    """Each tenant of ``keys``, where in these its lots are, and what they are called."""
    places: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        places.setdefault(key.tenant, []).append(number)
    for tenant, its in places.items():
        yield tenant, its, [keys[number].lot for number in its]
