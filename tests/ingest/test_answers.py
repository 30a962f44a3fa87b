"""Our own acknowledgement: who asks is told what is safe, and never more."""

from __future__ import annotations

import gc
import json
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copy
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from sqlalchemy import Engine, insert, select

from ingest.answers import Answers
from ingest.first_times import FirstTimesNote
from ingest.formats import Memory, Routing, route
from ingest.formats.decoded import Row, together
from ingest.formats.rows import Rows
from ingest.journal import Entry
from ingest.message import Message, gathered, whole
from ingest.repeats import Repeats
from lots import registry
from lots.clock import DAY_MS, Clock
from lots.model import Cursor, TagSequence
from lots.readings.batch import TagKey
from lots.settings import Subscription
from lots.terms import Identity
from tests.servers import Mosquitto, PostgreSQL
from tests.whole.house import House, soon

NOW = 1_763_812_800_000
Answer = dict[str, Any]


class Asked:
    """A consumer with what it published."""

    def __init__(self, database: Engine, identity: Identity | None = None) -> None:
        self.sent: list[tuple[str, Answer]] = []
        self.answers = Answers(database, "journal-1", self.publish, Clock(), 400 * DAY_MS)
        row = Subscription(filter="dunnage/v1/+/+/readings", format="native", identity=identity)
        self._routing = Routing([route(row, 400 * DAY_MS)])
        self._end = self.answers.restore(0)

    def publish(self, topic: str, payload: bytes) -> None:
        self.sent.append((topic, json.loads(payload)))

    def take(self, *messages: tuple[str, Any]) -> None:
        """One entry: messages of (tenant/tag, content)."""
        made = gathered(
            Message(NOW, f"dunnage/v1/{who}/readings", json.dumps(content).encode())
            for who, content in messages
        )
        entry = Entry(self._end, self._end + 100, made, None)
        self._end = entry.end
        self.answers.take(entry, self._routing.decode(made, Memory()))
        self.answers.idle()

    def told(self) -> list[Answer]:
        """The answers since the last time."""
        found = [answer for _, answer in self.sent]
        self.sent.clear()
        return found


def reading(seq: int, boot: int = 17, **more: Any) -> dict[str, Any]:
    return {"boot": boot, "seq": seq, "t": NOW + seq, "temperature": 21.0} | more


