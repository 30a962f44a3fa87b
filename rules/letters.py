"""Messages to people, on their way into the outbox: each once, however often it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lots.clock import Clock
from lots.model import Outgoing
from lots.shapes import portions


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told: a channel and an address on it."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message under the first of ``ids`` that the outbox does not have, if any; ``opening``: the
    id of the one that told of the beginning of what it tells of."""

    message: Outgoing
    ids: list[str]
    opening: str


def outgoing(id_: str, tenant: str, to: Recipient, payload: dict[str, Any]) -> Outgoing:
    """``payload`` as a message that is due now."""
    now = Clock().now_ms()  # true time, as the outbox works by: the world outside runs by it
    return Outgoing(
        id=id_,
        tenant=tenant,
        channel=to.channel,
        recipient=to.address,
        created=now,
        next_attempt=now,
        attempts=0,
        payload=payload,
    )


def send(session: Session, letters: Sequence[Letter]) -> None:
    """Into the outbox, but what is there already, and the end of what nobody was told of."""
    for part in portions(letters):
        known = there(session, [id_ for each in part for id_ in (*each.ids, each.opening)])
        for letter in part:
            message, new = letter.message, [id_ for id_ in letter.ids if id_ not in known]
            opens = letter.opening in letter.ids
            if new and (opens or letter.opening in known):
                message.id = new[0]
                session.add(message)
                known.add(message.id)
        session.flush()


def there(session: Session, ids: Iterable[str]) -> set[str]:
    """Those of ``ids`` that the outbox has."""
    found: set[str] = set()
    for part in portions(sorted(ids)):
        found |= set(session.scalars(select(Outgoing.id).where(Outgoing.id.in_(part))))
    return found


def let_say(message: Outgoing, action: str) -> None:
    """Let a message that nobody took yet say this to be done."""
    data = message.payload["data"]
    if data["action"] != action:
        # A new value, since a change inside of one would not be seen.
        message.payload = message.payload | {"data": data | {"action": action}}
