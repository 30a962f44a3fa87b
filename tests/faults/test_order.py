"""Whatever order readings come in, however often and by whatever clock: the store holds the same.

The journal, what understands it, the keeper, the registry and the store of a worker, with crashes
in between; hypothesis draws devices, messages, entries and crashes.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.formats import Memory, route
from ingest.journal import Journal
from ingest.keeper import Keeper
from ingest.message import Message
from ingest.repeats import Repeats
from ingest.understanding import Understanding
from lots import registry
from lots.clock import DAY_MS, Clock
from lots.readings.batch import TagKey
from lots.readings.sqlite import SqliteStore
from lots.settings import Subscription
from tests.faults.clocks import BY_DELIVERY, HOUR_MS, Device, Kind, Measured

NOW = 1_795_348_800_000
KEEP_MS = 400 * DAY_MS
TENANT = "acme"
LATENCY_MS = 40
"""From leaving a device to the broker: always the same here, so that corrected times are too."""


class Desk:
    """A worker's ingest, to be thrown away and taken up again at any moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.database = registry.connect(f"sqlite:///{folder / 'registry.sqlite'}")
        registry.migrate(self.database)
        with registry.writing(self.database) as session:
            registry.create_tenant(session, TENANT, TENANT)
        self.store = SqliteStore(folder / "readings.sqlite")
        self._names = itertools.count()
        self._offset = 0
        self._open()

    def tag(self) -> str:
        """A name that nobody has had."""
        return f"tag-{next(self._names)}"

    def arrive(self, messages: Sequence[Message]) -> None:
        """One entry of the journal: safe, and not looked at yet."""
        self._journal.append(messages)

    def work(self) -> None:
        """Keep what has come."""
        while (found := self._understanding.after(self._offset)) is not None:
            self._keeper.take(found.entry, found.decoded)
            self._offset = found.entry.end

    def commit(self) -> None:
        self._keeper.commit()

    def crash(self) -> None:
        """All that was in memory is gone, and what was not committed is done again."""
        self._journal.close()
        self._open()

    def close(self) -> None:
        self._journal.close()
        self.store.close()
        self.database.dispose()

    def content(self, tag: str) -> list[tuple[Any, ...]]:
        """(key, temperature, flags, time) of all that is stored of ``tag``, in this order."""
        batch = self.store.window(TagKey(TENANT, tag), 0, NOW + 10 * DAY_MS)
        columns = (batch.key, batch.value("temperature"), batch.flags, batch.time)
        assert set(batch.values) <= {"temperature"}
        return sorted(zip(*(np.asarray(column).tolist() for column in columns), strict=True))

    def _open(self) -> None:
        rows = [route(Subscription(filter="dunnage/v1/+/+/readings", format="native"), KEEP_MS)]
        self._journal = Journal(self._folder / "journal")
        self._understanding = Understanding(self._journal, rows, Memory(), Repeats())
        clock, stop = Clock(NOW, 0.0), threading.Event()
        self._keeper = Keeper(self.database, self.store, self._understanding, clock, KEEP_MS, stop)
        self._offset = self._keeper.restore(self._journal.start)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    made.close()


@st.composite
def devices(draw: st.DrawFn) -> Device:
    kind = draw(st.sampled_from(Kind))
    gaps = draw(st.lists(st.integers(1, 9000), min_size=1, max_size=12))
    boot, seq, at, made = 1, 0, NOW - 60 * HOUR_MS, []
    for gap in gaps:
        at += gap * 1000
        if kind is not Kind.UNSET and gap % 7 == 0:
            boot, seq = boot + 1, 0
        made.append(Measured(boot, seq, at, float(gap % 5)))  # often alike: values tell nothing
        seq += 1
    return Device(kind, made)


@st.composite
def deliveries(draw: st.DrawFn, device: Device) -> list[list[Measured]]:
    """Every reading once at least, in messages of a few or all in one.

    In any order, or as a backlog that begins with the newest; some of it again.
    """
    count = len(device.readings)
    extra = draw(st.lists(st.integers(0, count - 1), max_size=max(1, count // 4)))
    if draw(st.booleans()):
        order = [*reversed(range(count)), *sorted(extra, reverse=True)]
    else:
        order = draw(st.permutations([*range(count), *extra]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=6)))
    parts = [order[a:b] for a, b in itertools.pairwise([0, *cuts, len(order)])]
    return [[device.readings[number] for number in part] for part in parts if part]


@st.composite
def arrivals(draw: st.DrawFn, several: Sequence[Device]) -> list[tuple[int, list[Measured]]]:
    """Messages of all devices, by their numbers: each keeps the order of its own.

    One device's between another's, or each backlog in a row.
    """
    parts = [draw(deliveries(device)) for device in several]
    turns = [number for number, mine in enumerate(parts) for _ in mine]
    if draw(st.booleans()):
        turns = draw(st.permutations(turns))
    left = [iter(mine) for mine in parts]
    return [(number, next(left[number])) for number in turns]


def message(tag: str, device: Device, part: Sequence[Measured], received: int) -> Message:
    objects = [device.sends(reading, received - LATENCY_MS) for reading in part]
    payload = json.dumps(objects if len(objects) > 1 else objects[0]).encode()
    return Message(received, f"dunnage/v1/{TENANT}/{tag}/readings", payload)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_store_holds_the_same_in_any_order(desk: Desk, data: st.DataObject) -> None:
    several = data.draw(st.lists(devices(), min_size=1, max_size=3))
    straight, mixed = [desk.tag() for _ in several], [desk.tag() for _ in several]
    received = NOW - HOUR_MS
    for tag, device in zip(straight, several, strict=True):
        for reading in device.readings:
            received += 1
            desk.arrive([message(tag, device, [reading], received)])
    desk.work()

    for number, part in data.draw(arrivals(several)):
        tag, device = mixed[number], several[number]
        received += 1
        desk.arrive([message(tag, device, part, received)])
        for _ in range(data.draw(st.sampled_from([0, 0, 0, 1, 2]))):
            desk.arrive([message(tag, device, part, received := received + 1)])  # once more
        match data.draw(st.sampled_from(["wait", "work", "commit", "crash", "work and crash"])):
            case "work":
                desk.work()
            case "commit":
                desk.work()
                desk.commit()
            case "crash":
                desk.crash()
            case "work and crash":
                desk.work()
                desk.crash()
    desk.work()

    for device, one, other in zip(several, straight, mixed, strict=True):
        expected, found = desk.content(one), desk.content(other)
        assert len(expected) == len(device.readings)
        if device.kind in BY_DELIVERY:
            assert [row[:3] for row in found] == [row[:3] for row in expected]
        else:
            assert found == expected
        if device.kind in BY_DELIVERY - {Kind.NONE}:
            truth = {reading.at + LATENCY_MS for reading in device.readings}
            assert {row[3] for row in found} == {row[3] for row in expected} == truth
