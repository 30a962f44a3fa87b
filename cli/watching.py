"""The worker's watch over itself, wired: what it looks at, where it writes, whom it tells."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

from sqlalchemy import Engine

from cli.worker_status import Reading
from ingest import address
from lots import registry
from lots.clock import Clock
from lots.settings import Settings
from operations.alerts import Book, shown
from operations.broker import BrokerMemory
from operations.conditions import CONDITIONS, MB, Limits
from operations.heartbeats import Heartbeats
from operations.messenger import Messenger
from operations.observer import Broker, Judging, Keeping, Log, Observer, Reader, Troubled
from operations.record import WORKER_LENGTH, Record, left_over
from operations.watcher import Watcher
from rules.channels.webhook import WebhookChannel

LEAVE_S = 1.5


def broker_memory(settings: Settings) -> BrokerMemory:
    """What the broker said last. The embedded one is not expected to know us from earlier."""
    session = ""
    if settings.broker_url:
        session = f"{settings.client_id} at {address.parse(settings.broker)}"
    return BrokerMemory(settings.data / "broker.json", session)


class Watch:
    """Watches the parts of one worker; `run` it in a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        database: Engine,
        memory: BrokerMemory,
        heartbeats: Heartbeats,
        broker: Broker,
        intake: Troubled,
        journal: Log,
        keeper: Keeping,
        rules: Judging,
        evaluator: Reader,
    ) -> None:
        clock = Clock()  # the true time: operators live by it
        url, worker = settings.operator_webhook_url, settings.client_id[:WORKER_LENGTH]
        self._book = Book(tells=bool(url))
        with registry.reading(database) as session:
            earlier = left_over(session, worker, clock.now_ms())
        self._book.adopt(earlier)
        self._record = Record(database, self._book, clock)
        self._messenger: Messenger | None = None
        if url:
            channel = WebhookChannel(settings.webhook_secret)
            self._messenger = Messenger(self._book, channel, url, clock)
        observer = Observer(
            broker,
            intake,
            journal,
            keeper,
            rules,
            evaluator,
            self._record,
            memory,
            heartbeats,
            settings.data / "journal",
            settings.journal_max_mb << 20,
        )
        limits = Limits(
            lag_s=settings.watch_lag_s,
            fill=settings.watch_fill_pct / 100,
            disk_free_bytes=settings.watch_disk_free_mb * MB,
        )
        self._watcher = Watcher(observer.look, limits, worker, self._book, clock, earlier)

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``. Registry and webhook have threads of their own: they may hang."""
        runs = [self._record.run, *([self._messenger.run] if self._messenger else [])]
        threads = [threading.Thread(target=each, args=(stop,), daemon=True) for each in runs]
        for thread in threads:
            thread.start()
        self._watcher.run(stop)
        patience = monotonic() + LEAVE_S
        for thread in threads:
            thread.join(max(0.0, patience - monotonic()))

    def open(self) -> list[dict[str, Any]]:
        """The alerts that are open, the oldest first."""
        return [shown(alert) for alert in self._book.open()]

    def figures(self) -> Iterator[Reading]:
        """What it looks at, as metrics."""
        now = self._watcher.latest
        counters: list[tuple[str, str, float]] = [
            ("broker_sessions_lost", "Sessions that the broker had forgotten", now.sessions_lost),
            ("broker_messages_dropped", "Messages that the broker says it dropped", now.dropped),
        ]
        for name, text, value in counters:
            yield Reading(f"dunnage_{name}", text, value, counter=True)
        thread = "The network thread "
        free = float("nan") if now.disk_free_bytes is None else now.disk_free_bytes
        gauges: list[tuple[str, str, float]] = [
            ("broker_thread_alive", thread + "lives", now.thread_alive),
            ("broker_thread_age_seconds", thread + "came round so long ago", now.thread_age_s),
            ("queue_messages", "Messages held and not acknowledged", now.held),
            ("queue_fill_ratio", "Of the messages that may be held", now.queue_fill),
            ("journal_fill_ratio", "Of the bytes that the journal may have", now.journal_fill),
            ("journal_disk_free_bytes", "Free on the journal's disk", free),
            ("store_lag_seconds", "Age of the oldest not stored", now.store_lag_s),
            ("rules_lag_seconds", "Age of the oldest the rules have not seen", now.rules_lag_s),
            ("registry_up", "Whether it answers", now.registry_trouble is None),
            ("registry_silent_seconds", "Since the registry answered", now.registry_silent_s),
            ("clock_skew_seconds", "Our clock less the registry's", now.clock_skew_s),
            ("watch_age_seconds", "Since all this was looked at", self._age()),
            ("operator_messages_waiting", "To be sent to operators", self._book.waiting()),
        ]
        for name, text, value in gauges:
            yield Reading(f"dunnage_{name}", text, float(value))
        yield from self._labelled()

    def _labelled(self) -> Iterator[Reading]:
        for part, age in self._watcher.latest.parts.items():
            text = "Since a part of the worker came round"
            yield Reading("dunnage_part_age_seconds", text, age, labels=(("part", part),))
        open_ = {alert.name for alert in self._book.open()}
        for condition in CONDITIONS:
            labels = (("name", condition.name), ("severity", condition.severity))
            bad = condition.name in open_
            yield Reading("dunnage_operator_alert", "1 while it is open", bad, labels=labels)

    def _age(self) -> float:
        return max(0.0, monotonic() - self._watcher.heartbeat)
