"""When each part of a worker last came round."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class Heartbeats:
    """Signs of life by part, in s of `time.monotonic`; from any thread."""

    def __init__(self) -> None:
        self._last: dict[str, Callable[[], float]] = {}

    def follow(self, part: str, last: Callable[[], float]) -> None:
        """``last`` says when ``part`` came round last."""
        self._last[part] = last

    def around(self, part: str, step: Callable[[], None]) -> Callable[[], None]:
        """``step``, after which ``part`` has come round."""
        seen = [monotonic()]
        self._last[part] = lambda: seen[0]

        def beating() -> None:
            step()
            seen[0] = monotonic()

        return beating

    def ages(self, now: float) -> dict[str, float]:
        """How long ago, s."""
        return {part: max(0.0, now - last()) for part, last in dict(self._last).items()}
