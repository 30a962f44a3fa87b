"""The processes' logs: what they must not tell."""

from __future__ import annotations

import subprocess
import sys

FAILS = """
import logging
import structlog
from cli.logging import to_stderr

def connect(address):
    raise OSError("nobody there")

to_stderr()
address = "postgresql://dunnage:%s@db" % ("hush" * 2)
for log in (structlog.get_logger("a"), logging.getLogger("b")):
    try:
        connect(address)
    except OSError:
        log.exception("it failed")
"""


def test_a_trace_shows_no_passwords() -> None:
    """Nor any other value: a log is read by more people than the settings."""
    done = subprocess.run(
        [sys.executable, "-c", FAILS], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.count("OSError: nobody there") == 2
    assert done.stderr.count("in connect") == 2
    assert "hushhush" not in done.stderr
