"""Dead letters and the inbox: nothing is doubled, nothing lost, whichever the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from lots import inbox, left_over, registry
from lots.inbox import Backlog, Handed
from lots.left_over import Letter, Which
from lots.model import DeadLetter, Waiting

NOW = 1_763_812_800_000


def letter(tenant: str, n: int, **columns: Any) -> Letter:
    given = {
        "id": f"{tenant}-{n}",
        "tenant": tenant,
        "topic": f"dunnage/v1/{tenant}/T1/readings",
        "payload": b"\xff" + str(n).encode(),
        "reason": "unusable: it is not JSON",
        "received": NOW + n,
    }
    return Letter(**(given | columns))


@pytest.fixture
def clean(engine: Engine) -> Iterator[Session]:
    """A session on tables that have nothing else in them."""
    with registry.writing(engine) as session:
        session.execute(delete(DeadLetter))
        session.execute(delete(Waiting))
        yield session
        session.rollback()


def ids(session: Session, **which: Any) -> list[str]:
    return [each.id for each in left_over.newest(session, Which(**which), 100)]


def test_a_letter_is_written_once_however_often(clean: Session) -> None:
    left_over.keep(clean, [letter("acme", n) for n in range(3)])
    left_over.keep(clean, [letter("acme", n, reason="another") for n in range(4)])
    assert ids(clean) == ["acme-3", "acme-2", "acme-1", "acme-0"]
    assert [each.reason for each in left_over.newest(clean, Which(), 10)][1] != "another"


def test_many_letters_are_written_at_once(clean: Session) -> None:
    left_over.keep(clean, [letter("acme", n) for n in range(5000)])
    assert len(left_over.ids(clean, Which())) == 5000
    assert left_over.ids(clean, Which())[0] == "acme-0"


def test_letters_are_found_by_what_is_asked(clean: Session) -> None:
    left_over.keep(clean, [letter("acme", 1), letter("rival", 2), letter("acme", 3, reason="50 %")])
    assert ids(clean, tenant="acme") == ["acme-3", "acme-1"]
    assert ids(clean, reason="NOT json") == ["rival-2", "acme-1"]
    assert ids(clean, reason="%") == ["acme-3"]
    assert ids(clean, since=NOW + 2) == ["acme-3", "rival-2"]
    assert ids(clean, ids=["acme-1", "?"]) == ["acme-1"]


def test_a_replayed_letter_is_out_of_sight_and_in_the_inbox(clean: Session) -> None:
    left_over.keep(clean, [letter("acme", n) for n in range(3)])
    assert left_over.replay(clean, Which(["acme-1", "acme-0"]), NOW) == ["acme-0", "acme-1"]
    assert left_over.replay(clean, Which(["acme-1"]), NOW) == []
    assert ids(clean) == ["acme-2"]
    rows = inbox.oldest(clean, 10, 10**6)
    assert [(row.topic, row.payload, row.received) for row in rows] == [
        ("dunnage/v1/acme/T1/readings", b"\xff0", NOW),
        ("dunnage/v1/acme/T1/readings", b"\xff1", NOW + 1),
    ]
    assert inbox.backlog(clean, "acme") == Backlog(2, 2)
    assert inbox.backlog(clean, "rival") == Backlog(0, 0)


def test_one_that_fails_again_comes_back_under_its_own_id(clean: Session) -> None:
    left_over.keep(clean, [letter("acme", 1), letter("acme", 2)])
    for attempt in (1, 2):
        left_over.replay(clean, Which(["acme-1"]), NOW)
        again = letter("acme", 1, id=f"later-{attempt}", reason=f"for another reason {attempt}")
        left_over.keep(clean, [again, letter("acme", 7 + attempt)])
        # A worker that crashed gives it twice.
        left_over.keep(clean, [letter("acme", 1, id="twice", reason=again.reason)])
        found = clean.scalars(select(DeadLetter).where(DeadLetter.id == "acme-1")).one()
        clean.refresh(found)
        assert (found.attempts, found.replayed, found.reason) == (attempt, None, again.reason)
    assert sorted(ids(clean)) == ["acme-1", "acme-2", "acme-8", "acme-9"]


def test_one_with_an_id_of_its_content_comes_back_too(clean: Session) -> None:
    left_over.keep(clean, [letter("acme", 1, id="reading:1")])
    left_over.replay(clean, Which(["reading:1"]), NOW)
    left_over.keep(clean, [letter("acme", 1, id="reading:1", payload=b"said otherwise")])
    assert ids(clean) == ["reading:1"]


def test_the_inbox_gives_the_oldest_first_in_portions(clean: Session) -> None:
    sizes = [10, 400, 700, 5, 5, 3000, 1]
    messages = [Handed("acme", f"t/{n}", b"x" * size, n, n) for n, size in enumerate(sizes)]
    assert inbox.hand_in(clean, iter(messages)) == Backlog(7, 21)
    portions = []
    while rows := inbox.oldest(clean, 3, 1000):
        portions.append([int(row.topic[2:]) for row in rows])
        inbox.drop(clean, [row.id for row in rows])
    assert portions == [[0, 1], [2, 3, 4], [5], [6]]
    assert inbox.backlog(clean) == Backlog(0, 0)


def test_the_inbox_takes_many(clean: Session) -> None:
    many = (Handed(None, "t", b"x", n) for n in range(3 * inbox.AT_ONCE + 1))
    assert inbox.hand_in(clean, many).messages == 3 * inbox.AT_ONCE + 1
    assert inbox.hand_in(clean, []) == Backlog(0, 0)
