"""A journey's world as records to register: plain dicts by kind, with the fields of CSV and API.

Two registries are told apart: what is believed at first, wrong bindings with it, and the
`Correction`s that somebody makes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from simulators.journeys.records import Record
from simulators.sensors.faults import Misbound
from simulators.voyage import Hung
from simulators.world import World


class Correction(NamedTuple):
    """From the true instant ``at``, ms, on the registry has these records of ``kind``."""

    at: int
    kind: str
    records: list[Record]


def records(world: World, tags: Sequence[Hung], tenant: str) -> dict[str, list[Record]]:
    """kind -> records as they are believed at first, in an order in which each finds what it
    points to."""
    return world.records() | {
        "tags": [
            {
                "id": each.called(tenant),
                "model": f"{each.device.model.name} (simulated)",
                "interval_s": round(each.device.reporting.interval_s),
            }
            for each in tags
        ],
        "bindings": [_binding(world, each, tenant, corrected=False) for each in tags],
    }


def corrections(world: World, tags: Iterable[Hung], tenant: str) -> list[Correction]:
    """What is corrected later, by time: the bindings of tags that were bound wrongly."""
    found: dict[int, list[Record]] = {}
    for each in tags:
        wrong = _misbound(each)
        if wrong is not None and wrong.ends is not None:
            record = _binding(world, each, tenant, corrected=True)
            found.setdefault(wrong.ends, []).append(record)
    return [Correction(at, "bindings", found[at]) for at in sorted(found)]


def _misbound(hung: Hung) -> Misbound | None:
    return next((fault for fault in hung.device.faults if isinstance(fault, Misbound)), None)


def _binding(world: World, hung: Hung, tenant: str, *, corrected: bool) -> Record:
    tag, device = hung.tag, hung.device
    # An air tag's probe is taken for the surface; one in the core makes the tag the core's.
    record: Record = {
        "id": f"{hung.called(tenant)}-1",
        "tag": hung.called(tenant),
        "placement": "core" if tag.probe == "core" else tag.placement,
        "begins": iso(device.begins),
    }
    if device.ends < world.end_ms:
        record["ends"] = iso(device.ends)
    wrong = _misbound(hung)
    lot, place = tag.lot, tag.place
    if wrong is not None and not corrected:
        lot, place = wrong.lot, wrong.place
    return record | ({"lot": lot} if lot is not None else {"place": place})


def iso(ms: int) -> str:
    """An instant, ms since 1970, as ISO 8601 in UTC, to the millisecond."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
