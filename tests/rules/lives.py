"""Random lives of a lot, for the property that however they are told makes no difference.

A life is what its tags said, and the dated facts about it as they are in the end. It is told with
batches that are cut anyhow, late and twice, between ticks of a clock that now and then pause, with
facts that are wrong at first and corrected on the way, a store that lags behind, and a worker that
is killed.

What is measured follows from the readings alone, whenever they come. A silence is what was not
heard when a tick was due: it follows from readings and ticks in the order in which they came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from sqlalchemy import select

from ingest.bind import Rosters, bind
from lots import registry
from lots.fields import written
from lots.model import Alert
from lots.readings.batch import ReadingBatch, TagKey
from lots.readings.sqlite import SqliteStore
from lots.records import KINDS
from rules.engine import Engine
from rules.evaluator import Evaluator
from rules.pack import parse
from tests.rules.desk import JOURNAL, TENANT, Hands
from tests.rules.timeline import KEY, Record, at, hours, rule

LAST_H = 60
HEARD_H = 132
"""By then all has come."""
TAGS = ("T1", "T2", "T3", "T4", "T5")
"""Two own ones in the air, of which the second takes the first one's place; one on the surface; one
of the bay's, one of the box's."""

DERIVED = """\
derived:
  climb: {rate: temperature, over: 2 h, unit: K/h, about: test}
  damp_spell: {hours: humidity > 80, spell: 12 h, unit: h, about: test}
  warmth: {integral: temperature - 15, per: phase, unit: K h, about: test}
  often: {times: humidity > 80, within: 1 d, unit: times, about: test}
limits:
  too_warm: {value: 25, unit: °C, about: test}
overlays:
- for: {region: coastal_humid}
  limits: {too_warm: 15}
"""
LEVELS = (
    rule("damp", "humidity > 80", "humidity < 60")
    + rule("warm", "temperature > too_warm", "temperature < too_warm - 5", "2 h")
    + rule("sweat", "margin < 0", "margin > 1")
    + rule("wet", "damp_hours >= 3", "damp_hours < 1")
    + rule("climbing", "climb > 1", "climb < 0.5")
    + rule("damp_long", "damp_spell > 4", "damp_spell < 1")
    + rule("warm_in_box", "warmth > 40 and boxed > 0", "warmth < 20")
    + rule("restless", "often >= 2", "often < 1")
    + rule("dear", "temperature > limit_temperature_max", "temperature < limit_temperature_max")
)
STEPS = """\
  damp_by_steps:
    title: t
    severity: info
    when: humidity > 60
    clear: humidity < 60
    for: 30 min
    action: a
    based_on: b
    steps:
    - {severity: warning, when: humidity > 80, clear: humidity < 75, for: 2 h}
    - {severity: critical, when: humidity > 60 and temperature > 15, clear: temperature < 15}
"""
"""One alert that rises and falls; a step may come before the one below it."""
SILENCE = (
    "  quiet: {title: t, severity: warning, action: a, based_on: b,"
    " silent_intervals: 4, silent_at_least: 3 h}\n"
)
RULES = parse({"test.yaml": f"pack: test\n{DERIVED}rules:\n{LEVELS}{STEPS}{SILENCE}"})

SEVERITIES = {one.name: ("", *(step.severity.value for step in one.steps)) for one in RULES.rules}
"""Of each rule's steps, which count from 1."""

Entry = ReadingBatch | int
"""What the journal has: readings, or a tick (ms)."""

Put = tuple[str, dict[str, Any]]
"""A kind of record, and what it says."""

Told = tuple[str, float, float | None, list[tuple[float, str]]]
"""An alert that stands: rule, opened, cleared, and from when on it had which severity; hours."""


