"""Many rows in one call, more than a statement takes, whichever the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, delete, func, select

from lots import registry
from lots.model import DeadLetter
from lots.upserts import greatest, insert_new, insert_or_merge

MANY = 12_000
"""SQLite takes 32 766 values in a statement; a row has six."""


def row(n: int, reason: str = "first") -> dict[str, Any]:
    return {
        "id": f"letter-{n}",
        "tenant": None,
        "topic": "größe/☃/{rows}",
        "payload": b"\x00(?, ?)\xff",
        "reason": reason,
        "received": n,
    }


def test_what_is_there_stays_as_it_is(engine: Engine) -> None:
    with registry.writing(engine) as session:
        session.execute(delete(DeadLetter))
        insert_new(session, DeadLetter, [])
        insert_new(session, DeadLetter, [row(n) for n in range(0, MANY, 7)])
        insert_new(session, DeadLetter, [row(n, "second") for n in range(MANY)])
        count = select(func.count()).select_from(DeadLetter)
        assert session.scalar(count) == MANY
        assert session.scalar(count.where(DeadLetter.reason == "first")) == len(range(0, MANY, 7))
        kept = session.get_one(DeadLetter, "letter-11999")
        assert (kept.topic, kept.payload, kept.attempts) == (*list(row(0).values())[2:4], 0)
        session.rollback()


def test_what_is_there_is_merged(engine: Engine) -> None:
    with registry.writing(engine) as session:
        session.execute(delete(DeadLetter))
        insert_new(session, DeadLetter, [row(n) for n in range(MANY)])
        later = [row(n) | {"received": MANY - n} for n in range(MANY)]
        insert_or_merge(session, DeadLetter, "id", later, {"received": greatest(session)})
        found = session.execute(select(DeadLetter.id, DeadLetter.received)).all()
        assert {each.id: each.received for each in found} == {
            f"letter-{n}": max(n, MANY - n) for n in range(MANY)
        }
        session.rollback()
