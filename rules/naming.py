"""Lots' names by row, and rows by name, without an object for each pair of tenant and lot."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, MutableMapping

from lots.climate import LotKey

NOBODY = LotKey("", "")


class Rows(MutableMapping[LotKey, int]):
    """lot -> its row: a table for each tenant, since a million pairs take 70 MB and are not asked
    for often."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, int]] = {}

    def __getitem__(self, key: LotKey) -> int:
        try:
            return self._of[key.tenant][key.lot]
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: LotKey, row: int) -> None:
        self._of.setdefault(key.tenant, {})[key.lot] = row

    def __delitem__(self, key: LotKey) -> None:
        del self._of[key.tenant][key.lot]

    def __iter__(self) -> Iterator[LotKey]:
        return (LotKey(tenant, lot) for tenant, of in self._of.items() for lot in of)

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))


class Keys:
    """row -> the lot; `NOBODY`: it is free."""

    def __init__(self) -> None:
        self._numbers = {NOBODY.tenant: 0}
        self._tenants = [NOBODY.tenant]
        self._tenant = array("i")
        self._lots: list[str] = []

    def __len__(self) -> int:
        return len(self._lots)

    def __getitem__(self, row: int) -> LotKey:
        return LotKey(self._tenants[self._tenant[row]], self._lots[row])

    def __setitem__(self, row: int, key: LotKey) -> None:
        number = self._numbers.setdefault(key.tenant, len(self._tenants))
        if number == len(self._tenants):
            self._tenants.append(key.tenant)
        self._tenant[row], self._lots[row] = number, key.lot

    def __iter__(self) -> Iterator[LotKey]:
        return map(self.__getitem__, range(len(self)))

    def resize(self, rows: int) -> None:
        """Have room for ``rows``."""
        more = rows - len(self)
        self._tenant.extend([0] * more)
        self._lots.extend([NOBODY.lot] * more)
