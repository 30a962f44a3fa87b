"""Questions to InfluxDB about readings, in InfluxQL: what 1.x, 2.x and 3.x share. Pure text."""

# ruff: noqa: S608  # every name in a statement went through `identifier` or `literal`

from __future__ import annotations

from collections.abc import Sequence

from lots.readings.batch import TagKey
from lots.readings.influx_names import MEASUREMENT, field_name, stored_name

STATISTICS = ("count", "min", "mean", "max")


def window(tag: TagKey, first: int, last: int, limit: int, quantities: Sequence[str] | None) -> str:
    """The first ``limit`` readings with first <= ns < last, oldest first; None: all their fields.

    Every reading has ``flags``, so that one without any of the quantities is there too.
    """
    fields = "*::field"
    if quantities is not None:
        named = [identifier(field_name(quantity)) for quantity in quantities]
        fields = ", ".join(['"flags"', *named])
    return _points(MEASUREMENT, fields, tag, first, last, limit)


def points(
    measurement: str, tag: TagKey, first: int, last: int, limit: int, fields: Sequence[str] | None
) -> str:
    """The first ``limit`` points of ``tag`` with first <= ns < last; None: all their fields."""
    named = "*::field" if fields is None else ", ".join(identifier(name) for name in fields)
    return _points(measurement, named, tag, first, last, limit)


def aggregate(tag: TagKey, first: int, last: int, step: int, quantities: Sequence[str]) -> str:
    """By ``step`` ms: how many readings, and then `STATISTICS` of each quantity in turn.

    Readings are counted by ``flags``, which every one has, so that a step appears even if none of
    the quantities does.
    """
    asked = ['count("flags") AS "readings"']
    for number, quantity in enumerate(quantities):
        field = identifier(field_name(quantity))
        asked += [f'{function}({field}) AS "{function}_{number}"' for function in STATISTICS]
    return (
        f"SELECT {', '.join(asked)} FROM {identifier(MEASUREMENT)} WHERE {_of(tag)}"
        f' AND "doubt" = 0 AND time >= {first} AND time < {last}'
        f" GROUP BY time({step}ms) fill(none)"
    )


def count(tenant: str) -> str:
    return (
        f'SELECT count("flags") FROM {identifier(MEASUREMENT)}'
        f' WHERE "tenant" = {literal(stored_name(tenant))}'
    )


def probe() -> str:
    """Needs all that reading needs, and looks at nothing."""
    return f'SELECT "flags" FROM {identifier(MEASUREMENT)} WHERE time >= 0 AND time < 1'


def create_database(name: str, keep_days: int | None) -> str:
    """For ever in shards of a year where ``keep_days`` is None: years are read at once there."""
    duration = "INF SHARD DURATION 364d" if keep_days is None else f"{keep_days}d"
    return f"CREATE DATABASE {identifier(name)} WITH DURATION {duration}"


def identifier(name: str) -> str:
    """``name`` quoted: it may be a keyword, as ``tag`` is."""
    return '"' + _escaped(name, '"') + '"'


def literal(text: str) -> str:
    return "'" + _escaped(text, "'") + "'"


def _points(measurement: str, fields: str, tag: TagKey, first: int, last: int, limit: int) -> str:
    return (
        f"SELECT {fields} FROM {identifier(measurement)} WHERE {_of(tag)}"
        f" AND time >= {first} AND time < {last} ORDER BY time ASC LIMIT {limit}"
    )


def _of(tag: TagKey) -> str:
    return (
        f'"tag" = {literal(stored_name(tag.tag))} AND "tenant" = {literal(stored_name(tag.tenant))}'
    )


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")
