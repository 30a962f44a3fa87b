"""`dunnage forecasts`: what alerts foretold, what came of it, and how good that was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cli import trend
from cli.administration import database, require
from cli.terminal import plain, print_json, table
from lots import registry
from lots.model import Forecast
from rules import forecasts, hindsight, lot_trends
from rules.hindsight import Score
from rules.trends import Score as TrendScore


def show(tenant: str, lot: str | None, each: bool, as_json: bool) -> None:
    """Raises `UserError`."""
    with database() as engine, registry.reading(engine) as session:
        judged = forecasts.judged(session, tenant, lot)
        if not judged:
            require(session, tenant, "lots", lot)
        if each:
            _print(forecasts.newest(session, tenant, lot), _one, _ONE, as_json)
            return
    _print(hindsight.scores(judged), Score._asdict, _SCORE, as_json)


def show_trends(tenant: str, lot: str | None, as_json: bool) -> None:
    """Raises `UserError`."""
    found = lot_trends.scores(trend.read(tenant, None if lot is None else [lot]))
    _print(found, _trend if not as_json else TrendScore._asdict, _TREND, as_json)


def _trend(score: TrendScore) -> dict[str, Any]:
    fifths = (f"{one['likely']:.2f}: {one['came']:.2f} of {one['scored']}" for one in score.fifths)
    return score._asdict() | {"fifths": ", ".join(fifths)}


_ONE = {
    "lot": "lot",
    "rule": "rule",
    "said": "said",
    "site": "for",
    "probability": "likely",
    "begins": "from",
    "ends": "to",
    "outcome": "outcome",
    "came": "came",
}
_SCORE = {
    "rule": "rule",
    "site": "site",
    "scored": "scored",
    "came": "came",
    "likely": "mean likely",
    "brier": "Brier",
    "off_h": "hours off",
    "changed": "changed",
    "unknown": "unknown",
    "waiting": "waiting",
}
_TREND = {
    "rule": "rule",
    "hours": "hours ahead",
    "scored": "scored",
    "came": "came",
    "likely": "mean likely",
    "brier": "Brier",
    "usual": "Brier of the usual",
    "fifths": "likely: came",
}
"""Key -> heading."""


def _one(row: Forecast) -> dict[str, Any]:
    return {"alert": row.alert, "lot": row.lot, "rule": row.rule} | forecasts.shown(row)


def _print(
    items: Sequence[Any],
    told: Callable[[Any], dict[str, Any]],
    heads: dict[str, str],
    as_json: bool,
) -> None:
    if as_json:
        for one in items:
            print_json(told(one))
        return
    if not items:
        print("nothing was foreseen yet")
        return
    rows = [
        ["-" if (v := told(one)[key]) is None else plain(str(v)) for key in heads] for one in items
    ]
    table(tuple(heads.values()), rows)
