"""Rollups as they are made and made again, by real stores and a real registry."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from ingest.formats import Decoded
from ingest.stale import StaleNote
from lots import registry
from lots.climate import WINDOW_MS, Adjustment, Corrections
from lots.clock import DAY_MS, HOUR_MS, Clock
from lots.readings import rollup_marks
from lots.readings.batch import ReadingBatch, TagKey, concatenate, of_tag
from lots.readings.open import open_store
from lots.readings.rollup_maker import GRACE_MS, RollupMaker
from lots.readings.rollups import daily, rolled
from lots.readings.sqlite import SqliteStore
from lots.readings.store import ReadingStore, Rollups, StoreUnavailable
from lots.whereabouts import FOREVER
from tests.readings.alike import assert_alike
from tests.servers import InfluxDB

T0 = 1_763_769_600_000  # a midnight
MINUTE = 60_000
KEEP_MS = 400 * DAY_MS
TAG = TagKey("acme", "a")


class Hands:
    """A clock that a test sets."""

    def __init__(self, now: int) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now

    def real_seconds(self, span_ms: float) -> float:
        return span_ms / 1000.0


class House:
    """What a worker has: a store, a registry, notes of what came, and who makes rollups."""

    def __init__(self, database: Engine, store: ReadingStore, now: int = T0) -> None:
        self.database, self.store = database, store
        self.clock: Any = Hands(now)
        self.note = StaleNote(self.clock)
        self._uncommitted: list[ReadingBatch] = []

    def deliver(self, *batches: ReadingBatch) -> None:
        for batch in batches:
            self.store.write(batch)
            self.note.take(None, Decoded(batch, [], []))  # type: ignore[arg-type]
            self._uncommitted.append(batch)

    def commit(self) -> None:
        with registry.writing(self.database) as session:
            self.note.write(session)
        self.note.clear()
        self._uncommitted.clear()

    def crash(self) -> None:
        """What was not committed is taken from the journal again."""
        again = list(self._uncommitted)
        self.note = StaleNote(self.clock)
        self._uncommitted.clear()
        self.deliver(*again)

    def make(self, keep_ms: int = KEEP_MS) -> None:
        maker = RollupMaker(self.database, self.store, self.clock, keep_ms)
        for _ in range(99):
            if not maker.make_due():
                return
        raise AssertionError("there is no end to it")

    def hours(self, tag: TagKey = TAG, begins: int = 0, ends: int = FOREVER) -> Rollups:
        return self.store.rollups(tag, begins, ends, HOUR_MS)

    def days(self, tag: TagKey = TAG) -> Rollups:
        return self.store.rollups(tag, 0, FOREVER, DAY_MS)

    def marks(self) -> int:
        with registry.reading(self.database) as session:
            return rollup_marks.waiting(session)


def expected(batch: ReadingBatch, ends: int, corrections: Corrections | None = None) -> Rollups:
    """Of all readings of a tag at once, up to ``ends``."""
    ordered = batch.take(np.argsort(batch.stored_ns))
    edges = np.arange(T0 - 2 * DAY_MS, ends + 1, HOUR_MS)
    return rolled(ordered, corrections or {}, edges)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = registry.connect(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    registry.migrate(engine)
    with registry.writing(engine) as session:
        registry.create_tenant(session, "acme", "Acme")
    yield engine
    engine.dispose()


@pytest.fixture
def house(tmp_path: Path, database: Engine) -> Iterator[House]:
    with closing(SqliteStore(tmp_path / "readings.sqlite")) as store:
        yield House(database, store)


def readings(
    minutes: Sequence[float] | np.ndarray, tag: TagKey = TAG, warm: float = 5.0
) -> ReadingBatch:
    times = T0 + np.round(np.asarray(minutes, np.float64) * MINUTE).astype(np.int64)
    humid = 70.0 + (times // MINUTE * 7 % 23)
    return of_tag(tag, times, {"temperature": np.full(len(times), warm), "humidity": humid})


def test_an_hour_is_made_once_it_is_over_and_its_grace(house: House) -> None:
    house.deliver(readings([0, 30, 59]))
    house.commit()
    house.clock.now = T0 + HOUR_MS + GRACE_MS - 1
    house.make()
    assert len(house.hours()) == 0
    house.clock.now += 1
    house.make()
    assert_alike(house.hours(), expected(readings([0, 30, 59]), T0 + HOUR_MS))
    assert house.marks() == 1  # the day, which is not over


def test_the_next_hours_first_reading_completes_the_hour_before(house: House) -> None:
    house.deliver(readings([0, 40]))
    house.commit()
    house.clock.now = T0 + HOUR_MS + GRACE_MS
    house.make()
    house.deliver(readings([70]))
    house.commit()
    house.clock.now = T0 + 2 * HOUR_MS + GRACE_MS
    house.make()
    assert_alike(house.hours(), expected(readings([0, 40, 70]), T0 + 2 * HOUR_MS))
    assert house.hours().covered.tolist() == [HOUR_MS, 10 * MINUTE]


def test_days_are_made_when_they_are_over_and_corrected_by_late_readings(house: House) -> None:
    house.deliver(readings(np.arange(0, 24 * 60, 30)))
    house.commit()
    house.clock.now = T0 + DAY_MS + GRACE_MS - 1
    house.make()
    assert len(house.days()) == 0
    house.clock.now += 1
    house.make()
    (count,) = house.days().statistics.count["temperature"].tolist()
    assert (count, house.marks()) == (48, 0)
    house.deliver(readings([61, 62], warm=40.0))
    house.commit()
    house.make()
    assert_alike(house.days(), daily(house.hours()))
    assert house.days().statistics.high["temperature"].tolist() == [40.0]


def test_what_is_marked_while_it_is_made_is_made_again(house: House) -> None:
    house.deliver(readings([0, 30]))
    house.commit()
    house.clock.now = T0 + 2 * HOUR_MS
    write = house.store.write_rollups

    def meanwhile(step: int, rollups: Any) -> None:
        house.store.write_rollups = write  # type: ignore[method-assign]
        house.deliver(readings([45]))
        house.commit()
        write(step, rollups)

    house.store.write_rollups = meanwhile  # type: ignore[method-assign]
    house.make()
    assert_alike(house.hours(), expected(readings([0, 30, 45]), T0 + HOUR_MS))


def test_a_reading_of_an_hour_that_was_made_is_noted_again(house: House) -> None:
    """The note remembers what it wrote for the present hour, and only that."""
    house.deliver(readings([30]))
    house.commit()
    house.deliver(readings([31]))
    house.clock.now = T0 + HOUR_MS + GRACE_MS
    house.commit()
    house.make()
    house.deliver(readings([32]))
    house.commit()
    house.make()
    assert house.hours().statistics.count["temperature"].tolist() == [3]


def test_of_the_present_hour_a_tag_is_written_once(house: House) -> None:
    for minute in range(5):
        house.deliver(readings([minute], TagKey("acme", "b")), readings([minute]))
        house.commit()
    with registry.reading(house.database) as session:
        due = rollup_marks.due(session, HOUR_MS, FOREVER, 99)
    assert [(stale.span.tag.tag, stale.mark) for stale in due] == [("a", 1), ("b", 1)]


def test_other_corrections_make_hours_wet_anew_and_change_no_statistics(house: House) -> None:
    batch = readings(np.arange(0, 600, 10))
    house.deliver(batch)
    house.commit()
    house.clock.now = T0 + 12 * HOUR_MS
    house.make()
    before = house.hours()
    begins = T0 + 4 * HOUR_MS + 30 * MINUTE

    def calibrate(offset: float) -> None:
        at = f"2025-11-22T{begins // HOUR_MS % 24:02}:30:00Z"
        correction = {"quantity": "humidity", "begins": at, "offset": offset}
        fields = {"id": "a", "corrections": [correction] if offset else []}
        with registry.writing(house.database) as session:
            registry.put(session, "acme", "tags", registry.KINDS["tags"].model_validate(fields))
        house.make()

    calibrate(-15.0)
    corrections = {"humidity": [Adjustment(begins, 1.0, -15.0)]}
    assert_alike(house.hours(), expected(batch, T0 + 12 * HOUR_MS, corrections))
    assert house.hours().wet[:4].tolist() == before.wet[:4].tolist()
    assert house.hours().wet[5:].sum() < before.wet[5:].sum()
    calibrate(0.0)
    assert_alike(house.hours(), before)
    with registry.writing(house.database) as session:
        registry.remove(session, "acme", "tags", "a")
    assert house.marks() == 1  # the day: without corrections there is nothing to make again


def test_readings_that_expire_take_no_rollup_with_them(house: House) -> None:
    house.deliver(readings(np.arange(0, 600, 10)))
    house.commit()
    house.clock.now = T0 + DAY_MS + GRACE_MS
    house.make()
    hours, days = house.hours(), house.days()
    house.clock.now = T0 + 10 * DAY_MS
    house.store.expire(house.clock.now)
    with registry.writing(house.database) as session:
        rollup_marks.recalibrated(session, "acme", {"a": 0})
    house.make(keep_ms=5 * DAY_MS)
    assert_alike(house.hours(), hours)
    assert_alike(house.days(), days)


def test_what_is_left_of_an_hour_does_not_take_the_place_of_all_of_it(house: House) -> None:
    house.deliver(readings(np.arange(0, 600, 10)))
    house.commit()
    house.clock.now = T0 + DAY_MS + GRACE_MS
    house.make()
    whole = house.hours()
    house.clock.now = T0 + 5 * DAY_MS + 4 * HOUR_MS + 30 * MINUTE  # half of the hour is kept
    house.store.expire(house.clock.now - 5 * DAY_MS)
    house.deliver(readings([4 * 60 + 45.5], warm=9.0))
    house.commit()
    house.make(keep_ms=5 * DAY_MS)
    assert_alike(house.hours(), whole)
    house.deliver(readings([9 * 60 + 45.5], warm=9.0))  # all of this hour's readings are there
    house.commit()
    house.make(keep_ms=5 * DAY_MS)
    assert house.hours().statistics.count["temperature"].tolist() == [6] * 9 + [7]


def test_a_backlog_of_a_year_is_made_in_seconds(house: House) -> None:
    times = np.arange(0, 365 * 24 * 60, 5)
    year = readings(times)
    assert len(year) == 105_120
    house.clock.now = T0 + 366 * DAY_MS
    house.deliver(year)
    house.commit()
    assert house.marks() == 1
    begun = time.monotonic()
    house.make()
    assert time.monotonic() - begun < 20.0  # a second or two on a machine that does nothing else
    assert_alike(house.hours(), expected(year, T0 + 366 * DAY_MS))
    assert_alike(house.days(), daily(house.hours()))
    assert house.marks() == 0


def test_a_thousand_tags_of_the_present_hour_cost_next_to_nothing(house: House) -> None:
    tags = [TagKey("acme", f"tag-{n}") for n in range(1000)]
    entry = concatenate([readings([1, 2], tag) for tag in tags])
    decoded = Decoded(entry, [], [])
    house.note.take(None, decoded)  # type: ignore[arg-type]
    house.commit()
    begun = time.process_time()
    for _ in range(100):
        house.note.take(None, decoded)  # type: ignore[arg-type]
    each = (time.process_time() - begun) / 100
    assert each < 0.005  # of about 0.05 s that such an entry takes otherwise; measured 0.0002
    house.commit()
    assert house.marks() == 1000


def test_no_window_is_longer_than_72_hours(house: House) -> None:
    window, asked = house.store.window, []

    def spy(tag: TagKey, begins: int, ends: int, *names: Any) -> ReadingBatch:
        asked.append(ends - begins)
        return window(tag, begins, ends, *names)

    house.store.window = spy  # type: ignore[method-assign]
    with registry.writing(house.database) as session:
        rollup_marks.recalibrated(session, "acme", {"a": 0})
    house.deliver(readings([0, 100, 20_000]))
    house.commit()
    house.clock.now = T0 + 20 * DAY_MS
    house.make()
    assert max(asked) == WINDOW_MS
    assert_alike(house.hours(), expected(readings([0, 100, 20_000]), T0 + 20 * DAY_MS))


def test_it_waits_for_a_store_that_is_away(
    tmp_path: Path, database: Engine, own_influxdb: InfluxDB
) -> None:
    with closing(open_store(own_influxdb.store_url("goods"), 400)) as store:
        house = House(database, store, T0 + DAY_MS)
        house.deliver(readings([0, 30]))
        house.commit()
        own_influxdb.kill()
        maker = RollupMaker(database, store, house.clock, KEEP_MS)
        with pytest.raises(StoreUnavailable):
            maker.make_due()
        assert house.marks() == 1
        begun = time.monotonic()
        stop = threading.Event()
        thread = threading.Thread(target=maker.run, args=(stop,))
        thread.start()
        while maker.trouble is None or maker.heartbeat < begun + 1:
            assert time.monotonic() < begun + 20, "it comes round all the same"
            time.sleep(0.02)
        stop.set()
        thread.join()
        own_influxdb.start()
        house.make()
        assert_alike(house.hours(), expected(readings([0, 30]), T0 + HOUR_MS))


def test_each_window_of_a_long_portion_is_a_sign_of_life(house: House) -> None:
    """Where the store is slow, a portion takes longer than a part may be still."""
    house.deliver(readings(range(0, 30 * 24 * 60, 60)))
    house.commit()
    house.clock.now = T0 + 31 * DAY_MS
    maker = RollupMaker(house.database, house.store, house.clock, KEEP_MS)
    beats, window = set(), house.store.window

    def spy(*asked: Any) -> ReadingBatch:
        beats.add(maker.heartbeat)
        return window(*asked)

    house.store.window = spy  # type: ignore[method-assign]
    assert maker.make_due()
    assert len(beats) >= 10


READING = st.tuples(
    st.integers(0, 30 * 60),
    st.sampled_from([0, 0, 0, 32]),
    st.floats(-5, 20),
    st.one_of(st.just(float("nan")), st.floats(60, 100)),
)
WHAT = st.one_of(
    st.tuples(st.just("deliver"), st.lists(st.integers(0, 39), max_size=10)),
    st.sampled_from([("commit", None), ("crash", None), ("make", None)]),
    st.tuples(st.just("wait"), st.integers(1, 600)),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    drawn=st.lists(READING, min_size=1, max_size=40, unique_by=lambda one: one[0]),
    happens=st.lists(WHAT, max_size=25),
    data=st.data(),
)
def test_rollups_after_any_history_are_those_of_all_readings_at_once(
    database: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[int, int, float, float]],
    happens: list[tuple[str, Any]],
    data: st.DataObject,
) -> None:
    """Any order, any lateness, twice or more often, with crashes and rollups made in between."""
    every = of_tag(
        TAG,
        [T0 + one[0] * MINUTE for one in drawn],
        {"temperature": [one[2] for one in drawn], "humidity": [one[3] for one in drawn]},
        flags=[one[1] for one in drawn],
    )
    with registry.writing(database) as session:
        session.execute(rollup_marks.StaleRollup.__table__.delete())  # type: ignore[attr-defined]
    path = tmp_path_factory.mktemp("any") / "readings.sqlite"
    with closing(SqliteStore(path)) as store:
        house = House(database, store)
        for what, which in [*happens, ("deliver", data.draw(st.permutations(range(len(drawn)))))]:
            if what == "deliver":
                part = [n for n in which if n < len(drawn)]
                house.deliver(every.take(np.array(part, np.int64)))
            elif what == "wait":
                house.clock.now += which * MINUTE
            else:
                getattr(house, what)()
        house.commit()
        house.clock.now = T0 + 3 * DAY_MS
        house.make()
        wanted = expected(every, T0 + 3 * DAY_MS)
        assert_alike(house.hours(), wanted)
        assert_alike(house.days(), daily(wanted))
        assert house.marks() == 0


def test_a_stopped_clock_and_a_stopped_worker_end_at_once(house: House) -> None:
    maker = RollupMaker(house.database, house.store, Clock(T0, 0), KEEP_MS)
    stop = threading.Event()
    thread = threading.Thread(target=maker.run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
