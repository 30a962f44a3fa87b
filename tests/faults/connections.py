"""Bad networks between the worker and its broker, and between the worker and InfluxDB."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from tests.faults.judging import judged
from tests.faults.progress import Progress
from tests.faults.stage import Stage
from tests.faults.table import Row, joined


class Size(NamedTuple):
    """``schedules`` of ``seconds`` each; the record is compared after every ``group`` of them."""

    rate: int
    tags: int
    schedules: int
    group: int
    seconds: float


FULL = Size(500, 50, 100, 20, 2.5)
SHORT = Size(300, 10, 3, 3, 1.5)


def connections(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    """Schedule n is drawn from seed + n: both proxies play one at a time, each its own."""
    before = stage.to_broker.done + stage.to_influxdb.done
    rows = []
    for first in range(0, size.schedules, size.group):
        some = range(first, min(first + size.group, size.schedules))
        rows.append(_group(stage, size, [seed + number for number in some], say))
    parts = [row.found for row in rows if row.found is not None]
    wrong = [f"seeds {row.name}: {row.verdict}" for row in rows if row.failed]
    faults = Counter(stage.to_broker.done + stage.to_influxdb.done) - before
    figures = {
        "connections suffered": ", ".join(f"{name} {n}" for name, n in sorted(faults.items())),
        "worst wait for all": max(row.figures["all there after"] for row in rows),
    }
    done = f"{size.schedules} schedules between worker, broker and InfluxDB, {size.rate} readings/s"
    verdict = "; ".join(wrong) or rows[0].verdict
    return Row("connections", done, joined(parts), figures, verdict=verdict)


def _group(stage: Stage, size: Size, seeds: list[int], say: Progress) -> Row:
    with stage.fleet("link", size.tags) as fleet:
        fleet.rate(size.rate)
        for seed in seeds:
            stage.to_broker.play(seed, size.seconds)
            stage.to_influxdb.play(-seed - 1, size.seconds)
            time.sleep(size.seconds)
            say(f"schedule {seed}, {fleet.acknowledged} acknowledged")
        stage.to_broker.calm()
        stage.to_influxdb.calm()
        record = fleet.finish()
    row = judged(stage, f"{seeds[0]} to {seeds[-1]}", "", record)
    return replace(row, figures=row.figures)
