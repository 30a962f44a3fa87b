"""What really happened on simulated journeys: files for programs, tables for people."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from cli.terminal import table
from lots.errors import UserError
from simulators import truth_table
from simulators.command import say
from simulators.played import Played
from simulators.registration import iso
from simulators.truth_table import Told

Row = tuple[str, ...]

EVENTS = ("journey", "lot", "event", "begins", "ends", "peak", "cause")
TAGS = ("journey", "tag", "fault", "begins", "ends", "quantity", "detail")
GATES = ("journey", "reader", "time", "lot", "package", "epc", "times_seen")


def print_truth(several: Sequence[Played]) -> None:
    """What happened to the lots, what was wrong with the tags, and what went through the gates."""
    for number, (head, rows) in enumerate(_parts(several).values()):
        if number:
            print()
        table(head, rows)


def write_truth(file: Path, several: Sequence[Played]) -> None:
    """Lots by time to ``file``; the rest to files beside it."""
    base = file.with_suffix("") if file.suffix == ".csv" else file
    try:
        with file.open("w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in truth_table.lines([_told(p) for p in several]))
        say(f"wrote {file}")
        for name, (head, rows) in _parts(several).items():
            _write(base.with_name(f"{base.name}.{name}.csv"), head, rows)
    except OSError as error:
        raise UserError(
            f"--truth {file} cannot be written ({error.strerror}): name a file in a folder that"
            " there is"
        ) from error


def event_rows(played: Played) -> Iterable[Row]:
    """What happened to each lot, by time."""
    for lot in played.world.lots:
        for event in played.world.events(lot.key):
            ends = "" if event.ends is None else iso(event.ends)
            yield lot.key, event.kind, iso(event.begins), ends, f"{event.peak:.4g}", event.cause


def tag_rows(played: Played) -> Iterable[Row]:
    """What was wrong with each tag and logger, by time."""
    for each in played.wrongs():
        span = iso(each.begins), iso(each.ends)
        yield each.tag, each.fault, *span, each.quantity, each.detail


def gate_rows(played: Played) -> Iterable[Row]:
    """What went through each gate, by time."""
    for each in played.passed():
        yield each.gate, iso(each.at), each.lot, str(each.number), each.epc, str(each.seen)


_PARTS: Mapping[str, tuple[Row, Callable[[Played], Iterable[Row]]]] = MappingProxyType(
    {"events": (EVENTS, event_rows), "tags": (TAGS, tag_rows), "gates": (GATES, gate_rows)}
)


def _parts(several: Sequence[Played]) -> dict[str, tuple[Row, list[Row]]]:
    """name -> headings and rows, the journey first; of gates only where there are some."""
    gates = any(played.gates for played in several)
    return {
        name: (head, [(p.world.journey.key, *row) for p in several for row in rows_of(p)])
        for name, (head, rows_of) in _PARTS.items()
        if name != "gates" or gates
    }


def _told(played: Played) -> Told:
    world = played.world
    truths = {lot.key: world.truth(lot.key) for lot in world.lots}
    return Told(world.journey.key, world.seed, truths)


def _write(file: Path, head: Row, rows: Iterable[Row]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(head)
        writer.writerows(rows)
    say(f"wrote {file}")
