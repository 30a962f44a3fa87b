"""Messages that came and are not acknowledged yet, and the acknowledgements that may be sent.

One connection is one generation. What is of an earlier one comes again on the next, so an answer
to it is never sent: packet ids repeat, and it would acknowledge somebody else's message.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from ingest.message import Messages, joined
from ingest.packets import PUBACK_BYTES

MAX_HELD_BYTES = 64 << 20
"""Messages that are in memory and not acknowledged."""

MAX_TAKE_BYTES = 4 << 20
LINGER_S = 0.02
"""For a batch to fill: each costs a write to the disk, and more behind it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Messages of one connection, in the order of receipt.

    Those of QoS 1 are its ``begin`` to ``end`` from 0, and ``acks`` answers them.
    """

    messages: Messages
    generation: int
    begin: int
    end: int
    acks: bytes


class _Waiting(NamedTuple):
    """Messages that nobody took yet, and their answers behind each other; none at QoS 0."""

    generation: int
    messages: Messages
    acks: bytes

    def parted(self, at: int) -> tuple[_Waiting, _Waiting]:
        generation, messages, acks = self
        cut = at * PUBACK_BYTES
        return (
            _Waiting(generation, messages.part(0, at), acks[:cut]),
            _Waiting(generation, messages.part(at, len(messages)), acks[cut:]),
        )


class Holding:
    """At most ``limit`` messages, waiting or taken; use from any thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        """Messages that are held."""
        self._bytes = 0
        self._changed = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._queued = 0
        self._generation = 0
        self._taken = 0  # QoS 1 messages of this connection that were taken
        self._answered = 0  # and that were acknowledged, without a gap
        self._done: dict[int, Delivery] = {}  # begin -> acknowledged out of order
        self._due: list[bytes] = []
        self._closed = False

    @property
    def full(self) -> bool:
        return self.count >= self.limit or self._bytes >= MAX_HELD_BYTES

    @property
    def room(self) -> int:
        """Messages that may still come."""
        return self.limit - self.count

    def add(self, messages: Messages, acks: bytes) -> None:
        """Messages of one QoS, and their answers behind each other: none at QoS 0."""
        with self._changed:
            self._queue.append(_Waiting(self._generation, messages, acks))
            self._queued += len(messages)
            self.count += len(messages)
            self._bytes += messages.size
            self._changed.notify_all()

    def take(self, limit: int, timeout: float) -> Delivery | None:
        """Up to ``limit`` messages, and MAX_TAKE_BYTES: waits ``timeout`` s at most for the first.

        Lingers some milliseconds for more, so that batches fill under load.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed, timeout)
            if self._queue and self._queued < limit:
                self._changed.wait_for(lambda: self._queued >= limit or self._closed, LINGER_S)
            return self._delivery(limit) if self._queue else None

    def acknowledge(self, delivery: Delivery) -> None:
        """It is safe: its answers are due once all before them are."""
        with self._changed:
            self.count -= len(delivery.messages)
            self._bytes -= delivery.messages.size
            if delivery.acks and delivery.generation == self._generation:
                self._done[delivery.begin] = delivery
                while (done := self._done.pop(self._answered, None)) is not None:
                    self._due.append(done.acks)
                    self._answered = done.end
            self._changed.notify_all()

    def due(self) -> bytes:
        """The answers to be sent now, in the order of receipt; they are not due a second time."""
        with self._changed:
            due = b"".join(self._due)
            self._due.clear()
            return due

    def renew(self) -> None:
        """The connection is over: what it did not acknowledge comes again on the next.

        What is held stays held, though it comes twice: a connection that ended because nobody
        took for long would otherwise be made and filled again and again.
        """
        with self._changed:
            self._generation += 1
            self._taken = self._answered = 0
            self._due.clear()
            self._done.clear()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it closes, or until there is room again."""
        with self._changed:
            full = self.full
            self._changed.wait_for(lambda: self._closed or (full and not self.full), seconds)

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _delivery(self, limit: int) -> Delivery:
        parts: list[Messages] = []
        acks: list[bytes] = []
        generation, count, size = self._queue[0].generation, 0, 0
        while self._queue and self._queue[0].generation == generation:
            room = limit - count
            if room <= 0 or size >= MAX_TAKE_BYTES:
                break
            waiting = self._queue.popleft()
            if len(waiting.messages) > room:
                waiting, later = waiting.parted(room)
                self._queue.appendleft(later)
            parts.append(waiting.messages)
            acks.append(waiting.acks)
            count += len(waiting.messages)
            size += waiting.messages.size
        self._queued -= count
        messages, answers = joined(parts), b"".join(acks)
        if generation != self._generation:
            return Delivery(messages, generation, 0, 0, answers)
        begin, self._taken = self._taken, self._taken + len(answers) // PUBACK_BYTES
        return Delivery(messages, generation, begin, self._taken, answers)
