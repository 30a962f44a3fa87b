"""``python -m simulators.fast_fleet --tags 100000 --messages 1000000``: the last line is JSON."""

from __future__ import annotations

import argparse
import sys
import time

from simulators.command import positive, say
from simulators.fast_fleet import CONNECTIONS, WINDOW, Fleet
from simulators.fast_fleet.command import run, times
from simulators.publisher import BrokerError


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all that was sent is acknowledged, else 1."""
    given = _parser().parse_args(arguments)
    messages = given.messages or given.tags
    try:
        start_ms, interval_ms = times(
            time.time_ns() // 1_000_000,
            tags=given.tags,
            messages=messages,
            rate=given.rate,
            interval_ms=round(given.interval * 1000),
        )
        played = run(
            Fleet(
                given.tags,
                given.seed,
                given.start_ms or start_ms,
                interval_ms,
                given.tenant,
                given.prefix,
            ),
            given.broker,
            messages=messages,
            rate=given.rate,
            connections=given.connections,
            window=given.window,
        )
    except (BrokerError, ValueError) as error:
        say(f"fast_fleet: {error}")
        return 1
    return 1 if played.unacknowledged else 0


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
