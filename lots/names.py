"""Very many names, without an object for each: a million take 25 bytes each and their letters."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, overload

import numpy as np

from lots.readings.batch import Ints

NOBODY: Final = -1
"""The number of a name that is not there."""

_LEAST: Final = 16
"""Slots: a power of two, and half as many again as there are names at least."""
_HASH: Final = (1 << 31) - 1
"""So much of a hash is kept."""


class Texts(Sequence[str]):
    """Texts one after another, as bytes."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._letters = bytearray()
        self._ends = array("q", [0])
        self.extend(texts)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return self._of(at).decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for begin, end in pairwise(self._ends):
            yield self._letters[begin:end].decode("utf-8", "surrogatepass")

    def _of(self, number: int) -> bytearray:
        return self._letters[self._ends[number] : self._ends[number + 1]]

    def extend(self, texts: Sequence[str]) -> None:
        """Add ``texts`` at the end."""
        letters, ends = _joined(texts)
        self._ends.frombytes((ends[1:] + len(self._letters)).tobytes())
        self._letters += letters


class Names(Texts):
    """Different texts, each of which is found by what it says."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._make_slots(_LEAST)
        super().__init__()
        self.add(names)

    def _make_slots(self, count: int) -> None:
        # Side by side, as they are looked at.
        self._numbers, self._hashes = np.full((count, 2), NOBODY, np.int32).T

    def number(self, name: str) -> int:
        """Of one name; `NOBODY` if it is not there."""
        letters, of_name, last = _bytes(name), hash(name) & _HASH, len(self._numbers) - 1
        at = of_name & last
        while (number := self._numbers.item(at)) != NOBODY:
            if self._hashes.item(at) == of_name and self._of(number) == letters:
                return int(number)
            at = (at + 1) & last
        return NOBODY

    def find(self, names: Sequence[str]) -> Ints:
        """(n,) the numbers of ``names``; `NOBODY` of those that are not there."""
        from lots.slots import seek  # the compiler: who only knows of names does without

        letters, ends = _joined(names)
        found = np.empty(len(names), np.int64)
        seek(
            np.frombuffer(letters, np.uint8), ends, _hashes(names), self._numbers, self._hashes,
            np.frombuffer(self._letters, np.uint8), np.frombuffer(self._ends, np.int64), found,
        )  # fmt: skip
        return found

    def add(self, names: Sequence[str]) -> Ints:
        """(n,) the numbers of ``names``; those that are not there get the next ones."""
        found = self.find(names)
        strange = np.flatnonzero(found == NOBODY).tolist()
        if strange:
            self._enter(list(dict.fromkeys(names[number] for number in strange)))
            found = self.find(names)
        return found

    def _enter(self, names: Sequence[str]) -> None:
        """``names``, none of which is there."""
        from lots.slots import put

        first = len(self)
        self.extend(names)
        if 3 * len(self) > 2 * len(self._numbers):
            numbers, hashes = self._numbers, self._hashes
            taken = numbers != NOBODY
            self._make_slots(1 << (2 * len(self) - 1).bit_length())
            there = numbers[taken].astype(np.int64), hashes[taken].astype(np.int64)
            put(*there, self._numbers, self._hashes)
        put(np.arange(first, len(self)), _hashes(names), self._numbers, self._hashes)


def _joined(texts: Sequence[str]) -> tuple[bytes, Ints]:
    """The letters of all of them, and where each one's begin, and the last one's end."""
    letters = _bytes("".join(texts))
    lengths = list(map(len, texts))
    if sum(lengths) != len(letters):
        lengths = [len(_bytes(text)) for text in texts]
    return letters, np.cumsum([0, *lengths])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _hashes(names: Sequence[str]) -> Ints:
    return np.fromiter(map(hash, names), np.int64, len(names)) & _HASH
