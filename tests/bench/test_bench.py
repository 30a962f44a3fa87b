"""The bench runs, and ends with what a program can read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def bench(*parts: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *parts],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_last_line_has_the_ratios() -> None:
    done = bench("journal", "decode")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    ratios = json.loads(lines[-1])
    assert len(ratios) == len(lines) - 2 == 4  # without the machine's line
    assert all(0 < ratio < 10 for ratio in ratios.values())


def test_a_part_that_there_is_not_is_named() -> None:
    done = bench("jornal")
    assert done.returncode == 2
    assert "jornal: there is only journal" in done.stderr
