"""The API as a process of its own: `python -m api.server`."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Callable

import structlog
import uvicorn

from api.app import create_app
from lots import registry
from lots import settings as lots_settings
from lots.readings.store import StoreMisconfigured
from lots.settings import Settings, SettingsError

GRACE_SECONDS = 10
"""How long requests that are under way may take when the process is asked to end."""

_log = structlog.get_logger(__name__)


def serve(settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
    """Bring the registry up to date, then answer until SIGINT or SIGTERM.

    Requests that are under way then may finish. ``ready`` is called with the address as soon as
    connections are taken. Raises `SettingsError` where it cannot begin.
    """
    _migrate(settings)
    server = uvicorn.Server(_config(settings))
    with listen(settings) as listening:
        address = _address(listening)
        _log.info("listening", address=address)
        if ready is not None:
            ready(address)
        # uvicorn ends in order on either signal and raises it again then: that is no error.
        signal.signal(signal.SIGTERM, lambda *_: None)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def listen(settings: Settings) -> socket.socket:
    """A socket on the settings' host and port; raises `SettingsError` with the remedy."""
    host, port = settings.api_host, settings.api_port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise SettingsError(
            f"DUNNAGE_API_HOST or api_host in dunnage.toml is {host!r}: there is no such host"
        ) from error
    # With the protocol named: asyncio turns Nagle's delay (40 ms an answer) off only then.
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(2048)
    except OSError as error:
        found.close()
        raise SettingsError(
            f"The API cannot listen on port {port} of {host} ({error.strerror}): end what listens "
            "there, or set DUNNAGE_API_PORT or api_port in dunnage.toml to a free port (0: any)"
        ) from error
    return found


def _migrate(settings: Settings) -> None:
    engine = registry.connect(settings.registry)
    try:
        registry.migrate(engine)
    finally:
        engine.dispose()


def _config(settings: Settings) -> uvicorn.Config:
    try:
        app = create_app(settings)
    except StoreMisconfigured as error:
        raise SettingsError(f"DUNNAGE_READINGS_URL or {error}") from error
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # /metrics counts requests; what customers look at is not for a log
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="on",
    )


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def main() -> int:
    """Serve as the settings say; the reason why not on standard error."""
    try:
        serve(lots_settings.load())
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
