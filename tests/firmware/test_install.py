"""What is said and done where there is no Node: skipped by hand, failed under CI."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.firmware import micropython
from tests.firmware.micropython import HERE, Missing


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with a shell's own tools alone."""
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    return {"PATH": str(tmp_path)}


def install(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", HERE / "install"], env=environment, capture_output=True, text=True, check=False
    )


def test_without_node_it_says_how_to_get_it(bare: dict[str, str]) -> None:
    done = install(bare)
    assert done.returncode == 0
    assert "sudo apt-get install nodejs npm" in done.stderr
    assert "will be skipped" in done.stderr


def test_under_ci_that_is_an_error(bare: dict[str, str]) -> None:
    done = install(bare | {"CI": "true"})
    assert done.returncode == 1
    assert "sudo apt-get install nodejs npm" in done.stderr


def test_what_is_installed_is_left_alone() -> None:
    before = (HERE / "node_modules" / ".package-lock.json").stat().st_mtime_ns
    done = install(dict(os.environ))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (HERE / "node_modules" / ".package-lock.json").stat().st_mtime_ns == before


def test_the_tests_know_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micropython, "PACKAGE", tmp_path)
    with pytest.raises(Missing, match="run tests/firmware/install"):
        micropython.find_node()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="apt-get install nodejs npm"):
        micropython.find_node()
