"""InfluxDB away for long: alerts go on as if nothing was, and the history catches up."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import httpx

from tests.faults.comparison import readings
from tests.faults.fleet import Fleet
from tests.faults.judging import judged
from tests.faults.numbers import humidity, place, temperature
from tests.faults.progress import Progress
from tests.faults.stage import Probes, Stage, spread
from tests.faults.table import Row
from tests.whole.house import House

RECENT_MS = 10_000
"""Every tag measures more often than this, and the fleet tells more often how far it is."""

LOOK_S = 0.2
NOISE_S = 0.5
"""Of the worst latency: the outbox looks for news a few times a second."""


class Size(NamedTuple):
    """Seconds ``before`` and ``away``, with so many probes in each; ``complete`` s at most.

    While the history catches up a probe each ``spacing`` s, of ``probes_back``. ``slower``: by so
    many s may the median alert come later than before.
    """

    rate: int
    tags: int
    before: float
    away: float
    probes_before: int
    probes_away: int
    probes_back: int
    spacing: float
    complete: float
    slower: float


FULL = Size(2000, 200, 60.0, 600.0, 30, 40, 120, 0.5, 180.0, 0.2)
# A few alerts, beside other tests, tell little of latencies.
SHORT = Size(500, 10, 5.0, 20.0, 3, 6, 6, 0.5, 60.0, 0.8)


def away(stage: Stage, size: Size, _seed: int, say: Progress) -> Row:
    """The readings go on while the history catches up."""
    probes = Probes(stage, size.probes_before + size.probes_away + size.probes_back)
    with stage.fleet("away", size.tags) as fleet:
        fleet.rate(size.rate)
        _fire(probes, size.probes_before, size.before, fleet, say, "before")
        usual = probes.latencies()
        stage.influxdb.stop()
        _fire(probes, size.probes_away, size.away, fleet, say, "away")
        without = probes.latencies()
        behind = stage.house.figure("dunnage_store_lag_bytes")
        stage.influxdb.start()
        latest = Latest(fleet.prefix, fleet.made, size.tags, int(time.time() * 1000))
        fire = Paced(probes.fire, size.probes_back, size.spacing)
        caught_up = _catching_up(stage.house, latest, fire, 2 * size.complete, say)
        back = probes.latencies()
        made = fleet.made
        record = fleet.finish()
    done = f"InfluxDB away for {size.away:g} s at {size.rate} readings/s, {made} in all"
    row = judged(stage, "store away", done, record, probes)
    figures = {
        "waited in the journal": f"{behind / 1e6:.0f} MB",
        "history complete": f"{caught_up:.0f} s after its return",
        "alerts": row.figures["alerts"],
        "from reading to alert before": spread(usual),
        "away": spread(without),
        "catching up": spread(back),
    }
    row = replace(row, figures=figures)
    if row.failed:
        return row
    if caught_up > size.complete:
        return replace(row, verdict=f"the history took {caught_up:.0f} s, not {size.complete:g}")
    slow = slower(usual, {"away": without, "catching up": back}, size.slower)
    return replace(row, verdict=slow) if slow else row


def _fire(
    probes: Probes, count: int, seconds: float, fleet: Fleet, say: Progress, what: str
) -> None:
    """``count`` of them, spread over ``seconds``."""
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + seconds * (number + 0.5) / count - time.monotonic()))
        probes.fire()
        say(f"{what}: {time.monotonic() - begun:.0f} s of {seconds:g}, {fleet.made} readings")
    time.sleep(max(0.0, begun + seconds - time.monotonic()))


class Latest(NamedTuple):
    """The last reading of every tag of the first ``made`` of a fleet, as of ``at``, ms."""

    prefix: str
    made: int
    tags: int
    at: int

    def numbers(self) -> list[int]:
        """The very last first."""
        return [n for n in range(self.made - 1, self.made - 1 - self.tags, -1) if n >= 0]

    def visible(self, house: House, number: int) -> bool:
        """Whether the API shows it: no other of its tag has its values for minutes."""
        tag, _ = place(number, self.tags)
        told = {"temperature": temperature(number), "humidity": humidity(number)}
        try:
            seen = readings(house, f"{self.prefix}-{tag}", self.at - RECENT_MS, self.at + 1)
            return any(each.values == told for each in seen)
        except httpx.HTTPError:
            return False


class Paced:
    """Calls ``fire`` when it is due: at once, and each ``spacing`` s, ``count`` times in all."""

    def __init__(self, fire: Callable[[], None], count: int, spacing: float) -> None:
        self._fire, self._left, self._spacing = fire, count, spacing
        self._due = time.monotonic()

    def __call__(self) -> None:
        if self._left and time.monotonic() >= self._due:
            self._left -= 1
            self._due += self._spacing
            self._fire()


def _catching_up(
    house: House, latest: Latest, fire: Paced, patience_s: float, say: Progress
) -> float:
    """Seconds until all of ``latest`` can be seen; lets probes ``fire`` meanwhile."""
    begun = time.monotonic()
    waiting = latest.numbers()
    while waiting:
        fire()
        while waiting and latest.visible(house, waiting[0]):
            waiting.pop(0)
            fire()
        took = time.monotonic() - begun
        say(f"catching up: {took:.0f} s, {len(waiting)} tags wait")
        assert took < patience_s, f"after {took:.0f} s {len(waiting)} tags lack readings"
        time.sleep(LOOK_S)
    return time.monotonic() - begun


def slower(usual: list[float], since: dict[str, list[float]], most: float) -> str | None:
    """Whether alerts of some time came later than ``usual``: the median by more than ``most`` s."""
    median, worst = statistics.median(usual), max(usual)
    for when, latencies in since.items():
        if (now := statistics.median(latencies)) > median + most:
            return f"the median alert took {now:.2f} s {when}, not {median:.2f} s as before"
        if (now := max(latencies)) > 2 * worst + NOISE_S:
            return f"the worst alert took {now:.2f} s {when}, not {worst:.2f} s as before"
    return None
