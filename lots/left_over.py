"""Dead letters: messages that could not be used, to be looked at and to be sent round again.

A letter that is replayed goes back to the worker as it came: topic, payload and time of receipt.
It stays here, out of sight, until it is as old as what is not kept; where it cannot be used again
it comes back under its own id, and has one attempt more.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from lots import inbox, shapes
from lots.inbox import Handed
from lots.model import DeadLetter
from lots.upserts import insert_new

AT_ONCE = 200
"""Letters to replay in one transaction: each has up to 256 KiB."""

HERE = DeadLetter.replayed.is_(None)
"""Letters that nobody has sent round again, or that came back."""


class Letter(NamedTuple):
    """A dead letter as it is to be kept: what `DeadLetter` says, without the cost of one."""

    id: str
    tenant: str | None
    topic: str
    payload: bytes
    reason: str
    received: int


@dataclass(frozen=True, slots=True)
class Which:
    """Which letters are meant: those that fit all that is given."""

    ids: Collection[str] | None = None
    tenant: str | None = None
    reason: str | None = None  # a part of it, whatever the case
    since: int | None = None  # ms: received then or later

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [HERE]
        if self.ids is not None:
            found.append(DeadLetter.id.in_(sorted(self.ids)))
        if self.tenant is not None:
            found.append(DeadLetter.tenant == self.tenant)
        if self.reason is not None:
            found.append(DeadLetter.reason.icontains(self.reason, autoescape=True))
        if self.since is not None:
            found.append(DeadLetter.received >= self.since)
        return found


def newest(session: Session, which: Which, limit: int) -> Sequence[DeadLetter]:
    """Letters, the newest first."""
    query = select(DeadLetter).where(*which.conditions())
    order = (DeadLetter.received.desc(), DeadLetter.id)
    return session.scalars(query.order_by(*order).limit(limit)).all()


def ids(session: Session, which: Which) -> list[str]:
    """Of all of them, the oldest first."""
    query = select(DeadLetter.id).where(*which.conditions())
    return list(session.scalars(query.order_by(DeadLetter.received, DeadLetter.id)))


def replay(session: Session, which: Which, now: int) -> list[str]:
    """Hand ``which``, some hundred at most, to the worker again; returns their ids.

    In the caller's transaction: a letter is out of sight exactly when it is in the inbox.
    """
    query = select(DeadLetter).where(*which.conditions()).with_for_update()
    letters = session.scalars(query.order_by(DeadLetter.received, DeadLetter.id)).all()
    inbox.hand_in(
        session,
        (Handed(each.tenant, each.topic, each.payload, each.received) for each in letters),
    )
    done = [each.id for each in letters]
    session.execute(
        update(DeadLetter)
        .where(DeadLetter.id.in_(done))
        .values(replayed=now, attempts=DeadLetter.attempts + 1)
        .execution_options(synchronize_session=False)
    )
    return done


def keep(session: Session, letters: Iterable[Letter]) -> None:
    """Write letters, each once however often it is written.

    One that was replayed and is refused again is shown again, with its new reason.
    """
    fresh = {letter.id: letter for letter in letters}
    for portion in shapes.portions(list(fresh.values())):
        back = _back(session, portion)
        for letter in portion:
            if letter.id in back:
                session.execute(
                    update(DeadLetter)
                    .where(DeadLetter.id == back[letter.id])
                    .values(replayed=None, reason=letter.reason, tenant=letter.tenant)
                    .execution_options(synchronize_session=False)
                )
        new = [letter._asdict() for letter in portion if letter.id not in back]
        insert_new(session, DeadLetter, new)


def shown(payload: bytes) -> dict[str, str]:
    """``text`` where it is text: ``base64`` of what no program can show."""
    try:
        return {"text": payload.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(payload).decode()}


def _back(session: Session, letters: Sequence[Letter]) -> dict[str, str]:
    """Of those that were sent round again: id -> the id it had before."""
    query = select(DeadLetter.id, DeadLetter.received, DeadLetter.topic, DeadLetter.payload).where(
        DeadLetter.attempts > 0,
        DeadLetter.received.in_(sorted({letter.received for letter in letters})),
    )
    known = {(row.received, row.topic, row.payload): row.id for row in session.execute(query)}
    own = set(known.values())
    found = {}
    for letter in letters:
        before = known.get((letter.received, letter.topic, letter.payload))
        if before is not None or letter.id in own:
            found[letter.id] = before or letter.id
    return found
