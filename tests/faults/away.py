"""InfluxDB away for long: alerts go on as if nothing was, and the history catches up."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import NamedTuple

from tests.faults.fleet import Fleet
from tests.faults.judging import judged
from tests.faults.progress import Progress
from tests.faults.stage import Probes, Stage, spread
from tests.faults.table import Row
from tests.whole.house import soon

MESSAGE_BYTES = 200
"""What a reading takes in the journal, about."""

NOISE_S = 0.5
"""Latencies that differ by less are alike: the outbox looks for news a few times a second."""


class Size(NamedTuple):
    """Seconds ``before`` and ``away``, with so many probes in each; ``complete`` s at most."""

    rate: int
    tags: int
    before: float
    away: float
    probes_before: int
    probes_away: int
    complete: float


FULL = Size(2000, 200, 60.0, 600.0, 20, 40, 180.0)
SHORT = Size(500, 10, 5.0, 20.0, 3, 6, 60.0)


def away(stage: Stage, size: Size, _seed: int, say: Progress) -> Row:
    """The readings go on while the history catches up."""
    before, during = Probes(stage, size.probes_before), Probes(stage, size.probes_away)
    with stage.fleet("away", size.tags) as fleet:
        fleet.rate(size.rate)
        _fire(before, size.before, fleet, say, "before")
        usual = before.latencies()
        stage.influxdb.stop()
        _fire(during, size.away, fleet, say, "away")
        behind = stage.house.figure("dunnage_store_lag_bytes")
        stage.influxdb.start()
        returned = time.monotonic()
        enough = 2 * size.rate * MESSAGE_BYTES
        soon(
            lambda: stage.house.figure("dunnage_store_lag_bytes") <= enough,
            "the history is complete",
            2 * size.complete,
        )
        caught_up = time.monotonic() - returned
        made = fleet.made
        record = fleet.finish()
    done = f"InfluxDB away for {size.away:g} s at {size.rate} readings/s, {made} in all"
    row = judged(stage, "store away", done, record, during)
    meanwhile = row.figures["from reading to alert"]
    figures = {
        "waited in the journal": f"{behind / 1e6:.0f} MB",
        "history complete": f"{caught_up:.0f} s after its return",
        "alerts": row.figures["alerts"],
        "from reading to alert before": spread(usual),
        "away": meanwhile,
    }
    row = replace(row, figures=figures)
    if row.failed:
        return row
    if caught_up > size.complete:
        return replace(row, verdict=f"the history took {caught_up:.0f} s, not {size.complete:g}")
    slow = _slower(usual, during.told)
    return replace(row, verdict=slow) if slow else row


def _fire(probes: Probes, seconds: float, fleet: Fleet, say: Progress, what: str) -> None:
    """All of them, spread over ``seconds``."""
    begun, count = time.monotonic(), len(probes.names)
    for number in range(count):
        time.sleep(max(0.0, begun + seconds * (number + 0.5) / count - time.monotonic()))
        probes.fire()
        say(f"{what}: {time.monotonic() - begun:.0f} s of {seconds:g}, {fleet.made} readings")
    time.sleep(max(0.0, begun + seconds - time.monotonic()))


def _slower(before: list[float], during: list[float]) -> str | None:
    for name, of in (("median", statistics.median), ("worst", max)):
        usual, now = of(before), of(during)
        if now > 2 * usual + NOISE_S:
            return f"the {name} alert took {now:.2f} s, not {usual:.2f} s as before"
    return None
