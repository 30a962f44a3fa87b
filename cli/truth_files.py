"""What really happened on simulated journeys: files for programs, tables for people."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from cli.terminal import table
from lots.errors import UserError
from simulators import truth_table
from simulators.command import say
from simulators.registration import iso
from simulators.voyage import Heard, wrongs
from simulators.world import World

Worlds = Sequence[tuple[World, Sequence[Heard]]]
Row = tuple[str, ...]

EVENTS = ("journey", "lot", "event", "begins", "ends", "peak", "cause")
TAGS = ("journey", "tag", "fault", "begins", "ends", "quantity", "detail")


def print_truth(worlds: Worlds) -> None:
    """What happened to the lots, and what was wrong with the tags."""
    table(EVENTS, event_rows(worlds))
    print()
    table(TAGS, tag_rows(worlds))


def write_truth(file: Path, worlds: Worlds) -> None:
    """Lots by time to ``file``; events and what was wrong with the tags to files beside it."""
    base = file.with_suffix("") if file.suffix == ".csv" else file
    try:
        with file.open("w", encoding="utf-8") as out:
            for world, _ in worlds:
                _lots(world, out)
        _write(base.with_name(f"{base.name}.events.csv"), EVENTS, event_rows(worlds))
        _write(base.with_name(f"{base.name}.tags.csv"), TAGS, tag_rows(worlds))
    except OSError as error:
        raise UserError(
            f"--truth {file} cannot be written ({error.strerror}): name a file in a folder that"
            " there is"
        ) from error


def event_rows(worlds: Worlds) -> list[Row]:
    """What happened to each lot, by time."""
    return [
        (
            world.journey.key,
            lot.key,
            event.kind,
            iso(event.begins),
            "" if event.ends is None else iso(event.ends),
            f"{event.peak:.4g}",
            event.cause,
        )
        for world, _ in worlds
        for lot in world.lots
        for event in world.events(lot.key)
    ]


def tag_rows(worlds: Worlds) -> list[Row]:
    """What was wrong with each tag, by time."""
    return [
        (
            world.journey.key,
            wrong.tag,
            wrong.fault,
            iso(wrong.begins),
            iso(wrong.ends),
            wrong.quantity,
            wrong.detail,
        )
        for world, heard in worlds
        for wrong in wrongs(world, heard)
    ]


def _lots(world: World, out: TextIO) -> None:
    truths = {lot.key: world.truth(lot.key) for lot in world.lots}
    for line in truth_table.lines(world.journey.key, world.seed, truths):
        print(line, file=out)


def _write(file: Path, head: Row, rows: Iterable[Row]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(head)
        writer.writerows(rows)
    say(f"wrote {file}")
