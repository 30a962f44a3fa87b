"""What is going on, on standard error: the table itself goes to standard output."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

EACH_S = 5.0


@dataclass
class Progress:
    """Says something now and then, not each time."""

    name: str
    begun: float
    _said: float = 0.0

    def __call__(self, what: str) -> None:
        now = time.monotonic()
        if now - self._said >= EACH_S:
            self._said = now
            print(f"  {now - self.begun:5.0f} s  {self.name}: {what}", file=sys.stderr, flush=True)
