"""Figures for Prometheus: requests by route, and what the registry holds at the time of asking."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, Engine, func, select, true
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lots import model
from lots.left_over import HERE

COUNTED: tuple[tuple[str, str, type[model.Base], ColumnElement[bool]], ...] = (
    ("dunnage_lots", "Lots that are registered", model.Lot, true()),
    ("dunnage_tags", "Tags that are registered", model.Tag, true()),
    ("dunnage_tags_unknown", "Tags that report and are not registered", model.UnknownTag, true()),
    ("dunnage_alerts_open", "Alerts that are open", model.Alert, model.STILL_OPEN),
    ("dunnage_dead_letters", "Messages that could not be used", model.DeadLetter, HERE),
)
"""Name, help, table and condition of each gauge: of all tenants together, as nobody signs in."""

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Figures:
    """One application's own figures."""

    def __init__(self, engine: Engine) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Held(engine))
        self.seconds = Histogram(
            "dunnage_api_request_seconds",
            "How long requests took, by route",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
        )


class _Held(Collector):
    """Counts rows when asked; a registry that does not answer is itself a figure."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterator[Metric]:
        return iter(())  # else registering would ask the registry

    def collect(self) -> Iterator[Metric]:
        try:
            found = self._counts()
        except SQLAlchemyError:
            found = []
        yield GaugeMetricFamily("dunnage_registry_up", "Whether it answers", bool(found))
        yield from found

    def _counts(self) -> list[Metric]:
        with self._engine.connect() as connection:
            return [
                GaugeMetricFamily(
                    name,
                    text,
                    connection.scalar(select(func.count()).select_from(table).where(condition)),
                )
                for name, text, table, condition in COUNTED
            ]


class Measured:
    """Times every request by its route's template: ids of lots would make endless series."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app = app
        self._seconds = figures.seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.monotonic()
        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            took = time.monotonic() - began
            method = scope["method"] if scope["method"] in KNOWN_METHODS else "other"
            self._seconds.labels(method, route, str(status)).observe(took)


def router() -> APIRouter:
    made = APIRouter(tags=["operation"])
    made.add_api_route(
        "/metrics", metrics, summary="Figures for Prometheus", response_class=Response
    )
    return made


def metrics(request: Request) -> Response:
    figures: Figures = request.app.state.figures
    return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)
