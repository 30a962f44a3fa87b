"""What the rules know of lots and what they judge them by, as columns: one row a lot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.climate import LotKey
from lots.clock import HOUR_MS
from lots.readings.batch import Ints
from lots.terms import Commodity, Form
from rules import wool
from rules.kernels import NEVER
from rules.pack import Level, Rules, Silence
from rules.signals import TERMS

LEAD_TIME_CONSTANT_H = 4.3
"""Of a bundle of about 1 t at 8 W/m2K; a lot has its own where it is stacked otherwise."""

NAN = math.nan


class Limits(NamedTuple):
    """A customer's own, degC and %RH; infinite where they have none."""

    temperature_min: float = -math.inf
    temperature_max: float = math.inf
    humidity_min: float = -math.inf
    humidity_max: float = math.inf


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class LotFacts:
    """What the registry says of a lot, as far as the rules need it."""

    tenant: str
    lot: str
    commodity: str
    form: str
    time_constant_h: float | None = None
    contract_regain: float = NAN
    limits: Limits = NO_LIMITS
    interval_ms: int = HOUR_MS  # of the slowest of its tags
    watched: tuple[tuple[int, int], ...] = ()  # spans (ms) in which a tag should be heard

    @property
    def lag_h(self) -> float:
        return self.time_constant_h or LEAD_TIME_CONSTANT_H


Records = NDArray[np.void]
"""Columns that belong together, one row a lot, so that a lot's are side by side in memory."""

STATE = np.dtype(
    [
        ("newest", np.int64),  # ms; `NEVER` before the first sample
        # The last measured value of a quantity, and when: it holds until the next, or is too old.
        ("temperature", np.float64),
        ("temperature_at", np.int64),
        ("humidity", np.float64),
        ("humidity_at", np.int64),
        ("core", np.float64),
        ("core_at", np.int64),
        ("on_surface", np.float64),
        ("on_surface_at", np.int64),
        # First-order lags: the value, and for how many hours it has followed since it began.
        ("surface", np.float64),
        ("surface_hours", np.float64),
        ("regain", np.float64),
        ("regain_hours", np.float64),
        ("wet_hours", np.float64),
        ("dry_hours", np.float64),
        ("mould", np.float64),
        ("mould_dry_hours", np.float64),
    ]
)
"""The fold's state of a lot but for its rules'."""

FACTS = np.dtype(
    [("kind", np.int64), ("lag_h", np.float64), *((name, np.float64) for name in TERMS)]
)
"""What the fold asks of a lot's facts; ``kind``: `Book.kinds`, -1 for a lot that has none."""


def fresh(n: int) -> Records:
    """`STATE` of ``n`` lots that nothing is known of."""
    found = np.zeros(n, STATE)
    found["newest"] = NEVER
    for name in ("temperature", "humidity", "core", "on_surface", "surface", "regain"):
        found[name] = NAN
    return found


@dataclass(slots=True, eq=False)
class States:
    """The fold's state of ``n`` lots: ``lots`` (n,) `STATE`; ``pending``, ``opened`` (n, rules) ms:
    since when a rule's condition holds and waits for its delay, since when it fires, else `NEVER`.
    """

    lots: Records
    pending: Ints
    opened: Ints

    @classmethod
    def fresh(cls, n: int, rules: int) -> States:
        """Of lots that nothing is known of."""
        return cls(fresh(n), *(np.full((n, rules), NEVER, np.int64) for _ in range(2)))

    def take(self, rows: Ints) -> States:
        """Copies, that can go their own way."""
        return States(self.lots[rows], self.pending[rows], self.opened[rows])

    def copy(self) -> States:
        return States(self.lots.copy(), self.pending.copy(), self.opened.copy())

    def longer(self, more: int) -> States:
        """With as many fresh ones behind."""
        new = States.fresh(more, self.pending.shape[1])
        return States(
            np.concatenate((self.lots, new.lots)),
            np.concatenate((self.pending, new.pending)),
            np.concatenate((self.opened, new.opened)),
        )

    def put(self, rows: Ints, states: States) -> None:
        """Write ``states`` over those at the distinct ``rows``."""
        self.lots[rows] = states.lots
        self.pending[rows], self.opened[rows] = states.pending, states.opened


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule begins or ceases to fire at ``at`` (ms); ``numbers`` made it so."""

    rule: str
    opens: bool
    at: int
    numbers: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What folding did to a lot's alerts from ``since`` (ms) on.

    ``open_before``: rule -> since when it fired at ``since``. Together with ``transitions`` that
    is the whole truth from ``since`` on about the rules it speaks of, which are those that judge
    silence (``silence``) or all others: what the record has besides is to be withdrawn.
    ``revised``: the past was folded again from the store.
    """

    key: LotKey
    since: int
    open_before: Mapping[str, int]
    transitions: list[Transition]
    silence: bool = False
    revised: bool = False


class Book:
    """The rules in force, in the order of the columns that keep their states."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules.rules
        self.levels = [
            (rule.name, rule.test) for rule in rules.rules if isinstance(rule.test, Level)
        ]
        self.names = [name for name, _ in self.levels]
        self.delays = np.asarray([test.delay_ms for _, test in self.levels], np.int64)
        pairs = list(product(Commodity, Form))
        self.kinds: dict[tuple[str, str], int] = {pair: code for code, pair in enumerate(pairs)}
        """(commodity, form) -> its code."""
        of = [{rule.name for rule in rules.of(*pair)} for pair in pairs]
        self.applies = np.asarray([[name in own for name in self.names] for own in of], np.bool_)
        self.applies = self.applies.reshape(len(pairs), len(self.names))
        """(kinds, rules)"""
        self.silences: list[list[tuple[str, Silence]]] = [
            [(r.name, r.test) for r in rules.of(*pair) if isinstance(r.test, Silence)]
            for pair in pairs
        ]
        """By kind."""
        is_wool = [commodity == Commodity.WOOL for commodity, _ in pairs]
        self.is_wool = np.asarray(is_wool, np.bool_)
        self.mould_classes = [wool.MOULD_CLASS_OF_FORM.get(form, "") for _, form in pairs]
        classes = [wool.MOULD_CLASSES.get(name) for name in self.mould_classes]
        self.mould = np.asarray([(NAN,) * 3 if c is None else c.pace for c in classes], np.float64)
        """(kinds, 3), as `kernels.courses` takes it."""

    def open_rules(self, opened: Ints) -> dict[str, int]:
        """rule -> since when it fires, of one lot's row (rules,)."""
        fires = np.flatnonzero(opened != NEVER).tolist()
        return {self.names[rule]: int(opened[rule]) for rule in fires}


def facts_row(facts: LotFacts, book: Book) -> tuple[float, ...]:
    """``facts`` as a row of `FACTS`; raises KeyError for a kind that there is not."""
    return (
        book.kinds[facts.commodity, facts.form],
        facts.lag_h,
        *facts.limits,
        facts.contract_regain,
    )


def silence_limit_ms(test: Silence, facts: LotFacts) -> int:
    """How long a lot may be silent."""
    return max(round(test.intervals * facts.interval_ms), test.least_ms)
