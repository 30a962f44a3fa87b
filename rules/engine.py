"""All lots' states, in memory: batches and ticks in, changes to alerts out. Pure but for its state.

Of every lot the last hours of samples stay here (`WINDOW_MS`), with the state before them: so the
batches of several tags and gateways are put in order without asking the store, and a repeat is
known as one. What is older than that and was not seen before makes the lot dirty: it is folded
again from the store when the lot is quiet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from lots.climate import LotKey, Samples, join, no_samples
from lots.clock import HOUR_MS
from rules.pack import Rule, Rules, Silence
from rules.state import LotFacts, LotState, Transition, fold

WINDOW_MS = 6 * HOUR_MS
"""At least so much of each lot's samples stays in memory; at most twice as much."""

DEAF_MS = 3 * HOUR_MS
"""A longer pause between ticks means that nobody listened; what was said then is still coming."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What folding did to a lot's alerts from ``since`` (ms) on.

    ``open_before``: rule -> since when it fired at ``since``. Together with ``transitions`` that
    is the whole truth from ``since`` on about the rules it speaks of, which are those that judge
    silence (``silence``) or all others: what the record has besides is to be withdrawn.
    ``revised``: the past was folded again from the store.
    """

    key: LotKey
    since: int
    open_before: Mapping[str, int]
    transitions: list[Transition]
    silence: bool = False
    revised: bool = False


class Tracked(msgspec.Struct):
    """A lot in memory: ``base`` before ``recent`` (its last samples), ``head`` after them.

    ``happened``: the transitions from ``base`` to ``head``; ``silent``: silence rule -> since when.
    """

    base: LotState = msgspec.field(default_factory=LotState)
    head: LotState = msgspec.field(default_factory=LotState)
    recent: Samples = msgspec.field(default_factory=no_samples)
    numbers: dict[str, float] = msgspec.field(default_factory=dict)
    happened: list[Transition] = msgspec.field(default_factory=list)
    silent: dict[str, int] = msgspec.field(default_factory=dict)


