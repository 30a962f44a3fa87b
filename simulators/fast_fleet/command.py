"""A large fleet played by a command: Ctrl-C ends it, progress is shown, the last line is JSON."""

from __future__ import annotations

import json
import signal
import threading
from types import FrameType

from simulators.command import say
from simulators.fast_fleet.fleet import Fleet
from simulators.fast_fleet.playing import CONNECTIONS, WINDOW, Played, Progress, play
from simulators.progress import progress


def times(
    now_ms: int, *, tags: int, messages: int, rate: float | None, interval_ms: int
) -> tuple[int, int]:
    """When the first reading is of, and the interval of each tag, ms.

    Paced, readings are of when they are sent; else ``interval_ms`` apart, the last ones of now.
    """
    if rate is not None:
        return now_ms, max(round(tags / rate * 1000), 1)
    rounds = -(-messages // max(tags, 1))
    return now_ms - rounds * interval_ms, interval_ms


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
    if played.unacknowledged:
        say(f"{played.unacknowledged} messages are not acknowledged")
    counts = {"messages": played.messages, "readings": played.readings}
    speed = {"seconds": round(played.seconds, 3), "per_second": round(played.per_second)}
    print(json.dumps(counts | speed), flush=True)  # noqa: T201
    return played


def _shown(now: Progress) -> str:
    rate = now.acknowledged / now.seconds if now.seconds > 0 else 0.0
    away = "" if now.connected else ", the broker is away"
    return f"{now.acknowledged} messages acknowledged, {rate:.0f} a second{away}"
