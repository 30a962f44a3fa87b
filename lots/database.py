"""Connecting to the registry's database, and bringing its tables up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from lots.fields import on_one_line
from lots.settings import SettingsError

BUSY_MS = 30_000
"""How long SQLite waits for another process's write, ms."""

MIGRATION_LOCK = 0x64756E6E  # any number that nobody else locks in this database

_WRITES = "dunnage_writes"


class RegistryUnusable(SettingsError):
    """The registry's database cannot be had as it is; the message has its words and the remedy."""


def connect(url: str) -> Engine:
    """An engine for ``sqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``; connects later.

    Raises `SettingsError` for any other address. The folder of a SQLite file is made; raises
    `RegistryUnusable` where it cannot be.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # whose words may have a password in them, as the URL may
        raise _unusable("is no address") from None
    if parsed.drivername == "sqlite":
        return _sqlite(parsed)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    raise _unusable(f"is {_shown(parsed)!r}")


def writer(engine: Engine) -> Engine:
    """The same engine, whose transactions will write: SQLite then locks when they begin."""
    return engine.execution_options(**{_WRITES: True})


def reader(engine: Engine) -> Engine:
    """The same engine, whose transactions see one moment and write nothing.

    On PostgreSQL each statement would see what was committed before it; SQLite has one moment by
    itself, and its transactions stay as they are.
    """
    if engine.dialect.name != "postgresql":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def migrate(engine: Engine) -> None:
    """Bring the tables to what this version wants. Two at once do it one after the other.

    Raises `RegistryUnusable`.
    """
    try:
        _migrate(engine)
    except DBAPIError as error:
        raise RegistryUnusable(
            f"the registry's database {_shown(engine.url)} cannot be used"
            f" ({on_one_line(error.orig)}): {_remedy(engine)}, or look at DUNNAGE_REGISTRY_URL or"
            " registry_url in dunnage.toml"
        ) from error
    except CommandError as error:
        raise RegistryUnusable(
            f"the registry's database {_shown(engine.url)} is of another version of Dunnage"
            f" ({on_one_line(error)}): run that one, or name another database with"
            " DUNNAGE_REGISTRY_URL or registry_url in dunnage.toml"
        ) from error


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", _escaped(Path(__file__).parent / "migrations"))
    with writer(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            lock = text("select pg_advisory_xact_lock(:key)")
            connection.execute(lock, {"key": MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _sqlite(url: URL) -> Engine:
    options: dict[str, Any] = {}
    if url.database in (None, "", ":memory:"):
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    else:
        _make_folder(Path(str(url.database)).parent)
    engine = create_engine(url, **options)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegistryUnusable(
            f"the registry's folder {folder} cannot be made ({error.strerror}): let us write there,"
            " or name another with DUNNAGE_DATA or data in dunnage.toml (registry_url, where set)"
        ) from error


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions late, on its own
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    _use_wal(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: Any) -> None:
    """Processes that start together may do so at once, and for this SQLite waits for nobody."""
    patience = monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > patience:
                raise
            sleep(0.02)
        else:
            return


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _remedy(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return "see that it is a file of ours where we may write"
    return "start it"


def _unusable(why: str) -> SettingsError:
    return SettingsError(
        f"DUNNAGE_REGISTRY_URL or registry_url in dunnage.toml {why}: write"
        " sqlite:///path/to/file or postgresql://user:password@host/database"
    )
