"""All faults, or some: `python -m tests.faults [--only worker] [--short] [--seed 7]`.

Prints how it goes on standard error, and at the end a table: of every scenario what was published,
acknowledged and is visible through the API, what of the acknowledged is missing, what is visible
twice (or was never sent, or blended with another), and the verdict. Ends with status 1 where one
is not kept. What the scenarios do is in docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tests.faults import away, broker, connections, full_disk, killing, order, poison
from tests.faults.progress import Progress
from tests.faults.stage import Stage
from tests.faults.table import Row, table

SEED = 1


@dataclass(frozen=True)
class Scenario:
    """``play`` on a stage, at one of two sizes; without a stage it builds its own."""

    play: Callable[..., Row]
    full: Any
    short: Any
    staged: bool = True


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "worker": Scenario(killing.worker, killing.WORKER, killing.SHORT_WORKER),
        "influxdb": Scenario(killing.influxdb, killing.INFLUXDB, killing.SHORT_STORE),
        "postgresql": Scenario(killing.postgresql, killing.POSTGRESQL, killing.SHORT_STORE),
        "away": Scenario(away.away, away.FULL, away.SHORT),
        "broker": Scenario(broker.broker, broker.FULL, broker.SHORT),
        "standstill": Scenario(killing.standstill, killing.STANDSTILL, killing.SHORT_STANDSTILL),
        "disk": Scenario(full_disk.on_servers, full_disk.FULL, full_disk.SHORT, staged=False),
        "disk-files": Scenario(full_disk.on_files, full_disk.FULL, full_disk.SHORT, staged=False),
        "connections": Scenario(connections.connections, connections.FULL, connections.SHORT),
        "poison": Scenario(poison.poison, poison.FULL, poison.SHORT),
        "order": Scenario(order.order, order.FULL, order.SHORT),
    }
)


def main() -> int:
    options = _options()
    begun = time.monotonic()
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load before"
        f" {os.getloadavg()[0]:.1f}, seed {options.seed}"
    )
    rows = []
    with ExitStack() as opened:
        # In short all play one after another on one stage; else each gets a new one.
        shared = opened.enter_context(Stage()) if options.short else None
        for name in options.only or SCENARIOS:
            scenario = SCENARIOS[name]
            size = scenario.short if options.short else scenario.full
            rows.append(played(name, size, shared, options.seed, begun))
            print(f"{rows[-1].name}: {rows[-1].verdict}", file=sys.stderr, flush=True)
    print(table(rows))
    print(f"{time.monotonic() - begun:.0f} s in all")
    return 1 if any(row.failed for row in rows) else 0


def played(name: str, size: Any, shared: Stage | None, seed: int, begun: float) -> Row:
    """A scenario's line; whatever breaks it off is one too. ``begun``: of all, monotonic s."""
    scenario, say = SCENARIOS[name], Progress(name, begun)
    began = time.monotonic()
    try:
        if not scenario.staged:
            row = scenario.play(size, say)
        elif shared is not None:
            row = scenario.play(shared, size, seed, say)
        else:
            with Stage() as stage:
                row = scenario.play(stage, size, seed, say)
    except Exception as error:
        traceback.print_exc()
        row = Row(name, "", verdict=f"broke off: {error}"[:200])
    return replace(row, name=name, seconds=time.monotonic() - began)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=list(SCENARIOS),
        help="play this one alone; several times",
    )
    parser.add_argument("--short", action="store_true", help="two minutes instead of about 45")
    parser.add_argument("--seed", type=int, default=SEED, help="of all that is random")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
