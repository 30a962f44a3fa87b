"""Tags whose clocks are wrong: their readings come before they were taken, or lie in quarantine."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.formats import Decoded
from ingest.tag_troubles import MOST, Subject, TagTroubles
from lots.clock import HOUR_MS
from lots.readings.batch import TagKey

AHEAD_MS: Final = 30 * 60_000
"""More than a clock gains in a year, less than the least mistake of a time zone. [D]"""


class WrongClocks(TagTroubles):
    """Which they are now."""

    def __init__(self, *, most: int = MOST) -> None:
        super().__init__(
            "the clock of a tag is wrong", "the clocks of {} tags are wrong", most=most
        )

    def take(self, decoded: Decoded, now: int) -> None:
        """Note tags whose clocks are wrong, and those that are right again; ``now`` ms."""
        batch = decoded.batch
        ahead = batch.time - batch.received
        wrong = ahead > AHEAD_MS
        if not (self or decoded.astray or wrong.any()):
            return
        most = np.zeros(len(batch.tags), np.int64)
        np.maximum.at(most, batch.tag[wrong], ahead[wrong])
        found = {_clock(tag): "of no possible time" for tag in decoded.astray}
        for number in np.flatnonzero(most).tolist():
            found[_clock(batch.tags[number])] = f"{most[number] / HOUR_MS:.1f} h ahead"
        self.note(map(_clock, batch.tags), found, now)


def _clock(tag: TagKey) -> Subject:
    return Subject(tag, "clock")
