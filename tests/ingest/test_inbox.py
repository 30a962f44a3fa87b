"""From the inbox to the journal: in order, whatever fails in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from ingest.inbox import Inbox
from ingest.journal import Journal
from lots import inbox, registry
from lots.inbox import Handed
from tests.servers import PostgreSQL


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = registry.connect(f"sqlite:///{tmp_path}/registry.sqlite")
    registry.migrate(found)
    yield found
    found.dispose()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal(tmp_path / "journal")
    yield found
    found.close()


class Moving:
    """An inbox that is taken from until the ``with`` is left."""

    def __init__(self, taker: Inbox) -> None:
        self.taker = taker
        self._stop = threading.Event()
        self._thread = threading.Thread(target=taker.run, args=(self._stop,))

    def __enter__(self) -> Inbox:
        self._thread.start()
        return self.taker

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def soon(look: Callable[[], object], what: str, patience_s: float = 15.0) -> None:
    ends = time.monotonic() + patience_s
    while not look():
        assert time.monotonic() < ends, f"still not: {what}"
        time.sleep(0.02)


def hand_in(engine: Engine, numbers: range, size: int = 10) -> None:
    with registry.writing(engine) as session:
        messages = (Handed("acme", f"t/{n}", b"x" * size, n) for n in numbers)
        inbox.hand_in(session, messages)


def kept(journal: Journal) -> list[int]:
    found: list[int] = []
    offset = journal.start
    while entries := journal.read(offset):
        found += [message.received for each in entries for message in each.messages]
        offset = entries[-1].end
    return found


def waits(engine: Engine) -> int:
    with registry.reading(engine) as session:
        return inbox.backlog(session).messages


def test_what_is_handed_in_comes_into_the_journal(engine: Engine, journal: Journal) -> None:
    hand_in(engine, range(500))
    with Moving(Inbox(engine, journal)) as taker:
        soon(lambda: waits(engine) == 0, "all is taken")
        hand_in(engine, range(500, 510))
        soon(lambda: waits(engine) == 0, "and what comes later")
    assert kept(journal) == list(range(510))
    assert taker.moved == 510
    (entry, *_) = journal.read(journal.start)
    assert (entry.messages[3].topic, entry.messages[3].payload) == ("t/3", b"x" * 10)


def test_a_crash_in_between_gives_it_twice_and_alike(engine: Engine, journal: Journal) -> None:
    hand_in(engine, range(3))
    before = Inbox(engine, journal)
    before._drop_taken = lambda: None  # type: ignore[method-assign]  # killed before that
    assert before._move()
    with Moving(Inbox(engine, journal)):
        soon(lambda: waits(engine) == 0, "all is taken")
    assert kept(journal) == [0, 1, 2, 0, 1, 2]


def test_a_full_journal_is_waited_for(engine: Engine, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "small", max_bytes=8 << 20)
    hand_in(engine, range(40), size=256 * 1024)
    with Moving(Inbox(engine, journal)) as taker:
        soon(lambda: taker.trouble, "the journal is full")
        assert "bound" in str(taker.trouble)
        begun = time.monotonic()
        soon(lambda: taker.heartbeat > begun, "it comes round all the same")
        left = waits(engine)
        assert left > 0
        got = kept(journal)
        while waits(engine):
            journal.release(journal.end)
            time.sleep(0.05)
            got += [each for each in kept(journal) if each not in got]
        soon(lambda: taker.trouble is None, "it goes on")
    assert got == list(range(40))
    journal.close()


def test_a_registry_that_is_away_is_waited_for(
    own_postgresql: PostgreSQL, journal: Journal
) -> None:
    engine = registry.connect(own_postgresql.url)
    registry.migrate(engine)
    hand_in(engine, range(5))
    with Moving(Inbox(engine, journal)) as taker:
        soon(lambda: waits(engine) == 0, "all is taken")
        own_postgresql.stop()
        soon(lambda: taker.trouble, "the registry is missed")
        own_postgresql.start()
        hand_in(engine, range(5, 8))
        soon(lambda: taker.trouble is None and waits(engine) == 0, "it is back")
    assert kept(journal) == list(range(8))
    engine.dispose()


def test_what_could_not_be_taken_out_is_not_taken_again(engine: Engine, journal: Journal) -> None:
    hand_in(engine, range(3))
    taker = Inbox(engine, journal)
    with engine.begin() as connection:
        connection.execute(
            text(
                "create trigger no_more before delete on inbox"
                " begin select raise(abort, 'not now'); end"
            )
        )
    assert not taker._move()
    assert "not now" in str(taker.trouble)
    assert not taker._move()
    with engine.begin() as connection:
        connection.execute(text("drop trigger no_more"))
    taker._move()
    assert taker.trouble is None
    assert kept(journal) == [0, 1, 2]
    assert waits(engine) == 0
