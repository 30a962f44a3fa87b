"""`dunnage worker`: from the broker to the store and the alerts, in one process.

Threads: intake (broker to journal), inbox (our own programs to journal), keeper (journal to
store), rules (journal to alerts), answers (journal to tags that ask), outbox (alerts to people),
rollups (hours and days of the store, from its readings), chores (what nobody waits for), watch
(over all of it, for operators).
What they share is the journal; each has its own place in it.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from time import monotonic

import structlog
from sqlalchemy import Engine

from cli import heap
from cli.following import RuleFollower, learnt
from cli.parts import journal_of, own_routes, packs_of, routes_of, store_of
from cli.watching import Watch, broker_memory
from cli.worker_status import Reading, StatusServer
from ingest.answers import Answers
from ingest.errors import JournalError
from ingest.formats import Memory, Route
from ingest.inbox import Inbox
from ingest.keeper import Keeper
from ingest.pipeline import Intake, follow
from ingest.repeats import Repeats
from ingest.source import Source
from ingest.understanding import Understanding
from lots import registry
from lots.clock import DAY_MS
from lots.cursors import adopt_journal
from lots.readings.rollup_maker import RollupMaker
from lots.readings.store import ReadingStore
from lots.settings import Settings
from operations.heartbeats import Heartbeats
from rules import schedule
from rules.channels.webhook import WebhookChannel
from rules.chores import Chores
from rules.evaluator import Evaluator
from rules.letters import Recipient
from rules.outbox import Outbox
from rules.versions import Packs

RELEASE_S = 1.0
SWITCH_S = 0.0005
DEAF_S = 30.0
"""After the death of the network thread: time to tell operators of it."""

LEAVE_S = 6.0
"""What the parts may take to come to an end."""

CLOSE_S = 2.0
"""And what the answers' last note in the registry may."""

_log = structlog.get_logger("dunnage.worker")


