"""A logger's file understood: readings as columns, and all that keeps it from being taken. Pure."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from lots.clock import DAY_MS
from lots.fields import written
from lots.loggers import columns, stamps, tables, zones
from lots.loggers.columns import Column
from lots.loggers.headings import When, column_of_names, time_columns, value_columns
from lots.loggers.numbers import NOTHING
from lots.loggers.numbers import number as number_in
from lots.loggers.stamps import DateOrder, Reader, Stamp
from lots.loggers.tables import Table, refused
from lots.loggers.zones import Repeated, Zone
from lots.spreadsheet import Problem

MAX_ROWS = 1_000_000
MAX_PROBLEMS = 1000
"""So many are kept; the rest is counted."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_EPOCH = date(1970, 1, 1).toordinal()
_SERIAL = re.compile(
    r"(?:serial(?:\s*(?:number|no\.?|#))?|serien(?:nummer|-?nr\.?)|\bs/?n|device\s*id|logger\s*id)"
    r"[\s:=#]+([A-Za-z0-9][A-Za-z0-9_-]{2,31})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the file does not say by itself, or says otherwise."""

    zone: str | None = None
    dates: DateOrder | None = None
    decimal: str | None = None  # "," or "."
    repeated: Repeated | None = None
    columns: tuple[str, ...] = ()  # as `columns.wish` reads them
    only: str | None = None  # COLUMN=VALUE: rows of one logger of several
    skip_bad: bool = False  # leave out rows that cannot be read


@dataclass(slots=True)
class Found:
    """What a file says.

    ``time`` (n,) ms since 1970 UTC and ``values`` quantity -> (n,), NaN where there is none, of
    the rows that can be read; ``numbers`` (n,) their rows. Nothing of it is to be kept while
    there are ``problems``.
    """

    table: Table
    columns: list[Column]
    time: Ints
    values: dict[str, Floats]
    numbers: Ints
    rows: int  # all, with those that have no value
    blank: int
    problems: list[Problem]
    more_problems: int
    zone: Zone | None
    dates: DateOrder | None
    serial: str | None
    skipped: int = 0  # rows that cannot be read, where these are left out

    @property
    def interval_ms(self) -> int | None:
        """The median step from reading to reading; None where there is none."""
        steps = np.diff(np.unique(self.time))
        return int(np.median(steps)) if len(steps) else None


def understand(data: bytes, options: Options, oldest: int, newest: int) -> Found:
    """What a logger's file says, where readings of ``oldest`` <= t <= ``newest`` (ms) are taken.

    Raises `ImportRefused` for what is no such file, or for options that do not fit it.
    """
    table = tables.find(data)
    wishes = [columns.wish(each) for each in options.columns]
    asked = {columns.place_of(each.column, table.headings): each for each in wishes}
    when = time_columns(table, asked)
    taken, problems = value_columns(table, asked, when)
    raw = _read(table, options, when, [each for each in taken if each.quantity])
    problems += raw.problems
    zone, order = _zone_of(table, options, when, raw, problems), _order(options, raw, problems)
    several = _several(table, options, raw)
    problems += several
    found = Found(
        table=table,
        columns=taken,
        time=np.empty(0, np.int64),
        values={},
        numbers=np.empty(0, np.int64),
        rows=raw.rows,
        blank=raw.blank,
        problems=problems,
        more_problems=raw.more_problems,
        zone=zone,
        dates=order,
        serial=_serial(table),
    )
    if (zone is not None or raw.all_zoned) and (order is not None or not raw.ambiguous):
        _place_in_time(found, raw, options, oldest, newest)
    return found


@dataclass(slots=True)
class _Raw:
    """Rows as they are read, before it is known what their dates mean."""

    reader: Reader = field(default_factory=Reader)
    dates: dict[tuple[str, str, str] | date, int] = field(default_factory=dict)
    day: array[int] = field(default_factory=lambda: array("l"))  # index into dates
    clock: array[int] = field(default_factory=lambda: array("l"))  # ms of the day
    zone: array[int] = field(default_factory=lambda: array("l"))  # ms east; _UNKNOWN: none
    number: array[int] = field(default_factory=lambda: array("l"))
    values: list[array[float]] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: int = 0
    blank: int = 0
    commas: int = 0  # rows with a number that has a comma alone, and one with a point alone
    points: int = 0
    names: dict[str, None] = field(default_factory=dict)  # of loggers, in a column for them
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    skips: bool = False  # what cannot be read is left out
    skipped: int = 0
    all_zoned: bool = False

    def tell(self, row: int, column: str, why: str) -> None:
        if self.skips:
            self.skipped += 1
        elif len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(row, column, why))
        else:
            self.more_problems += 1

    @property
    def ambiguous(self) -> bool:
        return any(isinstance(each, tuple) for each in self.dates)