class Engine:
    """The fold of all lots. Not thread-safe: one thread owns it."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.lots: dict[LotKey, Tracked] = {}
        self.dirty: dict[LotKey, int] = {}
        """Lots to fold again, and from when their facts may differ."""
        self.marks: Counter[LotKey] = Counter()
        """How often a dirty lot was marked: while that grows, more is coming."""
        self.blind: set[LotKey] = set()
        """Dirty lots whose past is not in memory at all: silent until they are folded again, lest
        an alert of the record be taken for one that never was."""
        self.ticked: int | None = None
        self.listening_since = 0
        """Since when ticks came without a long pause: before it we were away, not the tags."""
        self.changed: set[LotKey] = set()
        """Lots whose numbers moved since `take_changed`."""
        self._by_form: dict[tuple[str, str], tuple[Rule, ...]] = {}

    def evaluate(
        self, bound: Mapping[LotKey, Samples], facts: Mapping[LotKey, LotFacts]
    ) -> list[Change]:
        """Fold a batch, bound to its lots; lots without ``facts`` are unknown and left out."""
        changes = []
        for key, samples in bound.items():
            if key in facts:
                found = self._take(key, samples, facts[key])
                # That a tag was heard is so whatever else is forgotten.
                changes += [each for each in found if each.silence or key not in self.blind]
        return changes

    def tick(self, now: int, facts: Mapping[LotKey, LotFacts]) -> list[Change]:
        """What happens because time passes: silence is judged, of what we were there to hear."""
        if self.ticked is None or now - self.ticked > DEAF_MS:
            self.listening_since = now
        self.ticked = now
        changes = []
        for key, one in facts.items():
            found = [] if key in self.blind else self._silences(key, one, now)
            if found:
                self.changed.add(key)
                silent = self.lots[key].silent
                since = min(transition.at for transition in found)
                changes.append(Change(key, since, dict(silent), found, silence=True))
                for transition in found:
                    if transition.opens:
                        silent[transition.rule] = transition.at
                    else:
                        del silent[transition.rule]
        return changes

    def refold(
        self, key: LotKey, since: int, history: Iterable[Samples], facts: LotFacts
    ) -> Change:
        """Fold a lot anew from its whole ``history``, in order; the change is from ``since`` on."""
        lot = self.lots.setdefault(key, Tracked())
        self.lots[key] = lot = Tracked(silent=lot.silent)
        open_before: dict[str, int] = {}
        found: list[Transition] = []
        for samples in history:
            for transition in self._forward(lot, samples, facts):
                if transition.at >= since:
                    found.append(transition)
                elif transition.opens:
                    open_before[transition.rule] = transition.at
                else:
                    open_before.pop(transition.rule, None)
            self._trim(lot, facts)
        self.changed.add(key)
        self._cleaned(key)
        return Change(key, since, open_before, found, revised=True)

    def distrust(self, key: LotKey) -> None:
        """What is in memory of the lot is not its past: it is blind until it is folded again."""
        self.mark(key, 0)
        self.blind.add(key)
        self.changed.add(key)

    def set_aside(self, key: LotKey) -> None:
        """A lot that cannot be folded: it stays blind, and waits no more."""
        self._cleaned(key)
        self.blind.add(key)
        self.changed.add(key)

    def forget(self, key: LotKey) -> None:
        """Drop a lot that the registry no longer has."""
        self.lots.pop(key, None)
        self._cleaned(key)

    def _cleaned(self, key: LotKey) -> None:
        self.dirty.pop(key, None)
        self.marks.pop(key, None)
        self.blind.discard(key)

    def mark(self, key: LotKey, since: int) -> None:
        """Facts about the lot changed from ``since`` on: it is to be folded again."""
        self.dirty[key] = min(since, self.dirty.get(key, since))
        self.marks[key] += 1

    def take_changed(self) -> set[LotKey]:
        changed, self.changed = self.changed, set()
        return changed

    def rules_of(self, facts: LotFacts) -> tuple[Rule, ...]:
        kind = (facts.commodity, facts.form)
        if kind not in self._by_form:
            self._by_form[kind] = self.rules.of(*kind)
        return self._by_form[kind]

    def _take(self, key: LotKey, samples: Samples, facts: LotFacts) -> list[Change]:
        lot = self.lots.setdefault(key, Tracked())
        base = lot.base.newest
        if base is not None and samples.time[0] <= base:
            late = samples.time <= base
            self.mark(key, int(samples.time[0]))
            samples = samples.take(~late)
        samples = _unseen(samples, lot.recent)
        if not len(samples):
            return []
        self.changed.add(key)
        silent = lot.silent
        changes = self._fold_in(key, lot, samples, facts)
        self._trim(lot, facts)
        heard = _heard(lot, samples)
        if heard:
            changes.append(Change(key, heard[0].at, silent, heard, silence=True))
        return changes

    def _fold_in(
        self, key: LotKey, lot: Tracked, samples: Samples, facts: LotFacts
    ) -> list[Change]:
        """Samples newer than all go on top; older ones are put in their place in the window."""
        first, newest = int(samples.time[0]), lot.head.newest
        if newest is None or first > newest:
            open_before = lot.head.open_rules()
            found = self._forward(lot, samples, facts)
            return [Change(key, first, open_before, found)] if found else []
        before, window = lot.happened, join([lot.recent, samples]).ordered()
        lot.recent, lot.happened, lot.head = no_samples(), [], lot.base.copy()
        found = self._forward(lot, window, facts)
        if [(t.rule, t.opens, t.at) for t in found] == [(t.rule, t.opens, t.at) for t in before]:
            return []
        return [Change(key, int(window.time[0]), lot.base.open_rules(), found)]

    def _forward(self, lot: Tracked, samples: Samples, facts: LotFacts) -> list[Transition]:
        done = fold(lot.head, samples, facts, self.rules_of(facts))
        lot.head, lot.numbers = done.state, done.numbers
        lot.recent = join([lot.recent, samples]) if len(lot.recent) else samples
        lot.happened = lot.happened + done.transitions
        return done.transitions

    def _trim(self, lot: Tracked, facts: LotFacts) -> None:
        """Move ``base`` on once the window is twice as long as it must be."""
        time = lot.recent.time
        if not len(time) or time[-1] - time[0] < 2 * WINDOW_MS:
            return
        cut = int(np.searchsorted(time, time[-1] - WINDOW_MS))
        done = fold(lot.base, lot.recent.take(slice(0, cut)), facts, self.rules_of(facts))
        lot.base, lot.recent = done.state, lot.recent.take(slice(cut, None))
        lot.happened = [t for t in lot.happened if t.at > time[cut - 1]]

    def _silences(self, key: LotKey, facts: LotFacts, now: int) -> list[Transition]:
        """Silences that begin, and those that end because no tag speaks for the lot any more."""
        lot = self.lots.get(key)
        silent = lot.silent if lot else {}
        begun = [begins for begins, ends in facts.watched if begins <= now < ends]
        if not begun:
            return [Transition(rule, False, max(now, at), {}) for rule, at in silent.items()]
        newest = lot.head.newest if lot else None
        quiet_since = max(*begun, newest or 0, self.listening_since)
        found = []
        for rule in self.rules_of(facts):
            if not isinstance(rule.test, Silence) or rule.name in silent:
                continue
            limit = silence_limit_ms(rule.test, facts)
            if now - quiet_since >= limit:
                numbers = {"hours_silent": round(limit / HOUR_MS, 1)}
                found.append(Transition(rule.name, True, quiet_since + limit, numbers))
        if found:
            self.lots.setdefault(key, Tracked())
        return found


def silence_limit_ms(test: Silence, facts: LotFacts) -> int:
    """How long a lot may be silent."""
    return max(round(test.intervals * facts.interval_ms), test.least_ms)


def _unseen(samples: Samples, recent: Samples) -> Samples:
    """``samples`` without those that ``recent`` has, or that they have twice themselves."""
    seen = set(zip(recent.time.tolist(), recent.identity.tolist(), strict=True))
    keep = []
    for i, one in enumerate(zip(samples.time.tolist(), samples.identity.tolist(), strict=True)):
        if one not in seen:
            seen.add(one)
            keep.append(i)
    return samples if len(keep) == len(samples) else samples.take(np.asarray(keep, np.intp))


def _heard(lot: Tracked, samples: Samples) -> list[Transition]:
    """Silences that ``samples`` end: by the first that is newer than the silence."""
    found = []
    for rule, opened in lot.silent.items():
        newer = samples.time[samples.time > opened]
        if len(newer):
            found.append(Transition(rule, False, int(newer[0]), {}))
    lot.silent = {r: at for r, at in lot.silent.items() if r not in {t.rule for t in found}}
    return found
