"""The journal, beside a bare file that gets the same bytes and is brought to the disk as often."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ingest.journal import Journal
from tests.bench.comparing import Figure, beside
from tests.bench.messages import singles

APPENDS = 100


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        for count in (1, 500):
            yield _appending(Path(folder) / str(count), count)


def _appending(folder: Path, count: int) -> Figure:
    messages = singles(count)
    with closing(Journal(folder)) as journal:
        entry = journal.append(messages)
        (segment,) = folder.glob("*.journal")
        same = segment.read_bytes()[-(entry.end - entry.offset) :]
        file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def append() -> int:
            for _ in range(APPENDS):
                journal.append(messages)
            return APPENDS * count

        def write() -> int:
            for _ in range(APPENDS):
                os.write(file, same)
                os.fdatasync(file)
            return APPENDS * count

        try:
            return beside(
                f"journal, {count} to an append", "messages", append, "write and fdatasync", write
            )
        finally:
            os.close(file)
