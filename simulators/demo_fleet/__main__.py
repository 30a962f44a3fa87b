"""Plays the demo's fleet live: ``python -m simulators.demo_fleet --broker mqtt://127.0.0.1:1883``.

Its last line is ``{"messages": …, "readings": …}``: what the broker has acknowledged.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from typing import Final

from simulators.clock import Clock
from simulators.command import positive, run, say
from simulators.demo_fleet.fleet import HOUR_MS, Fleet
from simulators.message import Message
from simulators.publisher import BrokerError, Publisher

_TICK_S: Final = 0.05


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all that was published is acknowledged, else 1."""
    given = _parser().parse_args(arguments)
    clock = Clock(given.start_ms or time.time_ns() // 1_000_000, given.speed)
    name = f"demo-fleet-{uuid.uuid4().hex[:8]}"
    try:
        publisher = Publisher(given.broker, client_id=name, rate=given.rate)
        publisher.connect()
    except BrokerError as error:
        say(f"demo fleet: {error}")
        return 1
    fleet = Fleet(clock.start_ms, given.tenant, given.seed)
    return run(
        "demo fleet",
        publisher,
        lambda: play(fleet, publisher, clock, given.history, given.seconds),
    )


def play(
    fleet: Fleet,
    publisher: Publisher,
    clock: Clock,
    history_h: float = 0.0,
    seconds: float | None = None,
) -> None:
    """Publish what is due by ``clock``, until ``seconds`` have really passed or someone stops it.

    ``history_h``: begin with what was measured so many hours before the start.
    """
    ends = None if seconds is None else time.monotonic() + seconds
    done = clock.now_ms()
    for message in at_once(fleet.messages(fleet.start_ms - round(history_h * HOUR_MS), done)):
        if not publisher.publish(message):
            return
    while ends is None or time.monotonic() < ends:
        now = clock.now_ms()
        for message in fleet.messages(done, now):
            late = ends is not None and time.monotonic() >= ends
            if late or not publisher.publish(message):
                return
        done = max(done, now)
        if publisher.wait(_TICK_S):
            return


def at_once(messages: list[Message]) -> list[Message]:
    """The same readings in one message a topic, as a tag sends what it kept while out of reach."""
    by_topic: dict[str, list[Message]] = {}
    for message in messages:
        by_topic.setdefault(message.topic, []).append(message)
    return [
        Message(
            topic,
            b"[" + b",".join(part.payload.strip()[1:-1] for part in parts) + b"]",
            sum(part.readings for part in parts),
            parts[-1].at,
        )
        for topic, parts in by_topic.items()
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.demo_fleet", description="Play the demo's tags live over MQTT."
    )
    parser.add_argument("--broker", default="mqtt://127.0.0.1:1883", help="mqtt:// or mqtts:// URL")
    parser.add_argument("--tenant", default="demo")
    parser.add_argument("--start-ms", type=int, default=0, help="when the clock starts; 0: now")
    parser.add_argument("--speed", type=positive, default=1.0, help="8640: a day in ten seconds")
    parser.add_argument(
        "--for", dest="seconds", type=positive, default=None, help="stop after so many real seconds"
    )
    parser.add_argument("--rate", type=positive, default=300.0, help="messages a second at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--history", type=float, default=0.0, help="hours before the start to publish first"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
