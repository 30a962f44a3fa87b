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
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lots.climate import LotKey, Samples
from lots.readings.batch import Ints
from rules.engine import Engine
from rules.kernels import NEVER
from rules.state import STATE, States, Transition

VERSION = 2
ROOM_BYTES = 1 << 18
"""The least that a file takes; one that is outgrown takes twice what it needs."""

_CHECK = 4  # bytes of CRC-32 of what follows: length, content, and zeros up to the file's end
_LENGTH = 8


class _States(msgspec.Struct):
    """Columns of `States`, as bytes."""

    lots: bytes
    pending: bytes
    opened: bytes


class _Snapshot(msgspec.Struct):
    version: int
    journal: str
    offset: int
    digest: str
    layout: str
    ticked: int | None
    listening_since: int
    rules: list[str]
    lots: list[LotKey]
    base: _States
    head: _States
    starts: bytes
    recent: list[bytes]
    happened: list[tuple[LotKey, list[Transition]]]
    silent: list[tuple[LotKey, dict[str, int]]]
    dirty: list[tuple[LotKey, int]]
    blind: list[LotKey]


def save(path: Path, engine: Engine, journal: str, offset: int, *, brief: bool = False) -> None:
    """Write the engine's state after ``offset`` of ``journal``; durable, or the old one stays.

    ``brief``: without the lots. After a restart they are folded again from the store; it needs next
    to no room.
    """
    content = msgspec.msgpack.encode(_packed(engine, journal, offset, brief))
    partial = _partial(path)
    data = len(content).to_bytes(_LENGTH, "big") + content
    room, needed = max(ROOM_BYTES, _size(partial)), _CHECK + len(data)
    _write(partial, data, room if needed <= room else 2 * needed)
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
            _write(path, b"", needed)  # which is no snapshot
        if _size(partial) < needed:
            _write(partial, b"", needed)


def _partial(path: Path) -> Path:
    return path.with_suffix(".partial")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _write(path: Path, data: bytes, room: int) -> None:
    """``data``, with zeros up to ``room`` bytes, over what is there."""
    had = _size(path)
    data = data.ljust(room - _CHECK, b"\0")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), "wb", buffering=0) as file:
        view = memoryview(zlib.crc32(data).to_bytes(_CHECK, "big") + data)
        try:
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), had)  # what it grew by helps nobody here
            raise


def _sync(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def restore(path: Path, engine: Engine, journal: str) -> int | None:
    """Fill ``engine`` from ``path``; the offset it stands at, or None if nothing there is usable.

    A snapshot is a cache: one that is missing, damaged, of another journal or version is left aside
    and the lots are folded again. Under changed packs the state stays and every lot is dirty.
    """
    found = _read(path)
    if found is None or found.version != VERSION or found.layout != _layout():
        return None
    if found.journal != journal:
        return None
    _unpack(found, engine)
    for key, since in found.dirty:
        engine.mark(key, since)
    engine.blind.update(found.blind)
    engine.aside.update(engine.blind - engine.dirty.keys())
    if found.digest != engine.rules.digest:
        for key in found.lots:
            engine.mark(key, 0)
    return found.offset


def _read(path: Path) -> _Snapshot | None:
    try:
        written = memoryview(path.read_bytes())
    except OSError:
        return None
    rest = written[_CHECK:]
    if written[:_CHECK] != zlib.crc32(rest).to_bytes(_CHECK, "big"):
        return None
    length = int.from_bytes(rest[:_LENGTH], "big")
    try:
        return msgspec.msgpack.decode(rest[_LENGTH : _LENGTH + length], type=_Snapshot)
    except msgspec.DecodeError:  # of another version
        return None


def _layout() -> str:
    """What the bytes of a lot's state mean."""
    return repr(STATE.descr)


def _packed(engine: Engine, journal: str, offset: int, brief: bool) -> _Snapshot:
    table = engine.table
    heard = np.flatnonzero(table.notes["heard"])
    waiting = [table.row(key) for key in engine.dirty]
    rows = np.union1d(heard, np.asarray(waiting, np.int64))
    if brief:
        rows = rows[:0]
    recent, starts = table.window.gather(rows)
    silences = engine.silences
    return _Snapshot(
        version=VERSION,
        journal=journal,
        offset=offset,
        digest=engine.rules.digest,
        layout=_layout(),
        ticked=silences.ticked,
        listening_since=silences.listening_since,
        rules=engine.book.names,
        lots=[table.keys[row] for row in rows.tolist()],
        base=_bytes(table.base.take(rows)),
        head=_bytes(table.head.take(rows)),
        starts=starts.tobytes(),
        recent=[getattr(recent, name).tobytes() for name in Samples.__slots__],
        happened=[] if brief else list(engine.happened.items()),
        silent=list(silences.of.items()),
        dirty=[] if brief else list(engine.dirty.items()),
        blind=[] if brief else sorted(engine.blind),
    )


def _bytes(states: States) -> _States:
    return _States(states.lots.tobytes(), states.pending.tobytes(), states.opened.tobytes())


def _unpack(found: _Snapshot, engine: Engine) -> None:
    table, silences = engine.table, engine.silences
    rows = np.asarray([table.row(key) for key in found.lots], np.int64)
    table.notes["heard"][rows] = True
    table.base.put(rows, _states(found.base, found.rules, engine.book.names))
    table.head.put(rows, _states(found.head, found.rules, engine.book.names))
    starts = np.frombuffer(found.starts, np.int64)
    columns: list[Any] = [
        np.frombuffer(data, np.int64 if name in _INTEGERS else np.float64)
        for name, data in zip(Samples.__slots__, found.recent, strict=True)
    ]
    table.window.append(rows, starts, Samples(*columns))
    engine.happened.update(found.happened)
    for key, silent in found.silent:
        silences.set(key, silent)
    silences.ticked, silences.listening_since = found.ticked, found.listening_since


_INTEGERS = ("time", "identity", "placement")


def _states(packed: _States, names: list[str], wanted: list[str]) -> States:
    """States with columns of the ``wanted`` rules; of those that are new, idle."""
    lots = np.frombuffer(packed.lots, STATE)
    columns = (packed.pending, packed.opened)
    return States(lots, *(_of_rules(data, names, wanted, len(lots)) for data in columns))


def _of_rules(data: bytes, names: list[str], wanted: list[str], lots: int) -> Ints:
    written = np.frombuffer(data, np.int64).reshape(lots, len(names))
    found = np.full((lots, len(wanted)), NEVER, np.int64)
    for column, name in enumerate(wanted):
        if name in names:
            found[:, column] = written[:, names.index(name)]
    return found
