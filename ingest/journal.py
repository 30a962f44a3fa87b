"""What arrived, as it arrived, on this machine's disk: a log of entries under global offsets.

A folder of segment files; a segment's name is the offset of its first entry. One append is one
write and one fdatasync. Appends come from any thread, reads from any others; what was appended
lately is handed to readers from memory.
"""

from __future__ import annotations

import logging
import os
import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from ingest import durable, message, segment
from ingest.errors import (
    JournalBusy,
    JournalCorrupt,
    JournalError,
    JournalFull,
    JournalUnwritable,
    OffsetUnknown,
)
from ingest.message import NO_MESSAGES, Message, Messages, gathered

__all__ = [
    "Entry",
    "Journal",
    "JournalBusy",
    "JournalCorrupt",
    "JournalError",
    "JournalFull",
    "JournalUnwritable",
    "Message",
    "OffsetUnknown",
    "joined",
]

SEGMENT_BYTES = 64 << 20
MAX_BYTES = 4 << 30
TAIL_BYTES = 16 << 20
READ_BYTES = 1 << 20
"""From the files at once: no more than is understood together."""

LARGEST_BYTES = 1 << 30
"""Of an entry: its columns say where payloads end in 32 bits."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch of messages, or a tick: that it was ``tick`` (ms since 1970 UTC), and no messages.

    The next entry is at ``end``. Several may be `joined` into one.
    """

    offset: int
    end: int
    messages: Messages
    tick: int | None
    parts: tuple[tuple[int, int], ...] = ()  # of what is joined: first position, offset

    def place(self, position: int) -> tuple[int, int]:
        """Where the message at ``position`` is kept: an entry's offset, the position in it."""
        if not self.parts:
            return self.offset, position
        first, offset = self.parts[bisect_right(self.parts, position, key=itemgetter(0)) - 1]
        return offset, position - first


def joined(entries: Sequence[Entry]) -> Entry:
    """Entries that follow each other, as one; at least one, and a tick only alone."""
    if len(entries) == 1:
        return entries[0]
    counts = accumulate((len(entry.messages) for entry in entries), initial=0)
    return Entry(
        entries[0].offset,
        entries[-1].end,
        message.joined([entry.messages for entry in entries]),
        None,
        tuple((first, entry.offset) for first, entry in zip(counts, entries, strict=False)),
    )


class _Segment(NamedTuple):
    base: int
    path: Path


