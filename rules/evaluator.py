"""The rules at work: follows the journal with the engine and writes what it finds.

The registry's transaction that writes alerts and outgoing messages carries the journal offset they
came from (cursor ``rules``). After a restart the snapshot is loaded, what lies between it and that
offset is folded silently, and aloud from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import sqlalchemy
import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from lots import registry
from lots.climate import Bound, LotKey
from lots.clock import DAY_MS, Clock
from lots.cursors import CursorMismatch, read_cursor, write_cursor
from lots.model import Refold
from lots.readings.store import ReadingStore, StoreMisconfigured, StoreUnavailable
from lots.revisions import Revisions
from rules import attending, census, kernels, quality, shelf, snapshot, surroundings, versions
from rules.checkpoints import Checkpoints, midnights, spread
from rules.engine import Engine, Known, Way
from rules.kernels import FAR
from rules.ledger import Ledger, without_gone
from rules.letters import Recipient
from rules.rule import Rules, Severity
from rules.state import STATE, Change, LotFacts

CURSOR = "rules"
BUDGET_S = 0.5
"""Of a settling, for folding lots again: live readings wait no longer."""
PATIENCE = 10
"""Settlings that a lot waits to be folded again while more and more late readings come; twice as
long each time, so that a long backlog costs a few folds, not one for each of its readings."""
LONGEST_PATIENCE = 640
CHECKPOINTS = 500
"""Of which lots at most one is written at a time: of a million it takes a few hours of a day."""
REWORD_EVERY = 5
"""Settlings."""
SHOWN = 2_000
"""Lots of which a settling writes what is known now; of a million it takes its time."""
TOGETHER = 500
"""So many of them in a transaction: who else has to write waits for no more than that."""
_log = structlog.get_logger("dunnage.rules")


class Restless(NamedTuple):
    """A dirty lot at a settling: how often it was marked, for how many settlings it has waited, and
    whether no more came since the last one."""

    marks: int
    waited: int
    quiet: bool


class Evaluator:
    """Owns the engine; every method is for the one thread that follows the journal."""

    def __init__(
        self,
        database: sqlalchemy.Engine,
        store: ReadingStore,
        rules: Rules,
        recipients: Sequence[Recipient],
        folder: Path,
        clock: Clock,
        retention_days: int,
    ) -> None:
        self.engine = Engine(rules)
        self._database = database
        self._store = store
        self._recipients = recipients
        self._ledger = Ledger(rules, recipients)
        self._rules = {rule.name: rule for rule in rules.rules}
        self._snapshot = folder / "rules.snapshot"
        self._checkpoints = Checkpoints(folder / "rules.checkpoints")
        self._clock = clock
        self._retention_ms = retention_days * DAY_MS
        self._revisions = Revisions()
        self.pending: list[Change] = []
        """Changes that are folded and not yet written."""
        self._requests: set[str] = set()
        self._restless: dict[LotKey, Restless] = {}
        self._patience: dict[LotKey, int] = {}
        """Of lots that were folded while more was coming, settlings that they wait next time."""
        self._settles = 0
        self._recorded: Mapping[LotKey, Mapping[str, int]] | None = None
        """The silences that the record had open at the start, until what led to them is folded."""
        self._journal = ""
        self.offset = 0
        """Folded up to here."""
        self.committed = 0
        """Written up to here."""
        self.saved = 0
        """The snapshot on disk stands here: what is before it is not needed from the journal."""

    def restore(self, journal: str, start: int, end: int = FAR) -> int:
        """Take up where the last run left; returns the offset to follow the journal from.

        ``start`` is the oldest offset that the journal still has, ``end`` where it ends now. Raises
        `CursorMismatch`, also where more was written than the journal has: what is to come would be
        taken for told.
        """
        self._journal = journal
        snapshot.reserve(self._snapshot)
        kernels.prepare(STATE)
        attending.prepare(quality.SETTINGS)
        shelf.prepare()
        surroundings.prepare()
        with registry.writing(self._database) as session:
            versions.record(session, self.engine.rules, self._clock.now_ms())
        with registry.reading(self._database) as session:
            self.committed = max(read_cursor(session, CURSOR, journal), start)
            if self.committed > end:
                raise CursorMismatch(
                    f"the rules have come to {self.committed} of the journal, which ends at {end}: "
                    "it is not the one that they followed. Restore registry and journal from the "
                    "same backup; or say `dunnage worker --new-journal`: all lots are folded again "
                    "from the store"
                )
            self.refresh(session)
            silences = self._ledger.silences(session)
        found = snapshot.restore(self._snapshot, self.engine, journal)
        # One from beyond what is written is of a registry that was set back: it lacks the alerts.
        if found is None or not start <= found <= self.committed:
            self._checkpoints.open(journal, None, ())
            self._begin_anew(start, silences)
        else:
            self._checkpoints.open(journal, found, self._facts.keys())
            self.offset = self.saved = found
            self._fit_registry()
            self._recorded = silences
        return self.offset

    def adopt(self, rules: Rules) -> bool:
        """Judge by other packs from here on, as after a restart under them: by the snapshot.

        The state stays; lots that are judged otherwise than before are dirty. False: no snapshot
        can be written, so that the old packs stay. Nothing has changed after an exception.
        """
        self.commit()
        if not self._saved(brief=False):
            return False
        with registry.writing(self._database) as session:
            silences = self._ledger.silences(session)
            versions.record(session, rules, self._clock.now_ms())
        before, self.engine = self.engine, self.engine.under(rules)
        self._ledger = Ledger(rules, self._recipients)
        self._rules = {rule.name: rule for rule in rules.rules}
        if snapshot.restore(self._snapshot, self.engine, self._journal, before.rules) is None:
            self._begin_anew(self.offset, silences)
        self.engine.show_again(self._facts)
        self.saved = self.offset
        return True

    def _begin_anew(self, start: int, silences: Mapping[LotKey, dict[str, int]]) -> None:
        """Without memory the lots' pasts are in the store, and what it lacks in the journal.

        But silences: those are in the record alone.
        """
        self.engine = self.engine.anew()
        self.offset = self.saved = start
        for key in self._facts:
            self.engine.distrust(key)
            self.engine.silences.set(key, silences.get(key, {}))

    def _go_on_aloud(self) -> None:
        """From here on what happens is written: the silences that go on are those of the record.

        What was judged on the way to here was judged by the facts and packs of now, not of then: a
        silence of the record alone would never end, and one that it lacks would never be told.
        """
        if self._recorded is None:
            return
        recorded, self._recorded = self._recorded, None
        found = self.engine.silences.of
        for key in (found.keys() | recorded.keys()) & self._facts.keys():
            silent = {rule: at for rule, at in recorded.get(key, {}).items() if rule in self._rules}
            if silent != found.get(key, {}):
                self.engine.silences.set(key, silent)
                self.engine.show_again([key])

    def _fit_registry(self) -> None:
        """Lots may have come and gone since the snapshot."""
        unknown, unheard = self.engine.unfitting()
        for key in unknown:
            self.engine.forget(key)
        for key in unheard:
            self.engine.distrust(key)

    @property
    def _facts(self) -> Mapping[LotKey, LotFacts]:
        return self.engine.table.known

    def refresh(self, session: Session) -> None:
        """Take over the lots' facts of tenants whose registry changed."""
        news = self._revisions.news(session)
        if not news:
            return
        gone = [key for key in self._facts if key.tenant in news.gone]
        for tenant in news.changed:
            gone += self.engine.learn(tenant, census.lots_said(session, tenant))
        for key in gone:
            self.engine.forget(key)
            self._checkpoints.forget(key)
        self._revisions.taken(news)

    def take(self, offset: int, bound: Bound) -> None:
        """Fold a batch that ends at ``offset`` in the journal; `commit` writes what it changed."""
        self._judge(offset, lambda: self._evaluated(bound))

    def tick(self, offset: int, now: int) -> None:
        """Time has come to ``now`` (ms) by the record at ``offset``."""
        self._judge(offset, lambda: self.engine.tick(now))

    def _judge(self, offset: int, entry: Callable[[], list[Change]]) -> None:
        """Judge the ``entry`` that ends at ``offset``: aloud, where it is past what is written."""
        is_news = offset > self.committed
        if is_news:
            self._go_on_aloud()
        changes = entry()
        self.offset = offset
        if is_news:
            self.pending += changes

    def _evaluated(self, bound: Bound) -> list[Change]:
        try:
            changes = self.engine.evaluate(bound)
        except Exception:
            changes = self._one_by_one(bound)
        if self.engine.aside:
            for key in self.engine.aside.intersection(bound.lots):
                self.engine.distrust(key)  # perhaps it can be folded now
        return changes

    def _one_by_one(self, bound: Bound) -> list[Change]:
        """One lot's trouble is not the others': it is folded again from the store."""
        changes: list[Change] = []
        for position, key in enumerate(bound.lots):
            try:
                changes += self.engine.evaluate(bound.at(position))
            except Exception:
                _log.exception("a lot could not be evaluated", tenant=key.tenant, lot=key.lot)
                self.engine.distrust(key)
        return changes

    def commit(self) -> None:
        """Write what is pending with the offset it came from; nothing is lost if that fails."""
        if not self.pending and self.offset <= self.committed:
            return
        try:
            self._write(self.pending)
        except IntegrityError:
            # A lot was deleted between the look and the write: the second look sees that.
            self._write(self.pending)
        self.pending = []
        self.committed = max(self.committed, self.offset)

    def _write(self, changes: list[Change]) -> None:
        with registry.writing(self._database) as session:
            self._ledger.write(session, without_gone(session, changes), self._clock.now_ms())
            write_cursor(session, CURSOR, self._journal, max(self.committed, self.offset))

    def settle(self, stored: int) -> None:
        """Every second or so: take over changed facts, fold dirty lots again, show what is known.

        ``stored``: the store has all readings up to this offset of the journal.
        """
        with registry.reading(self._database) as session:
            # The requests first: the facts read after them are at least as new.
            requests = session.scalars(select(Refold)).all()
            self.refresh(session)
        for request in requests:
            if request.id not in self._requests:
                self.engine.mark(LotKey(request.tenant, request.lot), request.since)
                self._requests.add(request.id)
        if self.offset >= self.committed:
            self._go_on_aloud()
        if stored >= self.offset >= self.committed:
            self._fold_dirty(self._ready())
        self._show()
        self._settles += 1
        if self._settles % REWORD_EVERY == 0:
            self._reword()
            self._keep_checkpoints()

    def _ready(self) -> list[LotKey]:
        """Dirty lots for which no more is coming, or that have waited long enough."""
        before, self._restless = self._restless, {}
        ready = []
        for key in self.engine.dirty:
            was, now = before.get(key), self.engine.marks[key]
            waited = was.waited + 1 if was else 0
            quiet = was is not None and was.marks == now
            if quiet or waited >= self._patience.get(key, PATIENCE):
                ready.append(key)
            self._restless[key] = Restless(now, waited, quiet)
        return ready

    def _was_folded(self, key: LotKey) -> None:
        if self._restless.pop(key).quiet:
            self._patience.pop(key, None)
        else:
            waits = 2 * self._patience.get(key, PATIENCE)
            self._patience[key] = min(waits, LONGEST_PATIENCE)

    def _fold_dirty(self, keys: Sequence[LotKey]) -> None:
        ends = monotonic() + BUDGET_S
        for key in keys:
            if key not in self._facts:
                self.engine.forget(key)
                continue
            if monotonic() > ends:
                return  # live readings go first; the others' turn comes at the next settling
            try:
                change = self._folded(key)
            except (StoreUnavailable, StoreMisconfigured) as error:
                _log.warning("the store does not answer; lots wait to be folded", error=str(error))
                return
            except DBAPIError:
                raise  # the registry's trouble, not the lot's
            except Exception:
                _log.exception("a lot could not be folded again", tenant=key.tenant, lot=key.lot)
                self.engine.set_aside(key)
                continue
            self._was_folded(key)
            self.pending.append(change)
            self.commit()

    def _folded(self, key: LotKey) -> Change:
        """Fold a lot again from its last checkpoint before what changed, and keep new ones."""
        now = self._clock.now_ms()
        begins = now - self._retention_ms
        since = max(self.engine.dirty[key], begins)
        way, before = self._way(key, begins, since)
        first = before[-1] + 1 if before else begins
        with registry.reading(self._database) as session:
            # All of it before the lot is touched: half a history is none.
            history = list(census.history(session, self._store, key, first, now))
        if history:
            last = int(history[-1].time[-1])
            days = midnights(max(first, int(history[0].time[0])), last)
            kept = set(spread([*before, *days], since, last))
            before, way.stops = [t for t in before if t in kept], [t for t in days if t in kept]
        change = self.engine.refold(key, since, history, way)
        reaches = self.engine.reaches(key)
        kept = {time for time in before if time <= reaches}
        self._checkpoints.replace(self.engine, key, kept, way.passed, self.offset)
        return change

    def _way(self, key: LotKey, begins: int, since: int) -> tuple[Way, list[int]]:
        """Where to begin, and the times of the lot's checkpoints up to there that stay so.

        What is from before the lot's first tag is of another lot that had its name.
        """
        begins = max(begins, min((b for b, _ in self._facts[key].watched), default=since))
        times = self._checkpoints.times(self.engine, key)
        before = [time for time in times if begins <= time < since]
        while before:
            start = self._checkpoints.state(self.engine, key, before[-1])
            if start is not None:
                return Way(start), before
            before.pop()
        return Way(), []

    def _keep_checkpoints(self) -> None:
        keys, states = self.engine.past_midnight(CHECKPOINTS)
        if keys:
            begins = self._clock.now_ms() - self._retention_ms
            self._checkpoints.add(self.engine, keys, states, begins, self.offset)

    def _reword(self) -> None:
        """Holds come and go while an alert is open: what it says to do follows them."""
        with registry.writing(self._database) as session:
            self._ledger.reword(session, self._clock.now_ms())

    def _show(self) -> None:
        """Write what is known now of lots that changed: of very many some now, the others next."""
        for shown in range(0, SHOWN, TOGETHER):
            changed = self.engine.take_changed(min(TOGETHER, SHOWN - shown))
            if not changed:
                return
            try:
                self._show_some(changed)
            except DBAPIError:
                self.engine.show_again(changed)
                raise

    def _show_some(self, lots: Sequence[LotKey]) -> None:
        # Worked out before it is our turn to write, which others wait for.
        now = {one.key: self._now(one) for one in self.engine.known(lots)}
        with registry.writing(self._database) as session:
            there = census.goods(session, lots)
            census.show(session, [now[key] for key in sorted(there)])

    def _now(self, lot: Known) -> dict[str, Any]:
        """What is known of a lot, as a row of `LotNow`. Ok is only what a tag still speaks for."""
        if lot.key in self.engine.blind:
            # What is in memory is not its past, so neither are its numbers.
            lot = replace(lot, fires={}, numbers={})
        now, facts = self._clock.now_ms(), self._facts.get(lot.key)
        watched = facts is not None and any(b <= now < e for b, e in facts.watched)
        # What the lot's own risk is judged by: margin for lead, regain for wool.
        judged = "margin" in lot.numbers or "regain" in lot.numbers
        known = judged and watched and not lot.silent
        fires = sorted(lot.fires.keys() | lot.silent.keys())
        # What informs puts no lot at risk: not fit for the furnace is how lead mostly is.
        stands = (self._rules[rule].steps[len(stood) - 1] for rule, stood in lot.fires.items())
        at_risk = any(step.severity != Severity.INFO for step in stands)
        return {
            "tenant": lot.key.tenant,
            "lot": lot.key.lot,
            "at": lot.newest or 0,
            "status": "at_risk" if at_risk else "ok" if known else "unknown",
            "why": ", ".join(fires) or (None if watched else "no tag speaks for it now"),
            "numbers": lot.numbers,
        }

    def save(self, pressed: bool = False) -> None:
        """Write the snapshot; then requests that it covers are done with.

        A disk that is full keeps the old one: there is more to fold after a restart, no less known.
        But where the journal is ``pressed`` for room, which only a snapshot makes, a brief one
        takes its place: then the lots are folded from the store after a restart.
        """
        self.commit()
        self._show()
        self._checkpoints.sync()
        if not (self._saved(False) or (pressed and self._saved(True))):
            return
        self.saved = self.offset
        # A lot that is still dirty is so in the snapshot too.
        done = sorted(self._requests)
        with registry.writing(self._database) as session:
            for portion in range(0, len(done), 500):
                ids = done[portion : portion + 500]
                session.execute(delete(Refold).where(Refold.id.in_(ids)))
        self._requests.clear()

    def close(self) -> None:
        """Let go of the files; `save` before."""
        self._checkpoints.close()

    def _saved(self, brief: bool) -> bool:
        try:
            snapshot.save(self._snapshot, self.engine, self._journal, self.offset, brief=brief)
        except OSError as error:
            _log.error("no snapshot of the rules' state was written", error=str(error))
            return False
        return True


__all__ = ["CURSOR", "CursorMismatch", "Evaluator"]
