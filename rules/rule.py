"""The rules in force: conditions over signals, what is told where they hold, and limits that differ
by region, customer and lot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Silence:
    """Opens when a lot was not heard of for ``intervals`` of its tags', at least ``least_ms``."""

    intervals: float
    least_ms: int


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
class Rule:
    """One rule of a pack. ``touches``: what to do means opening, entering or unwrapping.
    ``phases`` in which it is valid; empty: in all.

    What late data brings is told only while something can be done about it: for ``actionable_ms``
    after the lot's newest reading.
    """

    name: str
    title: str
    severity: Severity
    test: Level | Silence
    action: str
    touches: bool
    based_on: str
    scope: Scope
    phases: frozenset[Phase] = frozenset()
    actionable_ms: int = ACTIONABLE_MS

    @property
    def sense(self) -> tuple[object, ...]:
        """What rules of one name have in common: when they begin and end."""
        if isinstance(self.test, Silence):
            return self.test, self.phases
        opens, clears = self.test.opens.text.split(), self.test.clears.text.split()
        return opens, clears, self.test.delay_ms, self.phases


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

    def of(self, commodity: str, form: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.scope.has(commodity, form))
