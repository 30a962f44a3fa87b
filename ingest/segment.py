"""The files of a journal: a header, then frames that can be told from damage.

A frame's checksum covers the journal's id, the frame's own offset and its length, so that a frame
of another journal, of another place, or inside a payload is never taken for one of this file.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ingest.errors import JournalCorrupt

VERSION = 2
SUFFIX = ".journal"

_MAGIC = b"DUNNAGEJ"
_HEADER = struct.Struct("<8sHxx16sQI")  # magic, version, id, base, checksum of what precedes
_FRAME = struct.Struct("<4sII")  # mark, length of the payload, checksum
_MARK = b"\xd5\x01NT"
_PLACE = struct.Struct("<QI")

HEADER_BYTES = _HEADER.size
FRAME_BYTES = _FRAME.size

DAMAGE_REMEDY = (
    "stop the worker and restore the file from a backup, or move the journal's folder away and "
    "start with a new one (what was received after the damage and not stored yet is then only in "
    "the folder moved away)"
)


class BadFrame(Exception):
    """There is no whole frame at ``offset``."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"no whole entry at offset {offset}")
        self.offset = offset


class Frame(NamedTuple):
    offset: int
    end: int
    payload: bytes


def name(base: int) -> str:
    """The file name of the segment whose first entry is at ``base``."""
    return f"{base:020d}{SUFFIX}"


def header(journal: bytes, base: int) -> bytes:
    """The first bytes of a segment; ``journal`` is the 16 bytes of the journal's id."""
    start = _HEADER.pack(_MAGIC, VERSION, journal, base, 0)[:-4]
    return start + struct.pack("<I", zlib.crc32(start))


def check_header(path: Path, journal: bytes, base: int) -> None:
    """Raises `JournalCorrupt` unless ``path`` is the segment at ``base`` of ``journal``."""
    with path.open("rb") as file:
        data = file.read(HEADER_BYTES)
    if len(data) < HEADER_BYTES or not data.startswith(_MAGIC):
        raise JournalCorrupt(f"{path} is not a segment of a journal: {DAMAGE_REMEDY}")
    _, version, owner, first, checksum = _HEADER.unpack(data)
    if version != VERSION:
        raise JournalCorrupt(
            f"{path} has format {version}; this version of Dunnage reads {VERSION}: run the "
            "version that wrote it until the journal is empty"
        )
    if checksum != zlib.crc32(data[:-4]):
        raise JournalCorrupt(f"{path}: its header is damaged: {DAMAGE_REMEDY}")
    if owner != journal:
        raise JournalCorrupt(
            f"{path} belongs to journal {owner.hex()}, and this folder is journal {journal.hex()}: "
            "move the file back to where it came from"
        )
    if first != base:
        raise JournalCorrupt(f"{path} was renamed: it begins at {first}; name it {name(first)}")


def seed(journal: bytes) -> int:
    """What the checksums of a journal start from."""
    return zlib.crc32(journal)


def frame(seeded: int, offset: int, payload: bytes) -> bytes:
    """The bytes of one entry at ``offset``."""
    checksum = _checksum(seeded, offset, payload)
    return _FRAME.pack(_MARK, len(payload), checksum) + payload


def frames(
    file: io.BufferedReader, seeded: int, base: int, offset: int, stop: int
) -> Iterator[Frame]:
    """Frames from ``offset`` up to ``stop`` of the segment at ``base``; raises `BadFrame`."""
    file.seek(HEADER_BYTES + offset - base)
    while offset < stop:
        head = file.read(FRAME_BYTES)
        if len(head) < FRAME_BYTES:
            raise BadFrame(offset)
        mark, length, checksum = _FRAME.unpack(head)
        end = offset + FRAME_BYTES + length
        if mark != _MARK or end > stop:
            raise BadFrame(offset)
        payload = file.read(length)
        if len(payload) < length or checksum != _checksum(seeded, offset, payload):
            raise BadFrame(offset)
        yield Frame(offset, end, payload)
        offset = end


def whole_frame_after(data: bytes, seeded: int, offset: int) -> int | None:
    """The offset of a whole frame behind the first byte of ``data``, which lies at ``offset``."""
    place = data.find(_MARK, 1)
    while place >= 0:
        body = place + FRAME_BYTES
        if body <= len(data):
            _, length, checksum = _FRAME.unpack_from(data, place)
            payload = data[body : body + length]
            if len(payload) == length and checksum == _checksum(seeded, offset + place, payload):
                return offset + place
        place = data.find(_MARK, place + 1)
    return None


def _checksum(seeded: int, offset: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(_PLACE.pack(offset, len(payload)), seeded))
