"""A simulator as a process: on a signal it stops, flushes and says what arrived."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from types import FrameType

from simulators.publisher import BrokerError, Publisher


def say(text: str) -> None:
    """A line for the person who started it."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def run(name: str, publisher: Publisher, play: Callable[[], None], **counts: int) -> int:
    """Play until done or told to stop, wait for acknowledgements, disconnect.

    The last line on standard output is JSON: the messages and readings that the broker has
    acknowledged, and ``counts``. Returns 0, or 1 when some that were published are not.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        publisher.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    trouble = None
    try:
        play()
    except BrokerError as error:
        trouble = str(error)
    left = publisher.close()
    if left:
        trouble = f"{left} messages are not acknowledged: {trouble or 'the broker did not answer'}"
    if trouble:
        say(f"{name}: {trouble}")
    arrived = {"messages": publisher.messages, "readings": publisher.readings}
    print(json.dumps(arrived | counts), flush=True)  # noqa: T201
    return 1 if trouble else 0


def positive(text: str) -> float:
    """A number over 0, of an argument."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not over 0")
    return value
