"""What a format has to remember from one message to a later one, such as a Sparkplug birth.

A fact is dated by when its message was received, and what is asked is what was known at a time.
So every reader of the journal gets the same answer, however far behind the others it is.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from typing import NamedTuple

VERSIONS = 64
"""Of one fact that are kept: the latest. Who follows the journal far behind others finds no older
ones: so what is as it was is not to be remembered again."""


class Remembered(NamedTuple):
    """A fact as it is written to the registry."""

    subject: str
    since: int
    value: bytes


class Memory:
    """Dated facts by subject; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: dict[str, list[tuple[int, bytes]]] = {}
        self._fresh: list[Remembered] = []

    def remember(self, subject: str, since: int, value: bytes) -> None:
        """``subject`` is ``value`` from ``since`` (ms) on, until something later is remembered."""
        with self._lock:
            if self._keep(subject, since, value):
                self._fresh.append(Remembered(subject, since, value))

    def recall(self, subject: str, at: int) -> bytes | None:
        """What ``subject`` was at ``at`` (ms); None where nothing is known."""
        with self._lock:
            facts = self._facts.get(subject, [])
            place = bisect_right(facts, at, key=lambda fact: fact[0])
            return facts[place - 1][1] if place else None

    def history(self, subject: str, at: int) -> list[tuple[int, bytes]]:
        """What ``subject`` was up to ``at`` (ms), and since when; the latest first.

        Of one ms the greater value is taken as the later: a value may begin with what orders it.
        """
        with self._lock:
            facts = self._facts.get(subject, [])
            place = bisect_right(facts, at, key=lambda fact: fact[0])
            return facts[:place][::-1]

    def forget(self, before: int) -> None:
        """What was no longer so at ``before`` (ms)."""
        with self._lock:
            for facts in self._facts.values():
                place = bisect_right(facts, before, key=lambda fact: fact[0])
                del facts[: max(place - 1, 0)]

    def restore(self, found: list[Remembered]) -> None:
        """Take over what the registry has."""
        with self._lock:
            for fact in found:
                self._keep(*fact)

    def fresh(self) -> list[Remembered]:
        """What was learnt and is not `written` yet."""
        with self._lock:
            return list(self._fresh)

    def written(self, facts: list[Remembered]) -> None:
        """The registry has them."""
        with self._lock:
            done = set(facts)
            self._fresh = [fact for fact in self._fresh if fact not in done]

    def _keep(self, subject: str, since: int, value: bytes) -> bool:
        facts = self._facts.setdefault(subject, [])
        if (since, value) in facts:
            return False
        insort(facts, (since, value))
        del facts[:-VERSIONS]
        return True
