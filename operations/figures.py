"""What a worker can say of itself at one moment, and how old is what it has not done yet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figures:
    """A worker at the moment ``at`` (s of a clock that only goes forward).

    Counters begin at 0 with the worker. A trouble is the part's own words, None where it has none.
    """

    at: float
    connected: bool = True
    broker_trouble: str | None = None
    thread_alive: bool = True
    thread_age_s: float = 0.0  # since the network thread last came round
    sessions_lost: int = 0
    dropped: int = 0  # messages that the broker says it dropped
    held: int = 0  # messages in memory and not acknowledged, of
    limit: int = 20_000  # so many at most
    intake_trouble: str | None = None
    journal_bytes: int = 0
    journal_bound: int = 1
    disk_free_bytes: int | None = None  # None: the disk does not tell
    wrong_clocks: str | None = None  # of tags
    impossible_values: str | None = None  # that tags say
    store_trouble: str | None = None
    store_lag_bytes: int = 0
    store_lag_s: float = 0.0
    rules_trouble: str | None = None
    packs_refused: str | None = None  # why changed packs are not in force
    rules_lag_bytes: int = 0
    rules_lag_s: float = 0.0
    registry_trouble: str | None = None
    registry_silent_s: float = 0.0  # since it last answered
    clock_skew_s: float = 0.0  # our clock less the registry's
    parts: Mapping[str, float] = field(default_factory=dict)  # age of each one's sign of life, s

    @property
    def queue_fill(self) -> float:
        """0 to 1."""
        return self.held / self.limit if self.limit else 0.0

    @property
    def journal_fill(self) -> float:
        """0 to 1."""
        return self.journal_bytes / self.journal_bound


class Ages:
    """When a log had reached which offset: so how long what is behind an offset has waited.

    Knows the time of what was appended while somebody looked (`note`), to the pace of the looks.
    What was there before counts from the first look.
    """

    def __init__(self, most: int = 4096) -> None:
        """``most``: moments kept; with more, every other one is forgotten."""
        self._most = most
        self._at: list[float] = []
        self._end: list[int] = []

    def note(self, at: float, end: int) -> None:
        """At ``at`` (s) the log ended at ``end``; times and ends only grow."""
        if self._end and self._end[-1] == end:
            return
        self._at.append(at)
        self._end.append(end)
        if len(self._at) > self._most:
            self._at, self._end = self._at[::2], self._end[::2]

    def age(self, at: float, offset: int) -> float:
        """How long, s, the oldest entry from ``offset`` on has waited at least; 0: none waits."""
        first = bisect_right(self._end, offset)
        return at - self._at[first] if first < len(self._at) else 0.0

    def forget(self, offset: int) -> None:
        """Nobody will ask for what is before ``offset`` any more."""
        done = bisect_right(self._end, offset)
        del self._at[:done], self._end[:done]
