"""The servers, started once a session where a test asks for them, and a clean corner for each."""

from __future__ import annotations

import os
import secrets
import subprocess
import uuid
from collections.abc import Iterator
from typing import TypeVar

import hypothesis
import psycopg
import pytest
from psycopg import sql

from tests.firmware import micropython
from tests.servers import InfluxDB, Missing, Mosquitto, PostgreSQL, Server, VictoriaMetrics

AnyServer = TypeVar("AnyServer", bound=Server)

# What an example takes says nothing where the first one has something to compile; and an example
# that failed is printed, so that it can be tried again.
hypothesis.settings.register_profile("dunnage", deadline=None, print_blob=True)
hypothesis.settings.load_profile("dunnage")

SEED = "HYPOTHESIS_SEED"
"""The variable of all that hypothesis draws in this run; several workers inherit it."""

LONGEST = ("whole", "faults", "operations", "cli")


@pytest.hookimpl(tryfirst=True)  # before hypothesis looks at its option
def pytest_configure(config: pytest.Config) -> None:
    """A seed of this run's own, where none was asked for."""
    if config.option.hypothesis_seed is None:
        drawn = os.environ.setdefault(SEED, str(secrets.randbelow(1 << 32)))
        config.option.hypothesis_seed = drawn


def pytest_report_header(config: pytest.Config) -> str:
    return repeated(config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What -q leaves out of the header: how to repeat what failed, and what the firmware ran in."""
    if terminalreporter.stats.get("failed"):
        terminalreporter.write_line(repeated(terminalreporter.config))
    passed = terminalreporter.stats.get("passed", [])
    if any(report.nodeid.startswith("tests/firmware/") for report in passed):
        terminalreporter.write_line(f"the firmware ran in {micropython.version()}")


def repeated(config: pytest.Config) -> str:
    """How to draw the same once more."""
    return f"drawn by hypothesis: repeat with --hypothesis-seed={config.option.hypothesis_seed}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several workers share the tests, what takes long and mostly waits comes first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        order = {folder: number for number, folder in enumerate(LONGEST)}
        items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))


def make(kind: type[AnyServer]) -> AnyServer:
    """A server that is not started yet; without its program the test skips, under CI it fails."""
    try:
        return kind()
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (under CI nothing is skipped)")
        pytest.skip(str(missing))


@pytest.fixture
def unique_name() -> str:
    """A word nobody else has: for a tenant, a topic, a client id, a database."""
    return f"t{uuid.uuid4().hex[:16]}"


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[Mosquitto]:
    """One broker for all: use topics and client ids made of `unique_name`."""
    with make(Mosquitto) as server:
        yield server


@pytest.fixture
def own_mosquitto() -> Iterator[Mosquitto]:
    """A broker for this test alone, to stop and to kill."""
    with make(Mosquitto) as server:
        yield server


@pytest.fixture
def encrypted(own_mosquitto: Mosquitto) -> Mosquitto:
    """A broker with a certificate of its own."""
    own_mosquitto.stop()
    folder = own_mosquitto.folder
    made = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out ca.pem"
    )
    subprocess.run(made.split(), cwd=folder, check=True, capture_output=True)
    with (folder / "mosquitto.conf").open("a") as conf:
        conf.write(f"certfile {folder}/ca.pem\nkeyfile {folder}/key.pem\n")
    return own_mosquitto.start()


@pytest.fixture(scope="session")
def influxdb() -> Iterator[InfluxDB]:
    """One InfluxDB for all: take a database of your own from `influx_url`."""
    with make(InfluxDB) as server:
        yield server


@pytest.fixture
def own_influxdb() -> Iterator[InfluxDB]:
    """An InfluxDB for this test alone, to stop and to kill."""
    with make(InfluxDB) as server:
        yield server


@pytest.fixture
def influx_url(influxdb: InfluxDB, unique_name: str) -> Iterator[str]:
    """Of an empty database, for `open_store`."""
    influxdb.query(f'CREATE DATABASE "{unique_name}"')
    yield influxdb.store_url(unique_name)
    influxdb.query(f'DROP DATABASE "{unique_name}"')


@pytest.fixture(scope="session")
def victoria_metrics() -> Iterator[VictoriaMetrics]:
    with make(VictoriaMetrics) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One cluster for all: take a database of your own from `postgres_url`."""
    with make(PostgreSQL) as server:
        yield server


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """A cluster for this test alone, to stop and to kill."""
    with make(PostgreSQL) as server:
        yield server


@pytest.fixture
def postgres_url(postgresql: PostgreSQL, unique_name: str) -> Iterator[str]:
    """SQLAlchemy's URL of an empty database."""
    database = sql.Identifier(unique_name)
    with psycopg.connect(postgresql.connection(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
    yield postgresql.database_url(unique_name)
    with psycopg.connect(postgresql.connection(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
