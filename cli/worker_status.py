"""What a worker says of itself: /healthz, /readyz, /troubles and /metrics on a port of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lots.settings import SettingsError

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure: a counter or a gauge, ``labels`` name -> value. Those of one name, which differ
    by their labels, follow each other.
    """

    name: str
    help: str
    value: float
    counter: bool = False
    labels: tuple[tuple[str, str], ...] = ()


class StatusServer:
    """Serves ``figures``, ``troubles`` (what keeps each part from its work) and ``alerts`` (what
    operators are to know and is still open), until `close`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        figures: Callable[[], Iterable[Reading]],
        troubles: Callable[[], dict[str, str | None]],
        alerts: Callable[[], list[dict[str, Any]]] = list,
    ) -> None:
        """Raises `SettingsError` where it cannot listen on ``port`` of ``host``."""
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
            if path == "/troubles":
                return _answer(start, "200 OK", {"open": alerts()})
            told = "/healthz, /readyz, /troubles or /metrics"
            return _answer(start, "404 Not Found", {"detail": told})

        try:
            self._server = _Server(host, port)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"the worker's status cannot be told on port {port} of {host} ({reason}): stop what"
                " listens there, or set worker_port in dunnage.toml (DUNNAGE_WORKER_PORT) to a free"
                " port, api_host (DUNNAGE_API_HOST) to an address of this machine"
            ) from error
        self._server.set_app(app)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="status"
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Figures(Collector):
    def __init__(self, figures: Callable[[], Iterable[Reading]]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for name, of_name in groupby(self._figures(), lambda figure: figure.name):
            figures = list(of_name)
            kind = CounterMetricFamily if figures[0].counter else GaugeMetricFamily
            labels = [label for label, _ in figures[0].labels]
            metric = kind(name, figures[0].help, labels=labels)
            for figure in figures:
                metric.add_metric([value for _, value in figure.labels], figure.value)
            yield metric


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, so that one who connects and says nothing keeps nobody else waiting."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, host: str, port: int) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        self.address_family, _, _, _, address = found[0]
        super().__init__((str(address[0]), int(address[1])), _Quiet)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the name service who we are and may wait for it long.
        TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asks went away, or said nothing: no trouble of ours."""


class _Quiet(WSGIRequestHandler):
    timeout = 10.0  # s, for a request to come
    wbufsize = -1  # an answer leaves in one piece

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass


def _answer(start: StartResponse, status: str, body: dict[str, Any]) -> list[bytes]:
    start(status, [("content-type", "application/json")])
    return [json.dumps(body).encode()]
