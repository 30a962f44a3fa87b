"""What the rules know of lots and what they judge them by, as columns: one row a lot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.circumstances import UNKNOWN, Circumstance
from lots.climate import LotKey
from lots.clock import HOUR_MS
from lots.readings.batch import Bools, Floats, Ints
from lots.terms import Commodity, Form
from rules import attending, bale, lead, quality, wool
from rules.derived import FRESH, Derived
from rules.kernels import NEVER, Records
from rules.rule import Rule, Rules, Silence
from rules.signals import PLACED, SIGNALS, TERMS
from rules.surroundings import PHASES, PLACES, Courses, Span

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


Watched = tuple[tuple[int, int], ...]
"""Spans (ms) in which a tag should be heard."""


@dataclass(frozen=True, slots=True)
class LotFacts:
    """What the registry says of a lot, as far as the rules need it."""

    tenant: str
    lot: str
    commodity: str
    form: str
    time_constant_h: float | None = None
    contract_regain: float = NAN
    dry_mass: float = NAN  # kg
    invoice_mass: float = NAN  # kg
    cored: int | None = None  # ms
    cored_regain: float = NAN  # %
    packaging: str = ""
    limits: Limits = NO_LIMITS
    interval_ms: int = HOUR_MS  # of the slowest of its tags
    watched: Watched = ()
    customer: str = ""
    circumstances: tuple[Circumstance, ...] = UNKNOWN

    @property
    def lag_h(self) -> float:
        return self.time_constant_h or LEAD_TIME_CONSTANT_H


class Said(NamedTuple):
    """What the registry says of some lots: of lots[i] facts[of[i]], which may name another of them,
    and that tags are to be heard in the spans watched[i], `LotFacts.watched`."""

    lots: list[str]
    facts: list[LotFacts]
    of: list[int]
    watched: list[Watched]


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
        ("warms", np.float64),  # that metal, K/h
        ("beside", np.float64),  # the air at a tag on the surface, as it is taken for
        ("beside_humidity", np.float64),
        ("beside_at", np.int64),
        # Where that tag's humidity stands still, %RH, for how many hours, and from how many °C on;
        # and what it says at saturation.
        ("stands", np.float64),
        ("stood_hours", np.float64),
        ("stood_from", np.float64),
        ("saturated", np.float64),
        # How much more vapour that tag said while the metal was dry than the air's, in parts.
        ("more_at_metal", np.float64),
        # The air whose vapour is known, of a lot of metal.
        ("vapour_temperature", np.float64),
        ("vapour_humidity", np.float64),
        ("doubts", np.int64),  # what of these was last measured and not believed: `kernels.follow`
        # First-order lags: the value, and for how many hours it has followed since it began.
        ("surface", np.float64),
        ("surface_hours", np.float64),
        ("wet_hours", np.float64),
        ("dry_hours", np.float64),
        *lead.FILM.descr,
        *bale.BALES.descr,
    ]
)
"""The fold's state of a lot but for its rules'."""

FACTS = np.dtype(
    [
        ("kind", np.int64),  # `Book.kinds`; -1: of a lot that has no facts
        ("lag_h", np.float64),
        ("cored", np.int64),  # ms; `NEVER` where it was not
        ("cored_regain", np.float64),
        ("wrap", np.float64),  # m, `bale.WRAPS`
        ("transfer", np.float64),  # g/(m² h Pa) of vapour to the metal; NaN: of no metal
        ("transfer_shut_in", np.float64),  # the same in a box
        *((name, np.float64) for name in TERMS),
        ("at", np.int64),  # its spans in `Surroundings`, and how many
        ("spans", np.int64),
    ]
)
"""What the fold asks of a lot's facts."""


_UNKNOWN = (
    "temperature", "humidity", "core", "on_surface", "beside", "stands", "stood_from", "saturated",
    "more_at_metal", "vapour_temperature", "vapour_humidity", "surface",
)  # fmt: skip


def _fresh(n: int) -> Records:
    """`STATE` of ``n`` lots that nothing is known of."""
    found = np.zeros(n, STATE)
    found["newest"] = NEVER
    for name in _UNKNOWN:
        found[name] = NAN
    dry = lead.no_film(1)
    for name in dry.dtype.names or ():
        found[name] = dry[name]
    unknown = bale.of_unknown(1)
    for name in unknown.dtype.names or ():
        found[name] = unknown[name]
    return found


def rows_of(records: Records, rows: Ints | NDArray[np.int32]) -> Records:
    """``records[rows]``, of fields of 8 bytes: numpy would copy it field by field."""
    words = records.view(np.int64).reshape(len(records), -1)
    return np.take(words, rows, axis=0).view(records.dtype).ravel()


