"""Where the firmware's tests run: which MicroPython, and what to do where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.firmware import micropython
from tests.firmware.micropython import MicroPython, Missing


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In the summary and not in the header: -q leaves that one out."""
    try:
        told = f"the firmware ran in {micropython.version()}"
    except Missing as missing:
        told = f"the firmware did not run: {missing}"
    terminalreporter.write_line(told)


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
