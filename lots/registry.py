"""The registry: what is known of the goods, in a relational database.

Every function works in the session, and so in the transaction, that it is given: begin one with
`reading` or `writing`. Writes of one tenant wait for each other, so that what they check stays so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from lots import checks, refolding, shapes
from lots.database import connect, migrate, reader, writer
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
from lots.model import Refold, Tenant, UnknownTag
from lots.readings import rollup_marks
from lots.records import KINDS, Record
from lots.refolding import Change
from lots.refusals import InUse, Missing, Overlap, RegistryError, Rejected, Repeated
from lots.shapes import SHAPES, Kept, Shape, one

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
    "lock",
    "lots_by_reference",
    "migrate",
    "page",
    "patch",
    "problems",
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


class Outcome(StrEnum):
    """What a put did."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session for reading, all of it as it was at its first query: what others commit meanwhile
    is for the next session. What is written in it is rolled back (PostgreSQL refuses it)."""
    with Session(reader(engine), expire_on_commit=False) as session:
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
    found = checks.problems(session, tenant, shape, new)
    if found:
        raise Rejected(found)
    keys = [shapes.key_of(shape, each.row) for each in new]
    old = shapes.load(session, tenant, shape, keys)
    outcomes = [_outcome(old.get(key), each) for key, each in zip(keys, new, strict=True)]
    by_outcome = {
        outcome: [each for each, its in zip(new, outcomes, strict=True) if its is outcome]
        for outcome in Outcome
    }
    fresh, changed = by_outcome[Outcome.CREATED], by_outcome[Outcome.CHANGED]
    if fresh or changed:
        changes = [(old.get(shapes.key_of(shape, e.row)), e) for e in [*fresh, *changed]]
        before = refolding.observe(session, tenant, kind, changes)
        shapes.write(session, tenant, shape, fresh, changed)
        _adopt(session, tenant, kind, fresh)
        refolding.request(session, tenant, before)
        _recalibrated(session, tenant, kind, changes)
        _changed(session, tenant)
    return outcomes


def problems(
    session: Session, tenant: str, kind: str, records: Sequence[Record]
) -> list[tuple[int, RegistryError]]:
    """What `put_many` would refuse of ``records``, by position; nothing is written."""
    shape = SHAPES[kind]
    return checks.problems(session, tenant, shape, [shapes.kept(shape, r) for r in records])


def patch(
    session: Session,
    tenant: str,
    kind: str,
    id: str,  # noqa: A002
    changes: Mapping[str, Any],
) -> Record | None:
    """Lay ``changes`` over a thing as RFC 7396 says: what they do not name stays as it is.

    Null takes a field away. None when there is no such thing. Raises what `put` raises, and
    pydantic's `ValidationError` when the result is no record of the kind.
    """
    lock(session, tenant)
    known = get(session, tenant, kind, id)
    if known is None:
        return None
    before = known.model_dump(mode="json")
    for name in ("id", "lot", "at") if kind == "moves" else ("id",):
        if name in changes and changes[name] != before[name]:
            raise RegistryError(
                f"{name} of a {one(kind)} cannot be changed: remove it and put another", name
            )
    unknown = {name: value for name, value in changes.items() if name not in before}
    record = KINDS[kind].model_validate(_merged(before, changes) | unknown)
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
    checks.refuse_in_use(session, tenant, kind, id)
    before = refolding.observe(session, tenant, kind, [(known, None)])
    _recalibrated(session, tenant, kind, [(known, None)])
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


def _recalibrated(session: Session, tenant: str, kind: str, changes: Sequence[Change]) -> None:
    """Hours wet were made from values that are corrected otherwise now."""
    if kind == "tags":
        rollup_marks.recalibrated(session, tenant, refolding.recalibrated(changes))


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
        return (lot, ms) if written(ms) == at else None
    except (ValueError, TypeError, OverflowError):
        return None


def _merged(target: Any, changes: Any) -> Any:
    if not isinstance(changes, Mapping):
        return changes
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in changes.items():
        result[name] = _merged(result.get(name), value)
    return {name: value for name, value in result.items() if value is not None}


def _outcome(known: Kept | None, new: Kept) -> Outcome:
    if known is None:
        return Outcome.CREATED
    return Outcome.UNCHANGED if known == new else Outcome.CHANGED


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
