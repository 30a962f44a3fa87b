"""What alerts foretold, what came of it, and how good that was."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from api import resources
from api.auth import Asking, Transaction
from api.query import After, Limit, instant_cursor_of, newest_first
from api.resources import Item, Page
from lots.model import Forecast
from rules import forecasts, hindsight


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/forecasts", tags=["forecasts"])
    made.add_api_route(
        "",
        listed,
        summary="List what was foretold, the newest first",
        operation_id="list_forecasts",
    )
    made.add_api_route(
        "/score",
        score,
        summary="How good forecasts were, by rule and site",
        operation_id="score_forecasts",
    )
    return made


def listed(
    request: Request,
    asking: Asking,
    session: Transaction,
    lot: Annotated[str | None, Query(description="Of this lot alone")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    resources.require(session, asking.tenant, "lots", lot)
    query = select(Forecast).where(Forecast.tenant == asking.tenant)
    if lot is not None:
        query = query.where(Forecast.lot == lot)
    rows = session.scalars(newest_first(query, Forecast.said, Forecast.alert, after, limit))
    return resources.page(request, [_shown(row) for row in rows], limit, _cursor)


def score(asking: Asking, session: Transaction) -> dict[str, Any]:
    judged = forecasts.judged(session, asking.tenant)
    return {"items": [one._asdict() for one in hindsight.scores(judged)]}


def _shown(row: Forecast) -> Item:
    return {"alert": row.alert, "lot": row.lot, "rule": row.rule, **forecasts.shown(row)}


def _cursor(item: Item) -> str:
    return instant_cursor_of(item["said"], item["alert"])
