"""What an operator does now and then: tenants, keys, unknown tags."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cli.import_ import DEFAULT_TENANT
from cli.terminal import plain, table
from lots import registry
from lots.clock import Clock
from lots.records import TagRecord
from lots.refusals import Missing, RegistryError
from lots.settings import load


@contextmanager
def database() -> Iterator[Engine]:
    """The registry of the settings, with its tables up to date."""
    engine = registry.connect(load().registry)
    try:
        registry.migrate(engine)
        yield engine
    finally:
        engine.dispose()


def add_tenant(tenant: str, name: str) -> None:
    with database() as engine, registry.writing(engine) as session:
        registry.create_tenant(session, tenant, name)
    print(f"tenant {plain(tenant)}")


def list_tenants() -> None:
    with database() as engine, registry.reading(engine) as session:
        found = registry.tenants(session)
    for tenant in found:
        print(plain(tenant))


def add_key(name: str, tenant: str, writes: bool) -> None:
    """Prints the key alone on standard output, so that it can be captured."""
    with database() as engine, registry.writing(engine) as session:
        if tenant == DEFAULT_TENANT and tenant not in registry.tenants(session):
            registry.create_tenant(session, tenant, tenant)
        _require(session, tenant)
        key = registry.create_key(session, tenant, name, writes, Clock().now_ms())
    print(key)


def revoke_key(name: str, tenant: str) -> None:
    with database() as engine, registry.writing(engine) as session:
        _require(session, tenant)
        count = registry.revoke_keys(session, tenant, name, Clock().now_ms())
    if not count:
        raise Missing(f"tenant {plain(tenant)} has no open key of the name {name!r}")
    print(f"{count} revoked")


def list_unknown_tags(tenant: str) -> None:
    with database() as engine, registry.reading(engine) as session:
        _require(session, tenant)
        found = registry.unknown_tags(session, tenant)
    if not found:
        print(f"no unknown tags report for tenant {plain(tenant)}")
        return
    rows = []
    for row in found:
        values = ", ".join(f"{name} {value:g}" for name, value in row.last_values.items())
        seen = (_time(row.first_seen), _time(row.last_seen))
        rows.append((row.tag, str(row.readings), *seen, values))
    table(("tag", "readings", "first heard (UTC)", "last heard (UTC)", "last values"), rows)
    told = "adopt one with: dunnage tags adopt TAG; then bind it to a lot or a place"
    print(told, file=sys.stderr)


def adopt_tag(tag: str, tenant: str, interval: int) -> None:
    with database() as engine, registry.writing(engine) as session:
        _require(session, tenant)
        known = {row.tag for row in registry.unknown_tags(session, tenant)}
        if tag not in known:
            raise Missing(
                f"no tag {tag!r} reports unregistered for tenant {plain(tenant)}: see "
                "`dunnage tags unknown`, or register it with `dunnage import tags`"
            )
        try:
            record = TagRecord(id=tag, interval_s=interval)
        except ValidationError as error:
            why = error.errors()[0]["msg"]
            raise RegistryError(f"tag {tag!r} cannot be registered: {why}") from error
        registry.put(session, tenant, "tags", record)
    print(f"tag {plain(tag)} is registered: bind it with `dunnage import bindings`")


def require(session: Session, tenant: str, kind: str, name: str | None) -> None:
    """That there is such a tenant, and (None: any) such a thing of theirs, where nothing was found:
    a slip of the hand is not good news. Raises `Missing`."""
    if tenant != DEFAULT_TENANT:
        _require(session, tenant)
    if name is not None and registry.get(session, tenant, kind, name) is None:
        raise Missing(f"there is no {kind.removesuffix('s')} {plain(name)!r} of tenant {tenant}")


def _require(session: Session, tenant: str) -> None:
    if tenant not in registry.tenants(session):
        raise Missing(
            f"there is no tenant {tenant!r}: see `dunnage tenants list`, or make it with "
            "`dunnage tenants add`"
        )


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
