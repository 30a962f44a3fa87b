"""Why each rule is or is not firing for a lot, by its state and its newest numbers. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lots.circumstances import Circumstance
from lots.climate import LotKey
from lots.clock import HOUR_MS
from rules.engine import Engine
from rules.expression import Condition, comparisons, condition
from rules.fold import signals_now
from rules.kernels import NEVER
from rules.knowledge import tag_fields
from rules.rule import SUBJECTS, Level, Rule, Rules, Silence
from rules.signals import COUNTS, SIGNALS, TAG_NUMBERS
from rules.state import LotFacts, silence_limit_ms


class Part(NamedTuple):
    """A comparison of a condition: whether it ``holds`` (None: that is unknown), and what it reads;
    a number that is not known is None."""

    text: str
    holds: bool | None
    numbers: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a rule: what opens it, what clears it, and where it stands.

    ``since``: ms, since when it fires; ``waits_until``: ms, when it will, if its condition goes on
    holding; None: neither.
    """

    severity: str
    opens: Condition
    opening: tuple[Part, ...]
    holds: bool | None
    clears: Condition
    clearing: tuple[Part, ...]
    since: int | None
    waits_until: int | None


class Limit(NamedTuple):
    """A limit that the rule asks for, and the overlay that set it ("" where none did)."""

    name: str
    value: float
    unit: str
    by: str


