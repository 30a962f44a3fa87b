"""A few calls at the same time, for who waits for servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class _Call(Generic[T]):
    """One call, and what came of it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._found: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._found.append(self._function())
        except BaseException as error:  # raised again by who waits
            self._error = error

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._found[0]


def at_once(functions: Sequence[Callable[[], T]]) -> list[T]:
    """What each of ``functions`` returns, called together: the last by the caller's own thread.

    Comes back when all have ended; then raises what the first that failed did. The threads are
    daemons, unlike a `ThreadPoolExecutor`'s, which a process waits for at its end, however long a
    server takes.
    """
    calls = [_Call(function) for function in functions]
    threads = [threading.Thread(target=call.run, daemon=True) for call in calls[:-1]]
    for thread in threads:
        thread.start()
    if calls:
        calls[-1].run()
    for thread in threads:
        thread.join()
    return [call.result() for call in calls]
