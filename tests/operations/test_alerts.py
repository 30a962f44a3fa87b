"""Operators' alerts on their way to the registry and to a webhook, on real servers."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import IntegrityError

from lots import registry
from lots.clock import Clock
from operations import alerts, record
from operations.alerts import MOST, RENEW_MS, Alert, Book
from operations.broker import EMQX, MOSQUITTO, BrokerMemory
from operations.heartbeats import Heartbeats
from operations.messenger import Messenger
from operations.record import Record
from rules.channels.webhook import WebhookChannel
from tests.cli.shell import descendants
from tests.receiver import Receiver
from tests.servers import PostgreSQL, free_port

T = 1_763_766_000_000
CLOCK = Clock()


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def alert(name: str = "store.away", at: int = T, worker: str = "w1") -> Alert:
    return alerts.opened(worker, name, at, f"{name} is so", {"bytes": 5.0})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = registry.connect(f"sqlite:///{tmp_path}/registry.sqlite")
    registry.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def kept(engine: Engine) -> list[Alert]:
    with registry.reading(engine) as session:
        return record.listed(session, everything=True, limit=100)


def left(engine: Engine, worker: str = "w1", now: int = T) -> list[Alert]:
    with registry.reading(engine) as session:
        return record.left_over(session, worker, now)


def test_the_registry_comes_to_say_what_the_book_says(database: Engine) -> None:
    book = Book(tells=False)
    written = Record(database, book, CLOCK)
    one, other = alert(), alert("queue.full", T + 1)
    book.begin(one)
    book.begin(other)
    written.write()
    assert kept(database) == [other, one]
    book.end(one.id, T + 5)
    again = alert(at=T + 6)  # of the same name: the first has to be closed before
    book.begin(again)
    written.write()
    assert kept(database) == [again, other, replace(one, cleared=T + 5)]
    assert [each.id for each in book.open()] == [other.id, again.id]
    assert book.unrecorded() == []


def test_an_open_alert_follows_what_is_found_but_not_with_every_look(database: Engine) -> None:
    book = Book(tells=False)
    written = Record(database, book, CLOCK)
    one = alert()
    book.begin(one)
    written.write()
    book.renew(one.id, T + 1000, "worse", {"bytes": 9.0})
    written.write()
    assert kept(database) == [one]
    assert book.open()[0].numbers == {"bytes": 9.0}
    book.renew(one.id, T + RENEW_MS, "worst", {"bytes": 11.0})
    written.write()
    assert kept(database) == [replace(one, text="worst", numbers={"bytes": 11.0})]


def test_one_alert_of_a_name_is_open_for_a_worker(empty_registry: Engine) -> None:
    def insert(one: Alert) -> None:
        with registry.writing(empty_registry) as session:
            session.add(record._row(one))

    insert(alert())
    insert(alert(worker="w2"))
    insert(alert("queue.full"))
    insert(replace(alert(at=T + 1), cleared=T + 2))
    with pytest.raises(IntegrityError):
        insert(alert(at=T + 3))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/other.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = registry.connect(url)
    registry.migrate(engine)
    yield engine
    engine.dispose()


def test_two_workers_of_one_name_do_not_stop_each_others_record(database: Engine) -> None:
    mine, theirs = Book(tells=False), Book(tells=False)
    theirs.begin(alert(at=T))
    Record(database, theirs, CLOCK).write()
    mine.begin(alert(at=T + 1))
    mine.begin(alert("queue.full", T + 2))
    written = Record(database, mine, CLOCK)
    written.write()
    assert written.trouble is None
    assert [one.name for one in kept(database)] == ["queue.full", "store.away"]


def test_a_registry_that_goes_or_hangs_is_noticed_and_gets_all_when_it_is_back(
    own_postgresql: PostgreSQL,
) -> None:
    engine = registry.connect(own_postgresql.url)
    registry.migrate(engine)
    book = Book(tells=False)
    written = Record(engine, book, CLOCK)
    written.write()
    assert (written.trouble, abs(written.skew_s) < 1.0) == (None, True)
    with hanging(own_postgresql):
        asking = threading.Thread(target=written.write, daemon=True)
        asking.start()
        time.sleep(0.5)
        assert written.silent_s >= 0.4
    asking.join(10)
    assert written.silent_s < 0.4
    own_postgresql.stop()
    one = alert()
    book.begin(one)
    written.write()
    assert written.trouble is not None
    book.end(one.id, T + 1)
    time.sleep(0.3)
    assert written.silent_s > 0.3
    own_postgresql.start()
    until(lambda: written.write() or written.trouble is None)
    assert kept(engine) == [replace(one, cleared=T + 1)]
    assert written.silent_s < 0.3
    engine.dispose()


def test_a_registry_without_a_free_connection_is_told_and_asked_again(database: Engine) -> None:
    engine = create_engine(database.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    written = Record(engine, Book(tells=False), CLOCK)
    with engine.connect():
        written.write()
        assert "QueuePool limit" in (written.trouble or "")
    written.write()
    assert written.trouble is None
    engine.dispose()


@contextmanager
def hanging(server: PostgreSQL) -> Iterator[None]:
    """All its processes stand still; each of them leads a group of its own."""
    assert server._process is not None
    pids = [server._process.pid, *descendants(server._process.pid)]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_what_is_long_over_is_forgotten(database: Engine) -> None:
    clock = Clock(T, 0.0)
    old, open_ = alert(at=T - 2 * record.KEEP_MS), alert("queue.full", T - 2 * record.KEEP_MS)
    book = Book(tells=False)
    for one in (old, open_):
        book.begin(one)
    book.end(old.id, T - record.KEEP_MS - 1)
    written = Record(database, book, clock)
    written.write()
    assert kept(database) == [open_]


def test_an_alert_is_posted_when_it_opens_and_when_it_clears(receiver: Receiver) -> None:
    book = Book(tells=True)
    messenger = Messenger(book, WebhookChannel(""), f"{receiver.url}/ops", CLOCK)
    one = alert()
    book.begin(one)
    assert messenger.deliver() == 0.0
    book.end(one.id, T + 1500)
    assert messenger.deliver() == 0.0
    assert messenger.deliver() > 0.0
    opened, cleared = (json.loads(each.body) for each in receiver.received)
    assert (opened["type"], opened["timestamp"]) == ("operator.opened", "2025-11-21T23:00:00Z")
    assert (cleared["type"], cleared["timestamp"]) == (
        "operator.cleared",
        "2025-11-21T23:00:01.500Z",
    )
    words = {
        "id": one.id,
        "name": "store.away",
        "worker": "w1",
        "severity": "critical",
        "opened": "2025-11-21T23:00:00Z",
        "text": "store.away is so",
        "action": one.action,
        "numbers": {"bytes": 5.0},
    }
    assert cleared["data"] == words | {"cleared": "2025-11-21T23:00:01.500Z"}
    ids = [each.head["webhook-id"] for each in receiver.received]
    assert len(set(ids)) == 2


def test_what_is_not_taken_is_sent_again_in_its_order_and_under_its_id(receiver: Receiver) -> None:
    book = Book(tells=True)
    messenger = Messenger(book, WebhookChannel(""), receiver.url, CLOCK)
    now = CLOCK.now_ms()
    receiver.answers.extend([500, 503, 204])
    one, other = alert(at=now), alert("queue.full", now + 1)
    book.begin(one)
    book.begin(other)
    book.end(one.id, now + 2)
    pauses = [messenger.deliver() for _ in range(5)]
    assert pauses == [1.0, 2.0, 0.0, 0.0, 0.0]
    sent = [json.loads(each.body) for each in receiver.received]
    told = [(each["type"], each["data"]["name"]) for each in sent]
    assert told == [("operator.opened", "store.away")] * 3 + [
        ("operator.opened", "queue.full"),
        ("operator.cleared", "store.away"),
    ]
    assert len({each.head["webhook-id"] for each in receiver.received}) == 3
    assert book.waiting() == 0


def test_who_is_gone_or_silent_for_days_is_given_up(receiver: Receiver) -> None:
    book = Book(tells=True)
    messenger = Messenger(book, WebhookChannel(""), receiver.url, CLOCK)
    receiver.answers.extend([410, 500])
    book.begin(alert(at=CLOCK.now_ms()))
    assert messenger.deliver() == 0.0
    book.begin(alert("queue.full", CLOCK.now_ms() - alerts.GIVE_UP_MS - 1))
    assert messenger.deliver() == 0.0
    assert book.waiting() == 0


def test_what_could_not_be_told_before_the_end_is_told_by_the_next_run(
    database: Engine, receiver: Receiver
) -> None:
    first = Book(tells=True)
    one, other, third = alert(), alert("queue.full", T + 1), alert("rules.lag", T + 2)
    for each in (one, other, third):
        first.begin(each)
    notice = first.next_notice()
    assert notice is not None
    first.told(notice, T + 3)  # of the first alone somebody heard
    first.end(one.id, T + 4)
    first.end(third.id, T + 5)  # and of the third nobody did
    Record(database, first, CLOCK).write()
    again = Book(tells=True)
    again.adopt(left(database))
    assert [each.name for each in again.open()] == ["queue.full"]
    messenger = Messenger(again, WebhookChannel(""), receiver.url, CLOCK)
    while messenger.deliver() == 0.0:
        pass
    sent = [json.loads(each.body) for each in receiver.received]
    told = [(each["type"], each["data"]["name"]) for each in sent]
    assert told == [("operator.opened", "queue.full"), ("operator.cleared", "store.away")]
    Record(database, again, CLOCK).write()
    assert [each.name for each in left(database)] == ["queue.full"]
    assert left(database, "w2") == []


def test_without_anybody_to_tell_nothing_waits() -> None:
    book = Book(tells=False)
    one = alert()
    book.begin(one)
    book.end(one.id, T + 1)
    assert (book.waiting(), book.next_notice()) == (0, None)
    ((over, version),) = book.unrecorded()
    book.recorded(over.id, version)
    assert book._lines == {}


def test_what_is_over_and_cannot_be_written_or_told_does_not_fill_the_memory() -> None:
    book = Book(tells=True)
    for number in range(MOST + 50):
        one = alert(at=T + number)
        book.begin(one)
        book.end(one.id, T + number)
    book.begin(alert("queue.full"))
    assert len(book._lines) == MOST + 1


# What the broker said


def test_only_what_is_dropped_from_now_on_counts(tmp_path: Path) -> None:
    path, session = tmp_path / "broker.json", "w1 at mqtt://h"
    memory = BrokerMemory(path, session)
    assert not memory.expects_session
    memory.note(True, {MOSQUITTO: "1000", "$SYS/broker/uptime": "5 seconds"})
    assert memory.dropped == 0
    memory.note(True, {MOSQUITTO: "1003"})
    memory.note(True, {MOSQUITTO: "1003", "$SYS/brokers/e1" + EMQX: "7"})
    memory.note(True, {MOSQUITTO: "nothing", "$SYS/brokers/e1" + EMQX: "9"})
    assert memory.dropped == 5
    again = BrokerMemory(path, session)  # and while it was away
    assert (again.expects_session, again.dropped) == (True, 0)
    again.note(True, {MOSQUITTO: "1010"})
    assert again.dropped == 7
    again.note(True, {MOSQUITTO: "2"})  # the broker began anew
    assert again.dropped == 9
    assert not BrokerMemory(path, "w1 at mqtt://other").expects_session


def test_a_session_is_expected_only_where_there_was_one(tmp_path: Path) -> None:
    path = tmp_path / "broker.json"
    BrokerMemory(path, "s").note(False, {MOSQUITTO: "1"})
    assert not BrokerMemory(path, "s").expects_session
    BrokerMemory(path, "").note(True, {MOSQUITTO: "2"})
    assert not BrokerMemory(path, "").expects_session


@pytest.mark.parametrize("content", [b"", b"{", b'{"dropped": 1}', b"\xff", b"[]"])
def test_a_memory_that_cannot_be_read_is_done_without(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broker.json"
    path.write_bytes(content)
    memory = BrokerMemory(path, "s")
    assert not memory.expects_session
    memory.note(True, {MOSQUITTO: "1"})
    assert BrokerMemory(path, "s").expects_session


def test_a_memory_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    memory = BrokerMemory(tmp_path / "no folder" / "broker.json", "s")
    memory.note(True, {MOSQUITTO: "1"})
    memory.note(True, {MOSQUITTO: "4"})
    assert memory.dropped == 3


def test_heartbeats_are_as_old_as_the_last_round() -> None:
    beats = Heartbeats()
    step = beats.around("keeper", lambda: None)
    beats.follow("intake", lambda: 5.0)
    begun = time.monotonic()
    step()
    ages = beats.ages(begun + 10.0)
    assert 9.0 < ages["keeper"] <= 10.0
    assert ages["intake"] == begun + 5.0


def test_a_port_that_nobody_listens_on_is_tried_again() -> None:
    book = Book(tells=True)
    url = f"http://127.0.0.1:{free_port()}"
    messenger = Messenger(book, WebhookChannel(""), url, CLOCK)
    book.begin(alert(at=CLOCK.now_ms()))
    assert [messenger.deliver(), messenger.deliver()] == [1.0, 2.0]