class Worker:
    """The parts of one worker, wired. `run` it once."""

    def __init__(self, settings: Settings, *, new_journal: bool = False) -> None:
        """Opens all that is needed; raises `SettingsError`, `BrokerAddressError`, `JournalError`
        or `CursorMismatch`, each with its remedy. Broker and store need not be there yet, the
        registry's database has to.
        """
        self._stop = threading.Event()
        self._failed: BaseException | None = None
        self._clock = settings.clock
        self._heartbeats = Heartbeats()
        routes = routes_of(settings)
        self._channels = {"webhook": WebhookChannel(settings.webhook_secret)}
        with ExitStack() as opened:
            database = registry.connect(settings.registry)
            opened.callback(database.dispose)
            registry.migrate(database)
            packs = packs_of(settings, database)
            store = store_of(settings)
            opened.callback(store.close)
            self._journal = journal_of(settings)
            opened.callback(self._journal.close)
            filters = [row.filter for row in routes]
            memory = broker_memory(settings)
            self._source = Source(
                settings.broker,
                settings.client_id,
                filters,
                settings.clock,
                watch_broker=True,
                expects_session=memory.expects_session,
            )
            opened.callback(self._source.close)
            self._intake = Intake(self._source, self._journal)
            self._wire(settings, database, store, packs, routes)
            if new_journal:
                with registry.writing(database) as session:
                    adopt_journal(session, self._journal.id, self._journal.start)
            heap.settle()  # before very many lots are read
            self._kept = self._keeper.restore(self._journal.start)
            self._judged = self._rules.restore(
                self._journal.id, self._journal.start, self._journal.end
            )
            self._answered = self._answers.restore(self._journal.start)
            self._idle = self._beating()
            self._watch = Watch(
                settings,
                database,
                memory,
                self._heartbeats,
                self._source,
                self._intake,
                self._journal,
                self._keeper,
                self._rules,
                self._evaluator,
            )
            # Last: who answers has all that a start needs.
            self._status = StatusServer(
                settings.api_host,
                settings.worker_port,
                self.figures,
                self.troubles,
                self._watch.open,
            )
            opened.callback(self._status.close)
            self._opened = opened.pop_all()

    def _wire(
        self,
        settings: Settings,
        database: Engine,
        store: ReadingStore,
        packs: Packs,
        routes: list[Route],
    ) -> None:
        self._understanding = Understanding(
            self._journal, [*routes, *own_routes(settings)], Memory(), Repeats()
        )
        recipients = [Recipient("webhook", url) for url in (settings.webhook_url,) if url]
        self._keeper = Keeper(
            database,
            store,
            self._understanding,
            settings.clock,
            settings.raw_retention_days * DAY_MS,
            self._stop,
        )
        self._answers = Answers(
            database,
            self._journal.id,
            self._source.publish,
            settings.clock,
            settings.raw_retention_days * DAY_MS,
            notes=learnt(self._understanding),
        )
        self._evaluator = Evaluator(
            database,
            store,
            packs.rules,
            recipients,
            settings.data,
            settings.clock,
            settings.raw_retention_days,
        )
        self._rules = RuleFollower(
            self._evaluator, database, self._keeper, self._understanding, packs, self._stop
        )
        self._outbox = Outbox(database, self._channels)
        self._inbox = Inbox(database, self._journal)
        self._chores = Chores(
            database, store, lambda: self._evaluator.engine.rules, recipients, settings.clock
        )
        keep_ms = settings.raw_retention_days * DAY_MS
        self._rollups = RollupMaker(database, store, settings.clock, keep_ms)

    def _beating(self) -> tuple[Callable[[], None], ...]:
        """What keeper, rules and answers do now and then, with signs of life of all parts."""
        beats = self._heartbeats
        beats.follow("intake", lambda: self._intake.heartbeat)
        beats.follow("outbox", lambda: self._outbox.heartbeat)
        beats.follow("inbox", lambda: self._inbox.heartbeat)
        beats.follow("rollups", lambda: self._rollups.heartbeat)
        return (
            beats.around("keeper", self._keeper.idle),
            beats.around("rules", self._rules.idle),
            beats.around("answers", self._answers.idle),
        )

    def stop(self, *_: object) -> None:
        """Ask for an orderly end; for signal handlers too."""
        self._stop.set()

    def run(self) -> None:
        """Until `stop`; raises what ended a part of it before."""
        # A thread that comes back from the disk or the network waits for its turn this long at
        # most; Python's own 5 ms, at each statement and each request, are most of a store's time.
        sys.setswitchinterval(SWITCH_S)
        try:
            threads = self._start()
            ticks = schedule.ticking(self._tick, self._clock)
            while not self._stop.wait(RELEASE_S):
                self._rules.pressed = self._intake.trouble is not None
                self._require_network()
                self._journal.release(
                    min(self._keeper.committed, self._evaluator.saved, self._answers.committed)
                )
            ticks.shutdown()
            self._leave(threads)
        finally:
            self._close()
        if self._failed is not None:
            raise self._failed

    def _require_network(self) -> None:
        """End a worker that hears nothing any more; its operators were told, and it starts anew."""
        silent_s = monotonic() - self._source.heartbeat
        if not self._source.thread_alive and silent_s > DEAF_S and self._failed is None:
            self._failed = RuntimeError("the network thread has died: see the log above")
            self._stop.set()

    def _leave(self, threads: list[threading.Thread]) -> None:
        """Write how far each part came, but of one that waits for a server which says nothing."""
        patience = monotonic() + LEAVE_S
        for thread in threads:
            thread.join(max(0.0, patience - monotonic()))
        stuck = {thread.name for thread in threads if thread.is_alive()}
        if stuck:
            # Nothing is lost: what it was at is done again from the journal, with the same result.
            _log.warning("not waited for at the end", parts=sorted(stuck))
        if "keeper" not in stuck:
            self._keeper.commit()
        if "rules" not in stuck:
            self._rules.close()
        if "answers" not in stuck:
            self._answers.close(CLOSE_S)

    def _start(self) -> list[threading.Thread]:
        kept, judged = self._kept, self._judged
        keeper, rules, understanding = self._keeper, self._rules, self._understanding
        answers, answered = self._answers, self._answered
        keeps, judges, answers_idle = self._idle
        parts: dict[str, Callable[[], None]] = {
            "intake": partial(self._intake.run, self._stop),
            "keeper": partial(follow, understanding, kept, keeper.take, keeps, self._stop),
            "rules": partial(follow, understanding, judged, rules.take, judges, self._stop),
            "answers": partial(
                follow, understanding, answered, answers.take, answers_idle, self._stop
            ),
            "outbox": partial(self._outbox.run, self._stop),
            "inbox": partial(self._inbox.run, self._stop),
            "rollups": partial(self._rollups.run, self._stop),
            "chores": partial(self._chores.run, self._stop),
            "watch": partial(self._watch.run, self._stop),
        }
        self._source.start()
        threads = [self._thread(name, target) for name, target in parts.items()]
        for thread in threads:
            thread.start()
        _log.info("the worker is up", journal=self._journal.id, status_port=self._status.port)
        return threads

    def _tick(self, now: int) -> None:
        if not self._source.connected:
            return  # while the broker is away nobody listens, and no tag is to blame for silence
        try:
            self._journal.append_tick(now)
        except JournalError as error:
            _log.warning("a tick was left out", error=str(error))

    def _close(self) -> None:
        self._stop.set()
        self._opened.close()

    def _thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        """A part that dies takes the worker with it: half a worker looks like a whole one."""

        def guarded() -> None:
            try:
                target()
            except BaseException as error:
                _log.exception("a part of the worker failed", part=name)
                self._failed = error
                self._stop.set()

        return threading.Thread(target=guarded, name=name, daemon=True)

    def troubles(self) -> dict[str, str | None]:
        """What keeps each part from its work at the moment; None where nothing does."""
        # Connected is not yet subscribed, and the broker may refuse that.
        waits = None if self._source.connected else "not connected yet"
        broker = self._source.last_error or waits
        return {
            "broker": broker,
            "journal": self._intake.trouble,
            "inbox": self._inbox.trouble,
            "store": self._keeper.trouble,
            "registry": self._rules.trouble,
            "rollups": self._rollups.trouble,
        }

    def figures(self) -> Iterator[Reading]:
        """The worker's metrics."""
        end = self._journal.end
        counted = {
            "messages_received": ("Messages from the broker", self._source.received),
            "messages_acknowledged": ("Messages acknowledged", self._source.acknowledged),
            "broker_reconnects": ("Connections to the broker lost", self._source.reconnects),
            "readings_stored": ("Readings kept in the store", self._keeper.stored),
            "readings_evaluated": ("Readings that the rules saw", self._rules.evaluated),
            "packs_adopted": ("Changed packs taken over", self._rules.adopted),
            "dead_letters": ("Messages that could not be used", self._keeper.dead_letters),
            "answers_sent": ("Acknowledgements sent to tags that asked", self._answers.sent),
            "rollups_made": ("Hours and days of a tag made from readings", self._rollups.made),
            "inbox_messages": ("Messages of our own taken from the inbox", self._inbox.moved),
            "notices_sent": ("Messages delivered to people", self._outbox.sent),
            "notices_failed": ("Attempts to deliver that failed", self._outbox.failed),
        }
        for name, (text, value) in counted.items():
            yield Reading(f"dunnage_{name}", text, value, counter=True)
        yield Reading("dunnage_broker_connected", "1 if connected", self._source.connected)
        yield Reading("dunnage_journal_bytes", "Size of the journal", self._journal.size_bytes)
        lag = "Bytes of the journal not yet consumed, by "
        yield Reading("dunnage_store_lag_bytes", lag + "the store", end - self._keeper.offset)
        yield Reading("dunnage_rules_lag_bytes", lag + "the rules", end - self._evaluator.offset)
        yield Reading("dunnage_answers_lag_bytes", lag + "the answers", end - self._answers.offset)
        refused = "1 while the packs that are there cannot be used, and the old ones stay"
        yield Reading("dunnage_packs_refused", refused, self._rules.packs_refused is not None)
        missing = "Readings that have not come, by the numbers before and after them"
        yield Reading("dunnage_readings_missing", missing, self._answers.missing)
        dirty = len(self._evaluator.engine.dirty)
        yield Reading("dunnage_lots_dirty", "Lots waiting to be folded again", dirty)
        yield from self._watch.figures()


def run_worker(settings: Settings, *, new_journal: bool = False) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    worker = Worker(settings, new_journal=new_journal)
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    worker.run()
