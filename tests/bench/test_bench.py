"""The bench runs, and ends with what a program can read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.ingest import told
from tests.servers import InfluxDB, Missing, Mosquitto, find_program

PATIENCE_S = 240.0


def bench(*parts: str, module: str = "tests.bench") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *parts],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
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


FIGURES = {
    *("limit", "paho", "sqlite", "influx", "ratio_limit", "ratio_paho"),
    *("arrays", "lines", "ratio_lines"),
    *("live_offered_per_s", "live_p50_ms", "live_p99_ms", "live_lag_s", "live_rss_mb"),
    *("rss_mb", "drain_rss_mb"),
}


def test_the_brokers_bench_plays_every_contender_and_says_what_it_found() -> None:
    """How fast they are is not for a machine that runs tests beside it."""
    _require("mosquitto_sub", "mosquitto-clients")
    for server in (Mosquitto, InfluxDB):
        _require(server.program, server.package)
    asked = (
        "--rounds",
        "1",
        "--messages",
        "2000",
        "--tags",
        "50",
        "--live",
        "1",
        "--soak",
        "0",
        "--json",
    )
    done = bench(*asked, module="tests.bench.ingest")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == FIGURES
    assert all(value > 0 for value in found.values()), found
    assert found["rss_mb"] == found["live_rss_mb"]


RULES = {
    *("readings_per_s", "bound_readings_per_s", "ratio_limits", "lot_year_s", "refold_per_s"),
    *("million_lots_rss_mb", "million_lots_tags_rss_mb", "million_readings_per_s"),
    *("million_judged_per_s", "million_cost_ratio"),
    *("restart_s", "restart_cpu_s"),
}


def test_the_rules_bench_says_what_it_found() -> None:
    done = bench("--rounds", "1", "--lots", "20000", "--json", module="tests.bench.rules")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == RULES
    assert all(value > 0 for value in found.values()), found


def _require(program: str, package: str) -> None:
    """As `tests.conftest.make` has it."""
    try:
        find_program(program, package)
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (under CI nothing is skipped)")
        pytest.skip(str(missing))


def test_memory_is_told_by_what_it_grew_after_the_worker_had_settled() -> None:
    run = {"offered_per_s": 1.0, "p50_ms": 2.0, "p99_ms": 3.0, "lag_s": 4.0, "rss_mb": 290.0}
    course = [100.0, 150.0, 200.0, 240.0, 250.0]
    assert "calm_rss_growth_mb" not in told("calm", run | {"rss_course_mb": course})
    grown = told("calm", run | {"rss_course_mb": [*course, 290.0, 260.0]})
    assert grown["calm_rss_growth_mb"] == 10.0
