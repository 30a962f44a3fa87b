"""Messages to columns, beside what a user would write: `json.loads` into dicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ingest.formats import Memory, decode, route
from ingest.message import Message
from lots.clock import DAY_MS
from lots.settings import Subscription
from tests.bench.comparing import Figure, beside
from tests.bench.messages import arrays, singles

SUBSCRIPTION = Subscription(filter="dunnage/v1/+/+/readings", format="native")
ROUTES = [route(SUBSCRIPTION, 400 * DAY_MS)]
READINGS = 6_000


def figures() -> Iterator[Figure]:
    yield _decoding("one reading a message", singles(500))
    yield _decoding("60 readings a message", arrays(50, 60))


def _decoding(name: str, messages: Sequence[Message]) -> Figure:
    each = len(decode(messages, ROUTES, Memory()).batch)
    times = READINGS // each

    def ours() -> int:
        return sum(len(decode(messages, ROUTES, Memory()).batch) for _ in range(times))

    def bare() -> int:
        found = 0
        for _ in range(times):
            read = [json.loads(message.payload) for message in messages]
            found += sum(len(one) if isinstance(one, list) else 1 for one in read)
        return found

    return beside(f"decode, {name}", "readings", ours, "json.loads", bare)
