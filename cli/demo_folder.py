"""The folder of a demo: one demo's at a time, and empty when it begins."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lots.settings import SettingsError

MARK = ".dunnage-demo"


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Have ``folder`` for ourselves, without what an earlier demo left in it.

    Raises `SettingsError` for a folder that has files and is not a demo's (which stays as it is),
    that another demo is running in, or that cannot be used.
    """
    try:
        mark = _marked(folder)
    except OSError as error:
        raise _unusable(f"{folder} cannot be used ({error.strerror})") from error
    try:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _unusable(f"another demo is running in {folder}: end it") from error
        _empty(folder)
        yield
    finally:
        os.close(mark)


def _marked(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MARK).exists() and any(folder.iterdir()):
        raise _unusable(f"{folder} has files that are not a demo's")
    return os.open(folder / MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _empty(folder: Path) -> None:
    """But for the mark: that is our lock."""
    for path in folder.iterdir():
        if path.name == MARK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _unusable(why: str) -> SettingsError:
    return SettingsError(f"{why}; or choose another folder with --folder")
