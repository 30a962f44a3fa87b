"""The engine's memory on disk: a cache of the fold, with the journal offset that it stands at.

The journal lets go only of what a snapshot covers, so on a full disk the next snapshot is what
makes room again. That is why there are two files of one size, with room to spare: the one that is
in force and, beside it, the one before, which the next is written over. Neither gives its place on
the disk back, and none has to be asked for.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from lots.climate import LotKey, Samples
from lots.readings.batch import Ints
from rules.alike import OF_LOTS, OF_MEMORY, OF_WATCHES
from rules.attending import TAGS, WATCH
from rules.engine import Engine
from rules.rule import Rules
from rules.shelf import Shelf
from rules.state import STATE, Book, States, Transition
from rules.table import LotTable
from rules.window import LOG

Buffer = bytes | memoryview

VERSION = 9
ROOM_BYTES = 1 << 18
"""The least that a file takes; one that is outgrown takes twice what it needs."""

_CHECK = 4  # bytes of CRC-32 of what follows: head, columns, and zeros up to the file's end
_LENGTH = 8  # before the head and each column
_CHUNK = 1 << 20

PORTION = 20_000
"""Lots that are written, and read, at once: a million's columns are not in memory twice."""


class _Snapshot(msgspec.Struct):
    version: int
    journal: str
    offset: int
    digest: str
    layout: str
    ticked: int | None
    listening_since: int
    columns: list[str]
    """What each step of a rule is."""
    derived: list[tuple[str, int]]
    """What each derived quantity is, and how many numbers it keeps of a lot."""
    lots: int
    happened: list[tuple[LotKey, list[Transition]]]
    silent: list[tuple[LotKey, dict[str, int]]]
    dirty: list[tuple[LotKey, int]]
    blind: list[LotKey]


def save(path: Path, engine: Engine, journal: str, offset: int, *, brief: bool = False) -> None:
    """Write the engine's state after ``offset`` of ``journal``; durable, or the old one stays.

    ``brief``: without the lots. After a restart they are folded again from the store; it needs next
    to no room.
    """
    partial = _partial(path)
    _write(partial, _parts(engine, journal, offset, brief), max(ROOM_BYTES, _size(partial)))
    before = path.with_suffix(".before")
    before.unlink(missing_ok=True)  # of a run that was killed here
    if path.exists():
        before.hardlink_to(path)
    partial.replace(path)
    if before.exists():
        before.replace(partial)
    _sync(path.parent)
    reserve(path)


def reserve(path: Path) -> None:
    """Have two files' room on the disk for snapshots at ``path``, if there is any left."""
    partial, needed = _partial(path), max(ROOM_BYTES, _size(path))
    with contextlib.suppress(OSError):
        if not path.exists():
            _write(path, (), needed)  # which is no snapshot
        if _size(partial) < needed:
            _write(partial, (), needed)


def _partial(path: Path) -> Path:
    return path.with_suffix(".partial")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _write(path: Path, parts: Iterable[Buffer], room: int) -> None:
    """``parts``, with zeros up to ``room`` bytes, or to twice what they need if that is too little.

    Over what is there, and never more than one part in memory: the whole is large.
    """
    had = _size(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), "wb", buffering=0) as file:
        try:
            file.seek(_CHECK)
            check = 0
            for part in parts:
                check = _put(file, part, check)
            needed = file.tell()
            room = room if needed <= room else 2 * needed
            for begin in range(needed, room, _CHUNK):
                check = _put(file, bytes(min(_CHUNK, room - begin)), check)
            file.seek(0)
            _put(file, check.to_bytes(_CHECK, "big"), 0)
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), had)  # what it grew by helps nobody here
            raise


def _put(file: FileIO, part: Buffer, check: int) -> int:
    """Write all of ``part``; ``check`` with it."""
    view = memoryview(part)
    check = zlib.crc32(view, check)
    while view:
        view = view[file.write(view) :]
    return check


