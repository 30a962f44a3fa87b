"""What the rules know of one lot, as a fold over its samples: pure, and the same however split.

Across a gap in the data nothing is believed to have happened: hours do not count as wet or dry, the
mould index stands still, a lag starts anew and is unknown until it has settled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np

from lots.climate import CODES, Samples
from lots.clock import HOUR_MS
from lots.readings.batch import Floats
from lots.terms import Commodity, Placement
from rules import air, lead, wool
from rules.pack import Level, Rule
from rules.signals import SIGNALS

MAX_GAP_H = 3.0
"""Past this many hours without a sample, what happened meanwhile is unknown. [D]"""

LEAD_TIME_CONSTANT_H = 4.3
"""Of a bundle of about 1 t at 8 W/m2K; a lot has its own where it is stacked otherwise."""

DRY_MARGIN_K = 3.0
WET_HUMIDITY = 80.0  # ISO 9223: wet while T > 0 degC and RH > 80 %
DRYING_H = 12.0  # dry hours in a row that end a wet spell [D]
REGAIN_LAG_H = 24.0  # of a bale's outer layer [D]
SETTLED_LAGS = 3.0  # a lag's unknown start is forgotten to 5 % after as many time constants

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


class Held(msgspec.Struct, frozen=True):
    """The last measured value of a quantity: it holds until the next, or until it is too old."""

    value: float = NAN
    at: int = 0

    def taking(self, value: float, at: int) -> Held:
        return self if math.isnan(value) else Held(value, at)

    def known(self, now: int) -> float:
        return self.value if now - self.at <= MAX_GAP_H * HOUR_MS else NAN


class Lag(msgspec.Struct, frozen=True):
    """A first-order lag: ``value`` follows its target; unknown until ``hours`` have settled it."""

    value: float = NAN
    hours: float = 0.0

    def following(self, target: float, hours: float | None, constant: float) -> Lag:
        """After ``hours`` towards ``target``; None: unknown how long, so it starts anew.

        An unknown target (NaN) leaves nothing known.
        """
        if hours is None or math.isnan(self.value) or math.isnan(target):
            return Lag(target, 0.0)
        left = math.exp(-hours / constant)
        return Lag(target + (self.value - target) * left, self.hours + hours)

    def known(self, constant: float) -> float:
        return self.value if self.hours >= SETTLED_LAGS * constant else NAN


class RuleState(msgspec.Struct, frozen=True):
    """``pending``: since when the condition holds and waits for its delay; ``opened``: since when
    the rule fires; ms, None if not."""

    pending: int | None = None
    opened: int | None = None


IDLE = RuleState()


class LotState(msgspec.Struct):
    """The fold's state of one lot. Instants ms, None before the first."""

    newest: int | None = None
    temperature: Held = Held()
    humidity: Held = Held()
    core: Held = Held()
    on_surface: Held = Held()
    surface: Lag = Lag()
    regain: Lag = Lag()
    wet_hours: float = 0.0
    dry_hours: float = 0.0
    mould: float = 0.0
    mould_dry_hours: float = 0.0
    rules: dict[str, RuleState] = msgspec.field(default_factory=dict)

    def copy(self) -> LotState:
        """One that can go its own way."""
        return msgspec.structs.replace(self, rules=dict(self.rules))

    def open_rules(self) -> dict[str, int]:
        """rule -> since when it fires."""
        return {n: s.opened for n, s in self.rules.items() if s.opened is not None}


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule begins or ceases to fire at ``at`` (ms); ``numbers`` made it so."""

    rule: str
    opens: bool
    at: int
    numbers: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A state after samples, what happened on the way, and the last sample's numbers."""

    state: LotState
    transitions: list[Transition]
    numbers: dict[str, float]