@dataclass(frozen=True, slots=True)
class Explained:
    """``state``: fires, waits, holds not, unknown, or not valid; ``why`` in a line. ``units``: of
    what has one, by name; ``tags``: those that numbers name, by the number's name."""

    rule: str
    title: str
    state: str
    why: str
    steps: tuple[Step, ...] = ()
    limits: tuple[Limit, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def explained(
    rules: Rules, engine: Engine, key: LotKey, now: int, tags: Mapping[int, str]
) -> list[Explained]:
    """Every rule for the goods of a lot, which ``engine`` has folded up to ``now`` (ms). ``tags``:
    the lot's, by `lots.climate.tag_number`."""
    facts = engine.table.known[key]
    lot = _Lot(rules, engine, key, facts, now, tags)
    return [lot.explain(rule) for rule in rules.of(facts.commodity, facts.form)]


class _Lot:
    """A lot's state, and its signals at its newest sample."""

    def __init__(
        self,
        rules: Rules,
        engine: Engine,
        key: LotKey,
        facts: LotFacts,
        now: int,
        tags: Mapping[int, str],
    ) -> None:
        rows = engine.table.rows_of([key])
        register = engine.table.register
        self._rules, self._book, self._facts, self._now = rules, engine.book, facts, now
        self._units = _units(rules, facts)
        self._states = engine.table.head.take(rows)
        self._newest = int(self._states.lots["newest"][0])
        self._signals = signals_now(
            self._states, register.facts(rows), register.surroundings.spans, engine.book
        )
        numbers = {name: self._number(name) for name in TAG_NUMBERS}
        self._tags = tag_fields({n: each for n, each in numbers.items() if each}, tags)

    def explain(self, rule: Rule) -> Explained:
        first = rule.steps[0]
        if rule.silence:
            return self._silence(rule, rule.silence)
        steps = tuple(self._steps(rule))
        state, why = self._verdict(rule, steps)
        limits = tuple(self._limits(rule))
        return Explained(rule.name, first.title, state, why, steps, limits, self._units, self._tags)

    def _steps(self, rule: Rule) -> Iterator[Step]:
        number = next(n for n, one in enumerate(self._book.rules) if one.name == rule.name)
        first = int(self._book.steps[number])
        for column, (step, level) in enumerate(zip(rule.steps, rule.levels, strict=True), first):
            since, pending = (
                int(times[0, column]) for times in (self._states.opened, self._states.pending)
            )
            yield Step(
                severity=str(step.severity),
                opens=level.opens,
                opening=self._parts(level.opens),
                holds=self._holds(level.opens),
                clears=level.clears,
                clearing=self._parts(level.clears),
                since=None if since == NEVER else since,
                waits_until=None if pending == NEVER else pending + level.delay_ms,
            )

    def _verdict(self, rule: Rule, steps: tuple[Step, ...]) -> tuple[str, str]:
        phase = self._amid.phase
        if rule.phases and phase not in rule.phases:
            names = ", ".join(sorted(rule.phases))
            return "not valid", f"the lot is {phase}: the rule is valid {names}"
        firing = [step for step in steps if step.since is not None]
        if firing:
            ends = f"it ends when {firing[-1].clears.text.strip()}"
            return "fires", f"as {firing[-1].severity}; {ends}: {self._said(firing[-1].clearing)}"
        first = steps[0]
        if first.waits_until is not None:
            return (
                "waits",
                f"its condition holds, but not for long enough: {self._said(first.opening)}",
            )
        if first.holds is None:
            unknown = sorted(_unknown(first.opening))
            return "unknown", f"{', '.join(unknown)} not known"
        return "holds not", self._said(first.opening)

    def _said(self, parts: tuple[Part, ...]) -> str:
        """The numbers of all ``parts``, each once."""
        numbers = {name: value for part in parts for name, value in part.numbers.items()}
        return in_words(numbers, self._units, self._tags)

    def _silence(self, rule: Rule, test: Silence) -> Explained:
        """By when it was last heard; of spans in which nobody should be, nothing is said."""
        limit = silence_limit_ms(test, self._facts)
        hours = f"{limit / HOUR_MS:g} h"
        heard = "never heard" if self._newest == NEVER else f"heard {self._ago(self._newest)} ago"
        if any(begins <= self._now < ends for begins, ends in self._facts.watched):
            since = max(
                self._newest, *(b for b, ends in self._facts.watched if b <= self._now < ends)
            )
            silent = self._now - since >= limit
            state = "fires" if silent else "holds not"
            why = f"{heard}; it is silent after {hours}"
        else:
            state, why = "not valid", f"{heard}; no tag should be heard now"
        return Explained(rule.name, rule.steps[0].title, state, why)

    def _ago(self, time: int) -> str:
        return f"{(self._now - time) / HOUR_MS:.1f} h"

    @property
    def _amid(self) -> Circumstance:
        """What the lot was in the middle of at its newest sample, or is now."""
        at = self._now if self._newest == NEVER else self._newest
        return [one for one in self._facts.circumstances if one.begins <= at][-1]

    def _parts(self, whole: Condition) -> tuple[Part, ...]:
        return tuple(
            Part(
                one.text,
                self._holds(one),
                {name: self._number(name) for name in sorted(one.names)},
            )
            for one in (condition(text, whole.names) for text in comparisons(whole.text))
        )

    def _holds(self, one: Condition) -> bool | None:
        holds, fails = (bool(column.reshape(-1)[0]) for column in one(self._signals))
        return holds if holds or fails else None

    def _number(self, name: str) -> float | None:
        value = float(self._signals[name].reshape(-1)[0])
        return None if math.isnan(value) else value

    def _limits(self, rule: Rule) -> Iterator[Limit]:
        """Those that its conditions, and the quantities in them, read."""
        kind = self._facts.commodity, self._facts.form
        names = {name for level in rule.levels for name in _names(level)}
        derived = [one for one in self._rules.derived if one.scope.has(*kind)]
        for one in reversed(derived):
            if one.name in names:
                names |= one.source.names
        for limit in self._rules.limits:
            if limit.name in names and limit.scope.has(*kind):
                value = self._number(limit.name)
                if value is not None:
                    yield Limit(limit.name, value, limit.unit, self._set_by(limit.name))

    def _set_by(self, limit: str) -> str:
        facts = self._facts
        who = {"tenant": facts.tenant, "customer": facts.customer, "lot": facts.lot}
        who["region"] = self._amid.region
        found = [
            overlay.subject
            for overlay in self._rules.overlays
            if overlay.scope.has(facts.commodity, facts.form)
            and overlay.concerns(who)
            and limit in overlay.values
        ]
        return ", ".join(f"{n} {found[-1][n]}" for n in SUBJECTS if n in found[-1]) if found else ""


def _names(level: Level) -> frozenset[str]:
    return level.opens.names | level.clears.names


def _unknown(parts: tuple[Part, ...]) -> set[str]:
    return {name for part in parts for name, value in part.numbers.items() if value is None}


def _units(rules: Rules, facts: LotFacts) -> dict[str, str]:
    """Of what rules for a lot may read; what counts or names something has none."""
    kind = facts.commodity, facts.form
    found = {name: unit for name, (unit, _) in SIGNALS.items()}
    found |= {each.name: each.unit for each in rules.limits if each.scope.has(*kind)}
    found |= {each.name: each.unit for each in rules.derived if each.scope.has(*kind)}
    return {name: unit for name, unit in found.items() if unit not in COUNTS}


def in_words(
    numbers: Mapping[str, float | None], units: Mapping[str, str], tags: Mapping[str, str]
) -> str:
    """Of a `Part`, in a line. ``units`` and ``tags``: as `Explained` has them."""
    return ", ".join(
        f"{name} {tags.get(name) or _amount(n, units.get(name, ''))}" for name, n in numbers.items()
    )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    # A limit that there is not, or what never comes, is of no unit.
    return f"{value:.4g} {unit}".rstrip() if math.isfinite(value) else f"{value}"
