"""Messages that could not be used, as they came, and why."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select, tuple_

from api import resources
from api.auth import Asking, Transaction
from api.query import After, Limit, Moment, instant_cursor, instant_cursor_of
from api.resources import Item, Page
from lots.fields import milliseconds, written
from lots.model import DeadLetter


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])
    made.add_api_route(
        "",
        listed,
        summary="List messages that could not be used, the newest first",
        operation_id="list_dead_letters",
    )
    return made


def listed(
    request: Request,
    asking: Asking,
    session: Transaction,
    since: Annotated[Moment | None, Query(description="Received then or later")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    query = select(DeadLetter).where(DeadLetter.tenant == asking.tenant)
    if since is not None:
        query = query.where(DeadLetter.received >= milliseconds(since))
    key = tuple_(DeadLetter.received, DeadLetter.id)
    if after is not None:
        query = query.where(key < tuple_(*instant_cursor(after)))
    newest_first = (DeadLetter.received.desc(), DeadLetter.id.desc())
    rows = session.scalars(query.order_by(*newest_first).limit(limit + 1))
    return resources.page(request, [_item(row) for row in rows], limit, _cursor)


def _item(letter: DeadLetter) -> Item:
    return {
        "id": letter.id,
        "topic": letter.topic,
        "received": written(letter.received),
        "reason": letter.reason,
        "payload": _payload(letter.payload),
    }


def _payload(payload: bytes) -> dict[str, str]:
    """Text where it is text: ``base64`` of what no program can show."""
    try:
        return {"text": payload.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(payload).decode()}


def _cursor(item: Item) -> str:
    return instant_cursor_of(item["received"], item["id"])
