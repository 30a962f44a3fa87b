"""What is wrong with the settings is told at the start: the place, the remedy, status 1."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.parts import journal_of, routes_of, rules_of, store_of
from ingest.journal import Journal
from lots.errors import UserError
from lots.settings import Settings, Subscription
from tests.cli.shell import Shell, refused


@pytest.fixture
def busy() -> Iterator[str]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@pytest.mark.parametrize("command", ["worker", "api", "run", "broker", "tenants list"])
def test_settings_that_cannot_be_read(shell: Shell, command: str) -> None:
    (shell.folder / "dunnage.toml").write_text("api_prot = 1")
    message = shell.refusal(*command.split())
    assert message.startswith("dunnage: ")
    assert "api_prot in dunnage.toml: there is no such setting" in message


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("BROKER_URL", "http://h", "DUNNAGE_BROKER_URL"),
        ("BROKER_URL", "mqtts://h?ca=/nowhere", "PEM"),
        ("REGISTRY_URL", "mysql://h/d", "DUNNAGE_REGISTRY_URL"),
        ("REGISTRY_URL", "postgresql://u:secret@127.0.0.1:9/d", "start it"),
        ("READINGS_URL", "mysql://h/d", "DUNNAGE_READINGS_URL"),
        ("WEBHOOK_SECRET", "abc", "whsec_"),
        ("PACKS", "/nowhere", "DUNNAGE_PACKS"),
        ("DATA", "/dev/null/data", "DUNNAGE_DATA"),
    ],
)
def test_a_worker_without_what_it_needs(shell: Shell, setting: str, value: str, told: str) -> None:
    quiet = {"DUNNAGE_WORKER_PORT": "0", "DUNNAGE_BROKER_URL": "mqtt://127.0.0.1:9"}
    message = shell.refusal("worker", **(quiet | {f"DUNNAGE_{setting}": value}))
    assert message.startswith("dunnage: ")
    assert told in message
    assert "secret@" not in message


def test_ports_that_are_taken(shell: Shell, busy: str) -> None:
    settings = {"DUNNAGE_WORKER_PORT": busy, "DUNNAGE_API_PORT": busy, "DUNNAGE_BROKER_PORT": busy}
    for command, name in (("worker", "DUNNAGE_WORKER_PORT"), ("api", "DUNNAGE_API_PORT")):
        message = shell.refusal(command, **settings)
        assert busy in message
        assert name in message
    assert "--port" in refused(shell.process("broker", "--port", busy))
    assert "broker_port" in refused(shell.process("run", **settings))
    elsewhere = settings | {"DUNNAGE_BROKER_URL": "mqtt://127.0.0.1:9"}
    assert "DUNNAGE_API_PORT" in refused(shell.process("run", **elsewhere))


def test_a_part_that_cannot_start_ends_all_with_its_reason(shell: Shell) -> None:
    settings = {
        "DUNNAGE_BROKER_URL": "mqtt://me:secret@127.0.0.1:9",
        "DUNNAGE_WORKER_PORT": "0",
        "DUNNAGE_API_PORT": "0",
        "DUNNAGE_WEBHOOK_SECRET": "abc",
    }
    last = refused(shell.process("run", **settings)).splitlines()[-1]
    assert last.startswith("dunnage: the worker ended with status 1 at its start: DUNNAGE_WEBHOOK")


def test_two_workers_of_one_folder(shell: Shell) -> None:
    settings = {"DUNNAGE_BROKER_URL": "mqtt://127.0.0.1:9", "DUNNAGE_WORKER_PORT": "0"}
    journal = Journal(shell.folder / "data" / "journal")
    message = refused(shell.process("worker", **settings))
    journal.close()
    assert str(shell.folder / "data" / "journal") in message


@pytest.mark.parametrize("text", ["rules: [1,", "pack: 1", ""])
def test_packs_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError, match=r"DUNNAGE_PACKS.*mine\.yaml"):
        rules_of(Settings(packs=tmp_path))


def test_a_store_a_journal_and_a_format_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="DUNNAGE_READINGS_URL or readings_url"):
        store_of(Settings(readings_url="influxdb://127.0.0.1"))
    with pytest.raises(UserError, match=r"DUNNAGE_DATA.*Not a directory"):
        journal_of(Settings(data=tmp_path / "file"))
    row = Subscription(filter="a/#", format="natve")
    with pytest.raises(UserError, match=r"'natve' for 'a/#': use one of .*native"):
        routes_of(Settings(subscriptions=(row,)))
