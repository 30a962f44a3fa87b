"""How far a simulator is: a bar on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

LINE_S: Final = 5.0
"""Between two plain lines."""

Tell = Callable[[int, str], None]
"""How many are done, and what else there is to say."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Tell]:
    """Shows on standard error how many of ``total`` (over 0) are done while inside."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[more]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total, more="")
        yield lambda done, more: bar.update(task, completed=done, more=more)


def _lines(what: str, total: int) -> Tell:
    last = time.monotonic()

    def tell(done: int, more: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_S:
            last = now
            share = 100 * done // total
            print(f"{what}: {share} %, {more}", file=sys.stderr, flush=True)  # noqa: T201

    return tell
