"""Reads a CSV of measured time, sensor, temperature and humidity, whoever's logger wrote it.

A row that cannot be used is reported by its line and column, with the remedy, and left out.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from simulators.names import LONGEST, refusal

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "time": ("time", "timestamp", "datetime", "date_time", "date", "ts"),
        "sensor": ("sensor", "sensor_id", "tag", "tag_id", "device", "device_id", "id", "name"),
        "temperature": ("temperature", "temp", "air_temperature"),
        "humidity": ("humidity", "rh", "hum", "relative_humidity"),
        "pressure": ("pressure", "air_pressure"),
        "probe": ("probe", "probe_temperature"),
        "battery": ("battery", "battery_voltage"),
    }
)
"""What is read, and the names its column may have, whatever unit stands behind them."""

_UNIT: Final = re.compile(r"_(c|degc|deg_c|celsius|pct|percent|hpa|mbar|v|volt|rh|utc|iso|ms|s)$")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?")
_QUANTITIES: Final = ("temperature", "humidity", "pressure", "probe", "battery")
_ABSENT: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})
_NOT_IN_TAGS: Final = re.compile(r"[/#+?%\\\x00-\x1f\x7f]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS_FROM: Final = 1e11  # a number of time from here on is ms (1973); in seconds it is the year 5138
_LATEST_MS: Final = 9_214_646_400_000  # 2262: time series keep nanoseconds in 64 bits


class RecordingError(Exception):
    """Nothing of the file can be used; the message says why and what to do."""


class _Unusable(Exception):
    """A row cannot be used: column, and why."""


class Row(NamedTuple):
    """What a sensor measured: quantity -> value, in the units of the wire."""

    time: int  # ms since 1970 UTC
    sensor: str
    values: dict[str, float]
    line: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A file's rows in order of time, and what was wrong with the others."""

    rows: list[Row]
    problems: list[str]
    boot: int  # of its content: the same file is the same readings


def read(path: Path, zone: tzinfo | None = None) -> Recording:
    """The rows of ``path``. Times that name no zone are in ``zone``; without one they are refused.

    Comma, semicolon or tab between the cells; with semicolons a decimal comma too. Without a column
    of sensors the file's name is the sensor. Other columns are passed over. Raises `RecordingError`
    if nothing in it can be used.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RecordingError(
            f"{path} is not UTF-8 at byte {error.start}: save it as CSV UTF-8"
        ) from error
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    problems: list[str] = []
    rows = sorted(
        _rows(text, path, delimiter, zone, problems), key=lambda row: (row.time, row.line)
    )
    if not rows:
        reason = problems[0] if problems else "there is none below its header"
        raise RecordingError(f"{path} has no row that can be used: {reason}")
    return Recording(rows, problems, zlib.crc32(content) & 0x7FFF_FFFF)


def shifted(recording: Recording, start_ms: int) -> Recording:
    """As if its first row were measured at ``start_ms``; a new boot, for these are new readings."""
    shift = start_ms - recording.rows[0].time
    rows = [row._replace(time=row.time + shift) for row in recording.rows]
    boot = zlib.crc32(str(start_ms).encode(), recording.boot) & 0x7FFF_FFFF
    return Recording(rows, recording.problems, boot)


def _rows(
    text: str, path: Path, delimiter: str, zone: tzinfo | None, problems: list[str]
) -> Iterator[Row]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = _columns(next(lines, []), path)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                yield _row(cells, columns, path, delimiter, zone, lines.line_num)
            except _Unusable as error:
                problems.append(f"line {lines.line_num}, {error}")
    except csv.Error as error:
        raise RecordingError(
            f"{path}, line {lines.line_num}: {error}; see whether it is a CSV file"
        ) from error


def _columns(header: list[str], path: Path) -> dict[str, tuple[int, str]]:
    """What is read -> its column's position and its name in the file."""
    found: dict[str, tuple[int, str]] = {}
    for position, title in enumerate(header):
        for meaning, names in COLUMNS.items():
            if _plain(title) not in names:
                continue
            if meaning in found:
                raise RecordingError(
                    f"{path}: columns {found[meaning][1]!r} and {title.strip()!r} both read as"
                    f" {meaning}; take one out or name it otherwise"
                )
            found[meaning] = (position, title.strip())
    for meaning, wanted in (("time", ("time",)), ("measurements", ("temperature", "humidity"))):
        if not any(name in found for name in wanted):
            has = ", ".join(title.strip() for title in header) or "nothing"
            raise RecordingError(
                f"{path} has no column of {meaning} (its header has {has}): name one"
                f" {' or '.join(COLUMNS[name][0] for name in wanted)}"
            )
    return found


def _plain(title: str) -> str:
    """A column's name in small letters, without its unit if that is the wire's: not °F."""
    words = re.sub(r"[°%]", "", title.lower())
    return _UNIT.sub("", re.sub(r"[\s\-./()\[\]]+", "_", words).strip("_"))


def _row(
    cells: list[str],
    columns: dict[str, tuple[int, str]],
    path: Path,
    delimiter: str,
    zone: tzinfo | None,
    line: int,
) -> Row:
    def cell(meaning: str) -> str:
        position = columns[meaning][0]
        return cells[position].strip() if position < len(cells) else ""

    values: dict[str, float] = {}
    for quantity in _QUANTITIES:
        if quantity in columns and cell(quantity).lower() not in _ABSENT:
            values[quantity] = _number(cell(quantity), columns[quantity][1], delimiter)
    if not values:
        raise _Unusable("all columns: nothing was measured; take the row out")
    time = _time(cell("time"), columns["time"][1], zone)
    if "sensor" not in columns:
        return Row(time, _NOT_IN_TAGS.sub("-", path.stem)[:LONGEST], values, line)
    return Row(time, _sensor(cell("sensor"), columns["sensor"][1]), values, line)


def _number(text: str, column: str, delimiter: str) -> float:
    try:
        value = float(text.replace(",", ".") if delimiter == ";" else text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _Unusable(
            f"{column}: {text[:40]!r} is not a number; write it like 21.4 or leave it empty"
        )
    return value


def _time(text: str, column: str, zone: tzinfo | None) -> int:
    if _NUMBER.fullmatch(text):
        number = float(text)
        return _possible(number if abs(number) >= _MS_FROM else number * 1000.0, text, column)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _Unusable(
            f"{column}: {text[:40]!r} is not a time; write it like 2025-01-15T08:00:00Z or as"
            " seconds or milliseconds since 1970"
        ) from None
    if instant.utcoffset() is None:
        if zone is None:
            raise _Unusable(
                f"{column}: {text!r} does not say in which time zone; add Z (UTC) or an offset"
                " such as +01:00, or give the zone of the whole file, --timezone"
            )
        instant = instant.replace(tzinfo=zone)
    return _possible((instant - _EPOCH) / timedelta(milliseconds=1), text, column)


def _possible(ms: float, text: str, column: str) -> int:
    if not 0 <= ms < _LATEST_MS:
        raise _Unusable(f"{column}: {text[:40]!r} is before 1970 or after 2261; look at the year")
    return round(ms)


def _sensor(text: str, column: str) -> str:
    if refusal(text):
        raise _Unusable(
            f"{column}: {text[:80]!r} cannot be a tag's name; give 1 to {LONGEST} characters"
            " without / # + ? % or \\"
        )
    return text
