"""A pack's own timelines: readings in, alerts out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from lots import normals
from lots.circumstances import ALWAYS, Circumstance, Course
from lots.climate import CODES, Bound, LotKey, Samples
from lots.clock import HOUR_MS
from lots.readings.batch import Floats
from lots.terms import FORMS, Commodity, Form, Phase, PlaceKind, Placement, SiteRegion
from lots.whereabouts import FOREVER, without
from rules import keys
from rules.alerts import episodes
from rules.engine import Engine
from rules.keys import Misfit, is_number, meant, under
from rules.pack import PackError
from rules.rule import Rules, Severity, Written
from rules.scope import Scope
from rules.state import Change, Limits, LotFacts, Transition

START: Final = 1_735_689_600_000
"""2025-01-01T00:00:00Z: 0 h of every timeline."""

MOST_HOURS: Final = 10_000.0
MOST_SAMPLES: Final = 200_000
TICK_MS: Final = HOUR_MS
"""How often silence is judged while nothing is heard."""


Points = Sequence[tuple[float, float, float]]
"""(hour, °C, %RH) each, by time."""


class Alert(NamedTuple):
    """``stages``: (hour, severity) each, the first where it opens; ``clears``: hour, None: not
    until the end."""

    stages: tuple[tuple[float, str], ...]
    clears: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What the tags of one lot say, and the alerts that come of it.

    ``tags``: placement and (hour, °C, %RH) each; between two of them the tag measures each
    ``every_h`` hours what lies straight between. ``expects``: rule -> its alerts by time; of a rule
    that is not named there is none. ``unheard``: (from, to) hours in which no tag is heard.
    """

    name: str
    facts: LotFacts
    every_h: float
    tags: Sequence[tuple[str, Points]]
    expects: Mapping[str, Sequence[Alert]]
    unheard: Sequence[tuple[float, float]] = ()

    @property
    def ends(self) -> int:
        """ms, of the last that a tag says, heard or not."""
        return _at(max(points[-1][0] for _, points in self.tags))


@dataclass(frozen=True, slots=True)
class Outcome:
    """``alerts`` that came, by rule; ``wrong``: the rules with other ones than were expected."""

    trial: Trial
    alerts: dict[str, list[Alert]] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()


def run(trial: Trial, rules: Rules) -> Outcome:
    """Play it. A time is as expected where it is no further off than the tag's interval."""
    steps = {rule.name: rule.steps for rule in rules.of(trial.facts.commodity, trial.facts.form)}
    alerts: dict[str, list[Alert]] = {}
    for one in episodes(Change(_LOT_KEY, START, {}, _events(trial, rules))):
        stages = ((_hour(s.at), str(steps[one.rule][s.step - 1].severity)) for s in one.stages)
        clears = None if one.cleared is None else _hour(one.cleared)
        alerts.setdefault(one.rule, []).append(Alert(tuple(stages), clears))
    wrong = (
        rule
        for rule in {**trial.expects, **alerts}
        if not _alike(trial.expects.get(rule, ()), alerts.get(rule, ()), trial.every_h)
    )
    return Outcome(trial, alerts, tuple(sorted(wrong)))


def _events(trial: Trial, rules: Rules) -> list[Transition]:
    """What happens to the lot, in order of time: by its readings and, between them, by ticks."""
    engine, samples = Engine(rules), _samples(trial)
    engine.know({_LOT_KEY: trial.facts})
    times = np.unique(samples.time)
    quiet = np.flatnonzero(np.diff(times, append=trial.ends) > TICK_MS)
    ends = [*np.searchsorted(samples.time, times[quiet], side="right").tolist(), len(samples)]
    begun, changes = 0, []
    for end, last in zip(ends, [*times[quiet].tolist(), trial.ends], strict=True):
        if end > begun:
            part = samples.take(slice(begin := begun, begun := end))
            changes += engine.evaluate(Bound((_LOT_KEY,), np.asarray([0, end - begin]), part))
        until = int(samples.time[end]) if end < len(samples) else trial.ends
        for now in range(last, until, TICK_MS):
            changes += engine.tick(now)
    events = chain.from_iterable(change.transitions for change in changes)
    return sorted(events, key=lambda event: (event.at, event.rule))


