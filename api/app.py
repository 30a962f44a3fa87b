"""The application, put together: the one place that knows every route and what it works with."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import Engine

from api import (
    alerts,
    dead_letters,
    forecasts,
    gaps,
    health,
    imports,
    lot_history,
    lots,
    metrics,
    problems,
    readings,
    resources,
    sightings,
    tags,
    tasks,
    trends,
)
from api.auth import principal
from api.gate import Gate
from api.query import only_known, only_text
from lots import registry
from lots.clock import DAY_MS
from lots.readings.history import open_history
from lots.readings.store import ReadingHistory
from lots.records import KINDS
from lots.settings import Settings

DESCRIPTION = """Lots of lead and wool, the air they are in, and what to do before it harms them.

Send a key as `Authorization: Bearer dunnage_…`. Errors are problem documents (RFC 9457)."""

PROBLEM: dict[str, Any] = {
    "description": "A problem document (RFC 9457): what is wrong, where, and the remedy",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "examples": ["/problems/not-found"]},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "instance": {"type": "string"},
                },
                "required": ["type", "title", "status", "detail", "instance"],
            }
        }
    },
}


def create_app(
    settings: Settings, *, engine: Engine | None = None, store: ReadingHistory | None = None
) -> FastAPI:
    """The API over ``engine`` and ``store``; those not given are made here and closed at its end.

    Nothing is connected to before a request needs it, and a part that does not answer makes
    ``/readyz`` say so. The registry's tables must be there (`lots.registry.migrate`). Raises
    `SettingsError` or `StoreMisconfigured` for an address that names no store.
    """
    working = registry.connect(settings.registry) if engine is None else engine
    readings = (
        open_history(settings.readings, settings.raw_retention_days) if store is None else store
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        if store is None:
            readings.close()
        if engine is None:
            working.dispose()

    app = FastAPI(
        title="Dunnage",
        version=version("dunnage"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # its page has the reader's browser run a stranger's scripts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.clock = settings.clock
    app.state.keep_ms = settings.raw_retention_days * DAY_MS
    app.state.engine = working
    app.state.store = readings
    app.state.keep_ms = settings.raw_retention_days * DAY_MS
    app.state.importing = imports.Slots()
    app.state.figures = metrics.Figures(working)
    problems.install(app)
    app.add_middleware(Gate, new_id=lambda: uuid.uuid4().hex, limits=imports.LIMITS)
    app.add_middleware(metrics.Measured, figures=app.state.figures)
    app.include_router(health.router())
    app.include_router(metrics.router())
    for router in _guarded():
        app.include_router(
            router,
            dependencies=[Depends(principal), Depends(only_known), Depends(only_text)],
            responses={"4XX": PROBLEM, "5XX": PROBLEM, 422: PROBLEM},
        )
    return app


def _guarded() -> list[APIRouter]:
    """What needs a key. Each has its whole address: metrics tell routes apart by these."""
    special = {"lots": lots.router, "tags": tags.router}
    registry_routers = [
        special[kind]() if kind in special else resources.router(kind) for kind in KINDS
    ]
    return [
        *registry_routers,
        *(part.router() for part in (readings, gaps, lot_history, trends, alerts, forecasts)),
        *(part.router() for part in (imports, sightings, dead_letters, tasks)),
    ]
