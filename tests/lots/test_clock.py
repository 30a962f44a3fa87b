"""One notion of now: a start and a speed."""

from __future__ import annotations

import math
import time

import pytest

from lots.clock import DAY_MS, HOUR_MS, Clock


@pytest.fixture
def true_ms(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's time, to be set."""
    now = [1_763_766_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0] / 1000.0)
    return now


def test_at_speed_one_it_is_the_true_time() -> None:
    before = time.time() * 1000
    for clock in (Clock(), Clock(start_ms=round(before) - DAY_MS)):
        assert before - 1 <= clock.now_ms() <= time.time() * 1000 + 1


def test_it_runs_ahead_from_its_start(true_ms: list[float]) -> None:
    start = round(true_ms[0])
    clock = Clock(start, speed=8640)
    assert clock.now_ms() == start
    true_ms[0] += 10_000
    assert clock.now_ms() == start + DAY_MS
    assert Clock(start, 8640).now_ms() == clock.now_ms(), "two processes agree"


def test_before_its_start_it_shows_the_true_time(true_ms: list[float]) -> None:
    start = round(true_ms[0]) + HOUR_MS
    assert Clock(start, 1000).now_ms() == round(true_ms[0])
    assert Clock(start, 0).now_ms() == round(true_ms[0])


def test_a_stopped_clock_stays(true_ms: list[float]) -> None:
    clock = Clock(start_ms=5, speed=0)
    true_ms[0] += DAY_MS
    assert clock.now_ms() == 5
    assert math.isinf(clock.real_seconds(1))


def test_how_long_a_span_takes() -> None:
    assert Clock().real_seconds(HOUR_MS) == 3600
    assert Clock(0, 8640).real_seconds(DAY_MS) == 10
    assert Clock(0, 0.5).real_seconds(1000) == 2
