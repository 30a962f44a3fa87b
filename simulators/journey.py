"""Journeys: what stands where, what travels, what goes wrong; each a YAML file of `journeys/`.

`load` reads one and raises `JourneyError` with file, line and remedy. Numbers that the file gives
as spans are drawn by `drawn`, so that each seed is a journey of its own. Hours are from the
journey's start; ``docs/simulators/journeys.md`` describes the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from simulators import exact
from simulators.journeys.model import Journey
from simulators.journeys.parsing import Check, Named, parse
from simulators.journeys.sheet import JourneyError

__all__ = [
    "Check",
    "Journey",
    "JourneyError",
    "carried",
    "drawn",
    "find",
    "library",
    "load",
    "named",
]


def library() -> dict[str, str]:
    """key -> title of the journeys that are carried, in order of their keys."""
    return {journey.key: journey.title for journey in carried()}


def carried() -> list[Journey]:
    """The journeys of the library themselves, in that order."""
    return [named(key) for key in sorted(_carried())]


def named(key: str, check: Check | None = None) -> Journey:
    """A journey of the library. Raises ValueError for one that there is not."""
    if key not in _carried():
        raise ValueError(f"there is no journey {key!r}: use one of {', '.join(sorted(_carried()))}")
    with as_file(files("simulators.journeys") / f"{key}.yaml") as file:
        return load(file, check)


def find(name: str, check: Check | None = None) -> Journey:
    """A journey of the library by its key, or of the YAML file ``name``. Raises ValueError."""
    if name.endswith((".yaml", ".yml")):
        return load(Path(name), check)
    return named(name, check)


def load(file: Path, check: Check | None = None) -> Journey:
    """The journey in a file, its spans at their middles. Raises JourneyError.

    ``check`` judges what belongs to others: the entries of ``tags``, ``loggers``, ``gateways`` and
    ``readers``.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JourneyError(file, 1, f"it cannot be read: {error}") from None
    return parse(file, text, _middle, check or _anything)


def drawn(journey: Journey, seed: int) -> Journey:
    """The same with its spans drawn by ``seed``: one number for each place in the file."""
    return parse(journey.file, journey.source, partial(_drawn, seed, journey.key), _anything)


def _carried() -> set[str]:
    names = (entry.name for entry in files("simulators.journeys").iterdir())
    return {name.removesuffix(".yaml") for name in names if name.endswith(".yaml")}


def _anything(_kind: str, _entry: Mapping[str, Any]) -> tuple[Named, ...]:
    return ()


def _middle(_name: str, low: float, high: float) -> float:
    return 0.5 * (low + high)


def _drawn(seed: int, journey: str, name: str, low: float, high: float) -> float:
    return low + (high - low) * float(exact.uniform(seed, "journey", journey, name, index=0))
