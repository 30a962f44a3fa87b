"""Connecting, and tables that are what the models say."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Column, inspect, text
from sqlalchemy.exc import IntegrityError

from lots import registry
from lots.database import RegistryUnusable
from lots.model import Base
from lots.settings import SettingsError


def _differ(
    _context: object,
    _there: object,
    meant: Column[Any],
    default: str | None,
    _meant_default: object,
    rendered: str,
) -> bool | None:
    """PostgreSQL cannot compare JSON: so the texts are; None: as it compares all else."""
    if default is None or not isinstance(meant.type, JSON):
        return None
    return default.removesuffix("::json").strip("'") != rendered.strip("'")


def test_the_migrations_make_what_the_models_say(empty_url: str) -> None:
    engine = registry.connect(empty_url)
    registry.migrate(engine)
    registry.migrate(engine)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": _differ}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
        indexes = {index["name"]: index for index in inspect(connection).get_indexes("alerts")}
    where = indexes["uq_alerts_open"]["dialect_options"]
    assert indexes["uq_alerts_open"]["unique"]
    assert any("cleared IS NULL" in str(value) for value in where.values())
    engine.dispose()


def test_one_alert_of_a_rule_is_open_for_a_lot(empty_url: str) -> None:
    engine = registry.connect(empty_url)
    registry.migrate(engine)
    insert = text(
        "insert into alerts (id, tenant, lot, rule, severity, opened, cleared, withdrawn, revised,"
        " numbers, title, action) values (:id, 't', 'l', 'sweat', 'warning', 1, :cleared, null,"
        " false, '{}', '', '')"
    )
    with registry.writing(engine) as session:
        registry.create_tenant(session, "t", "T")
        fields = {
            "id": "l",
            "commodity": "lead",
            "form": "ingot",
            "net_mass_kg": 1,
            "packaging": "strapped",
        }
        registry.put(session, "t", "lots", registry.KINDS["lots"].model_validate(fields))
        session.execute(insert, {"id": "1", "cleared": 2})
        session.execute(insert, {"id": "2", "cleared": None})
    with pytest.raises(IntegrityError), registry.writing(engine) as session:
        session.execute(insert, {"id": "3", "cleared": None})
    engine.dispose()


def test_two_processes_may_migrate_at_once(empty_url: str) -> None:
    program = (
        "import sys; from lots import registry;"
        "registry.migrate(registry.connect(sys.argv[1])); print('done')"
    )
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_url],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in running:
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, out.strip()) == (0, b"done"), errors.decode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "registry.sqlite",
        "mysql://host/x",
        "sqlite+aiosqlite:///x",
        "postgresql+psycopg2://h/d",
        "postgresql://h:port/d",
    ],
)
def test_an_address_that_cannot_be_names_the_setting_and_the_remedy(url: str) -> None:
    with pytest.raises(SettingsError, match=r"DUNNAGE_REGISTRY_URL.*sqlite:///.*postgresql://"):
        registry.connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:secret@host/x",
        "postgresql//user:secret@host/x",
        "user:secret@host/x",
        "postgresql://user:secret@host:port/x",
    ],
)
def test_the_password_of_an_address_is_not_told(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        registry.connect(url)
    assert "secret" not in str(caught.value)


def test_a_sqlite_writer_waits_for_its_turn(tmp_path: Path) -> None:
    engine = registry.connect(f"sqlite:///{tmp_path}/registry.sqlite")
    registry.migrate(engine)
    writing, finished = threading.Event(), threading.Event()

    def slow() -> None:
        with registry.writing(engine) as session:
            registry.create_tenant(session, "slow", "T")
            writing.set()
            finished.wait(0.3)

    thread = threading.Thread(target=slow)
    thread.start()
    writing.wait()
    with registry.reading(engine) as session:
        assert registry.tenants(session) == [], "readers do not wait"
    with registry.writing(engine) as session:
        registry.create_tenant(session, "next", "T")
        assert registry.tenants(session) == ["next", "slow"]
    thread.join()
    with engine.connect() as connection:
        for pragma, value in [("journal_mode", "wal"), ("foreign_keys", 1)]:
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    engine.dispose()


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 1000)
    engine = registry.connect(f"sqlite:///{tmp_path / 'notes.txt'}")
    with pytest.raises(RegistryUnusable, match=r"notes\.txt.*not a database.*registry_url"):
        registry.migrate(engine)
    engine.dispose()


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    engine = registry.connect("postgresql://x:secret@127.0.0.1:9/x")
    with pytest.raises(RegistryUnusable, match=r"127\.0\.0\.1:9.*registry_url") as told:
        registry.migrate(engine)
    assert "secret" not in str(told.value)
    engine.dispose()


def test_a_database_of_a_later_version_is_told(empty_url: str) -> None:
    engine = registry.connect(empty_url)
    registry.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'later'"))
    with pytest.raises(RegistryUnusable, match=r"another version of Dunnage.*registry_url"):
        registry.migrate(engine)
    engine.dispose()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RegistryUnusable, match="DUNNAGE_DATA"):
        registry.connect(f"sqlite:///{tmp_path / 'file' / 'data' / 'registry.sqlite'}")
