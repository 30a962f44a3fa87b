"""A pack's own timelines: readings in, alerts out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from lots.circumstances import ALWAYS, Circumstance
from lots.climate import CODES, LotKey, Samples
from lots.clock import HOUR_MS
from lots.readings.batch import Floats
from lots.terms import FORMS, Commodity, Form, Phase, PlaceKind, Placement, SiteRegion
from rules import keys
from rules.alerts import episodes
from rules.fold import fold
from rules.kernels import Records
from rules.keys import Misfit, is_number, meant, under
from rules.pack import PackError
from rules.rule import Rule, Rules, Severity, Written
from rules.scope import Scope
from rules.state import FACTS, Book, Change, LotFacts, facts_row
from rules.surroundings import Surroundings

START: Final = 1_735_689_600_000
"""2025-01-01T00:00:00Z: 0 h of every timeline."""

MOST_HOURS: Final = 10_000.0
MOST_SAMPLES: Final = 200_000


class Alert(NamedTuple):
    """``stages``: (hour, severity) each, the first where it opens; ``clears``: hour, None: not
    until the end."""

    stages: tuple[tuple[float, str], ...]
    clears: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What the tags of one lot say, and the alerts that come of it.

    ``tags``: placement -> (hour, °C, %RH) each; between two of them the tag measures each
    ``every_h`` hours what lies straight between. ``expects``: rule -> its alerts by time; of a rule
    that is not named there is none.
    """

    name: str
    facts: LotFacts
    every_h: float
    tags: Mapping[str, Sequence[tuple[float, float, float]]]
    expects: Mapping[str, Sequence[Alert]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``alerts`` that came, by rule; ``wrong``: the rules with other ones than were expected."""

    trial: Trial
    alerts: dict[str, list[Alert]] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()


def run(trial: Trial, rules: Rules) -> Outcome:
    """Play it. A time is as expected where it is no further off than the tag's interval."""
    book, where = Book(rules), Surroundings()
    facts: Records = np.zeros(1, FACTS)
    facts[0] = facts_row(trial.facts, book, where.put(book.spans(trial.facts)))
    samples = _samples(trial)
    starts = np.asarray([0, len(samples)])
    events = fold(book.fresh(1), facts, where.spans, samples, starts, book).get(0, [])
    steps = {rule.name: rule.steps for rule in _rules(rules, trial.facts)}
    alerts: dict[str, list[Alert]] = {}
    for one in episodes(Change(LotKey("", ""), START, {}, events)):
        stages = ((_hour(s.at), str(steps[one.rule][s.step - 1].severity)) for s in one.stages)
        clears = None if one.cleared is None else _hour(one.cleared)
        alerts.setdefault(one.rule, []).append(Alert(tuple(stages), clears))
    wrong = (
        rule
        for rule in {**trial.expects, **alerts}
        if not _alike(trial.expects.get(rule, ()), alerts.get(rule, ()), trial.every_h)
    )
    return Outcome(trial, alerts, tuple(sorted(wrong)))


def _hour(at: int) -> float:
    return (at - START) / HOUR_MS


def _rules(rules: Rules, lot: LotFacts) -> list[Rule]:
    """Those for the lot that readings decide."""
    return [rule for rule in rules.of(lot.commodity, lot.form) if rule.levels]


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


def _samples(trial: Trial) -> Samples:
    parts = [_said(points, trial.every_h) for points in trial.tags.values()]
    columns = np.concatenate(parts, axis=1)
    placement = np.repeat([CODES[name] for name in trial.tags], [part.shape[1] for part in parts])
    tag = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    return Samples(
        time=START + np.round(columns[0] * HOUR_MS).astype(np.int64),
        identity=(tag + 1) << 20,
        placement=placement.astype(np.int64),
        temperature=columns[1],
        humidity=columns[2],
        probe=np.full(columns.shape[1], np.nan),
    ).ordered()


def _said(points: Sequence[tuple[float, float, float]], every_h: float) -> Floats:
    """(3, n): the hours at which a tag measures, and what."""
    hours, temperature, humidity = np.asarray(points, np.float64).T
    count = int((hours[-1] - hours[0]) / every_h + 1e-6) + 1
    at = hours[0] + every_h * np.arange(count)
    return np.asarray([at, np.interp(at, hours, temperature), np.interp(at, hours, humidity)])


# How a pack writes them.

_KEYS: Final = ("lot", "every", *Placement, "circumstances", "expect")
_LOT: Final = (
    "commodity", "form", "time_constant_h", "contract_regain", "regain_pct", "customer", "tenant",
    "lot",
)  # fmt: skip
_AMID: Final = ("from", "phase", "journey", "place", "region")


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
    tags = {place.value: _points(place, body[place]) for place in Placement if place in body}
    if not tags:
        raise Misfit("no tag says anything: add 'air', a list of [hour, °C, %RH]")
    every_h = keys.span_ms("every", body.get("every", "30 min")) / HOUR_MS
    if every_h <= 0 or sum((p[-1][0] - p[0][0]) / every_h for p in tags.values()) > MOST_SAMPLES:
        raise Misfit(f"every: too short; there are at most {MOST_SAMPLES:,} readings", "every")
    with under("circumstances"):
        amid = _circumstances(body.get("circumstances", []))
    with under("lot"):
        facts = _facts(body.get("lot", {}), written.scope, amid)
    with under("expect"):
        firsts = {rule.name: str(rule.steps[0].severity) for rule in _rules(rules, facts)}
        expects = _expected(body.get("expect", {}), firsts)
    return Trial(written.name, facts, every_h, tags, expects)


def _points(place: str, given: object) -> list[tuple[float, float, float]]:
    if not isinstance(given, list) or not given:
        raise Misfit(f"{place}: is a list of [hour, °C, %RH]", place)
    found: list[tuple[float, float, float]] = []
    for number, point in enumerate(given):
        if not keys.are_numbers(point, 2, 3):
            why = f"{place}: {point!r} is not [hour, °C, %RH] or [hour, °C]"
            raise Misfit(why, place, number)
        hour, temperature, humidity = (*map(float, point), float("nan"))[:3]
        if found and hour <= found[-1][0]:
            why = f"{place}: {point!r} is not later than what stands before it"
            raise Misfit(why, place, number)
        if not 0 <= hour <= MOST_HOURS:
            why = f"{place}: {point!r} is outside of 0 to {MOST_HOURS:g} h"
            raise Misfit(why, place, number)
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
        tenant=str(lot.get("tenant", "test")),
        lot=str(lot.get("lot", "test")),
        commodity=commodity,
        form=form,
        time_constant_h=lot.get("time_constant_h"),
        contract_regain=lot.get("contract_regain", float("nan")),
        cored=START if "regain_pct" in lot else None,
        cored_regain=lot.get("regain_pct", float("nan")),
        customer=str(lot.get("customer", "")),
        circumstances=circumstances,
    )


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
        begins = START + round(keys.number("from", given["from"]) * HOUR_MS)
    return Circumstance(
        begins,
        Phase(keys.member("phase", given.get("phase", before.phase), Phase)),
        int(keys.number("journey", given.get("journey", before.journey))),
        keys.member("place", given.get("place", before.place), ("", *PlaceKind)),
        keys.member("region", given.get("region", before.region), ("", *SiteRegion)),
    )


def _expected(given: object, firsts: Mapping[str, str]) -> dict[str, list[Alert]]:
    """``firsts``: rule -> the severity that it opens with, if nothing else is said."""
    if not isinstance(given, dict):
        raise Misfit("is a table: rule -> a list of [opens, clears], in hours")
    for rule in sorted(given.keys() - firsts.keys(), key=str):
        there = f"there is no rule {str(rule)!r} for this lot that readings decide"
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