def facts(chance: Generator) -> list[Put]:
    """Dated facts about L1."""
    swap, leaves = chance.integers(10, 50, 2).tolist()
    begins = written(at(-10))
    found: list[Put] = [
        ("sites", _site(chance)),
        ("parties", {"id": "P1", "name": "P", "temperature_max": float(chance.choice([20, 25]))}),
        ("lots", _lot(float(chance.choice([0.5, 0.7])))),
        ("tags", {"id": "T1", "corrections": _corrections(chance)}),
        ("tags", {"id": "T4", "interval_s": int(chance.choice([1800, 3600, 7200]))}),
        ("bindings", {"tag": "T1", "lot": "L1", "begins": begins, "ends": written(at(swap))}),
        ("moves", {"lot": "L1", "at": written(at(leaves)), "place": "box"}),
    ]
    if chance.random() < 0.7:
        found.append(("bindings", {"tag": "T2", "lot": "L1", "begins": written(at(swap))}))
    if chance.random() < 0.5:
        own = {"tag": "T3", "lot": "L1", "placement": "surface", "begins": written(at(5))}
        found.append(("bindings", own))
    if chance.random() < 0.5:
        begins, ends = sorted(chance.integers(0, 60, 2).tolist())
        leg = {"number": 1, "mode": "sea", "place": "box", "offline": bool(chance.random() < 0.7)}
        leg |= {"departs": written(at(begins)), "arrives": written(at(ends + 1))}
        found.append(("shipments", {"id": "S1", "lots": ["L1"], "legs": [leg]}))
    return found


def mistaken(chance: Generator, true: list[Put]) -> list[Put]:
    """``true``, but for one or two facts: another is there in its place, or none, or one more."""
    others = {_identity(put)[:2]: put for put in facts(chance)}
    found = {_identity(put)[:2]: put for put in true}
    for name in chance.permutation(sorted(found.keys() | others.keys()))[: chance.integers(1, 3)]:
        found.pop(tuple(name), None)
        if tuple(name) in others:
            found[tuple(name)] = others[tuple(name)]
    kept = {"sites", "parties", "lots", "tags"}  # these are there, whatever is said of them
    return [*found.values(), *(p for p in true if p[0] in kept and _identity(p)[:2] not in found)]


def _site(chance: Generator) -> dict[str, Any]:
    site = {"id": "HH", "name": "HH", "latitude": 53.5, "longitude": 10, "timezone": "UTC"}
    return site | {"region": str(chance.choice(["temperate", "coastal_humid"]))}


def _lot(time_constant_h: float) -> dict[str, Any]:
    goods = {"commodity": "lead", "form": "ingot", "net_mass_kg": 1000, "packaging": "strapped"}
    return {"id": "L1", **goods, "time_constant_h": time_constant_h, "customer": "P1"}


def _corrections(chance: Generator) -> list[dict[str, Any]]:
    begins = written(at(int(chance.integers(0, 50))))
    correction = {"quantity": "humidity", "begins": begins, "offset": -12.0}
    return [correction] if chance.random() < 0.5 else []


_DATED = {"bindings": ("tag", "begins"), "moves": ("lot", "at")}


def _identity(put: Put) -> tuple[str, ...]:
    kind, fields = put
    return kind, *(fields[name] for name in _DATED.get(kind, ("id",)))


