"""What the rest of Dunnage asks of a time series store; `sqlite` and `influx` provide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lots.errors import UserError
from lots.readings.batch import Bools, Floats, Ints, ReadingBatch, TagKey


class StoreUnavailable(UserError):
    """The store cannot be reached or cannot write now: the same call may succeed later."""


class StoreMisconfigured(UserError):
    """The store refuses us for a reason that no retry mends; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A reading that the store will not take, however often it is offered."""

    position: int  # in the batch that was written
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """Statistics of one tag by step: columns of one length m, steps without readings left out.

    ``start`` (m,) ms, a multiple of the step since 1970 UTC; ``count``, ``low``, ``mean``, ``high``
    quantity -> (m,). Doubtful readings do not count.
    """

    start: Ints
    count: Mapping[str, Ints]
    low: Mapping[str, Floats]
    mean: Mapping[str, Floats]
    high: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Rollups:
    """One tag's hours, or days: columns of one length m, in order, what is unknown left out.

    ``statistics`` of the raw values, where a step may have no reading of its own; ``covered`` (m,)
    ms of the step between two readings that are not too far apart; ``wet``, ``dry`` (m,) ms of that
    which are known to have been so, by corrected values; ``heard`` (m,) a bit for each minute of an
    hour, or hour of a day, in which the climate was measured.
    """

    statistics: Aggregate
    covered: Ints
    wet: Ints
    dry: Ints
    heard: Ints

    def __len__(self) -> int:
        return len(self.covered)

    def take(self, index: NDArray[np.intp] | Bools) -> Rollups:
        """The steps at ``index`` (positions or a mask)."""
        whole = self.statistics
        return Rollups(
            Aggregate(
                whole.start[index],
                {name: column[index] for name, column in whole.count.items()},
                {name: column[index] for name, column in whole.low.items()},
                {name: column[index] for name, column in whole.mean.items()},
                {name: column[index] for name, column in whole.high.items()},
            ),
            self.covered[index],
            self.wet[index],
            self.dry[index],
            self.heard[index],
        )


class ReadingHistory(Protocol):
    """Readings by tag and time, for who only asks."""

    def window(
        self, tag: TagKey, begins: int, ends: int, quantities: Sequence[str] | None = None
    ) -> ReadingBatch:
        """Readings of ``tag`` with begins <= time < ends (ms), by stored time, as they came.

        With ``quantities`` the values of these alone. Asking for what is needed is more than
        thrift: in InfluxDB all tenants share one list of names, and "all" has to look at each.
        """
        ...

    def aggregate(
        self, tag: TagKey, begins: int, ends: int, step: int, quantities: Sequence[str]
    ) -> Aggregate:
        """``quantities`` of ``tag`` by ``step`` ms in begins <= time < ends."""
        ...

    def rollups(
        self,
        tag: TagKey,
        begins: int,
        ends: int,
        step: int,
        quantities: Sequence[str] | None = None,
    ) -> Rollups:
        """Rollups of ``tag`` by ``step`` ms with begins <= start < ends.

        With ``quantities`` the statistics of these alone, each of them; else of all there are.
        """
        ...

    def count(self, tenant: str) -> int:
        """How many readings of ``tenant`` are kept."""
        ...

    def check(self) -> None:
        """Nothing if the store answers; else `StoreUnavailable` or `StoreMisconfigured`."""
        ...

    def close(self) -> None: ...


class ReadingStore(ReadingHistory, Protocol):
    """Readings to ask for and to keep. One that is written again is identical, so it changes
    nothing.
    """

    def write(self, batch: ReadingBatch) -> list[Refused]:
        """Keep ``batch`` durably; returns what was refused, the rest is kept.

        Raises `StoreUnavailable` (try all of it again; nothing is doubled) or
        `StoreMisconfigured`.
        """
        ...

    def write_rollups(self, step: int, rollups: Sequence[tuple[TagKey, Rollups]]) -> None:
        """Keep rollups by ``step`` ms (an hour or a day), in place of those that start alike.

        They are kept for ever. Raises `StoreUnavailable` (try again) or `StoreMisconfigured`.
        """
        ...

    def expire(self, before: int) -> None:
        """Forget readings with time < ``before`` (ms), where the server does not by itself."""
        ...
