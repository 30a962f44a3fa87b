"""The truth as a table that people and programs read: CSV, units in the headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Final

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


def lines(journey: str, seed: int, truths: Mapping[str, Truth]) -> Iterator[str]:
    """The table of some lots: what it is of, the headings, a line a lot and instant.

    The first line names journey, seed, version and checksum; what a material does not have is left
    empty. Six significant figures.
    """
    total = checksum(truths.values())
    yield f"# truth of journey {journey}, seed {seed}, version {VERSION}, sha256 {total}"
    yield ",".join(["lot", "time", "place", *(f"{name} [{unit}]" for name, unit in UNITS.items())])
    for lot, truth in truths.items():
        yield from _rows(lot, truth)


def _rows(lot: str, truth: Truth) -> Iterator[str]:
    names = [field.name for field in fields(truth) if field.name in UNITS]
    assert names == list(UNITS)
    times = truth.time.astype("datetime64[ms]")
    columns = [np.asarray(getattr(truth, name), np.float64).tolist() for name in names]
    for row in zip(np.datetime_as_string(times, "s"), truth.place, *columns, strict=True):
        yield f"{lot},{row[0]}Z,{row[1]}," + ",".join(_figures(row[2:]))


def _figures(values: Iterable[float]) -> Iterator[str]:
    for value in values:
        yield "" if value != value else f"{value + 0.0:.6g}"
