"""What tells a reading from others of its tag and time, alike in every delivery. Pure.

Stored data depends on these numbers: they never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from lots.readings.batch import KEY_MODULUS, Floats, Ints

Words = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)


def keys(boot: Ints, seq: Ints, values: Mapping[str, Floats]) -> Ints:
    """(n,) keys in [0, KEY_MODULUS): of (boot, seq) where both are known (not -1), else of values.

    The order of quantities, and quantities that a reading does not have, make no difference.
    """
    hashes = _of_counters(boot, seq)
    uncounted = (boot < 0) | (seq < 0)
    if uncounted.any():
        rows = {name: column[uncounted] for name, column in values.items()}
        hashes[uncounted] = _of_values(rows, int(uncounted.sum()))
    return (hashes % np.uint64(KEY_MODULUS)).astype(np.int64)


def _of_counters(boot: Ints, seq: Ints) -> Words:
    return _mix(_mix(boot.astype(np.uint64)) + seq.astype(np.uint64))


def _of_values(values: Mapping[str, Floats], n: int) -> Words:
    total = np.zeros(n, np.uint64)
    for name, column in values.items():
        digest = blake2b(name.encode(), digest_size=8).digest()
        bits = (column + 0.0).view(np.uint64)  # -0.0 becomes 0.0
        part = _mix(_mix(bits) + np.frombuffer(digest, "<u8").astype(np.uint64))
        total += np.where(np.isnan(column), np.uint64(0), part)
    return _mix(total)


def _mix(words: Words) -> Words:
    """SplitMix64: its step and its finaliser (Steele, Lea and Flood 2014), modulo 2^64."""
    z = words + _STEP
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
