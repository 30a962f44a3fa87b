"""Tenants, and the keys that open them."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from lots.fields import Id, Text
from lots.model import ApiKey, Tenant
from lots.refusals import Missing, RegistryError

KEY_PREFIX = "dunnage_"
KEY_BYTES = 32


class Principal(NamedTuple):
    """Who asks: a key's tenant and name, and whether it may change anything."""

    tenant: str
    name: str
    writes: bool


def create_tenant(session: Session, id: str, name: str) -> None:  # noqa: A002
    """Make a tenant; one that is there keeps what it has and gets the name.

    Raises `RegistryError` for an id that cannot stand in a topic.
    """
    try:
        known_as = TypeAdapter(Id).validate_python(id)
        called = TypeAdapter(Text).validate_python(name)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise RegistryError(f"{id!r} cannot be a tenant: {why}", "tenant") from error
    session.merge(Tenant(id=known_as, name=called))
    session.flush()


def tenants(session: Session) -> list[str]:
    """The ids of all tenants."""
    return list(session.scalars(select(Tenant.id).order_by(Tenant.id)))


def create_key(session: Session, tenant: str, name: str, writes: bool, now: int) -> str:
    """A new key for ``tenant``. It is told this once: only its hash is kept."""
    if session.get(Tenant, tenant) is None:
        raise Missing(f'there is no tenant "{tenant}": create it first', "tenant")
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    session.add(ApiKey(hash=hashed(key), tenant=tenant, name=name, writes=writes, created=now))
    session.flush()
    return key


def authenticate(session: Session, key: str) -> Principal | None:
    """Whose key it is; None for one that never was or that is revoked.

    Looking up a hash of a random key tells an attacker nothing by the time it takes.
    """
    found = session.get(ApiKey, hashed(key))
    if found is None or found.revoked is not None:
        return None
    return Principal(found.tenant, found.name, found.writes)


def revoke_keys(session: Session, tenant: str, name: str, now: int) -> int:
    """Close the keys of that name; returns how many were open."""
    query = select(ApiKey).where(
        ApiKey.tenant == tenant, ApiKey.name == name, ApiKey.revoked.is_(None)
    )
    keys = session.scalars(query).all()
    for key in keys:
        key.revoked = now
    session.flush()
    return len(keys)


def hashed(key: str) -> str:
    """What is kept of a key. It is random enough that a plain hash cannot be turned round."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
