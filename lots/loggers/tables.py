"""The table in a logger's file: how it is written, where it begins, and its rows. Pure."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lots.loggers.stamps import is_dated
from lots.spreadsheet import ImportRefused, Problem

MAX_BYTES = 50_000_000
DELIMITERS = (";", "\t", ",", "|")
LOOKED_AT = 400
"""Rows in which the table has to begin."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Cells = list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """``headings`` of its columns, and ``units`` where these have a line of their own.

    ``preamble`` is what stands before; ``sample`` the first rows; rows count from 1, as a
    spreadsheet shows them.
    """

    data: bytes
    encoding: str
    delimiter: str
    preamble: Sequence[Cells]
    headings: Sequence[str]
    sample: Sequence[Cells]
    first: int

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """(number, cells) of each row of the table; raises `ImportRefused`."""
        lines = _lines(self.data, self.encoding, self.delimiter)
        number = 0
        try:
            for number, cells in enumerate(lines, start=1):
                if number >= self.first:
                    yield number, cells
        except (csv.Error, UnicodeError) as error:
            raise refused(f"it cannot be read after row {number} ({error})") from error


def refused(why: str, row: int = 0, column: str = "") -> ImportRefused:
    return ImportRefused([Problem(row, column, why)])


def find(data: bytes) -> Table:
    """The table in a file; raises `ImportRefused` where there is none that we can see."""
    if len(data) > MAX_BYTES:
        raise refused(
            f"it has {len(data)} bytes, and {MAX_BYTES} are the most: import it in parts, by time"
        )
    if not data.strip(b"\0 \t\r\n"):
        raise refused("it is empty")
    encoding = _encoding(data)
    found = [_look(data, encoding, delimiter) for delimiter in DELIMITERS]
    best = max(found, key=lambda look: (min(look.length, 20), look.columns))
    if not best.length:
        raise refused(
            "no rows with a date and a value are found in it: export the logger's readings as CSV,"
            " a row a reading"
        )
    head, units = _head(best)
    preamble = best.rows[: max(0, head)]
    width = max(len(row) for row in best.rows[best.begins : best.begins + best.length])
    names = [_heading(best.rows, head, units, column) for column in range(width)]
    sample = best.rows[best.begins : best.begins + best.length]
    return Table(data, encoding, best.delimiter, preamble, names, sample, best.begins + 1)


class _Look(NamedTuple):
    """A file read with one delimiter: its longest run of rows with a date, and how wide it is."""

    delimiter: str
    rows: list[Cells]
    begins: int
    length: int
    columns: int


def _look(data: bytes, encoding: str, delimiter: str) -> _Look:
    rows: list[Cells] = []
    try:
        for cells in _lines(data, encoding, delimiter):
            rows.append([cell.strip() for cell in cells])
            if len(rows) >= LOOKED_AT:
                break
    except (csv.Error, UnicodeError):
        pass  # what was read so far decides; the rest is told when the rows are read
    best = _Look(delimiter, rows, 0, 0, 0)
    begins: int | None = None
    for number in range(len(rows) + 1):
        dated = number < len(rows) and _is_data(rows[number])
        if dated and begins is None:
            begins = number
        elif not dated and begins is not None:
            if number - begins > best.length:
                columns = max(len(row) for row in rows[begins:number])
                best = _Look(delimiter, rows, begins, number - begins, columns)
            begins = None
    return best


def _is_data(cells: Cells) -> bool:
    return len(cells) > 1 and any(is_dated(cell) for cell in cells)


def _head(look: _Look) -> tuple[int, int | None]:
    """Which row has the headings (-1: none), and which below it only units."""
    above = [n for n in range(look.begins) if any(look.rows[n])]
    if not above or len([cell for cell in look.rows[above[-1]] if cell]) < 2:
        return -1, None
    last = above[-1]
    told = [cell for cell in look.rows[last] if cell]
    if len(above) > 1 and all(_is_unit(cell) for cell in told):
        return above[-2], last
    return last, None


def _is_unit(cell: str) -> bool:
    plain = cell.strip("[]() ").lower()
    return len(plain) <= 4 and not plain.isdigit() and plain not in ("date", "time", "no.", "nr.")


def _heading(rows: list[Cells], head: int, units: int | None, column: int) -> str:
    parts = [
        rows[row][column]
        for row in (head, units)
        if row is not None and row >= 0 and column < len(rows[row])
    ]
    return " ".join(filter(None, parts)) or f"column {column + 1}"


def _lines(data: bytes, encoding: str, delimiter: str) -> Iterator[Cells]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    return csv.reader((line.replace("\0", "") for line in text), delimiter=delimiter)


def _encoding(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    head = data[:4096]
    if head.count(0) > len(head) // 4:
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return "cp1252" if not set(data) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"
    return "utf-8"
