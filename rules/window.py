"""The last samples of every lot, in one log of columns: cheap to add to, put in order when asked.

A batch goes to the end of the log as it is; each sample knows the one before it of its lot. What
lots have let go of stays until the log is tidied, at a cost that what was added has earned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lots.climate import Samples
from lots.readings.batch import Bools, Ints
from rules import kernels
from rules.kernels import FAR
from rules.part import PORTION

LEAST = 4096
"""Samples that the log has room for at least."""

SPARE = 500_000
"""Samples that the log has room to add, at most, but a quarter of what there is."""

LOG = {
    "time": np.int64,
    "identity": np.int64,
    "placement": np.int8,
    "temperature": np.float64,
    "humidity": np.float64,
    "probe": np.float64,
}
"""Columns of the samples and how they are kept."""


class Window:
    """Samples by row of the lot that they are of."""

    def __init__(self) -> None:
        self._log = {name: np.empty(LEAST, kind) for name, kind in LOG.items()}
        self._previous = np.empty(LEAST, np.int32)
        self._end = 0
        self.live = 0
        """Samples that a lot still has."""
        self._last = np.empty(0, np.int32)
        self.held = np.empty(0, np.int32)
        """By row, how many samples it has."""
        self.oldest = np.empty(0, np.int64)
        """By row, ms; `FAR` where there is none."""

    def resize(self, rows: int) -> None:
        """Have room for ``rows``."""
        more = rows - len(self._last)
        self._last = np.concatenate((self._last, np.full(more, -1, np.int32)))
        self.held = np.concatenate((self.held, np.zeros(more, np.int32)))
        self.oldest = np.concatenate((self.oldest, np.full(more, FAR)))

    @property
    def room(self) -> int:
        """Samples that the log has room for now."""
        return len(self._previous)

    def gather(self, rows: Ints) -> tuple[Samples, Ints]:
        """The samples of ``rows`` in the order in which they came, and where each one's begin."""
        starts, columns = self.columns(rows)
        found = dict(zip(LOG, columns, strict=True))
        return Samples(**found | {"placement": found["placement"].astype(np.int64)}), starts

    def columns(self, rows: Ints) -> tuple[Ints, Iterator[NDArray[Any]]]:
        """Where the samples of each of ``rows`` begin, and their columns as `LOG` has them, each
        made when its turn comes."""
        index, starts = self._index(rows)
        return starts, (column[index] for column in self._log.values())

    def strange(self, rows: Ints, starts: Ints, samples: Samples) -> Bools:
        """(n,) which of ``samples`` the windows of ``rows`` do not have yet."""
        keep = np.ones(len(samples), np.bool_)
        kernels.recall(
            self._last[rows], self._previous, self._log["time"], self._log["identity"], starts,
            np.ascontiguousarray(samples.time), np.ascontiguousarray(samples.identity), keep,
        )  # fmt: skip
        return keep

    def append(self, rows: Ints, starts: Ints, samples: Samples) -> None:
        """Add ``samples`` of the distinct ``rows``, as they come."""
        n = len(samples)
        self._make_room(n)
        end = self._end + n
        for name, column in self._log.items():
            column[self._end : end] = getattr(samples, name)
        kernels.chain(
            rows, starts, self._log["time"], self._end,
            self._previous, self._last, self.held, self.oldest,
        )  # fmt: skip
        self._end = end
        self.live += n

    def replace(self, rows: Ints, starts: Ints, samples: Samples) -> None:
        """Let ``rows`` have ``samples`` and nothing else."""
        self.drop(rows)
        self.append(rows, starts, samples)

    def drop(self, rows: Ints) -> None:
        """Let go of all that ``rows`` have."""
        self.live -= int(self.held[rows].sum())
        self._last[rows], self.held[rows], self.oldest[rows] = -1, 0, FAR

    def newer(self, rows: Ints, edges: Ints) -> Ints:
        """(n,) how many samples of each of ``rows`` are newer than ``edges`` (n,) ms."""
        found = np.empty(len(rows), np.int64)
        kernels.newer(rows, edges, self._log["time"], self._previous, self._last, found)
        return found

    def cut(self, rows: Ints, edges: Ints) -> None:
        """Let go of what the distinct ``rows`` have up to ``edges`` (n,) ms."""
        self.live -= kernels.unhang(
            rows, edges, self._log["time"], self._previous, self._last, self.held, self.oldest
        )

    def crowded(self, excess: int) -> list[Ints]:
        """Of the rows that have most, none less than half of another's: so many that half of what
        each has makes ``excess``, or all.

        In portions, since all that they have is a great part of what there is.
        """
        rows = np.flatnonzero(2 * self.held >= max(1, self.held.max(initial=0)))
        rows = rows[np.argsort(-self.held[rows], kind="stable")]
        halves = np.cumsum((self.held[rows] + 1) // 2)
        rows = rows[: np.searchsorted(halves, excess) + 1]
        numbers = np.cumsum(self.held[rows]) // PORTION
        return np.split(rows, np.flatnonzero(np.diff(numbers)) + 1)

    def _index(self, rows: Ints) -> tuple[Ints, Ints]:
        starts = np.concatenate(([0], np.cumsum(self.held[rows])))
        index = np.empty(starts[-1], np.int64)
        kernels.chains(self._last[rows], self._previous, starts, index)
        return index, starts

    def _make_room(self, n: int) -> None:
        """Tidy the log when it is full, or mostly of samples that nobody has any more."""
        fits = self._end + n <= self.room
        if fits and (self._end < LEAST or 4 * self.live >= self._end):
            return
        there = np.empty(self._end, np.int32)
        kernels.tidy(self._last, self._previous, there)
        columns = [*self._log.values(), self._previous]
        for column in columns[:-1]:
            kernels.close_up(column, there)
        self._end = self.live
        needed = self.live + n
        more = max(LEAST, min(needed, SPARE), needed // 4)
        if not needed + more // 2 <= self.room <= 4 * needed + LEAST:
            for column in columns:
                # In place, where the system can: what there is is not in memory twice.
                column.resize(needed + more, refcheck=False)
