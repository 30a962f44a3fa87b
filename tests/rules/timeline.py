"""Timelines for tests: what a lot's tags said, hour by hour, and the record that it leads to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lots.climate import CODES, LotKey, Samples
from lots.clock import HOUR_MS
from rules.alerts import Known, episodes, reconcile
from rules.fold import fold as fold_lots
from rules.fold import numbers_now
from rules.pack import parse
from rules.rule import Rules
from rules.state import FACTS, Book, Change, LotFacts, Records, States, Stood, Transition, facts_row
from rules.surroundings import Surroundings

START = 1_763_812_800_000
"""2025-11-22T12:00:00Z: 0 h of every timeline."""

KEY = LotKey("acme", "L1")
LEAD = LotFacts(
    "acme", "L1", "lead", "ingot", time_constant_h=4.3, watched=((START, START + 10**12),)
)
WOOL = replace(LEAD, commodity="wool", form="greasy", time_constant_h=None)


def at(hours: float) -> int:
    """ms of so many hours on the timeline."""
    return START + round(hours * HOUR_MS)


def hours(time: int) -> float:
    """Where ``time`` (ms) is on the timeline."""
    return (time - START) / HOUR_MS


Row = tuple[float, ...]
"""Hours, temperature °C, humidity %RH and, where there is one, probe °C."""


def said(*rows: Row, placement: str = "air", tag: int = 1) -> Samples:
    """What a tag said: a `Row` each."""
    columns = np.array([(*row, math.nan)[:4] for row in rows], float).reshape(-1, 4)
    n = len(rows)
    return Samples(
        time=np.asarray([at(row[0]) for row in rows], np.int64),
        identity=np.full(n, tag << 20, np.int64),
        placement=np.full(n, CODES[placement], np.int64),
        temperature=columns[:, 1],
        humidity=columns[:, 2],
        probe=columns[:, 3],
    )


def steady(
    first: float, last: float, temperature: float, humidity: float, step: float = 1.0
) -> list[Row]:
    """The same air from ``first`` to ``last`` (hours, inclusive), a reading each ``step`` hours."""
    count = round((last - first) / step)
    return [(first + i * step, temperature, humidity) for i in range(count + 1)]


def flickering(rows: Iterable[Row]) -> list[Row]:
    """``rows`` as a sound sensor says what is steady: now and then its last digit is another."""
    return [(h, *(value + n % 2 / 1000 for value in row)) for n, (h, *row) in enumerate(rows)]


def pack(rules: str, applies_to: str = "{}") -> Rules:
    """Rules as a pack writes them, without what every test would repeat."""
    text = f"pack: test\napplies_to: {applies_to}\nrules:\n{rules}"
    return parse({"test.yaml": text})


def rule(name: str, when: str, clear: str, wait: str = "0 min") -> str:
    """One rule of a `pack`."""
    return (
        f"  {name}: {{title: t, severity: warning, action: a, based_on: b,"
        f" when: '{when}', clear: '{clear}', for: {wait}}}\n"
    )


NO_RULES = Rules((), "none")

HEAT = """\
pack: test
applies_to: {commodity: lead}
limits:
  hottest: {value: 40, unit: °C, about: most heat that is borne}
"""
"""The head of a pack whose rules ask for one limit."""


@dataclass(frozen=True)
class Folded:
    """A lot after samples, what happened on the way, and the last sample's numbers."""

    state: States
    transitions: list[Transition]
    numbers: dict[str, float]
    open_rules: dict[str, Stood]


def lot_state(rules: Rules = NO_RULES, **known: float) -> States:
    """One lot that nothing is known of but ``known``: columns of `STATE`."""
    found = Book(rules).fresh(1)
    for name, value in known.items():
        found.lots[name] = value
    return found


def fold(
    state: States | None, samples: Samples, facts: LotFacts = LEAD, rules: Rules = NO_RULES
) -> Folded:
    """One lot, in ``state`` (None: nothing is known of it), after ``samples``."""
    book = Book(rules)
    after = lot_state(rules) if state is None else state.copy()
    row: Records = np.zeros(1, FACTS)
    where = Surroundings()
    row[0] = facts_row(facts, book, where.put(book.spans(facts)))
    happened = fold_lots(after, row, where.spans, samples, np.asarray([0, len(samples)]), book)
    (numbers,) = numbers_now(after, row, where.spans, book)
    fires = book.open_rules(after.opened[0])
    return Folded(after, happened.get(0, []), numbers if len(samples) else {}, fires)


def folded(samples: Samples, facts: LotFacts = LEAD, rules: Rules = NO_RULES) -> Folded:
    """A fresh lot after ``samples``."""
    return fold(None, samples, facts, rules)


def course(
    samples: Samples,
    name: str,
    facts: LotFacts = LEAD,
    state: States | None = None,
    rules: Rules = NO_RULES,
) -> list[float | None]:
    """A signal after each of ``samples``; None where it is unknown."""
    found: list[float | None] = []
    for i in range(len(samples)):
        done = fold(state, samples.take(slice(i, i + 1)), facts, rules)
        state = done.state
        found.append(done.numbers.get(name))
    return found


@dataclass
class Record:
    """What a registry would hold after changes: alerts by id, as `rules.alerts` plans them."""

    silence: Sequence[str] = ("quiet",)
    """The rules that judge silence."""
    alerts: dict[str, Known] = field(default_factory=dict)
    told: list[tuple[str, str, float]] = field(default_factory=list)
    """(event, rule, hours): each thing that would have been told."""

    def take(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._take(change)

    def _take(self, change: Change) -> None:
        spoken_of = [
            alert
            for alert in self.alerts.values()
            if (alert.rule in self.silence) == change.silence
            and (alert.cleared is None or max(alert.cleared, alert.opened) >= change.since)
        ]
        target = episodes(change)
        assert len({one.id for one in target}) == len(target), "two alerts of one rule and time"
        plan = reconcile(spoken_of, target, change.since)
        for one in plan.move:
            self.alerts[one.id] = replace(self.alerts[one.id], stages=one.stages)
        for id_ in plan.withdraw:
            self.alerts[id_] = replace(self.alerts[id_], withdrawn=True)
            self._tell("withdrawn", id_, self.alerts[id_].opened)
        for id_, ended in plan.end:
            self.alerts[id_] = replace(self.alerts[id_], cleared=ended)
            self._tell("cleared", id_, ended)
        for one in (*plan.restore, *plan.begin):
            self.alerts[one.id] = Known(
                one.id, one.rule, one.opened, one.cleared, False, one.stages
            )
            self._tell("opened", one.id, one.opened)
            if one.cleared is not None:
                self._tell("cleared", one.id, one.cleared)
        open_now = [a.rule for a in self.alerts.values() if a.cleared is None and not a.withdrawn]
        assert len(open_now) == len(set(open_now)), "two alerts of one rule are open at once"

    def _tell(self, event: str, id_: str, time: int) -> None:
        self.told.append((event, self.alerts[id_].rule, hours(time)))

    def net(self) -> list[tuple[str, float, float | None]]:
        """(rule, opened, cleared) of every alert that stands, in hours, by time."""
        found = [
            (a.rule, hours(a.opened), None if a.cleared is None else hours(a.cleared))
            for a in self.alerts.values()
            if not a.withdrawn
        ]
        return sorted(found, key=lambda one: (one[1], one[0]))
