"""Tags whose clocks are wrong: their readings come before they were taken, or lie in quarantine."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from ingest.formats import Decoded
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import TagKey

AHEAD_MS: Final = 30 * 60_000
"""More than a clock gains in a year, less than the least mistake of a time zone. [D]"""
MOST: Final = 10_000
"""Tags that are remembered: a server whose own clock is behind finds all of them ahead."""
NAMED: Final = 5
"""Tags that are told by name."""
HELD_MS: Final = DAY_MS
"""So long after its last such reading a tag that sends none since is told."""


class Wrong(NamedTuple):
    """``at``: ms, when it was last noticed; ``ahead_ms``: None: of no time that can be."""

    at: int
    ahead_ms: int | None


class WrongClocks:
    """Which they are now, in memory: each tag says so again with its next reading."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._tags: dict[TagKey, Wrong] = {}
        self.trouble: str | None = None
        """In words, for any thread."""

    def take(self, decoded: Decoded, now: int) -> None:
        """Note tags whose clocks are wrong, and those that are right again; ``now`` ms."""
        batch = decoded.batch
        ahead = batch.time - batch.received
        wrong = ahead > AHEAD_MS
        if not (self._tags or decoded.astray or wrong.any()):
            return
        most = np.zeros(len(batch.tags), np.int64)
        np.maximum.at(most, batch.tag[wrong], ahead[wrong])
        found = {tag: Wrong(now, None) for tag in decoded.astray}
        for number in np.flatnonzero(most).tolist():
            found[batch.tags[number]] = Wrong(now, int(most[number]))
        for tag in batch.tags:
            self._tags.pop(tag, None)
        self._tags |= dict(islice(found.items(), self._most - len(self._tags)))
        self._say()

    def forget(self, now: int) -> None:
        """Tags that were not noticed for a day by ``now`` (ms): nobody knows of their clocks."""
        old = [tag for tag, wrong in self._tags.items() if now - wrong.at > HELD_MS]
        for tag in old:
            del self._tags[tag]
        if old:
            self._say()

    def _say(self) -> None:
        if not self._tags:
            self.trouble = None
            return
        told = [_told(tag, wrong) for tag, wrong in islice(self._tags.items(), NAMED)]
        more = len(self._tags) - len(told)
        which = (
            "clock of a tag is" if len(self._tags) == 1 else f"clocks of {len(self._tags)} tags are"
        )
        rest = f", and {more} more" if more else ""
        self.trouble = f"the {which} wrong: {', '.join(told)}{rest}"


def _told(tag: TagKey, wrong: Wrong) -> str:
    name = f"{tag.tag} of {tag.tenant}"
    if wrong.ahead_ms is None:
        return f"{name} (of no possible time)"
    return f"{name} ({wrong.ahead_ms / HOUR_MS:.1f} h ahead)"
