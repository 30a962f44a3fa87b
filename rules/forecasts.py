"""Forecasts in the registry: kept as they were said, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, delete, select, update
from sqlalchemy.orm import Session

from lots.circumstances import AHEAD_MS
from lots.climate import LotKey
from lots.clock import DAY_MS
from lots.fields import written
from lots.model import Alert, Forecast
from lots.shapes import portions
from lots.ways import stops_ahead, ways_of
from lots.whereabouts import Way
from rules import hindsight
from rules.foreseen import Foreseen, Point
from rules.hindsight import Judged, Outcome
from rules.knowledge import HANDS_ON

KEPT_MS = 2 * 366 * DAY_MS
"""So long forecasts are kept. [D]"""


class Told(NamedTuple):
    """What an alert foretold, and the ``numbers`` that it was foretold by."""

    alert: str
    key: LotKey
    rule: str
    foreseen: Foreseen
    numbers: Mapping[str, float]


def made(session: Session, told: Sequence[Told]) -> dict[str, Forecast]:
    """Each as a row, by alert, to be added to the session once the alerts are there."""
    # With these comes compiled physics, which who only reads forecasts does without.
    from rules import census
    from rules.curve import curve

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


def points(row: Forecast) -> list[Point]:
    """The film that it foretold."""
    return [Point(*each) for each in row.curve]


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


def acts(session: Session, row: Forecast, alert: Alert | None) -> list[str]:
    """What was done since about what it rested on, and by who took care of the ``alert`` (None:
    that is not asked), in words; none: nobody acted."""
    now = ways_of(session, row.tenant, [row.lot])[row.lot]
    was = [Way(*each) for each in row.legs]
    found = hindsight.acts(was, now, row.said, row.timezone)
    if alert is not None and alert.done is not None:
        # In their own words, but those that a hold keeps back.
        did = " acted on it" if HANDS_ON.search(alert.done) else f": {alert.done}"
        found.append(f"{alert.acknowledged_by}{did}")
    return found


def revise(session: Session, since: Mapping[LotKey, int]) -> None:
    """The records of lots are others from then (ms) on: judge anew what was said of them.

    One look for many lots; of few something was ever said.
    """
    for tenant in sorted({key.tenant for key in since}):
        for part in portions(sorted(key.lot for key in since if key.tenant == tenant)):
            own = (Forecast.tenant == tenant, Forecast.lot.in_(part))
            for lot in session.scalars(select(Forecast.lot).where(*own).distinct()).all():
                _revise(session, LotKey(tenant, lot), since[LotKey(tenant, lot)])


def _revise(session: Session, key: LotKey, since: int) -> None:
    session.execute(
        update(Forecast)
        .where(Forecast.tenant == key.tenant, Forecast.lot == key.lot)
        .where(Forecast.said > since - AHEAD_MS)
        .values(judged=None, revised=Forecast.revised + 1)
        .execution_options(synchronize_session=False)
    )


def forget(session: Session, now: int) -> None:
    """Those that are older than is kept."""
    session.execute(delete(Forecast).where(Forecast.said < now - KEPT_MS))


def judged(session: Session, tenant: str, lot: str | None = None) -> list[Judged]:
    """What a score needs of all that are kept, without what they rested on; of this ``lot`` alone,
    or of all."""
    columns = (Forecast.rule, Forecast.site, Forecast.begins, Forecast.probability)
    query = select(*columns, _OUTCOME, Forecast.came).where(*_own(tenant, lot))
    return [
        Judged(rule, site, begins, probability, Outcome(outcome) if outcome else None, came)
        for rule, site, begins, probability, outcome, came in session.execute(query)
    ]


_OUTCOME = case((Forecast.judged.is_not(None), Forecast.outcome))
"""What is to be judged anew has none."""


def newest(session: Session, tenant: str, lot: str | None = None) -> Sequence[Forecast]:
    """All that are kept, the newest first; of this ``lot`` alone, or of all."""
    query = select(Forecast).where(*_own(tenant, lot))
    return session.scalars(query.order_by(Forecast.said.desc(), Forecast.alert)).all()


def _own(tenant: str, lot: str | None) -> list[ColumnElement[bool]]:
    return [Forecast.tenant == tenant, *([] if lot is None else [Forecast.lot == lot])]
