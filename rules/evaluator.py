"""The rules at work: follows the journal with the engine and writes what it finds.

The registry's transaction that writes alerts and outgoing messages carries the journal offset they
came from (cursor ``rules``). After a restart the snapshot is loaded, what lies between it and that
offset is folded silently, and aloud from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from rules import census, kernels, shelf, snapshot, surroundings
from rules.engine import Engine, Known
from rules.ledger import Ledger, Recipient, without_gone
from rules.rule import Rules, Severity
from rules.state import STATE, Change, LotFacts

CURSOR = "rules"
BUDGET_S = 0.5
"""Of a settling, for folding lots again: live readings wait no longer."""
PATIENCE = 10
"""Settlings that a lot waits to be folded again while more and more late readings come."""
REWORD_EVERY = 5
"""Settlings."""
SHOWN = 2_000
"""Lots of which a settling writes what is known now; of a million it takes its time."""
TOGETHER = 500
"""So many of them in a transaction: who else has to write waits for no more than that."""
_log = structlog.get_logger("dunnage.rules")


class Restless(NamedTuple):
    """A dirty lot at a settling: how often it was marked, for how many settlings it has waited."""

    marks: int
    waited: int


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
        self._ledger = Ledger(rules, recipients)
        # They inform, and put no lot at risk: not fit for the furnace is how lead mostly is.
        self._mild = {rule.name for rule in rules.rules if rule.severity == Severity.INFO}
        self._snapshot = folder / "rules.snapshot"
        self._clock = clock
        self._retention_ms = retention_days * DAY_MS
        self._revisions = Revisions()
        self.pending: list[Change] = []
        """Changes that are folded and not yet written."""
        self._requests: set[str] = set()
        self._restless: dict[LotKey, Restless] = {}
        self._settles = 0
        self._journal = ""
        self.offset = 0
        """Folded up to here."""
        self.committed = 0
        """Written up to here."""
        self.saved = 0
        """The snapshot on disk stands here: what is before it is not needed from the journal."""

    def restore(self, journal: str, start: int) -> int:
        """Take up where the last run left; returns the offset to follow the journal from.

        ``start`` is the oldest offset that the journal still has. Raises `CursorMismatch`.
        """
        self._journal = journal
        snapshot.reserve(self._snapshot)
        kernels.prepare(STATE)
        shelf.prepare()
        surroundings.prepare()
        with registry.reading(self._database) as session:
            self.committed = max(read_cursor(session, CURSOR, journal), start)
            self.refresh(session)
            silences = self._ledger.silences(session)
        found = snapshot.restore(self._snapshot, self.engine, journal)
        # One from beyond what is written is of a registry that was set back: it lacks the alerts.
        if found is None or not start <= found <= self.committed:
            self._begin_anew(start, silences)
        else:
            self.offset = self.saved = found
            self._fit_registry()
        return self.offset

    def _begin_anew(self, start: int, silences: Mapping[LotKey, dict[str, int]]) -> None:
        """Without memory the lots' pasts are in the store, and what it lacks in the journal.

        But silences: those are in the record alone.
        """
        self.engine = self.engine.anew()
        self.offset = self.saved = start
        for key in self._facts:
            self.engine.distrust(key)
            self.engine.silences.set(key, silences.get(key, {}))

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
            gone += self.engine.learn(tenant, census.lot_facts(session, tenant))
        for key in gone:
            self.engine.forget(key)
        self._revisions.taken(news)

    def take(self, offset: int, bound: Bound) -> None:
        """Fold a batch that ends at ``offset`` in the journal; `commit` writes what it changed."""
        try:
            changes = self.engine.evaluate(bound)
        except Exception:
            changes = self._one_by_one(bound)
        if self.engine.aside:
            for key in self.engine.aside.intersection(bound.lots):
                self.engine.distrust(key)  # perhaps it can be folded now
        self._went(offset, changes)

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

    def tick(self, offset: int, now: int) -> None:
        """Time has come to ``now`` (ms) by the record at ``offset``."""
        self._went(offset, self.engine.tick(now))

    def _went(self, offset: int, changes: list[Change]) -> None:
        self.offset = offset
        if offset > self.committed:
            self.pending += changes

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
        if stored >= self.offset >= self.committed:
            self._fold_dirty(self._quiet())
        self._show()
        self._settles += 1
        if self._settles % REWORD_EVERY == 0:
            self._reword()

    def _quiet(self) -> list[LotKey]:
        """Dirty lots for which no more is coming, or that have waited long enough."""
        before, self._restless = self._restless, {}
        quiet = []
        for key in self.engine.dirty:
            was, now = before.get(key), self.engine.marks[key]
            waited = was.waited + 1 if was else 0
            if was and (was.marks == now or waited >= PATIENCE):
                quiet.append(key)
            self._restless[key] = Restless(now, waited)
        return quiet

    def _fold_dirty(self, keys: Sequence[LotKey]) -> None:
        now = self._clock.now_ms()
        begins = now - self._retention_ms
        ends = monotonic() + BUDGET_S
        for key in keys:
            since = self.engine.dirty[key]
            if key not in self._facts:
                self.engine.forget(key)
                continue
            if monotonic() > ends:
                return  # live readings go first; the others' turn comes at the next settling
            try:
                with registry.reading(self._database) as session:
                    # All of it before the lot is touched: half a history is none.
                    history = list(census.history(session, self._store, key, begins, now))
            except (StoreUnavailable, StoreMisconfigured) as error:
                _log.warning("the store does not answer; lots wait to be folded", error=str(error))
                return
            try:
                change = self.engine.refold(key, max(since, begins), history)
            except Exception:
                _log.exception("a lot could not be folded again", tenant=key.tenant, lot=key.lot)
                self.engine.set_aside(key)
                continue
            self.pending.append(change)
            self.commit()

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
        at_risk = any(rule not in self._mild for rule in lot.fires)
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

    def _saved(self, brief: bool) -> bool:
        try:
            snapshot.save(self._snapshot, self.engine, self._journal, self.offset, brief=brief)
        except OSError as error:
            _log.error("no snapshot of the rules' state was written", error=str(error))
            return False
        return True


__all__ = ["CURSOR", "CursorMismatch", "Evaluator"]