def _at(hour: float) -> int:
    return START + round(hour * HOUR_MS)


def _hour(at: int) -> float:
    return (at - START) / HOUR_MS


def _alike(expected: Sequence[Alert], found: Sequence[Alert], most_h: float) -> bool:
    """To within ``most_h``, and a little for what a decimal fraction of an hour leaves."""
    if [_shape(alert) for alert in expected] != [_shape(alert) for alert in found]:
        return False
    pairs = zip(chain(*map(_hours, expected)), chain(*map(_hours, found)), strict=True)
    return all(abs(one - other) <= most_h + 1e-6 for one, other in pairs)


def _shape(alert: Alert) -> tuple[list[str], bool]:
    return [severity for _, severity in alert.stages], alert.clears is None


def _hours(alert: Alert) -> Iterator[float]:
    yield from (hour for hour, _ in alert.stages)
    if alert.clears is not None:
        yield alert.clears


_LOT_KEY: Final = LotKey("test", "test")


def _samples(trial: Trial) -> Samples:
    parts = [_said(points, trial.every_h) for _, points in trial.tags]
    columns = np.concatenate(parts, axis=1)
    placement = np.repeat(
        [CODES[name] for name, _ in trial.tags], [part.shape[1] for part in parts]
    )
    tag = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    found = Samples(
        time=START + np.round(columns[0] * HOUR_MS).astype(np.int64),
        identity=(tag + 1) << 20,
        placement=placement.astype(np.int64),
        temperature=columns[1],
        humidity=columns[2],
        probe=np.full(columns.shape[1], np.nan),
    )
    hours = columns[0]
    lost = [(begins <= hours) & (hours < ends) for begins, ends in trial.unheard]
    return found.take(~np.any([np.zeros(len(hours), np.bool_), *lost], axis=0)).ordered()


def _said(points: Points, every_h: float) -> Floats:
    """(3, n): the hours at which a tag measures, and what."""
    hours, temperature, humidity = np.asarray(points, np.float64).T
    count = int((hours[-1] - hours[0]) / every_h + 1e-6) + 1
    at = hours[0] + every_h * np.arange(count)
    return np.asarray([at, np.interp(at, hours, temperature), np.interp(at, hours, humidity)])


# How a pack writes them.

_KEYS: Final = (
    "lot",
    "every",
    *Placement,
    "beside",
    "unheard",
    "offline",
    "circumstances",
    "expect",
)
_LOT: Final = (
    "commodity", "form", "time_constant_h", "contract_regain", "regain_pct", "customer", "tenant",
    "lot", "limits",
)  # fmt: skip
_AMID: Final = ("from", "phase", "journey", "place", "region", "course")
_COURSE: Final = ("departs", "arrives", "origin", "destination")
_CLIMATE: Final = ("temperature", "dew_point", "spread")
_SPREAD_K: Final = 2.0


def trials(rules: Rules) -> list[Trial]:
    """The timelines that packs carry; raises `PackError`."""
    found = []
    for written in rules.tests:
        try:
            with under(said=written.name):
                found.append(_trial(written, rules))
        except ValueError as error:
            raise PackError(
                f"{written.file}, {written.lines.locate(error, 'tests', written.name)}"
            ) from error
    return found


