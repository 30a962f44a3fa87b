"""Forecasts in the registry: kept as they were said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from lots.climate import LotKey
from lots.fields import written
from lots.model import Forecast
from lots.shapes import portions
from lots.ways import stops_ahead, ways_of
from rules import census
from rules.foreseen import Foreseen, curve


class Told(NamedTuple):
    """What an alert foretold, and the ``numbers`` that it was foretold by."""

    alert: str
    key: LotKey
    rule: str
    foreseen: Foreseen
    numbers: Mapping[str, float]


def made(session: Session, told: Sequence[Told]) -> dict[str, Forecast]:
    """Each as a row, by alert, to be added to the session once the alerts are there."""
    found = {}
    for tenant in {one.key.tenant for one in told}:
        those = [one for one in told if one.key.tenant == tenant]
        lots = {one.key.lot for one in those}
        known = dict(census.lot_facts(session, tenant, lots))
        ways = ways_of(session, tenant, lots)
        stops = stops_ahead(session, tenant, lots, max(one.foreseen.said for one in those))
        for one in those:
            stop, its = stops.get(one.key.lot), one.foreseen
            found[one.alert] = Forecast(
                alert=one.alert,
                tenant=tenant,
                lot=one.key.lot,
                rule=one.rule,
                site=stop.site if stop else None,
                timezone=stop.timezone if stop else "UTC",
                said=its.said,
                begins=its.begins,
                ends=its.ends,
                probability=its.probability,
                legs=[list(way) for way in ways[one.key.lot]],
                curve=[list(point) for point in curve(known[one.key], one.numbers, its.said)],
                revised=0,
            )
    return found


def kept(session: Session, alerts: Iterable[str]) -> dict[str, Forecast]:
    """Those of ``alerts`` that foretold something."""
    found: dict[str, Forecast] = {}
    for part in portions(sorted(alerts)):
        query = select(Forecast).where(Forecast.alert.in_(part))
        found |= {row.alert: row for row in session.scalars(query)}
    return found


def said(row: Forecast) -> Foreseen:
    """As it was said."""
    return Foreseen(row.said, row.begins, row.ends, row.probability)


def shown(row: Forecast) -> dict[str, Any]:
    """A forecast as programs get it."""
    instants = ("said", "begins", "ends")
    return {
        **{name: written(getattr(row, name)) for name in instants},
        "probability": round(row.probability, 3),
        "site": row.site,
        "timezone": row.timezone,
        "curve": row.curve,
        "outcome": None if row.judged is None else row.outcome,
        "came": None if row.came is None else written(row.came),
        "prevented": row.prevented,
    }
