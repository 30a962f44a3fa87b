"""Readings in InfluxDB 1.x, 2.x or 3.x, written as line protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

import numpy as np

from lots.at_once import at_once
from lots.readings import influx_rollups
from lots.readings.batch import Ints, ReadingBatch, TagKey
from lots.readings.influx_database import InfluxServer
from lots.readings.influx_history import TIMEOUT_S, InfluxHistory
from lots.readings.influx_writers import Answer
from lots.readings.line_protocol import LineProtocol
from lots.readings.store import Refused, Rollups
from lots.readings.stored import storable

LINES = 5_000
"""Points in a request at most, as InfluxDB's makers advise."""

FEW_LINES = 1_000
"""So few are not worth a second request, nor to be put in order."""

WRITERS = 2
"""Requests at the same time: InfluxDB works on each with one processor."""

_DROPPED = re.compile(r"dropped=(\d+)\s*$")


class InfluxStore(InfluxHistory):
    """A `ReadingStore` on a server."""

    def __init__(
        self, server: InfluxServer, retention_days: int, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        super().__init__(server, retention_days, timeout_s=timeout_s)
        self._lines = LineProtocol()

    def write(self, batch: ReadingBatch) -> list[Refused]:
        kept, positions, refused = storable(batch)
        if len(kept) > FEW_LINES:
            # InfluxDB looks a series up anew wherever the one before was another.
            by_tag = np.argsort(kept.tag, kind="stable")
            kept, positions = kept.take(by_tag), positions[by_tag]
        for portions in _portions(len(kept)):
            found = at_once(
                [partial(self._offer, kept.take(one), positions[one]) for one in portions]
            )
            refused += chain.from_iterable(found)
        return sorted(refused, key=lambda bad: bad.position)

    def write_rollups(self, step: int, rollups: Sequence[tuple[TagKey, Rollups]]) -> None:
        influx_rollups.write(self._rollups, step, rollups)

    def expire(self, before: int) -> None:
        """InfluxDB does so by its retention policy."""

    def _offer(self, batch: ReadingBatch, positions: Ints) -> list[Refused]:
        """Write ``batch``; finds the readings, by ``positions``, that are to blame for a refusal.

        A refusal may be of some or of all, and which, no version says: so halves are offered
        until each is taken whole or is a single point. What was taken already is written again,
        which changes nothing.
        """
        body = self._lines.lines(batch)
        answer = self._readings.post(body)
        if answer.ok:
            return []
        self.check()  # it may be we who are refused, not the points
        points = list(zip(positions.tolist(), body.splitlines(keepends=True), strict=True))
        return self._narrowed(points, answer)

    def _narrowed(self, points: list[tuple[int, bytes]], refusal: Answer) -> list[Refused]:
        dropped = _DROPPED.search(refusal.reason)
        if len(points) == 1 or (dropped and int(dropped[1]) == len(points)):
            return [Refused(position, f"InfluxDB: {refusal.reason}") for position, _ in points]
        middle = len(points) // 2
        found = []
        for half in (points[:middle], points[middle:]):
            answer = self._post(half)
            if not answer.ok:
                found += self._narrowed(half, answer)
        return found

    def _post(self, points: list[tuple[int, bytes]]) -> Answer:
        return self._readings.post(b"".join(line for _, line in points))


def _portions(n: int) -> Iterator[list[slice]]:
    """``n`` points as requests, those that are made at the same time together."""
    for start in range(0, n, WRITERS * LINES):
        stop = min(start + WRITERS * LINES, n)
        size = max(-(-(stop - start) // WRITERS), FEW_LINES)
        yield [slice(begin, min(begin + size, stop)) for begin in range(start, stop, size)]
