"""`dunnage troubles`: what is wrong with the service itself, by its operators' alerts."""

from __future__ import annotations

from typing import Annotated

import typer


def troubles(
    everything: Annotated[
        bool, typer.Option("--all", help="Those that are over too, behind the open ones.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON each.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="So many at most.")] = 100,
    forget: Annotated[
        str | None,
        typer.Option(metavar="WORKER", help="Close those of a worker that is no more, first."),
    ] = None,
) -> None:
    """What is wrong with Dunnage itself; ends with status 1 if anything is."""
    from cli.administration import database
    from cli.terminal import print_json
    from lots import registry
    from lots.clock import Clock
    from operations import record
    from operations.alerts import shown

    with database() as engine:
        if forget is not None:
            with registry.writing(engine) as session:
                record.clear(session, forget, Clock().now_ms())
        with registry.reading(engine) as session:
            found = record.listed(session, everything, limit)
    alerts = [shown(alert) for alert in found]
    if as_json:
        for alert in alerts:
            print_json(alert)
    else:
        _print(alerts)
    if any(alert["cleared"] is None for alert in alerts):
        raise typer.Exit(1)


def _print(alerts: list[dict[str, str]]) -> None:
    from cli.terminal import plain

    if not alerts:
        print("no troubles")
    for alert in alerts:
        over = f" to {alert['cleared']}" if alert["cleared"] else ""
        head = f"{alert['name']} ({alert['severity']}) of {alert['worker']}"
        print(plain(f"{head} since {alert['opened']}{over}"))
        print(f"  {plain(alert['text'])}")
        print(f"  {plain(alert['action'])}")
