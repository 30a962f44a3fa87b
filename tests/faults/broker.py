"""The broker killed, with devices that wait for Dunnage's own acknowledgement."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import NamedTuple

from tests.faults.judging import judged
from tests.faults.progress import Progress
from tests.faults.stage import Stage
from tests.faults.table import Row

AWAY_S = 2.0


class Size(NamedTuple):
    """``pause`` s between two ``kills``; with every ``worker_each``th the worker is killed too."""

    rate: int
    devices: int
    kills: int
    pause: tuple[float, float]
    worker_each: int


FULL = Size(250, 50, 10, (2.0, 6.0), 3)
SHORT = Size(100, 10, 1, (0.5, 1.0), 1)


def broker(stage: Stage, size: Size, seed: int, say: Progress) -> Row:
    """What Mosquitto acknowledged and had not written is lost: the devices still hold it."""
    chance = random.Random(seed)
    with stage.devices("own", size.devices) as devices:
        devices.rate(size.rate)
        for kill in range(size.kills):
            time.sleep(chance.uniform(*size.pause))
            stage.broker.kill()
            if (kill + 1) % size.worker_each == 0:
                stage.kill_worker()
            time.sleep(chance.uniform(0.0, AWAY_S))
            stage.broker.start()
            say(f"killed {kill + 1} of {size.kills}, {devices.acknowledged} safe")
        time.sleep(chance.uniform(*size.pause))
        stage.await_worker()
        began = time.monotonic()
        record = devices.finish()
        took = time.monotonic() - began
    done = (
        f"Mosquitto killed {size.kills} times, the worker with it "
        f"{size.kills // size.worker_each} times; {size.devices} devices, {size.rate} readings/s,"
        " acknowledged by Dunnage"
    )
    row = judged(stage, "broker", done, record)
    figures = {
        "sent again": f"{devices.told.get('again', 0)}",
        "last held for": f"{took:.1f} s",
        **row.figures,
    }
    if not record.acknowledged.all() and not row.failed:
        row = replace(row, verdict=f"{(~record.acknowledged).sum()} were never acknowledged")
    return replace(row, figures=figures)
