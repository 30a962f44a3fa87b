"""Who asks: a key opens one tenant, to read or to write too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.problems import Problem
from lots import registry
from lots.registry import Principal

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def principal(
    request: Request,
    bearer: Annotated[
        HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))
    ] = None,
    header: Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))] = None,
) -> Principal:
    """Whose key it is, from ``Authorization: Bearer`` or ``X-API-Key``; 401 and 403 as problems."""
    key = bearer.credentials if bearer else header
    found = _authenticated(request.app.state.engine, key) if key else None
    if found is None:
        raise _unauthorized(bool(key))
    if not found.writes and request.method not in READING:
        detail = f"The key {found.name!r} may only read. Use one that was made with writing."
        raise Problem(403, detail)
    return found


Asking = Annotated[Principal, Depends(principal)]


def transaction(request: Request, _asking: Asking) -> Iterator[Session]:
    """A session on the registry: committed before the answer goes out, rolled back on an error.

    Only for who may do what is asked: on SQLite a transaction that writes keeps others waiting.
    """
    begun = registry.reading if request.method in READING else registry.writing
    with begun(request.app.state.engine) as session:
        yield session


Transaction = Annotated[Session, Depends(transaction, scope="function")]


def _authenticated(engine: Engine, key: str) -> Principal | None:
    with registry.reading(engine) as session:
        return registry.authenticate(session, key)


def _unauthorized(given: bool) -> Problem:
    said = "The key is not known or was revoked" if given else "The request has no key"
    detail = f"{said}. Send one of yours as 'Authorization: Bearer dunnage_…' or 'X-API-Key: …'."
    challenge = 'Bearer realm="dunnage"' + (', error="invalid_token"' if given else "")
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})
