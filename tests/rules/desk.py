"""The rules at work on a real registry and store, told as a timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from sqlalchemy import Engine, select

from ingest.bind import Rosters, bind
from lots import registry
from lots.fields import milliseconds, written
from lots.model import Alert, LotNow, Outgoing
from lots.readings.batch import ReadingBatch, TagKey, of_tag
from lots.readings.open import open_store
from lots.readings.store import StoreUnavailable
from lots.records import KINDS
from rules.evaluator import Evaluator
from rules.letters import Recipient
from rules.pack import parse
from tests.rules.timeline import at, hours

TENANT = "acme"
JOURNAL = "j1"
BOTH = (Recipient("webhook", "http://a.test"), Recipient("webhook", "http://b.test"))

PACK = """\
pack: test
rules:
  test.damp:
    title: "{lot} is damp: {humidity} %RH"
    when: humidity > 80
    clear: humidity < 60
    severity: critical
    touches: true
    action: "Open the doors of {lot} and enter, ventilate, unwrap it: {humidity} %RH."
    based_on: test
  test.quiet:
    title: "Nothing was heard of {lot} for {hours_silent} h"
    silent_intervals: 4
    silent_at_least: 6 h
    severity: warning
    action: "Look for the tag of {lot}."
    based_on: test
"""
RULES = parse({"test.yaml": PACK})

GOODS = {"commodity": "lead", "form": "ingot", "net_mass_kg": 1000, "packaging": "strapped"}
FURNITURE: list[tuple[str, dict[str, Any]]] = [
    ("sites", {"id": "HH", "name": "HH", "latitude": 53.5, "longitude": 10, "timezone": "UTC"}),
    ("places", {"id": "bay", "kind": "bay", "name": "Bay", "site": "HH"}),
    ("places", {"id": "box", "kind": "container", "name": "Box"}),
    ("tags", {"id": "T1", "interval_s": 3600}),
    ("lots", {"id": "L1", **GOODS}),
    ("bindings", {"tag": "T1", "lot": "L1", "begins": written(at(-100))}),
    ("moves", {"lot": "L1", "at": written(at(-100)), "place": "bay"}),
]


class Hands:
    """A clock that is set."""

    def __init__(self) -> None:
        self.hour = 0.0

    def now_ms(self) -> int:
        return at(self.hour)


class Store:
    """A real store behind a line that may be cut."""

    def __init__(self, url: str) -> None:
        self._real = open_store(url, 400)
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        if self.cut:
            raise StoreUnavailable("the line is cut")
        return getattr(self._real, name)

    def close(self) -> None:
        self._real.close()


class Desk:
    """An evaluator with what it works on; hours are on the timeline's."""

    def __init__(self, database: Engine, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.store = Store(f"sqlite:///{folder / 'readings.sqlite'}")
        self.clock = Hands()
        self.offset = 0
        self.journal: list[ReadingBatch | int] = []
        """Entries by offset - 1: readings, or a tick."""
        self._rosters = Rosters()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.store.close()

    def furnished(self) -> Self:
        with registry.writing(self.database) as session:
            registry.create_tenant(session, TENANT, "Acme")
            for kind, fields in FURNITURE:
                registry.put(session, TENANT, kind, KINDS[kind].model_validate(fields))
        return self

    def put(self, kind: str, /, **fields: Any) -> None:
        record = KINDS[kind].model_validate(fields)
        with registry.writing(self.database) as session:
            registry.put(session, TENANT, kind, record)

    def remove(self, kind: str, name: str) -> None:
        with registry.writing(self.database) as session:
            assert registry.remove(session, TENANT, kind, name)

    def lot(self, name: str, **fields: Any) -> None:
        self.put("lots", id=name, **(GOODS | fields))

    def move(self, lot: str, hour: float, place: str | None) -> None:
        self.put("moves", lot=lot, at=written(at(hour)), place=place)

    def hold(self, kind: str, begins: float, ends: float | None = None, **fields: Any) -> None:
        end = None if ends is None else written(at(ends))
        self.put("holds", kind=kind, begins=written(at(begins)), ends=end, **fields)

    def start(
        self, rules: Any = RULES, journal: str = JOURNAL, start: int = 0, folder: Path | None = None
    ) -> None:
        """A new process: an evaluator that restores, and follows the journal from there."""
        self.evaluator = Evaluator(
            self.database, self.store, rules, BOTH, folder or self.folder, self.clock, 400
        )
        offset = self.evaluator.restore(journal, start)
        self._refresh()
        self.followed_from = offset
        for number in range(offset, len(self.journal)):
            self._take(number)

    def says(
        self,
        *rows: tuple[float, float],
        tag: str = "T1",
        stored: bool = True,
        warmth: float = 20.0,
    ) -> None:
        """Readings of ``tag``: (hour, humidity) each, at ``warmth`` °C; an entry of the journal."""
        times = np.asarray([at(hour) for hour, _ in rows])
        values = {"temperature": np.full(len(rows), warmth), "humidity": [h for _, h in rows]}
        batch = of_tag(TagKey(TENANT, tag), times, values, key=times % 999_983)
        if stored:
            self.store.write(batch)
        self.clock.hour = max(self.clock.hour, rows[-1][0])
        self.journal.append(batch)
        self._take(len(self.journal) - 1)

    def ticks(self, first: float, last: float, step: float = 0.5) -> None:
        for number in range(round((last - first) / step) + 1):
            self.clock.hour = first + number * step
            self.journal.append(self.clock.now_ms())
            self._take(len(self.journal) - 1)

    def _take(self, number: int) -> None:
        entry = self.journal[number]
        if isinstance(entry, int):
            self.evaluator.tick(number + 1, entry)
        else:
            self.evaluator.take(number + 1, bind(entry, self._rosters.directory))
        self.evaluator.commit()

    def settle(self, times: int = 2) -> None:
        """What is done every second: all that was said is in the store.

        Twice, since a lot is folded again once it is seen to be quiet.
        """
        for _ in range(times):
            self.evaluator.settle(len(self.journal))
            self._refresh()

    def _refresh(self) -> None:
        with registry.reading(self.database) as session:
            self._rosters.refresh(session)

    def rows(self) -> Sequence[Alert]:
        with registry.reading(self.database) as session:
            return session.scalars(select(Alert).order_by(Alert.opened, Alert.rule)).all()

    def alerts(self) -> list[tuple[str, float, float | None]]:
        """(rule, opened, cleared) of the alerts that stand."""
        return [
            (row.rule, hours(row.opened), None if row.cleared is None else hours(row.cleared))
            for row in self.rows()
            if row.withdrawn is None
        ]

    def outbox(self) -> list[tuple[str, str, float]]:
        """(recipient, event, hours) of each message, by time."""
        with registry.reading(self.database) as session:
            found = session.scalars(select(Outgoing)).all()
        told = [
            (
                m.recipient,
                m.payload["type"],
                hours(milliseconds(datetime.fromisoformat(m.payload["timestamp"]))),
            )
            for m in found
        ]
        return sorted(told, key=lambda one: (one[2], one[1], one[0]))

    def told(self) -> list[tuple[str, float]]:
        """(event, hours) of what each recipient was told; both were told the same."""
        found = self.outbox()
        first = [(event, hour) for to, event, hour in found if to == BOTH[0].address]
        assert first == [(event, hour) for to, event, hour in found if to == BOTH[1].address]
        return first

    def now(self, lot: str = "L1") -> LotNow | None:
        with registry.reading(self.database) as session:
            return session.get(LotNow, (TENANT, lot))
