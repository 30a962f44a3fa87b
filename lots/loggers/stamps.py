"""Dates and times as loggers write them, and what order the numbers of a date are in. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple

MAX_KNOWN = 100_000
"""Cells that a `Reader` remembers."""

_MONTHS = {
    # English, German, French, Spanish, by what they begin with.
    name: number
    for number, names in enumerate(
        (
            "jan ene gen",
            "feb fév fev",
            "mar mär mrz",
            "apr avr abr",
            "may mai mag",
            "jun juin giu",
            "jul juil lug",
            "aug aoû aou ago",
            "sep set",
            "oct okt ott",
            "nov",
            "dec dez déc dic",
        ),
        start=1,
    )
    for name in names.split()
}
_DATE = r"(?P<a>\d{1,4})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{1,4})"
_NAMED = r"(?P<day>\d{1,2})[-/. ]+(?P<month>[^\W\d_]{3,10})\.?[-/., ]+(?P<year>\d{4}|\d{2})"
_NAMED_FIRST = r"(?P<month>[^\W\d_]{3,10})\.? +(?P<day>\d{1,2}),? +(?P<year>\d{4})"
_TIME = (
    r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
)
_ZONE = r"(?:\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
_STAMPS = tuple(
    re.compile(rf"{form}(?:[T ,]+{_TIME}{_ZONE})?") for form in (_DATE, _NAMED, _NAMED_FIRST)
)
_CLOCK = re.compile(_TIME + _ZONE)


class DateOrder(StrEnum):
    """What the numbers of a date are, from left to right."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


class Stamp(NamedTuple):
    """A cell: ``date`` as its numbers are written, ``time`` ms of the day, ``zone`` ms east."""

    date: tuple[str, str, str] | date | None
    time: int | None
    zone: int | None


def is_dated(cell: str) -> bool:
    """Whether a cell begins with a date and has nothing else than a time after it."""
    found = read(cell)
    if found is None or found.date is None:
        return False
    return not isinstance(found.date, tuple) or bool(orders([found.date]))


def read(cell: str) -> Stamp | None:
    """A date, a time, or both; None for anything else."""
    for form in _STAMPS:
        match = form.fullmatch(cell)
        if match is not None:
            parts = match.groupdict()
            day = _named(parts) if "month" in parts else (parts["a"], parts["b"], parts["c"])
            time = None if parts["h"] is None else _time(parts)
            if day is None or (parts["h"] is not None and time is None):
                return None
            return Stamp(day, time, _zone(parts["zone"]))
    match = _CLOCK.fullmatch(cell)
    if match is None:
        return None
    time = _time(match.groupdict())
    return None if time is None else Stamp(None, time, _zone(match["zone"]))


class Reader:
    """`read` for whole files, in which the same days and times of day come again and again."""

    def __init__(self) -> None:
        self._known: dict[str, Stamp | None] = {}

    def read(self, cell: str) -> Stamp | None:
        """As `read`; a date and a time with a blank or a T between them each by themselves."""
        cut = 10 if cell[10:11] == "T" else cell.find(" ")
        if cut > 0:
            day, clock = self._of(cell[:cut]), self._of(cell[cut + 1 :])
            if day and clock and day.time is None and clock.date is None:
                return Stamp(day.date, clock.time, clock.zone)
        return self._of(cell)

    def _of(self, cell: str) -> Stamp | None:
        try:
            return self._known[cell]
        except KeyError:
            found = self._known[cell] = read(cell)
            if len(self._known) > MAX_KNOWN:
                self._known.clear()
            return found


def orders(dates: Collection[tuple[str, str, str]]) -> list[DateOrder]:
    """The orders in which all ``dates`` are some; those that say the same as another left out."""
    found: dict[tuple[date | None, ...], DateOrder] = {}
    for order in DateOrder:
        days = tuple(day_of(each, order) for each in dates)
        if None not in days:
            found.setdefault(days, order)
    return list(found.values())


def day_of(numbers: tuple[str, str, str], order: DateOrder) -> date | None:
    """The day that a date means; None where it cannot be in this order."""
    a, b, c = numbers
    year, month, day = {
        DateOrder.DMY: (c, b, a),
        DateOrder.MDY: (c, a, b),
        DateOrder.YMD: (a, b, c),
    }[order]
    if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2:
        return None
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None


def numeric(stamps: Iterable[Stamp]) -> set[tuple[str, str, str]]:
    """The dates that only an order makes days of."""
    return {each.date for each in stamps if isinstance(each.date, tuple)}


def _named(parts: dict[str, str | None]) -> date | None:
    word = str(parts["month"]).lower()
    month = next((n for name, n in _MONTHS.items() if re.match(name, word)), None)
    year = int(str(parts["year"]))
    try:
        return date(year + (2000 if year < 100 else 0), month or 0, int(str(parts["day"])))
    except ValueError:
        return None


def _time(parts: dict[str, str | None]) -> int | None:
    hour, minute = int(str(parts["h"])), int(str(parts["m"]))
    second = int(parts["s"] or 0)
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = (parts["f"] or "0").ljust(3, "0")[:3]
    return ((hour * 60 + minute) * 60 + second) * 1000 + int(fraction)


def _zone(text: str | None) -> int | None:
    if text is None:
        return None
    if text in ("Z", "UTC", "GMT"):
        return 0
    sign = -1 if text[0] == "-" else 1
    return sign * (int(text[1:3]) * 60 + int(text[-2:])) * 60_000
