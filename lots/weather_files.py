"""Hourly weather of a place as files have it: CSV, or EPW as EnergyPlus and its archives do."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from lots.readings.batch import Floats, Ints
from lots.spreadsheet import ImportRefused, Problem, Sheet
from lots.spreadsheet import read as read_csv

COLUMNS = ("time", "temperature_c", "humidity_pct")
BESIDE = ("pressure_hpa",)
"""May be there, and is not read."""

# EPW: EnergyPlus' Auxiliary Programs, "EnergyPlus Weather File (EPW) Data Dictionary".
_EPW_HEAD = 8  # lines before the rows
_EPW_CELLS = 9  # of a row, up to humidity
_EPW_NO_TEMPERATURE = 99.9
_EPW_NO_HUMIDITY = 999.0
_EPW_ZONE = 8  # h east of Greenwich, in the first line


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """Columns (n,): ``time`` ms since 1970 UTC, °C, %RH over water; NaN where it is not known.
    ``source``: what the file says of itself; "": nothing."""

    time: Ints
    temperature: Floats
    humidity: Floats
    source: str


def read(data: bytes) -> Weather:
    """The weather in a file. Raises `ImportRefused`."""
    if data.startswith(b"LOCATION,"):
        return _epw(data.decode("utf-8", "replace").splitlines())
    return _rows(read_csv(data, (*COLUMNS, *BESIDE), COLUMNS))


def _rows(sheet: Sheet) -> Weather:
    problems = list(sheet.problems)
    found: list[tuple[int, float, float]] = []
    for row in sheet.rows:
        try:
            at = datetime.fromisoformat(row.cells.get("time", ""))
        except ValueError:
            why = "a time is written like 2025-11-22T08:00:00Z"
            problems.append(Problem(row.number, "time", why))
            continue
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        values = []
        for name in COLUMNS[1:]:
            cell = row.cells.get(name)
            try:
                values.append(math.nan if cell is None else float(cell))
            except ValueError:
                why = f'"{cell}" is not a number; write it like 12.5, with a point'
                problems.append(Problem(row.number, name, why))
        if len(values) == len(COLUMNS) - 1:
            found.append((round(at.timestamp() * 1000), values[0], values[1]))
    if problems:
        raise ImportRefused(problems)
    return _weather(found, "")


def _epw(lines: Sequence[str]) -> Weather:
    head = next(csv.reader(io.StringIO(lines[0])))
    try:
        zone = timezone(timedelta(hours=float(head[_EPW_ZONE])))
    except (IndexError, ValueError) as error:
        why = "the ninth cell of LOCATION is no time zone in hours: this is not a whole EPW file"
        raise ImportRefused([Problem(1, "", why)]) from error
    problems, found = [], []
    for number, cells in enumerate(csv.reader(lines[_EPW_HEAD:]), start=_EPW_HEAD + 1):
        try:
            year, month, day, hour = (int(cell) for cell in cells[:4])
            warmth, _, damp = (float(cell) for cell in cells[6:_EPW_CELLS])
            # Hour 24 ends the day; a row is of the end of its hour.
            at = datetime(year, month, day, tzinfo=zone) + timedelta(hours=hour)
        except ValueError:
            problems.append(Problem(number, "", "this is no row of an EPW file"))
            continue
        found.append(
            (
                round(at.timestamp() * 1000),
                math.nan if warmth >= _EPW_NO_TEMPERATURE else warmth,
                math.nan if damp >= _EPW_NO_HUMIDITY else damp,
            )
        )
    if problems:
        raise ImportRefused(problems)
    place, source = (head[i].strip() if len(head) > i else "" for i in (1, 4))
    return _weather(found, ", ".join(filter(None, (place, source))))


def _weather(rows: Sequence[tuple[int, float, float]], source: str) -> Weather:
    time, temperature, humidity = zip(*rows, strict=True) if rows else ((), (), ())
    return Weather(
        np.asarray(time, np.int64), np.asarray(temperature, float), np.asarray(humidity, float),
        source,
    )  # fmt: skip
