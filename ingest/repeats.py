"""Drops repeats of readings whose time depends on when they were delivered.

Without ``t``, or with a clock that had to be corrected, a second delivery of a reading has another
time, and storing it by time would make it a second reading: (boot, seq) tells, and must be
remembered. Readings with a time of their own need none of this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lots.readings.batch import Flag, ReadingBatch, TagKey

MEMORY = 200_000
"""Readings; the oldest are forgotten first."""

_AS_DELIVERED = int(Flag.SERVER_TIME | Flag.CLOCK_CORRECTED)


@dataclass(slots=True)
class Repeats:
    """What one consumer of the journal has seen; it is the consumer's state, and a cache of it."""

    memory: int = MEMORY
    _seen: dict[tuple[TagKey, int, int], None] = field(default_factory=dict)

    def drop(self, batch: ReadingBatch) -> ReadingBatch:
        """``batch`` without readings that came before; remembers the others."""
        counted = (batch.boot >= 0) & (batch.seq >= 0)
        suspects = np.flatnonzero(((batch.flags & _AS_DELIVERED) != 0) & counted)
        if not len(suspects):
            return batch
        keep = np.ones(len(batch), np.bool_)
        for row in suspects.tolist():
            identity = (batch.tags[batch.tag[row]], int(batch.boot[row]), int(batch.seq[row]))
            if identity in self._seen:
                keep[row] = False
            else:
                self._seen[identity] = None
        for _ in range(len(self._seen) - self.memory):
            self._seen.pop(next(iter(self._seen)))
        return batch if keep.all() else batch.take(keep)
