"""What is SQLite's own: locks, foreign files, a killed writer, and forgetting."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lots.readings.batch import TagKey, concatenate, of_tag
from lots.readings.open import open_store
from lots.readings.sqlite import SqliteStore
from lots.readings.store import StoreMisconfigured, StoreUnavailable

T0 = 1_763_766_000_000
TAG = TagKey("harbour", "a1")
ONE = of_tag(TAG, [T0], {"temperature": [1.0]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "readings.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path, busy_s=0.1)) as opened:
        yield opened


def test_a_locked_file_is_unavailable_and_then_takes_it(store: SqliteStore, path: Path) -> None:
    store.check()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.write(ONE)
        assert len(store.window(TAG, 0, T0 + 1)) == 0  # reading goes on
        other.execute("rollback")
    assert store.write(ONE) == []
    assert store.count("harbour") == 1


def test_a_failed_write_leaves_nothing_and_forgets_its_tags(store: SqliteStore, path: Path) -> None:
    """The file is full in the middle of a batch; with room again, the same batch is taken."""
    store.write(ONE)
    n = 20_000
    batch = of_tag(
        TagKey("harbour", "new"), T0 + np.arange(n), {"tilt": np.arange(n, dtype=np.float64)}
    )
    with store._file.connection() as only:  # the connection that the next writer gets
        (pages,) = only.execute("pragma page_count").fetchone()
        only.execute(f"pragma max_page_count = {pages + 10}")
    with pytest.raises(StoreUnavailable, match="full"):
        store.write(batch)
    assert store.count("harbour") == 1
    with store._file.connection() as only:
        only.execute("pragma max_page_count = 1000000")
    assert store.write(batch) == []
    assert store.count("harbour") == n + 1


def test_another_kind_of_file_is_misconfiguration(path: Path) -> None:
    path.write_text("site,name\n" * 500)
    with (
        closing(SqliteStore(path)) as store,
        pytest.raises(StoreMisconfigured, match=r"readings\.sqlite.*not a database.*readings_url"),
    ):
        store.check()
    assert path.read_text().startswith("site,name")


def test_a_newer_layout_is_misconfiguration(path: Path) -> None:
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("pragma user_version = 3")
    with (
        closing(SqliteStore(path)) as store,
        pytest.raises(StoreMisconfigured, match="is of layout 3, this version of Dunnage knows 2"),
    ):
        store.write(ONE)


def test_a_folder_that_cannot_be_made_is_misconfiguration(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        closing(SqliteStore(tmp_path / "file" / "readings.sqlite")) as store,
        pytest.raises(StoreMisconfigured, match="cannot be made"),
    ):
        store.check()


def test_the_folder_is_made(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/new/folder/r.sqlite", 400)) as store:
        assert store.write(ONE) == []


def test_a_write_is_on_the_disk_when_it_returns(store: SqliteStore) -> None:
    """What a power cut takes cannot be tried here; that SQLite was told to wait for it can."""
    store.write(ONE)
    with store._file.connection() as connection:
        assert connection.execute("pragma synchronous").fetchone() == (2,)
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)


WRITER = """
import sys
from pathlib import Path
from lots.readings.batch import TagKey, of_tag
from lots.readings.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
for n in range(1_000_000):
    store.write(of_tag(TagKey("harbour", "a1"), [n * 2, n * 2 + 1], {"tilt": [n, n]}))
    print(n + 1, flush=True)
"""


def test_what_was_acknowledged_outlives_a_kill(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line == "100\n":
                break
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
    acknowledged = max([100, *(int(line) for line in rest[:-1] if line)])
    with closing(SqliteStore(path)) as store:
        found = store.window(TAG, 0, T0)
        assert len(found) in (2 * acknowledged, 2 * acknowledged + 2)
        assert found.time.tolist() == list(range(len(found)))
        assert not np.isnan(found.values["tilt"]).any()


def test_forgetting_spares_what_is_not_older(store: SqliteStore) -> None:
    times = [T0 - 1, T0, T0 + 1]
    values = {"temperature": [1.0, 2.0, 3.0], "tilt": [4.0, 5.0, 6.0]}
    other = TagKey("station", "a1")
    store.write(concatenate([of_tag(TAG, times, values, key=[999_999, 0, 0]), ONE]))
    store.write(of_tag(other, times, values))
    store.expire(T0)
    for tag in (TAG, other):
        found = store.window(tag, 0, T0 + 9)
        assert found.time.tolist() == [T0, T0 + 1]
        assert found.values["tilt"].tolist() == [5.0, 6.0]
    store.expire(2**62)
    assert store.count("harbour") == store.count("station") == 0


def test_closing_closes_every_connection(path: Path) -> None:
    store = SqliteStore(path)
    with store._file.connection() as one, store._file.connection() as two:
        assert one is not two
        store.close()
    for connection in (one, two):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("select 1")
