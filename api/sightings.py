"""What RFID readers saw: which item, at which antenna, when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from api import resources
from api.auth import Asking, Transaction
from api.problems import invalid
from api.query import After, Limit, Moment, instant_cursor_of, newest_first
from api.resources import Item, Page
from api.steps import MINUTE_MS
from lots.fields import milliseconds, written
from lots.model import EPC_LENGTH, ID_LENGTH, Sighted


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/sightings", tags=["sightings"])
    made.add_api_route(
        "",
        listed,
        summary="List what RFID readers saw, the newest first",
        operation_id="list_sightings",
    )
    return made


def listed(
    request: Request,
    asking: Asking,
    session: Transaction,
    epc: Annotated[
        str | None, Query(max_length=EPC_LENGTH, description="Of this item: urn:epc:id:…")
    ] = None,
    reader: Annotated[str | None, Query(max_length=ID_LENGTH, description="By this reader")] = None,
    begins: Annotated[Moment | None, Query(description="Seen then or later")] = None,
    ends: Annotated[Moment | None, Query(description="First seen before")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    if begins is not None and ends is not None and ends <= begins:
        raise invalid("this is not after begins; give a later instant", where="query ends")
    query = select(Sighted).where(Sighted.tenant == asking.tenant)
    if epc is not None:
        query = query.where(Sighted.epc == epc)
    if reader is not None:
        query = query.where(Sighted.reader == reader)
    if begins is not None:
        at = milliseconds(begins)
        # A row is of one minute: the bound of first is for the index.
        query = query.where(Sighted.last >= at, Sighted.first > at - MINUTE_MS)
    if ends is not None:
        query = query.where(Sighted.first < milliseconds(ends))
    rows = session.scalars(newest_first(query, Sighted.first, Sighted.id, after, limit))
    return resources.page(request, [_item(row) for row in rows], limit, _cursor)


def _item(seen: Sighted) -> Item:
    return {
        "id": seen.id,
        "epc": seen.epc,
        "reader": seen.reader,
        "antenna": seen.antenna,
        "first": written(seen.first),
        "last": written(seen.last),
        "rssi": seen.rssi,
    }


def _cursor(item: Item) -> str:
    return instant_cursor_of(item["first"], item["id"])
