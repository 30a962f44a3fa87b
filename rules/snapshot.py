"""The engine's memory on disk: a cache of the fold, with the journal offset that it stands at."""

from __future__ import annotations

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
_CHECK = 4  # bytes of CRC-32 before the content


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
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(zlib.crc32(content).to_bytes(_CHECK, "big") + content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
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
    content = written[_CHECK:]
    if written[:_CHECK] != zlib.crc32(content).to_bytes(_CHECK, "big"):
        return None
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
