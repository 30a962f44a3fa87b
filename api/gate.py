"""The outermost layer: a limit for bodies, an id for each request, an answer to every error."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, response

BODY_LIMIT = 1 << 20
"""Bytes. A registry record is some hundred."""

_log = structlog.get_logger(__name__)


class Gate:
    """Passes requests on with ``X-Request-ID`` on what comes back.

    A body above ``limit`` bytes is refused, also when it does not say beforehand how long it is.
    Whatever nobody else answered becomes a 500 that shows the request's id; the log has the rest.
    """

    def __init__(
        self,
        app: ASGIApp,
        new_id: Callable[[], str],
        limit: int = BODY_LIMIT,
        limits: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """``limits``: path -> its own limit."""
        self._app = app
        self._new_id = new_id
        self._limit = limit
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        answer = _Answer(send, request_id)
        body = _Body(receive, self._limits.get(scope["path"], self._limit))
        try:
            body.announced(scope)
            await self._app(scope, body, answer)
        except Problem as problem:
            await response(problem, scope["path"])(scope, receive, answer)
        except Exception:
            # As text: a renderer that shows local variables would write keys into the log.
            trace = traceback.format_exc()
            _log.error("request failed", request_id=request_id, path=scope["path"], trace=trace)
            if answer.started:
                raise
            await response(_failed(request_id), scope["path"])(scope, receive, answer)


class _Answer:
    """Sends on, with the request's id in the headers."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            MutableHeaders(scope=message)["X-Request-ID"] = self._request_id
        await self._send(message)


class _Body:
    """Receives, counting."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise self._too_large()
        return message

    def announced(self, scope: Scope) -> None:
        """Refuse what says beforehand that it is too long."""
        text = Headers(scope=scope).get("content-length", "")
        if text.isdecimal() and int(text) > self._limit:
            raise self._too_large()

    def _too_large(self) -> Problem:
        detail = f"A body may have {self._limit} bytes here. Send it in parts."
        return Problem(413, detail, headers={"Connection": "close"})


def _failed(request_id: str) -> Problem:
    detail = (
        "The server failed; what you sent may be good. Try again, and if it happens again "
        f"tell your operator the request id {request_id}: the log has the reason under it."
    )
    return Problem(500, detail, slug="internal", request_id=request_id)
