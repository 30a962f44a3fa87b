"""Readings as columns: what decoders make, stages pass on and stores keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KEY_MODULUS = 1_000_000
"""A reading is stored at ``t`` x 10^6 + ``key`` ns: so many of a tag fit in a millisecond."""


class TagKey(NamedTuple):
    """What a series is keyed by."""

    tenant: str
    tag: str


class Flag(IntFlag):
    """What was noticed about a reading. Stored with it; a doubtful one is kept, not believed."""

    SERVER_TIME = 1  # the device gave no time: the server's is used
    SECONDS = 2  # the device's time was in seconds
    EPOCH_2000 = 4  # the device's clock counts from 2000
    CLOCK_CORRECTED = 8  # shifted by ``sent``, the device's own idea of now
    TEMPERATURE_RANGE = 16  # outside what the quantity can be
    HUMIDITY_RANGE = 32
    PROBE_RANGE = 64
    PRESSURE_RANGE = 128
    NETWORK_TIME = 256  # noted by a gateway or network: another delivery may have another
    CLOCK_AHEAD = 512  # it came well before it was taken, by a clock that is wrong by as much


DOUBT = (
    Flag.TEMPERATURE_RANGE
    | Flag.HUMIDITY_RANGE
    | Flag.PROBE_RANGE
    | Flag.PRESSURE_RANGE
    | Flag.CLOCK_AHEAD
)
"""Flags that make a reading one not to believe."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadingBatch:
    """``n`` readings of any number of tags, as columns of one length ``n``.

    ``tags``      the distinct tags, ``tag`` (n,) indexes them
    ``time``      (n,) ms since 1970 UTC, by the device's clock
    ``key``       (n,) in [0, KEY_MODULUS): tells readings of one tag and time apart
    ``flags``     (n,) see `Flag`
    ``values``    quantity -> (n,) float64, NaN where the reading has none. Units by name:
                  temperature, probe degC; humidity %RH over water; pressure hPa; battery V;
                  shock g; tilt deg; light lx; door 0/1; lat, lon deg; others as the device has them
    ``received``  (n,) ms, the server's clock when the message came; ``boot``, ``seq`` (n,) the
                  device's counters, -1 where it has none. These three are not stored.
    """

    tags: tuple[TagKey, ...]
    tag: Ints
    time: Ints
    key: Ints
    flags: Ints
    values: Mapping[str, Floats]
    received: Ints
    boot: Ints
    seq: Ints

    def __len__(self) -> int:
        return len(self.time)

    @property
    def stored_ns(self) -> Ints:
        """(n,) the time a reading is stored at: the same for every delivery of it."""
        return self.time * KEY_MODULUS + self.key

    @property
    def doubtful(self) -> Bools:
        """(n,) readings that are kept but not to be believed."""
        return np.asarray((self.flags & int(DOUBT)) != 0)

    def value(self, quantity: str) -> Floats:
        """(n,) a quantity's column; NaN throughout where no reading has it."""
        column = self.values.get(quantity)
        return np.full(len(self), np.nan) if column is None else column

    def take(self, index: NDArray[np.intp] | Bools | slice) -> ReadingBatch:
        """The readings at ``index`` (positions, a mask or a slice), in that order."""
        return replace(
            self,
            tag=self.tag[index],
            time=self.time[index],
            key=self.key[index],
            flags=self.flags[index],
            values={name: column[index] for name, column in self.values.items()},
            received=self.received[index],
            boot=self.boot[index],
            seq=self.seq[index],
        )


def empty() -> ReadingBatch:
    """No readings."""
    none = np.empty(0, np.int64)
    return ReadingBatch((), none, none, none, none, {}, none, none, none)


def of_tag(
    tag: TagKey,
    time: Sequence[int] | Ints,
    values: Mapping[str, Sequence[float] | Floats],
    *,
    key: Sequence[int] | Ints | None = None,
    flags: Sequence[int] | Ints | None = None,
) -> ReadingBatch:
    """Readings of one tag from plain columns (stores and tests); counters are left out."""
    times = np.asarray(time, np.int64)
    n = len(times)
    absent = np.full(n, -1, np.int64)
    return ReadingBatch(
        tags=(tag,),
        tag=np.zeros(n, np.int64),
        time=times,
        key=np.zeros(n, np.int64) if key is None else np.asarray(key, np.int64),
        flags=np.zeros(n, np.int64) if flags is None else np.asarray(flags, np.int64),
        values={name: np.asarray(column, np.float64) for name, column in values.items()},
        received=times,
        boot=absent,
        seq=absent,
    )


def concatenate(batches: Iterable[ReadingBatch]) -> ReadingBatch:
    """All readings of ``batches``, in their order; a quantity that one lacks is NaN there."""
    parts = [batch for batch in batches if len(batch)]
    if not parts:
        return empty()
    if len(parts) == 1:
        return parts[0]
    tags: dict[TagKey, int] = {}
    tag_columns = []
    for part in parts:
        places = [tags.setdefault(tag, len(tags)) for tag in part.tags]
        tag_columns.append(np.asarray(places, np.int64)[part.tag])
    names = dict.fromkeys(name for part in parts for name in part.values)
    return ReadingBatch(
        tags=tuple(tags),
        tag=np.concatenate(tag_columns),
        time=np.concatenate([part.time for part in parts]),
        key=np.concatenate([part.key for part in parts]),
        flags=np.concatenate([part.flags for part in parts]),
        values={name: np.concatenate([part.value(name) for part in parts]) for name in names},
        received=np.concatenate([part.received for part in parts]),
        boot=np.concatenate([part.boot for part in parts]),
        seq=np.concatenate([part.seq for part in parts]),
    )