def _sync(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def restore(path: Path, engine: Engine, journal: str, before: Rules | None = None) -> int | None:
    """Fill ``engine`` from ``path``; the offset it stands at, or None if nothing there is usable.

    A snapshot is a cache: one that is missing, damaged, of another journal or version is left aside
    and the lots are folded again. Under changed packs the state stays and lots are dirty: all, or
    those that the packs ``before`` judged otherwise.
    """
    if not _whole(path):
        return None
    with open(path, "rb", buffering=0) as file:
        file.seek(_CHECK)
        found = _head(file)
        if found is None or found.version != VERSION or found.layout != _layout():
            return None
        if found.journal != journal:
            return None
        _unpack(found, file, engine, before)
    for key, since in found.dirty:
        engine.mark(key, since)
    engine.blind.update(found.blind)
    engine.aside.update(engine.blind - engine.dirty.keys())
    return found.offset


def _whole(path: Path) -> bool:
    """Whether a snapshot is there, and undamaged."""
    try:
        with open(path, "rb", buffering=0) as file:
            written, check = file.read(_CHECK), 0
            while part := file.read(_CHUNK):
                check = zlib.crc32(part, check)
    except OSError:
        return False
    return written == check.to_bytes(_CHECK, "big")


def _head(file: FileIO) -> _Snapshot | None:
    try:
        return msgspec.msgpack.decode(_next(file).tobytes(), type=_Snapshot)
    except msgspec.DecodeError:  # of another version
        return None


def _next(file: FileIO) -> NDArray[np.uint8]:
    """The bytes of the head, or of the column whose turn it is."""
    return np.fromfile(file, np.uint8, int.from_bytes(file.read(_LENGTH), "big"))


def _layout() -> str:
    """What the bytes of a lot's state mean."""
    return repr((STATE.descr, TAGS, WATCH.descr, OF_LOTS, OF_MEMORY, OF_WATCHES))


def _parts(engine: Engine, journal: str, offset: int, brief: bool) -> Iterator[Buffer]:
    """What a snapshot is made of, each part with its length before it."""
    table = engine.table
    heard = np.flatnonzero(table.notes["heard"])
    waiting = [table.row(key) for key in engine.dirty]
    rows = np.union1d(heard, np.asarray(waiting, np.int64))
    if brief:
        rows = rows[:0]
    yield from _measured(msgspec.msgpack.encode(_packed(engine, journal, offset, len(rows), brief)))
    for column in engine.book.fresh(1).columns():
        yield from _measured(column.ravel().view(np.uint8).data)
    for begin in range(0, len(rows), PORTION):
        some = rows[begin : begin + PORTION]
        yield from _measured(msgspec.msgpack.encode([table.keys[row] for row in some.tolist()]))
        for column in _columns(table, some):
            yield from _measured(column.view(np.uint8).data)


def _measured(part: Buffer) -> Iterator[Buffer]:
    yield memoryview(part).nbytes.to_bytes(_LENGTH, "big")
    yield part


def _columns(table: LotTable, rows: Ints) -> Iterator[NDArray[Any]]:
    for shelf in (table.base, table.head):
        yield from shelf.only(rows).columns()
    starts, columns = table.window.columns(rows)
    yield starts
    yield from columns


def _packed(engine: Engine, journal: str, offset: int, lots: int, brief: bool) -> _Snapshot:
    silences, keys = engine.silences, engine.table.keys
    return _Snapshot(
        version=VERSION,
        journal=journal,
        offset=offset,
        digest=engine.rules.digest,
        layout=_layout(),
        ticked=silences.ticked,
        listening_since=silences.listening_since,
        columns=engine.book.columns,
        derived=_derived(engine.book),
        lots=lots,
        happened=[] if brief else [(keys[row], its) for row, its in engine.happened.items()],
        silent=list(silences.of.items()),
        dirty=[] if brief else list(engine.dirty.items()),
        blind=[] if brief else sorted(engine.blind),
    )


def _unpack(found: _Snapshot, file: FileIO, engine: Engine, before: Rules | None) -> None:
    table, silences = engine.table, engine.silences
    fresh = _fresh(file, found)
    of_same_columns = (found.columns, found.derived) == (engine.book.columns, _derived(engine.book))
    judged_otherwise = _differing(before, engine)
    in_force = {name for of_kind in engine.book.silences for name, _ in of_kind}
    there = 0
    while there < found.lots:
        keys = msgspec.msgpack.decode(_next(file).tobytes(), type=list[LotKey])
        there += len(keys)
        rows = table.rows_made(keys)
        table.notes["heard"][rows] = True
        for shelf in (table.base, table.head):
            written = Shelf(fresh, [_next(file).view(np.int64) for _ in range(3)])
            every = np.arange(len(rows))
            if of_same_columns and shelf.is_like(written):
                shelf.match(rows, written, every)
            else:
                shelf.put(rows, _carried_over(written.take(every), found, engine.book))
        starts = _next(file).view(np.int64)
        columns = {name: _next(file).view(kind) for name, kind in LOG.items()}
        table.window.append(rows, starts, Samples(**columns))
        if found.digest != engine.rules.digest:
            for key in keys:
                if judged_otherwise(key):
                    engine.mark(key, 0)
    engine.happened.update((table.row(key), its) for key, its in found.happened)
    for key, silent in found.silent:
        heard = table.notes["heard"][table.row(key)]
        silences.set(key, {rule: at for rule, at in silent.items() if rule in in_force})
        if not heard:
            engine.distrust(key)  # a brief one knows of their silence alone
    silences.ticked, silences.listening_since = found.ticked, found.listening_since


def _differing(before: Rules | None, engine: Engine) -> Callable[[LotKey], bool]:
    """Whether a lot is judged otherwise than by ``before``."""

    @cache
    def differs(commodity: str, form: str) -> bool:
        now = engine.rules.judgement(commodity, form)
        return before is None or before.judgement(commodity, form) != now

    def judged_otherwise(key: LotKey) -> bool:
        facts = engine.table.known.get(key)
        return facts is None or differs(facts.commodity, facts.form)

    return judged_otherwise


def _fresh(file: FileIO, found: _Snapshot) -> States:
    """The state of a lot that nothing is known of, as it was when this was written."""
    steps, numbers = len(found.columns), sum(width for _, width in found.derived)
    return States(
        _next(file).view(STATE),
        _next(file).view(np.int64).reshape(1, steps),
        _next(file).view(np.int64).reshape(1, steps),
        _next(file).view(np.float64).reshape(1, numbers),
        _next(file).view(np.int64).reshape(1, TAGS),
        _next(file).view(WATCH).reshape(1, 2 * TAGS),
    )


def _carried_over(written: States, found: _Snapshot, book: Book) -> States:
    """``written`` with columns of the rules and derived quantities in force; of those that are new,
    as of a lot that nothing is known of."""
    states = book.fresh(len(written.lots))
    states.lots, states.tags, states.watches = written.lots, written.tags, written.watches
    before, steps = [(name, 1) for name in found.columns], [(name, 1) for name in book.columns]
    _carry_over(written.pending, before, states.pending, steps)
    _carry_over(written.opened, before, states.opened, steps)
    _carry_over(written.memory, found.derived, states.memory, _derived(book))
    return states


def _derived(book: Book) -> list[tuple[str, int]]:
    return [(memory.derived.definition, len(memory.fresh)) for memory in book.memories]


Widths = Sequence[tuple[str, int]]
"""Things by name, and how many columns each has."""


def _carry_over(written: NDArray[Any], before: Widths, column: NDArray[Any], now: Widths) -> None:
    """Into ``column`` (n, …) from what was ``written``, the things that are in both."""
    places = _places(before)
    for name, span in _places(now).items():
        if name in places:
            column[:, span] = written[:, places[name]]


def _places(widths: Widths) -> dict[str, slice]:
    found, at = {}, 0
    for name, width in widths:
        found[name] = slice(at, at + width)
        at += width
    return found
