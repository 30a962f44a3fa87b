"""`dunnage replay`: the simulators' replay, with the broker of the settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ingest import address
from lots.errors import UserError
from lots.fields import Id, Zone
from lots.settings import Settings
from simulators import replay


def replay_file(
    settings: Settings, file: Path, tenant: str, speed: float, recorded: bool, timezone: str | None
) -> int:
    """Publish ``file``; the exit status: 0 when every row was published and acknowledged.

    Raises `UserError` for a setting or an option that cannot be used.
    """
    address.parse(settings.broker)
    arguments = [
        str(file),
        "--broker",
        settings.broker,
        "--tenant",
        _usable(TypeAdapter(Id), tenant, "tenant"),
    ]
    arguments += ["--recorded"] if recorded else ["--speed", str(speed)]
    if not recorded and settings.clock_start_ms:
        arguments += ["--start-ms", str(settings.clock_start_ms)]
    if timezone is not None:
        arguments += ["--timezone", _usable(TypeAdapter(Zone), timezone, "timezone")]
    return replay.main(arguments)


def _usable(kind: TypeAdapter[str], text: str, name: str) -> str:
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        raise UserError(f"--{name} {text!r}: {error.errors()[0]['msg']}") from error
