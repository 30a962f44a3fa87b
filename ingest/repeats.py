"""The times of readings whose time depends on when they were delivered.

Without ``t``, with a clock that had to be corrected, or with a time that a network noted, a second
delivery of a reading has another time, and by it would be a second reading. So what its first
delivery was given is remembered by (tenant, tag, boot, seq), and each later one is given the same:
it is then the identical reading, which does no harm anywhere. First is first in the journal: who
reads it decides for all who read it later, and everybody reads it in order.

Readings with a time of their own need none of this. What is remembered outlives the worker:
`ingest.first_times`.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from lots.readings.batch import Flag, ReadingBatch, TagKey

PAGE = 32
"""Readings that are kept together."""

MOST = 1024
"""Of a tag, at most: the ones that came last. Many, since a device that has no clock of its own
sends all that it kept again, where it lost our acknowledgement."""

LEAST = 64
TOGETHER = 2_000_000
"""Where there are more than so many in all, a tag keeps fewer of them, but `LEAST` at least."""

NETWORK_MS = 12 * 3_600_000
"""The counters of a network or a gateway come round again (16 bits of a RuuviTag's in 23 h), and
no boot tells. So what they noted so much earlier or later is another reading."""

SLOTS = MOST // PAGE + 2

_AS_DELIVERED = int(Flag.SERVER_TIME | Flag.CLOCK_CORRECTED | Flag.NETWORK_TIME)
_BY_NETWORK = int(Flag.NETWORK_TIME)


class Page(NamedTuple):
    """Some of a tag's, as the registry has them (`lots.model.FirstTimes`)."""

    tag: TagKey
    slot: int
    number: int
    """Of the newest in it, counted over the tag's life from 0."""

    newest: int
    """Its time, ms."""

    readings: bytes
    """boot, seq and time (ms) of each, int64 in the order of this machine."""


@dataclass(slots=True)
class _Times:
    """Of one tag, in the order of their first deliveries."""

    boots: array[int] = field(default_factory=lambda: array("q"))
    seqs: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    end: int = 0  # the number that the next one has
    written: int = 0  # those before this number are in the registry
    highest: tuple[int, int] = (-1, -1)  # what is above is new

    def time_of(self, boot: int, seq: int, time: int, by_network: bool) -> int | None:
        """The time of the first delivery; None where this is it."""
        if (boot, seq) > self.highest:
            return None
        for place in np.flatnonzero(np.frombuffer(self.seqs, np.int64) == seq)[::-1].tolist():
            if self.boots[place] == boot:
                first = self.times[place]
                return None if by_network and abs(time - first) > NETWORK_MS else first
        return None

    def add(self, boot: int, seq: int, time: int) -> None:
        self.boots.append(boot)
        self.seqs.append(seq)
        self.times.append(time)
        self.end += 1
        self.highest = max(self.highest, (boot, seq))

    def forget_page(self) -> None:
        """The oldest; what is left begins with a page again."""
        count = PAGE - (self.end - len(self.times)) % PAGE
        for column in (self.boots, self.seqs, self.times):
            del column[:count]

    def page(self, tag: TagKey, number: int) -> Page:
        """The page that ``number`` is in."""
        begin = self.end - len(self.times)
        first = max(number - number % PAGE, begin)
        end = min(number - number % PAGE + PAGE, self.end)
        columns = (self.boots, self.seqs, self.times)
        parts = [column[first - begin : end - begin] for column in columns]
        readings = b"".join(part.tobytes() for part in parts)
        return Page(tag, number // PAGE % SLOTS, end - 1, parts[2][-1], readings)


class Repeats:
    """What was remembered of all tags; from any thread."""

    def __init__(self, *, most: int = MOST, least: int = LEAST, together: int = TOGETHER) -> None:
        self._most, self._least, self._together = most, least, together
        self._lock = threading.Lock()
        self._tags: dict[TagKey, _Times] = {}
        self._fresh: dict[TagKey, None] = {}

    def settle(self, batch: ReadingBatch) -> ReadingBatch:
        """``batch`` with the time that each reading's first delivery was given.

        Batches come in the order of the journal; one that comes again is given the same again.
        """
        suspects = np.flatnonzero(
            ((batch.flags & _AS_DELIVERED) != 0) & (batch.boot >= 0) & (batch.seq >= 0)
        )
        if not len(suspects):
            return batch
        by_network = (batch.flags[suspects] & _BY_NETWORK) != 0
        # Formats may have put them in another order than they came in.
        suspects = suspects[np.argsort(batch.received[suspects], kind="stable")]
        columns = (batch.tag, batch.boot, batch.seq, batch.time)
        rows = zip(*(c[suspects].tolist() for c in columns), by_network.tolist(), strict=True)
        with self._lock:
            times = [self._settled(batch.tags[tag], *row) for tag, *row in rows]
        time = batch.time.copy()
        time[suspects] = times
        return replace(batch, time=time)

    def _settled(self, tag: TagKey, boot: int, seq: int, time: int, by_network: bool) -> int:
        of_tag = self._tags.get(tag)
        if of_tag is None:
            of_tag = self._tags[tag] = _Times()
        first = of_tag.time_of(boot, seq, time, by_network)
        if first is not None:
            return first
        of_tag.add(boot, seq, time)
        self._fresh[tag] = None
        if of_tag.end % PAGE == 0:
            self._bound(of_tag, by_network)
        return time

    def _bound(self, of_tag: _Times, by_network: bool) -> None:
        most = max(self._least, min(self._most, self._together // len(self._tags)))
        while len(of_tag.times) > most:
            of_tag.forget_page()
        if by_network:
            oldest = of_tag.times[-1] - NETWORK_MS
            while len(of_tag.times) > PAGE and of_tag.times[PAGE - 1] < oldest:
                of_tag.forget_page()

    # The registry

    def fresh(self) -> list[Page]:
        """What was learnt and is not `written` yet, by tag."""
        with self._lock:
            found = []
            for tag in sorted(self._fresh):
                of_tag = self._tags[tag]
                begin = max(of_tag.written, of_tag.end - len(of_tag.times))
                numbers = range(begin - begin % PAGE, of_tag.end, PAGE)
                found += [of_tag.page(tag, max(number, begin)) for number in numbers]
            return found

    def written(self, pages: Iterable[Page]) -> None:
        """The registry has them."""
        with self._lock:
            for page in pages:
                of_tag = self._tags[page.tag]
                of_tag.written = max(of_tag.written, page.number + 1)
                if of_tag.written >= of_tag.end:
                    self._fresh.pop(page.tag, None)

    def restore(self, found: Iterable[Page]) -> None:
        """Take over what the registry has; before anything else."""
        by_tag: dict[TagKey, list[Page]] = {}
        for page in found:
            by_tag.setdefault(page.tag, []).append(page)
        with self._lock:
            for tag, pages in by_tag.items():
                self._tags[tag] = _joined(sorted(pages, key=lambda page: page.number))


def _joined(pages: list[Page]) -> _Times:
    """The newest that follow each other; what is left of a page's earlier use is older."""
    made = _Times()
    for page in pages:
        count = len(page.readings) // 24
        if page.number + 1 - count != made.end:
            made = _Times()
        for n, column in enumerate((made.boots, made.seqs, made.times)):
            column.frombytes(page.readings[8 * count * n : 8 * count * (n + 1)])
        made.end = made.written = page.number + 1
    made.highest = max(zip(made.boots, made.seqs, strict=True))
    return made
