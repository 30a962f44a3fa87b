"""A folder that one process owns, and small files in it that survive a crash whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from pathlib import Path

from ingest import segment
from ingest.errors import JournalBusy, JournalCorrupt


def lock(folder: Path) -> int:
    """A file descriptor that holds the folder until it is closed; raises `JournalBusy`."""
    path = folder / "lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
        os.close(handle)
        raise JournalBusy(
            f"the journal in {folder} is in use by process {owner or 'unknown'}: stop that worker, "
            "or give this one a folder of its own (data in dunnage.toml, DUNNAGE_DATA)"
        ) from error
    with contextlib.suppress(OSError):  # a full disk must not keep a journal from being emptied
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def identity(folder: Path) -> str:
    """The journal's id; made where the folder is new."""
    path = folder / "id"
    if not path.exists():
        if any(folder.glob(f"*{segment.SUFFIX}")):
            raise JournalCorrupt(
                f"{path} is missing, and there are segments beside it: restore the folder as a "
                "whole, or move it away and start with a new one"
            )
        write(path, uuid.uuid4().hex.encode())
    text = path.read_text("ascii", "replace").strip()
    try:
        return uuid.UUID(hex=text).hex
    except ValueError as error:
        raise JournalCorrupt(
            f"{path} does not hold a journal's id: restore the folder as a whole, or move it away "
            "and start with a new one"
        ) from error


def write(path: Path, data: bytes) -> None:
    """A small file, whole under its name or not there at all."""
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    fresh.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
