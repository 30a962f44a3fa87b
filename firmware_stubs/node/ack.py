"""Our own acknowledgement, read: which readings need not be kept any longer (docs/wire.md)."""

import json
from collections import namedtuple

RANGES = 32
"""In an answer, at most."""

Answer = namedtuple("Answer", ("boot", "seq", "missing"))
"""Of `boot` everything up to `seq` is safe but the ranges (first, last) in `missing`."""


def parse(payload):
    """The `Answer` that a message on …/ack is; None where it is none, which then frees nothing."""
    try:
        found = json.loads(payload)
        boot, seq, missing = found["boot"], found["seq"], found["missing"]
        ranges = [(first, last) for first, last in missing]
    except (ValueError, KeyError, TypeError):
        return None
    numbers = [boot, seq]
    for pair in ranges:
        numbers.extend(pair)
    if len(ranges) > RANGES or not all(type(n) is int and n >= 0 for n in numbers):
        return None
    return Answer(boot, seq, ranges)


def answers(answer, boot, seq):
    """Whether it is to the question of the reading (`boot`, `seq`), and not to an earlier one. Its
    `seq` is lower than that only where there are more ranges missing than it has room for."""
    return boot == answer.boot and (answer.seq >= seq or len(answer.missing) == RANGES)


def covers(answer, boot, seq):
    """Whether the reading (`boot`, `seq`) is safe by `answer`."""
    if boot != answer.boot or seq > answer.seq:
        return False
    return not any(first <= seq <= last for first, last in answer.missing)
