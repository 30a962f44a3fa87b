"""Lots: found by any of the trade's names, with what is known of them now, and of their past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import resources
from api.auth import Asking, Transaction
from api.problems import invalid
from api.query import After, Hour, Limit, Moment
from api.resources import Item, Page
from lots import registry
from lots.climate import MAX_GAP_H
from lots.clock import HOUR_MS
from lots.fields import milliseconds, written
from lots.model import LotNow
from lots.records import LotRecord, Record
from lots.terms import Commodity
from lots.whereabouts import FOREVER, Source
from rules import furnace

BELIEVED_MS = 6 * HOUR_MS
"""A lot that was last heard of longer ago may have become anything: it is not ok. [D]"""

MOST_HOURS = 24
"""Hours of opening that are compared at once."""

UNJUDGED: dict[str, Any] = {
    "status": "unknown",
    "why": "no reading of this lot has been judged yet",
    "at": None,
    "numbers": {},
}
"""Nothing known is unknown: never ok."""


def router() -> APIRouter:
    """All routes of lots but their history."""
    made = APIRouter(prefix="/v1/lots", tags=["lots"])
    made.add_api_route(
        "", listed, summary="List lots by id, or find them by a reference", operation_id="list_lots"
    )
    made.add_api_route("/{id}", got, summary="One lot", operation_id="get_lot")
    resources.add_writing(made, "lots")
    made.add_api_route(
        "/{id}/sources",
        sources,
        summary="Which tags spoke for a lot when: its own, else those where it stood",
        operation_id="list_lot_sources",
    )
    made.add_api_route(
        "/{id}/whatif",
        compared,
        summary="What settles on a lot of lead if it is opened at one hour or another",
        operation_id="compare_openings",
    )
    return made


def got(id: str, request: Request, asking: Asking, session: Transaction) -> Item:  # noqa: A002
    found = resources.existing(session, asking.tenant, "lots", id)
    return with_now(session, asking.tenant, [found], request.app.state.clock.now_ms())[0]


def with_now(session: Session, tenant: str, records: Sequence[Record], now: int) -> list[Item]:
    """Lots with ``now``: what the rules know of each at ``now`` (ms)."""
    ids = [record.id for record in records]
    rows = session.scalars(select(LotNow).where(LotNow.tenant == tenant, LotNow.lot.in_(ids)))
    known = {row.lot: row for row in rows}
    return [
        {**record.model_dump(mode="json"), "now": _now(record, known.get(record.id), now)}
        for record in records
    ]


def listed(
    request: Request,
    asking: Asking,
    session: Transaction,
    ref: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            description="Any reference (order, batch, container …) or id, case and blanks aside",
        ),
    ] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    found: Sequence[Record]
    if ref is None:
        found = registry.page(session, asking.tenant, "lots", after, limit + 1)
    else:
        found = registry.lots_by_reference(session, asking.tenant, ref, limit + 1, after)
    items = with_now(session, asking.tenant, found, request.app.state.clock.now_ms())
    return resources.page(request, items, limit, resources.own_id)


def sources(
    id: str,  # noqa: A002
    asking: Asking,
    session: Transaction,
    begins: Annotated[Moment | None, Query(alias="from")] = None,
    ends: Annotated[Moment | None, Query(alias="to")] = None,
) -> dict[str, Any]:
    resources.existing(session, asking.tenant, "lots", id)
    first = milliseconds(begins) if begins else 0
    last = milliseconds(ends) if ends else FOREVER
    if first >= last:
        raise invalid("it is not after from; swap the two", where="query to")
    found = registry.sources_of(session, asking.tenant, id)
    return {"lot": id, "sources": within(found, first, last)}


def compared(
    id: str,  # noqa: A002
    request: Request,
    asking: Asking,
    session: Transaction,
    at: Annotated[
        list[Hour],
        Query(
            alias="open",
            min_length=1,
            max_length=MOST_HOURS,
            description="An hour (09:00, of the site's clock) or an instant; several for several",
        ),
    ],
    site: Annotated[
        str | None, Query(description="Where; else where the lot goes next, or stands")
    ] = None,
    temperature: Annotated[
        float | None, Query(ge=-60, le=60, description="Of the air outside, degC")
    ] = None,
    humidity: Annotated[
        float | None, Query(ge=1, le=100, description="Of the air outside, %RH")
    ] = None,
) -> dict[str, Any]:
    from rules import openings  # with compiled physics, which nothing else here asks for

    resources.existing(session, asking.tenant, "lots", id)
    if (temperature is None) != (humidity is None):
        raise invalid("temperature and humidity go together; say both", where="query humidity")
    outside = None if temperature is None or humidity is None else (temperature, humidity)
    now = request.app.state.clock.now_ms()
    asked = openings.Asked(id, at, site, outside)
    return openings.data(openings.answer(session, asking.tenant, asked, now))


def within(sources: Sequence[Source], begins: int, ends: int) -> list[Item]:
    """Who spoke for a lot in begins <= t < ends (ms): ``place`` null means a tag of its own."""
    return [
        {
            "tag": source.tag,
            "placement": source.placement,
            "place": source.place,
            "from": written(max(source.begins, begins)),
            "to": None if min(source.ends, ends) >= FOREVER else written(min(source.ends, ends)),
        }
        for source in sources
        if source.begins < ends and source.ends > begins
    ]


def _now(lot: Record, row: LotNow | None, now: int) -> Item:
    known = UNJUDGED if row is None else _judged(row, now)
    if not isinstance(lot, LotRecord) or lot.commodity != Commodity.LEAD:
        return known
    # Sooner than for the status: nothing is believed of a furnace that no reading holds up.
    fresh = row is not None and now - row.at <= MAX_GAP_H * HOUR_MS
    return known | {"furnace": furnace.said(known["numbers"], fresh=fresh)._asdict()}


def _judged(row: LotNow, now: int) -> Item:
    at = written(row.at) if row.at else None  # silent from the first, it has no newest reading
    status, why = row.status, row.why
    if status == "ok" and now - row.at > BELIEVED_MS:
        status, why = "unknown", f"no reading since {at}"
    return {"status": status, "why": why, "at": at, "numbers": row.numbers}
