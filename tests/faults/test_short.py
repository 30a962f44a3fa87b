"""Every fault once, in short: `make faults` plays them at full size."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.__main__ import SCENARIOS, SEED, played
from tests.faults.away import SHORT as AWAY
from tests.faults.stage import Stage
from tests.faults.table import KEPT, SKIPPED, table
from tests.servers import Missing

SHORTER = {
    "away": AWAY._replace(before=1.0, away=4.0, probes_before=2, probes_away=2, probes_back=2)
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One for all: what one scenario leaves behind is the next one's past."""
    with ExitStack() as opened:
        try:
            made = opened.enter_context(Stage())
        except Missing as missing:
            if os.environ.get("CI"):
                pytest.fail(f"{missing} (under CI nothing is skipped)")
            pytest.skip(str(missing))
        yield made


@pytest.mark.parametrize("name", [name for name, each in SCENARIOS.items() if each.staged])
def test_nothing_is_lost_and_nothing_counts_twice(stage: Stage, name: str) -> None:
    size = SHORTER.get(name, SCENARIOS[name].short)
    row = played(name, size, stage, SEED, time.monotonic())
    assert row.verdict == KEPT, table([row])


def test_a_full_disk_loses_nothing_and_heals() -> None:
    row = played("disk-files", SCENARIOS["disk-files"].short, None, SEED, time.monotonic())
    if row.verdict.startswith(SKIPPED):
        pytest.skip(row.verdict)
    assert row.verdict == KEPT, table([row])
