"""`dunnage import readings`: what a logger recorded, shown first and then handed to the worker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.terminal import plain, print_json, table

if TYPE_CHECKING:
    from lots.loggers.files import Options
    from lots.loggers.importing import Destination

SHOWN = 50
"""Problems that are told; the rest is counted."""


def import_readings(
    data: bytes,
    name: str,
    tenant: str,
    options: Options,
    to: Destination,
    *,
    apply: bool,
    as_json: bool,
) -> int:
    """Preview or import a logger's file; the exit status. Raises `ImportRefused`, `UserError`."""
    from cli.administration import database
    from lots import registry
    from lots.clock import DAY_MS
    from lots.loggers.files import understand
    from lots.loggers.importing import described
    from lots.loggers.importing import import_readings as make
    from lots.settings import load

    settings = load()
    now = settings.clock.now_ms()
    oldest = now - settings.raw_retention_days * DAY_MS
    found = understand(data, options, oldest, now + DAY_MS)
    with database() as engine, registry.writing(engine) as session:
        apply = apply and not found.problems
        report = make(session, tenant, found, to, name=name, now=now, apply=False)
        if apply and not report.problems:
            report = make(session, tenant, found, to, name=name, now=now, apply=True)
    told = described(report)
    if as_json:
        print_json(told)
    else:
        _show(told, name)
    return 0 if not report.problems else 1


def _show(told: dict[str, Any], name: str) -> None:
    from ingest.formats.units import unit_of

    rows = (
        (c["heading"], c["is"] or "-", c["unit"] or "", c["why"] or "") for c in told["columns"]
    )
    table(("column", "is", "unit", "why not"), rows)
    print()
    where = next((f"{kind} {told[kind]}" for kind in ("lot", "place") if told[kind]), "nothing yet")
    _line("tag", f"{told['tag'] or '?'}{' (new)' if told['registers_tag'] else ''}")
    _line("watched", f"{where}, {told['placement']}")
    for binding in told["new_bindings"]:
        _line("new binding", binding)
    _line("times", f"in {told['zone'] or '?'}, dates {told['dates'] or '?'}")
    _line("rows", f"{told['rows']}, {told['without_values']} of them without a value")
    if told["left_out"]:
        _line("rows left out", f"{told['left_out']}, which cannot be read")
    if told["first"]:
        _line("readings", f"{told['readings']} from {told['from']} to {told['to']}")
        _line("interval", f"{told['interval_s']:g} s" if told["interval_s"] else "?")
        print("\nas they would be stored:" if not told["applied"] else "\nas they are stored:")
        heads = list(dict.fromkeys(head for each in told["first"] for head in each))
        named = [f"{head} {unit_of(head)}".rstrip() for head in heads]
        table(named, ([str(each.get(head, "")) for head in heads] for each in told["first"]))
    _tell(told, name)


def _line(what: str, said: str) -> None:
    print(f"{what}: {plain(said)}")


def _tell(told: dict[str, Any], name: str) -> None:
    waiting = told["waiting"]
    if told["applied"]:
        queued = told["queued"]
        print(
            f"\n{queued['readings']} readings handed to the worker, {waiting['readings']} waiting"
        )
        return
    problems = told["problems"]
    if not problems:
        print("\nnothing was imported yet: say --apply", file=sys.stderr)
        return
    print(f"\n{plain(name)}: nothing was imported", file=sys.stderr)
    for each in problems[:SHOWN]:
        where = f"row {each['row']}" if each["row"] else "the file"
        column = f", {each['column']}" if each["column"] else ""
        print(plain(f"{where}{column}: {each['message']}"), file=sys.stderr)
    more = len(problems) - SHOWN + told["more_problems"]
    if more > 0:
        print(f"and {more} more", file=sys.stderr)
    print("(what is to be said is an option: --zone, --dates, --column, --lot …)", file=sys.stderr)


def contents(file: Path) -> bytes:
    """Of a file or of standard input, no more than may be imported."""
    from lots.loggers.tables import MAX_BYTES

    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)
