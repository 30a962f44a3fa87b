"""`dunnage import`, as it is typed."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from lots import registry
from lots.records import KINDS
from tests.cli.shell import Shell, refused

ORDER = ("sites", "places", "parties", "tags", "lots", "bindings", "moves", "shipments", "holds")


def test_an_example_is_a_file_to_begin_from(shell: Shell) -> None:
    made = shell.process("import", "sites", "--example")
    assert (made.returncode, made.stderr) == (0, b"")
    (shell.folder / "sites.csv").write_bytes(made.stdout)

    tried = shell("import", "sites", "sites.csv", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert tried.stdout.startswith(b"sites: 2 created, 0 changed, 0 unchanged (dry run")

    done = shell("import", "sites", "sites.csv")
    assert done.stdout == b"sites: 2 created, 0 changed, 0 unchanged\n"
    assert b"made the tenant default" in done.stderr

    again = shell("import", "sites", "-", given=made.stdout)
    assert again.stdout == b"sites: 0 created, 0 changed, 2 unchanged\n"
    assert again.stderr == b""


def test_the_examples_of_all_kinds_belong_together(shell: Shell) -> None:
    assert set(ORDER) == set(KINDS)
    counts = {}
    for kind in ORDER:
        example = shell.says("import", kind, "--example").encode()
        report = shell.says("import", kind, "-", given=example)
        counts[kind] = int(report.split()[1])
        assert report == f"{kind}: {counts[kind]} created, 0 changed, 0 unchanged\n"
    engine = registry.connect(f"sqlite:///{shell.folder / 'data' / 'registry.sqlite'}")
    with registry.reading(engine) as session:
        kept = {kind: len(registry.page(session, "default", kind)) for kind in ORDER}
    engine.dispose()
    assert kept == counts


def test_a_dry_run_leaves_no_trace(shell: Shell) -> None:
    example = shell.says("import", "sites", "--example").encode()
    tried = shell("import", "sites", "-", "--dry-run", given=example)
    assert (tried.returncode, tried.stderr) == (0, b"")
    assert shell.says("tenants", "list") == ""


def test_errors_go_to_stderr_by_row_and_column(shell: Shell) -> None:
    bad = b"id,kind,name\nx/y,bay,B\nz,bag,B\n"
    done = shell.process("import", "places", "-", given=bad)
    assert done.stdout == b""
    lines = refused(done).splitlines()
    assert lines[-3] == "-: nothing was imported"
    assert lines[-2].startswith('row 2, id: an id cannot have "/" in it')
    assert lines[-1].startswith("row 3, kind: Input should be 'bay'")
    assert b"made the tenant" not in done.stderr
    assert shell.says("tenants", "list") == ""


def test_a_person_gets_the_errors_as_a_table_and_nothing_in_it_is_obeyed(shell: Shell) -> None:
    (shell.folder / "[red]x.csv").write_text("id,kind,name\n[blink]/y,bay,B\n")
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "import", "places", "[red]x.csv"],
        cwd=shell.folder,
        env=shell.environment | {"TERM": "xterm", "COLUMNS": "200"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        timeout=60,
    )
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert done.returncode == 1
    assert "[red]x.csv: nothing was imported" in shown
    assert 'an id cannot have "/" in it' in shown
    assert "\x1b[5m" not in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sites"], "--example"),
        (["sites", "nothing.csv"], "nothing.csv cannot be read"),
        (["sites", "."], ". cannot be read"),
        (["sites", "-", "--tenant", "nobody"], 'no tenant "nobody"'),
        (["bags", "-"], "bags"),
    ],
)
def test_what_cannot_be_is_told(shell: Shell, words: list[str], told: str) -> None:
    done = shell("import", *words, given=b"id,name,latitude,longitude,timezone\nx,X,1,2,UTC\n")
    assert done.returncode in (1, 2)
    assert told in done.stderr.decode()


@pytest.mark.parametrize("given", [b"", b"\xff\xfe\x00", b"id,name\n\x00\n", b"PK\x03\x04"])
def test_what_is_no_csv_is_told(shell: Shell, given: bytes) -> None:
    assert "-: nothing was imported" in refused(shell("import", "sites", "-", given=given))


def test_a_registry_that_cannot_be_had_is_told(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    told = shell.refusal("import", "sites", "-", DUNNAGE_DATA=str(tmp_path / "file" / "data"))
    assert "DUNNAGE_DATA" in told
