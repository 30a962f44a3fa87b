"""What happens because time passes: ticks, as records of the journal like everything else."""

from __future__ import annotations

from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from lots.clock import Clock

TICK_MS = 60_000
FASTEST_S = 0.5


def ticking(append: Callable[[int], object], clock: Clock) -> BackgroundScheduler:
    """Starts a scheduler that calls ``append`` with the clock's now (ms) about each minute of it.

    Stop it with ``shutdown()``. A tick that comes late is as good as one in time, several late
    ones are as good as one.
    """
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        lambda: append(clock.now_ms()),
        "interval",
        seconds=max(FASTEST_S, min(60.0, clock.real_seconds(TICK_MS))),
        coalesce=True,
        misfire_grace_time=None,
        max_instances=1,
    )
    scheduler.start()
    return scheduler