def readings(seqs: Iterable[int]) -> list[dict[str, Any]]:
    return [reading(seq) for seq in seqs]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        yield request.getfixturevalue("one_database")
        return
    with prepared(request.getfixturevalue("postgres_url")) as engine:
        yield engine


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: each test has a copy."""
    file = tmp_path_factory.mktemp("registry") / "registry.sqlite"
    with prepared(f"sqlite:///{file}"):
        pass
    return file


@pytest.fixture
def one_database(empty_file: Path, tmp_path: Path) -> Iterator[Engine]:
    copy(empty_file, tmp_path)
    engine = registry.connect(f"sqlite:///{tmp_path / empty_file.name}")
    yield engine
    engine.dispose()


@contextmanager
def prepared(url: str) -> Iterator[Engine]:
    engine = registry.connect(url)
    registry.migrate(engine)
    with registry.writing(engine) as session:
        registry.create_tenant(session, "acme", "Acme")
    yield engine
    engine.dispose()


def test_the_example_of_the_contract(one_database: Engine) -> None:
    asked = Asked(one_database)
    asked.take(("acme/tag-0042", readings(range(3990, 4010))))
    asked.take(("acme/tag-0042", readings(range(4013, 4021))))
    assert asked.told() == [], "nobody asked"
    asked.take(("acme/tag-0042", reading(4021, ack=True, first=3990)))
    assert asked.sent == [
        (
            "dunnage/v1/acme/tag-0042/ack",
            {"boot": 17, "seq": 4021, "missing": [[4010, 4012]]},
        )
    ]
    assert asked.answers.missing == 3


def test_one_answer_for_a_tag_and_batch_to_its_last_question(one_database: Engine) -> None:
    asked = Asked(one_database)
    asked.take(
        ("acme/a", [reading(n, ack=True) for n in (2, 1, 0)]),
        ("acme/a", reading(3, ack=True)),
        ("acme/b", reading(0, ack=True)),
        ("acme/b", reading(1)),
        ("acme/a", reading(2, ack=True, remark="sent again")),
    )
    assert sorted(asked.sent, key=str) == [
        ("dunnage/v1/acme/a/ack", {"boot": 17, "seq": 3, "missing": []}),
        ("dunnage/v1/acme/b/ack", {"boot": 17, "seq": 0, "missing": []}),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"temperature": "warm"},
        {"temperature": None},
        {"temperature": None, "remark": "no value in it"},
        {"t": 5e15},
        {"t": "yesterday"},
        {"a b": 1},
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_dead_letter_is_safe(one_database: Engine, bad: dict[str, Any], alone: bool) -> None:
    asked = Asked(one_database)
    poison = reading(1) | bad
    asked.take(("acme/a", reading(0)))
    asked.take(("acme/a", poison if alone else [poison, reading(2)]))
    asked.take(("acme/a", reading(3 - alone, ack=True)))
    assert asked.told() == [{"boot": 17, "seq": 3 - alone, "missing": []}]


def test_a_dead_letter_that_asks_is_answered(one_database: Engine) -> None:
    asked = Asked(one_database)
    asked.take(("acme/a", reading(0, ack=True) | {"temperature": "warm"}))
    assert asked.told() == [{"boot": 17, "seq": 0, "missing": []}]


def test_nobody_answers_for_a_tenant_that_is_not_there(one_database: Engine) -> None:
    asked = Asked(one_database)
    asked.take(("nobody/a", reading(0, ack=True)), ("nobody/b", reading(5, ack=True) | {"t": 1e15}))
    assert asked.sent == []
    assert asked.answers.missing == 0
    with registry.writing(one_database) as session:
        registry.create_tenant(session, "nobody", "Now there")
    asked.take(("nobody/a", reading(1, ack=True)))
    assert asked.told() == [{"boot": 17, "seq": 1, "missing": [[0, 0]]}], "at once"


def test_numbers_that_are_not_to_be_relied_on_are_not_answered(one_database: Engine) -> None:
    asked = Asked(one_database, Identity.VALUES)
    asked.take(("acme/a", reading(0, ack=True)), ("acme/a", reading(7, ack=True, other=1)))
    assert asked.sent == []
    framed = Asked(one_database, Identity.FRAME)
    framed.take(("acme/a", reading(0, other=1)), ("acme/a", reading(7, other=1)))
    assert framed.answers.missing == 0, "a network's frames need not have a reading"


def test_what_a_gateway_heard_of_a_tag_has_no_gaps(one_database: Engine) -> None:
    asked, tag = Asked(one_database), TagKey("acme", "F1:02:03:04:05:06")
    found = Rows(Row("acme", Identity.COUNTERS, 400 * DAY_MS))
    messages = gathered(Message(NOW, "ruuvi/gateway/tag", b"") for _ in range(2))
    for numbered, seq in zip(whole(messages), (7, 19), strict=True):
        values = {"temperature": 21.0}
        found.add(numbered, tag, values, t=NOW, boot=0, seq=seq, network_time=True)
    decoded = found.decoded()
    assert decoded.framed == {tag}
    asked.answers.take(Entry(0, 100, messages, None), together([decoded, decoded]))
    assert asked.answers.missing == 0


def written(database: Engine) -> int:
    with registry.reading(database) as session:
        return session.scalar(select(Cursor.offset).where(Cursor.name == "sequences")) or 0


def test_it_goes_on_where_it_was_after_a_restart(database: Engine) -> None:
    asked = Asked(database)
    asked.take(("acme/a", readings([0, 1, 5])), ("acme/b", reading(0)))
    asked.answers.close(10)
    asked.take(("acme/a", readings([6, 8])), ("acme/b", reading(1)))
    asked.take(("acme/a", reading(3)), ("acme/b", reading(2)), ("acme/c", reading(7, boot=2)))
    asked.answers.close(10)
    assert asked.answers.committed == written(database) == 300
    again = Asked(database)
    assert again.answers.committed == 300
    assert again.answers.missing == 3
    again.take(("acme/a", reading(8, ack=True)), ("acme/b", reading(3, ack=True)))
    again.take(("acme/c", reading(8, boot=2, ack=True, first=7)))
    assert sorted(again.sent) == [
        ("dunnage/v1/acme/a/ack", {"boot": 17, "seq": 8, "missing": [[2, 2], [4, 4], [7, 7]]}),
        ("dunnage/v1/acme/b/ack", {"boot": 17, "seq": 3, "missing": []}),
        ("dunnage/v1/acme/c/ack", {"boot": 2, "seq": 8, "missing": []}),
    ]
    again.answers.close(10)  # what it has begun to write still has a connection


def test_what_later_entries_are_read_by_is_written_with_the_cursor(one_database: Engine) -> None:
    """Though keeper and rules be far behind: a repeat behind it has the time of its first."""
    repeats = Repeats()
    noting = Answers(
        one_database, "j", lambda *_: None, Clock(), 400 * DAY_MS, [FirstTimesNote(repeats)]
    )
    noting.restore(0)
    message = Message(NOW, "dunnage/v1/acme/a/readings", b'{"boot":1,"seq":2,"door":1}')
    routing = Routing([route(Subscription(filter="#", format="native"), 400 * DAY_MS)])
    decoded = routing.decode(gathered([message]), Memory())
    repeats.settle(decoded.batch)
    noting.take(Entry(0, 100, gathered([message]), None), decoded)
    noting.close(10)
    assert noting.committed == 100
    later, again = Repeats(), gathered([message._replace(received=NOW + 5000)])
    with registry.reading(one_database) as session:
        FirstTimesNote(later).restore(session)
    settled = later.settle(routing.decode(again, Memory()).batch)
    assert settled.time.tolist() == [NOW]


# A connection whose server was killed cannot be closed: it is left to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*BaseConnection:pytest.PytestUnraisableExceptionWarning")
def test_while_the_registry_is_away_it_answers_on(own_postgresql: PostgreSQL) -> None:
    with prepared(own_postgresql.url) as engine:
        asked = Asked(engine)
        asked.take(("acme/a", reading(0)))
        asked.answers.close(10)
        own_postgresql.pause()  # it takes what is sent and says nothing
        begun = time.monotonic()
        for seq in range(1, 6):
            asked.take(("acme/a", reading(seq, ack=True)), ("other/a", reading(seq, ack=True)))
            time.sleep(0.15)
        assert time.monotonic() - begun < 3.0
        assert [answer["seq"] for answer in asked.told()] == [1, 2, 3, 4, 5]
        assert asked.answers.committed == 100, "the cursor waits"
        own_postgresql.resume()
        own_postgresql.kill()  # and what was under way comes to nothing
        asked.answers.idle()
        own_postgresql.start()
        soon(lambda: asked.answers.idle() or asked.answers.committed == 600, "it is written")
        assert Asked(engine).answers.committed == written(engine) == 600
    gc.collect()


def test_very_many_tags_start_in_seconds(one_database: Engine) -> None:
    rows = [
        {"tenant": "acme", "tag": f"tag-{n}", "boot": 1, "low": 0, "high": n, "heard": NOW}
        for n in range(100_000)
    ]
    with registry.writing(one_database) as session:
        session.execute(insert(TagSequence.__table__), rows)
    begun = time.monotonic()
    asked = Asked(one_database)
    took_s = time.monotonic() - begun
    asked.take(("acme/tag-99999", reading(100_000, boot=1, ack=True, first=0)))
    assert asked.told() == [{"boot": 1, "seq": 100_000, "missing": []}]
    assert took_s < 5.0  # measured: 0.6 s


class Device:
    """A tag that keeps its readings until they are safe, and asks again until they are.

    Every other reading has no time of its own.
    """

    def __init__(self, broker: Mosquitto, tenant: str, tag: str) -> None:
        self.held: dict[int, dict[str, Any]] = {}
        self.measured: dict[int, dict[str, Any]] = {}
        self._topic = f"dunnage/v1/{tenant}/{tag}"
        self._lock = threading.Lock()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"{tenant}-{tag}")
        self._client.on_message = self._told
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe(f"{self._topic}/ack")
        self._client.loop_start()

    def measure(self, seqs: Iterable[int]) -> None:
        made = {seq: reading(seq) | {"t": Clock().now_ms() if seq % 2 else None} for seq in seqs}
        self.measured |= made
        self.hold(made)

    def hold(self, readings: dict[int, dict[str, Any]]) -> None:
        with self._lock:
            self.held |= readings

    def send(self, without: Callable[[int], bool] = lambda _: False) -> None:
        """All that it holds, but what is lost on the way."""
        with self._lock:
            held = sorted(self.held)
            last = self.held[held[-1]] | {"ack": True, "first": held[0]}
            sent = [*(self.held[seq] for seq in held[:-1] if not without(seq)), last]
        self._client.publish(f"{self._topic}/readings", json.dumps(sent), qos=1)

    def _told(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        answer = json.loads(message.payload)
        missing = {n for first, last in answer["missing"] for n in range(first, last + 1)}
        with self._lock:
            for seq in list(self.held):
                if seq <= answer["seq"] and seq not in missing:
                    del self.held[seq]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_a_device_that_waits_for_its_answer_through_a_kill(
    tmp_path: Path, mosquitto: Mosquitto, unique_name: str
) -> None:
    with House(tmp_path, unique_name, mosquitto.url) as house:
        device = Device(mosquitto, unique_name, "T1")
        device.measure(range(40))
        device.send(without=lambda seq: 10 <= seq < 13 or seq == 20)
        soon(lambda: sorted(device.held) == [10, 11, 12, 20], "it is told what is missing")
        soon(lambda: house.figure("dunnage_readings_missing") == 4, "a figure")
        gaps = "/v1/tags/T1/gaps"
        house.put("tags", id="T1", interval_s=60)  # else it is unknown until it is written
        soon(lambda: len(house.items(gaps)) == 2, "they are shown")
        house.stop("worker", signal.SIGKILL)
        device.measure(range(40, 60))
        device.send(without=lambda seq: seq == 20)  # to the broker, which keeps it
        house.start("worker")

        def asked_again() -> bool:
            if device.held:
                device.send()
                time.sleep(0.3)
            return not device.held

        soon(asked_again, "all is safe")
        soon(lambda: not house.items(gaps), "the gaps are closed")
        closed = house.items(gaps, closed=True)
        assert sum(gap["count"] for gap in closed) == 4
        soon(lambda: house.figure("dunnage_store_lag_bytes") == 0, "all is stored")
        stored = house.items("/v1/tags/T1/readings", limit=1000)
        assert len(stored) == 60, "each once"
        assert sum("server_time" in one["flags"] for one in stored) == 30
        device.hold(device.measured)
        soon(asked_again, "all was sent again")
        soon(lambda: house.figure("dunnage_store_lag_bytes") == 0, "all is stored")
        assert house.items("/v1/tags/T1/readings", limit=1000) == stored, "at its first time"
        device.close()