@dataclass(slots=True, eq=False)
class States:
    """The fold's state of ``n`` lots: ``lots`` (n,) `STATE`; ``pending``, ``opened`` (n, steps) ms:
    since when a step's condition holds and waits for its delay, since when a rule stands at it,
    else `NEVER`;
    ``memory`` (n, numbers): of the packs' derived quantities, see `Book.memories`; ``tags`` (n, k)
    and ``watches`` (n, 2 k): what is watched of its tags, see `rules.attending.attend`.
    """

    lots: Records
    pending: Ints
    opened: Ints
    memory: Floats
    tags: Ints
    watches: Records

    def columns(self) -> Iterator[Any]:
        """In the order of the fields; one row a lot."""
        return (getattr(self, name) for name in self.__slots__)

    def at(self, lots: slice) -> States:
        """Of some lots: what moves on in them does so here."""
        return States(*(column[lots] for column in self.columns()))

    def copy(self) -> States:
        return States(*(column.copy() for column in self.columns()))


@dataclass(frozen=True, slots=True)
class Transition:
    """From ``at`` (ms) on a rule stands at its ``step``, counted from 1, or fires no more: 0.
    ``numbers`` made it so."""

    rule: str
    step: int
    at: int
    numbers: dict[str, float]


Stood = tuple[int, ...]
"""Since when a rule stands at each of its steps, ms, up to the one that it has come to."""


