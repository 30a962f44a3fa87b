"""What the rules know of lots, as a fold over their samples: pure, and the same however split.

One fold takes the samples of any number of lots. What numpy can do is done for all of them at once;
what follows from the sample before is left to `rules.kernels`.

Across a gap in the data nothing is believed to have happened: hours do not count as wet or dry, the
mould index stands still, a lag starts anew and is unknown until it has settled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.circumstances import AHEAD_MS
from lots.climate import Samples, tag_numbers
from lots.clock import HOUR_MS
from lots.readings.batch import Bools, Floats, Ints
from lots.terms import Phase, PlaceKind
from rules import ahead, air, attending, bale, fibre, film, kernels, lead, quality, wool
from rules.derived import Kind
from rules.furnace import furnace_state
from rules.kernels import NEVER, Records
from rules.state import NAN, Book, Memory, States, Transition, rows_of
from rules.surroundings import PHASES, PLACES, located

DRY_MARGIN_K = 3.0
_G_M2_PER_MM = 1000.0  # of water

VAPOUR = ("vapour_at", "vapour_humidity")
"""The air whose vapour is known, °C and %RH; not for packs."""

SWEAT = ("sweat_ahead", "sweat_in", "sweat_lasts")
"""What `ahead.look` finds, by name."""

FILMS = ("film", "film_most", "wet_hours", "dry_hours", "recess_most")
"""What `film.courses` finds, by name."""
_OF_FILMS = ("film", "worst", "film_hours", "dried_hours", "recess")
"""Where the state has it."""

plain = np.ascontiguousarray

_NO_ERA = np.empty(0, np.int64)
_PLACED = {
    "outdoors": np.asarray([NAN if kind == "" else kind == PlaceKind.YARD for kind in PLACES]),
    "boxed": np.asarray(
        [NAN if kind == "" else kind in (PlaceKind.CONTAINER, PlaceKind.VEHICLE) for kind in PLACES]
    ),
}
"""By the code of a place: 1, 0 or not known."""


_SHELTER = np.asarray(
    [
        film.OPEN if kind == ""
        else film.YARD if kind == PlaceKind.YARD
        else film.BOX if kind in (PlaceKind.CONTAINER, PlaceKind.VEHICLE)
        else film.ROOF
        for kind in PLACES
    ],
    np.int64,
)  # fmt: skip
"""By the code of a place; one that is not known may be in the open."""
_LOADING = PHASES.index(Phase.LOADING)


def fold(
    states: States, facts: Records, spans: Records, samples: Samples, starts: Ints, book: Book
) -> dict[int, list[Transition]]:
    """Take ``samples`` into ``states`` (m lots), in place; returns what began and ended, by lot.

    ``facts`` (m,) `FACTS`; ``spans`` `SPAN`, of all lots; ``starts`` (m + 1,): where each lot's
    samples begin. They are in order of time and all newer than the lot's newest; those of one time
    belong together: the rules are judged when all of them are in, so that a rule begins at most
    once at any time. States are of no use after an exception.
    """
    if not len(samples):
        return {}
    signals, step = followed(states, facts, spans, samples, starts, book)
    return _judged(states, facts, plain(samples.time), step, starts, signals, book)


def followed(
    states: States, facts: Records, spans: Records, samples: Samples, starts: Ints, book: Book
) -> tuple[Signals, Floats]:
    """Take ``samples``, of which there are some, into ``states`` as `fold` does, but for what the
    rules make of them: the signals at each, and the hours (n,) since the one before (NaN: a gap).
    """
    of = np.repeat(np.arange(len(facts)), starts[1:] - starts[:-1])
    known, damp_hours = np.empty((9, len(samples))), np.empty(len(samples))
    lags = np.ascontiguousarray(facts["lag_h"])
    time, metal = plain(samples.time), ~np.isnan(facts["transfer"])
    before = states.lots["newest"].copy()
    measured = np.stack([samples.temperature, samples.humidity, samples.probe])
    faults = np.empty((2, len(samples)), np.int8)
    named = np.empty((len(attending.NAMED), len(samples)))
    placement = plain(samples.placement)
    attending.attend(
        states.tags, states.watches, starts, time, tag_numbers(samples), placement,
        measured, quality.SETTINGS, faults, named,
    )  # fmt: skip
    kernels.follow(states.lots, lags, metal, starts, time, placement, measured, faults, known)
    kernels.courses(states.lots, starts, known, damp_hours)
    bales = _bales(states, facts, before, starts, of, time, known, book)
    is_wool = book.is_wool[facts["kind"]]
    surface = np.where(is_wool[of], NAN, known[3]) if is_wool.any() else known[3]
    names = (
        "temperature", "humidity", "core", "surface", "damp_hours", *VAPOUR, *fibre.FOUND
    )  # fmt: skip
    values = (*known[:3], surface, damp_hours, *known[6:8], *bales)
    amid = Amid(spans, facts, starts, time, book)
    found = dict(zip(names, values, strict=True)) | dict(zip(attending.NAMED, named, strict=True))
    signals = Signals(found, facts, of, amid, book)
    if metal.any():
        films = _films(states, lags, starts, known, signals)
        signals |= dict(zip(FILMS, films, strict=True))
    signals |= undoubted(signals, known[8].astype(np.int64))
    for memory in book.memories:
        signals[memory.derived.name] = _measured(memory, states, starts, time, known[4], signals)
    return signals, known[4]


DOUBTED = {
    "temperature": kernels.AIR_WARMTH,
    "humidity": kernels.AIR_DAMP,
    "core": kernels.HEART,
    "surface": kernels.METAL,
    "vapour_at": kernels.VAPOUR,
    "vapour_humidity": kernels.VAPOUR,
    "vapour": kernels.VAPOUR,
}
"""Signals that are not known while this is in doubt."""


def undoubted(signals: Mapping[str, Floats], doubts: Ints) -> dict[str, Floats]:
    """``signals`` that are in doubt somewhere, NaN there, and ``doubted`` itself: (n,) 1 or 0."""
    if not doubts.any():
        return {"doubted": np.zeros(len(doubts))}
    found = {
        name: np.where(doubts & which, NAN, signals[name])
        for name, which in DOUBTED.items()
        if name in signals
    }
    rests_on = kernels.METAL | kernels.VAPOUR
    return found | {"doubted": np.where(doubts & rests_on, 1.0, 0.0)}


def _measured(
    memory: Memory, states: States, starts: Ints, time: Ints, step: Floats, signals: Signals
) -> Floats:
    """A derived quantity at each sample; what it remembers moves on."""
    derived, applies = memory.derived, memory.applies[signals.facts["kind"]]
    source = derived.of(signals)
    if derived.kind == Kind.VALUE:
        return np.where(applies[signals.of], source, NAN)
    found, own = np.empty(len(time)), np.ascontiguousarray(states.memory[:, memory.span])
    span_h = derived.span_ms / HOUR_MS
    kernels.measure(
        int(derived.kind), span_h, own, applies, starts, time, step, source,
        _era(derived.per, signals.spans), found,
    )  # fmt: skip
    states.memory[:, memory.span] = own
    return found


def _films(states: States, lags: Floats, starts: Ints, known: Floats, signals: Signals) -> Floats:
    """(5, n) `FILMS` of lead, NaN of what has no film and where it is not known: what was seen to
    settle is believed until it has dried, but that none was seen says nothing of a gap."""
    transfers, shut_in = (plain(signals.facts[name]) for name in ("transfer", "transfer_shut_in"))
    vapour = signals["vapour"]
    found = np.full((len(FILMS), len(vapour)), NAN)
    film.courses(
        states.lots, lags, transfers, shut_in, starts, signals.shelter, lead.AROUND, known[0],
        vapour, known[5], known[4], lead.FILM_SETTINGS, lead.SATURATION, found,
    )  # fmt: skip
    unseen = np.isnan(vapour + known[3]) & (found[0] == 0.0)
    for row in (0, 2):
        found[row][unseen] = NAN
    found[4] /= _G_M2_PER_MM
    return found


def _bales(
    states: States, facts: Records, before: Ints, starts: Ints, of: NDArray[np.intp],
    time: Ints, known: Floats, book: Book,
) -> Floats:  # fmt: skip
    """(rows of `fibre.FOUND`, n) of wool, NaN of all else. ``before`` (m,): each lot's sample
    before these."""
    found = np.full((len(fibre.FOUND), len(of)), NAN)
    is_wool = book.is_wool[facts["kind"]]
    if is_wool.any():
        balance = wool.regain(known[1], known[0])
        fibre.courses(
            states.lots, book.mould[facts["kind"]], plain(facts["cored"]),
            plain(facts["cored_regain"]), plain(facts["wrap"]), before, starts, time, known,
            balance, bale.SETTINGS, found,
        )  # fmt: skip
    return found


def _judged(
    states: States,
    facts: Records,
    time: Ints,
    step: Floats,
    starts: Ints,
    signals: Signals,
    book: Book,
) -> dict[int, list[Transition]]:
    """Judge the rules at each sample, and let them go from idle to pending to open and back."""
    applies = book.applies[facts["kind"]]
    present = np.zeros(len(book.applies), np.bool_)
    present[facts["kind"]] = True
    holds, clears = np.zeros((2, len(book.levels), len(time)), np.bool_)
    # A rule that is idle and whose condition holds nowhere stays so.
    since = np.maximum(states.opened, states.pending)
    going = since.max(axis=0, initial=NEVER) != NEVER
    busy = np.logical_or.reduceat(going, book.steps[:-1]) if len(going) else going
    for rule in np.flatnonzero(book.applies[present].any(axis=0)).tolist():
        own = slice(book.steps[rule], book.steps[rule + 1])
        valid = book.phases[rule]
        is_valid = None if valid.all() else valid[signals.spans["phase"]]
        for level, column in zip(book.levels[own], holds[own], strict=True):
            column[:] = level.opens.holds(signals)
            if is_valid is not None:
                column &= is_valid
        if busy[rule] or holds[own].any():
            busy[rule] = True
            for level, column in zip(book.levels[own], clears[own], strict=True):
                column[:] = level.clears.holds(signals)
                if is_valid is not None:
                    column |= ~is_valid
    if not busy.any():
        return {}
    found = np.empty(len(book.rules) * len(time), np.int64)
    count = kernels.walk(
        states.pending, states.opened, applies & busy, book.steps, book.delays,
        starts, time, step, holds, clears, found,
    )  # fmt: skip
    return _transitions(found[:count], time, starts, signals, book)


def _transitions(
    found: Ints, time: Ints, starts: Ints, signals: Signals, book: Book
) -> dict[int, list[Transition]]:
    """What `kernels.walk` found, by lot; in order of time and name."""
    if not len(found):
        return {}
    sample, rule = np.divmod(found // kernels.STEPS, len(book.rules))
    lots = np.searchsorted(starts, sample, side="right") - 1
    whole = zip(
        lots.tolist(), rule.tolist(), (found % kernels.STEPS).tolist(), time[sample].tolist(),
        signals.at(sample).numbers(), strict=True,
    )  # fmt: skip
    by_lot: dict[int, list[Transition]] = {}
    for lot, number, step, at, numbers in whole:
        event = Transition(book.rules[number].name, step, at, numbers)
        by_lot.setdefault(lot, []).append(event)
    for events in by_lot.values():
        events.sort(key=lambda event: (event.at, event.rule))
    return by_lot


class Amid(NamedTuple):
    """What lots are in the middle of, and come to; looked up where a rule asks.

    ``every`` `SPAN`; ``facts``, ``starts``, ``time`` as `fold` has them.
    """

    every: Records
    facts: Records
    starts: Ints
    time: Ints
    book: Book

    def at(self, index: NDArray[np.intp] | Ints | Bools, of: NDArray[np.intp]) -> Amid:
        """At the samples ``index`` alone, which are of the lots ``of``."""
        return self._replace(
            facts=self.facts[of], starts=np.arange(len(of) + 1), time=self.time[index]
        )

    def spans(self) -> Records:
        """(n,) `SPAN` of each sample."""
        at = located(
            self.every, plain(self.facts["at"]), plain(self.facts["spans"]), self.starts, self.time
        )
        return rows_of(self.every, at)

    def sweat(self, metal: Floats, air: Floats, dew_point: Floats) -> dict[str, Floats]:
        """`SWEAT`, seen from each sample."""
        found, facts = np.empty((len(SWEAT), len(self.time))), self.facts
        ahead.look(
            self.every, plain(facts["at"]), plain(facts["spans"]), self.starts, self.time,
            plain(metal), plain(air), plain(dew_point), plain(facts["lag_h"]),
            plain(facts["transfer_shut_in"]), AHEAD_MS, self.book.courses.courses,
            self.book.courses.normals, found,
        )  # fmt: skip
        return dict(zip(SWEAT, found, strict=True))


def _era(per: str, spans: Records) -> Ints:
    """(n,) what differs from one journey or phase (``per``) to the next; empty: without."""
    match per:
        case "journey":
            return plain(spans["journey"])
        case "phase":
            return plain(spans["journey"] * len(PHASES) + spans["phase"])
    return _NO_ERA


class Signals(dict[str, Floats]):
    """All signals by name, (n,) each. What follows from others is worked out when asked for."""

    def __init__(
        self,
        known: Mapping[str, Floats],
        facts: Records,
        of: NDArray[np.intp],
        amid: Amid,
        book: Book,
    ) -> None:
        """``known``: the measured ones and those that add up; ``of`` (n,): whose, in ``facts``."""
        super().__init__(known)
        self.facts, self.of, self._amid = facts, of, amid
        self._book = book

    @cached_property
    def spans(self) -> Records:
        """(n,) `SPAN`"""
        return self._amid.spans()

    @cached_property
    def _limits(self) -> Floats:
        """(n, limits)"""
        return np.take(self._book.limits, self.spans["limits"], axis=0)

    @cached_property
    def shelter(self) -> Ints:
        """(n,) `film.ROOF`, BOX, OPEN or YARD."""
        loading = self.spans["phase"] == _LOADING
        stands = _SHELTER[self.spans["place"]]
        return np.asarray(np.where(loading, np.maximum(stands, film.OPEN), stands))

    def __missing__(self, name: str) -> Floats:
        self[name] = found = self._derived(name)
        return found

    def _derived(self, name: str) -> Floats:
        if name in self._book.limit_names:
            return self._limits[:, self._book.limit_names.index(name)]
        if name in SWEAT:
            self |= self._amid.sweat(self["surface"], self["temperature"], self["dew_point"])
            return self[name]
        match name:
            case "dew_point":
                return air.dew_point(*(self[each] for each in VAPOUR))
            case "absolute_humidity":
                return air.absolute_humidity(self["temperature"], self["humidity"])
            case "margin":
                return self["surface"] - self["dew_point"]
            case "vapour":  # Pa; not for packs
                return air.vapour_pressure(*(self[each] for each in VAPOUR))
            case "settling":
                through = lead.transfer_at(
                    self.facts["transfer"][self.of],
                    self.facts["transfer_shut_in"][self.of],
                    self.shelter,
                )
                return lead.film_rate(self["surface"], self["vapour"], through)
            case "outdoors" | "boxed":
                return np.asarray(_PLACED[name][self.spans["place"]])
            case "not_fit":
                _, reasons = furnace_state(
                    self["film"], self["film_most"], self["dry_hours"],
                    believed=self["doubted"] <= 0.0,
                    in_the_open=self.shelter >= film.OPEN,
                )  # fmt: skip
                return np.where(np.isnan(self.facts["transfer"][self.of]), NAN, reasons)
            case "film" | "film_most" | "wet_hours" | "dry_hours" | "recess_most":
                return np.full(len(self.of), NAN)  # there is no lead here
            case "scale_mass_low" | "scale_mass_high":
                return self._scale_mass()[name == "scale_mass_high"]
            case "water_content":
                return wool.water_content(self["regain"])
            case "moth_degrees":
                return wool.moth_degrees(self["temperature"])
            case "hours_until_dry":
                lags = self.facts["lag_h"][self.of]
                return lead.hours_until_dry_margin(
                    self["surface"], self["temperature"], self["dew_point"], lags, DRY_MARGIN_K
                )
        return np.asarray(self.facts[name][self.of])  # a term of the lot

    def _scale_mass(self) -> tuple[Floats, Floats]:
        outer, core = (
            (self[f"{layer}_low"], self[f"{layer}_high"]) for layer in ("regain", "core_regain")
        )
        return wool.expected_scale_mass(
            self["dry_mass"], *bale.bale_regain(bale.Layers(*outer, *core))
        )

    def at(self, index: NDArray[np.intp] | Ints | Bools) -> Signals:
        """The same at ``index`` alone."""
        known = {name: column[index] for name, column in self.items()}
        of = self.of[index]
        return Signals(known, self.facts, of, self._amid.at(index, of), self._book)

    def numbers(self) -> list[dict[str, float]]:
        """The known signals at each place, rounded to what the sensors can say."""
        names = self._book.shown
        columns = [self._told(name).tolist() for name in names]
        return [
            {
                name: round(value, 2)
                for name, value in zip(names, row, strict=True)
                if math.isfinite(value)
            }
            for row in zip(*columns, strict=True)
        ]

    def _told(self, name: str) -> Floats:
        """That nothing is known to come, or no tag is at fault, is not worth a number."""
        if name == "sweat_ahead":
            return np.where(np.isnan(self["sweat_in"]), NAN, self[name])
        if name in attending.NAMED:
            return np.where(self[name] > 0.0, self[name], NAN)
        return self[name]


def numbers_now(
    states: States, facts: Records, spans: Records, book: Book
) -> list[dict[str, float]]:
    """The numbers that each of the lots had at its newest sample."""
    return signals_now(states, facts, spans, book).numbers()


def left_now(states: States, facts: Records, spans: Records, book: Book) -> list[frozenset[str]]:
    """Rules that have left something to act on at each lot's newest sample (`Level.leaves`)."""
    found: list[frozenset[str]] = [frozenset()] * len(facts)
    leaving = [(n, r.levels[0].leaves) for n, r in enumerate(book.rules) if r.levels[0].leaves]
    if not leaving:
        return found
    signals = signals_now(states, facts, spans, book)
    for number, leaves in leaving:
        its = leaves.holds(signals) & book.applies[facts["kind"], number]
        for lot in np.flatnonzero(its).tolist():
            found[lot] |= {book.rules[number].name}
    return found


