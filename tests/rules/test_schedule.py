"""Ticks come by the clock, and stop when they are told to."""

import threading
from itertools import pairwise

import pytest

from lots.clock import Clock
from rules.schedule import FASTEST_S, TICK_MS, ticking


class Ticks:
    """Where ticks are appended; waits for some."""

    def __init__(self):
        self.times = []
        self._came = threading.Condition()

    def append(self, now):
        with self._came:
            self.times.append(now)
            self._came.notify_all()

    def wait_for(self, count, seconds=10.0):
        with self._came:
            assert self._came.wait_for(lambda: len(self.times) >= count, seconds)


@pytest.fixture
def ticks():
    return Ticks()


def seconds_between(scheduler):
    (job,) = scheduler.get_jobs()
    return job.trigger.interval.total_seconds()


def test_a_fast_clock_ticks_with_its_own_time(ticks):
    """A day in ten seconds: each tick is an hour and more after the one before."""
    clock = Clock(start_ms=Clock().now_ms(), speed=8640.0)
    scheduler = ticking(ticks.append, clock)
    try:
        ticks.wait_for(3)
    finally:
        scheduler.shutdown()
    count = len(ticks.times)
    steps = [b - a for a, b in pairwise(ticks.times)]
    assert all(step >= TICK_MS for step in steps)
    assert ticks.times[-1] <= clock.now_ms()
    assert threading.Event().wait(2 * FASTEST_S) is False
    assert len(ticks.times) == count  # it was stopped


@pytest.mark.parametrize(
    ("speed", "seconds"), [(1.0, 60.0), (2.0, 30.0), (8640.0, FASTEST_S), (0.0, 60.0), (0.1, 60.0)]
)
def test_it_ticks_about_once_a_minute_of_the_clock(ticks, speed, seconds):
    scheduler = ticking(ticks.append, Clock(speed=speed))
    try:
        assert seconds_between(scheduler) == pytest.approx(seconds)
    finally:
        scheduler.shutdown()
