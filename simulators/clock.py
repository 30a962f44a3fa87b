"""The simulators' own notion of now: two numbers, the same that the server is given."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Shows ``start_ms`` at that true instant (ms since 1970 UTC) and runs at ``speed`` from there.

    Processes with the same two numbers agree on now, whenever each of them was started.
    """

    start_ms: int = 0
    speed: float = 1.0

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        true_ms = time.time() * 1000.0
        return round(self.start_ms + (true_ms - self.start_ms) * self.speed)

    def real_seconds_until(self, instant_ms: int) -> float:
        """How long it really takes until ``instant_ms``; 0 if past, infinite on a stopped clock."""
        ahead = instant_ms - self.now_ms()
        if ahead <= 0:
            return 0.0
        return ahead / 1000.0 / self.speed if self.speed > 0 else float("inf")
