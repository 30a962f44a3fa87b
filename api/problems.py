"""Every error as a problem document (RFC 9457): what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from lots.readings.store import StoreMisconfigured, StoreUnavailable
from lots.refusals import InUse, Overlap, RegistryError

RETRY_SECONDS = 5
"""When to come back after a store did not answer."""

TITLES = {
    "malformed-json": "The body is not JSON",
    "unauthorized": "No valid key",
    "forbidden": "The key may not do this",
    "not-found": "There is no such thing",
    "method-not-allowed": "This address has no such method",
    "in-use": "Other things still need it",
    "overlap": "A tag would be in two places at one time",
    "conflict": "It contradicts what is registered",
    "too-large": "The body is too large",
    "unsupported-media-type": "The body has the wrong content type",
    "invalid": "The request has mistakes",
    "internal": "The server failed",
    "unavailable": "A part of the service does not answer",
}
"""slug -> title; a problem's ``type`` is ``/problems/`` and the slug. The two never change."""

SLUGS = {
    400: "malformed-json",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
    503: "unavailable",
}

PLAINER = {
    "extra_forbidden": "there is no such field; look at its spelling",
    "missing": "this is needed and is not there",
}
"""Type of a finding of pydantic's -> what to say instead of its own words."""

_log = structlog.get_logger(__name__)


class Problem(HTTPException):
    """An error with a status, a kind (a key of `TITLES`), a remedy in its detail, and more."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        slug: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(status, detail, headers)
        self.slug = slug or SLUGS[status]
        self.extra = extra


def not_found(what: str, name: str) -> Problem:
    """The same for what is another tenant's and for what never was."""
    return Problem(404, f"There is no {what} {name!r}.")


def invalid(message: str, *, where: str) -> Problem:
    """One mistake at ``where``, as `document` shows those that validation finds."""
    return Problem(422, f"{where}: {message}", errors=[{"where": where, "message": message}])


def unavailable(part: str) -> Problem:
    detail = f"The {part} does not answer now; nothing was lost. Try again in {RETRY_SECONDS} s."
    return Problem(503, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def mistakes(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Pydantic's findings as ``where`` (with ``pointer`` into a body, RFC 6901) and ``message``."""
    return [
        _mistake(tuple(error["loc"]), PLAINER.get(error["type"], str(error["msg"])))
        for error in errors
    ]


def document(problem: Problem, instance: str) -> dict[str, Any]:
    """The problem document itself; ``instance`` is the path that was asked for."""
    return {
        "type": f"/problems/{problem.slug}",
        "title": TITLES.get(problem.slug, HTTPStatus(problem.status_code).phrase),
        "status": problem.status_code,
        "detail": problem.detail,
        "instance": instance,
        **problem.extra,
    }


def response(problem: Problem, instance: str) -> JSONResponse:
    return JSONResponse(
        document(problem, instance),
        problem.status_code,
        headers=dict(problem.headers or {}),
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error with a problem document; `api.gate` catches what is left."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(IntegrityError, _on_integrity)
    app.add_exception_handler(RegistryError, _on_refusal)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, _on_registry_down)
    app.add_exception_handler(StoreUnavailable, _on_store_down)
    app.add_exception_handler(StoreMisconfigured, _on_store_down)


def _answer(request: Request, problem: Problem) -> JSONResponse:
    return response(problem, request.url.path)


def _mistake(place: tuple[Any, ...], message: str) -> dict[str, str]:
    found = {"where": " ".join(map(str, place[:2])), "message": message}
    if place and place[0] == "body":
        found["where"] = ".".join(map(str, place))
        found["pointer"] = "".join(f"/{_escaped(part)}" for part in place[1:])
    return found


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, Problem):
        return _answer(request, error)
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _answer(request, _method_not_allowed(request))
    detail = _plain_detail(error)
    slug = SLUGS.get(error.status_code, "invalid" if error.status_code < 500 else "internal")
    return _answer(request, Problem(error.status_code, detail, slug=slug, headers=error.headers))


def _method_not_allowed(request: Request) -> Problem:
    # The framework names the methods of one of the address's routes; a caller needs all of them.
    operations = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    allowed = ", ".join(method.upper() for method in operations)
    detail = f"{request.method} is not possible here; use {allowed}."
    return Problem(405, detail, headers={"Allow": allowed})


def _plain_detail(error: HTTPException) -> str:
    """A remedy for the errors that the framework raises by itself."""
    if error.status_code == 404:
        return "There is nothing at this address. /openapi.json lists what there is."
    if error.status_code == 400:
        return "The body cannot be read as JSON in UTF-8."
    return str(error.detail)


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    findings = error.errors()
    if findings and findings[0]["type"] == "json_invalid":
        reason = findings[0]["ctx"]["error"]
        where = findings[0]["loc"][-1]
        detail = f"The body is not JSON: {reason} at character {where}."
        return _answer(request, Problem(400, detail))
    found = mistakes(findings)
    first = f"{found[0]['where']}: {found[0]['message']}"
    more = f" ({len(found)} mistakes in all, see errors)" if len(found) > 1 else ""
    return _answer(request, Problem(422, first + more, errors=found))


async def _on_refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RegistryError)
    if isinstance(error, (InUse, Overlap)):
        slug = "in-use" if isinstance(error, InUse) else "overlap"
        return _answer(request, Problem(409, str(error), slug=slug))
    place = ("body", *error.field.split(".")) if error.field else ("request",)
    return _answer(request, Problem(422, str(error), errors=[_mistake(place, str(error))]))


async def _on_integrity(request: Request, error: Exception) -> JSONResponse:
    _log.warning("registry refused", path=request.url.path, error=str(error))
    detail = (
        "The registry refused it because of something that changed at the same moment. "
        "Read what is there now and try again."
    )
    return _answer(request, Problem(409, detail))


async def _on_registry_down(request: Request, error: Exception) -> JSONResponse:
    _log.error("registry unavailable", path=request.url.path, error=str(error))
    return _answer(request, unavailable("registry"))


async def _on_store_down(request: Request, error: Exception) -> JSONResponse:
    _log.error("readings unavailable", path=request.url.path, error=str(error))
    return _answer(request, unavailable("store of readings"))
