"""What came from outside, on somebody's terminal: as it is, and without power over it."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

KEPT = "\n\t"
_POWERFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: str, kept: str = "") -> str:
    """``text`` with what moves a cursor, recolours or turns round written as ``\\x1b``.

    ``kept``: the characters of these that may stay.
    """
    return "".join(_escaped(c) if _is_powerful(c) and c not in kept else c for c in text)


def print_json(value: Any) -> None:
    """A line of JSON for programs, in ASCII: a standard output of any encoding has all of it (of
    what it lacks `print` would make ``\\xb0``, which is no JSON), and no terminal minds it.

    What is not finite is null: JSON has no such numbers.
    """
    print(json.dumps(_finite(value), allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns for people; where standard output is no terminal, a line a row and tabs between."""
    shown = [[plain(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in (head, *shown):
            print("\t".join(row))
        return
    lines = [list(head), *shown]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        blanks = (" " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        print("  ".join(map("".join, zip(line, blanks, strict=True))).rstrip())


def _width(text: str) -> int:
    """Columns that it takes: Chinese letters and most pictures two, accents by themselves none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.category(each) in ("Mn", "Me") for each in text)


def _is_powerful(character: str) -> bool:
    return unicodedata.category(character) in _POWERFUL


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
