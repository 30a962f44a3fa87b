"""The node's parts, each looked at inside MicroPython: the functions of ``checks/on_*.py``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.micropython import MicroPython

CHECKS = Path(__file__).parent / "checks"


def checks() -> Iterator[tuple[str, str]]:
    """(module, function) of all."""
    for path in sorted(CHECKS.glob("on_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("check_"):
                yield path.stem, node.name


@pytest.mark.parametrize(("module", "function"), list(checks()))
def test_check(device: MicroPython, module: str, function: str) -> None:
    device.run(f"import harness, {module}\nharness.erase()\n{module}.{function}()")
