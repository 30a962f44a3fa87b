"""One notion of now, shared by every part: a start and a speed."""

import time
from dataclasses import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Clock:
    """Reads the true time up to ``start_ms``'s instant and runs ``speed`` times as fast from it.

    ``start_ms`` is a true instant (ms since 1970, UTC), so processes that are given the same two
    numbers agree on now without talking to each other, whenever each of them was started.
    At ``speed`` 1 it is the true time. At ``speed`` 0, for tests, it stays at a start in the past.
    """

    start_ms: int = 0
    speed: float = 1.0

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        true_ms = time.time() * 1000.0  # the only place that asks the machine
        ahead = true_ms - self.start_ms
        return round(self.start_ms + ahead * self.speed if ahead > 0 else true_ms)

    def real_seconds(self, span_ms: float) -> float:
        """How many true seconds ``span_ms`` of this clock takes; infinite on a stopped clock."""
        return span_ms / 1000.0 / self.speed if self.speed else float("inf")
