"""What formats remember, in the registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ingest.formats import Memory
from ingest.memories import Memories
from ingest.notes import keep
from lots import registry


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = registry.connect(url)
    registry.migrate(engine)
    yield engine
    engine.dispose()


def test_two_threads_write_the_same_and_of_one_ms_the_greater_stays(database: Engine) -> None:
    memory = Memory()
    one, another = Memories(memory), Memories(memory)
    for value in (b"b", b"c", b"a"):
        memory.remember("x", 5, value)
    with registry.writing(database) as session:
        one.write(session)
    memory.remember("y", 6, b"y")
    keep(database, [another])
    one.clear()
    keep(database, [one])
    assert memory.fresh() == []
    again = Memory()
    with registry.reading(database) as session:
        Memories(again).restore(session)
    assert again.history("x", 9) == [(5, b"c")] == memory.history("x", 9)[:1]
    assert again.recall("y", 9) == b"y"
