"""What a lot's own last days say of its next hours, and how good that was."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from api import resources
from api.auth import Asking, Transaction


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/lots", tags=["lots"])
    made.add_api_route(
        "/{id}/trend",
        trend,
        summary="Air, dew point and metal in the next hours, by the lot's own last days",
        operation_id="get_lot_trend",
    )
    return made


def trend(
    id: str,  # noqa: A002
    request: Request,
    asking: Asking,
    session: Transaction,
) -> dict[str, Any]:
    from rules import lot_trends  # with compiled physics, which most of the API does without

    resources.existing(session, asking.tenant, "lots", id)
    state = request.app.state
    now = state.clock.now_ms()
    (lot,) = lot_trends.known(session, asking.tenant, [id])
    session.expunge_all()
    session.close()  # a slow store must not keep the registry's connection
    return lot_trends.data(lot_trends.read(state.store, lot, now), now)
