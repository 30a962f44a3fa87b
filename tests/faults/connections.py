"""Bad networks between the worker and its broker, and between the worker and InfluxDB."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import httpx

from ingest.source import CONNECT_TIMEOUT_S, KEEPALIVE_S
from lots.readings.influx_history import TIMEOUT_S
from tests.faults.judging import judged
from tests.faults.progress import Progress
from tests.faults.proxy import Act, Fault, schedule
from tests.faults.stage import Stage
from tests.faults.table import KEPT, Row, joined
from tests.servers import asked
from tests.whole.house import soon

MARGIN_S = 5.0
"""By so much the long acts outlast what the worker waits for."""

LOOK_S = 0.1


class Size(NamedTuple):
    """``schedules`` of ``seconds`` each; the record is compared after every ``group`` of them.

    Then so many ``long`` ones, whose acts outlast the worker's time-outs.
    """

    rate: int
    tags: int
    schedules: int
    group: int
    seconds: float
    long: int


FULL = Size(500, 50, 100, 20, 2.5, 2)
SHORT = Size(300, 10, 3, 3, 1.5, 0)


class Plan(NamedTuple):
    """What is done to the connections with each, at one time."""

    broker: list[Act]
    influxdb: list[Act]

    @property
    def ends(self) -> float:
        return max(act.begins + act.lasts for act in (*self.broker, *self.influxdb))


class Sign(NamedTuple):
    """By what the worker's /readyz tells of a time-out, and how many a long schedule must bring."""

    part: str
    words: str
    each: int


SIGNS: Mapping[str, Sign] = MappingProxyType(
    {
        "InfluxDB": Sign("store", "timed out", 3),
        "keepalive of the broker": Sign("broker", "Keep alive timeout", 1),
        "connecting to the broker": Sign("broker", "(timed out)", 1),
    }
)


def connections(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    """Schedule n is drawn from seed + n: both proxies play one at a time, each its own."""
    before = stage.to_broker.done + stage.to_influxdb.done
    rows = []
    for first in range(0, size.schedules, size.group):
        some = range(first, min(first + size.group, size.schedules))
        rows.append(_group(stage, size, [seed + number for number in some], say))
    timeouts: Counter[str] = Counter()
    rows += [_long(stage, size, seed + number, timeouts, say) for number in range(size.long)]
    parts = [row.found for row in rows if row.found is not None]
    wrong = [f"{row.name}: {row.verdict}" for row in rows if row.failed]
    faults = Counter(stage.to_broker.done + stage.to_influxdb.done) - before
    figures = {
        "connections suffered": ", ".join(f"{name} {n}" for name, n in sorted(faults.items())),
        "worst wait for all": max((row.figures["all there after"] for row in rows), key=_seconds),
    }
    done = f"{size.schedules} schedules between worker, broker and InfluxDB, {size.rate} readings/s"
    if size.long:
        done += f"; {size.long} that outlast all time-outs"
        figures["timed out"] = ", ".join(f"{name} {timeouts[name]}" for name in SIGNS)
    wrong += [
        f"{name}: {timeouts[name]} time-outs, not {sign.each * size.long}"
        for name, sign in SIGNS.items()
        if timeouts[name] < sign.each * size.long
    ]
    return Row("connections", done, joined(parts), figures, verdict="; ".join(wrong) or KEPT)


def _seconds(told: str) -> float:
    return float(told.split()[0])


def _group(stage: Stage, size: Size, seeds: list[int], say: Progress) -> Row:
    with stage.fleet("link", size.tags) as fleet:
        fleet.rate(size.rate)
        for seed in seeds:
            stage.to_broker.play(schedule(seed, size.seconds), seed)
            stage.to_influxdb.play(schedule(-seed - 1, size.seconds), -seed - 1)
            time.sleep(size.seconds)
            say(f"schedule {seed}, {fleet.acknowledged} acknowledged")
        stage.to_broker.calm()
        stage.to_influxdb.calm()
        record = fleet.finish()
    return judged(stage, f"seeds {seeds[0]} to {seeds[-1]}", "", record)


def outlasting(seed: int) -> Plan:
    """Acts that the worker ends by itself, none of them while readings cannot come meanwhile.

    To InfluxDB: a write that gets no answer, one that is done but is not told so, and nobody who
    takes a connection. To the broker: the same last, and a connection that is dead without a word
    until a keepalive is not answered.
    """
    chance = random.Random(seed)
    influxdb, at = [], chance.uniform(2.0, 4.0)
    for fault in (Fault.STALL, Fault.ONE_WAY, Fault.UNREACHABLE):
        influxdb.append(Act(at, TIMEOUT_S + MARGIN_S, fault, 1))
        at += TIMEOUT_S + MARGIN_S + chance.uniform(4.0, 6.0)
    deaf = influxdb[0].begins + chance.uniform(5.0, 10.0)
    dead = influxdb[2].begins + chance.uniform(3.0, 6.0)
    broker = [
        Act(deaf, CONNECT_TIMEOUT_S + MARGIN_S, Fault.UNREACHABLE, 0),
        Act(dead, 2 * KEEPALIVE_S + MARGIN_S, Fault.STALL, 0),
    ]
    return Plan(broker, influxdb)


def _long(stage: Stage, size: Size, seed: int, timeouts: Counter[str], say: Progress) -> Row:
    """What `outlasting` says; counts in ``timeouts`` which of `SIGNS` came up how often."""
    plan = outlasting(seed)
    with stage.fleet("long", size.tags) as fleet:
        fleet.rate(size.rate)
        fleet.until(size.rate)
        soon(lambda: stage.house.figure("dunnage_store_lag_seconds") < 1.0, "readings are stored")
        stage.to_broker.play(plan.broker, seed)
        stage.to_influxdb.play(plan.influxdb, -seed - 1)
        ends = time.monotonic() + plan.ends
        standing: set[str] = set()
        while time.monotonic() < ends:
            with contextlib.suppress(httpx.HTTPError):
                found = signs(_troubles(stage))
                timeouts.update(found - standing)
                standing = found
            say(f"long schedule {seed}, {fleet.acknowledged} acknowledged, {dict(timeouts)}")
            time.sleep(LOOK_S)
        stage.to_broker.calm()
        stage.to_influxdb.calm()
        record = fleet.finish()
    return judged(stage, f"long seed {seed}", "", record)


def signs(told: Mapping[str, str | None]) -> set[str]:
    """Which of `SIGNS` stand in what each part of the worker tells to be its trouble."""
    return {name for name, sign in SIGNS.items() if sign.words in (told.get(sign.part) or "")}


def _troubles(stage: Stage) -> dict[str, str | None]:
    parts: dict[str, str | None] = asked(f"{stage.house.status_url}/readyz").json()["parts"]
    return parts
