"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import APIRouter, Request
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from api.problems import RETRY_SECONDS, Problem
from lots.model import Tenant
from lots.readings.store import ReadingHistory, StoreMisconfigured, StoreUnavailable

REMEDIES = {
    "registry": "see that its database runs and has its tables, and DUNNAGE_REGISTRY_URL",
    "readings": "see that the store of readings runs, and DUNNAGE_READINGS_URL",
}

_log = structlog.get_logger(__name__)


def router() -> APIRouter:
    made = APIRouter(tags=["operation"])
    made.add_api_route("/healthz", healthz, summary="The process lives")
    made.add_api_route("/readyz", readyz, summary="The registry and the store of readings answer")
    return made


def healthz() -> dict[str, str]:
    return {"status": "alive"}


def readyz(request: Request) -> dict[str, Any]:
    state = request.app.state
    parts = {"registry": _registry(state.engine), "readings": _readings(state.store)}
    down = [name for name, answer in parts.items() if answer != "ok"]
    if down:
        detail = "; ".join(f"the {name} does not answer: {REMEDIES[name]}" for name in down)
        retry = {"Retry-After": str(RETRY_SECONDS)}
        raise Problem(503, detail, headers=retry, parts=parts)
    return {"status": "ready", "parts": parts}


def _registry(engine: Engine) -> str:
    try:
        with engine.connect() as connection:
            connection.execute(select(Tenant.id).limit(1))
    except SQLAlchemyError as error:
        return _down("registry", error)
    return "ok"


def _readings(store: ReadingHistory) -> str:
    try:
        store.check()
    except (StoreUnavailable, StoreMisconfigured) as error:
        return _down("readings", error)
    return "ok"


def _down(part: str, error: Exception) -> str:
    # The reason may hold addresses and names of users: it is for the log, not for whoever asks.
    _log.error("not ready", part=part, error=str(error))
    return "unavailable"
