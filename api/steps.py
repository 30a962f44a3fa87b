"""How finely to show a span of time: steps as people write them, and steps that make round points.

Steps are counted from 1970 UTC, as the stores count them.
"""

from __future__ import annotations

import re

from lots.clock import DAY_MS, HOUR_MS

MOST_POINTS = 5000
SHORTEST_MS = 1000
LONGEST_MS = 400 * 366 * DAY_MS
MINUTE_MS = 60_000
UNITS = {"s": 1000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}

ROUND_STEPS = (
    *(seconds * 1000 for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_MS for hours in (1, 2, 3, 6, 12)),
    *(days * DAY_MS for days in (1, 2, 7, 14, 28, 56, 91, 182, 364)),
)
"""Steps that a person would choose, ms."""

_SHORT = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_ISO = re.compile(
    r"P(?=.)(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)


def duration(text: str) -> int:
    """Milliseconds of ``15m``, ``1h``, ``1d`` or of an ISO 8601 duration such as ``PT15M``.

    Raises `ValueError` with the remedy.
    """
    if short := _SHORT.fullmatch(text):
        value = int(short[1]) * UNITS[short[2]]
    elif iso := _ISO.fullmatch(text):
        value = sum(
            int(n or 0) * UNITS[unit] for n, unit in zip(iso.groups(), "wdhms", strict=True)
        )
    else:
        raise ValueError(f"{text!r} is not a length of time: write it like 15m, 1h, 1d or PT15M")
    if not SHORTEST_MS <= value <= LONGEST_MS:
        raise ValueError(f"{text!r} is too short or too long for a step: it has at least 1s")
    return value


def steps_in(begins: int, ends: int, step: int) -> int:
    """How many steps the span begins <= t < ends (ms) touches."""
    return (ends - 1) // step - begins // step + 1


def round_step(begins: int, ends: int, points: int) -> int:
    """The shortest round step of which the span touches at most ``points`` >= 2."""
    fitting = (step for step in ROUND_STEPS if steps_in(begins, ends, step) <= points)
    step = next(fitting, 2 * ROUND_STEPS[-1])
    while steps_in(begins, ends, step) > points:
        step *= 2
    return step


def fine_step(begins: int, ends: int, step: int, interval: int, most: int = 20_000) -> int:
    """A divisor of ``step`` in which a tag's silence shows: about its ``interval`` (ms).

    It is longer where the span would touch more than ``most`` of them.
    """
    divisors = [fine for fine in (*ROUND_STEPS, step) if step % fine == 0 and fine <= step]
    fitting = [fine for fine in divisors if steps_in(begins, ends, fine) <= most]
    shorter = [fine for fine in fitting if fine <= interval]
    return max(shorter) if shorter else min(fitting, default=step)
