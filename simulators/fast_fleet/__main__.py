"""``python -m simulators.fast_fleet --tags 100000 --messages 1000000``: the last line is JSON."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from types import FrameType

from simulators.command import positive, say
from simulators.fast_fleet import CONNECTIONS, WINDOW, Fleet, Played, Progress, play
from simulators.progress import progress
from simulators.publisher import BrokerError


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all that was sent is acknowledged, else 1."""
    given = _parser().parse_args(arguments)
    messages = given.messages or given.tags
    try:
        fleet = _fleet(given, messages)
        played = run(
            fleet,
            given.broker,
            messages=messages,
            rate=given.rate,
            connections=given.connections,
            window=given.window,
        )
    except (BrokerError, ValueError) as error:
        say(f"fast_fleet: {error}")
        return 1
    if played.unacknowledged:
        say(f"fast_fleet: {played.unacknowledged} messages are not acknowledged")
    return 1 if played.unacknowledged else 0


def run(
    fleet: Fleet,
    broker: str,
    *,
    messages: int,
    rate: float | None = None,
    connections: int = CONNECTIONS,
    window: int = WINDOW,
) -> Played:
    """`play` as a command does it: Ctrl-C ends it, progress is shown, and the last line on standard
    output is ``{"messages": …, "readings": …, "seconds": …, "per_second": …}``."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with progress(f"{fleet.tags} tags", max(messages, 1)) as show:
            played = play(
                fleet,
                broker,
                messages=messages,
                rate=rate,
                connections=connections,
                window=window,
                stop=stop,
                tell=lambda now: show(now.acknowledged, _shown(now)),
            )
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    counts = {"messages": played.messages, "readings": played.readings}
    speed = {"seconds": round(played.seconds, 3), "per_second": round(played.per_second)}
    print(json.dumps(counts | speed), flush=True)  # noqa: T201
    return played


def _shown(now: Progress) -> str:
    rate = now.acknowledged / now.seconds if now.seconds > 0 else 0.0
    away = "" if now.connected else ", the broker is away"
    return f"{now.acknowledged} messages acknowledged, {rate:.0f} a second{away}"


def _fleet(given: argparse.Namespace, messages: int) -> Fleet:
    """Paced, a reading is of when it is sent; else the last ones are of now."""
    if given.rate:
        interval = max(round(given.tags / given.rate * 1000), 1)
        ago = 0
    else:
        interval = round(given.interval * 1000)
        ago = -(-messages // given.tags) * interval
    start = given.start_ms or time.time_ns() // 1_000_000 - ago
    return Fleet(given.tags, given.seed, start, interval, given.tenant, given.prefix)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.fast_fleet", description="Publish a large fleet's readings."
    )
    parser.add_argument("--tags", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=0, help="in all; 0: one of each tag")
    parser.add_argument("--rate", type=positive, help="messages a second; else as fast as taken")
    parser.add_argument("--interval", type=positive, default=600.0, help="s, where no rate is kept")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start-ms", type=int, default=0, help="of the first reading; 0: by now")
    parser.add_argument("--broker", default="mqtt://127.0.0.1:1883", help="mqtt:// or mqtts:// URL")
    parser.add_argument("--tenant", default="demo")
    parser.add_argument("--prefix", default="tag", help="tags are called PREFIX-00000 and on")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument(
        "--window", type=int, default=WINDOW, help="unacknowledged on each, at most"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