def moved(stood: Stood, event: Transition) -> Stood:
    """``stood`` after ``event`` of that rule: a step includes those before it."""
    return stood[: event.step] + (event.at,) * (event.step - len(stood))


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What folding did to a lot's alerts from ``since`` (ms) on.

    ``open_before``: rule -> how it stood at ``since``, if it fired. With ``transitions`` that is
    the whole truth from ``since`` on about the rules it speaks of, which are those that judge
    silence (``silence``) or all others: what the record has besides is to be withdrawn.

    ``known_to`` (ms): what it says of the time up to there was folded before, and is now said anew
    because of what came late; `NEVER`: nothing of it. ``newest`` (ms): the lot's newest sample;
    ``left``: rules that have left something to act on at that time (`Level.leaves`).
    """

    key: LotKey
    since: int
    open_before: Mapping[str, Stood]
    transitions: list[Transition]
    silence: bool = False
    known_to: int = NEVER
    newest: int = NEVER
    left: frozenset[str] = frozenset()


class Memory(NamedTuple):
    """Where in `States.memory` a derived quantity has its numbers; ``applies`` (kinds,)."""

    derived: Derived
    span: slice
    applies: Bools

    @property
    def fresh(self) -> tuple[float, ...]:
        """Its numbers of a lot that nothing is known of."""
        return FRESH[self.derived.kind]


class Book:
    """The rules in force, in the order of the columns that keep their states."""

    def __init__(self, rules: Rules) -> None:
        # A name is one rule, in however many packs it stands: each is for other goods, and asks for
        # the same.
        named: dict[str, list[Rule]] = {}
        for rule in rules.rules:
            if not rule.silence:
                named.setdefault(rule.name, []).append(rule)
        self.rules = [its[0] for its in named.values()]
        """Those that readings decide, in the order of ``applies`` and ``phases``."""
        self.levels = [level for rule in self.rules for level in rule.levels]
        """Of each column: a step of a rule."""
        counts = [len(rule.levels) for rule in self.rules]
        self.steps = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        """(rules + 1,) where each rule's columns begin."""
        self.columns = [
            f"{rule.name} {number}" for rule in self.rules for number in range(len(rule.levels))
        ]
        """What each column is: one of another name begins anew."""
        self.delays = np.asarray([level.delay_ms for level in self.levels], np.int64)
        pairs = list(product(Commodity, Form))
        self.kinds: dict[tuple[str, str], int] = {pair: code for code, pair in enumerate(pairs)}
        """(commodity, form) -> its code."""
        self.applies = np.asarray(
            [
                [any(rule.scope.has(*pair) for rule in its) for its in named.values()]
                for pair in pairs
            ],
            np.bool_,
        ).reshape(len(pairs), len(self.rules))
        """(kinds, rules)"""
        self.silences: list[list[tuple[str, Silence]]] = [
            [(rule.name, rule.silence) for rule in rules.of(*pair) if rule.silence]
            for pair in pairs
        ]
        """By kind."""
        is_wool = [commodity == Commodity.WOOL for commodity, _ in pairs]
        self.is_wool = np.asarray(is_wool, np.bool_)
        self.mould_classes = [wool.MOULD_CLASS_OF_FORM.get(form, "") for _, form in pairs]
        classes = [wool.MOULD_CLASSES.get(name) for name in self.mould_classes]
        self.mould = np.asarray([(NAN,) * 7 if c is None else astuple(c) for c in classes])
        """(kinds, 7) their `MouldClass`; NaN: not of wool."""
        self.memories: list[Memory] = []
        """Of all derived quantities, each after those that it reads; of a plain one an empty one"""
        at = 0
        for each in {derived.name: derived for derived in rules.derived}.values():
            span = slice(at, at + len(FRESH[each.kind]))
            its = [other.scope for other in rules.derived if other.name == each.name]
            applies = np.asarray([any(s.has(*pair) for s in its) for pair in pairs], np.bool_)
            self.memories.append(Memory(each, span, applies))
            at = span.stop
        self.courses = Courses()
        self._limits = rules.limits
        self._overlays = rules.overlays
        self.tells_lots_apart = any("lot" in overlay.subject for overlay in rules.overlays)
        self._rows: dict[tuple[tuple[str, str], tuple[int, ...]], int] = {}
        self.limit_names = list(dict.fromkeys(limit.name for limit in rules.limits))
        self.limits: Floats = np.empty((0, len(self.limit_names)))
        """(rows, limits) their values: a row for each kind with a set of overlays that some lot
        has; the first is of a lot of which nothing is known. NaN: its packs have no such limit."""
        self._limits_row(("", ""), ())
        self.phases = np.asarray(
            [[not rule.phases or phase in rule.phases for phase in PHASES] for rule in self.rules],
            np.bool_,
        ).reshape(len(self.rules), len(PHASES))
        """(rules, phases) in which each is valid."""
        told = [name for name in SIGNALS if name not in PLACED]
        self.shown = (*told, *self.limit_names, *(memory.derived.name for memory in self.memories))
        """What is told of a lot, of all that has a name and a value."""

    def fresh(self, n: int) -> States:
        """Of ``n`` lots that nothing is known of."""
        pending, opened = np.full((2, n, len(self.levels)), NEVER, np.int64)
        numbers = [number for memory in self.memories for number in memory.fresh]
        memory = np.tile(np.asarray(numbers, np.float64), (n, 1))
        tags = np.zeros((n, attending.TAGS), np.int64)
        watches = quality.unwatched(2 * tags.size).reshape(n, -1)
        return States(_fresh(n), pending, opened, memory, tags, watches)

    def spans(self, facts: LotFacts) -> list[Span]:
        """A lot's circumstances as rows of `SPAN`."""
        return [
            (
                one.begins,
                PHASES.index(one.phase),
                one.journey,
                PLACES.index(one.place),
                self._limits_row(
                    (facts.commodity, facts.form), self._overlays_of(facts, one.region)
                ),
                self.courses.row(one.course),
            )
            for one in facts.circumstances
        ]

    def _overlays_of(self, facts: LotFacts, region: str) -> tuple[int, ...]:
        who = {"tenant": facts.tenant, "customer": facts.customer, "lot": facts.lot}
        return tuple(
            number
            for number, one in enumerate(self._overlays)
            if one.scope.has(facts.commodity, facts.form) and one.concerns(who | {"region": region})
        )

    def _limits_row(self, kind: tuple[str, str], overlays: tuple[int, ...]) -> int:
        """Of ``limits``: what the packs for ``kind`` say, and over it what each of ``overlays``
        says."""
        if (kind, overlays) not in self._rows:
            values = {each.name: each.value for each in self._limits if each.scope.has(*kind)}
            for number in overlays:
                values |= self._overlays[number].values
            self._rows[kind, overlays] = len(self.limits)
            row = np.asarray([values.get(name, NAN) for name in self.limit_names], np.float64)
            self.limits = np.concatenate((self.limits, row.reshape(1, -1)))
        return self._rows[kind, overlays]

    def open_rules(self, opened: Ints) -> dict[str, Stood]:
        """rule -> since when it stands where it does, of one lot's row (steps,)."""
        found: dict[str, Stood] = {}
        columns = np.flatnonzero(opened != NEVER)
        for rule, column in zip(self.rule_of(columns), columns.tolist(), strict=True):
            name = self.rules[rule].name
            found[name] = (*found.get(name, ()), int(opened[column]))
        return found

    def rule_of(self, columns: Ints) -> list[int]:
        """(n,) the positions of the rules that ``columns`` are of."""
        found: list[int] = (np.searchsorted(self.steps, columns, side="right") - 1).tolist()
        return found


def facts_row(facts: LotFacts, book: Book, at: int) -> tuple[float, ...]:
    """``facts`` as a row of `FACTS`, with its spans ``at`` this place; raises KeyError for a kind
    that there is not."""
    return (
        book.kinds[facts.commodity, facts.form],
        facts.lag_h,
        NEVER if facts.cored is None else facts.cored,
        facts.cored_regain,
        bale.wrap(facts.packaging),
        lead.transfer(facts.commodity, facts.packaging),
        lead.transfer(facts.commodity, facts.packaging, shut_in=True),
        *facts.limits,
        facts.contract_regain,
        facts.dry_mass,
        facts.invoice_mass,
        at,
        len(facts.circumstances),
    )


def silence_limit_ms(test: Silence, facts: LotFacts) -> int:
    """How long a lot may be silent."""
    return max(round(test.intervals * facts.interval_ms), test.least_ms)
