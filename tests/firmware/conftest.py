"""The MicroPython that the firmware's tests run in, and what to do where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lots import registry
from tests.firmware import micropython
from tests.firmware.micropython import MicroPython, Missing
from tests.firmware.server import TENANT


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """Without MicroPython the tests skip; under CI they fail."""
    try:
        micropython.find_node()
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (under CI nothing is skipped)")
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def device() -> Iterator[MicroPython]:
    """One for the tests of a file, with an empty flash."""
    with MicroPython(heap=1024 * 1024) as micropython:
        yield micropython


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    """A registry with a tenant."""
    engine = registry.connect(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    registry.migrate(engine)
    with registry.writing(engine) as session:
        registry.create_tenant(session, TENANT, TENANT)
    yield engine
    engine.dispose()