def signals_now(states: States, facts: Records, spans: Records, book: Book) -> Signals:
    """The signals as they were at each lot's newest sample."""
    lots, each = states.lots, np.arange(len(states.lots) + 1)
    newest = lots["newest"]

    def held(name: str) -> Floats:
        return np.where(newest - lots[f"{name}_at"] <= kernels.HOLD_MS, lots[name], NAN)

    temperature, humidity = held("temperature"), held("humidity")
    unknown = np.isnan(temperature + humidity)
    is_metal = ~np.isnan(facts["transfer"])
    of_metal = lots["vapour_temperature"], lots["vapour_humidity"]
    vapour = np.where(is_metal, of_metal, (temperature, humidity))
    is_wool = book.is_wool[facts["kind"]]
    settled = lots["surface_hours"] >= kernels.SETTLED_LAGS * facts["lag_h"]
    seen = is_metal & ((lots["film"] > 0.0) | settled & ~np.isnan(vapour).any(axis=0))
    films = {
        name: np.where(seen if name in ("film", "wet_hours") else is_metal, lots[field], NAN)
        for name, field in zip(FILMS, _OF_FILMS, strict=True)
    }
    films["recess_most"] /= _G_M2_PER_MM
    known = {
        "temperature": temperature,
        "humidity": humidity,
        "core": held("core"),
        "surface": np.where(settled & ~is_wool, lots["surface"], NAN),
        "damp_hours": np.where(unknown, NAN, lots["wet_hours"]),
        **{name: np.where(is_wool, it, NAN) for name, it in bale.known(lots, unknown).items()},
        **dict(zip(VAPOUR, vapour, strict=True)),
        **films,
    }
    unmeasured = np.isnan(held("on_surface"))
    doubts = np.asarray(np.where(unmeasured, lots["doubts"] & ~kernels.METAL, lots["doubts"]))
    vapour_of = np.where(unknown, kernels.BESIDE, kernels.AIR_WARMTH | kernels.AIR_DAMP)
    doubts |= np.where((doubts & vapour_of) != 0, kernels.VAPOUR, 0)
    known |= undoubted(known, doubts)
    named = np.empty((len(attending.NAMED), len(lots)))
    attending.faulty(states.tags, states.watches, plain(newest), named)
    known |= dict(zip(attending.NAMED, named, strict=True))
    amid = Amid(spans, facts, each, plain(newest), book)
    signals = Signals(known, facts, each[:-1], amid, book)
    for memory in book.memories:
        applies = memory.applies[facts["kind"]]
        if memory.derived.kind == Kind.VALUE:
            value = memory.derived.of(signals)
        else:
            value = states.memory[:, memory.span.start]
        signals[memory.derived.name] = np.where(applies, value, NAN)
    return signals
