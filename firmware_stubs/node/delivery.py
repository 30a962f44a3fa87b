"""What the ring holds, brought to Dunnage: sent, asked for, and let go of when it is safe.

One round is some messages of readings of one start of the node, the oldest that is held; the last
reading of them asks. What the answer says is safe is released. What is missing is still held, and
so goes first in the next round, until nothing is left.
"""

from node import ack, record
from node.native import message, question, reading_json

MESSAGE = 16
"""Readings in one message: about 1 800 bytes."""

ROUND = 128
"""Readings until the next question."""

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

    def run(self, until_ms):
        """Send until nothing is held, or `until_ms` by `Clock.uptime_ms`; raises OSError when the
        link breaks, or Dunnage does not answer. Yields after each message and each answer."""
        stalled = 0
        while self._ring.count and self._clock.uptime_ms() < until_ms:
            before = self._ring.count
            boot = None
            for payload, of in self._round():
                self._link.publish(self._readings, payload)
                boot = of
                yield
            if boot is None:
                continue  # all that was held was damaged
            self._settings.refused = None
            self._await(boot)
            yield
            stalled = 0 if self._ring.count < before else stalled + 1
            if stalled == _STALLED:
                raise OSError("no acknowledgement came: everything is kept")

    def _round(self):
        """(payload, boot) of each message."""
        texts = []
        first = last = None
        count = 0
        for position in self._ring.held():
            data = self._ring.read(position)
            if data is None:
                continue
            reading = record.unpack(data)
            if first is None:
                first = reading
            elif reading.boot != first.boot or count == ROUND:
                break
            if last is not None:
                texts.append(reading_json(last, self._clock.uptime_ms()))
                if len(texts) == MESSAGE:
                    yield message(texts), first.boot
                    texts = []
            last = reading
            count += 1
        if last is not None:
            asking = question(first.seq, self._settings.refused)
            texts.append(reading_json(last, self._clock.uptime_ms(), asking))
            yield message(texts), first.boot

    def _await(self, boot):
        """Take what comes, until an answer about `boot` does."""
        wait_ms = self._settings["answer_wait"] * 1000
        ends = self._clock.uptime_ms() + wait_ms
        while True:
            found = self._link.receive(max(0, ends - self._clock.uptime_ms()))
            if found is None:
                return
            topic, payload = found
            if topic == self._ack:
                answer = ack.parse(payload)
                if answer is not None:
                    self._release(answer)
                    if answer.boot == boot:
                        return
            elif topic == self._commands and payload:
                self._settings.take(payload)

    def _release(self, answer):
        self._ring.release(
            position
            for position in self._ring.held()
            if ack.covers(answer, *record.number(self._ring.read(position) or _NOTHING))
        )


_NOTHING = b"\xff" * 8
"""In the place of a record that is damaged: of a boot that there never is."""
