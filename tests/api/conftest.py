"""One service for all tests: each test has tenants of its own on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lots.settings import Settings
from tests.api.service import NOW, Caller, Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API on SQLite; its clock stands at `NOW`."""
    folder = tmp_path_factory.mktemp("api")
    with Service(Settings(data=folder, api_port=0, clock_start_ms=NOW, clock_speed=0)) as running:
        yield running


@pytest.fixture
def acme(service: Service, unique_name: str) -> Caller:
    return service.caller(unique_name)


@pytest.fixture
def rival(service: Service, unique_name: str) -> Caller:
    return service.caller(f"{unique_name}-rival")