def _trial(written: Written, rules: Rules) -> Trial:
    body = keys.table(written.body, _KEYS)
    tags = list(_said_by_tags(body))
    if not tags:
        raise Misfit("no tag says anything: add 'air', a list of [hour, °C, %RH]")
    every_h = keys.span_ms("every", body.get("every", "30 min")) / HOUR_MS
    if every_h <= 0 or sum((p[-1][0] - p[0][0]) / every_h for _, p in tags) > MOST_SAMPLES:
        raise Misfit(f"every: too short; there are at most {MOST_SAMPLES:,} readings", "every")
    with under("circumstances"):
        amid = _circumstances(body.get("circumstances", []))
    with under("lot"):
        facts = _facts(body.get("lot", {}), written.scope, amid)
    offline = [(_at(a), _at(b)) for a, b in _spans(body, "offline")]
    watched = tuple(without(START, FOREVER, offline))
    facts = replace(facts, watched=watched, interval_ms=round(every_h * HOUR_MS))
    with under("expect"):
        of_lot = rules.of(facts.commodity, facts.form)
        firsts = {rule.name: str(rule.steps[0].severity) for rule in of_lot}
        expects = _expected(body.get("expect", {}), firsts)
    return Trial(written.name, facts, every_h, tags, expects, _spans(body, "unheard"))


def _spans(body: Mapping[str, Any], key: str) -> list[tuple[float, float]]:
    """(from, to), hours."""
    given = body.get(key, [])
    if not isinstance(given, list):
        raise Misfit(f"{key}: is a list of [from, to], in hours", key)
    for number, span in enumerate(given):
        if not keys.are_numbers(span, 2) or not 0 <= span[0] < span[1] <= MOST_HOURS:
            why = f"{key}: {span!r} is not [from, to], hours from 0 to {MOST_HOURS:g}"
            raise Misfit(why, key, number)
    return [(float(begins), float(ends)) for begins, ends in given]


def _said_by_tags(body: Mapping[str, Any]) -> Iterator[tuple[str, Points]]:
    """By placement what each tag says."""
    for place in Placement:
        if place in body:
            with under(place.value):
                yield place.value, _points(body[place])
    beside = body.get("beside", [])
    if not isinstance(beside, list):
        raise Misfit("beside: is a list of tags, each a list of [hour, °C, %RH]", "beside")
    for number, points in enumerate(beside):
        with under("beside", number):
            yield Placement.AIR.value, _points(points)


def _points(given: object) -> Points:
    if not isinstance(given, list) or not given:
        raise Misfit("is a list of [hour, °C, %RH]")
    found: list[tuple[float, float, float]] = []
    for number, point in enumerate(given):
        if not keys.are_numbers(point, 2, 3):
            raise Misfit(f"{point!r} is not [hour, °C, %RH] or [hour, °C]", number)
        hour, temperature, humidity = (*map(float, point), float("nan"))[:3]
        if found and hour <= found[-1][0]:
            raise Misfit(f"{point!r} is not later than what stands before it", number)
        if not 0 <= hour <= MOST_HOURS:
            raise Misfit(f"{point!r} is outside of 0 to {MOST_HOURS:g} h", number)
        found.append((hour, temperature, humidity))
    return found


def _facts(
    given: object,
    scope: Scope,
    circumstances: tuple[Circumstance, ...],
) -> LotFacts:
    lot = keys.table(given, _LOT)
    pairs = [
        (commodity, form)
        for commodity in Commodity
        for form in FORMS[commodity]
        if scope.has(commodity, form)
    ]
    wanted = {key: lot[key] for key in ("commodity", "form") if key in lot}
    fitting = [pair for pair in pairs if wanted.items() <= _named(pair).items()]
    if not fitting:
        raise Misfit(f"this pack is for no lot that is {wanted or 'of any kind'}")
    for key in ("time_constant_h", "contract_regain", "regain_pct"):
        if key in lot and keys.number(key, lot[key]) <= 0:
            raise Misfit(f"{key} is {lot[key]!r}; it is a number above 0", key)
    commodity, form = fitting[0]
    return LotFacts(
        tenant=keys.name("tenant", lot.get("tenant", "test")),
        lot=keys.name("lot", lot.get("lot", "test")),
        commodity=commodity,
        form=form,
        time_constant_h=lot.get("time_constant_h"),
        contract_regain=lot.get("contract_regain", float("nan")),
        cored=START if "regain_pct" in lot else None,
        cored_regain=lot.get("regain_pct", float("nan")),
        limits=_limits(lot.get("limits", {})),
        customer=keys.name("customer", lot["customer"]) if "customer" in lot else "",
        circumstances=circumstances,
    )


