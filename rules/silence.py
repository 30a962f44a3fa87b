"""Silence, judged by ticks: a lot that no tag was heard of for too long."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from lots.climate import LotKey
from lots.clock import HOUR_MS
from lots.readings.batch import Ints
from rules.part import Part
from rules.register import NOTHING
from rules.state import Book, Change, Stood, Transition, silence_limit_ms
from rules.table import LotTable

DEAF_MS = 3 * HOUR_MS
"""A longer pause between ticks means that nobody listened; what was said then is still coming."""


class Silences:
    """Which rules of silence fire for which lots of a table."""

    def __init__(self, table: LotTable, book: Book) -> None:
        self._table, self._book = table, book
        self.of: dict[LotKey, dict[str, int]] = {}
        """lot -> the rules that fire, and since when (ms)."""
        self.ticked: int | None = None
        self.listening_since = 0
        """Since when ticks came without a long pause: before it we were away, not the tags."""

    def set(self, key: LotKey, silent: Mapping[str, int]) -> None:
        """These rules fire for the lot, each since when; and no others."""
        row = self._table.row(key)
        self._table.notes["heard"][row] = True
        self._table.notes["silent"][row] = bool(silent)
        self.of.pop(key, None)
        if silent:
            self.of[key] = dict(silent)

    def hear(self, part: Part) -> list[Change]:
        """Silences that ``part`` ends: by the first sample that is newer than the silence."""
        changes = []
        for lot in np.flatnonzero(self._table.notes["silent"][part.rows]).tolist():
            key = self._table.keys[part.rows[lot]]
            time = part.samples.time[part.starts[lot] : part.starts[lot + 1]]
            silent = self.of[key]
            newer = {rule: time[time > opened] for rule, opened in silent.items()}
            found = [Transition(r, 0, int(at[0]), {}) for r, at in newer.items() if len(at)]
            if found:
                changes.append(Change(key, found[0].at, _stood(silent), found, silence=True))
                self.set(key, {rule: at for rule, at in silent.items() if not len(newer[rule])})
        return changes

    def tick(self, now: int, blind: Collection[LotKey]) -> list[Change]:
        """What begins and ends by ``now`` (ms), but of ``blind`` lots."""
        if self.ticked is None or abs(now - self.ticked) > DEAF_MS:  # or the clock was set
            self.listening_since = now
        self.ticked = now
        changes = []
        for row in self._candidates(now).tolist():
            key = self._table.keys[row]
            found = [] if key in blind else self._judged(key, row, now)
            if found:
                self._table.notes["changed"][row] = True
                silent = self.of.get(key, {})
                since = min(t.at for t in found)
                changes.append(Change(key, since, _stood(silent), found, silence=True))
                begun = {t.rule: t.at for t in found if t.step}
                ended = {t.rule for t in found if not t.step}
                self.set(key, {r: at for r, at in silent.items() if r not in ended} | begun)
        return changes

    def _candidates(self, now: int) -> Ints:
        """Rows of lots for which a tick can change something."""
        notes, register = self._table.notes, self._table.register
        since = np.maximum(self._table.head.newest, self.listening_since)
        watched = (register.watched_from <= now) & (now < register.watched_to)
        quiet = watched & (now - since >= register.patience())
        return np.flatnonzero((register.of != NOTHING) & (quiet | notes["silent"]))

    def _judged(self, key: LotKey, row: int, now: int) -> list[Transition]:
        """Silences that begin, and those that end because no tag speaks for the lot any more."""
        facts, silent = self._table.known[key], self.of.get(key, {})
        begun = [begins for begins, ends in facts.watched if begins <= now < ends]
        if not begun:
            return [Transition(rule, 0, max(now, at), {}) for rule, at in silent.items()]
        # Of a clock that was years ahead and is right again: no reading would ever be newer.
        found = [Transition(r, 0, at, {}) for r, at in silent.items() if at - now > DEAF_MS]
        newest = int(self._table.head.newest[row])
        quiet_since = max(*begun, newest, self.listening_since)
        for rule, test in self._book.silences[
            self._table.register.facts(np.asarray([row]))["kind"][0]
        ]:
            limit = silence_limit_ms(test, facts)
            if rule not in silent and now - quiet_since >= limit:
                numbers = {"hours_silent": round(limit / HOUR_MS, 1)}
                found.append(Transition(rule, 1, quiet_since + limit, numbers))
        return found


def _stood(silent: Mapping[str, int]) -> dict[str, Stood]:
    return {rule: (at,) for rule, at in silent.items()}
