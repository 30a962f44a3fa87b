"""`dunnage evaluate`: alerts beside what really happened on simulated journeys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
Examples:

dunnage evaluate --tuning

dunnage evaluate --json

dunnage evaluate --seeds 200:203 --details misses.csv
"""


def evaluate(
    as_json: Annotated[
        bool, typer.Option("--json", help="End with one line of JSON, show no table.")
    ] = False,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="A:B",
            help="From A to B, both of them; by default 501:506, with --tuning 1:6.",
        ),
    ] = None,
    journeys: Annotated[
        str | None,
        typer.Option(metavar="KEY,KEY", help="Of these journeys alone (dunnage simulate --list)."),
    ] = None,
    tuning: Annotated[
        bool,
        typer.Option(
            "--tuning", help="Judge the part that rules may be tuned on, and play no other."
        ),
    ] = False,
    details: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write each event and each false page to this CSV file."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="At once; by default one a core.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="DUNNAGE_MEASURED_DATA",
            help="The folder with measured series (climate/, sensors/); by default"
            " ../shared/data, if it is there.",
        ),
    ] = None,
    freeze: Annotated[
        bool,
        typer.Option(
            "--freeze",
            help="Write the checksums of the simulators' truth, and do nothing else: when it was"
            " changed on purpose, before anything is tuned.",
        ),
    ] = False,
) -> None:
    """Play simulated journeys through the rules and compare alerts with what really happened.

    The journeys go through decoding, screening, binding and rules as in the worker, in memory. A
    page counts when it is told. Baselines are chosen on the tuning part, and all is judged on the
    test part: docs/decisions/evaluation.md.
    """
    from cli import evaluating

    at_once = processes or os.cpu_count() or 1
    if freeze:
        evaluating.freeze(at_once)
        return
    keys = tuple(key for key in (journeys or "").split(",") if key)
    if journeys is not None and not keys:
        raise typer.BadParameter(
            "it names no journey: leave it out for all", param_hint="--journeys"
        )
    evaluating.evaluate(evaluating.Given(seeds, keys, tuning, at_once, as_json, details, data))
