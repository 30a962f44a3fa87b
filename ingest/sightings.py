"""Sightings into the registry: a row for each item, antenna and minute, however often it was seen.

What is kept, the first and last instant and the strongest answer, comes out the same for every
order and any number of deliveries; a count would not.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ingest.formats import Decoded
from ingest.journal import Entry
from lots import left_over
from lots.left_over import Letter
from lots.model import Sighted, Tenant
from lots.upserts import Merge, greatest, insert_or_merge, least

MINUTE_MS = 60_000


class _Spot(NamedTuple):
    """What a row stands for."""

    tenant: str
    reader: str
    antenna: int
    epc: str
    minute: int


class _Stay(NamedTuple):
    """What is known of it; ms, dBm."""

    first: int
    last: int
    rssi: float | None


class Sightings:
    """What was seen and is not written yet."""

    def __init__(self) -> None:
        self._seen: dict[_Spot, _Stay] = {}
        self.written = 0

    def take(self, _entry: Entry, decoded: Decoded) -> None:
        for seen in decoded.sightings:
            spot = _Spot(
                seen.tenant, seen.reader, seen.antenna, seen.epc, seen.time // MINUTE_MS * MINUTE_MS
            )
            known = self._seen.get(spot)
            new = _Stay(seen.time, seen.time, seen.rssi)
            self._seen[spot] = new if known is None else _joined(known, new)

    def write(self, session: Session) -> None:
        if not self._seen:
            return
        tenants = set(session.scalars(select(Tenant.id)))
        rows = [_row(*item) for item in self._seen.items() if item[0].tenant in tenants]
        strange = [item for item in self._seen.items() if item[0].tenant not in tenants]
        merges = {
            "first": least(session),
            "last": greatest(session),
            "rssi": _stronger(session),
        }
        insert_or_merge(session, Sighted, "id", rows, merges)
        left_over.keep(session, [_refused(*item) for item in strange])

    def clear(self) -> None:
        self.written += len(self._seen)
        self._seen = {}

    def expire(self, session: Session, before: int) -> None:
        for tenant in session.scalars(select(Tenant.id)).all():  # each by the index of its own
            old = (Sighted.tenant == tenant) & (Sighted.first < before)
            session.execute(delete(Sighted).where(old).execution_options(synchronize_session=False))


def _joined(one: _Stay, other: _Stay) -> _Stay:
    told = [rssi for rssi in (one.rssi, other.rssi) if rssi is not None]
    return _Stay(min(one.first, other.first), max(one.last, other.last), max(told, default=None))


def _stronger(session: Session) -> Merge:
    """The larger of two of which one may be unknown."""
    larger = greatest(session)
    return lambda old, new: larger(func.coalesce(old, new), func.coalesce(new, old))


def _row(spot: _Spot, stay: _Stay) -> dict[str, Any]:
    return {
        "id": _id(spot),
        "tenant": spot.tenant,
        "epc": spot.epc,
        "reader": spot.reader,
        "antenna": spot.antenna,
        **stay._asdict(),
    }


def _refused(spot: _Spot, stay: _Stay) -> Letter:
    """Of a tenant that there is not: a message that says the same."""
    read = {"epc": spot.epc, "antenna": spot.antenna, "rssi": stay.rssi}
    return Letter(
        id=f"sighting:{_id(spot)}",
        tenant=spot.tenant,
        topic=f"dunnage/v1/{spot.tenant}/{spot.reader}/reads",
        payload=msgspec.json.encode([read | {"t": t} for t in (stay.first, stay.last)]),
        reason="refused: there is no such tenant: `dunnage tenants add`",
        received=stay.last,
    )


def _id(spot: _Spot) -> str:
    """The same for every delivery."""
    return blake2b(msgspec.json.encode(spot), digest_size=16).hexdigest()
