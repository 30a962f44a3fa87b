"""CSV as spreadsheets write it: bytes in, rows of named cells out, errors by row and column."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

DELIMITERS = ",;\t"
SHOWN = 50
"""So many problems are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in which cell: rows count from 1 as a spreadsheet shows them; 0: the file."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row else "the file"
        return f"{where}{f', {self.column}' if self.column else ''}: {self.message}"


class ImportRefused(Exception):
    """A file cannot be imported, and nothing of it was; ``problems`` are all that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.row)
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"and {len(self.problems) - SHOWN} more")
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class SheetRow:
    """``number`` as a spreadsheet shows it; ``cells`` has the cells that are not blank."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """``columns`` in the file's order; ``problems`` are of rows that are left out."""

    columns: list[str]
    rows: list[SheetRow]
    problems: list[Problem]


def read(data: bytes, columns: Collection[str], required: Collection[str]) -> Sheet:
    """The rows of a CSV file with a line of headings.

    Comma, semicolon or tab between cells; UTF-8 with or without its mark. Raises `ImportRefused`
    when the file as a whole cannot be read: not UTF-8, no rows, wrong headings.
    """
    text = _decoded(data)
    if not text.strip():
        raise _refused(0, "", "it is empty; see --example for what belongs in it")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        headings = _headings(next(lines, []), columns, required)
        rows, problems = _rows(lines, headings)
    except csv.Error as error:
        why = f'line {lines.line_num} is not CSV ({error}); a " inside quotes is written ""'
        raise _refused(0, "", why) from error
    if not rows and not problems:
        raise _refused(0, "", "it has headings and no rows; see --example for what belongs in it")
    return Sheet([name for name in headings if name], rows, problems)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        why = f"it is not UTF-8 (line {line}); save it as CSV UTF-8"
        raise _refused(0, "", why) from error


def _delimiter(text: str) -> str:
    """What stands most often between the headings."""
    heading = text.lstrip().split("\n", 1)[0]
    return max(DELIMITERS, key=heading.count)


def _headings(
    cells: Sequence[str], columns: Collection[str], required: Collection[str]
) -> list[str]:
    names = ["_".join(cell.split()).lower() for cell in cells]
    problems = []
    for name in dict.fromkeys(filter(None, names)):
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
            hint = f"is it {near[0]}?" if near else f"there are: {', '.join(columns)}"
            problems.append(Problem(1, name, f"there is no such column; {hint}"))
        elif names.count(name) > 1:
            problems.append(Problem(1, name, "this column is there twice; keep one"))
    problems += [
        Problem(1, name, "this column is needed; add it (--example shows all)")
        for name in required
        if name not in names
    ]
    if problems:
        raise ImportRefused(problems)
    return names


def _rows(
    lines: Iterable[list[str]], headings: Sequence[str]
) -> tuple[list[SheetRow], list[Problem]]:
    rows, problems = [], []
    for number, line in enumerate(lines, start=2):
        cells = [cell.strip() for cell in line]
        beyond = [cell for cell in cells[len(headings) :] if cell]
        beyond += [c for c, name in zip(cells, headings, strict=False) if c and not name]
        if beyond:
            why = f'"{beyond[0]}" stands under no heading; a text with a comma needs "…" around it'
            problems.append(Problem(number, "", why))
            continue
        named = {name: cell for name, cell in zip(headings, cells, strict=False) if cell}
        if named:
            rows.append(SheetRow(number, named))
    return rows, problems


def _refused(row: int, column: str, message: str) -> ImportRefused:
    return ImportRefused([Problem(row, column, message)])
