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
from rules.engine import Engine, Tracked
from rules.state import LotState, Transition

VERSION = 1
ROOM_BYTES = 1 << 18
"""The least that a file takes; one that is outgrown takes twice what it needs."""

_CHECK = 4  # bytes of CRC-32 of what follows: length, content, and zeros up to the file's end
_LENGTH = 8


class _Lot(msgspec.Struct):
    tenant: str
    lot: str
    base: LotState
    head: LotState
    recent: list[bytes]
    numbers: dict[str, float]
    happened: list[Transition]
    silent: dict[str, int]
    dirty: int | None
    blind: bool


class _Snapshot(msgspec.Struct):
    version: int
    journal: str
    offset: int
    digest: str
    ticked: int | None
    listening_since: int
    lots: list[_Lot]


_INTEGERS = ("time", "identity", "placement")


def save(path: Path, engine: Engine, journal: str, offset: int) -> None:
    """Write the engine's state after ``offset`` of ``journal``; durable, or the old one stays."""
    keys = engine.lots.keys() | engine.dirty.keys()
    lots = [_packed(key, engine) for key in sorted(keys)]
    content = msgspec.msgpack.encode(
        _Snapshot(
            version=VERSION,
            journal=journal,
            offset=offset,
            digest=engine.rules.digest,
            ticked=engine.ticked,
            listening_since=engine.listening_since,
            lots=lots,
        )
    )
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
    """Have a file's room on the disk for the next snapshot at ``path``, if there is any left."""
    partial = _partial(path)
    needed = max(ROOM_BYTES, _size(path))
    if _size(partial) < needed:
        with contextlib.suppress(OSError):
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
    try:
        written = path.read_bytes()
    except OSError:
        return None
    rest = written[_CHECK:]
    if written[:_CHECK] != zlib.crc32(rest).to_bytes(_CHECK, "big"):
        return None
    length = int.from_bytes(rest[:_LENGTH], "big")
    content = rest[_LENGTH : _LENGTH + length]
    try:
        found = msgspec.msgpack.decode(content, type=_Snapshot)
    except msgspec.DecodeError:  # of another version
        return None
    if found.version != VERSION or found.journal != journal:
        return None
    engine.ticked, engine.listening_since = found.ticked, found.listening_since
    for lot in found.lots:
        key = LotKey(lot.tenant, lot.lot)
        engine.lots[key] = _unpacked(lot)
        if lot.dirty is not None:
            engine.mark(key, lot.dirty)
        if lot.blind:
            engine.blind.add(key)
        if found.digest != engine.rules.digest:
            engine.mark(key, 0)
    return found.offset


def _packed(key: LotKey, engine: Engine) -> _Lot:
    lot = engine.lots.get(key) or Tracked()
    return _Lot(
        tenant=key.tenant,
        lot=key.lot,
        base=lot.base,
        head=lot.head,
        recent=[getattr(lot.recent, name).tobytes() for name in Samples.__slots__],
        numbers=lot.numbers,
        happened=lot.happened,
        silent=lot.silent,
        dirty=engine.dirty.get(key),
        blind=key in engine.blind,
    )


def _unpacked(lot: _Lot) -> Tracked:
    columns: list[Any] = [
        np.frombuffer(data, np.int64 if name in _INTEGERS else np.float64)
        for name, data in zip(Samples.__slots__, lot.recent, strict=True)
    ]
    return Tracked(lot.base, lot.head, Samples(*columns), lot.numbers, lot.happened, lot.silent)
