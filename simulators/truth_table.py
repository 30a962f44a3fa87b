"""The truth as a table that people and programs read: CSV, units in the headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Final, NamedTuple

import numpy as np

from simulators.truth import VERSION, Truth, checksum

UNITS: Final[Mapping[str, str]] = {
    "air_temperature": "°C",
    "air_humidity": "%RH",
    "air_dew_point": "°C",
    "pressure": "hPa",
    "surface_temperature": "°C",
    "surface_humidity": "%RH",
    "core_temperature": "°C",
    "film": "g/m²",
    "frost": "g/m²",
    "cavity": "g",
    "wet": "0/1",
    "wet_hours": "h",
    "surface_regain": "%",
    "core_regain": "%",
    "regain": "%",
    "mould_index": "0-6",
    "hottest": "°C",
    "self_heating": "W/kg",
    "held": "kg",
    "scale_mass": "kg",
    "rained": "g/m²",
    "dripped": "g/m²",
}


class Told(NamedTuple):
    """What happened to the lots of a journey, as ``seed`` has it: lot -> truth."""

    journey: str
    seed: int
    truths: Mapping[str, Truth]


def lines(several: Sequence[Told]) -> Iterator[str]:
    """One table of some journeys' lots: what it is of, the headings, a line a lot and instant.

    The first lines, one a journey, name its seed, version and checksum. What a material does not
    have is left empty. Six significant figures.
    """
    for journey, seed, truths in several:
        total = checksum(truths.values())
        named = " ".join(journey.split())
        yield f"# truth of journey {named}, seed {seed}, version {VERSION}, sha256 {total}"
    heads = (f"{name} [{unit}]" for name, unit in UNITS.items())
    yield ",".join(["journey", "lot", "time", "place", *heads])
    for journey, _, truths in several:
        for lot, truth in truths.items():
            yield from _rows(journey, lot, truth)


def _rows(journey: str, lot: str, truth: Truth) -> Iterator[str]:
    names = [field.name for field in fields(truth) if field.name in UNITS]
    assert names == list(UNITS)
    times = truth.time.astype("datetime64[ms]")
    columns = [np.asarray(getattr(truth, name), np.float64).tolist() for name in names]
    begins = f"{_cell(journey)},{_cell(lot)}"
    for row in zip(np.datetime_as_string(times, "s"), truth.place, *columns, strict=True):
        yield f"{begins},{row[0]}Z,{_cell(row[1])}," + ",".join(_figures(row[2:]))


def _cell(text: str) -> str:
    """A text as a cell (RFC 4180): in quotes where it has to be."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def _figures(values: Iterable[float]) -> Iterator[str]:
    for value in values:
        yield "" if value != value else f"{value + 0.0:.6g}"
