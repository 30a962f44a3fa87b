"""`dunnage dead-letters`: what could not be used, and sending it round again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from lots.left_over import Which
    from lots.model import DeadLetter

app = typer.Typer(help="Messages that could not be used, and why.", no_args_is_help=True)

Tenant = Annotated[str | None, typer.Option(help="Only this tenant's.")]
Reason = Annotated[str | None, typer.Option(help="Only those with this in their reason.")]
Since = Annotated[
    str | None, typer.Option(help="Only those received then or later: 2025-11-22T08:00:00Z.")
]


@app.command("list")
def list_letters(
    tenant: Tenant = None,
    reason: Reason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="So many at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON each.")] = False,
) -> None:
    """The newest first, with their reasons."""
    from cli.administration import database
    from cli.terminal import print_json, table
    from lots import left_over, registry

    with database() as engine, registry.reading(engine) as session:
        found = left_over.newest(session, _which(tenant, reason, since), limit)
    if as_json:
        for each in found:
            print_json(_data(each))
    elif not found:
        print("no dead letters")
    else:
        rows = ((each.id, _time(each.received), each.topic, each.reason) for each in found)
        table(("id", "received (UTC)", "topic", "reason"), rows)


@app.command("show")
def show_letter(
    letter: Annotated[str, typer.Argument(help="Its id, as `list` prints it.")],
    as_hex: Annotated[
        bool, typer.Option("--hex", help="The payload in hexadecimal, also where it is text.")
    ] = False,
) -> None:
    """One whole: topic, reason and payload as it came."""
    from cli.administration import database
    from cli.terminal import KEPT, plain
    from lots import registry
    from lots.model import DeadLetter
    from lots.refusals import Missing

    with database() as engine, registry.reading(engine) as session:
        row = session.get(DeadLetter, letter)
    if row is None:
        raise Missing(f"there is no dead letter {letter!r}: see `dunnage dead-letters list`")
    print(f"received {_time(row.received)} UTC on {plain(row.topic)}")
    print(f"reason: {plain(row.reason)}")
    if row.attempts:
        told = "it has not come back" if row.replayed else "it came back"
        print(f"replayed: {row.attempts} times; {told}")
    text = row.payload.decode("utf-8", "backslashreplace")
    print(row.payload.hex(" ") if as_hex else plain(text, KEPT))


@app.command("replay")
def replay_letters(
    letters: Annotated[
        list[str] | None, typer.Argument(help="Their ids, as `list` prints them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    tenant: Tenant = None,
    reason: Reason = None,
    since: Since = None,
) -> None:
    """Give them to the worker again, as they came: after a decoder or the settings were mended.

    What still cannot be used comes back, under the same id. Quarantined readings come back too,
    unless raw_retention_days was raised: when a message was received is part of what it says.
    """
    from cli.administration import database
    from lots import left_over, registry
    from lots.clock import Clock
    from lots.refusals import Missing
    from lots.shapes import portions

    if not (letters or everything or tenant or reason or since):
        raise typer.BadParameter("name the letters, or --tenant, --reason or --since, or --all")
    which = _which(tenant, reason, since, letters or None)
    done: list[str] = []
    with database() as engine:
        with registry.reading(engine) as session:
            meant = left_over.ids(session, which)
        for portion in portions(meant, left_over.AT_ONCE):  # each once, though some may come back
            with registry.writing(engine) as session:
                done += left_over.replay(session, left_over.Which(portion), Clock().now_ms())
    print(f"{len(done)} handed to the worker")
    if missed := sorted({*(letters or ())} - {*done}):
        raise Missing(
            f"not replayed, because there is no such dead letter (any more): {', '.join(missed)}:"
            " see `dunnage dead-letters list`"
        )


def _which(
    tenant: str | None, reason: str | None, since: str | None, letters: list[str] | None = None
) -> Which:
    from pydantic import TypeAdapter, ValidationError

    from lots.fields import Instant, milliseconds
    from lots.left_over import Which

    try:
        at = None if since is None else TypeAdapter(Instant).validate_python(since)
    except ValidationError as error:
        raise typer.BadParameter(f"--since {since!r}: {error.errors()[0]['msg']}") from error
    return Which(letters, tenant, reason, None if at is None else milliseconds(at))


def _data(letter: DeadLetter) -> dict[str, Any]:
    from lots.fields import written
    from lots.left_over import shown

    names = ("id", "tenant", "topic", "reason", "attempts")
    found = {name: getattr(letter, name) for name in names}
    return found | {"received": written(letter.received), "payload": shown(letter.payload)}


def _time(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
