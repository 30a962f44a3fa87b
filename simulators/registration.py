"""A journey's world as records to register: plain dicts by kind, with the fields of CSV and API.

Two registries are told apart: what is believed at first, wrong bindings with it, and the
`Correction`s that somebody makes later. Several journeys in one registry share no place, site or
party of which they say different things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from simulators.journeys.records import Record
from simulators.sensors.faults import Misbound
from simulators.voyage import Hung
from simulators.world import World

Records = Mapping[str, list[Record]]
Names = Mapping[tuple[str, str], str]
"""(kind, id in the journey's file) -> id in the registry, where that is another."""

_POINTS: Final[Mapping[str, str]] = {
    "place": "places", "site": "sites", "origin": "sites", "destination": "sites",
    "customer": "parties",
}  # fmt: skip
"""Fields that hold the id of a thing, and the kind of that."""


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


def apart(several: Mapping[str, Records]) -> dict[str, Names]:
    """journey -> its things that need another id beside the other journeys of ``several``.

    A place is the journey's own, for its air is; a site and a party may be shared where all say
    the same of them. The journey's key goes before the id.
    """
    shared = Counter((kind, row["id"]) for of in several.values() for kind in ("places", "holds")
                     for row in of[kind])  # fmt: skip
    said: dict[tuple[str, str], list[Record]] = {}
    for of in several.values():
        for kind in ("sites", "parties"):
            for row in of[kind]:
                said.setdefault((kind, row["id"]), []).append(row)
    clash = {thing for thing, count in shared.items() if count > 1}
    clash |= {thing for thing, rows in said.items() if any(row != rows[0] for row in rows)}
    return {
        key: {
            (kind, row["id"]): f"{key}.{row['id']}"
            for kind in ("sites", "places", "parties", "holds")
            for row in of[kind]
            if (kind, row["id"]) in clash
        }
        for key, of in several.items()
    }


def renamed(kind: str, rows: Iterable[Record], names: Names) -> list[Record]:
    """Records of ``kind`` with the ids of ``names`` in them."""

    def of(row: Record) -> Record:
        return {field: value(field, found) for field, found in row.items()}

    def value(field: str, found: Any) -> Any:
        if field == "legs":
            return [of(leg) for leg in found]
        thing = kind if field == "id" else _POINTS.get(field)
        return names.get((thing, found), found) if thing is not None else found

    return [of(row) for row in rows]


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
