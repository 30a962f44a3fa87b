"""Messages that could not be used, as they came, and why; and sending them round again."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request
from sqlalchemy import LargeBinary, func, select
from sqlalchemy.orm import Session

from api import resources
from api.auth import Asking, Transaction
from api.problems import not_found
from api.query import After, Limit, Moment, instant_cursor_of, newest_first
from api.resources import Item, Page
from lots import left_over
from lots.fields import milliseconds, written
from lots.left_over import HERE, Which
from lots.model import DeadLetter

SHOWN_BYTES = 1024
"""Of a payload in a list: a page of 1000 is some MB at most."""


class Beginning(NamedTuple):
    """A letter with the first bytes of its payload, of ``size``."""

    id: str
    topic: str
    received: int
    reason: str
    attempts: int
    payload: bytes | None
    size: int


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])
    made.add_api_route(
        "",
        listed,
        summary="List messages that could not be used, the newest first",
        operation_id="list_dead_letters",
    )
    made.add_api_route("/{id}", got, summary="One of them, whole", operation_id="get_dead_letter")
    made.add_api_route(
        "/{id}/replay",
        replayed,
        methods=["POST"],
        summary="Send it round again, as it came",
        operation_id="replay_dead_letter",
        status_code=202,
    )
    return made


def listed(
    request: Request,
    asking: Asking,
    session: Transaction,
    since: Annotated[Moment | None, Query(description="Received then or later")] = None,
    reason: Annotated[
        str | None, Query(max_length=200, description="Only those with this in their reason")
    ] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    begins = None if since is None else milliseconds(since)
    conditions = Which(tenant=asking.tenant, reason=reason, since=begins).conditions()
    query = _beginnings(SHOWN_BYTES).where(*conditions)
    rows = session.execute(newest_first(query, DeadLetter.received, DeadLetter.id, after, limit))
    return resources.page(request, [_item(Beginning(*row)) for row in rows], limit, _cursor)


def got(id: str, asking: Asking, session: Transaction) -> Item:  # noqa: A002
    return _item(_existing(session, asking.tenant, id))


def replayed(
    id: str,  # noqa: A002
    request: Request,
    asking: Asking,
    session: Transaction,
) -> Item:
    """Take it out of the list and hand it to the worker, both or neither."""
    now = request.app.state.clock.now_ms()
    if not left_over.replay(session, Which([id], asking.tenant), now):
        raise not_found("dead letter", id)
    return {"id": id, "replayed": written(now)}


def _existing(session: Session, tenant: str, name: str) -> Beginning:
    query = _beginnings(None).where(HERE, DeadLetter.tenant == tenant, DeadLetter.id == name)
    found = session.execute(query).one_or_none()
    if found is None:
        raise not_found("dead letter", name)
    return Beginning(*found)


def _beginnings(most: int | None) -> Any:
    payload = DeadLetter.payload
    shown = payload if most is None else func.substr(payload, 1, most, type_=LargeBinary)
    names = (DeadLetter.id, DeadLetter.topic, DeadLetter.received, DeadLetter.reason)
    return select(*names, DeadLetter.attempts, shown, func.length(payload))


def _item(letter: Beginning) -> Item:
    found: Item = {
        "id": letter.id,
        "topic": letter.topic,
        "received": written(letter.received),
        "reason": letter.reason,
        "attempts": letter.attempts,
    }
    came = letter.payload or b""  # SQLite has no part of an empty one
    if letter.size > len(came):
        payload = {**left_over.shown(_whole_characters(came)), "cut_from": letter.size}
    else:
        payload = {**left_over.shown(came)}
    return found | {"payload": payload}


def _whole_characters(cut: bytes) -> bytes:
    """``cut`` without the part of a UTF-8 character that may stand at its end."""
    try:
        cut.decode()
    except UnicodeDecodeError as error:
        return cut[: error.start] if len(cut) - error.start < 4 else cut
    return cut


def _cursor(item: Item) -> str:
    return instant_cursor_of(item["received"], item["id"])
