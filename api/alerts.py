"""Alerts: one rule firing for one lot, what made it so, what to do, and who has seen it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import not_, select, update
from sqlalchemy.orm import Session

from api import resources
from api.auth import Asking, Transaction
from api.problems import not_found
from api.query import After, Limit, Moment, instant_cursor_of, newest_first
from api.resources import Item, Page
from lots.fields import Text, milliseconds, written
from lots.model import STILL_OPEN, Alert, Forecast
from rules import forecasts


class Acknowledgement(BaseModel):
    """Who has seen the alert and takes care of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Annotated[Text, Field(description="Name of the person")]
    done: Annotated[
        Text | None, Field(description="What was done about it: it may be said later too")
    ] = None


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/alerts", tags=["alerts"])
    made.add_api_route(
        "", listed, summary="List alerts, the newest first", operation_id="list_alerts"
    )
    made.add_api_route("/{id}", got, summary="One alert", operation_id="get_alert")
    made.add_api_route(
        "/{id}/acknowledge",
        acknowledge,
        methods=["POST"],
        summary="Say who takes care of it; the first who says so stands",
        operation_id="acknowledge_alert",
        dependencies=[Depends(resources.json_only)],
    )
    return made


def listed(
    request: Request,
    asking: Asking,
    session: Transaction,
    lot: Annotated[str | None, Query(description="Of this lot alone")] = None,
    open: Annotated[  # noqa: A002
        bool | None, Query(description="true: those that are open; false: those that are over")
    ] = None,
    since: Annotated[Moment | None, Query(description="Opened then or later")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    resources.require(session, asking.tenant, "lots", lot)
    query = select(Alert).where(Alert.tenant == asking.tenant)
    if lot is not None:
        query = query.where(Alert.lot == lot)
    if open is not None:
        query = query.where(STILL_OPEN if open else not_(STILL_OPEN))
    if since is not None:
        query = query.where(Alert.opened >= milliseconds(since))
    rows = session.scalars(newest_first(query, Alert.opened, Alert.id, after, limit)).all()
    return resources.page(request, _with_forecasts(session, rows), limit, _cursor)


def got(id: str, asking: Asking, session: Transaction) -> Item:  # noqa: A002
    return _with_forecasts(session, [_existing(session, asking.tenant, id)])[0]


def acknowledge(
    id: str,  # noqa: A002
    who: Acknowledgement,
    request: Request,
    asking: Asking,
    session: Transaction,
) -> Item:
    now = request.app.state.clock.now_ms()
    session.execute(
        update(Alert)
        .where(Alert.tenant == asking.tenant, Alert.id == id, Alert.acknowledged.is_(None))
        .values(acknowledged=now, acknowledged_by=who.by)
    )
    if who.done is not None:
        session.execute(
            update(Alert)
            .where(Alert.tenant == asking.tenant, Alert.id == id, Alert.done.is_(None))
            .values(done=who.done)
        )
    return _with_forecasts(session, [_existing(session, asking.tenant, id)])[0]


def _with_forecasts(session: Session, rows: Sequence[Alert]) -> list[Item]:
    foretold = forecasts.kept(session, (row.id for row in rows))
    return [_shown(row, foretold.get(row.id)) for row in rows]


def _shown(alert: Alert, forecast: Forecast | None) -> Item:
    """An alert as the API gives it back."""
    instants = ("opened", "cleared", "withdrawn", "acknowledged")
    found: dict[str, Any] = {
        "id": alert.id,
        "lot": alert.lot,
        "rule": alert.rule,
        "severity": alert.severity,
        "state": _state(alert),
        **{name: _written(getattr(alert, name)) for name in instants},
    }
    found["stages"] = [{"from": written(at), "severity": how} for at, how in alert.stages]
    names = ("acknowledged_by", "done", "revised", "title", "action", "numbers")
    found |= {name: getattr(alert, name) for name in names}
    return found | {"forecast": forecast and forecasts.shown(forecast)}


def _state(alert: Alert) -> str:
    if alert.withdrawn is not None:
        return "withdrawn"
    return "open" if alert.cleared is None else "cleared"


def _written(at: int | None) -> str | None:
    return None if at is None else written(at)


def _cursor(item: Item) -> str:
    return instant_cursor_of(item["opened"], item["id"])


def _existing(session: Session, tenant: str, name: str) -> Alert:
    query = select(Alert).where(Alert.tenant == tenant, Alert.id == name)
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise not_found("alert", name)
    return found
