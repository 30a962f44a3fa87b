"""The demo's world and its tags: about forty lots at three sites and on the way between them."""

from __future__ import annotations

from simulators.demo_fleet.fleet import Fleet
from simulators.demo_fleet.records import Record

__all__ = ["Fleet", "Record", "world"]


def world(now_ms: int, seed: int = 1) -> dict[str, list[Record]]:
    """kind -> records of a demo that starts at ``now_ms``: see `Fleet.world`."""
    return Fleet(now_ms, seed=seed).world()