def readings(chance: Generator, n: int) -> ReadingBatch:
    """About ``n`` readings of `TAGS`, by time: gaps, things unknown, several at one time."""
    times = np.sort(chance.integers(0, 2 * LAST_H, n)) * 1_800_000 + at(0)
    kept = chance.random(n) < np.where((times // 21_600_000) % 4 == 0, 0.3, 0.95)
    times = times[kept]
    n = len(times)
    tag = chance.integers(len(TAGS), size=n)
    temperature = chance.choice([10.0, 18.0, 30.0, np.nan], n, p=[0.4, 0.3, 0.25, 0.05])
    humidity = chance.choice([50.0, 70.0, 85.0, 95.0, np.nan], n, p=[0.3, 0.2, 0.2, 0.25, 0.05])
    values = {"temperature": temperature, "humidity": humidity}
    zeros, unknown = np.zeros(n, np.int64), np.full(n, -1)
    tags = tuple(TagKey(TENANT, name) for name in TAGS)
    # Readings of a tag and time differ by their key.
    return ReadingBatch(tags, tag, times, np.arange(n), zeros, values, times, unknown, unknown)


def heard(chance: Generator, said: ReadingBatch) -> list[Entry]:
    """``said`` as it comes, and the ticks meanwhile, but those of some pauses of hours."""
    pauses = [(first, first + chance.exponential(5.0)) for first in chance.uniform(0, LAST_H, 3)]
    entries: list[tuple[int, Entry]] = [
        (at(hour), at(hour))
        for hour in range(-1, HEARD_H)
        if not any(first < hour < last for first, last in pauses)
    ]
    entries += _deliveries(chance, said)
    return [entry for _, entry in sorted(entries, key=lambda one: one[0])]


def afterwards() -> list[Entry]:
    """A reading of each tag, and ticks for a day."""
    n = len(TAGS)
    zeros, unknown, time = np.zeros(n, np.int64), np.full(n, -1), np.full(n, at(HEARD_H))
    values = {"temperature": np.full(n, 10.0), "humidity": np.full(n, 50.0)}
    keys = tuple(TagKey(TENANT, name) for name in TAGS)
    batch = ReadingBatch(
        keys, np.arange(n), time, zeros + 1_000_000, zeros, values, time, unknown, unknown
    )
    return [batch, *(at(hour) for hour in range(HEARD_H, HEARD_H + 24))]


def _deliveries(chance: Generator, said: ReadingBatch) -> list[tuple[int, ReadingBatch]]:
    """Batches and when each has come (ms): some hours late, a backlog of days, a fifth twice."""
    n = len(said)
    twice = np.flatnonzero(chance.random(n) < 0.2)
    come = np.concatenate((np.arange(n), twice))
    late_h = chance.choice([0, 0, 0, 2, 15, 50], len(come)) * chance.random(len(come))
    backlog = said.tag[come] == chance.integers(len(TAGS))
    late_h = np.where(backlog & (chance.random() < 0.5), 70, late_h)
    comes = (said.time[come] + late_h * 3_600_000).astype(np.int64)
    order = np.argsort(comes, kind="stable")
    cuts = np.flatnonzero(chance.random(len(order)) < chance.choice([0.05, 0.15, 0.4]))
    edges = sorted({0, *cuts.tolist(), len(order)})
    return [
        (int(comes[order[last - 1]]), said.take(come[order[first:last]]))
        for first, last in pairwise(edges)
    ]


class House:
    """A registry, furnished anew for each life."""

    def __init__(self) -> None:
        self.database = registry.connect("sqlite://")
        registry.migrate(self.database)
        with registry.writing(self.database) as session:
            registry.create_tenant(session, TENANT, "Acme")
        begins = written(at(-10))
        self.put("sites", _site(np.random.default_rng(0)))
        self.put("places", {"id": "bay", "kind": "bay", "name": "Bay", "site": "HH"})
        self.put("places", {"id": "box", "kind": "container", "name": "Box"})
        self.put("parties", {"id": "P1", "name": "P"})
        self.put("lots", _lot(0.5))
        for name in TAGS:
            self.put("tags", {"id": name, "interval_s": 3600})
        self.put("bindings", {"tag": "T4", "place": "bay", "begins": begins})
        self.put("bindings", {"tag": "T5", "place": "box", "begins": begins})
        self.put("moves", {"lot": "L1", "at": begins, "place": "bay"})
        self._images = {-1: self._image()}
        self._facts: dict[int, list[Put]] = {}

    def close(self) -> None:
        for image in self._images.values():
            image.close()
        self.database.dispose()

    def anew(self, number: int) -> tuple[list[Put], list[Put]]:
        """As it was furnished, with facts by ``number``: (what it says, what is true)."""
        chance = np.random.default_rng(number)
        true = facts(chance)
        said = mistaken(chance, true) if chance.random() < 0.8 else true
        if number not in self._images:
            self._show(self._images[-1])
            for put in said:
                self.put(*put)
            self._images[number] = self._image()
        self._show(self._images[number])
        return said, true

    def put(self, kind: str, fields: dict[str, Any]) -> None:
        with registry.writing(self.database) as session:
            registry.put(session, TENANT, kind, KINDS[kind].model_validate(fields))

    def _image(self) -> sqlite3.Connection:
        found = sqlite3.connect(":memory:", check_same_thread=False)
        with self._raw() as raw:
            raw.backup(found)
        return found

    def _show(self, image: sqlite3.Connection) -> None:
        with self._raw() as raw:
            image.backup(raw)

    @contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        connection = self.database.raw_connection()
        try:
            yield connection.driver_connection  # type: ignore[misc]
        finally:
            connection.close()


class Life:
    """A lot's life as a worker comes to know of it."""

    def __init__(self, house: House, folder: Path, number: int) -> None:
        self.house, self.folder, self.clock = house, folder, Hands()
        self.clock.hour = LAST_H + 1
        self.store = SqliteStore(folder / "readings.sqlite")
        self.journal: list[Entry] = []
        self.stored = 0
        said, self.true = house.anew(number)
        self._said = {_identity(put): put for put in said}
        self.rosters = Rosters()
        self.start()

    def correct(self, facts_now: list[Put]) -> None:
        """Let the registry say this, and no more of what it said before."""
        now = {_identity(put): put for put in facts_now}
        for name in self._said.keys() - now.keys():
            kind, *rest = name
            with registry.writing(self.house.database) as session:
                assert registry.remove(session, TENANT, kind, "@".join(rest))
        for name, put in now.items():
            if self._said.get(name) != put:
                self.house.put(*put)
        self._said = now

    def start(self) -> None:
        """A new process."""
        self.evaluator = Evaluator(
            self.house.database, self.store, RULES, (), self.folder, self.clock, 400
        )
        self._refresh()
        offset = self.evaluator.restore(JOURNAL, 0)
        self._take(self.journal[offset:], offset)

    def hear(self, entries: Sequence[Entry]) -> None:
        """These come, and are written when all of them are folded."""
        offset = len(self.journal)
        self.journal += entries
        self._take(entries, offset)

    def _take(self, entries: Sequence[Entry], offset: int) -> None:
        for number, entry in enumerate(entries, offset + 1):
            if isinstance(entry, int):
                self.evaluator.tick(number, entry)
            else:
                self.evaluator.take(number, bind(entry, self.rosters.directory))

    def keep(self) -> None:
        """The store has all that came."""
        for entry in self.journal[self.stored :]:
            if not isinstance(entry, int):
                self.store.write(entry)
        self.stored = len(self.journal)

    def settle(self, times: int = 2) -> None:
        for _ in range(times):
            self.evaluator.settle(self.stored)
        self._refresh()

    def _refresh(self) -> None:
        with registry.reading(self.house.database) as session:
            self.rosters.refresh(session)

    def alerts(self) -> list[Told]:
        """Those that stand, by time; without silences."""
        return [one for one in self._alerts() if one[0] != "quiet"]

    def silences(self) -> list[tuple[str, float, float | None]]:
        """(rule, opened, cleared), by time."""
        return [one[:3] for one in self._alerts() if one[0] == "quiet"]

    def _alerts(self) -> list[Told]:
        with registry.reading(self.house.database) as session:
            rows = session.scalars(select(Alert).where(Alert.withdrawn.is_(None))).all()
        for row in rows:
            assert row.severity == row.stages[-1][1], "it says what it stands at, or stood at last"
        found = [_told(r.rule, r.opened, r.cleared, r.stages) for r in rows]
        return sorted(found, key=lambda one: (one[1], one[0]))

    def in_order(self, said: ReadingBatch) -> tuple[Engine, list[Told]]:
        """All that was ``said``, once, at once and under the facts as they are: what it came to."""
        of, record = Engine(RULES), Record()
        of.know(self.evaluator._facts)
        record.take(of.evaluate(bind(said, self.rosters.directory)))
        found = [
            _told(
                a.rule, a.opened, a.cleared, [(s.at, SEVERITIES[a.rule][s.step]) for s in a.stages]
            )
            for a in record.alerts.values()
            if not a.withdrawn
        ]
        return of, sorted(found, key=lambda one: (one[1], one[0]))

    def listened(self) -> list[tuple[str, float, float | None]]:
        """The silences of the journal under the facts as they are, each entry once and each time
        of a batch by itself."""
        of, record = Engine(RULES), Record()
        of.know(self.evaluator._facts)
        for entry in self.journal:
            if isinstance(entry, int):
                record.take(of.tick(entry))
                continue
            for time in np.unique(entry.time):
                bound = bind(entry.take(np.flatnonzero(entry.time == time)), self.rosters.directory)
                record.take(change for change in of.evaluate(bound) if change.silence)
        return record.net()

    def close(self) -> None:
        self.store.close()


def _told(rule: str, opened: int, cleared: int | None, stages: Sequence[tuple[int, str]]) -> Told:
    ended = None if cleared is None else hours(cleared)
    return rule, hours(opened), ended, [(hours(begins), severity) for begins, severity in stages]


@contextmanager
def house() -> Iterator[House]:
    found = House()
    try:
        yield found
    finally:
        found.close()


def head(of: Engine) -> str:
    """A lot's state after all, and what is known of it but silences; unknowns are equal to each
    other."""
    row = of.table.rows[KEY]
    states = of.table.head.take(np.asarray([row]))
    (known,) = of.known([KEY])
    return repr((*(column.tolist() for column in states.columns()), replace(known, silent={})))
