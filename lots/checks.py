"""What keeps a record out of the registry, or in it: names of nothing, overlaps, uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lots import shapes
from lots.fields import written
from lots.model import Binding
from lots.refusals import InUse, Missing, Overlap, RegistryError, Repeated
from lots.shapes import SHAPES, Kept, Shape, one
from lots.whereabouts import FOREVER

SHOWN = 5
"""So many ids are named in a message before it counts the rest."""

Problems = list[tuple[int, RegistryError]]
"""(position in the batch, why)."""


def problems(session: Session, tenant: str, shape: Shape, new: Sequence[Kept]) -> Problems:
    """Everything that keeps ``new`` out, by position."""
    found = repeated(shape, new) + missing(session, tenant, shape, new)
    if shape.kind == "bindings":
        found += overlapping(session, tenant, new)
    return sorted(found, key=lambda problem: problem[0])


def repeated(shape: Shape, new: Sequence[Kept]) -> Problems:
    """Things that are given more than once."""
    keys = [shapes.key_of(shape, each.row) for each in new]
    times = Counter(keys)
    return [
        (position, Repeated(f"this {one(shape.kind)} is given {times[key]} times: keep one", "id"))
        for position, key in enumerate(keys)
        if times[key] > 1
    ]


def missing(session: Session, tenant: str, shape: Shape, new: Sequence[Kept]) -> Problems:
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
                f" {kind}, or POST /v1/{kind})",
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


def overlapping(session: Session, tenant: str, new: Sequence[Kept]) -> Problems:
    """Bindings of ``new`` that would put a tag in two places at one time."""
    position = {each.row["id"]: at for at, each in enumerate(new)}
    spans: dict[str, list[tuple[int, int, str]]] = {}
    columns = (Binding.tag, Binding.begins, Binding.ends, Binding.id)
    for portion in shapes.portions(sorted({each.row["tag"] for each in new})):
        query = select(*columns).where(Binding.tenant == tenant, Binding.tag.in_(portion))
        for tag, begins, ends, id_ in session.execute(query):
            if id_ not in position:
                spans.setdefault(tag, []).append((begins, FOREVER if ends is None else ends, id_))
    for row in {each.row["id"]: each.row for each in new}.values():
        ends = FOREVER if row["ends"] is None else row["ends"]
        spans.setdefault(row["tag"], []).append((row["begins"], ends, row["id"]))
    found: Problems = []
    for tag, bound in spans.items():
        open_end, holder = -1, ""
        for begins, ends, id_ in sorted(bound):
            if begins < open_end:
                culprit, other = (id_, holder) if id_ in position else (holder, id_)
                if culprit in position:
                    found.append((position[culprit], _overlap(tag, other, begins)))
            if ends > open_end:
                open_end, holder = ends, id_
    return found


def _overlap(tag: str, other: str, begins: int) -> Overlap:
    return Overlap(
        f'tag "{tag}" is already bound at {written(begins)} by binding "{other}", and a tag can be'
        " in one place only: end that binding first, or begin this one later",
        "begins",
    )


def refuse_in_use(session: Session, tenant: str, kind: str, id: str) -> None:  # noqa: A002
    """Raise `InUse` while other things name this one."""
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
