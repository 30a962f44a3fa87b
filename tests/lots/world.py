"""A small registry to test with, in the words of the trade."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lots import registry
from lots.fields import milliseconds
from lots.model import Refold
from lots.records import KINDS, Record
from lots.registry import Outcome

GOODS = {"commodity": "lead", "form": "ingot", "packaging": "strapped", "net_mass_kg": 1000}


def day(number: float) -> str:
    """An instant so many days into March 2025."""
    whole, part = divmod(number, 1)
    return f"2025-03-{1 + int(whole):02}T{int(part * 24):02}:00:00Z"


def ms(number: float) -> int:
    """The same as ms since 1970."""
    move = KINDS["moves"].model_validate({"lot": "x", "at": day(number)})
    return milliseconds(move.at)  # type: ignore[attr-defined]


class World:
    """A tenant's things, put in by few words."""

    def __init__(self, session: Session, tenant: str) -> None:
        self.session = session
        self.tenant = tenant

    def furnished(self) -> World:
        self.put("sites", id="HH", name="Hamburg", latitude=53.5, longitude=10, timezone="UTC")
        places = {"bay 1": "bay", "bay 2": "bay", "box": "container"}
        self.put_all(
            "places", [{"id": n, "kind": k, "name": n, "site": "HH"} for n, k in places.items()]
        )
        self.put("parties", id="buyer", name="Buyer")
        self.put_all("tags", [{"id": name} for name in ("t1", "t2", "t3")])
        self.put_all("lots", [{"id": name, **GOODS} for name in "abc"])
        return self

    def put(self, kind: str, /, **fields: Any) -> Outcome:
        return registry.put(self.session, self.tenant, kind, self.record(kind, **fields))

    def put_all(self, kind: str, things: list[dict[str, Any]]) -> list[Outcome]:
        records = [KINDS[kind].model_validate(fields) for fields in things]
        return registry.put_many(self.session, self.tenant, kind, records)

    def record(self, kind: str, /, **fields: Any) -> Record:
        return KINDS[kind].model_validate(fields)

    def lot(self, lot: str, /, **fields: Any) -> Outcome:
        return self.put("lots", id=lot, **(GOODS | fields))

    def bind(self, tag: str, begins: float, ends: float | None = None, **on: str) -> Outcome:
        end = None if ends is None else day(ends)
        return self.put("bindings", tag=tag, begins=day(begins), ends=end, **on)

    def move(self, lot: str, at: float, place: str | None) -> Outcome:
        return self.put("moves", lot=lot, at=day(at), place=place)

    def ship(self, name: str, lots: list[str], *legs: tuple[float, float, str | None]) -> Outcome:
        rows = [
            {"number": i, "mode": "sea", "departs": day(d), "arrives": day(a), "place": place}
            for i, (d, a, place) in enumerate(legs, 1)
        ]
        return self.put("shipments", id=name, lots=lots, legs=rows)

    def get(self, kind: str, name: str) -> Any:
        return registry.get(self.session, self.tenant, kind, name)

    def refolds(self) -> dict[str, int]:
        """Who must fold again since when, of what happened since this was last asked."""
        rows = self.session.scalars(select(Refold).where(Refold.tenant == self.tenant)).all()
        found: dict[str, int] = {}
        for row in rows:
            found[row.lot] = min(row.since, found.get(row.lot, row.since))
        self.session.execute(delete(Refold).where(Refold.tenant == self.tenant))
        self.session.expire_all()
        return found

    @property
    def revision(self) -> int:
        return registry.revision(self.session, self.tenant)
