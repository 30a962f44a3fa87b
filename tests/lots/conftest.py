"""The registry on both databases, and a tenant for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from lots import registry
from tests.lots.world import World


@pytest.fixture(scope="session")
def sqlite_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = registry.connect(f"sqlite:///{tmp_path_factory.mktemp('registry')}/registry.sqlite")
    registry.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_engine(postgresql: Any) -> Iterator[Engine]:
    name = f"registry{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql.connection(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    engine = registry.connect(postgresql.database_url(name))
    registry.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each database in turn; tests keep apart by their tenants."""
    name = "sqlite_engine" if request.param == "sqlite" else "postgres_engine"
    found = request.getfixturevalue(name)
    assert isinstance(found, Engine)
    return found


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> str:
    """The address of a database without tables, of each kind in turn."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/folder/registry.sqlite"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with registry.writing(engine) as session:
        yield session


@pytest.fixture
def world(session: Session, unique_name: str) -> World:
    """An own tenant with a site, two bays and a container, a customer, tags and lots."""
    registry.create_tenant(session, unique_name, "Own")
    return World(session, unique_name).furnished()
