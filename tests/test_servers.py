"""The servers that the other tests stand on: what they keep through a kill, and how they fail."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.family import descendants, runs
from tests.servers import (
    InfluxDB,
    Missing,
    Mosquitto,
    NotStarted,
    PostgreSQL,
    Server,
    VictoriaMetrics,
    find_program,
)


def test_influxdb_keeps_its_port_and_its_databases_through_a_kill(own_influxdb: InfluxDB) -> None:
    own_influxdb.query('CREATE DATABASE "kept"')
    url = own_influxdb.url
    own_influxdb.kill()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/ping")
    own_influxdb.start()
    assert own_influxdb.url == url
    assert '"kept"' in own_influxdb.query("SHOW DATABASES").text


def test_postgresql_keeps_its_port_and_its_rows_through_a_kill(own_postgresql: PostgreSQL) -> None:
    with psycopg.connect(own_postgresql.connection(), autocommit=True) as connection:
        connection.execute("create table kept (n int)")
    own_postgresql.kill()
    own_postgresql.start()
    with psycopg.connect(own_postgresql.connection()) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_postgresql_is_killed_with_all_its_processes(own_postgresql: PostgreSQL) -> None:
    """Also one that is busy, and would not notice for long that the others are gone."""
    with closing(psycopg.connect(own_postgresql.connection(), autocommit=True)) as connection:
        connection.execute("set statement_timeout = '20s'")
        backend = connection.info.backend_pid
        connection.pgconn.send_query(b"do $$ begin loop end loop; end $$")
        connection.pgconn.flush()
        time.sleep(0.1)
        assert own_postgresql.process is not None
        family = descendants(own_postgresql.process)
        assert backend in family
        assert len(family) > 3
        own_postgresql.kill()
        assert not [pid for pid in family if runs(pid)]
    own_postgresql.start()


def test_postgres_databases_are_empty(postgres_url: str) -> None:
    plain = postgres_url.replace("+psycopg", "")
    with psycopg.connect(plain) as connection:
        found = connection.execute("select 1 from pg_tables where schemaname = 'public'")
        assert found.fetchone() is None


def test_mosquitto_restarts_on_its_port(own_mosquitto: Mosquitto) -> None:
    url = own_mosquitto.url
    assert own_mosquitto.restart().url == url
    assert own_mosquitto.running


def test_victoria_metrics_answers(victoria_metrics: VictoriaMetrics) -> None:
    assert httpx.get(f"{victoria_metrics.url}/health").text == "OK"


def test_a_paused_server_answers_nothing_until_it_is_resumed(own_influxdb: InfluxDB) -> None:
    own_influxdb.pause()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{own_influxdb.url}/ping", timeout=0.3)
    own_influxdb.resume()
    assert httpx.get(f"{own_influxdb.url}/ping").status_code == 204


def test_leaving_stops_the_server_and_removes_its_folder() -> None:
    with _Shell("sleep 60") as server:
        folder = server.folder
    assert not server.running
    assert not folder.exists()


def test_a_server_that_ends_at_once_shows_its_log() -> None:
    server = _Shell("echo the port is taken; exit 3", answers=False)
    with pytest.raises(NotStarted, match=r"ended with 3 at once:\nthe port is taken"), server:
        pass
    assert not server.folder.exists()


def test_a_server_deaf_to_a_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.servers.STOP_SECONDS", 0.2)
    with _Shell("trap '' TERM; echo deaf; while true; do sleep 0.05; done") as server:
        while "deaf" not in server.log():
            time.sleep(0.01)
    assert not server.running


ORPHAN = """
import os, signal
from tests.servers import InfluxDB

server = InfluxDB().start()
print(server.folder, server.url, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_ends_with_tests_that_are_killed(influxdb: InfluxDB) -> None:
    root = Path(__file__).parents[1]
    killed = subprocess.run(
        [sys.executable, "-c", ORPHAN], cwd=root, capture_output=True, text=True, check=False
    )
    folder, url = killed.stdout.split()
    deadline = time.monotonic() + 10
    while Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/ping")


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(Missing, match="apt-get install no-such-package"):
        find_program("no-such-program", "no-such-package")


class _Shell(Server):
    program = "sh"
    package = "dash"

    def __init__(self, script: str, *, answers: bool = True) -> None:
        super().__init__()
        self._script = script
        self._ready = answers

    def _command(self) -> Sequence[str | Path]:
        return [self.executable, "-c", self._script]

    def _answers(self) -> bool:
        return self._ready
