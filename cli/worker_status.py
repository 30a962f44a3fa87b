"""What a worker says of itself: /healthz, /readyz and /metrics on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lots.settings import SettingsError

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure: ``kind`` counter or gauge, ``labels`` name -> value."""

    name: str
    help: str
    value: float
    counter: bool = False
    labels: tuple[tuple[str, str], ...] = ()


class StatusServer:
    """Serves ``figures`` and ``troubles`` (what is wrong now, by part) until `close`."""

    def __init__(
        self,
        host: str,
        port: int,
        figures: Callable[[], Iterable[Reading]],
        troubles: Callable[[], dict[str, str | None]],
    ) -> None:
        """Raises `SettingsError` where the port is taken."""
        registry = CollectorRegistry()
        registry.register(_Figures(figures))
        metrics = make_wsgi_app(registry)

        def app(environ: Environ, start: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if path == "/metrics":
                return list(metrics(environ, start))
            if path == "/healthz":
                return _answer(start, "200 OK", {"status": "ok"})
            if path == "/readyz":
                parts = troubles()
                ready = not any(parts.values())
                status = "200 OK" if ready else "503 Service Unavailable"
                return _answer(start, status, {"ready": ready, "parts": parts})
            return _answer(start, "404 Not Found", {"detail": "/healthz, /readyz or /metrics"})

        try:
            self._server = make_server(host, port, app, _Server, _Quiet)
        except OSError as error:
            raise SettingsError(
                f"port {port} of {host} is taken: stop what uses it, or set worker_port in "
                "dunnage.toml (DUNNAGE_WORKER_PORT) to a free one"
            ) from error
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="status")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Figures(Collector):
    def __init__(self, figures: Callable[[], Iterable[Reading]]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for figure in self._figures():
            kind = CounterMetricFamily if figure.counter else GaugeMetricFamily
            names = [name for name, _ in figure.labels]
            metric = kind(figure.name, figure.help, labels=names)
            metric.add_metric([value for _, value in figure.labels], figure.value)
            yield metric


class _Server(WSGIServer):
    allow_reuse_address = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass


def _answer(start: StartResponse, status: str, body: dict[str, Any]) -> list[bytes]:
    start(status, [("content-type", "application/json")])
    return [json.dumps(body).encode()]
