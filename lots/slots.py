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
) -> int:  # fmt: skip
    """Write to ``found`` (n,) the numbers of names, -1 of one that the table does not have.

    Name i is letters[ends[i] : ends[i + 1]] with the hash of_names[i]; those of the table are in
    ``theirs`` by ``their_ends``. Returns what `fetch` does.
    """
    fetched = fetch(of_names, numbers, hashes, theirs, their_ends, found)
    last = len(numbers) - 1
    for n in range(len(of_names)):
        begin, length, at = ends[n], ends[n + 1] - ends[n], found[n]
        found[n] = -1
        while numbers[at] >= 0 and found[n] < 0:
            if hashes[at] == of_names[n]:
                other = their_ends[numbers[at]]
                if their_ends[numbers[at] + 1] - other == length:
                    i = 0
                    while i < length and letters[begin + i] == theirs[other + i]:
                        i += 1
                    if i == length:
                        found[n] = numbers[at]
            at = (at + 1) & last
    return fetched


@compiled
def fetch(
    of_names: Ints, numbers: Slots, hashes: Slots, theirs: Bytes, their_ends: Ints, found: Ints
) -> int:
    """Have what names are compared with come from memory to the processor's cache, and write to
    ``found`` (n,) the first slot that is free or has the name's hash.

    Who looks for name after name waits for each to come; here each step is done for all of them, so
    that many come at once. Returns a sum that is of no use, lest the compiler leave it out.
    """
    last, fetched = len(numbers) - 1, 0
    for n in range(len(of_names)):
        fetched += numbers[of_names[n] & last] + hashes[of_names[n] & last]
    for n in range(len(of_names)):
        at = of_names[n] & last
        while numbers[at] >= 0 and hashes[at] != of_names[n]:
            at = (at + 1) & last
        found[n] = at
    for n in range(len(of_names)):
        if numbers[found[n]] >= 0:
            fetched += their_ends[numbers[found[n]]]
    for n in range(len(of_names)):
        number = numbers[found[n]]
        if number >= 0 and their_ends[number] < len(theirs):
            fetched += theirs[their_ends[number]]
    return fetched


@compiled
def put(names: Ints, of_names: Ints, numbers: Slots, hashes: Slots) -> None:
    """Give each of the ``names`` (n,), by number, with these hashes, a slot."""
    last = len(numbers) - 1
    for n in range(len(names)):
        at = of_names[n] & last
        while numbers[at] >= 0:
            at = (at + 1) & last
        numbers[at], hashes[at] = names[n], of_names[n]
