"""Rollups in InfluxDB: in a database (2.x and 3.x: a bucket) beside the readings', kept for ever.

A rollup is a point of ``readings_hourly`` or ``readings_daily`` with the tags of the readings, at
the start of its step; the integer fields ``covered``, ``wet``, ``dry`` and ``heard``; and for each
quantity it has ``count.``, ``low.``, ``mean.`` and ``high.`` with the quantity's name after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lots.clock import DAY_MS, HOUR_MS
from lots.readings import influxql
from lots.readings.batch import KEY_MODULUS, Floats, Ints, TagKey
from lots.readings.influx_database import InfluxDatabase, InfluxServer, Table
from lots.readings.influx_names import escaped, field_name, quantity_name, stored_name
from lots.readings.rollups import joined, nothing
from lots.readings.store import Aggregate, Rollups, StoreMisconfigured
from lots.readings.stored import bounds

BESIDE = "_rollups"
"""What the name of the readings' database has behind it in that of the rollups'."""

MEASUREMENTS = {HOUR_MS: "readings_hourly", DAY_MS: "readings_daily"}
TIMES = ("covered", "wet", "dry", "heard")
STATISTICS = ("count", "low", "mean", "high")

LINES = 2_000
"""Points in a request: each has the fields of several readings."""

PAGE = 10_000
"""Rollups in an answer."""


def database_of(server: InfluxServer, timeout_s: float) -> InfluxDatabase:
    """Where the rollups are of the readings on ``server``."""
    return InfluxDatabase(replace(server, database=server.database + BESIDE), None, timeout_s)


def write(database: InfluxDatabase, step: int, rollups: Sequence[tuple[TagKey, Rollups]]) -> None:
    """Raises `StoreUnavailable` or `StoreMisconfigured`."""
    points = [line for tag, found in rollups for line in lines(tag, step, found)]
    for start in range(0, len(points), LINES):
        answer = database.post("\n".join(points[start : start + LINES]).encode())
        if not answer.ok:
            raise StoreMisconfigured(
                f"InfluxDB does not take rollups into {database.name!r} ({answer.reason}): this"
                " database or bucket must keep what it has for ever, see docs/production.md"
            )


def read(
    database: InfluxDatabase,
    tag: TagKey,
    begins: int,
    ends: int,
    step: int,
    quantities: Sequence[str] | None,
) -> Rollups:
    """By pages; raises `StoreUnavailable` or `StoreMisconfigured`."""
    first, last = bounds(begins, ends)
    fields = None
    if quantities is not None:
        fields = [*TIMES, *(_field(name, which) for name in quantities for which in STATISTICS)]
    pages: list[Rollups] = []
    while True:
        statement = influxql.points(MEASUREMENTS[step], tag, first, last, PAGE, fields)
        table = database.ask(statement)
        if table.rows:
            pages.append(_rollups(table, quantities))
            first = int(table.rows[-1][0]) + 1
        if len(table.rows) < PAGE and not table.partial:
            return joined(pages) if pages else nothing(quantities or ())


def lines(tag: TagKey, step: int, rollups: Rollups) -> Iterator[str]:
    """A line for each rollup; the same always for the same."""
    name, tenant = escaped(stored_name(tag.tag)), escaped(stored_name(tag.tenant))
    series = f"{MEASUREMENTS[step]},tag={name},tenant={tenant} "
    times = list(zip(*(getattr(rollups, which).tolist() for which in TIMES), strict=True))
    quantities = [
        (
            [escaped(_field(quantity, which)) for which in STATISTICS],
            rollups.statistics.count[quantity].tolist(),
            rollups.statistics.low[quantity].tolist(),
            rollups.statistics.mean[quantity].tolist(),
            rollups.statistics.high[quantity].tolist(),
        )
        for quantity in sorted(rollups.statistics.count)
    ]
    for at, start in enumerate(rollups.statistics.start.tolist()):
        fields = [f"{which}={value}i" for which, value in zip(TIMES, times[at], strict=True)]
        for (of_count, of_low, of_mean, of_high), count, low, mean, high in quantities:
            if count[at]:
                fields.append(f"{of_count}={count[at]}i,{of_low}={low[at]!r}")
                fields.append(f"{of_mean}={mean[at]!r},{of_high}={high[at]!r}")
        yield f"{series}{','.join(fields)} {start * KEY_MODULUS}"


def _field(quantity: str, which: str) -> str:
    return f"{which}.{field_name(quantity)}"


def _rollups(table: Table, quantities: Sequence[str] | None) -> Rollups:
    columns = table.floats(but=TIMES)
    start = np.array([row[0] // KEY_MODULUS for row in table.rows], np.int64)
    if quantities is None:
        counted = [name for name in columns if name.startswith("count.")]
        quantities = [quantity_name(name.removeprefix("count.")) for name in counted]
    absent = np.full(len(start), np.nan)

    def of(which: str) -> dict[str, Floats]:
        return {name: columns.get(_field(name, which), absent) for name in quantities}

    count = {name: np.nan_to_num(column).astype(np.int64) for name, column in of("count").items()}
    statistics = Aggregate(start, count, of("low"), of("mean"), of("high"))
    return Rollups(statistics, *(_whole(table, name) for name in TIMES))


def _whole(table: Table, name: str) -> Ints:
    """A column of integers, which floats do not hold."""
    at = table.columns.index(name)
    return np.array([row[at] for row in table.rows], np.int64)
