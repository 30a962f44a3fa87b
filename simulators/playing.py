"""Messages to a broker: as they are due by a clock, or as fast as it takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from simulators.clock import Clock
from simulators.message import Message
from simulators.publisher import Publisher

_LONGEST_SLEEP_S: Final = 3600.0

Due = Callable[[int], None]
"""Is told of each simulated instant, ms, before what is published then."""

Opening = Callable[[int], Iterable[Message]]
"""What a new connection begins with at a simulated instant, ms."""


def play(
    messages: Iterable[Message],
    publisher: Publisher,
    clock: Clock | None,
    due: Due = lambda _at: None,
    opening: Opening = lambda _at: (),
) -> None:
    """Publish each message when ``clock`` says that it is due; without one at once, in their order.

    What is overdue goes at once. Ends early where ``publisher`` was stopped.
    """
    connections = 0
    for message in messages:
        while clock and (ahead := clock.real_seconds_until(message.at)) > 0:
            if publisher.wait(min(ahead, _LONGEST_SLEEP_S)):
                return
        due(message.at)
        first: Iterable[Message] = ()
        if publisher.connections != connections:
            connections = publisher.connections
            first = opening(message.at)
        if not all(publisher.publish(each) for each in (*first, message)):
            return
