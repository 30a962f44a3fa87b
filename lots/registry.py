"""The registry: what is known of the goods, in a relational database.

Every function works in the session, and so in the transaction, that it is given: begin one with
`reading` or `writing`. Writes of one tenant wait for each other, so that what they check stays so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from lots import refolding, shapes
from lots.database import connect, migrate, writer
from lots.facts import (
    holds_on,
    lots_by_reference,
    sources_of,
    sources_of_all,
    stays_of,
    unknown_tags,
)
from lots.fields import milliseconds, written
from lots.keys import Principal, authenticate, create_key, create_tenant, revoke_keys, tenants
from lots.model import Binding, Refold, Tenant, UnknownTag
from lots.records import KINDS, Record
from lots.refusals import InUse, Missing, Overlap, RegistryError, Rejected, Repeated
from lots.shapes import SHAPES, Kept, Shape, one
from lots.whereabouts import FOREVER

__all__ = [
    "KINDS",
    "InUse",
    "Missing",
    "Outcome",
    "Overlap",
    "Principal",
    "RegistryError",
    "Rejected",
    "Repeated",
    "authenticate",
    "connect",
    "create_key",
    "create_tenant",
    "get",
    "holds_on",
    "lots_by_reference",
    "migrate",
    "page",
    "patch",
    "put",
    "put_many",
    "reading",
    "remove",
    "revision",
    "revoke_keys",
    "sources_of",
    "sources_of_all",
    "stays_of",
    "tenants",
    "unknown_tags",
    "writing",
]

SHOWN = 5
"""So many ids are named in a message before it counts the rest."""


class Outcome(StrEnum):
    """What a put did."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session for reading; what is written in it is rolled back."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session for writing: committed at the end, rolled back when that is not reached.

    SQLite has one writer: this waits for its turn at the beginning, not in the middle.
    """
    with Session(writer(engine), expire_on_commit=False) as session, session.begin():
        yield session


def put(session: Session, tenant: str, kind: str, record: Record) -> Outcome:
    """Make a thing what ``record`` says; doing so again changes nothing.

    Raises `Missing` when the record names what is not there, `Overlap` when a tag would be bound
    twice at one time. Lots whose climate this makes another get a `Refold`.
    """
    try:
        return put_many(session, tenant, kind, [record])[0]
    except Rejected as rejected:
        raise rejected.problems[0][1] from None


def put_many(session: Session, tenant: str, kind: str, records: Sequence[Record]) -> list[Outcome]:
    """`put` for many records of a kind at once, in a number of queries that hardly grows.

    All or none: raises `Rejected` with every record that cannot be kept.
    """
    shape = SHAPES[kind]
    lock(session, tenant)
    new = [shapes.kept(shape, record) for record in records]
    keys = [shapes.key_of(shape, each.row) for each in new]
    old = shapes.load(session, tenant, shape, keys)
    problems = _repeated(kind, keys) + _missing(session, tenant, shape, new)
    if kind == "bindings":
        problems += _overlapping(session, tenant, new)
    if problems:
        raise Rejected(sorted(problems, key=lambda problem: problem[0]))
    fresh, changed, outcomes = [], [], []
    for key, each in zip(keys, new, strict=True):
        known = old.get(key)
        if known is None:
            fresh.append(each)
        elif known != each:
            changed.append(each)
        outcomes.append(
            Outcome.CREATED
            if known is None
            else Outcome.UNCHANGED
            if known == each
            else Outcome.CHANGED
        )
    changes = [(old.get(shapes.key_of(shape, each.row)), each) for each in [*fresh, *changed]]
    if changes:
        before = refolding.observe(session, tenant, kind, changes)
        shapes.write(session, tenant, shape, fresh, changed)
        _adopt(session, tenant, kind, fresh)
        refolding.request(session, tenant, before)
        _changed(session, tenant)
    return outcomes


def patch(
    session: Session,
    tenant: str,
    kind: str,
    id: str,  # noqa: A002
    changes: Mapping[str, Any],
) -> Record | None:
    """Change the fields named in ``changes`` and no others; None when there is no such thing.

    Null takes a field away. References change by their kind. Raises what `put` raises, and
    pydantic's `ValidationError` when the result is no such record.
    """
    lock(session, tenant)
    known = get(session, tenant, kind, id)
    if known is None:
        return None
    fixed = ("id", "lot", "at") if kind == "moves" else ("id",)
    for name in fixed:
        if name in changes and changes[name] != known.model_dump(mode="json")[name]:
            raise RegistryError(
                f"{name} of a {one(kind)} cannot be changed: remove it and put another", name
            )
    merged = known.model_dump() | {
        name: value for name, value in changes.items() if name != "references"
    }
    if "references" in changes:
        merged["references"] = _merged(merged.get("references", {}), changes["references"])
    model = KINDS[kind]
    removed = {
        name
        for name, value in changes.items()
        if value is None
        and name in model.model_fields
        and not model.model_fields[name].is_required()
    }
    record = model.model_validate({k: v for k, v in merged.items() if k not in removed})
    put(session, tenant, kind, record)
    return record


def get(session: Session, tenant: str, kind: str, id: str) -> Record | None:  # noqa: A002
    """A thing by its id; None when there is none."""
    shape = SHAPES[kind]
    key = _key(shape, id)
    found = shapes.load(session, tenant, shape, [key]) if key is not None else {}
    return shapes.record_of(shape, found[key]) if key in found else None


def page(
    session: Session, tenant: str, kind: str, after: str | None = None, limit: int = 100
) -> list[Record]:
    """The ``limit`` things that follow the id ``after``, in the database's order of ids."""
    shape = SHAPES[kind]
    key = None if after is None else _key(shape, after)
    if after is not None and key is None:
        raise RegistryError(
            f'"{after}" is no id of a {one(kind)}: take the last one you were given'
        )
    return [
        shapes.record_of(shape, e) for e in shapes.load_page(session, tenant, shape, key, limit)
    ]