def fold(state: LotState, samples: Samples, facts: LotFacts, rules: Sequence[Rule]) -> Folded:
    """Take ``samples``, in order of time and all newer than the state's newest, into ``state``.

    Samples of one time belong together: the rules are judged when all of them are in, so that a
    rule begins at most once at any time. ``state`` itself stays as it is.
    """
    state = state.copy()
    if not len(samples):
        return Folded(state, [], {})
    steps = _steps(state, samples)
    columns = _columns(state, samples, facts, steps)
    transitions: list[Transition] = []
    for rule in rules:
        if isinstance(rule.test, Level):
            before = state.rules.get(rule.name, IDLE)
            after, found = _walk(rule.name, rule.test, before, columns, samples, steps)
            state.rules[rule.name] = after
            transitions += found
    transitions.sort(key=lambda transition: (transition.at, transition.rule))
    return Folded(state, transitions, _numbers(columns, len(samples) - 1))


def _steps(state: LotState, samples: Samples) -> list[float | None]:
    """Hours since the sample before; None across a gap and for the first."""
    before = samples.time[0] if state.newest is None else state.newest
    hours = np.diff(samples.time, prepend=before) / HOUR_MS
    steps: list[float | None] = [h if h <= MAX_GAP_H else None for h in hours.tolist()]
    if state.newest is None:
        steps[0] = None
    return steps


def _columns(
    state: LotState, samples: Samples, facts: LotFacts, steps: list[float | None]
) -> dict[str, Floats]:
    """All signals at each sample, (n,) each; moves ``state`` on to the last."""
    is_lead = facts.commodity == Commodity.LEAD
    rows = _measured(state, samples, facts, steps)
    columns = dict(zip(("temperature", "humidity", "core", "surface"), rows.T, strict=True))
    temperature, humidity = columns["temperature"], columns["humidity"]
    columns["dew_point"] = air.dew_point(temperature, humidity)
    columns["absolute_humidity"] = air.absolute_humidity(temperature, humidity)
    columns["margin"] = columns["surface"] - columns["dew_point"]
    columns["wet_hours"] = _wet_hours(state, temperature, humidity, steps)
    unknown = np.full(len(samples), NAN)
    columns["hours_until_dry"] = columns["regain"] = columns["mould_index"] = unknown
    if is_lead:
        columns["hours_until_dry"] = lead.hours_until_dry_margin(
            columns["surface"], temperature, columns["dew_point"], facts.lag_h, DRY_MARGIN_K
        )
    else:
        columns["surface"] = columns["margin"] = unknown
        columns["regain"] = _regain(state, temperature, humidity, steps)
        columns["mould_index"] = _mould(state, temperature, humidity, steps, facts.form)
    terms = {f"limit_{name}": value for name, value in facts.limits._asdict().items()}
    terms["contract_regain"] = facts.contract_regain
    return columns | {name: np.full(len(samples), value) for name, value in terms.items()}


def _measured(
    state: LotState, samples: Samples, facts: LotFacts, steps: list[float | None]
) -> Floats:
    """(n, 4): air temperature, humidity, core and surface as known at each sample."""
    rows = np.empty((len(samples), 4))
    columns = (samples.time, samples.placement, samples.temperature, samples.humidity)
    series = zip(*(column.tolist() for column in columns), samples.probe.tolist(), strict=True)
    for i, (time, placement, temperature, humidity, probe) in enumerate(series):
        before = state.temperature.known(time)
        if placement == CODES[Placement.AIR]:
            state.temperature = state.temperature.taking(temperature, time)
            state.humidity = state.humidity.taking(humidity, time)
            state.on_surface = state.on_surface.taking(probe, time)
        else:
            found = temperature if math.isnan(probe) else probe
            if placement == CODES[Placement.CORE]:
                state.core = state.core.taking(found, time)
            else:
                state.on_surface = state.on_surface.taking(found, time)
        state.newest = time
        _follow_surface(state, time, facts, steps[i], before)
        rows[i] = (
            state.temperature.known(time),
            state.humidity.known(time),
            state.core.known(time),
            state.surface.known(facts.lag_h),
        )
    return rows


