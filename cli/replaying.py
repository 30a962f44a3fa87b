"""`dunnage replay`: the simulators' replay, with the broker of the settings."""

from __future__ import annotations

from pathlib import Path

from lots.settings import Settings
from simulators import replay


def replay_file(
    settings: Settings, file: Path, tenant: str, speed: float, recorded: bool, timezone: str | None
) -> int:
    """Publish ``file``; the exit status: 0 when every row was published and acknowledged."""
    arguments = [str(file), "--broker", settings.broker, "--tenant", tenant]
    arguments += ["--recorded"] if recorded else ["--speed", str(speed)]
    if not recorded and settings.clock_start_ms:
        arguments += ["--start-ms", str(settings.clock_start_ms)]
    if timezone is not None:
        arguments += ["--timezone", timezone]
    return replay.main(arguments)
