"""`dunnage forecasts`: what alerts foretold, what came of it, and how good that was."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from cli.administration import database
from cli.terminal import plain, table
from lots import registry
from lots.model import Forecast
from rules import forecasts, hindsight
from rules.hindsight import Score


def show(tenant: str, lot: str | None, each: bool, as_json: bool) -> None:
    """Raises `UserError`."""
    with database() as engine, registry.reading(engine) as session:
        if each:
            _print(forecasts.newest(session, tenant, lot), _one, _ONE, as_json)
            return
        judged = forecasts.judged(session, tenant, lot)
    _print(hindsight.scores(judged), Score._asdict, _SCORE, as_json)


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
            print(json.dumps(told(one), ensure_ascii=False))
        return
    if not items:
        print("nothing was foreseen yet")
        return
    rows = [
        ["-" if (v := told(one)[key]) is None else plain(str(v)) for key in heads] for one in items
    ]
    table(tuple(heads.values()), rows)
