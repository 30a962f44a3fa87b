"""The journal: what it says it has, it has, after every kind of accident."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import segment
from ingest.journal import (
    Entry,
    Journal,
    JournalBusy,
    JournalCorrupt,
    JournalFull,
    JournalUnwritable,
    Message,
    OffsetUnknown,
)

TOPIC = "dunnage/v1/acme/tag-1/readings"


def message(number: int, size: int = 10) -> Message:
    return Message(number, TOPIC, f"{number:06d}".encode().ljust(size, b"."))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    opened = Journal(folder)
    yield opened
    opened.close()


def everything(journal: Journal, offset: int | None = None) -> list[Entry]:
    offset = journal.start if offset is None else offset
    found: list[Entry] = []
    while entries := journal.read(offset):
        found += entries
        offset = entries[-1].end
    return found


def fill(journal: Journal, size: int) -> list[Entry]:
    """Append until something stops it, and say so."""
    kept: list[Entry] = []
    while True:
        try:
            kept.append(journal.append([message(len(kept), size)]))
        except (JournalFull, JournalUnwritable):
            return kept


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def test_gives_back_batches_and_ticks_in_their_order(journal: Journal) -> None:
    first = journal.append([message(1), message(2)])
    second = journal.append_tick(77)
    third = journal.append([message(3)])
    assert everything(journal) == [first, second, third]
    assert list(first.messages) == [message(1), message(2)]
    assert first.tick is None
    assert (len(second.messages), second.tick) == (0, 77)
    assert (journal.start, journal.end) == (0, third.end)
    assert journal.read(second.offset, limit=1) == [second]
    assert journal.read(journal.end) == []


def test_gives_the_same_from_disk_as_from_memory(folder: Path) -> None:
    journal = Journal(folder, tail_entries=2)
    written = [journal.append([message(n)]) for n in range(10)]
    assert everything(journal) == written
    journal.close()
    again = Journal(folder)
    assert everything(again) == written
    assert again.end == written[-1].end
    again.close()


def test_keeps_its_id(folder: Path) -> None:
    first = Journal(folder)
    first.close()
    second = Journal(folder)
    second.close()
    assert first.id == second.id
    other = Journal(folder.parent / "other")
    other.close()
    assert other.id != first.id


def test_an_offset_between_entries_is_unknown(folder: Path) -> None:
    journal = Journal(folder, tail_entries=1)
    written = [journal.append([message(n)]) for n in range(4)]
    for offset in (-1, 1, written[1].offset + 3, written[3].offset - 1, journal.end + 1):
        with pytest.raises(OffsetUnknown, match="same backup"):
            journal.read(offset)
    journal.close()


def test_goes_on_in_a_new_segment_when_one_is_full(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=400, tail_entries=1)
    written = [journal.append([message(n)]) for n in range(30)]
    assert len(segments(folder)) > 3
    assert all(path.stat().st_size <= 400 for path in segments(folder))
    assert journal.size_bytes == sum(path.stat().st_size for path in segments(folder))
    assert everything(journal) == written
    journal.close()
    again = Journal(folder, segment_bytes=400)
    written.append(again.append([message(99)]))
    assert everything(again) == written
    again.close()


def test_releases_whole_segments_below_an_offset(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=400, tail_entries=1)
    written = [journal.append([message(n)]) for n in range(30)]
    before = len(segments(folder))
    middle = written[15]
    removed = journal.release(middle.offset)
    assert 0 < removed < before
    assert len(segments(folder)) == before - removed
    assert journal.start <= middle.offset
    assert everything(journal, middle.offset) == written[15:]
    with pytest.raises(OffsetUnknown, match="keeps"):
        journal.read(0)
    assert journal.release(journal.end) > 0
    assert len(segments(folder)) == 1, "the last one stays: it says where the journal ends"
    end = journal.end
    with pytest.raises(OffsetUnknown):
        journal.release(end + 1)
    journal.close()
    again = Journal(folder)
    assert again.end == end
    again.close()


def test_says_when_it_is_full_and_goes_on_after_release(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=1000, max_bytes=4000)
    kept = fill(journal, 50)
    assert 3000 < journal.size_bytes <= 4000
    with pytest.raises(JournalFull, match="journal_max_mb"):
        journal.append([message(1, 50)])
    assert everything(journal) == kept
    journal.release(journal.end)
    assert journal.append([message(1, 50)]).offset == kept[-1].end
    journal.close()


def test_an_entry_that_could_never_fit_is_refused_at_once(folder: Path) -> None:
    journal = Journal(folder, max_bytes=4000)
    with pytest.raises(ValueError, match="split it"):
        journal.append([message(1, 2000)])
    with pytest.raises(ValueError, match="at least one"):
        journal.append([])
    assert journal.end == 0
    journal.close()


def test_one_process_has_the_folder(folder: Path) -> None:
    journal = Journal(folder)
    with pytest.raises(JournalBusy, match=rf"process {os.getpid()}: stop that worker"):
        Journal(folder)
    journal.close()
    Journal(folder).close()
    with pytest.raises(ValueError, match="closed"):
        journal.append([message(1)])
    with pytest.raises(ValueError, match="closed"):
        journal.read(0)


def test_wait_ends_with_an_append_a_timeout_or_a_close(journal: Journal) -> None:
    assert not journal.wait(0, 0.01)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(journal.wait(0, 10)))
    waiting.start()
    entry = journal.append([message(1)])
    waiting.join(5)
    assert results == [True]
    waiting = threading.Thread(target=lambda: results.append(journal.wait(entry.end, 10)))
    waiting.start()
    time.sleep(0.05)
    journal.close()
    waiting.join(5)
    assert results == [True, False]


def test_a_torn_tail_is_cut_at_every_byte(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(folder)
    whole = [journal.append([message(n)]) for n in range(3)]
    last = journal.append([message(9)])
    journal.close()
    path = segments(folder)[0]
    for length in range(last.end - last.offset):
        torn = tmp_path / f"torn-{length}"
        shutil.copytree(folder, torn)
        os.truncate(torn / path.name, segment.HEADER_BYTES + last.offset + length)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            again = Journal(torn)
        assert again.end == last.offset
        assert everything(again) == whole
        assert bool(caplog.records) == (length > 0)
        added = again.append([message(10)])
        again.close()
        again = Journal(torn)
        assert everything(again) == [*whole, added]
        again.close()


def test_a_tail_of_zeros_is_cut(folder: Path) -> None:
    """A file system may have grown the file and lost what was written."""
    journal = Journal(folder)
    entry = journal.append([message(1)])
    journal.close()
    with segments(folder)[0].open("ab") as file:
        file.write(bytes(5000))
    again = Journal(folder)
    assert everything(again) == [entry]
    again.close()


def damage(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(segment.HEADER_BYTES + offset)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x40]))


def test_damage_before_whole_entries_of_the_last_segment_stops_it(
    folder: Path, tmp_path: Path
) -> None:
    journal = Journal(folder)
    written = [journal.append([message(n)]) for n in range(3)]
    journal.close()
    for byte in range(written[1].offset, written[1].end):
        copy = tmp_path / f"copy-{byte}"
        shutil.copytree(folder, copy)
        damage(segments(copy)[0], byte)
        with pytest.raises(JournalCorrupt, match=rf"offset {written[1].offset} is damaged") as told:
            Journal(copy)
        assert str(segments(copy)[0]) in str(told.value)
        assert "backup" in str(told.value)


def test_damage_in_an_older_segment_stops_the_reader_there(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=400)
    written = [journal.append([message(n)]) for n in range(30)]
    journal.close()
    damage(segments(folder)[0], written[2].end - 1)
    again = Journal(folder, segment_bytes=400)
    assert again.read(0) == written[:2]
    for _ in range(2):
        with pytest.raises(JournalCorrupt, match=f"offset {written[2].offset} is damaged"):
            again.read(written[2].offset)
    again.close()


@pytest.mark.parametrize("part", ["header", "other journal", "renamed", "shorter", "id", "gone"])
def test_files_that_do_not_belong_together_are_refused(folder: Path, part: str) -> None:
    journal = Journal(folder, segment_bytes=400)
    for number in range(30):
        journal.append([message(number)])
    journal.close()
    first, second = segments(folder)[:2]
    if part == "header":
        damage(first, -10)
    elif part == "other journal":
        other = Journal(folder.parent / "other")
        other.close()
        shutil.copy(segments(folder.parent / "other")[0], first)
    elif part == "renamed":
        segments(folder)[-1].rename(folder / segment.name(10**6))
    elif part == "shorter":
        os.truncate(first, first.stat().st_size - 1)
    elif part == "id":
        (folder / "id").unlink()
    else:
        second.unlink()
    with pytest.raises(JournalCorrupt, match=r"backup|move|restore|name it"):
        Journal(folder)


def test_a_segment_of_a_later_format_is_left_alone(folder: Path) -> None:
    Journal(folder).close()
    path = segments(folder)[0]
    content = bytearray(path.read_bytes())
    content[8] = 9
    path.write_bytes(content)
    with pytest.raises(JournalCorrupt, match="format 9"):
        Journal(folder)


WRITER = """
import sys
from pathlib import Path
from ingest.journal import Journal, Message

