"""Tenants, keys, unknown tags and dead letters, as an operator sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lots import registry
from lots.model import DeadLetter, UnknownTag
from tests.cli.shell import Shell

NOON = 1_767_268_800_000  # 2026-01-01 12:00 UTC
PAYLOAD = '{"temperature": "warm — 21 °C",\n "note": "\x1b]0;mine\x07"}'.encode() + b"\xff"


def in_registry(folder: Path, *rows: object) -> None:
    engine = registry.connect(f"sqlite:///{folder / 'data' / 'registry.sqlite'}")
    registry.migrate(engine)
    with registry.writing(engine) as session:
        registry.create_tenant(session, "acme", "Acme")
        session.flush()
        session.add_all(rows)
    engine.dispose()


def letter(name: str, topic: str, reason: str) -> DeadLetter:
    return DeadLetter(
        id=name, tenant=None, received=NOON, topic=topic, reason=reason, payload=PAYLOAD
    )


def unknown(tag: str) -> UnknownTag:
    return UnknownTag(
        tenant="acme",
        tag=tag,
        first_seen=NOON,
        last_seen=NOON + 60_000,
        readings=7,
        last_values={"temperature": 21.5},
    )


def test_tenants_and_keys(shell: Shell) -> None:
    assert shell.says("tenants", "list") == ""
    assert "no tenant 'acme'" in shell.refusal("keys", "add", "me", "--tenant", "acme")
    assert shell.says("tenants", "add", "acme", "--name", "Acme Wool") == "tenant acme\n"
    key = shell.says("keys", "add", "me", "--tenant", "acme").strip()
    assert key.startswith("dunnage_")
    assert " " not in key
    shell.says("keys", "add", "you")  # the default tenant is made with its first key
    assert shell.says("tenants", "list") == "acme\ndefault\n"
    assert "of the name 'you'" in shell.refusal("keys", "revoke", "you", "--tenant", "acme")
    assert shell.says("keys", "revoke", "me", "--tenant", "acme") == "1 revoked\n"
    assert "of the name 'me'" in shell.refusal("keys", "revoke", "me", "--tenant", "acme")


@pytest.mark.parametrize("name", ["a/b", "", "\x1b[31m", "x" * 500])
def test_a_tenant_that_cannot_be_is_told(shell: Shell, name: str) -> None:
    message = shell.refusal("tenants", "add", name)
    assert "cannot be a tenant" in message
    assert "\x1b" not in message


def test_an_unknown_tag_is_listed_and_adopted(shell: Shell) -> None:
    in_registry(shell.folder, unknown("[red]A-1"), unknown("B-2"))
    listed = shell("tags", "unknown", "--tenant", "acme")
    assert listed.stdout.decode().splitlines() == [
        "tag\treadings\tfirst heard (UTC)\tlast heard (UTC)\tlast values",
        "B-2\t7\t2026-01-01 12:00:00\t2026-01-01 12:01:00\ttemperature 21.5",
        "[red]A-1\t7\t2026-01-01 12:00:00\t2026-01-01 12:01:00\ttemperature 21.5",
    ]
    assert b"dunnage tags adopt" in listed.stderr
    told = shell.says("tags", "adopt", "[red]A-1", "--tenant", "acme", "--interval", "600")
    assert "tag [red]A-1 is registered" in told
    assert "[red]A-1" not in shell.says("tags", "unknown", "--tenant", "acme")
    assert "'C-3' reports" in shell.refusal("tags", "adopt", "C-3", "--tenant", "acme")
    assert "dunnage tenants" in shell.refusal("tags", "unknown", "--tenant", "nobody")


def test_a_tag_that_cannot_be_registered_is_told(shell: Shell) -> None:
    in_registry(shell.folder, unknown("50 % off"), unknown("B-2"))
    adopt = ("tags", "adopt", "--tenant", "acme")
    assert 'cannot have "%"' in shell.refusal(*adopt, "50 % off")
    assert "cannot be registered" in shell.refusal(*adopt, "B-2", "--interval", str(10**9))


def test_dead_letters_are_shown_as_they_came_and_harmless(shell: Shell) -> None:
    assert shell.says("dead-letters", "list") == "no dead letters\n"
    long = "no format is set for this topic; " * 20
    in_registry(shell.folder, letter("0001", "[bold]x/\x1b[2J", long))
    listed = shell.says("dead-letters", "list").splitlines()
    assert listed[1] == f"0001\t2026-01-01 12:00:00\t[bold]x/\\x1b[2J\t{long}"
    assert shell.says("dead-letters", "show", "0001").splitlines() == [
        "received 2026-01-01 12:00:00 UTC on [bold]x/\\x1b[2J",
        f"reason: {long}",
        '{"temperature": "warm — 21 °C",',
        ' "note": "\\x1b]0;mine\\x07"}\\xff',
    ]
    assert "dead-letters list" in shell.refusal("dead-letters", "show", "[red]\x1b")


def test_a_reader_who_has_seen_enough_is_no_trouble(shell: Shell) -> None:
    in_registry(shell.folder, *(letter(f"{n:06}", "t", "r" * 200) for n in range(2000)))
    command = f"'{sys.executable}' -m cli.main dead-letters list --limit 2000 | head -n 1"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        timeout=60,
    )
    assert done.stdout == b"id\treceived (UTC)\ttopic\treason\n"
    assert done.stderr == b""
