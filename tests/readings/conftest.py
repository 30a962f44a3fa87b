"""A store of every kind, for the tests that all of them must pass."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lots.readings.open import open_store
from lots.readings.store import ReadingStore

INFLUX2 = os.environ.get("DUNNAGE_TEST_INFLUX2_URL")
"""An influxdb2:// URL of a 2.x or 3.x server with an empty bucket, where there is one."""

RETENTION_DAYS = 400


@pytest.fixture(params=["sqlite", "influx", *(["influx2"] if INFLUX2 else [])])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'readings.sqlite'}"
    if request.param == "influx":
        return str(request.getfixturevalue("influx_url"))
    return INFLUX2 or ""


@pytest.fixture
def store(store_url: str) -> Iterator[ReadingStore]:
    opened = open_store(store_url, RETENTION_DAYS)
    yield opened
    opened.close()


@pytest.fixture
def tenant(unique_name: str) -> str:
    """A tenant of this test's own: a server may be shared."""
    return unique_name