journal = Journal(Path(sys.argv[1]), segment_bytes=20_000)
number = 0
while True:
    entry = journal.append([Message(number, "a/b", b"x" * (number % 700))])
    sys.stdout.write(f"{number} {entry.offset}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_a_killed_writer_has_kept_what_it_reported(folder: Path) -> None:
    start = 0
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            reported = [writer.stdout.readline() for _ in range(150)]
            writer.send_signal(signal.SIGKILL)
            reported += writer.stdout.readlines()
        told = [tuple(map(int, line.split())) for line in reported if line.endswith("\n")]
        assert len(told) >= 150
        journal = Journal(folder)
        found = {entry.offset: entry.messages for entry in everything(journal, start)}
        for number, offset in told:
            assert list(found[offset]) == [Message(number, "a/b", b"x" * (number % 700))]
        assert len(found) - len(told) in (0, 1), "at most the one that was not reported yet"
        start = journal.end
        journal.close()


FULL_DISK = """
import resource, sys
from pathlib import Path
from ingest.journal import Journal, JournalUnwritable, Message

folder = Path(sys.argv[1])
journal = Journal(folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
kept = []
for number in range(100):
    try:
        kept.append(journal.append([Message(number, "a/b", bytes(3000))]))
    except JournalUnwritable as error:
        print(error)
        break
else:
    sys.exit("the disk was never full")
path = next(folder.glob("*.journal"))
assert path.stat().st_size == journal.size_bytes, "something half written remains"
assert journal.read(0, 100) == kept
small = journal.append([Message(1, "a/b", b"small")])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
large = journal.append([Message(2, "a/b", bytes(3000))])
journal.close()
assert Journal(folder).read(0, 100) == [*kept, small, large]
"""


def test_a_write_that_the_disk_refuses_leaves_nothing_behind(folder: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "free space on this disk" in done.stdout


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "dunnage-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root; RLIMIT_FSIZE is tested beside")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_heals_by_release(small_disk: Path) -> None:
    journal = Journal(small_disk / "journal", segment_bytes=200_000)
    kept = fill(journal, 30_000)
    assert len(kept) > 20
    with pytest.raises(JournalUnwritable, match="No space left"):
        journal.append([message(1, 30_000)])
    assert everything(journal) == kept
    kept += fill(journal, 1)  # the last bytes of the disk
    journal.close()
    journal = Journal(small_disk / "journal", segment_bytes=200_000)
    assert everything(journal) == kept, "a full disk does not keep it from starting"
    assert journal.release(journal.end) > 0
    kept.append(journal.append([message(2, 30_000)]))
    assert everything(journal) == [entry for entry in kept if entry.offset >= journal.start]
    journal.close()


@pytest.mark.parametrize("copied", [False, True], ids=["removed", "replaced"])
def test_nothing_is_kept_where_nobody_will_find_it(folder: Path, copied: bool) -> None:
    """What is appended is acknowledged: it must be where a restart looks for it."""
    journal = Journal(folder)
    kept = [journal.append([message(1)])]
    aside = folder.with_name("aside")
    folder.rename(aside)
    if copied:
        shutil.copytree(aside, folder)
    with pytest.raises(JournalUnwritable, match="put the journal's folder back"):
        journal.append([message(2)])
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    kept.append(journal.append([message(3)]))
    assert everything(journal) == kept
    journal.close()
    again = Journal(folder)
    assert everything(again) == kept
    again.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnwritable, match="file"):
        Journal(tmp_path / "file" / "journal")