def remove(session: Session, tenant: str, kind: str, id: str) -> bool:  # noqa: A002
    """Take a thing away; False when there is none. Raises `InUse` while others name it."""
    shape = SHAPES[kind]
    lock(session, tenant)
    key = _key(shape, id)
    known = shapes.load(session, tenant, shape, [key]).get(key) if key is not None else None
    if known is None:
        return False
    _refuse_in_use(session, tenant, kind, id)
    before = refolding.observe(session, tenant, kind, [(known, None)])
    shapes.erase(session, tenant, shape, key)
    if kind == "lots":
        session.execute(delete(Refold).where(Refold.tenant == tenant, Refold.lot == id))
    refolding.request(session, tenant, before)
    _changed(session, tenant)
    return True


def revision(session: Session, tenant: str) -> int:
    """A number that grows with every change to a tenant's registry."""
    found = session.scalar(select(Tenant.revision).where(Tenant.id == tenant))
    if found is None:
        raise _no_tenant(tenant)
    return found


def lock(session: Session, tenant: str) -> None:
    """Wait until no other transaction writes things of ``tenant``, and keep others waiting.

    Raises `Missing` when there is no such tenant.
    """
    session.flush()
    if session.get_bind().dialect.name == "sqlite":
        session.execute(update(Tenant).where(Tenant.id == tenant).values(revision=Tenant.revision))
    query = select(Tenant.id).where(Tenant.id == tenant).with_for_update(key_share=True)
    if session.scalar(query) is None:
        raise _no_tenant(tenant)


def _changed(session: Session, tenant: str) -> None:
    session.execute(update(Tenant).where(Tenant.id == tenant).values(revision=Tenant.revision + 1))
    session.expire_all()  # tables were written past the session's objects


def _no_tenant(tenant: str) -> Missing:
    return Missing(f'there is no tenant "{tenant}": create it first', "tenant")


def _key(shape: Shape, id: str) -> Any | None:  # noqa: A002
    """The key that an id stands for; None for what cannot be an id of the kind."""
    if "\0" in id:
        return None
    if shape.kind != "moves":
        return id
    lot, _, at = id.rpartition("@")
    try:
        ms = milliseconds(datetime.fromisoformat(at))
    except (ValueError, TypeError):
        return None
    return (lot, ms) if written(ms) == at else None


def _merged(known: Mapping[Any, Any], changes: Any) -> Any:
    if not isinstance(changes, Mapping):
        return {} if changes is None else changes  # the record's model refuses what is no mapping
    both = {str(kind): values for kind, values in known.items()} | dict(changes)
    return {kind: values for kind, values in both.items() if values is not None}


