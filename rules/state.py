"""What the rules know of lots, as a fold over their samples: pure, and the same however split.

The states of any number of lots are columns, and one fold takes the samples of all of them: what
numpy can do is done for all samples at once, what follows from the sample before by `rules.kernels`.

Across a gap in the data nothing is believed to have happened: hours do not count as wet or dry, the
mould index stands still, a lag starts anew and is unknown until it has settled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.climate import Samples
from lots.clock import HOUR_MS
from lots.readings.batch import Bools, Floats, Ints
from lots.terms import FORMS, Commodity
from rules import air, kernels, lead, wool
from rules.kernels import NEVER
from rules.pack import Level, Rule, Rules, Silence
from rules.signals import SIGNALS, TERMS

LEAD_TIME_CONSTANT_H = 4.3
"""Of a bundle of about 1 t at 8 W/m2K; a lot has its own where it is stacked otherwise."""

DRY_MARGIN_K = 3.0

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

    def put(self, rows: Ints, states: States) -> None:
        self.lots[rows] = states.lots
        self.pending[rows], self.opened[rows] = states.pending, states.opened


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule begins or ceases to fire at ``at`` (ms); ``numbers`` made it so."""

    rule: str
    opens: bool
    at: int
    numbers: dict[str, float]


class Book:
    """The rules in force, in the order of the columns that keep their states."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules.rules
        self.levels = [
            (rule.name, rule.test) for rule in rules.rules if isinstance(rule.test, Level)
        ]
        self.names = [name for name, _ in self.levels]
        self.delays = np.asarray([test.delay_ms for _, test in self.levels], np.int64)
        pairs = [(commodity, form) for commodity, forms in FORMS.items() for form in forms]
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


class Signals(dict[str, Floats]):
    """All signals by name, (n,) each. What follows from others is worked out when asked for."""

    def __init__(
        self, known: Mapping[str, Floats], facts: Records, of: NDArray[np.intp], book: Book
    ) -> None:
        """``known``: the measured ones and those that add up; ``of`` (n,): whose, in ``facts``."""
        super().__init__(known)
        self._facts, self._of, self._book = facts, of, book
        self._known = known

    def __missing__(self, name: str) -> Floats:
        self[name] = found = self._derived(name)
        return found

    def _derived(self, name: str) -> Floats:
        temperature, humidity = self["temperature"], self["humidity"]
        match name:
            case "dew_point":
                return air.dew_point(temperature, humidity)
            case "absolute_humidity":
                return air.absolute_humidity(temperature, humidity)
            case "margin":
                return self["surface"] - self["dew_point"]
            case "hours_until_dry":
                lags = self._facts["lag_h"][self._of]
                return lead.hours_until_dry_margin(
                    self["surface"], temperature, self["dew_point"], lags, DRY_MARGIN_K
                )
        return np.asarray(self._facts[name][self._of])

    def at(self, index: NDArray[np.intp]) -> Signals:
        """The same at ``index`` alone."""
        known = {name: column[index] for name, column in self._known.items()}
        return Signals(known, self._facts, self._of[index], self._book)

    def numbers(self) -> list[dict[str, float]]:
        """The known signals at each place, rounded to what the sensors can say."""
        columns = {name: self[name].tolist() for name in SIGNALS}
        return [
            {
                name: round(value, 2)
                for name, value in zip(columns, row, strict=True)
                if math.isfinite(value)
            }
            for row in zip(*columns.values(), strict=True)
        ]


def numbers_now(lots: Records, facts: Records, book: Book) -> list[dict[str, float]]:
    """The numbers that each of ``lots`` (`STATE`) had at its newest sample."""
    newest = lots["newest"]

    def held(name: str) -> Floats:
        known = newest - lots[f"{name}_at"] <= kernels.HOLD_MS
        return np.where(known, lots[name], NAN)

    temperature, humidity = held("temperature"), held("humidity")
    unknown = np.isnan(temperature + humidity)
    is_wool = book.is_wool[facts["kind"]]
    settled = lots["surface_hours"] >= kernels.SETTLED_LAGS * facts["lag_h"]
    followed = lots["regain_hours"] >= kernels.REGAIN_LAG_H
    known = {
        "temperature": temperature,
        "humidity": humidity,
        "core": held("core"),
        "surface": np.where(settled & ~is_wool, lots["surface"], NAN),
        "wet_hours": np.where(unknown, NAN, lots["wet_hours"]),
        "regain": np.where(followed & is_wool, lots["regain"], NAN),
        "mould_index": np.where(unknown | ~is_wool, NAN, lots["mould"]),
    }
    return Signals(known, facts, np.arange(len(lots)), book).numbers()


def fold(
    states: States, facts: Records, samples: Samples, starts: Ints, book: Book
) -> dict[int, list[Transition]]:
    """Take ``samples`` into ``states`` (m lots), in place; returns what began and ended, by lot.

    ``facts`` (m,) `FACTS`; ``starts`` (m + 1,): where each lot's samples begin. They are in order
    of time and all newer than the lot's newest; those of one time belong together: the rules are
    judged when all of them are in, so that a rule begins at most once at any time.
    """
    fold_of = _Fold(states, facts, samples, starts, book)
    return fold_of.transitions()


def _plain(column: NDArray[np.int64] | Floats) -> NDArray[np.int64] | Floats:
    return np.ascontiguousarray(column)
