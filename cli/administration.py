"""What an operator does now and then: tenants, keys, unknown tags, dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, select

from lots import registry
from lots.clock import Clock
from lots.model import DeadLetter
from lots.records import TagRecord
from lots.refusals import Missing
from lots.settings import load

_console = Console()


@contextmanager
def _database() -> Iterator[Engine]:
    engine = registry.connect(load().registry)
    try:
        registry.migrate(engine)
        yield engine
    finally:
        engine.dispose()


def add_tenant(tenant: str, name: str) -> None:
    with _database() as engine, registry.writing(engine) as session:
        registry.create_tenant(session, tenant, name)
    _console.print(f"tenant {tenant}")


def list_tenants() -> None:
    with _database() as engine, registry.reading(engine) as session:
        for tenant in registry.tenants(session):
            _console.print(tenant, markup=False)


def add_key(name: str, tenant: str, writes: bool) -> None:
    """Prints the key alone on standard output, so that it can be captured."""
    with _database() as engine, registry.writing(engine) as session:
        if tenant == "default" and "default" not in registry.tenants(session):
            registry.create_tenant(session, "default", "default")
        print(registry.create_key(session, tenant, name, writes, Clock().now_ms()))


def revoke_key(name: str, tenant: str) -> None:
    with _database() as engine, registry.writing(engine) as session:
        count = registry.revoke_keys(session, tenant, name, Clock().now_ms())
    if not count:
        raise Missing(f"tenant {tenant} has no open key of the name {name!r}")
    _console.print(f"{count} revoked")


def list_unknown_tags(tenant: str) -> None:
    with _database() as engine, registry.reading(engine) as session:
        found = registry.unknown_tags(session, tenant)
    if not found:
        _console.print(f"no unknown tags report for tenant {tenant}")
        return
    table = Table("tag", "readings", "first heard (UTC)", "last heard (UTC)", "last values")
    for row in found:
        values = ", ".join(f"{name} {value:g}" for name, value in row.last_values.items())
        table.add_row(
            row.tag, str(row.readings), _time(row.first_seen), _time(row.last_seen), values
        )
    _console.print(table)
    _console.print("adopt one with: dunnage tags adopt TAG; then bind it to a lot or a place")


def adopt_tag(tag: str, tenant: str, interval: int) -> None:
    with _database() as engine, registry.writing(engine) as session:
        known = {row.tag for row in registry.unknown_tags(session, tenant)}
        if tag not in known:
            raise Missing(
                f"no tag {tag!r} reports unregistered for tenant {tenant}: see `dunnage tags "
                "unknown`, or register it with `dunnage import tags`"
            )
        registry.put(session, tenant, "tags", TagRecord(id=tag, interval_s=interval))
    _console.print(f"tag {tag} is registered: bind it with `dunnage import bindings`")


def list_dead_letters(tenant: str | None, limit: int) -> None:
    query = select(DeadLetter).order_by(DeadLetter.received.desc()).limit(limit)
    if tenant is not None:
        query = query.where(DeadLetter.tenant == tenant)
    with _database() as engine, registry.reading(engine) as session:
        found = session.scalars(query).all()
    if not found:
        _console.print("no dead letters")
        return
    table = Table("id", "received (UTC)", "topic", "reason")
    for row in found:
        table.add_row(row.id, _time(row.received), row.topic, row.reason)
    _console.print(table)


def show_dead_letter(letter: str) -> None:
    with _database() as engine, registry.reading(engine) as session:
        row = session.get(DeadLetter, letter)
    if row is None:
        raise Missing(f"there is no dead letter {letter!r}: see `dunnage dead-letters list`")
    _console.print(f"received {_time(row.received)} UTC on {row.topic}", markup=False)
    _console.print(f"reason: {row.reason}", markup=False)
    print(row.payload.decode("utf-8", "backslashreplace"))


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
