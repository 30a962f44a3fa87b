"""What a scenario found, and the table of all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.comparison import NUMBERS, Compared

KEPT, SKIPPED = "kept", "skipped"
WIDTH = 46


@dataclass(frozen=True)
class Row:
    """One scenario's line. ``verdict``: `KEPT`, or what is wrong."""

    name: str
    done: str
    found: Compared | None = None
    figures: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    verdict: str = KEPT

    @property
    def failed(self) -> bool:
        return not self.verdict.startswith((KEPT, SKIPPED))


_HEAD = ("scenario", "published", "acked", "stored", "missing", "doubled", "s", "verdict")


def table(rows: Sequence[Row]) -> str:
    """A line a scenario; below each what was done and what else was measured."""
    lines = [_cells(row) for row in rows]
    widths = [max(len(line[n]) for line in [_HEAD, *lines]) for n in range(len(_HEAD))]
    out = [_line(_HEAD, widths), _line(["-" * width for width in widths], widths)]
    for row, line in zip(rows, lines, strict=True):
        out.append(_line(line, widths))
        figures = "; ".join(f"{name} {value}" for name, value in row.figures.items())
        told = f"{row.done}: {figures}" if figures else row.done
        out += textwrap.wrap(told, 110, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(out)


def _cells(row: Row) -> list[str]:
    found = row.found
    counts = ["-"] * 5
    if found is not None:
        doubled = found.doubled + found.strange + found.blended
        numbers = (found.published, found.acknowledged, found.stored, found.missing, doubled)
        counts = [f"{number:,}".replace(",", " ") for number in numbers]
    return [row.name, *counts, f"{row.seconds:.0f}", row.verdict]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = {0, len(cells) - 1}
    return "  ".join(
        cell.ljust(width) if n in left else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def joined(parts: Sequence[Compared]) -> Compared:
    """Several comparisons as one."""
    total = parts[0]
    for part in parts[1:]:
        sums = {name: getattr(total, name) + getattr(part, name) for name in NUMBERS}
        total = total._replace(**sums, example=total.example or part.example)
    return total
