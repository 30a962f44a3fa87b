"""A reading whose time depends on its delivery is given the time of the first, ever after."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from ingest.first_times import FirstTimesNote
from ingest.notes import keep
from ingest.repeats import NETWORK_MS, PAGE, Repeats
from lots import registry
from lots.model import FirstTimes
from lots.readings.batch import Flag, ReadingBatch, TagKey, of_tag

HOUR_MS = 3_600_000


def batch(
    seqs: Sequence[int],
    times: Sequence[int] | int,
    flag: int = Flag.SERVER_TIME,
    tag: str = "tag-1",
    boot: int = 1,
) -> ReadingBatch:
    n = len(seqs)
    at = [times] * n if isinstance(times, int) else list(times)
    made = of_tag(TagKey("acme", tag), at, {"temperature": [1.0] * n}, flags=[int(flag)] * n)
    return replace(made, boot=np.full(n, boot), seq=np.array(seqs, np.int64))


def times(repeats: Repeats, *arguments: object, **options: object) -> list[int]:
    return repeats.settle(batch(*arguments, **options)).time.tolist()  # type: ignore[arg-type]


def test_a_later_delivery_has_the_time_of_the_first() -> None:
    repeats = Repeats()
    assert times(repeats, [1, 2, 2], [10, 20, 21]) == [10, 20, 20], "in one batch too"
    assert times(repeats, [2, 3, 1], [30, 31, 32]) == [20, 31, 10]
    assert times(repeats, [3], 40, Flag.CLOCK_CORRECTED) == [31]
    assert times(repeats, [3], 50, tag="tag-2") == [50]
    assert times(repeats, [3], 60, boot=2) == [60]


def test_only_the_time_changes() -> None:
    repeats = Repeats()
    repeats.settle(batch([1], 10))
    again = batch([1], 20)
    settled = repeats.settle(again)
    assert settled.stored_ns.tolist() == batch([1], 10).stored_ns.tolist()
    assert again.time.tolist() == [20], "what was given stays as it was"
    for name in ("tag", "key", "flags", "boot", "seq"):
        assert getattr(settled, name).tolist() == getattr(again, name).tolist()


def test_readings_that_time_or_nothing_tells_apart_pass() -> None:
    repeats = Repeats()
    assert times(repeats, [1, 1], [1, 2], Flag.SECONDS) == [1, 2]
    assert times(repeats, [-1, -1], [3, 4]) == [3, 4]
    assert repeats.fresh() == []


def test_what_a_network_noted_comes_round_again() -> None:
    repeats = Repeats()
    network = Flag.NETWORK_TIME
    assert times(repeats, [65_535, 0], [0, 1], network) == [0, 1]
    assert times(repeats, [65_535], NETWORK_MS, network) == [0], "by another gateway"
    assert times(repeats, [65_535], NETWORK_MS + 1, network) == [NETWORK_MS + 1], "the next round"
    assert times(repeats, [65_535], NETWORK_MS + 2, network) == [NETWORK_MS + 1]
    assert times(repeats, [7], 0) == [0]
    assert times(repeats, [7], 1000 * HOUR_MS) == [0], "a device's own boot tells for ever"


def test_the_memory_of_a_tag_is_bounded() -> None:
    repeats = Repeats(most=PAGE)
    assert times(repeats, range(3 * PAGE), range(3 * PAGE)) == list(range(3 * PAGE))
    assert times(repeats, [3 * PAGE - 1, 0], 999) == [3 * PAGE - 1, 999], "the oldest is forgotten"
    assert times(repeats, [5], 999, tag="tag-2") == [999]
    assert times(repeats, range(2 * PAGE), 7, tag="tag-3") == [7] * 2 * PAGE
    assert times(repeats, [5], 1000, tag="tag-2") == [999], "whatever others send"


def test_many_tags_keep_less_each() -> None:
    repeats = Repeats(least=PAGE, together=10 * PAGE)
    for n in range(100):
        repeats.settle(batch(range(3 * PAGE), 1, tag=f"tag-{n}"))
    kept = sum(len(page.readings) // 24 for page in repeats.fresh())
    assert kept <= 100 * 2 * PAGE
    assert times(repeats, [3 * PAGE - 1], 2, tag="tag-99") == [1]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = registry.connect(url)
    registry.migrate(engine)
    yield engine
    engine.dispose()


def restarted(database: Engine, **limits: int) -> Repeats:
    repeats = Repeats(**limits)
    with registry.reading(database) as session:
        FirstTimesNote(repeats).restore(session)
    return repeats


def test_it_outlives_the_worker(database: Engine) -> None:
    repeats = Repeats(most=4 * PAGE)
    note = FirstTimesNote(repeats)
    for begin in range(0, 40 * PAGE, 20):
        seqs = range(begin, begin + 20)
        repeats.settle(batch(seqs, seqs))
        repeats.settle(batch([begin], 7, tag="tag-2"))
        keep(database, [note])
    assert repeats.fresh() == []
    with registry.reading(database) as session:
        assert session.scalar(select(func.count()).select_from(FirstTimes)) <= 2 * 34
    again = restarted(database, most=4 * PAGE)
    last = range(36 * PAGE, 40 * PAGE)
    assert times(again, last, -1) == list(last)
    assert times(again, [40 * PAGE], 5) == [5]
    keep(database, [FirstTimesNote(again)])
    assert times(restarted(database), [40 * PAGE, 38 * PAGE], 6) == [5, 38 * PAGE]


def test_what_is_not_committed_is_written_the_next_time(database: Engine) -> None:
    repeats = Repeats()
    note = FirstTimesNote(repeats)
    repeats.settle(batch([1, 2], [10, 20]))
    with registry.writing(database) as session:
        note.write(session)
        session.rollback()
    repeats.settle(batch([3], 30))
    keep(database, [note])
    assert times(restarted(database), [1, 2, 3], 99) == [10, 20, 30]


def test_of_two_who_write_the_newer_stays(database: Engine) -> None:
    slow, quick = Repeats(), Repeats()
    slow.settle(batch([1], 10))
    quick.settle(batch([1, 2], [10, 20]))
    keep(database, [FirstTimesNote(quick)])
    keep(database, [FirstTimesNote(slow)])
    assert times(restarted(database), [1, 2], 99) == [10, 20]


def test_what_comes_while_it_is_written_is_written_the_next_time() -> None:
    repeats = Repeats()
    repeats.settle(batch([1], 10))
    writing = repeats.fresh()
    repeats.settle(batch([2], 20))
    repeats.written(writing)
    (left,) = repeats.fresh()
    assert left.number == 1
    repeats.written([left])
    assert repeats.fresh() == []


def test_what_is_old_is_forgotten(database: Engine) -> None:
    repeats = Repeats()
    repeats.settle(batch([1], 10))
    repeats.settle(batch([1], 2000, tag="tag-2"))
    note = FirstTimesNote(repeats)
    keep(database, [note])
    with registry.writing(database) as session:
        note.expire(session, 1000)
    again = restarted(database)
    assert times(again, [1], 3000) == [3000]
    assert times(again, [1], 3000, tag="tag-2") == [2000]


deliveries = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=12),
    max_size=10,
)


@settings(deadline=None)
@given(deliveries, st.integers(0, 10), st.integers(0, 10))
def test_the_first_in_the_journal_counts_for_all_who_follow(
    entries: list[list[tuple[int, int]]], lead: int, restart: int
) -> None:
    """One consumer runs ahead, one follows; after a restart all is read again from before it."""
    journal = [
        replace(
            batch([seq for _, seq in entry], range(100 * n, 100 * n + len(entry))),
            boot=np.array([boot for boot, _ in entry], np.int64),
        )
        for n, entry in enumerate(entries)
    ]
    first: dict[tuple[int, int], int] = {}
    expected = []
    for one in journal:
        rows = zip(one.boot.tolist(), one.seq.tolist(), one.time.tolist(), strict=True)
        expected.append([first.setdefault((boot, seq), time) for boot, seq, time in rows])
    repeats = Repeats()
    ahead = [repeats.settle(one).time.tolist() for one in journal[:lead]]
    behind = [repeats.settle(one).time.tolist() for one in journal]
    assert ahead == expected[:lead]
    assert behind == expected
    again = Repeats()
    again.restore(repeats.fresh())
    assert [again.settle(one).time.tolist() for one in journal[restart:]] == expected[restart:]


def test_threads_that_read_the_same_get_the_same() -> None:
    repeats = Repeats()
    journal = [batch([n, n // 2], [1000 + n, 5000 + n], tag=f"tag-{n % 7}") for n in range(400)]
    found: list[list[list[int]]] = [[] for _ in range(4)]

    def follow(mine: list[list[int]]) -> None:
        mine += [repeats.settle(one).time.tolist() for one in journal]

    threads = [threading.Thread(target=follow, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == found[2] == found[3]
