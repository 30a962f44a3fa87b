"""`dunnage dead-letters` and `dunnage import readings`, as they are typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lots import inbox, registry
from lots.clock import Clock
from lots.inbox import Backlog
from lots.model import DeadLetter
from tests.cli.shell import Shell
from tests.cli.test_administration import NOON, in_registry

LOT = b"id,commodity,form,net_mass_kg,packaging\nL1,lead,ingot,1000,strapped\n"


def letter(n: int, tenant: str = "acme", reason: str = "unusable: no JSON") -> DeadLetter:
    return DeadLetter(
        id=f"j:{n}:0",
        tenant=tenant,
        received=NOON + n * 1000,
        topic=f"dunnage/v1/{tenant}/T/readings",
        reason=reason,
        payload=b"\xff{}" if n % 2 else b'{"a":1}',
    )


def waiting(folder: Path) -> Backlog:
    engine = registry.connect(f"sqlite:///{folder / 'data' / 'registry.sqlite'}")
    with registry.reading(engine) as session:
        found = inbox.backlog(session)
    engine.dispose()
    return found


def test_letters_are_listed_by_what_is_asked(shell: Shell) -> None:
    in_registry(shell.folder, letter(1), letter(2, "rival"), letter(3, reason="quarantine: t"))
    everything = shell.says("dead-letters", "list").splitlines()
    assert [line.split("\t")[0] for line in everything[1:]] == ["j:3:0", "j:2:0", "j:1:0"]
    assert "j:2:0" not in shell.says("dead-letters", "list", "--tenant", "acme")
    assert "j:1:0" not in shell.says("dead-letters", "list", "--reason", "Quarantine")
    late = shell.says("dead-letters", "list", "--since", "2026-01-01T12:00:02Z", "--json")
    told = [json.loads(line) for line in late.splitlines()]
    assert [each["id"] for each in told] == ["j:3:0", "j:2:0"]
    assert told[1]["payload"] == {"text": '{"a":1}'}
    assert told[0]["payload"] == {"base64": "/3t9"}
    done = shell("dead-letters", "list", "--since", "noon")
    assert done.returncode == 2
    assert b"2025-11-22T08:00:00Z" in done.stderr


def test_a_payload_is_shown_in_hexadecimal(shell: Shell) -> None:
    in_registry(shell.folder, letter(1))
    assert shell.says("dead-letters", "show", "j:1:0", "--hex").endswith("ff 7b 7d\n")


def test_letters_are_replayed_by_id_by_filter_or_all(shell: Shell) -> None:
    in_registry(shell.folder, *(letter(n) for n in range(250)), letter(500, "rival", "other"))
    assert shell("dead-letters", "replay").returncode == 2
    replay = ("dead-letters", "replay")
    assert shell.says(*replay, "j:7:0", "j:9:0") == "2 handed to the worker\n"
    missing = shell(*replay, "j:7:0", "j:8:0")
    assert missing.returncode == 1
    assert missing.stdout == b"1 handed to the worker\n"
    assert b"no such dead letter (any more): j:7:0" in missing.stderr
    some = shell.says(*replay, "--tenant", "acme", "--reason", "json")
    assert some == "247 handed to the worker\n"
    assert waiting(shell.folder).messages == 250
    assert shell.says("dead-letters", "list").count("\n") == 2
    assert shell.says(*replay, "--all") == "1 handed to the worker\n"
    assert shell.says("dead-letters", "list") == "no dead letters\n"
    assert "it has not come back" in shell.says("dead-letters", "show", "j:7:0")


def logged(shell: Shell) -> str:
    day = datetime.fromtimestamp(Clock().now_ms() / 1000 - 86_400, UTC)
    name = "logger 7.csv"
    text = f"Time,Temp C,RH %\n{day:%F} 06:00,6.4,78.2\n{day:%F} 06:15,6.6,77.9\n"
    (shell.folder / name).write_text(text)
    return name


def test_a_loggers_file_is_shown_and_then_imported(shell: Shell) -> None:
    file = logged(shell)
    shell.says("import", "lots", "-", given=LOT)
    command = ("import", "readings", file, "--lot", "L1")
    asked = shell(*command)
    assert asked.returncode == 1
    assert b"the file, Time: the file does not say in which time zone" in asked.stderr
    assert b"nothing was imported" in asked.stderr
    shown = shell(*command, "--zone", "UTC")
    assert shown.returncode == 0
    assert b"tag: logger-7 (new)" in shown.stdout
    assert b"T06:00:00Z\t6.4\t78.2" in shown.stdout
    assert b"say --apply" in shown.stderr
    assert waiting(shell.folder) == Backlog(0, 0)
    done = shell.says(*command, "--zone", "UTC", "--apply")
    assert done.endswith("2 readings handed to the worker, 2 waiting\n")
    told = json.loads(shell.says(*command, "--zone", "UTC", "--apply", "--json"))
    assert told["waiting"] == {"messages": 2, "readings": 4}
    assert told["new_bindings"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["readings"], "name the logger's file"),
        (["readings", "nothing.csv"], "nothing.csv cannot be read"),
        (["readings", "-"], "it is empty"),
        (["readings", "-", "--example"], "import one as it is"),
        (["readings", "-", "--apply", "--dry-run"], "keep one of them"),
        (["lots", "-", "--zone", "UTC"], "for readings, not for lots"),
        (["lots", "-", "--skip-bad"], "for readings, not for lots"),
    ],
)
def test_what_cannot_be_is_told(shell: Shell, words: list[str], told: str) -> None:
    done = shell("import", *words)
    assert done.returncode in (1, 2)
    assert told in " ".join(done.stderr.decode().replace("│", " ").split())
