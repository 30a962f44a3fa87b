"""`dunnage rules explain`: why each rule is or is not firing for a lot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from sqlalchemy.orm import Session

from cli.administration import database
from cli.parts import rules_of
from cli.terminal import plain, print_json
from lots import registry
from lots.climate import LotKey, Samples
from lots.clock import DAY_MS
from lots.errors import UserError
from lots.fields import on_one_line, written
from lots.readings.history import open_history
from lots.readings.store import ReadingHistory, StoreMisconfigured, StoreUnavailable
from lots.refusals import Missing
from lots.settings import Settings, load
from rules import census
from rules.engine import Engine
from rules.explaining import Explained, Part, Step, explained, in_words
from rules.state import LotFacts

_HOLDS = {True: "holds", False: "does not hold", None: "unknown"}


def explain(lot: str, tenant: str, only: str | None, as_json: bool) -> None:
    """Raises `UserError`."""
    settings = load()
    rules, key, now = rules_of(settings), LotKey(tenant, lot), settings.clock.now_ms()
    engine = Engine(rules)
    with database() as registered, registry.reading(registered) as session:
        engine.know({key: _facts(session, key)})
        try:
            with closing(open_history(settings.readings, settings.raw_retention_days)) as store:
                engine.refold(key, now, _history(session, store, key, settings, now))
        except (StoreUnavailable, StoreMisconfigured) as error:
            raise UserError(f"the lot's readings cannot be had: {error}") from error
        tags = census.tag_names(session, [key])[key]
    found = explained(rules, engine, key, now, tags)
    if only is not None and only not in {one.rule for one in found}:
        names = ", ".join(one.rule for one in found)
        raise UserError(f"there is no rule {plain(only)!r} for such goods; there are {names}")
    for one in found:
        if only not in (None, one.rule):
            continue
        if as_json:
            print_json(_data(one))
        else:
            print(plain(_text(one), "\n"))


def _facts(session: Session, key: LotKey) -> LotFacts:
    found = dict(census.lot_facts(session, key.tenant, [key.lot])).get(key)
    if found is None:
        raise Missing(f"there is no lot {plain(key.lot)!r} of tenant {plain(key.tenant)}")
    return found


def _history(
    session: Session, store: ReadingHistory, key: LotKey, settings: Settings, now: int
) -> list[Samples]:
    begins = now - settings.raw_retention_days * DAY_MS
    return list(census.history(session, store, key, begins, now))


def _data(one: Explained) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "state": one.state,
        "why": one.why,
        "steps": [
            {
                "severity": step.severity,
                "since": _instant(step.since),
                "waits_until": _instant(step.waits_until),
                "when": [part._asdict() for part in step.opening],
                "clear": [part._asdict() for part in step.clearing],
            }
            for step in one.steps
        ],
        "limits": [limit._asdict() for limit in one.limits],
    }


def _instant(time: int | None) -> str | None:
    return None if time is None else written(time)


def _text(one: Explained) -> str:
    return "\n".join([f"{one.rule}: {one.state}: {one.why}", *_lines(one)])


def _lines(one: Explained) -> Iterator[str]:
    for step in one.steps:
        yield f"  {step.severity}, {_stands(step)}"
        yield f"    when {on_one_line(step.opens.text)}: {_HOLDS[step.holds]}"
        yield from (f"      {_part(part, one)}" for part in step.opening)
        if step.since is not None:
            yield f"    clear {on_one_line(step.clears.text)}"
            yield from (f"      {_part(part, one)}" for part in step.clearing)
    for limit in one.limits:
        by = f", by the overlay for {limit.by}" if limit.by else ""
        yield f"  {limit.name} is {limit.value:g} {limit.unit}{by}"


def _stands(step: Step) -> str:
    if step.since is not None:
        return f"fires since {written(step.since)}"
    if step.waits_until is not None:
        return f"fires at {written(step.waits_until)} if it holds until then"
    return "does not fire"


def _part(part: Part, of: Explained) -> str:
    return f"{part.text}: {_HOLDS[part.holds]} ({in_words(part.numbers, of.units, of.tags)})"