class Journal:
    """Opens or creates the journal in ``folder``.

    ``segment_bytes``  a segment is closed before it outgrows this
    ``max_bytes``      the bound of all files together; beyond it `append` raises `JournalFull`.
                       A segment, and an entry, take a quarter of it at most, so that a full
                       journal can always be emptied
    ``tail_entries``   how many of the last entries stay in memory for readers that keep up

    An entry that a crash left half written is cut off, with a line in the log. Raises
    `JournalBusy`, `JournalCorrupt` or `JournalUnwritable`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        max_bytes: int = MAX_BYTES,
        tail_entries: int = 256,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max_bytes // 4)
        self._tail_entries = tail_entries
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Content | int)
        self._writing = threading.Lock()  # one append, or one release, at a time
        self._changed = threading.Condition()  # guards what readers see: all below
        self._tail: dict[int, Entry] = {}
        self._tail_bytes = 0
        self._segments: list[_Segment] = []
        self._end = 0
        self._closed = False
        self._uncut = False  # bytes of a failed write may stand behind the end
        self._active = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = durable.lock(folder)
        except OSError as error:
            raise _unwritable(folder, error) from error
        try:
            self.id = durable.identity(folder)
            self._owner = bytes.fromhex(self.id)
            self._seed = segment.seed(self._owner)
            self._open_segments()
        except OSError as error:
            self.close()
            raise _unwritable(folder, error) from error
        except JournalError:
            self.close()
            raise

    @property
    def start(self) -> int:
        """The oldest offset that is kept."""
        with self._changed:
            return self._segments[0].base

    @property
    def end(self) -> int:
        """Where the next entry goes."""
        with self._changed:
            return self._end

    @property
    def size_bytes(self) -> int:
        """What all files take on the disk."""
        with self._changed:
            return self._size()

    def append(self, messages: Messages | Sequence[Message]) -> Entry:
        """Keep ``messages`` (one at least) as one entry, durably upon return.

        Topics are valid Unicode. Raises `JournalFull` or `JournalUnwritable`; nothing of it is
        kept then, and it can be tried again later.
        """
        kept = gathered(messages)
        if not len(kept):
            raise ValueError("an entry needs at least one message")
        return self._append(self._encoder.encode(_content(kept)), kept, None)

    def append_tick(self, now: int) -> Entry:
        """Keep that it is ``now`` (ms since 1970 UTC); as `append`."""
        return self._append(self._encoder.encode(now), NO_MESSAGES, now)

    def read(self, offset: int, limit: int = 64) -> list[Entry]:
        """Up to ``limit`` entries from ``offset`` on; none at the end.

        Raises `OffsetUnknown`, or `JournalCorrupt` where the disk damaged an entry.
        """
        with self._changed:
            self._require_open()
            first, end = self._segments[0].base, self._end
            entries = self._from_tail(offset, limit)
        if entries or offset == end:
            return entries
        if not first <= offset < end:
            raise self._unknown(offset)
        return self._from_files(offset, end, limit)

    def wait(self, offset: int, timeout: float) -> bool:
        """True once there is an entry at ``offset``; False after ``timeout`` s, or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._end > offset, timeout)
            return self._end > offset and not self._closed

    def release(self, offset: int) -> int:
        """Remove the segments that end at or before ``offset``; returns how many.

        The last segment stays. Raises `OffsetUnknown` beyond the end, `JournalUnwritable`.
        """
        with self._writing:
            self._require_open()
            if offset > self._end:
                raise self._unknown(offset)
            ends = [later.base for later in self._segments[1:]]
            done = sum(end <= offset for end in ends)
            try:
                for _ in range(done):
                    self._segments[0].path.unlink(missing_ok=True)
                    with self._changed:
                        self._segments.pop(0)
                if done:
                    durable.sync_folder(self._folder)
            except OSError as error:
                raise _unwritable(self._folder, error) from error
            return done

    def close(self) -> None:
        """Let go of the folder and wake who waits; what was appended stays."""
        with self._writing:
            with self._changed:
                if self._closed:
                    return
                self._closed = True
                self._changed.notify_all()
            if self._active >= 0:
                os.close(self._active)
            os.close(self._lock)

    # Opening

    def _open_segments(self) -> None:
        for leftover in self._folder.glob("*.new"):
            leftover.unlink()
        paths = sorted(self._folder.glob(f"*{segment.SUFFIX}"))
        self._segments = [_Segment(_base(path), path) for path in paths]
        for base, path in self._segments:
            segment.check_header(path, self._owner, base)
        for (base, path), later in zip(self._segments, self._segments[1:], strict=False):
            ends = base + path.stat().st_size - segment.HEADER_BYTES
            if ends != later.base:
                raise JournalCorrupt(
                    f"{path} ends at offset {ends}, and the next segment, {later.path.name}, "
                    f"begins at {later.base}: {segment.DAMAGE_REMEDY}"
                )
        if not self._segments:
            self._begin_segment(0)
            return
        base, path = self._segments[-1]
        self._active = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._end = self._recovered_end(base, path)
        # What a killed writer left in the page cache alone must not be handed to a reader.
        os.fdatasync(self._active)
        durable.sync_folder(self._folder)

    def _recovered_end(self, base: int, path: Path) -> int:
        """The end of the last whole entry; what a crash left behind it is cut off."""
        size = path.stat().st_size
        stop = base + size - segment.HEADER_BYTES
        end = base
        with path.open("rb") as file:
            try:
                for frame in segment.frames(file, self._seed, base, base, stop):
                    end = frame.end
            except segment.BadFrame:
                file.seek(segment.HEADER_BYTES + end - base)
                whole = segment.whole_frame_after(file.read(), self._seed, end)
                if whole is not None:
                    raise self._damaged(path, end) from None
                _log.warning(
                    "journal: %s: cut off %d bytes at offset %d that a crash left half written; "
                    "they were not acknowledged",
                    path,
                    stop - end,
                    end,
                )
                os.ftruncate(self._active, segment.HEADER_BYTES + end - base)
        return end

    # Writing

    def _append(self, payload: bytes, messages: Messages, tick: int | None) -> Entry:
        with self._writing:
            self._require_open()
            self._make_room(segment.FRAME_BYTES + len(payload))
            offset = self._end
            frame = segment.frame(self._seed, offset, payload)
            self._write(frame, offset)
            entry = Entry(offset, offset + len(frame), messages, tick)
            with self._changed:
                self._end = entry.end
                self._remember(entry)
                self._changed.notify_all()
            return entry

    def _make_room(self, size: int) -> None:
        """Raises `JournalFull`; begins a new segment where the last one has become too big."""
        if size > min(self._max_bytes // 4, LARGEST_BYTES):
            raise ValueError(f"an entry of {size} bytes does not fit in this journal: split it")
        filled = self._end - self._segments[-1].base
        rolls = filled > 0 and segment.HEADER_BYTES + filled + size > self._segment_bytes
        if self._size() + size + rolls * segment.HEADER_BYTES > self._max_bytes:
            raise JournalFull(
                f"the journal in {self._folder} has reached its bound of {self._max_bytes} bytes: "
                "it empties as readings get stored, so see why the store does not take them, or "
                "raise journal_max_mb"
            )
        try:
            self._require_in_place()
            self._cut()
            if rolls:
                self._begin_segment(self._end)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def _require_in_place(self) -> None:
        """What is written to a file that nobody will find again is not kept."""
        path = self._segments[-1].path
        try:
            found: os.stat_result | None = path.stat()
        except FileNotFoundError:
            found = None
        if found is None or not os.path.samestat(found, os.fstat(self._active)):
            raise JournalUnwritable(
                f"{path} was removed or replaced under this worker, which keeps nothing more until"
                " it is back: put the journal's folder back as it was, or restart the worker"
            )

    def _write(self, frame: bytes, offset: int) -> None:
        base, path = self._segments[-1]
        position = segment.HEADER_BYTES + offset - base
        view = memoryview(frame)
        self._uncut = True
        try:
            while view:
                written = os.pwrite(self._active, view, position)
                position += written
                view = view[written:]
            os.fdatasync(self._active)
        except OSError as error:
            try:
                self._cut()
            except OSError as again:
                _log.warning("journal: %s: %s; the next append tries it again", path, again)
            raise _unwritable(path, error) from error
        self._uncut = False

    def _cut(self) -> None:
        """Take away what a failed write left behind the end."""
        if self._uncut:
            os.ftruncate(self._active, segment.HEADER_BYTES + self._end - self._segments[-1].base)
            os.fdatasync(self._active)
            self._uncut = False

    def _begin_segment(self, base: int) -> None:
        """A segment appears under its name only when its header is on the disk."""
        path = self._folder / segment.name(base)
        durable.write(path, segment.header(self._owner, base))
        active = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        if self._active >= 0:
            os.close(self._active)
        self._active = active
        with self._changed:
            self._segments.append(_Segment(base, path))

    def _remember(self, entry: Entry) -> None:
        self._tail[entry.offset] = entry
        self._tail_bytes += entry.end - entry.offset
        while len(self._tail) > self._tail_entries or self._tail_bytes > TAIL_BYTES:
            oldest = self._tail.pop(next(iter(self._tail)))
            self._tail_bytes -= oldest.end - oldest.offset

    # Reading

    def _from_tail(self, offset: int, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        while len(entries) < limit and (entry := self._tail.get(offset)) is not None:
            entries.append(entry)
            offset = entry.end
        return entries

    def _from_files(self, offset: int, end: int, limit: int) -> list[Entry]:
        with self._changed:
            if offset < self._segments[0].base:  # released meanwhile
                raise self._unknown(offset)
            here = max(i for i, part in enumerate(self._segments) if part.base <= offset)
            base, path = self._segments[here]
            later = self._segments[here + 1 : here + 2]
        stop = later[0].base if later else end
        entries: list[Entry] = []
        try:
            with path.open("rb") as file:
                for frame in segment.frames(file, self._seed, base, offset, stop):
                    entries.append(self._entry(frame))
                    if len(entries) >= limit or frame.end - offset >= READ_BYTES:
                        break
        except FileNotFoundError as error:  # released meanwhile
            raise self._unknown(offset) from error
        except segment.BadFrame as bad:
            if not entries and not self._is_boundary(path, base, offset, stop):
                raise self._unknown(offset) from bad
            if not entries:
                raise self._damaged(path, bad.offset) from bad
        return entries

    def _is_boundary(self, path: Path, base: int, offset: int, stop: int) -> bool:
        """Whether the entries before ``offset`` lead there, or end at damage before it."""
        with path.open("rb") as file:
            try:
                for frame in segment.frames(file, self._seed, base, base, stop):
                    if frame.end >= offset:
                        return frame.end == offset
            except segment.BadFrame:
                return True
        return False

    def _entry(self, frame: segment.Frame) -> Entry:
        content = self._decoder.decode(frame.payload)
        if isinstance(content, int):
            return Entry(frame.offset, frame.end, NO_MESSAGES, content)
        return Entry(frame.offset, frame.end, content.messages(), None)

    def _size(self) -> int:
        kept = self._end - self._segments[0].base
        return kept + len(self._segments) * segment.HEADER_BYTES

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError(f"the journal in {self._folder} is closed")

    def _unknown(self, offset: int) -> OffsetUnknown:
        return OffsetUnknown(
            f"the journal in {self._folder} has no entry at offset {offset} (it keeps "
            f"{self.start} to {self.end}): the cursor belongs to another state of this folder; "
            "restore registry and journal from the same backup"
        )

    def _damaged(self, path: Path, offset: int) -> JournalCorrupt:
        return JournalCorrupt(
            f"{path}: the entry at offset {offset} is damaged, and there are entries behind it: "
            f"{segment.DAMAGE_REMEDY}"
        )


class _Content(NamedTuple):
    """Messages as they stand in an entry: the columns of `Messages`, the lowest byte first."""

    topics: tuple[str, ...]
    topic: bytes  # int32
    received: bytes  # int64
    ends: bytes  # int32: an entry is smaller than 2 GiB
    data: bytes

    def messages(self) -> Messages:
        return Messages(
            self.topics,
            np.frombuffer(self.topic, "<i4").astype(np.int64),
            np.frombuffer(self.received, "<i8").astype(np.int64),
            self.data,
            np.frombuffer(self.ends, "<i4").astype(np.int64),
        )


def _content(messages: Messages) -> _Content:
    return _Content(
        messages.topics,
        messages.topic.astype("<i4").tobytes(),
        messages.received.astype("<i8").tobytes(),
        messages.ends.astype("<i4").tobytes(),
        messages.data,
    )


def _base(path: Path) -> int:
    try:
        return int(path.stem)
    except ValueError as error:
        raise JournalCorrupt(f"{path} is not named like a segment: move it away") from error


def _unwritable(path: Path, error: OSError) -> JournalUnwritable:
    return JournalUnwritable(
        f"{path}: {error.strerror or error}: free space on this disk, or mend it; nothing was "
        "lost, and it is tried again"
    )