def _limits(given: object) -> Limits:
    with under("limits"):
        table = keys.table(given, Limits._fields)
        return Limits(**{name: keys.number(name, value) for name, value in table.items()})


def _named(pair: tuple[Commodity, Form]) -> dict[str, str]:
    return {"commodity": pair[0], "form": pair[1]}


def _circumstances(given: object) -> tuple[Circumstance, ...]:
    if not isinstance(given, list):
        raise Misfit(f"is a list of tables with {', '.join(_AMID)}")
    found = [Circumstance(ALWAYS, Phase.IN_STOCK, 0, "", "")]
    for number, each in enumerate(given):
        with under(number):
            new = _circumstance(keys.table(each, _AMID), found[-1])
        found = [*found, new] if new.begins > found[-1].begins else [new]
    return tuple(found)


def _circumstance(given: Mapping[str, Any], before: Circumstance) -> Circumstance:
    begins = ALWAYS
    if "from" in given:
        begins = _at(keys.number("from", given["from"]))
    return Circumstance(
        begins,
        Phase(keys.member("phase", given.get("phase", before.phase), Phase)),
        int(keys.number("journey", given.get("journey", before.journey))),
        keys.member("place", given.get("place", before.place), ("", *PlaceKind)),
        keys.member("region", given.get("region", before.region), ("", *SiteRegion)),
        _course(given["course"]) if "course" in given else before.course,
    )


def _course(given: object) -> Course | None:
    """The climate that the lot is brought into; null: it stays where it is."""
    if given is None:
        return None
    with under("course"):
        course = keys.table(given, _COURSE, _COURSE)
        departs, arrives = (keys.number(name, course[name]) for name in _COURSE[:2])
        if departs >= arrives:
            raise Misfit(f"arrives at {arrives:g} h, which is not after it departs", "arrives")
        climates = (_climate(name, course[name]) for name in _COURSE[2:])
        return Course(_at(departs), _at(arrives), *climates)


def _climate(name: str, given: object) -> normals.Normals:
    with under(name):
        climate = keys.table(given, _CLIMATE, _CLIMATE[:2])
        temperature, dew_point = (keys.number(key, climate[key]) for key in _CLIMATE[:2])
        spread = keys.number("spread", climate.get("spread", _SPREAD_K), 0.1, 50)
        return normals.steady(temperature, dew_point, spread)


def _expected(given: object, firsts: Mapping[str, str]) -> dict[str, list[Alert]]:
    """``firsts``: rule -> the severity that it opens with, if nothing else is said."""
    if not isinstance(given, dict):
        raise Misfit("is a table: rule -> a list of [opens, clears], in hours")
    for rule in sorted(given.keys() - firsts.keys(), key=str):
        there = f"there is no rule {str(rule)!r} for this lot"
        raise Misfit(there + meant(rule, firsts), str(rule))
    return {rule: list(_alerts(rule, alerts, firsts[rule])) for rule, alerts in given.items()}


def _alerts(rule: str, given: object, first: str) -> Iterator[Alert]:
    if not isinstance(given, list):
        raise Misfit(f"{rule} is a list of [opens, clears], in hours", rule)
    for number, alert in enumerate(given):
        stages: list[Any] = list(alert) if isinstance(alert, list) and alert else [None]
        clears = stages.pop() if len(stages) > 1 and is_number(stages[-1]) else None
        if is_number(stages[0]):
            stages[0] = [stages[0], first]
        if not all(map(_is_stage, stages)):
            why = "is not [opens, clears] or [opens], hours, with [hour, severity] between the two"
            raise Misfit(f"{rule}: {alert!r} {why}", rule, number)
        yield Alert(
            tuple((float(hour), str(how)) for hour, how in stages),
            None if clears is None else float(clears),
        )


def _is_stage(given: object) -> bool:
    is_pair = isinstance(given, list) and len(given) == 2
    return is_pair and is_number(given[0]) and given[1] in list(Severity)  # type: ignore[index]