def _follow_surface(
    state: LotState, time: int, facts: LotFacts, step: float | None, before: float
) -> None:
    """The goods' surface: measured where a tag is on it, else lagging behind the air."""
    measured, now = state.on_surface.known(time), state.temperature.known(time)
    if not math.isnan(measured):
        state.surface = Lag(measured, SETTLED_LAGS * facts.lag_h)
    elif not math.isnan(now):
        # Over the step the air went from one reading to the next: its mean is the target.
        mean = now if math.isnan(before) else (before + now) / 2
        state.surface = state.surface.following(mean, step, facts.lag_h)
    else:
        state.surface = Lag()


def _wet_hours(
    state: LotState, temperature: Floats, humidity: Floats, steps: list[float | None]
) -> Floats:
    """Hours of wetness in the present spell; unknown hours count as neither wet nor dry."""
    wet = (temperature > 0.0) & (humidity > WET_HUMIDITY)
    known = ~(np.isnan(temperature) | np.isnan(humidity))
    found = np.empty(len(wet))
    for i, (is_wet, is_known, step) in enumerate(
        zip(wet.tolist(), known.tolist(), steps, strict=True)
    ):
        if is_wet:  # across a gap too: the dry hours before it are not the end of this spell
            state.wet_hours, state.dry_hours = state.wet_hours + (step or 0.0), 0.0
        elif is_known and step is not None:
            state.dry_hours += step
            if state.dry_hours >= DRYING_H:
                state.wet_hours = 0.0
        found[i] = state.wet_hours if is_known else NAN
    return found


def _regain(
    state: LotState, temperature: Floats, humidity: Floats, steps: list[float | None]
) -> Floats:
    targets = wool.regain(humidity, temperature).tolist()
    found = np.empty(len(targets))
    for i, (target, step) in enumerate(zip(targets, steps, strict=True)):
        state.regain = state.regain.following(target, step, REGAIN_LAG_H)
        # A day, not three: the outer layer's start is near the air it was packed in.
        found[i] = state.regain.value if state.regain.hours >= REGAIN_LAG_H else NAN
    return found


def _mould(
    state: LotState,
    temperature: Floats,
    humidity: Floats,
    steps: list[float | None],
    form: str,
) -> Floats:
    """The index after each sample: it stands still, and is unknown, where the climate is."""
    hours = np.asarray([NAN if step is None else step for step in steps])
    unknown = np.isnan(temperature + humidity)
    known = np.flatnonzero(~unknown & ~np.isnan(hours))
    index, dry_hours = wool.mould_course(
        state.mould,
        state.mould_dry_hours,
        temperature[known],
        humidity[known],
        hours[known],
        wool.MOULD_CLASS_OF_FORM[form],
    )
    course = np.concatenate(([state.mould], index))
    if len(known):
        state.mould, state.mould_dry_hours = float(index[-1]), float(dry_hours[-1])
    course = course[np.searchsorted(known, np.arange(len(steps)), side="right")]
    return np.where(unknown, NAN, course)


def _walk(
    name: str,
    test: Level,
    before: RuleState,
    columns: dict[str, Floats],
    samples: Samples,
    steps: list[float | None],
) -> tuple[RuleState, list[Transition]]:
    """Run one rule's little machine over the samples: idle, pending, open."""
    holds, _ = test.opens(columns)
    if before == IDLE and not holds.any():
        return IDLE, []
    clears, _ = test.clears(columns)
    pending, opened = before.pending, before.opened
    found, gap = [], False
    times = samples.time.tolist()
    for i, (time, following) in enumerate(zip(times, [*times[1:], None], strict=True)):
        gap = gap or steps[i] is None
        if time == following:
            continue
        if opened is not None:
            if clears[i]:
                opened = None
                found.append(Transition(name, False, time, _numbers(columns, i)))
        elif not holds[i]:
            pending = None
        else:
            if pending is None or gap:
                pending = time
            if time - pending >= test.delay_ms:
                opened, pending = time, None
                found.append(Transition(name, True, time, _numbers(columns, i)))
        gap = False
    return RuleState(pending, opened), found


def _numbers(columns: dict[str, Floats], i: int) -> dict[str, float]:
    """The known signals at sample ``i``, rounded to what the sensors can say."""
    found = {name: float(columns[name][i]) for name in SIGNALS}
    return {name: round(value, 2) for name, value in found.items() if math.isfinite(value)}
