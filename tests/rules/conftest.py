"""A registry on each database, emptied for every test, and a desk that works on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from lots import registry
from lots.model import Base
from tests.rules.desk import Desk


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def tables(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The registry's tables, made once for each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('rules') / 'registry.sqlite'}"
    else:
        server = request.getfixturevalue("postgresql")
        name = f"rules{uuid.uuid4().hex[:16]}"
        with psycopg.connect(server.connection(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = server.database_url(name)
    engine = registry.connect(url)
    registry.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def database(tables: Engine) -> Iterator[Engine]:
    """An empty registry."""
    yield tables
    with registry.writing(tables) as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())


@pytest.fixture
def desk(database: Engine, tmp_path: Path) -> Iterator[Desk]:
    """A tenant with one lot in a bay and a tag on it; its evaluator is to be started."""
    with Desk(database, tmp_path) as found:
        yield found.furnished()
