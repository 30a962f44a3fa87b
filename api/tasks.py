"""Preventive service: what is due at a site before a season that is hard on the goods."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select, tuple_

from api import resources
from api.auth import Asking, Transaction
from api.query import After, Limit, instant_cursor, instant_cursor_of
from api.resources import Item, Page
from lots.model import ServiceTask
from rules import tasks


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/tasks", tags=["tasks"])
    made.add_api_route(
        "", listed, summary="List what is due, the latest first", operation_id="list_tasks"
    )
    return made


def listed(
    request: Request,
    asking: Asking,
    session: Transaction,
    site: Annotated[str | None, Query(description="At this site alone")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    query = select(ServiceTask).where(ServiceTask.tenant == asking.tenant)
    if site is not None:
        query = query.where(ServiceTask.site == site)
    if after is not None:
        query = query.where(
            tuple_(ServiceTask.due, ServiceTask.id) < tuple_(*instant_cursor(after))
        )
    order = (ServiceTask.due.desc(), ServiceTask.id.desc())
    rows = session.scalars(query.order_by(*order).limit(limit + 1))
    return resources.page(request, [tasks.shown(row) for row in rows], limit, _cursor)


def _cursor(item: Item) -> str:
    return instant_cursor_of(item["due"], item["id"])
