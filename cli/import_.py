"""`dunnage import`: CSV files into the registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lots.importing import ImportRefused

NO_EXAMPLE = "loggers write their own files: import one as it is (docs/formats/logger-csv.md)"
DEFAULT_TENANT = "default"

Kind = Literal[
    "sites",
    "places",
    "parties",
    "tags",
    "lots",
    "bindings",
    "moves",
    "shipments",
    "holds",
    "readings",
    "climate",
]
LOGGERS = "For readings"
CLIMATES = "For a climate"


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
    apply: Annotated[
        bool,
        typer.Option(
            "--apply",
            help="Import them; without it they are only shown as they would be.",
            rich_help_panel=LOGGERS,
        ),
    ] = False,
    lot: Annotated[
        str | None, typer.Option(help="The lot that the logger watched.", rich_help_panel=LOGGERS)
    ] = None,
    place: Annotated[
        str | None, typer.Option(help="Or the place where it was.", rich_help_panel=LOGGERS)
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="The site that it is of.", rich_help_panel=CLIMATES)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Where the figures are from; else what the file says, or its name.",
            rich_help_panel=CLIMATES,
        ),
    ] = None,
    placement: Annotated[
        Literal["air", "surface", "core"],
        typer.Option(
            help="It measured the free air, the goods' surface or their core.",
            rich_help_panel=LOGGERS,
        ),
    ] = "air",
    tag: Annotated[
        str | None,
        typer.Option(
            help="What the logger is called; else its serial number, or the file's name.",
            rich_help_panel=LOGGERS,
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            help="Of its times: Europe/Berlin, UTC; +01:00 for a clock that is never changed.",
            rich_help_panel=LOGGERS,
        ),
    ] = None,
    dates: Annotated[
        Literal["dmy", "mdy", "ymd"] | None,
        typer.Option(
            help="The order of day, month and year, where it is not clear.",
            rich_help_panel=LOGGERS,
        ),
    ] = None,
    repeated: Annotated[
        Literal["earlier", "later"] | None,
        typer.Option(
            help="Which is meant of the hour that comes twice in autumn, where that is not clear.",
            rich_help_panel=LOGGERS,
        ),
    ] = None,
    decimal: Annotated[
        Literal["comma", "point"] | None,
        typer.Option(
            help="The decimal sign, where it is not clear.",
            rich_help_panel=LOGGERS,
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="What a column is: HEADING=QUANTITY:UNIT, such as 'Temp 1=temperature:°F';"
            " HEADING=skip, time or date; #3 for the third. Several times for several.",
            rich_help_panel=LOGGERS,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Of a file with several loggers: COLUMN=VALUE, rows of this one.",
            rich_help_panel=LOGGERS,
        ),
    ] = None,
    skip_bad: Annotated[
        bool,
        typer.Option(
            "--skip-bad",
            help="Leave out rows that cannot be read.",
            rich_help_panel=LOGGERS,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="What was found, as JSON.", rich_help_panel=LOGGERS),
    ] = False,
) -> None:
    """Bring a CSV file's things into the registry: all rows or, if one is wrong, none.

    It can be repeated: what is there is brought up to date and nothing is doubled.
    A column that the file does not have leaves what is known as it is; a blank cell takes it away.

    Readings are those of a logger that was read out: CSV as its program exports it. They are shown
    as they would be stored, and with --apply go to the worker like any other. Importing a file
    again changes nothing.

    A climate is a year or more of hourly weather, CSV with time, temperature_c and humidity_pct or
    an EPW file, of which the means and spreads by month and hour are kept with the --site. Without
    a file, what the tags of --place have measured is taken, a yard of the site for one.
    """
    if kind == "climate":
        raise typer.Exit(_climate(file, tenant, site, place, source, dry_run=dry_run))
    if site or source:
        raise typer.BadParameter(f"--site and --source are for a climate, not for {kind}")
    if kind == "readings":
        if file is None:
            if example:
                raise typer.BadParameter(NO_EXAMPLE)
            raise typer.BadParameter("name the logger's file, or - for standard input")
        _refuse(file, example=example, dry_run=dry_run and apply)
        signs = {"comma": ",", "point": ".", None: None}
        given = {
            "zone": zone,
            "dates": dates,
            "repeated": repeated,
            "decimal": signs[decimal],
            "columns": tuple(column or ()),
            "only": only,
            "skip_bad": skip_bad,
        }
        to = {"lot": lot, "place": place, "placement": placement, "tag": tag}
        raise typer.Exit(_readings(file, tenant, given, to, apply, as_json))
    of_loggers = (apply, lot, place, tag, zone, dates, repeated, decimal, column, only)
    if any((*of_loggers, skip_bad, as_json, placement != "air")):
        raise typer.BadParameter(f"that option is for readings, not for {kind}")
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


def _climate(
    file: Path | None,
    tenant: str,
    site: str | None,
    place: str | None,
    source: str | None,
    *,
    dry_run: bool,
) -> int:
    from cli.import_climate import from_file, from_own_history

    if site is None:
        raise typer.BadParameter("say which --site it is of")
    if (file is None) == (place is None):
        raise typer.BadParameter("name a file, or the --place whose tags measured it")
    if file is not None:
        from_file(file, _contents(file), tenant, site, source or "", dry_run)
    elif place is not None:
        from_own_history(tenant, site, place, dry_run)
    return 0


def _readings(
    file: Path,
    tenant: str,
    given: dict[str, Any],
    to: dict[str, Any],
    apply: bool,
    as_json: bool,
) -> int:
    from cli.import_readings import contents, import_readings
    from lots.errors import UserError
    from lots.loggers.files import Options
    from lots.loggers.importing import Destination
    from lots.loggers.stamps import DateOrder
    from lots.loggers.zones import Repeated
    from lots.spreadsheet import ImportRefused
    from lots.terms import Placement

    given["dates"] = given["dates"] and DateOrder(given["dates"])
    given["repeated"] = given["repeated"] and Repeated(given["repeated"])
    where = Destination(**to | {"placement": Placement(to["placement"])})
    try:
        data = contents(file)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
    name = "" if str(file) == "-" else file.name
    try:
        return import_readings(
            data, name, tenant, Options(**given), where, apply=apply, as_json=as_json
        )
    except ImportRefused as refused:
        raise UserError(f"{file}: nothing was imported\n{refused}") from refused


def _refuse(file: Path, *, example: bool, dry_run: bool) -> None:
    if example:
        raise typer.BadParameter(NO_EXAMPLE)
    if dry_run:
        raise typer.BadParameter(f"--dry-run and --apply: keep one of them for {file}")


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
