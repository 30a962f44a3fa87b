"""The simulators' own notion of now: two numbers, the same that the server is given."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """True up to the instant ``start_ms`` (ms since 1970 UTC), ``speed`` times as fast from there.

    Processes with the same two numbers agree on now, whenever each of them was started.
    """

    start_ms: int = 0
    speed: float = 1.0

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        true_ms = time.time() * 1000.0
        ahead = true_ms - self.start_ms
        return round(self.start_ms + ahead * self.speed if ahead > 0 else true_ms)

    def real_seconds_until(self, instant_ms: int) -> float:
        """How long it really takes until ``instant_ms``; 0 if past, infinite on a stopped clock."""
        ahead = instant_ms - self.now_ms()
        if ahead <= 0:
            return 0.0
        return ahead / 1000.0 / self.speed if self.speed > 0 else float("inf")
