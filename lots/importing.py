"""CSV files into the registry: all rows or none, as often as one likes.

What is there is brought up to date; a column that a file does not have leaves what is known as it
is, a blank cell takes it away. Calibrations are added to those that a tag has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from lots import layouts, registry, shapes, spreadsheet
from lots.layouts import EXAMPLES, REFERENCES, Cell, Draft, Layout
from lots.records import KINDS, Record
from lots.refusals import Rejected
from lots.registry import Outcome
from lots.shapes import SHAPES, one
from lots.spreadsheet import ImportRefused, Problem, Sheet, SheetRow

__all__ = ["ImportRefused", "Problem", "Report", "example", "import_csv"]

EVERY = 1000
"""Progress is told every so many records."""

Progress = Callable[[int, int], None]
"""Is given how many records of how many are read."""

REMEDIES = {
    "missing": "a value is needed here",
    "float_parsing": "{value!r} is not a number; write it like 12.5, with a point and no blanks",
    "int_parsing": "{value!r} is not a whole number; write it like 3600",
    "bool_parsing": "{value!r} is neither true nor false; write one of these",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or would do."""

    created: int
    changed: int
    unchanged: int


def example(kind: str) -> str:
    """A file of a kind to begin from."""
    return EXAMPLES[kind]


def import_csv(
    session: Session,
    tenant: str,
    kind: str,
    data: bytes,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Put every record of a CSV file; with ``dry_run`` find out what that would do.

    Raises `ImportRefused` with every problem of every row; then nothing is written.
    """
    layout = layouts.layout_of(kind)
    sheet = spreadsheet.read(data, layout.columns, layout.required)
    registry.lock(session, tenant)
    drafts, problems = _drafts(kind, layout, sheet)
    drafts, records, wrong = _records(kind, drafts, progress)
    problems += wrong
    records, wrong = _completed(session, tenant, kind, sheet, drafts, records)
    problems += wrong
    if problems:
        found = registry.problems(session, tenant, kind, records)
        raise ImportRefused(problems + _told(drafts, found))
    try:
        with session.begin_nested() as savepoint:
            outcomes = registry.put_many(session, tenant, kind, records)
            if dry_run:
                savepoint.rollback()
    except Rejected as rejected:
        raise ImportRefused(_told(drafts, rejected.problems)) from rejected
    return Report(*(outcomes.count(outcome) for outcome in Outcome))


def _drafts(kind: str, layout: Layout, sheet: Sheet) -> tuple[list[Draft], list[Problem]]:
    problems = list(sheet.problems)
    if not layout.repeated:
        return [layout.draft((row,)) for row in sheet.rows], problems
    groups: dict[str, list[SheetRow]] = {}
    for row in sheet.rows:
        group = groups.setdefault(row.cells.get("id", f"\0{row.number}"), [])
        group.append(row)
        if len(group) > 1 and layout.repeated not in row.cells:
            why = f"this {one(kind)} stands in row {group[0].number} too; keep one of the two"
            problems.append(Problem(row.number, "id", why))
    for rows in groups.values():
        why = f"row {rows[0].number} says something else; write the same, or leave it blank"
        problems += [Problem(*cell, why) for cell in layouts.differing(layout, rows)]
    return [layout.draft(tuple(rows)) for rows in groups.values()], problems


def _records(
    kind: str, drafts: Sequence[Draft], progress: Progress | None
) -> tuple[list[Draft], list[Record], list[Problem]]:
    """The drafts that make records, these, and what is wrong with the others."""
    good, records = [], []
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for count, draft in enumerate(drafts):
        if progress is not None and count % EVERY == 0:
            progress(count, len(drafts))
        record = _validated(kind, draft, draft.fields, problems)
        if record is None:
            continue
        row = draft.rows[0].number
        if record.id in first:
            why = f'"{record.id}" stands in row {first[record.id]} too; keep one of the two'
            problems.append(Problem(row, "id", why))
            continue
        first[record.id] = row
        good.append(draft)
        records.append(record)
    if progress is not None:
        progress(len(drafts), len(drafts))
    return good, records, problems


def _completed(
    session: Session,
    tenant: str,
    kind: str,
    sheet: Sheet,
    drafts: Sequence[Draft],
    records: Sequence[Record],
) -> tuple[list[Record], list[Problem]]:
    """``records`` with what the file has no columns for as it is known now."""
    keep = _kept_fields(kind, sheet.columns)
    if not keep:
        return list(records), []
    shape = SHAPES[kind]
    keys = [shapes.key(shape, record) for record in records]
    known = shapes.load(session, tenant, shape, keys)
    completed: list[Record] = []
    problems: list[Problem] = []
    for draft, record, key in zip(drafts, records, keys, strict=True):
        if key not in known or known[key] == shapes.kept(shape, record):
            completed.append(record)
            continue
        before = shapes.fields_of(shape, known[key])
        fields = record.model_dump() | {name: before[name] for name in keep if name in before}
        if "references" in keep:
            fields["references"] = _references(before, record, sheet.columns)
        if "corrections" in keep:
            fields["corrections"] = _corrections(before, record)
        completed.append(_validated(kind, draft, fields, problems) or record)
    return completed, problems


def _kept_fields(kind: str, columns: Sequence[str]) -> set[str]:
    keep = set(KINDS[kind].model_fields) - set(columns) - {"id"}
    if kind == "lots" and set(REFERENCES) <= set(columns):
        keep.discard("references")
    if kind == "shipments" and "leg" in columns:
        keep.discard("legs")
    return keep


def _references(before: dict[str, Any], record: Record, columns: Sequence[str]) -> dict[str, Any]:
    kept = {k: v for k, v in before["references"].items() if k not in columns}
    return kept | dict(record.model_dump(mode="json")["references"])


def _corrections(before: dict[str, Any], record: Record) -> list[Any]:
    both = [*before["corrections"], *record.model_dump()["corrections"]]
    return list({(each["quantity"], each["begins"]): each for each in both}.values())


def _validated(
    kind: str, draft: Draft, fields: dict[str, Any], problems: list[Problem]
) -> Record | None:
    try:
        return KINDS[kind].model_validate(fields)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            row, column = draft.cell(item["loc"])
            message = REMEDIES.get(item["type"], "").format(value=item["input"]) or item["msg"]
            problems.append(Problem(row, column, message))
        return None


def _told(
    drafts: Sequence[Draft], found: Sequence[tuple[int, registry.RegistryError]]
) -> list[Problem]:
    """What the registry refuses, by the cells that it comes from."""
    return [Problem(*_cell(drafts[position], error.field), str(error)) for position, error in found]


def _cell(draft: Draft, field: str) -> Cell:
    """The cell of a field as `shapes.named` calls it: a leg's goes by the leg's number."""
    name, *within = field.split(".")
    if name == "legs" and within:
        for row in draft.rows:
            if row.cells.get("leg") == within[0]:
                return Cell(row.number, within[1])
    return Cell(draft.rows[0].number, name)
