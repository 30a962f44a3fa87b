"""Tags that say what cannot be: a broken or wet sensor, or a field that is misread."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.screen import LIMITS
from ingest.tag_troubles import MOST, Subject, TagTroubles
from lots.readings.batch import ReadingBatch

UNITS: Final = {"temperature": "°C", "humidity": "%RH", "probe": "°C", "pressure": "hPa"}
_MARKS: Final = sum(int(flag) for *_, flag in LIMITS)


class ImpossibleValues(TagTroubles):
    """Which they are now, by quantity: a good temperature does not take back a humidity of 140 %RH.

    Reading by reading, as they arrive: the last one that has the quantity counts.
    """

    def __init__(self, *, most: int = MOST) -> None:
        super().__init__("a tag says what cannot be", "tags say what cannot be", most=most)

    def take(self, batch: ReadingBatch, now: int) -> None:
        """Note quantities that `screen` marked, and those that can be again; ``now`` ms."""
        if not (self or (batch.flags & _MARKS).any()):
            return
        heard: list[Subject] = []
        found: dict[Subject, str] = {}
        for quantity, _, _, flag in LIMITS:
            column = batch.values.get(quantity)
            if column is None:
                continue
            marked = (batch.flags & int(flag)) != 0
            last = np.full(len(batch.tags), -1)
            said = np.flatnonzero(~np.isnan(column))
            np.maximum.at(last, batch.tag[said], said)
            for tag, row in zip(batch.tags, last.tolist(), strict=True):
                if row < 0:
                    continue
                subject = Subject(tag, quantity)
                heard.append(subject)
                if marked[row]:
                    found[subject] = f"{quantity} {column[row]:.6g} {UNITS[quantity]}"
        self.note(heard, found, now)
