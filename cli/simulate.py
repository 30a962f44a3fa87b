"""`dunnage simulate`: journeys as their tags tell them, to a broker or as a table of the truth."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.import_ import DEFAULT_TENANT

EXAMPLES = """
Examples:

dunnage simulate --list

dunnage simulate greensboro-miami-winter --import

dunnage simulate greensboro-miami-winter --speed 8640 --broker mqtt://127.0.0.1:1883

dunnage simulate wet-dunnage --seed 7 --truth truth.csv

dunnage simulate --tags 100000 --rate 20000
"""
LARGE = "A fleet of many"


def simulate(
    journeys: Annotated[
        list[str] | None,
        typer.Argument(metavar="JOURNEY", help="Keys of the library, or YAML files of your own."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Show the library, and do nothing else.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Of the weather, the goods, the sensors and the radio.")
    ] = 1,
    speed: Annotated[
        str,
        typer.Option(
            help="Times as fast as life, from now on (8640: a day in 10 s); or max: as fast as the"
            " broker takes it, a journey that ended within the last day."
        ),
    ] = "max",
    start: Annotated[
        str | None,
        typer.Option(help="When it starts instead, such as 2026-01-15T06:00Z: for equal output."),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="mqtt:// or mqtts:// URL; by default that of the settings.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose tags they are.")] = DEFAULT_TENANT,
    voice: Annotated[
        str | None,
        typer.Option(help="The wire format that all tags speak; by default each its own."),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write what really happened: the lots to FILE.csv; events, faults and what went"
            " through RFID gates to FILE.events.csv, FILE.tags.csv and FILE.gates.csv; - prints"
            " these. Nothing is published then unless --broker is given.",
        ),
    ] = None,
    loggers: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Write the files of the loggers that are read out at arrival there."
            " With --import they go to the worker in any case.",
        ),
    ] = None,
    registers: Annotated[
        bool,
        typer.Option(
            "--import",
            help="Register its lots, places and tags first, in the registry of the settings.",
        ),
    ] = False,
    tags: Annotated[
        int | None,
        typer.Option(
            min=1, help="Instead of journeys: so many tags at once.", rich_help_panel=LARGE
        ),
    ] = None,
    messages: Annotated[
        int | None,
        typer.Option(min=1, help="So many in all; one a tag.", rich_help_panel=LARGE),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Messages a second at most.", rich_help_panel=LARGE),
    ] = None,
) -> None:
    """Play journeys whose real outcome is known: physics, sensors, radio, a wire format.

    With --start the same arguments give the same messages on every machine. The last line on
    standard output is JSON: what the broker has acknowledged. What the journeys are about:
    docs/simulators/journeys.md.
    """
    from cli.simulating import Given, play_fleet, play_journeys, show_library

    given = Given(
        tuple(journeys or ()), seed, speed, start, broker, tenant, voice, truth, loggers,
        registers, rate,
    )  # fmt: skip
    if listed:
        show_library()
    elif tags is not None:
        if journeys or truth or loggers or voice or registers or speed != "max":
            raise typer.BadParameter(
                "--tags plays tags that are on no journey: give it --messages, --rate, --seed,"
                " --start, --broker and --tenant alone"
            )
        raise typer.Exit(play_fleet(given, tags, messages or tags))
    elif not journeys:
        raise typer.BadParameter("name a journey (--list shows them), or say --tags N")
    elif messages is not None:
        raise typer.BadParameter("--messages is of --tags: a journey has its own")
    else:
        raise typer.Exit(play_journeys(given))
