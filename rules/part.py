"""Samples of lots by their rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lots.climate import Samples, join, no_samples
from lots.readings.batch import Bools, Ints

PORTION = 16_000
"""Samples that are folded at once, where there are very many: of more the fold's columns, some
hundred kilobytes each, fall out of the processor's cache before they are read again."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Samples of the lots at ``rows`` that are to be taken, as `Bound` has them."""

    rows: Ints
    starts: Ints
    samples: Samples

    @property
    def counts(self) -> Ints:
        return self.starts[1:] - self.starts[:-1]

    @property
    def first(self) -> Ints:
        return self.samples.time[self.starts[:-1]]

    @property
    def last(self) -> Ints:
        return self.samples.time[self.starts[1:] - 1]

    def lots(self, which: Bools) -> Part:
        """Some of the lots."""
        if which.all():
            return self
        if not which.any():
            return none_of(self.rows[:0])
        counts = self.counts
        keep = np.repeat(which, counts)
        starts = np.concatenate(([0], np.cumsum(counts[which])))
        return Part(self.rows[which], starts, self.samples.take(keep))

    def pieces(self) -> Iterator[tuple[slice, Part]]:
        """Some lots at a time: of `PORTION` samples at most, or one lot."""
        begin, lots = 0, len(self.rows)
        while begin < lots:
            enough = self.starts[begin] + PORTION
            end = max(int(np.searchsorted(self.starts, enough, side="right")) - 1, begin + 1)
            first, last = self.starts[begin], self.starts[end]
            starts, samples = self.starts[begin : end + 1] - first, self.samples
            if end - begin < lots:
                samples = samples.take(slice(first, last))
            yield slice(begin, end), Part(self.rows[begin:end], starts, samples)
            begin = end

    def kept(self, keep: Bools) -> Part:
        """Some of the samples, without the lots that have none left."""
        if keep.all():
            return self
        counts = np.add.reduceat(keep, self.starts[:-1], dtype=np.int64)
        some = counts > 0
        starts = np.concatenate(([0], np.cumsum(counts[some])))
        return Part(self.rows[some], starts, self.samples.take(keep))


def alone(rows: Ints, samples: Samples) -> Part:
    """``samples`` of the one lot at ``rows`` (1,)."""
    return Part(rows, np.asarray([0, len(samples)]), samples)


def none_of(rows: Ints) -> Part:
    """No samples of the lots at ``rows``."""
    return Part(rows, np.zeros(len(rows) + 1, np.int64), no_samples())


def portions(history: Sequence[Samples]) -> Iterator[Samples]:
    """``history`` in parts that are worth the fold's while, and not too large for memory."""
    waiting: list[Samples] = []
    for samples in history:
        waiting.append(samples)
        if sum(map(len, waiting)) >= PORTION:
            yield join(waiting)
            waiting = []
    if waiting:
        yield join(waiting)


def parted(parts: Iterable[Samples], stops: Sequence[int]) -> Iterator[tuple[Samples, int | None]]:
    """``parts`` cut at ``stops`` (ms, ascending): pieces, and the stop before which each ends.

    A stop that nothing follows is left out.
    """
    waiting = sorted(stops, reverse=True)
    for samples in parts:
        done = 0
        while waiting and len(samples) and waiting[-1] <= samples.time[-1]:
            stop = waiting.pop()
            upto = int(np.searchsorted(samples.time, stop))
            yield samples.take(slice(done, upto)), stop
            done = upto
        yield samples.take(slice(done, None)), None
