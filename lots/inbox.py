"""The inbox: messages that our own programs hand to the worker, as if a broker had brought them.

Who hands one in has to have the right to speak for its topic's tenant: nobody asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from lots.model import Waiting

AT_ONCE = 100
"""Messages in one statement: an import's are some hundred KiB each."""


class Handed(NamedTuple):
    """A message with ``readings`` in it, to be taken as ``received`` (ms) on ``topic``."""

    tenant: str | None  # whose it is, where its topic says so
    topic: str
    payload: bytes
    received: int
    readings: int = 1


class Backlog(NamedTuple):
    """What the worker has not taken yet."""

    messages: int
    readings: int


def hand_in(session: Session, messages: Iterable[Handed]) -> Backlog:
    """Queue ``messages`` in their order, in the caller's transaction; returns how much it was."""
    source = iter(messages)
    count = readings = 0
    while portion := list(islice(source, AT_ONCE)):
        session.execute(insert(Waiting), [each._asdict() for each in portion])
        count += len(portion)
        readings += sum(each.readings for each in portion)
    return Backlog(count, readings)


def backlog(session: Session, tenant: str | None = None) -> Backlog:
    """How much waits, of ``tenant`` or of all."""
    query = select(func.count(), func.coalesce(func.sum(Waiting.readings), 0))
    if tenant is not None:
        query = query.where(Waiting.tenant == tenant)
    messages, readings = session.execute(query).one()
    return Backlog(messages, int(readings))


def oldest(session: Session, messages: int, most_bytes: int) -> Sequence[Waiting]:
    """The oldest of all: up to ``messages`` and about ``most_bytes``, but one if there is one."""
    sizes = select(Waiting.id, func.length(Waiting.payload)).order_by(Waiting.id).limit(messages)
    ids: list[int] = []
    total = 0
    for id_, size in session.execute(sizes):
        total += size
        if ids and total > most_bytes:
            break
        ids.append(id_)
    query = select(Waiting).where(Waiting.id.in_(ids)).order_by(Waiting.id)
    return session.scalars(query).all() if ids else ()


def drop(session: Session, ids: Sequence[int]) -> None:
    """They are taken."""
    session.execute(
        delete(Waiting).where(Waiting.id.in_(ids)).execution_options(synchronize_session=False)
    )
