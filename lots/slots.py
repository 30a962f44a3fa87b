"""The loops in which `lots.names` looks for names, compiled by numba.

A table has slots, a power of two: ``numbers`` (slots,) of the names that stand there, below 0 where
there is none, and their ``hashes``. A name stands in the first that was free from its hash on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lots.compiled import compiled
from lots.readings.batch import Ints

Bytes = NDArray[np.uint8]
Slots = NDArray[np.int32]


@compiled
def seek(
    letters: Bytes, ends: Ints, of_names: Ints, numbers: Slots, hashes: Slots,
    theirs: Bytes, their_ends: Ints, found: Ints,
) -> None:  # fmt: skip
    """Write to ``found`` (n,) the numbers of names, -1 of one that the table does not have.

    Name i is letters[ends[i] : ends[i + 1]] with the hash of_names[i]; those of the table are in
    ``theirs`` by ``their_ends``.
    """
    last = len(numbers) - 1
    for n in range(len(of_names)):
        found[n] = -1
        begin, length, at = ends[n], ends[n + 1] - ends[n], of_names[n] & last
        while numbers[at] >= 0 and found[n] < 0:
            other = their_ends[numbers[at]]
            if hashes[at] == of_names[n] and their_ends[numbers[at] + 1] - other == length:
                i = 0
                while i < length and letters[begin + i] == theirs[other + i]:
                    i += 1
                if i == length:
                    found[n] = numbers[at]
            at = (at + 1) & last


@compiled
def put(names: Ints, of_names: Ints, numbers: Slots, hashes: Slots) -> None:
    """Give each of the ``names`` (n,), by number, with these hashes, a slot."""
    last = len(numbers) - 1
    for n in range(len(names)):
        at = of_names[n] & last
        while numbers[at] >= 0:
            at = (at + 1) & last
        numbers[at], hashes[at] = names[n], of_names[n]
