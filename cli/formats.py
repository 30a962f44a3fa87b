"""`dunnage formats`: what Dunnage understands, and what it makes of a message."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ingest.message import Message
    from lots.settings import Settings, Subscription

app = typer.Typer(help="Wire formats, and what becomes of a message.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("list")
def list_formats(as_json: AsJson = False) -> None:
    """All formats: name, what it is, an example of its filter, whether a row needs a tenant."""
    from cli.terminal import print_json, table
    from ingest.formats import FORMATS

    if as_json:
        rows = [
            {
                "name": each.name,
                "about": each.about,
                "filter": each.filter,
                "identity": str(each.identity),
                "tenant": "in the topic" if each.names_tenant else "in the row",
            }
            for each in FORMATS.values()
        ]
        print_json(rows)
        return
    table(
        ("format", "what", "filter, such as", "tenant"),
        (
            (
                each.name,
                each.about,
                each.filter,
                "in the topic" if each.names_tenant else "in the row",
            )
            for each in FORMATS.values()
        ),
    )


@app.command("try")
def try_message(
    topic: Annotated[str, typer.Argument(help="What the message is published on.")],
    received: Annotated[
        str | None,
        typer.Option(help="When it came: 2025-11-22T08:00:00Z, or ms since 1970; else now."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="Try it in this format, whatever the settings say."),
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="With --format: whose it is; else 'default'.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="With --format: an option, such as quantities.temperature=data.temp."),
    ] = None,
    options: Annotated[
        str | None, typer.Option(help="With --format: all its options, as JSON.")
    ] = None,
    before: Annotated[
        list[str] | None,
        typer.Option(help="A message that came before, such as a birth: TOPIC=FILE."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what would be stored of a message, or why not. Its payload is standard input.

    Nothing is stored, and no broker or database is asked. Status 0 where all of it can be used,
    1 where it cannot, or not all.
    """
    from cli.formats_view import as_data, as_text
    from cli.terminal import KEPT, plain, print_json
    from lots.settings import load

    if format_ is None and (tenant or option or options):
        raise typer.BadParameter("--tenant, --option and --options go with --format")
    if any(character in topic for character in "+#\0") or not topic:
        raise typer.BadParameter("TOPIC is what one message is published on, without + and #")
    settings = load()
    row, named = _row(settings, topic, format_, tenant, _options(option or [], options))
    at = _received(settings, received)
    earlier = [_message(at, each) for each in before or []]
    found = _decoded(settings, row, earlier, topic, at)
    shown = (row, named) if row else None
    if as_json:
        print_json(as_data(shown, found))
    else:
        print(plain(as_text(shown, found), KEPT))
    raise typer.Exit(1 if found.rejected else 0)


def _row(
    settings: Settings,
    topic: str,
    format_: str | None,
    tenant: str | None,
    options: dict[str, Any],
) -> tuple[Subscription | None, str]:
    """The row that takes the topic, None for none; and what to call it."""
    from cli.import_ import DEFAULT_TENANT
    from ingest.formats import FORMATS, matches
    from lots.settings import Subscription

    if format_ is not None:
        known = FORMATS.get(format_)
        needs = known is not None and not known.names_tenant
        whose = tenant or (DEFAULT_TENANT if needs else "")
        row = Subscription(filter=topic, format=format_, tenant=whose, options=options)
        return row, "as asked for"
    for number, each in enumerate(settings.subscriptions, start=1):
        if matches(each.filter, topic):
            return each, f"row {number} of subscriptions"
    return None, ""


def _decoded(
    settings: Settings, row: Subscription | None, earlier: list[Message], topic: str, at: int
) -> Any:
    from dataclasses import replace

    from ingest.formats import Memory, RouteError, decode, route
    from ingest.message import MAX_PAYLOAD_BYTES, Message
    from ingest.screen import screen
    from lots.clock import DAY_MS
    from lots.settings import SettingsError

    try:
        routes = [route(row, settings.raw_retention_days * DAY_MS)] if row else []
    except RouteError as error:
        if row in settings.subscriptions:
            where = "DUNNAGE_SUBSCRIPTIONS or subscriptions in dunnage.toml"
            raise SettingsError(f"{where}: {error}") from error
        raise
    if sys.stdin.isatty():
        raise typer.BadParameter("its payload is standard input: dunnage formats try TOPIC < FILE")
    payload = sys.stdin.buffer.read(MAX_PAYLOAD_BYTES + 1)
    memory = Memory()
    for message in earlier:
        for each in routes:
            rule = replace(each, filter=message.topic)
            decode([message], [rule], memory)
    found = decode([Message(at, topic, payload)], routes, memory)
    return replace(found, batch=screen(found.batch))


def _message(at: int, text: str) -> Message:
    from ingest.message import Message

    topic, equals, file = text.partition("=")
    if not equals or not topic or not file:
        raise typer.BadParameter(f"--before {text!r}: write TOPIC=FILE")
    try:
        return Message(at - 1, topic, Path(file).read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"--before: {file} cannot be read: {error.strerror}") from error


def _received(settings: Settings, text: str | None) -> int:
    """ms since 1970."""
    from datetime import UTC

    from ingest.formats.instants import TimeForm
    from ingest.formats.rows import Unusable

    if text is None:
        return settings.clock.now_ms()
    try:
        return round(TimeForm(zone=UTC).ms(text, "--received"))
    except Unusable as error:
        raise typer.BadParameter(f"{error}") from error


def _options(pairs: list[str], whole: str | None) -> dict[str, Any]:
    """``whole`` as JSON, and over it ``pairs``, whose names may lead into tables by dots."""
    try:
        found: Any = json.loads(whole) if whole else {}
    except ValueError as error:
        raise typer.BadParameter(f"--options is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise typer.BadParameter('--options is an object, such as {"quantities": {…}}')
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"--option {pair!r}: write NAME=VALUE")
        _put(found, name, _value(text))
    return found


def _put(table: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for part in path:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            raise typer.BadParameter(f"--option {name}: {part} is no table")
        table = inner
    table[last] = value


def _value(text: str) -> Any:
    """Numbers, true, false and structures as JSON has them; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
