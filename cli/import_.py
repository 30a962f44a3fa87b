"""`dunnage import`: CSV files into the registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lots.importing import ImportRefused

DEFAULT_TENANT = "default"

Kind = Literal[
    "sites", "places", "parties", "tags", "lots", "bindings", "moves", "shipments", "holds"
]


def import_file(
    kind: Annotated[Kind, typer.Argument(help="What the file has.")],
    file: Annotated[Path | None, typer.Argument(help="The CSV file; - is standard input.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what it would do, and do nothing.")
    ] = False,
    tenant: Annotated[str, typer.Option(help="Whose it is.")] = DEFAULT_TENANT,
    example: Annotated[
        bool, typer.Option("--example", help="Print a file to begin from, and do nothing.")
    ] = False,
) -> None:
    """Bring a CSV file's things into the registry: all rows or, if one is wrong, none.

    It can be repeated: what is there is brought up to date and nothing is doubled.
    A column that the file does not have leaves what is known as it is; a blank cell takes it away.
    """
    from rich.console import Console

    from lots.importing import ImportRefused
    from lots.importing import example as example_of

    if example:
        print(example_of(kind), end="")
        return
    if file is None:
        raise typer.BadParameter("name the file, or - for standard input; or say --example")
    errors = Console(stderr=True)
    try:
        _import(kind, _contents(file), tenant, dry_run, errors)
    except ImportRefused as refused:
        _tell(refused, str(file), errors)
        raise typer.Exit(1) from refused


def _import(kind: str, data: bytes, tenant: str, dry_run: bool, errors: Console) -> None:
    from rich.progress import Progress

    from cli.administration import database
    from lots import registry
    from lots.importing import import_csv

    progress = Progress(console=errors, transient=True, disable=not errors.is_terminal)
    with database() as engine, progress, registry.writing(engine) as session:
        makes = tenant == DEFAULT_TENANT and tenant not in registry.tenants(session)
        if makes:
            registry.create_tenant(session, tenant, tenant)
        task = progress.add_task(f"reading {kind}")
        report = import_csv(
            session,
            tenant,
            kind,
            data,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
        if dry_run:
            session.rollback()
    if makes and not dry_run:  # a file that is refused takes the tenant back with it
        errors.print(f"made the tenant {tenant}")
    print(
        f"{kind}: {report.created} created, {report.changed} changed, {report.unchanged} unchanged"
        f"{' (dry run: nothing was written)' if dry_run else ''}"
    )


def _contents(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error


def _tell(refused: ImportRefused, file: str, errors: Console) -> None:
    """A table for people, a line a problem for programs."""
    from rich.table import Table
    from rich.text import Text

    from cli.terminal import KEPT, plain
    from lots.spreadsheet import SHOWN

    head = f"{plain(file)}: nothing was imported"
    if not errors.is_terminal:
        print(f"{head}\n{plain(str(refused), KEPT)}", file=sys.stderr)
        return
    table = Table("row", "column", "what is wrong", title=Text(head))
    for problem in refused.problems[:SHOWN]:
        row = str(problem.row or "")
        table.add_row(row, Text(plain(problem.column)), Text(plain(problem.message)))
    errors.print(table)
    if len(refused.problems) > SHOWN:
        errors.print(f"and {len(refused.problems) - SHOWN} more")
