"""Marks of stale rollups, in both databases that the registry may be in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from lots import database, registry
from lots.clock import DAY_MS, HOUR_MS
from lots.readings import rollup_marks
from lots.readings.batch import TagKey
from lots.readings.rollup_marks import OPEN, Span, Stale, apart, days_of

A, B = TagKey("acme", "a"), TagKey("acme", "b")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    engine = registry.connect(url)
    registry.migrate(engine)
    yield engine
    engine.dispose()


def mark(engine: Engine, *spans: Span) -> None:
    with registry.writing(engine) as session:
        rollup_marks.mark(session, HOUR_MS, spans)


def due(engine: Engine, before: int = OPEN, limit: int = 100) -> list[Stale]:
    with registry.reading(engine) as session:
        return rollup_marks.due(session, HOUR_MS, before, limit)


def test_the_newest_that_are_due_come_first(engine: Engine) -> None:
    mark(engine, Span(A, 0, 0), Span(B, 5 * HOUR_MS, OPEN), Span(A, 9 * HOUR_MS, 9 * HOUR_MS))
    assert due(engine, 9 * HOUR_MS) == [
        Stale(Span(B, 5 * HOUR_MS, OPEN), 1),
        Stale(Span(A, 0, 0), 1),
    ]
    assert [stale.span.start for stale in due(engine, limit=1)] == [9 * HOUR_MS]


def test_a_mark_that_grew_meanwhile_is_not_removed(engine: Engine) -> None:
    mark(engine, Span(A, 0, 0), Span(B, 0, 0))
    made = due(engine)
    mark(engine, Span(A, 0, 2 * HOUR_MS), Span(A, 0, HOUR_MS))
    with registry.writing(engine) as session:
        rollup_marks.done(session, HOUR_MS, made)
    assert due(engine) == [Stale(Span(A, 0, 2 * HOUR_MS), 2)]


def test_a_long_span_is_made_from_its_end(engine: Engine) -> None:
    mark(engine, Span(A, 0, OPEN), Span(B, 0, OPEN))
    made = due(engine)
    mark(engine, Span(B, 0, 0))
    with registry.writing(engine) as session:
        rollup_marks.shorten(session, HOUR_MS, [(stale, 7 * HOUR_MS) for stale in made])
    assert sorted(due(engine)) == [
        Stale(Span(A, 0, 7 * HOUR_MS), 1),
        Stale(Span(B, 0, OPEN), 2),
    ]


def test_what_is_stale_of_a_tag_in_a_span(engine: Engine) -> None:
    mark(engine, Span(A, 2 * HOUR_MS, 4 * HOUR_MS), Span(B, 9 * HOUR_MS, OPEN))
    hour = HOUR_MS

    def found(begins: int, ends: int, *tags: str) -> list[str]:
        with registry.reading(engine) as session:
            return sorted(rollup_marks.stale_of(session, "acme", tags, hour, begins, ends))

    assert found(4 * hour, 5 * hour, "a", "b") == ["a"]
    assert found(5 * hour, 9 * hour, "a", "b") == []
    assert found(0, 10**15, "b") == ["b"]
    assert found(0, 2 * hour, "a") == []


def test_days_of_hours() -> None:
    hours = [Span(A, DAY_MS - HOUR_MS, DAY_MS + HOUR_MS)]
    assert days_of(hours, 3 * DAY_MS) == [Span(A, 0, DAY_MS)]


def test_what_is_not_over_waits_alone() -> None:
    assert apart(Span(A, 0, 4), 1, 3) == [Span(A, 0, 2), Span(A, 3, 3), Span(A, 4, 4)]
    assert apart(Span(A, 0, 2), 1, 3) == [Span(A, 0, 2)]
    assert apart(Span(A, 3, 4), 1, 3) == [Span(A, 3, 3), Span(A, 4, 4)]
    assert apart(Span(A, 9, 9), 1, 3) == [Span(A, 9, 9)]


def test_a_span_is_due_when_the_last_of_it_is(engine: Engine) -> None:
    mark(engine, Span(A, 0, 2 * HOUR_MS), Span(B, 0, OPEN))
    assert [stale.span.tag for stale in due(engine, 2 * HOUR_MS)] == [B]
    assert [stale.span.tag for stale in due(engine, 3 * HOUR_MS)] == [A, B]


def test_what_was_kept_before_there_were_rollups_gets_them(tmp_path: Path) -> None:
    engine = registry.connect(f"sqlite:///{tmp_path / 'older.sqlite'}")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(text("insert into tenants values ('acme', 'Acme', 0)"))
        connection.execute(
            text("insert into tags (tenant, id, interval_s) values ('acme', 'a', 600)")
        )
        connection.execute(
            text("insert into tags (tenant, id, interval_s) values ('acme', 'b', 600)")
        )
        unknown = "insert into unknown_tags values ('acme', 'stray', 1, 2, 3, '{}')"
        connection.execute(text(unknown))
    registry.migrate(engine)
    spans = [Span(TagKey("acme", tag), 0, OPEN) for tag in ("a", "b", "stray")]
    assert due(engine) == [Stale(span, 1) for span in spans]
    engine.dispose()
