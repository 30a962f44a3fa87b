"""`dunnage import`, as it is typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Shell:
    """Runs `dunnage` in a folder of its own, with its registry there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DUNNAGE_")}
        self.environment = kept | {"PYTHONPATH": str(ROOT), "DUNNAGE_DATA": str(folder / "data")}

    def __call__(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "cli.main", "import", *words],
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            timeout=60,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_an_example_is_a_file_to_begin_from(shell: Shell) -> None:
    made = shell("sites", "--example")
    assert (made.returncode, made.stderr) == (0, b"")
    (shell.folder / "sites.csv").write_bytes(made.stdout)

    tried = shell("sites", "sites.csv", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert tried.stdout.startswith(b"sites: 2 created, 0 changed, 0 unchanged (dry run")

    done = shell("sites", "sites.csv")
    assert done.stdout == b"sites: 2 created, 0 changed, 0 unchanged\n"
    assert b"made the tenant default" in done.stderr

    again = shell("sites", "-", given=made.stdout)
    assert again.stdout == b"sites: 0 created, 0 changed, 2 unchanged\n"
    assert again.stderr == b""


def test_errors_go_to_stderr_by_row_and_column(shell: Shell) -> None:
    bad = b"id,kind,name\nx/y,bay,B\nz,bag,B\n"
    refused = shell("places", "-", given=bad)
    assert refused.returncode == 1
    assert refused.stdout == b""
    lines = refused.stderr.decode().splitlines()
    assert lines[-3] == "-: nothing was imported"
    assert lines[-2].startswith('row 2, id: an id cannot have "/" in it')
    assert lines[-1].startswith("row 3, kind: Input should be 'bay'")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sites"], "--example"),
        (["sites", "nothing.csv"], "nothing.csv cannot be read"),
        (["sites", "-", "--tenant", "nobody"], 'no tenant "nobody"'),
    ],
)
def test_what_cannot_be_is_told_without_a_trace(shell: Shell, words: list[str], told: str) -> None:
    refused = shell(*words, given=b"id,name,latitude,longitude,timezone\nx,X,1,2,UTC\n")
    assert refused.returncode in (1, 2)
    assert told in refused.stderr.decode()
    assert "Traceback" not in refused.stderr.decode()
