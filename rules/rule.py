"""The rules in force: conditions over signals, what is told where they hold, and limits that differ
by region, customer and lot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lots.clock import DAY_MS
from lots.terms import Phase
from rules.derived import Derived
from rules.expression import Condition
from rules.keys import Lines
from rules.scope import Scope


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Level:
    """Opens when ``opens`` has held for ``delay_ms``, clears when ``clears`` holds."""

    opens: Condition
    clears: Condition
    delay_ms: int
    leaves: Condition | None = None
    """What there is to act on after it has cleared."""

    @property
    def definition(self) -> str:
        return f"{self.opens.text} | {self.clears.text} | {self.delay_ms}"


@dataclass(frozen=True, slots=True)
class Silence:
    """Opens when a lot was not heard of for ``intervals`` of its tags', at least ``least_ms``."""

    intervals: float
    least_ms: int

    @property
    def definition(self) -> str:
        return f"{self.intervals} {self.least_ms}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that rules ask for by name, so that overlays can set another."""

    name: str
    value: float
    unit: str
    about: str
    scope: Scope


SUBJECTS: Final = ("region", "customer", "lot")
"""What an overlay is for, from the general to the particular: the later one counts."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Other ``values`` of limits, for lots of which all that is in ``subject`` is so."""

    subject: Mapping[str, str]
    values: Mapping[str, float]
    scope: Scope

    def concerns(self, lot: Mapping[str, str]) -> bool:
        """``lot``: its tenant, region, customer and id."""
        return all(lot[key] == value for key, value in self.subject.items())

    @property
    def rank(self) -> int:
        """Where it comes among those for the same lot."""
        return max(SUBJECTS.index(key) for key in self.subject if key in SUBJECTS)


ACTIONABLE_MS: Final = DAY_MS
"""So old a lot's newest reading may be for somebody still to act on it, where a rule does not say
another time. [D]"""


@dataclass(frozen=True, slots=True)
class Step:
    """How bad it is where ``test`` says so, and what is told then. ``touches``: what to do means
    opening, entering or unwrapping. ``waits``: under a hold it is to be done once that is lifted.
    """

    severity: Severity
    title: str
    action: str
    touches: bool
    waits: bool
    test: Level | Silence


@dataclass(frozen=True, slots=True)
class Foretelling:
    """What is told in place of the first step's where an alert was foreseen (`rules.foreseen`).
    ``harm``: a quantity, the hours of what is foreseen, that grow once it comes."""

    title: str
    action: str
    harm: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack. ``steps``: from the mildest to the most severe; each includes those
    before it. A silence has one. ``phases`` in which it is valid; empty: in all.

    What late data brings is told only while something can be done about it: for ``actionable_ms``
    after the lot's newest reading.
    """

    name: str
    steps: tuple[Step, ...]
    based_on: str
    scope: Scope
    phases: frozenset[Phase] = frozenset()
    actionable_ms: int = ACTIONABLE_MS
    foreseen: Foretelling | None = None

    @property
    def silence(self) -> Silence | None:
        test = self.steps[0].test
        return test if isinstance(test, Silence) else None

    @property
    def levels(self) -> tuple[Level, ...]:
        """Of each step; none of a silence."""
        return tuple(step.test for step in self.steps if isinstance(step.test, Level))

    @property
    def sense(self) -> tuple[object, ...]:
        """What rules of one name have in common: when they begin and end, and how severe."""
        levels = [
            (level.opens.text.split(), level.clears.text.split(), level.delay_ms)
            for level in self.levels
        ]
        return levels, self.silence, [step.severity for step in self.steps], self.phases

    def step(self, severity: str) -> Step:
        """The one of ``severity``, or the first where there is none."""
        return next((step for step in self.steps if step.severity == severity), self.steps[0])


@dataclass(frozen=True, slots=True)
class Written:
    """A timeline that a pack carries, as it stands there; `rules.trial` reads it. ``scope``, and
    ``lines`` of its ``file``: the pack's."""

    name: str
    body: object
    scope: Scope
    file: str
    lines: Lines


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in force; ``digest`` changes when any of them does."""

    rules: tuple[Rule, ...]
    """Those of one name are for other goods and judge alike: their words may differ."""
    digest: str
    derived: tuple[Derived, ...] = ()
    """Each after those that it reads."""
    limits: tuple[Limit, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    """Of those for one lot the later counts."""
    tests: tuple[Written, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What they were read from: file name -> YAML."""

    def of(self, commodity: str, form: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.scope.has(commodity, form))

    def judgement(self, commodity: str, form: str) -> tuple[object, ...]:
        """All that decides which alerts such goods have and how severe: where it is as before,
        nothing has to be folded again."""
        limits = [
            (each.name, each.value) for each in self.limits if each.scope.has(commodity, form)
        ]
        names = {name for name, _ in limits}
        return (
            [
                (rule.name, [(step.severity, step.test.definition) for step in rule.steps])
                for rule in self.of(commodity, form)
            ],
            [rule.phases for rule in self.of(commodity, form)],
            [each.definition for each in self.derived if each.scope.has(commodity, form)],
            limits,
            [
                (sorted(each.subject.items()), sorted(each.values.items()))
                for each in self.overlays
                if each.scope.has(commodity, form) and names & each.values.keys()
            ],
        )
