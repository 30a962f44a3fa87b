"""What an alert says, to people and to programs: by its rule, what holds the lot, and what was
foreseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lots.fields import written
from lots.model import Alert, Forecast
from rules import forecasts, foreseen
from rules.census import Restrained
from rules.knowledge import Words, tag_fields, words
from rules.rule import Rule, Step


def said(
    rule: Rule,
    step: Step,
    row: Alert,
    forecast: Forecast | None,
    restrained: Restrained,
    tags: Mapping[int, str],
    now: int,
) -> Words:
    """Of an alert that stands at ``step``, at ``now`` (ms): of one that was foreseen, what was.
    ``tags``: number -> name."""
    if forecast is None or rule.foreseen is None or step is not rule.steps[0]:
        return words(step, row.lot, row.numbers, *restrained, tag_fields(row.numbers, tags))
    step = replace(step, title=rule.foreseen.title, action=rule.foreseen.action)
    more = foreseen.fields(forecasts.said(forecast), forecast.timezone, now)
    return words(step, row.lot, row.numbers, *restrained, more)


def title(row: Alert, forecast: Forecast | None, event: str) -> str:
    """What is happening, or at the end what somebody kept from happening."""
    ends = event in ("cleared", "withdrawn")
    return (ends and forecast and forecast.prevented) or row.title


def payload(row: Alert, event: str, at: int, forecast: Forecast | None) -> dict[str, Any]:
    return {
        "type": f"alert.{event}",
        "timestamp": written(at),
        "data": {
            "id": row.id,
            "lot": row.lot,
            "rule": row.rule,
            "severity": row.severity,
            "opened": written(row.opened),
            "cleared": None if row.cleared is None else written(row.cleared),
            "title": title(row, forecast, event),
            "action": row.action,
            "numbers": row.numbers,
            "revised": row.revised,
            "forecast": forecast and forecasts.shown(forecast),
        },
    }
