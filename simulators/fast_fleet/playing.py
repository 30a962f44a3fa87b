"""Plays a fleet from one thread over a few connections: paced, or as fast as it is taken."""

from __future__ import annotations

import select
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from simulators.fast_fleet.connection import Connection, Share
from simulators.fast_fleet.fleet import Fleet
from simulators.fast_fleet.packets import prepare
from simulators.publisher import Broker, BrokerError

CONNECTIONS = 4
WINDOW = 2_000
"""Messages unacknowledged on a connection, at most: some 300 kB that a slow broker has of us."""

CATCH_UP_S = 1.0
"""A longer pause is not made up for: the window keeps a burst small, and the rate is the mean's."""

_PATIENCE_S = 60.0
_CLOSE_S = 10.0
_TELL_S = 0.25
_TURN_S = 0.01
_BREATH_S = 0.005


class Progress(NamedTuple):
    """How far it is."""

    acknowledged: int  # messages, of one reading each
    messages: int  # in all
    seconds: float
    connected: int  # connections that there are now


class Played(NamedTuple):
    """What the broker has acknowledged, and how many messages it has not."""

    messages: int
    readings: int
    seconds: float
    unacknowledged: int

    @property
    def per_second(self) -> float:
        """Messages a second, from the first one sent to the last one acknowledged."""
        return self.messages / self.seconds if self.seconds > 0 else 0.0


class Pace:
    """How many messages may be sent by now: ``rate`` a second, what a busy machine delayed by up to
    `CATCH_UP_S` at once; without a rate any number."""

    def __init__(self, rate: float | None, now: float) -> None:
        self._rate = rate
        self._allowed = 0.0
        self._then = now

    def allowed(self, now: float) -> int:
        if self._rate is None:
            return 1 << 62
        most = max(self._rate * CATCH_UP_S, 1.0)
        self._allowed = min(self._allowed + (now - self._then) * self._rate, most)
        self._then = now
        return int(self._allowed)

    def spend(self, count: int) -> None:
        self._allowed -= count


def play(
    fleet: Fleet,
    broker_url: str,
    *,
    messages: int,
    rate: float | None = None,
    connections: int = CONNECTIONS,
    window: int = WINDOW,
    stop: threading.Event | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> Played:
    """Publish the first ``messages`` of ``fleet``, and wait until the broker has acknowledged them.

    ``rate``         messages a second; None: as fast as the broker takes them
    ``connections``  each has its share of the tags, whose messages stay in their order
    ``window``       messages unacknowledged on a connection, at most
    ``stop``         set, it ends: what was sent is waited for, at most ten seconds
    ``tell``         called four times a second, and at the end

    A connection that is lost comes back, and sends again what was not acknowledged, marked so.
    Raises `BrokerError` where the broker cannot be reached at first, or has acknowledged nothing
    for a minute, and ValueError for what cannot be played.
    """
    if messages < 0 or (rate is not None and not rate > 0) or connections < 1 or window < 1:
        raise ValueError(
            "messages are 0 at least, rate is over 0, connections and window 1 at least"
        )
    stop = stop or threading.Event()
    lines = _lines(fleet, Broker.at(broker_url), messages, min(connections, fleet.tags), window)
    try:
        for line in lines:
            line.connect()
        prepare(fleet)
        begun = time.monotonic()
        paces = [
            Pace(None if rate is None else rate * line.share.width / fleet.tags, begun)
            for line in lines
        ]
        _exchange(lines, paces, stop, messages, begun, tell)
        seconds = time.monotonic() - begun
    finally:
        for line in lines:
            line.close()
    done = sum(line.acknowledged for line in lines)
    return Played(done, done, seconds, sum(line.unacknowledged for line in lines))


def _lines(
    fleet: Fleet, broker: Broker, messages: int, count: int, window: int
) -> list[Connection]:
    bounds = [fleet.tags * place // count for place in range(count + 1)]
    name = f"fleet-{uuid.uuid4().hex[:8]}"
    return [
        Connection(broker, f"{name}-{place}", Share(fleet, first, last, messages), window)
        for place, (first, last) in enumerate(pairwise(bounds))
    ]


def _exchange(
    lines: Sequence[Connection],
    paces: Sequence[Pace],
    stop: threading.Event,
    messages: int,
    begun: float,
    tell: Callable[[Progress], None] | None,
) -> None:
    """Until all is acknowledged, or `stop` and ten seconds."""
    told, ends = begun, float("inf")
    done, heard = 0, begun
    while True:
        now = time.monotonic()
        if stop.is_set():
            ends = min(ends, now + _CLOSE_S)
        for line, pace in zip(lines, paces, strict=True):
            if line.reconnect():
                pace.spend(line.send(0 if stop.is_set() else pace.allowed(now)))
        here = [line for line in lines if line.connected]
        waiting = any(line.unacknowledged for line in lines)
        unsent = not stop.is_set() and any(line.unsent for line in lines)
        over = not (waiting or unsent) or now >= ends
        if tell and (over or now - told >= _TELL_S):
            told = now
            tell(Progress(done, messages, now - begun, len(here)))
        if over:
            return
        _listen(here)
        before, done = done, sum(line.acknowledged for line in lines)
        if done > before or (here and not waiting):
            heard = now
        elif now - heard > _PATIENCE_S:
            raise BrokerError(
                f"the broker has acknowledged nothing for {_PATIENCE_S:.0f} s: see whether it runs"
            )


def _listen(here: Sequence[Connection]) -> None:
    """Wait a little for the sockets, and take what has come."""
    behind = [line for line in here if line.wants_to_write]
    if not here:
        time.sleep(_TURN_S)
        return
    select.select(here, behind, [], _TURN_S)
    if not behind:
        time.sleep(_BREATH_S)  # a broker answers one by one: let some answers gather
    for line in here:
        line.receive()
