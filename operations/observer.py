"""Looks at a worker's parts: each is asked for a few numbers that it has anyway."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from operations.broker import BrokerMemory
from operations.figures import Ages, Figures
from operations.heartbeats import Heartbeats


class Broker(Protocol):
    """The connection to the broker; ``heartbeat`` in s of `time.monotonic`."""

    connected: bool
    last_error: str | None
    heartbeat: float
    sessions_lost: int
    broker_figures: dict[str, str]

    @property
    def thread_alive(self) -> bool: ...
    @property
    def held(self) -> int: ...
    @property
    def limit(self) -> int: ...


class Log(Protocol):
    """The journal."""

    @property
    def end(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...


class Troubled(Protocol):
    """A part that can say why it does not get on."""

    trouble: str | None


class Judging(Troubled, Protocol):
    @property
    def packs_refused(self) -> str | None: ...


class Reader(Protocol):
    """Who follows the journal: done up to ``offset``."""

    offset: int


class Keeping(Troubled, Reader, Protocol):
    """The keeper."""

    @property
    def wrong_clocks(self) -> str | None: ...

    @property
    def impossible_values(self) -> str | None: ...


class Registry(Protocol):
    """Whether the registry answers."""

    trouble: str | None
    skew_s: float

    @property
    def silent_s(self) -> float: ...


class Observer:
    """Makes `Figures` of a worker; call `look` about every second."""

    def __init__(
        self,
        broker: Broker,
        intake: Troubled,
        journal: Log,
        keeper: Keeping,
        rules: Judging,
        evaluator: Reader,
        registry: Registry,
        memory: BrokerMemory,
        heartbeats: Heartbeats,
        folder: Path,
        bound: int,
    ) -> None:
        """``folder``: the journal's; ``bound``: how many bytes it may have."""
        self._broker = broker
        self._intake = intake
        self._journal = journal
        self._keeper = keeper
        self._rules = rules
        self._evaluator = evaluator
        self._registry = registry
        self._memory = memory
        self._heartbeats = heartbeats
        self._folder = folder
        self._bound = bound
        self._ages = Ages()

    def look(self, at: float) -> Figures:
        """As it is at ``at``, in s of `time.monotonic`."""
        broker, memory = self._broker, self._memory
        memory.note(broker.connected, _copied(broker.broker_figures))
        # The readers first: what they have done by now cannot be more than the journal has then.
        stored, judged = self._keeper.offset, self._evaluator.offset
        end = self._journal.end
        self._ages.note(at, end)
        self._ages.forget(min(stored, judged))
        return Figures(
            at=at,
            connected=broker.connected,
            broker_trouble=broker.last_error,
            thread_alive=broker.thread_alive,
            thread_age_s=max(0.0, at - broker.heartbeat),
            sessions_lost=broker.sessions_lost,
            dropped=memory.dropped,
            held=broker.held,
            limit=broker.limit,
            intake_trouble=self._intake.trouble,
            journal_bytes=self._journal.size_bytes,
            journal_bound=self._bound,
            disk_free_bytes=self._free(),
            wrong_clocks=self._keeper.wrong_clocks,
            impossible_values=self._keeper.impossible_values,
            store_trouble=self._keeper.trouble,
            store_lag_bytes=end - stored,
            store_lag_s=self._ages.age(at, stored),
            rules_trouble=self._rules.trouble,
            packs_refused=self._rules.packs_refused,
            rules_lag_bytes=end - judged,
            rules_lag_s=self._ages.age(at, judged),
            registry_trouble=self._registry.trouble,
            registry_silent_s=self._registry.silent_s,
            clock_skew_s=self._registry.skew_s,
            parts=self._heartbeats.ages(at),
        )

    def _free(self) -> int | None:
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return None
        return disk.f_bavail * disk.f_frsize


def _copied(figures: Mapping[str, str]) -> dict[str, str]:
    """Another thread adds to them meanwhile."""
    return dict(figures)
