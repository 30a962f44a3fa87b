"""Tags that report and are not registered: kept, and shown here so that somebody adopts them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import select

from api import resources
from api.auth import Asking, Transaction
from api.query import After, Limit
from api.resources import Item, Page
from lots.fields import written
from lots.model import UnknownTag


def router() -> APIRouter:
    """All routes of tags; ``/unknown`` comes before ``/{id}``, or it would be taken for an id."""
    made = APIRouter(prefix="/v1/tags", tags=["tags"])
    made.add_api_route(
        "/unknown",
        unknown,
        summary="Tags that report and are not registered, with their last values",
        operation_id="list_unknown_tags",
    )
    resources.add_list(made, "tags")
    resources.add_single(made, "tags")
    resources.add_writing(made, "tags")
    return made


def unknown(
    request: Request,
    asking: Asking,
    session: Transaction,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    query = select(UnknownTag).where(UnknownTag.tenant == asking.tenant)
    if after is not None:
        query = query.where(UnknownTag.tag > after)
    rows = session.scalars(query.order_by(UnknownTag.tag).limit(limit + 1))
    items = [_item(row) for row in rows]
    return resources.page(request, items, limit, lambda item: str(item["tag"]))


def _item(row: UnknownTag) -> Item:
    return {
        "tag": row.tag,
        "first_seen": written(row.first_seen),
        "last_seen": written(row.last_seen),
        "readings": row.readings,
        "last_values": row.last_values,
    }
