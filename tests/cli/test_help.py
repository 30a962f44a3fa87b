"""Every command and every option says what it is for, and says so at once."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from cli.main import app
from tests.cli.shell import Shell

SLOW = {"alembic", "amqtt", "fastapi", "httpx", "numba", "numpy", "paho", "sqlalchemy", "uvicorn"}


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


def test_the_walk_finds_them_all() -> None:
    groups = {(), ("tenants",), ("keys",), ("tags",), ("dead-letters",)}
    assert groups <= ALL.keys()
    assert {("demo",), ("worker",), ("keys", "add"), ("dead-letters", "show")} <= ALL.keys()
    assert ("dead-letters", "replay") in ALL
    assert len(ALL) >= 21


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_a_command_and_all_its_options_have_help(path: tuple[str, ...]) -> None:
    command = ALL[path]
    assert command.help
    silent = [each.name for each in command.params if not getattr(each, "help", None)]
    assert silent == []


@pytest.mark.parametrize("path", [(), ("demo",), ("keys", "add")], ids=" ".join)
def test_help_is_printed(shell: Shell, path: tuple[str, ...]) -> None:
    text = shell.says(*path, "--help")
    assert "Usage: dunnage" in text
    assert ALL[path].help.split()[0] in text


def test_help_imports_nothing_slow() -> None:
    script = (
        "import sys\nfrom cli.main import main\nsys.argv = ['dunnage', '--help']\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    imported = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in imported
    assert imported & SLOW == set()


def test_a_terminal_that_lacks_a_character_gets_it_escaped(shell: Shell) -> None:
    given = 'id,name,latitude,longitude,timezone\nx,"Łódź",1,2,Mars\n'.encode()
    shell.environment["PYTHONIOENCODING"] = "ascii"
    refused = shell.process("import", "sites", "-", "--tenant", "Łódź", given=given)
    assert refused.returncode == 1
    assert b"\\u0141\\xf3d\\u017a" in refused.stderr


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_paragraphs_are_filled_to_the_width_of_the_terminal(
    shell: Shell, path: tuple[str, ...]
) -> None:
    """They came in the lines of their source, each broken once more."""
    shell.environment["COLUMNS"] = "80"
    lines = [line.strip() for line in shell.says(*path, "--help").splitlines()]
    for paragraph in inspect.cleandoc(ALL[path].help).replace("`", "").split("\n\n"):
        filled = textwrap.wrap(" ".join(paragraph.split()), 78, break_on_hyphens=False)
        assert filled[0] in lines, paragraph
        assert filled[-1] in lines, paragraph