def test_many_writers_and_readers_at_once(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=5000, tail_entries=4)
    each, writers = 150, 3
    seen: list[list[Entry]] = [[], []]

    def write(writer: int) -> None:
        for number in range(each):
            journal.append([message(writer * 1000 + number)])

    def follow(into: list[Entry]) -> None:
        offset = 0
        while len(into) < each * writers and journal.wait(offset, 10):
            into += journal.read(offset, limit=7)
            offset = into[-1].end

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    threads += [threading.Thread(target=follow, args=(into,)) for into in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert seen[0] == seen[1] == everything(journal)
    assert len(seen[0]) == each * writers
    for writer in range(writers):
        numbers = [e.messages[0].received for e in seen[0]]
        mine = [n for n in numbers if n // 1000 == writer]
        assert mine == sorted(mine)
    journal.close()


messages = st.builds(
    Message,
    received=st.integers(0, 2**62),
    topic=st.text(st.characters(exclude_categories=["Cs"])),
    payload=st.binary(max_size=300) | st.just(b"\xd5\x01NT" * 20),
)
contents = st.lists(st.lists(messages, min_size=1, max_size=5) | st.integers(0, 2**62), max_size=12)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(contents=contents, segment_bytes=st.integers(100, 2000), torn=st.integers(0, 400))
def test_any_messages_survive(
    tmp_path: Path, contents: list[list[Message] | int], segment_bytes: int, torn: int
) -> None:
    folder = tmp_path / os.urandom(8).hex()
    journal = Journal(folder, segment_bytes=segment_bytes, tail_entries=2)
    written = [
        journal.append_tick(one) if isinstance(one, int) else journal.append(one)
        for one in contents
    ]
    assert everything(journal) == written
    journal.close()
    path = segments(folder)[-1]
    size = max(segment.HEADER_BYTES, path.stat().st_size - torn)
    os.truncate(path, size)
    end = int(path.stem) + size - segment.HEADER_BYTES
    again = Journal(folder, segment_bytes=segment_bytes)
    assert everything(again) == [entry for entry in written if entry.end <= end]
    again.close()
    shutil.rmtree(folder)
