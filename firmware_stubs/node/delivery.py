"""What the ring holds, brought to Dunnage: sent, asked for, and let go of when it is safe.

First comes what the broker has retained for the node. One round is some messages of readings of one
start of the node, the oldest that is held; the last reading of them asks. What the answer says is
safe is released. What is missing is still held, and so goes first in the next round, until nothing
is left.
"""

from node import ack, record
from node.native import message, question, reading_json

MESSAGE = 8
"""Readings in one message: about 1 000 bytes, which have to be found in one piece in memory."""

ROUND = 7 * MESSAGE
"""Readings until the next question. Where its answer is lost they all go out once more; of those
with a clock that was never set Dunnage knows 64 again at least (docs/wire.md)."""

_RETAINED_MS = 100
"""A broker sends what it has retained right behind its answer to the subscription, and has answered
once more since."""

_STALLED = 2
"""Rounds without anything released, after which it is given up for now."""


class Delivery:
    """`link` is connected and has `publish(topic, payload)` and `receive(wait_ms)`.

    `topics`   (readings, ack, commands)
    `settings` as in `settings.py`
    """

    def __init__(self, ring, link, topics, clock, settings):
        self._ring = ring
        self._link = link
        self._readings, self._ack, self._commands = topics
        self._clock = clock
        self._settings = settings
        self._asked = None  # (boot, seq) of the reading that asked last

    def run(self, until_ms):
        """Send until nothing is held, or `until_ms` by `Clock.uptime_ms`, one round at least.

        Raises OSError when the link breaks, or Dunnage does not answer. Yields after each reading.
        """
        yield from self._listen(_RETAINED_MS)
        stalled = 0
        while self._ring.count:
            before = self._ring.count
            self._asked = None
            for payload in self._round():
                yield
                if payload:
                    self._link.publish(self._readings, payload)
            if self._asked is not None:  # else all that was held was damaged
                self._settings.refused = None
                yield from self._listen(self._settings["answer_wait"] * 1000)
            stalled = 0 if self._ring.count < before else stalled + 1
            if stalled == _STALLED:
                raise OSError("no acknowledgement came: everything is kept")
            if self._clock.uptime_ms() >= until_ms:
                break

    def _round(self):
        """Messages, and None while one is being made."""
        texts = []
        first = last = None
        records = self._ring.records()
        for count, (_, data) in enumerate(records):
            reading = record.unpack(data)
            if first is None:
                first = reading
            elif reading.boot != first.boot or count == ROUND:
                break
            if last is not None:
                texts.append(reading_json(last, self._clock.uptime_ms()))
                yield message(texts) if len(texts) == MESSAGE else None
            last = reading
        records.close()
        if last is not None:
            asking = question(first.seq, self._settings.refused)
            texts.append(reading_json(last, self._clock.uptime_ms(), asking))
            self._asked = last.boot, last.seq
            yield message(texts)

    def _listen(self, wait_ms):
        """Take what comes, until it is the answer to what was asked."""
        ends = self._clock.uptime_ms() + wait_ms
        while self._clock.uptime_ms() < ends:
            yield
            found = self._link.receive(max(0, ends - self._clock.uptime_ms()))
            if found is None:
                return
            topic, payload = found
            if topic == self._commands and payload != b"":
                self._settings.take(payload)
            answer = ack.parse(payload) if topic == self._ack else None
            if answer is not None:
                yield from self._release(answer)
                if self._asked is not None and ack.answers(answer, *self._asked):
                    return

    def _release(self, answer):
        safe = []
        records = self._ring.records()
        for position, data in records:
            boot, seq = record.number(data)
            if ack.covers(answer, boot, seq):
                safe.append(position)
            elif boot == answer.boot and seq > answer.seq:
                break  # no later one is covered either
            yield
        records.close()
        self._ring.release(safe)
