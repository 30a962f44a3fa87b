"""Tags that operators are told of: which they are now, by name, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, NamedTuple

from lots.clock import DAY_MS
from lots.readings.batch import TagKey

MOST: Final = 10_000
"""Troubles that are remembered: a server whose own clock is behind finds all tags ahead."""
NAMED: Final = 5
"""Troubles that are told by the tag's name."""
HELD_MS: Final = DAY_MS
"""So long after it was last noticed the trouble of a tag that says no more of it is told."""


class Subject(NamedTuple):
    """What a trouble is of: one quantity of a tag, or its clock."""

    tag: TagKey
    part: str


class _Noticed(NamedTuple):
    at: int  # ms, the last time
    words: str


class TagTroubles:
    """In memory alone: each tag says so again with its next reading."""

    def __init__(self, one: str, many: str, *, most: int = MOST) -> None:
        """``one``, ``many``: what is told of one trouble and of more, ``{}`` their number."""
        self._one, self._many = one, many
        self._most = most
        self._noticed: dict[Subject, _Noticed] = {}
        self.trouble: str | None = None
        """In words, for any thread."""

    def __bool__(self) -> bool:
        return bool(self._noticed)

    def note(self, heard: Iterable[Subject], found: Mapping[Subject, str], now: int) -> None:
        """All ``heard`` of are well but those ``found``, with what is wrong; ``now`` ms."""
        for subject in heard:
            self._noticed.pop(subject, None)
        for subject, words in islice(found.items(), self._most - len(self._noticed)):
            self._noticed[subject] = _Noticed(now, words)
        self._say()

    def forget(self, now: int) -> None:
        """What was not noticed for a day by ``now`` (ms): nobody knows whether it is so."""
        old = [subject for subject, one in self._noticed.items() if now - one.at > HELD_MS]
        for subject in old:
            del self._noticed[subject]
        if old:
            self._say()

    def _say(self) -> None:
        count = len(self._noticed)
        if not count:
            self.trouble = None
            return
        told = [
            f"{tag.tag} of {tag.tenant} ({one.words})"
            for (tag, _), one in islice(self._noticed.items(), NAMED)
        ]
        rest = f", and {count - len(told)} more" if count > len(told) else ""
        heading = self._one if count == 1 else self._many.format(count)
        self.trouble = f"{heading}: {', '.join(told)}{rest}"
