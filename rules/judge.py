"""Forecasts laid beside what the lots' readings came to, once their time has come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import numpy as np
import sqlalchemy
import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import DBAPIError

from lots import registry
from lots.circumstances import AHEAD_MS
from lots.climate import LotKey, Samples
from lots.clock import DAY_MS, Clock
from lots.model import Alert, Forecast, LotNow
from lots.readings.store import ReadingHistory, StoreMisconfigured, StoreUnavailable
from rules import census, forecasts, hindsight
from rules.engine import WINDOW_MS, Engine
from rules.hindsight import Outcome
from rules.rule import Rules

WARM_MS = 7 * DAY_MS
"""So long before it was said a lot is folded from, for its metal and film to be known. [D]"""
SETTLED_MS = 2 * WINDOW_MS
"""So long after its time what comes late has the lot folded again, and so the forecast judged."""
PATIENCE_MS = 30 * DAY_MS
"""So long what is missing of its time is waited for. [D]"""
AT_ONCE = 50

_log = structlog.get_logger("dunnage.forecasts")


class Judge:
    """Lays what was foretold beside what the lot's readings came to; for one thread at a time."""

    def __init__(
        self,
        database: sqlalchemy.Engine,
        store: ReadingHistory,
        rules: Callable[[], Rules],
        clock: Clock,
    ) -> None:
        """``rules``: those in force."""
        self._database, self._store = database, store
        self._rules, self._clock = rules, clock

    def judge(self, stop: threading.Event | None = None) -> int:
        """Some of those whose time has come, until ``stop``; returns how many. The same again
        changes nothing."""
        now, done = self._clock.now_ms(), 0
        with registry.reading(self._database) as session:
            due = session.scalars(_due(now)).all()
        for row in due:
            if stop is not None and stop.is_set():
                break
            try:
                found = self._found(row, now)
            except (StoreUnavailable, StoreMisconfigured) as error:
                _log.warning("the store does not answer; forecasts wait", error=str(error))
                break
            except DBAPIError:
                raise  # the registry's trouble, not the forecast's
            except Exception:
                _log.exception("a forecast could not be judged", alert=row.alert)
                found = Outcome.UNKNOWN, None
            if found is not None:
                self._write(row, found, now)
                done += 1
        return done

    def _found(self, row: Forecast, now: int) -> tuple[Outcome, int | None] | None:
        """What came of it, and when; None: that is not known yet."""
        key, ends = LotKey(row.tenant, row.lot), row.said + AHEAD_MS
        with registry.reading(self._database) as session:
            facts = dict(census.lot_facts(session, row.tenant, [row.lot])).get(key)
            if facts is None:
                return None
            acted = bool(forecasts.acts(session, row, session.get(Alert, row.alert)))
            begins = row.said - WARM_MS
            windows = census.history(session, self._store, key, begins, now)
            history, reached = _until(windows, ends)
        if not reached and now < ends + PATIENCE_MS:
            return None
        rules = self._rules()
        harm = next((one for one in rules.derived if one.name == self._harm(rules, row)), None)
        if harm is None or not harm.scope.has(facts.commodity, facts.form):
            return Outcome.UNKNOWN, None
        engine = Engine(hindsight.harm_alone(rules, harm))
        engine.know({key: facts})
        change = engine.refold(key, row.said, history)
        came = next((one.at for one in change.transitions if one.step), None)
        times = np.concatenate([np.empty(0, np.int64), *(part.time for part in history)])
        seen = hindsight.share_seen(times, row.said, ends)
        return hindsight.outcome(came is not None, acted, seen), came

    def _harm(self, rules: Rules, row: Forecast) -> str | None:
        named = (one.foreseen for one in rules.rules if one.name == row.rule)
        return next((each.harm for each in named if each is not None), None)

    def _write(self, row: Forecast, found: tuple[Outcome, int | None], now: int) -> None:
        outcome, came = found
        taken_back = {"prevented": None} if outcome is Outcome.CAME else {}
        with registry.writing(self._database) as session:
            # Revised meanwhile, it is judged once more.
            session.execute(
                update(Forecast)
                .where(Forecast.alert == row.alert, Forecast.revised == row.revised)
                .values(judged=now, outcome=outcome.value, came=came, **taken_back)
                .execution_options(synchronize_session=False)
            )


def _due(now: int) -> sqlalchemy.Select[Forecast]:
    """Those whose time the lot's readings have long passed, or that were waited for enough."""
    ends = Forecast.said + AHEAD_MS + SETTLED_MS
    own = (LotNow.tenant == Forecast.tenant) & (LotNow.lot == Forecast.lot)
    return (
        select(Forecast)
        .outerjoin(LotNow, own)
        .where(Forecast.judged.is_(None), or_(LotNow.at >= ends, ends + PATIENCE_MS <= now))
        .order_by(Forecast.said)
        .limit(AT_ONCE)
    )


def _until(windows: Iterable[Samples], ends: int) -> tuple[list[Samples], bool]:
    """Samples up to ``ends`` (ms), and whether there are some from then on."""
    found: list[Samples] = []
    for samples in windows:
        if len(within := samples.take(np.flatnonzero(samples.time <= ends))):
            found.append(within)
        if int(samples.time[-1]) >= ends:
            return found, True
    return found, False
