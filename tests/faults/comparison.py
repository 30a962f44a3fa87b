"""What was promised to be kept against what everybody can see through the API."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
import msgspec
import numpy as np

from lots.fields import written
from tests.faults.fleet import Record
from tests.faults.numbers import humidity, temperature
from tests.whole.house import House

SPAN_MS = 72 * 3_600_000
PAGE = 10_000


class Seen(msgspec.Struct):
    """A reading as the API shows it."""

    t: str
    key: int
    flags: list[str]
    values: dict[str, float]

    @property
    def time(self) -> int:
        """ms"""
        return round(datetime.fromisoformat(self.t).timestamp() * 1000)


class _Page(msgspec.Struct):
    items: list[Seen]
    next: str | None


class Compared(NamedTuple):
    """``strange``: shown, but never made; ``blended``: with the values of no reading or another."""

    published: int
    acknowledged: int
    stored: int
    missing: int
    doubled: int
    strange: int
    blended: int
    example: str

    @property
    def kept(self) -> bool:
        return not (self.missing or self.doubled or self.strange or self.blended)

    def __str__(self) -> str:
        words = ("missing", "doubled", "strange", "blended")
        found = ", ".join(f"{getattr(self, word)} {word}" for word in words if getattr(self, word))
        return f"{found or 'all kept'}{self.example}"


NUMBERS = tuple(name for name in Compared._fields if name != "example")


def readings(house: House, tag: str, begins: int, ends: int) -> Iterator[Seen]:
    """All that the API shows of ``tag`` for begins <= t < ends, ms; none where it does not know it.

    Raises `httpx.HTTPError` where it does not answer.
    """
    for first in range(begins, ends, SPAN_MS):
        span = {"from": written(first), "to": written(min(first + SPAN_MS, ends))}
        path: str | None = f"/v1/tags/{tag}/readings?{urlencode({**span, 'limit': PAGE})}"
        while path:
            reply = house.ask(path)
            if reply.status_code == 404:
                return
            reply.raise_for_status()
            page = msgspec.json.decode(reply.content, type=_Page)
            yield from page.items
            path = page.next


def compare(house: House, record: Record) -> Compared:
    """Every reading of ``record`` against every one that is visible of its tags."""
    found = Compared(len(record.times), int(record.acknowledged.sum()), 0, 0, 0, 0, 0, "")
    if not len(record.times):
        return found
    begins, ends = int(record.times.min()), int(record.times.max()) + 1
    for tag, name in enumerate(record.names):
        numbers = np.arange(tag, len(record.times), record.tags)
        numbered = dict(zip(record.times[numbers].tolist(), numbers.tolist(), strict=True))
        seen = Counter[int]()
        for each in readings(house, name, begins, ends):
            seen[each.time] += 1
            number = numbered.get(each.time)
            found = _looked_at(found, each, number, name)
        promised = record.times[numbers[record.acknowledged[numbers]]].tolist()
        missing = [at for at in promised if at not in seen]
        wrong = [*missing, *(at for at, count in seen.items() if count > 1)]
        if wrong and not found.example:
            found = found._replace(example=f" (such as {name} at {written(wrong[0])})")
        found = found._replace(
            missing=found.missing + len(missing),
            doubled=found.doubled + sum(count - 1 for count in seen.values()),
        )
    return found


def _looked_at(found: Compared, seen: Seen, number: int | None, tag: str) -> Compared:
    found = found._replace(stored=found.stored + 1)
    if number is None:
        return found._replace(strange=found.strange + 1, example=f" (such as {tag} at {seen.t})")
    told = {"temperature": temperature(number), "humidity": humidity(number)}
    if seen.values != told:
        return found._replace(blended=found.blended + 1, example=f" (such as {tag} at {seen.t})")
    return found


def compared(house: House, record: Record, patience_s: float) -> tuple[Compared, float]:
    """`compare` once all is settled, and again until nothing is missing or ``patience_s`` is over.

    And how many seconds it took until it was all there, give or take one look.
    """
    begun = time.monotonic()
    settle(house, patience_s)
    while True:
        took = time.monotonic() - begun
        found = compare(house, record)
        if not found.missing or time.monotonic() - begun > patience_s:
            return found, took
        time.sleep(1.0)


def settle(house: House, patience_s: float) -> None:
    """Wait until the worker has nothing left to do, or ``patience_s`` is over: looking decides."""
    ends = time.monotonic() + patience_s
    quiet = 0
    while quiet < 3 and time.monotonic() < ends:
        try:
            quiet = quiet + 1 if house.settled() else 0
        except (httpx.HTTPError, AssertionError):
            quiet = 0
        time.sleep(0.25)
