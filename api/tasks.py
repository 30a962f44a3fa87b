"""Preventive service: what is due at a site before a season that is hard on the goods."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from api import resources
from api.auth import Asking, Transaction
from api.query import After, Limit, instant_cursor_of, newest_first
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
    resources.require(session, asking.tenant, "sites", site)
    query = select(ServiceTask).where(ServiceTask.tenant == asking.tenant)
    if site is not None:
        query = query.where(ServiceTask.site == site)
    rows = session.scalars(newest_first(query, ServiceTask.due, ServiceTask.id, after, limit))
    return resources.page(request, [tasks.shown(row) for row in rows], limit, _cursor)


def _cursor(item: Item) -> str:
    return instant_cursor_of(item["due"], item["id"])