def _adopt(session: Session, tenant: str, kind: str, fresh: Sequence[Kept]) -> None:
    """A tag that is registered is no longer an unknown one."""
    if kind != "tags":
        return
    for portion in shapes.portions([each.row["id"] for each in fresh]):
        session.execute(
            delete(UnknownTag)
            .where(UnknownTag.tenant == tenant, UnknownTag.tag.in_(portion))
            .execution_options(synchronize_session=False)
        )


def _repeated(kind: str, keys: Sequence[Any]) -> list[tuple[int, RegistryError]]:
    times = Counter(keys)
    return [
        (position, Repeated(f"this {one(kind)} is given {times[key]} times: keep one", "id"))
        for position, key in enumerate(keys)
        if times[key] > 1
    ]


def _missing(
    session: Session, tenant: str, shape: Shape, new: Sequence[Kept]
) -> list[tuple[int, RegistryError]]:
    """Every name in ``new`` of a thing that is not there."""
    asked: dict[str, set[str]] = {}
    names = [list(shapes.named(shape, each)) for each in new]
    for _, kind, id_ in (name for each in names for name in each):
        asked.setdefault(kind, set()).add(id_)
    there = {kind: _existing(session, tenant, kind, sorted(ids)) for kind, ids in asked.items()}
    return [
        (
            position,
            Missing(
                f'{field}: there is no {one(kind)} "{id_}"; register it first (dunnage import'
                f" {kind}, or PUT /v1/{kind})",
                field,
            ),
        )
        for position, each in enumerate(names)
        for field, kind, id_ in each
        if id_ not in there[kind]
    ]


def _existing(session: Session, tenant: str, kind: str, ids: Sequence[str]) -> set[str]:
    table = SHAPES[kind].table
    found: set[str] = set()
    for portion in shapes.portions(ids):
        query = select(table.c.id).where(table.c.tenant == tenant, table.c.id.in_(portion))
        found.update(session.scalars(query))
    return found


def _overlapping(
    session: Session, tenant: str, new: Sequence[Kept]
) -> list[tuple[int, RegistryError]]:
    """Bindings of ``new`` that would put a tag in two places at one time."""
    position = {each.row["id"]: at for at, each in enumerate(new)}
    spans: dict[str, list[tuple[int, int, str]]] = {}
    columns = (Binding.tag, Binding.begins, Binding.ends, Binding.id)
    for portion in shapes.portions(sorted({each.row["tag"] for each in new})):
        query = select(*columns).where(Binding.tenant == tenant, Binding.tag.in_(portion))
        for tag, begins, ends, id_ in session.execute(query):
            if id_ not in position:
                spans.setdefault(tag, []).append((begins, FOREVER if ends is None else ends, id_))
    for each in new:
        row = each.row
        ends = FOREVER if row["ends"] is None else row["ends"]
        spans.setdefault(row["tag"], []).append((row["begins"], ends, row["id"]))
    problems: list[tuple[int, RegistryError]] = []
    for tag, bound in spans.items():
        open_end, holder = -1, ""
        for begins, ends, id_ in sorted(bound):
            if begins < open_end:
                culprit, other = (id_, holder) if id_ in position else (holder, id_)
                if culprit in position:
                    problems.append((position[culprit], _overlap(tag, other, begins)))
            if ends > open_end:
                open_end, holder = ends, id_
    return problems


def _overlap(tag: str, other: str, begins: int) -> Overlap:
    return Overlap(
        f'tag "{tag}" is already bound at {written(begins)} by binding "{other}", and a tag can be'
        " in one place only: end that binding first, or begin this one later",
        "begins",
    )


def _refuse_in_use(session: Session, tenant: str, kind: str, id: str) -> None:  # noqa: A002
    uses = []
    for by, table, column, key in shapes.uses_of(kind):
        where = (table.c.tenant == tenant) & (table.c[column] == id)
        count = session.scalar(select(func.count()).select_from(table).where(where)) or 0
        if count:
            names = select(table.c[key[0]]).where(where).distinct().order_by(table.c[key[0]])
            shown = [f'"{name}"' for name in session.scalars(names.limit(SHOWN))]
            uses.append(f"{count} of {by} ({', '.join(shown)}{' …' if count > SHOWN else ''})")
    if uses:
        raise InUse(
            f'{one(kind)} "{id}" cannot be removed, because it is named by {" and ".join(uses)}:'
            " remove these, or let them name another, first"
        )
