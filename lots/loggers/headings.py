"""Which columns of a logger's table say when it was, what was measured, and by whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lots.loggers import columns, stamps, zones
from lots.loggers.columns import DATE, SKIP, TIME, Column, Wish
from lots.loggers.numbers import NOTHING, number
from lots.loggers.tables import Table, refused
from lots.spreadsheet import Problem

_NAMES = re.compile(r"sensor|device|logger|serial|ger[aä]t|tag|name", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class When:
    """The columns that say when: one with date and time, or one each."""

    date: int
    time: int | None  # its own column


def time_columns(table: Table, asked: dict[int, Wish]) -> When:
    """Raises `ImportRefused` where that is not clear."""
    said = {each.what: place for place, each in asked.items() if each.what in (TIME, DATE)}
    free = [n for n in range(len(table.headings)) if n not in asked]
    kinds = {n: _kind(table, n) for n in free}
    if TIME in said and DATE not in said and _kind(table, said[TIME]) != "clock":
        return When(said[TIME], None)
    whole = [n for n in free if kinds[n] == "stamp"]
    dates = [said[DATE]] if DATE in said else [n for n in free if kinds[n] == "date"]
    clocks = [n for n in free if kinds[n] == "clock" and not _elapsed(table.headings[n])]
    clocks = [said[TIME]] if TIME in said else clocks
    if DATE not in said and len(whole) > 1:
        in_utc = [n for n in whole if zones.in_heading(table.headings[n])]
        whole = in_utc if len(in_utc) == 1 else whole
    if DATE not in said and len(whole) == 1:
        return When(whole[0], None)
    if len(dates) == 1 and len(clocks) == 1:
        return When(dates[0], clocks[0])
    there = ", ".join(f"#{n + 1} {each!r}" for n, each in enumerate(table.headings))
    raise refused(
        f'which column says when is not clear: say so with column "HEADING=time", or one as date'
        f" and one as time; there are {there}"
    )


def _kind(table: Table, column: int) -> str:
    """What most cells of a column in the sample are."""
    kinds: dict[str, int] = {}
    for row in table.sample[:50]:
        cell = row[column] if column < len(row) else ""
        found = stamps.read(cell) if cell else None
        if found is None:
            kind = "" if cell in NOTHING else "other"
        else:
            kind = "clock" if found.date is None else "date" if found.time is None else "stamp"
        kinds[kind] = kinds.get(kind, 0) + 1
    kinds.pop("", None)
    return max(kinds, key=lambda kind: kinds[kind], default="")


def _elapsed(heading: str) -> bool:
    return bool(re.search(r"elapsed|duration|dauer|laufzeit", heading, re.IGNORECASE))


def value_columns(
    table: Table, asked: dict[int, Wish], when: When
) -> tuple[list[Column], list[Problem]]:
    """Every column, and what of them is not clear."""
    found = []
    for index, heading in enumerate(table.headings):
        cells = [row[index] for row in table.sample if index < len(row)]
        if index in (when.date, when.time):
            found.append(Column(index, heading, why="when it was"))
        elif index in asked:
            found.append(_as_wished(index, heading, asked[index], cells))
        elif any(number(cell) is not None for cell in cells):
            found.append(columns.guess(index, heading, cells))
        else:
            found.append(Column(index, heading, why="no numbers in it"))
    return found, _unclear(found)


def _as_wished(index: int, heading: str, wished: Wish, cells: Sequence[str]) -> Column:
    if wished.what == SKIP:
        return Column(index, heading, why="you said so")
    guessed = columns.guess(index, heading, cells)
    fits = guessed.unit in columns.UNITS.get(wished.what, {})
    unit = wished.unit or (guessed.unit if fits else None)
    if wished.what == "humidity":
        unit = "%RH"
    return Column(index, heading, wished.what, unit)


def _unclear(found: Sequence[Column]) -> list[Problem]:
    problems = []
    by_quantity: dict[str, Column] = {}
    for each in found:
        if each.quantity is None:
            continue
        units = columns.UNITS.get(each.quantity, {})
        if units and each.unit is None:
            told = ", ".join(units)
            why = (
                f'its unit is not written: say column "{each.heading}={each.quantity}:UNIT", with'
                f" one of {told}"
            )
            problems.append(Problem(0, each.heading, why))
        other = by_quantity.setdefault(each.quantity, each)
        if other is not each:
            why = (
                f"#{other.index + 1} {other.heading!r} is {each.quantity} too: say which is what,"
                f' with column "#{each.index + 1}=probe" or "#{each.index + 1}=skip"'
            )
            problems.append(Problem(0, each.heading, why))
    if not by_quantity:
        why = 'no column of it is a quantity that is known: say column "HEADING=QUANTITY:UNIT"'
        problems.append(Problem(0, "", why))
    return problems


def column_of_names(table: Table) -> int | None:
    """A column that names the logger of each row, where a file is of several."""
    for index, heading in enumerate(table.headings):
        cells = [row[index] for row in table.sample if index < len(row) and row[index]]
        texts = cells and not any(number(cell) is not None or stamps.read(cell) for cell in cells)
        if texts and _NAMES.search(heading):
            return index
    return None
