"""Publishes a CSV of measured time, sensor, temperature and humidity as its sensors would have.

``python -m simulators.replay FILE --broker mqtt://127.0.0.1:1883``. Its last line is
``{"messages": …, "readings": …, "skipped": …}``: what the broker has acknowledged, and how many
rows were left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from datetime import tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulators.clock import Clock
from simulators.command import positive, run, say
from simulators.message import Message
from simulators.playing import play
from simulators.publisher import BrokerError, Publisher
from simulators.recording import Recording, RecordingError, Row, read, shifted

PER_MESSAGE: Final = 60
SPAN_MS: Final = 3_600_000
"""An array holds at most so many readings, of less than such a span."""

_PROBLEMS_SHOWN: Final = 20


def messages(recording: Recording, tenant: str) -> list[Message]:
    """The recording as native JSON, in arrays by sensor, each due when its last row is measured."""
    pending: dict[str, list[tuple[int, Row]]] = {}
    found: list[Message] = []
    for seq, row in enumerate(recording.rows):
        group = pending.setdefault(row.sensor, [])
        if group and (len(group) == PER_MESSAGE or row.time - group[0][1].time >= SPAN_MS):
            found.append(_message(recording.boot, tenant, group))
            group = pending[row.sensor] = []
        group.append((seq, row))
    found += [_message(recording.boot, tenant, group) for group in pending.values()]
    return sorted(found, key=lambda message: message.at)


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when every row was published and acknowledged, else 1."""
    given = _parser().parse_args(arguments)
    name = f"replay-{uuid.uuid4().hex[:8]}"
    try:
        recording = read(given.file, given.timezone)
        publisher = Publisher(given.broker, client_id=name, rate=given.rate)
        publisher.connect()
    except (RecordingError, BrokerError, ValueError) as error:
        say(f"replay: {error}")
        return 1
    _tell(given.file, recording.problems)
    clock = None
    if not given.recorded:
        clock = Clock(given.start_ms or time.time_ns() // 1_000_000, given.speed)
        recording = shifted(recording, clock.now_ms())
    published = messages(recording, given.tenant)
    failed = run(
        "replay",
        publisher,
        lambda: play(published, publisher, clock),
        skipped=len(recording.problems),
    )
    return 1 if failed or recording.problems else 0


def _message(boot: int, tenant: str, group: list[tuple[int, Row]]) -> Message:
    readings = [{"boot": boot, "seq": seq, "t": row.time, **row.values} for seq, row in group]
    topic = f"dunnage/v1/{tenant}/{group[0][1].sensor}/readings"
    payload = json.dumps(readings, separators=(",", ":")).encode()
    return Message(topic, payload, len(readings), group[-1][1].time)


def _tell(file: Path, problems: list[str]) -> None:
    for problem in problems[:_PROBLEMS_SHOWN]:
        say(f"{file}, {problem}")
    if len(problems) > _PROBLEMS_SHOWN:
        say(f"{file}: {len(problems) - _PROBLEMS_SHOWN} more rows cannot be used")


def _timezone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(
            f"{name!r} is not a time zone; write it like Europe/Berlin or UTC"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.replay", description="Publish a CSV of readings over MQTT."
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--broker", default="mqtt://127.0.0.1:1883", help="mqtt:// or mqtts:// URL")
    parser.add_argument("--tenant", default="demo")
    parser.add_argument(
        "--recorded", action="store_true", help="keep the file's times; else its first row is now"
    )
    parser.add_argument("--start-ms", type=int, default=0, help="when the clock starts; 0: now")
    parser.add_argument("--speed", type=positive, default=1.0, help="8640: a day in ten seconds")
    parser.add_argument("--rate", type=positive, default=300.0, help="messages a second at most")
    parser.add_argument("--timezone", type=_timezone, help="of times in the file that name none")
    return parser


if __name__ == "__main__":
    sys.exit(main())
