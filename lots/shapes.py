"""How a record lies in tables: a row of its own, and rows of the parts that it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import (
    ColumnElement,
    Result,
    Table,
    bindparam,
    delete,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Session

from lots import model
from lots.fields import instant_of, milliseconds
from lots.records import KINDS, LotRecord, Record

Row = dict[str, Any]
T = TypeVar("T")

AT_ONCE = 1000
"""So many ids are asked for in one query: databases bound the length of a statement."""

INSTANTS = frozenset({"begins", "ends", "at", "departs", "arrives", "expires", "weighed", "cored"})


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows that belong to a record: ``owner`` is their column for its id, ``field`` its field."""

    table: Table
    owner: str
    field: str
    rows: Callable[[Any], Iterable[Row]]
    value: Callable[[Sequence[Row]], Any]
    names: dict[str, str]
    order: tuple[str, ...]

    def sorted(self, rows: Iterable[Row]) -> list[Row]:
        """``rows`` in the one order in which they are compared."""
        return sorted(rows, key=itemgetter(*self.order))


@dataclass(frozen=True, slots=True)
class Shape:
    """Where records of a kind are kept.

    ``names``: column -> the kind of thing whose id it has. ``owned_by``: the column that names
    what takes these along when it goes.
    """

    kind: str
    table: Table
    names: dict[str, str]
    parts: tuple[Parts, ...] = ()
    key: tuple[str, ...] = ("id",)
    owned_by: str = ""

    fields: tuple[str, ...] = ()
    """The columns that are fields of the record."""

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        return [self.table.c[name] for name in self.fields]

    def column(self, name: str) -> ColumnElement[Any]:
        return self.table.c[name]


@dataclass(slots=True)
class Kept:
    """A record as rows: equal when the facts are."""

    row: Row
    parts: list[list[Row]]


def one(kind: str) -> str:
    """The word for one thing of a kind."""
    return "party" if kind == "parties" else kind.removesuffix("s")


def portions(items: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    """``items`` in portions small enough for one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def kept(shape: Shape, record: Record) -> Kept:
    """A record as it is to be kept."""
    row = {name: _plain(getattr(record, name)) for name in shape.fields}
    return Kept(row, [part.sorted(part.rows(record)) for part in shape.parts])


def record_of(shape: Shape, found: Kept) -> Record:
    """A record from what is kept of it."""
    return KINDS[shape.kind].model_validate(fields_of(shape, found))


def fields_of(shape: Shape, found: Kept) -> dict[str, Any]:
    """The fields of a record, from what is kept of it."""
    values = _fields(found.row)
    for part, rows in zip(shape.parts, found.parts, strict=True):
        values[part.field] = part.value(rows)
    return values


def named(shape: Shape, each: Kept) -> Iterator[tuple[str, str, str]]:
    """(field, kind, id) of every other thing that a record names."""
    for column, kind in shape.names.items():
        if each.row[column] is not None:
            yield column, kind, each.row[column]
    for part, rows in zip(shape.parts, each.parts, strict=True):
        for column, kind in part.names.items():
            for row in rows:
                if row[column] is not None:
                    number = row.get("number")  # of a leg
                    within = part.field if number is None else f"{part.field}.{number}.{column}"
                    yield within, kind, row[column]


def uses_of(kind: str) -> Iterator[tuple[str, Table, str, tuple[str, ...]]]:
    """Where things of ``kind`` are named: (by which kind, table, column, the namer's key)."""
    for shape in SHAPES.values():
        for column, target in shape.names.items():
            if target == kind and column != shape.owned_by:
                yield shape.kind, shape.table, column, shape.key
        for part in shape.parts:
            for column, target in part.names.items():
                if target == kind:
                    yield shape.kind, part.table, column, (part.owner,)


def load(session: Session, tenant: str, shape: Shape, keys: Sequence[Any]) -> dict[Any, Kept]:
    """What is kept under ``keys`` (ids; tuples where a key has several columns)."""
    columns = [shape.column(name) for name in shape.key]
    subject: Any = columns[0] if len(columns) == 1 else tuple_(*columns)
    found: dict[Any, Kept] = {}
    for portion in portions(keys):
        rows = session.execute(
            select(*shape.columns).where(shape.column("tenant") == tenant, subject.in_(portion))
        )
        found |= {key_of(shape, row): Kept(row, []) for row in _rows(rows)}
    _load_parts(session, tenant, shape, found)
    return found


def load_page(
    session: Session, tenant: str, shape: Shape, after: Any | None, limit: int
) -> list[Kept]:
    """The ``limit`` things that come next after the key ``after``, in the order of their keys."""
    columns = [shape.column(name) for name in shape.key]
    query = select(*shape.columns).where(shape.column("tenant") == tenant)
    if after is not None:
        query = query.where(
            columns[0] > after if len(columns) == 1 else tuple_(*columns) > tuple_(*after)
        )
    rows = session.execute(query.order_by(*columns).limit(limit))
    found = {key_of(shape, row): Kept(row, []) for row in _rows(rows)}
    _load_parts(session, tenant, shape, found)
    return list(found.values())


def write(
    session: Session, tenant: str, shape: Shape, fresh: Sequence[Kept], changed: Sequence[Kept]
) -> None:
    """Insert what is ``fresh``, overwrite what ``changed``."""
    if fresh:
        session.execute(insert(shape.table), [{"tenant": tenant, **k.row} for k in fresh])
        _count(session, shape.table, len(fresh))
    if changed:
        where = [shape.column(name) == bindparam(f"key_{name}") for name in shape.key]
        values = [name for name in changed[0].row if name not in shape.key]
        statement = update(shape.table).where(shape.column("tenant") == tenant, *where)
        if values:
            session.connection().execute(
                statement.values({name: bindparam(f"new_{name}") for name in values}),
                [
                    {f"key_{name}": k.row[name] for name in shape.key}
                    | {f"new_{name}": k.row[name] for name in values}
                    for k in changed
                ],
            )
    for index, part in enumerate(shape.parts):
        owner = part.table.c[part.owner]
        for portion in portions([k.row["id"] for k in changed]):
            session.execute(
                delete(part.table).where(part.table.c.tenant == tenant, owner.in_(portion))
            )
        rows = [
            {"tenant": tenant, part.owner: k.row["id"], **row}
            for k in [*fresh, *changed]
            for row in k.parts[index]
        ]
        if rows:
            session.execute(insert(part.table), rows)


def _count(session: Session, table: Table, fresh: int) -> None:
    """Let PostgreSQL see that a table has grown.

    It would go on checking foreign keys by reading all of what it takes for a small table.
    """
    if fresh >= AT_ONCE and session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"ANALYZE {table.name}"))


