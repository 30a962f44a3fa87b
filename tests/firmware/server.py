"""Dunnage's own end of the wire, in this process: what decodes, counts once and acknowledges.

Between it and the nodes is a broker that loses, doubles and delays, by a seed.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Engine

from ingest.answers import Answers
from ingest.formats import Memory, Routing, route
from ingest.formats.identity import keys
from ingest.journal import Entry
from ingest.message import Message, gathered
from ingest.repeats import Repeats
from lots.clock import DAY_MS, Clock
from lots.settings import Subscription

KEEP_MS = 400 * DAY_MS
TENANT = "acme"
TOGETHER = 1000
"""Messages."""


@dataclass
class Tag:
    """What there is of a node."""

    random: random.Random
    late: list[bytes] = field(default_factory=list)  # messages that are still on their way
    answers: list[str] = field(default_factory=list)  # that it did not get yet


class Visible(NamedTuple):
    """A reading as it counts: ``time`` and ``key`` are what makes it one."""

    tag: str
    time: int
    key: int
    temperature: float
    flags: int


class Server:
    """Answers what nodes ask by ``harness.ask``."""

    def __init__(self, database: Engine) -> None:
        self._answers = Answers(database, "journal-1", self._publish, Clock(), KEEP_MS)
        row = Subscription(filter="dunnage/v1/+/+/readings", format="native")
        self._routing = Routing([route(row, KEEP_MS)])
        self._memory = Memory()
        self._arrived: list[Message] = []
        self._end = self._answers.restore(0)
        self.tags: dict[str, Tag] = {}
        self.faults: Counter[str] = Counter()

    def ask(self, text: str) -> str:
        """Whether the node sees a PUBACK, and what comes on its …/ack."""
        asked = json.loads(text)
        name = asked["tag"]
        tag = self.tags.setdefault(name, Tag(random.Random(name)))
        payload = asked["payload"].encode()
        return json.dumps(self._pass_on(name, tag, asked["now"], payload, asked["calm"]))

    def _pass_on(
        self, name: str, tag: Tag, now: int, payload: bytes, calm: bool
    ) -> tuple[bool, list[str]]:
        arrived, taken = [payload], True
        fault = "none" if calm else tag.random.choice(FAULTS)
        self.faults[fault] += 1
        if fault == "lost":
            arrived = []
        elif fault == "twice":
            arrived = [payload, payload]
        elif fault == "late":
            arrived, tag.late = [], [*tag.late, payload]
        elif fault == "unanswered":
            taken = False
        if arrived and (calm or tag.random.random() < 0.5):
            arrived = [*arrived, *tag.late]
            tag.late = []
        if arrived:
            self._take(name, tag, now, arrived)
        if fault == "deaf":
            tag.answers.clear()
        if fault == "slow":
            return taken, []
        answers, tag.answers = tag.answers, []
        return taken, answers

    def _take(self, name: str, tag: Tag, now: int, payloads: list[bytes]) -> None:
        topic = f"dunnage/v1/{TENANT}/{name}/readings"
        arrived = [Message(now, topic, payload) for payload in payloads]
        self._arrived += arrived
        messages = gathered(arrived)
        decoded = self._routing.decode(messages, self._memory)
        entry = Entry(self._end, self._end + 100, messages, None)
        self._end = entry.end
        self._answers.take(entry, decoded)

    def visible(self) -> set[Visible]:
        """All readings that came: what is delivered again is not another one."""
        repeats, found = Repeats(), set()
        for begin in range(0, len(self._arrived), TOGETHER):
            messages = gathered(self._arrived[begin : begin + TOGETHER])
            decoded = self._routing.decode(messages, Memory())
            assert not decoded.rejected, decoded.rejected[0]
            batch = repeats.settle(decoded.batch)
            columns = (
                batch.tag,
                batch.time,
                keys(batch.boot, batch.seq, batch.values),
                batch.values["temperature"],
                batch.flags,
            )
            for tag, *row in zip(*(column.tolist() for column in columns), strict=True):
                found.add(Visible(batch.tags[tag].tag, *row))
        return found

    def _publish(self, topic: str, payload: bytes) -> None:
        self.tags[topic.split("/")[3]].answers.append(payload.decode())


FAULTS = ("none",) * 6 + ("lost", "twice", "late", "unanswered", "deaf", "slow")