_UNKNOWN = 10 * DAY_MS


def _read(table: Table, options: Options, when: When, taken: list[Column]) -> _Raw:
    raw = _Raw(columns=taken, values=[array("d") for _ in taken], skips=options.skip_bad)
    only = _only(table, options)
    named = only[0] if only else column_of_names(table)
    for number, cells in table.rows():
        if not any(cells):
            continue
        cells = [cell.strip() for cell in cells]
        if named is not None and named < len(cells):
            if only and cells[named] != only[1]:
                continue
            raw.names[cells[named]] = None
        raw.rows += 1
        if raw.rows > MAX_ROWS:
            raise refused(f"it has more than {MAX_ROWS} rows: import it in parts, by time")
        _row(raw, options, when, number, cells)
    raw.all_zoned = bool(len(raw.zone)) and _UNKNOWN not in set(raw.zone)
    return raw


def _row(raw: _Raw, options: Options, when: When, number: int, cells: list[str]) -> None:
    values = []
    for column in raw.columns:
        cell = cells[column.index] if column.index < len(cells) else ""
        if cell.lower() in NOTHING:
            values.append(np.nan)
            continue
        value = number_in(cell, options.decimal)
        if value is None:
            raw.tell(number, column.heading, f"{cell[:40]!r} is no number")
            return
        raw.commas += "," in cell and "." not in cell
        raw.points += "." in cell and "," not in cell
        values.append(value)
    if all(value != value for value in values):
        raw.blank += 1  # an event, such as that a button was pressed
        return
    stamp = _stamp(raw.reader, cells, when)
    if stamp is None or stamp.date is None or stamp.time is None:
        told = cells[when.date][:40] if when.date < len(cells) else ""
        raw.tell(number, "", f"{told!r} is no date and time")
        return
    raw.day.append(raw.dates.setdefault(stamp.date, len(raw.dates)))
    raw.clock.append(stamp.time)
    raw.zone.append(_UNKNOWN if stamp.zone is None else stamp.zone)
    raw.number.append(number)
    for kept, value in zip(raw.values, values, strict=True):
        kept.append(value)


def _stamp(reader: Reader, cells: list[str], when: When) -> Stamp | None:
    day = reader.read(cells[when.date]) if when.date < len(cells) else None
    if when.time is None or day is None:
        return day
    clock = reader.read(cells[when.time]) if when.time < len(cells) else None
    return None if clock is None else Stamp(day.date, clock.time, clock.zone)


def _zone_of(
    table: Table, options: Options, when: When, raw: _Raw, problems: list[Problem]
) -> Zone | None:
    if options.zone is not None:
        return zones.named(options.zone)
    for column in (when.time, when.date):
        if column is not None and (found := zones.in_heading(table.headings[column])):
            return found
    if raw.all_zoned:
        return zones.named("UTC")
    if len(raw.zone):
        why = (
            "the file does not say in which time zone its times are: say zone, such as"
            " Europe/Berlin, or +01:00 for a logger whose clock is not changed in summer"
        )
        problems.append(Problem(0, table.headings[when.date], why))
    return None


def _order(options: Options, raw: _Raw, problems: list[Problem]) -> DateOrder | None:
    dates = [each for each in raw.dates if isinstance(each, tuple)]
    if options.decimal is None and raw.commas and raw.points:
        why = "numbers are written with , and with . in it: say which is the decimal sign"
        problems.append(Problem(0, "", why))
    if options.dates is not None or not dates:
        return options.dates
    possible = stamps.orders(dates)
    if len(possible) == 1:
        return possible[0]
    shown = "-".join(dates[0])
    if possible:
        told = " or ".join(
            f"{order} for {day}" for order in possible if (day := stamps.day_of(dates[0], order))
        )
        why = f"dates such as {shown} can be read in more than one way: say dates, {told}"
    else:
        why = f"dates such as {shown} are in no one order: say dates, dmy, mdy or ymd"
    problems.append(Problem(0, "", why))
    return None


def _only(table: Table, options: Options) -> tuple[int, str] | None:
    if options.only is None:
        return None
    column, equals, value = options.only.partition("=")
    if not equals:
        raise refused(f"only {options.only[:60]!r} cannot be read: write COLUMN=VALUE")
    return columns.place_of(column.strip(), table.headings), value.strip()


