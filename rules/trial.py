"""A pack's own timelines: readings in, alerts out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np

from lots.circumstances import ALWAYS, Circumstance
from lots.climate import CODES, Samples
from lots.clock import HOUR_MS
from lots.readings.batch import Floats
from lots.terms import FORMS, Commodity, Form, Phase, PlaceKind, Placement, SiteRegion
from rules import keys
from rules.fold import fold
from rules.kernels import Records
from rules.keys import Misfit, meant, under
from rules.pack import PackError
from rules.rule import Level, Rules, Written
from rules.scope import Scope
from rules.state import FACTS, Book, LotFacts, facts_row
from rules.surroundings import Surroundings

START: Final = 1_735_689_600_000
"""2025-01-01T00:00:00Z: 0 h of every timeline."""

MOST_HOURS: Final = 10_000.0
MOST_SAMPLES: Final = 200_000

Alert = tuple[float, float | None]
"""Hours: when it opens, and clears; None: not until the end."""


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
    alerts: dict[str, list[Alert]] = {}
    for event in events:
        hour, own = (event.at - START) / HOUR_MS, alerts.setdefault(event.rule, [])
        if event.opens:
            own.append((hour, None))
        else:
            own[-1] = (own[-1][0], hour)
    wrong = (
        rule
        for rule in {**trial.expects, **alerts}
        if not _alike(trial.expects.get(rule, ()), alerts.get(rule, ()), trial.every_h)
    )
    return Outcome(trial, alerts, tuple(sorted(wrong)))


def _alike(expected: Sequence[Alert], found: Sequence[Alert], most_h: float) -> bool:
    """To within ``most_h``, and a little for what a decimal fraction of an hour leaves."""
    if len(expected) != len(found):
        return False
    pairs = zip(chain(*expected), chain(*found), strict=True)
    return all(
        one is other if one is None or other is None else abs(one - other) <= most_h + 1e-6
        for one, other in pairs
    )


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
    names = {rule.name for rule in rules.rules if isinstance(rule.test, Level)}
    found = []
    for written in rules.tests:
        try:
            with under(said=written.name):
                found.append(_trial(written, names))
        except ValueError as error:
            raise PackError(
                f"{written.file}, {written.lines.locate(error, 'tests', written.name)}"
            ) from error
    return found


def _trial(written: Written, names: Collection[str]) -> Trial:
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
        expects = _expected(body.get("expect", {}), names)
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


def _expected(given: object, names: Collection[str]) -> dict[str, list[Alert]]:
    if not isinstance(given, dict):
        raise Misfit("is a table: rule -> a list of [opens, clears], in hours")
    for rule in sorted(given.keys() - set(names), key=str):
        there = f"there is no rule {str(rule)!r} that readings decide{meant(rule, names)}"
        raise Misfit(there, str(rule))
    return {rule: list(_alerts(rule, alerts)) for rule, alerts in given.items()}


def _alerts(rule: str, given: object) -> Iterator[Alert]:
    if not isinstance(given, list):
        raise Misfit(f"{rule} is a list of [opens, clears], in hours", rule)
    for number, alert in enumerate(given):
        if not keys.are_numbers(alert, 1, 2):
            why = f"{rule}: {alert!r} is not [opens, clears] or [opens], hours"
            raise Misfit(why, rule, number)
        yield float(alert[0]), float(alert[1]) if len(alert) == 2 else None