def erase(session: Session, tenant: str, shape: Shape, key: Any) -> None:
    """Take away what is kept under ``key``; the database takes its parts."""
    values = (key,) if len(shape.key) == 1 else key
    where = [shape.column(name) == value for name, value in zip(shape.key, values, strict=True)]
    session.execute(delete(shape.table).where(shape.column("tenant") == tenant, *where))


def key(shape: Shape, record: Record) -> Any:
    """The key of a record, as `load` takes it."""
    return key_of(shape, {name: _plain(getattr(record, name)) for name in shape.key})


def key_of(shape: Shape, row: Row) -> Any:
    """The key of a row, as `load` takes it."""
    key = tuple(row[name] for name in shape.key)
    return key if len(key) > 1 else key[0]


def _load_parts(session: Session, tenant: str, shape: Shape, found: dict[Any, Kept]) -> None:
    for index, part in enumerate(shape.parts):
        for each in found.values():
            each.parts.append([])
        owner = part.table.c[part.owner]
        for portion in portions(list(found)):
            query = select(part.table).where(part.table.c.tenant == tenant, owner.in_(portion))
            for row in _rows(session.execute(query)):
                del row["tenant"]
                found[row.pop(part.owner)].parts[index].append(row)
        for each in found.values():
            each.parts[index] = part.sorted(each.parts[index])


def _rows(result: Result[*tuple[Any, ...]]) -> Iterator[Row]:
    names = tuple(result.keys())
    return (dict(zip(names, row, strict=True)) for row in result)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return milliseconds(value)
    if isinstance(value, BaseModel):
        return value.model_dump()
    return str(value) if isinstance(value, StrEnum) else value


def _fields(row: Row) -> Row:
    return {
        name: instant_of(value) if name in INSTANTS and value is not None else value
        for name, value in row.items()
        if name != "folded"
    }


def _items(field: str) -> Callable[[Any], Iterable[Row]]:
    """Rows of a field that is a list of little records."""

    def rows(record: Any) -> Iterable[Row]:
        for item in getattr(record, field):
            yield {name: _plain(getattr(item, name)) for name in type(item).model_fields}

    return rows


def _reference_rows(lot: LotRecord) -> Iterable[Row]:
    for kind, values in lot.references.items():
        for value in values:
            yield {"kind": str(kind), "value": value, "folded": model.folded(value)}


def _references(rows: Sequence[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["kind"], []).append(row["value"])
    return found


def _table(mapped: type[DeclarativeBase]) -> Table:
    return model.Base.metadata.tables[mapped.__tablename__]


_CORRECTIONS = Parts(
    _table(model.Correction),
    "tag",
    "corrections",
    _items("corrections"),
    lambda rows: [_fields(row) for row in rows],
    {},
    ("quantity", "begins"),
)
_REFERENCES = Parts(
    _table(model.Reference),
    "lot",
    "references",
    _reference_rows,
    _references,
    {},
    ("kind", "value"),
)
_LOTS_OF_SHIPMENT = Parts(
    _table(model.ShipmentLot),
    "shipment",
    "lots",
    lambda shipment: ({"lot": lot} for lot in shipment.lots),
    lambda rows: [row["lot"] for row in rows],
    {"lot": "lots"},
    ("lot",),
)
_LEGS = Parts(
    _table(model.Leg),
    "shipment",
    "legs",
    _items("legs"),
    lambda rows: [_fields(row) for row in rows],
    {"place": "places", "origin": "sites", "destination": "sites"},
    ("number",),
)
_ON = {"lot": "lots", "place": "places"}


def _shape(
    kind: str,
    mapped: type[DeclarativeBase],
    names: dict[str, str],
    *parts: Parts,
    key: tuple[str, ...] = ("id",),
    owned_by: str = "",
) -> Shape:
    table = _table(mapped)
    fields = tuple(c.name for c in table.columns if c.name in KINDS[kind].model_fields)
    return Shape(kind, table, names, parts, key, owned_by, fields)


SHAPES = {
    shape.kind: shape
    for shape in (
        _shape("sites", model.Site, {}),
        _shape("places", model.Place, {"site": "sites"}),
        _shape("parties", model.Party, {}),
        _shape("tags", model.Tag, {}, _CORRECTIONS),
        _shape("lots", model.Lot, {"customer": "parties"}, _REFERENCES),
        _shape("bindings", model.Binding, {"tag": "tags", **_ON}),
        _shape("moves", model.Move, _ON, key=("lot", "at"), owned_by="lot"),
        _shape("shipments", model.Shipment, {"customer": "parties"}, _LOTS_OF_SHIPMENT, _LEGS),
        _shape("holds", model.Hold, {**_ON, "shipment": "shipments"}),
    )
}
"""Shape by kind."""
