"""The worker and the stores killed at random instants, and a worker that stands still."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import replace
from typing import NamedTuple

from tests.faults.judging import judged
from tests.faults.progress import Progress
from tests.faults.stage import READY_S, Probes, Stage
from tests.faults.table import Row
from tests.servers import Server
from tests.whole.house import soon


class Size(NamedTuple):
    """``rate`` readings a second of ``tags``; ``pause`` s between two of ``kills``."""

    rate: int
    tags: int
    kills: int
    pause: tuple[float, float]
    probes: int


class Standstill(NamedTuple):
    """``stopped`` s, with so much ``before`` and ``after``."""

    rate: int
    tags: int
    stopped: float
    before: float
    after: float


WORKER = Size(1000, 200, 50, (0.1, 5.0), 20)
INFLUXDB = Size(1000, 200, 20, (1.0, 5.0), 20)
POSTGRESQL = Size(1000, 200, 10, (1.0, 5.0), 10)
STANDSTILL = Standstill(1000, 200, 60.0, 5.0, 5.0)

SHORT_WORKER = Size(500, 10, 2, (0.3, 1.5), 1)
SHORT_STORE = Size(500, 10, 2, (0.3, 0.8), 0)
SHORT_STANDSTILL = Standstill(500, 10, 2.0, 0.5, 0.5)

EARLY = (1, 3)
"""Of five kills of the worker, those while it starts."""

AWAY_S = 1.5
"""A killed store is back within so long: a supervisor restarts it."""


def worker(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    """Kills at random instants: three of five at full work, the others while it starts."""
    chance = random.Random(seed)
    probes = Probes(stage, size.probes)
    at_work, start_s = 0, 0.0
    with stage.fleet("kill", size.tags) as fleet:
        fleet.rate(size.rate)
        for kill in range(size.kills):
            if kill % 5 in EARLY:
                time.sleep(chance.uniform(0.0, start_s))
            else:
                start_s = stage.await_worker()
                time.sleep(chance.uniform(*size.pause))
            probes.fire_share(kill, size.kills)
            at_work += stage.house.ready("worker")
            stage.kill_worker()
            say(f"killed {kill + 1} of {size.kills}, {fleet.acknowledged} acknowledged")
        stage.await_worker()
        record = fleet.finish()
    done = f"worker killed {size.kills} times at {size.rate} readings/s"
    row = judged(stage, "worker", done, record, probes)
    killed = {"at work": f"{at_work} times", "at its start": f"{size.kills - at_work}"}
    return replace(row, figures={**killed, **row.figures})


def influxdb(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    return _store(stage, stage.influxdb, size, seed, say)


def postgresql(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    """All processes of it: what it finds at its next start is what a crash leaves."""
    return _store(stage, stage.postgresql, size, seed, say)


def _store(stage: Stage, server: Server, size: Size, seed: int, say: Progress) -> Row:
    chance = random.Random(seed)
    probes = Probes(stage, size.probes)
    with stage.fleet(server.package, size.tags) as fleet:
        fleet.rate(size.rate)
        for kill in range(size.kills):
            time.sleep(chance.uniform(*size.pause))
            probes.fire_share(kill, size.kills)
            server.kill()
            time.sleep(chance.uniform(0.0, AWAY_S))
            server.start()
            say(f"killed {server.package} {kill + 1} of {size.kills}")
        record = fleet.finish()
    soon(lambda: stage.house.ready("api"), "the API finds its stores again", READY_S)
    done = f"{server.package} killed {size.kills} times at {size.rate} readings/s"
    return judged(stage, server.package, done, record, probes)


def standstill(stage: Stage, size: Standstill, _seed: int, say: Progress) -> Row:
    """The worker stopped, as a machine that swaps stops it, and let go on."""
    with stage.fleet("stop", size.tags) as fleet:
        fleet.rate(size.rate)
        time.sleep(size.before)
        stage.house.signal("worker", signal.SIGSTOP)
        say(f"stopped for {size.stopped:g} s")
        time.sleep(size.stopped)
        stage.house.signal("worker", signal.SIGCONT)
        time.sleep(size.after)
        record = fleet.finish()
    done = f"worker stopped (SIGSTOP) for {size.stopped:g} s at {size.rate} readings/s"
    return judged(stage, "standstill", done, record)