def _several(table: Table, options: Options, raw: _Raw) -> list[Problem]:
    if options.only is not None:
        if not raw.rows:
            return [Problem(0, "", f"no row has {options.only[:60]}")]
        return []
    if len(raw.names) < 2:
        return []
    heading = table.headings[column_of_names(table) or 0]
    shown = ", ".join(list(raw.names)[:5]) + (" …" if len(raw.names) > 5 else "")
    why = f"it has the readings of several loggers ({shown}): say only {heading}=ONE, one at a time"
    return [Problem(0, heading, why)]


def _place_in_time(found: Found, raw: _Raw, options: Options, oldest: int, newest: int) -> None:
    days = [_day(each, found.dates) for each in raw.dates]
    day = np.array([0 if each is None else each for each in days], np.int64)[_ints(raw.day)]
    good = np.array([each is not None for each in days], np.bool_)[_ints(raw.day)]
    clock, zone, numbers = _ints(raw.clock), _ints(raw.zone), _ints(raw.number)
    told = zone != _UNKNOWN
    time = day * DAY_MS + clock - np.where(told, zone, 0)
    bad: dict[int, str] = dict.fromkeys(
        np.flatnonzero(~good).tolist(), f"its date cannot be in the order {found.dates}"
    )
    local = np.flatnonzero(good & ~told)
    if found.zone is not None and len(local):
        placed = zones.to_utc(day[local], clock[local], found.zone, options.repeated)
        time[local] = placed.time
        bad |= dict.fromkeys(local[placed.missing].tolist(), _missing(found.zone))
        bad |= dict.fromkeys(local[placed.double].tolist(), _double(found.zone))
    for index in np.flatnonzero((time < oldest) & good).tolist():
        bad.setdefault(index, _too_old(int(time[index]), oldest))
    for index in np.flatnonzero((time > newest) & good).tolist():
        bad.setdefault(index, f"{written(int(time[index]))} is still to come")
    if not options.skip_bad:
        _tell(found, bad, numbers)
    keep = np.ones(len(time), np.bool_)
    keep[list(bad)] = False
    found.time, found.numbers = time[keep], numbers[keep]
    for column, values in zip(raw.columns, raw.values, strict=True):
        factor, offset = column.scale
        scaled = np.frombuffer(values, np.float64)[keep] * factor + offset
        found.values[str(column.quantity)] = (
            scaled if factor == 1 and not offset else scaled.round(6)
        )
    if options.skip_bad:
        found.skipped = raw.skipped + len(bad)


def _tell(found: Found, bad: dict[int, str], numbers: Ints) -> None:
    room = max(0, MAX_PROBLEMS - len(found.problems))
    shown = sorted(bad)[:room]
    heading = ""
    found.problems += [Problem(int(numbers[index]), heading, bad[index]) for index in shown]
    found.more_problems += len(bad) - len(shown)


def _day(each: tuple[str, str, str] | date, order: DateOrder | None) -> int | None:
    if isinstance(each, tuple):
        day = None if order is None else stamps.day_of(each, order)
        return None if day is None else day.toordinal() - _EPOCH
    return each.toordinal() - _EPOCH


def _ints(values: array[int]) -> Ints:
    return np.array(values, np.int64)


def _missing(zone: Zone) -> str:
    return (
        f"this time was left out in {zone.name}, where clocks were put forward: if the logger's"
        " clock is never changed, say its distance from UTC as zone, such as +01:00"
    )


def _double(zone: Zone) -> str:
    return (
        f"this time came twice in {zone.name}, where clocks were put back, and the file does not"
        " tell which it is: say repeated, earlier or later; or, if the logger's clock is never"
        " changed, its distance from UTC as zone, such as +01:00"
    )


def _too_old(time: int, oldest: int) -> str:
    return (
        f"{written(time)} is older than readings are kept (before {written(oldest)},"
        " raw_retention_days): look at the dates, or leave such rows out with skip_bad"
    )


def _serial(table: Table) -> str | None:
    for row in [*table.preamble, list(table.headings)]:
        if match := _SERIAL.search(" ".join(row)):
            return match[1]
    return None


def tag_named(found: Found, name: str) -> str | None:
    """What the logger may be called: by its serial number, else by the file's name."""
    text = found.serial or PurePath(name.replace("\\", "/")).stem
    text = re.sub(r"[^\w.-]+", "-", text).strip("-.")[:64]
    return text or None
