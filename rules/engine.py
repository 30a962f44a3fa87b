"""All lots' states, in memory: batches and ticks in, changes to alerts out. Pure but for its state.

Of every lot the last hours of samples stay here (`WINDOW_MS`), with the state before them: so the
batches of several tags and gateways are put in order without asking the store, and a repeat is
known as one. What is older than that and was not seen before makes the lot dirty: it is folded
again from the store when the lot is quiet. Where that would be more than memory is meant for
(`SAMPLES`), the lots that have most keep less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from lots.climate import Bound, LotKey, Samples, arranged, join, no_samples
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Bools, Ints
from rules import kernels
from rules.fold import fold, left_now, numbers_now
from rules.kernels import FAR, NEVER
from rules.part import Part, alone, none_of, parted, portions
from rules.register import NOTHING
from rules.rule import Rules
from rules.shelf import Shelf
from rules.silence import Silences
from rules.state import Book, Change, LotFacts, Said, States, Stood, Transition, moved
from rules.table import LotTable

WINDOW_MS = 6 * HOUR_MS
"""At least so much of each lot's samples stays in memory; at most twice as much."""

SAMPLES = 500_000
"""At most so many stay in memory, of all lots together."""

EACH = 2
"""Or so many times the number of lots, where that is more."""

MANY = 8
"""Samples from which on a lot's middle state is kept beside them: it takes as much as four."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a lot now. ``newest``: ms, of its last sample, None before the first;
    ``fires``: rule -> how it stands; ``silent``: rule of silence -> since when."""

    key: LotKey
    newest: int | None
    fires: Mapping[str, Stood]
    silent: Mapping[str, int]
    numbers: dict[str, float]


_Bases = tuple[Ints, States]
"""Rows of lots, and their new bases."""


class Engine:
    """The fold of all lots. Not thread-safe: one thread owns it."""

    def __init__(self, rules: Rules, samples: int = SAMPLES, book: Book | None = None) -> None:
        """``book``: of the same rules; what is said of lots refers to its rows."""
        self.rules = rules
        self._samples = samples
        self.book = Book(rules) if book is None else book
        self.table = LotTable(self.book)
        self.happened: dict[int, list[Transition]] = {}
        """By row, the transitions from a lot's base to its head, where there are any."""
        self.silences = Silences(self.table, self.book)
        self.dirty: dict[LotKey, int] = {}
        """Lots to fold again, and from when their facts may differ."""
        self.marks: Counter[LotKey] = Counter()
        """How often a dirty lot was marked: while that grows, more is coming."""
        self.blind: set[LotKey] = set()
        """Dirty lots whose past is not in memory at all: silent until they are folded again, lest
        an alert of the record be taken for one that never was."""
        self.aside: set[LotKey] = set()
        """Blind lots that could not be folded, and do not wait."""
        self._shown = 0

    def know(self, facts: Mapping[LotKey, LotFacts]) -> None:
        """Take over what the registry says of all lots; others are unknown and left out."""
        self.table.know(facts)

    def learn(self, tenant: str, said: Iterable[Said]) -> list[LotKey]:
        """Take over what the registry says of all lots of a tenant; returns those that are gone.

        Lots of which it says something else than before count as changed.
        """
        rows, news = self.table.learn(tenant, said)
        self.table.notes["changed"][news] = True
        there = np.zeros(len(self.table.keys), np.bool_)
        there[rows] = True
        gone = self._keys(np.flatnonzero((self.table.register.of != NOTHING) & ~there))
        return [key for key in gone if key.tenant == tenant]

    def under(self, rules: Rules) -> Engine:
        """One that knows of the lots what the registry says, and nothing else, for other rules."""
        found = Engine(rules, self._samples)
        found.know(self.table.known)
        return found

    def anew(self) -> Engine:
        """As `under` the same rules, sparingly: this one is of no use afterwards."""
        found = Engine(self.rules, self._samples, self.book)
        for key in self.unfitting()[0]:
            self.forget(key)
        found.table.take_over(self.table)
        return found

    def evaluate(self, bound: Bound) -> list[Change]:
        """Fold a batch, bound to its lots. After an exception nothing of it is folded."""
        self._make_room(len(bound.samples))
        part = self._news(self._of_known(bound))
        if not len(part.rows):
            return []
        newest = self.table.head.newest[part.rows]
        behind = part.first <= newest
        oldest = np.minimum(self.table.window.oldest[part.rows], part.first)
        ends = np.maximum(newest, part.last)
        full = ends - oldest >= 2 * WINDOW_MS
        long = full & ~behind & (part.last - part.first > WINDOW_MS)
        middle = self.table.middles(part.rows)
        ready = (
            full & ~long & (middle != NEVER) & (middle < np.minimum(part.first, ends - WINDOW_MS))
        )
        top = self._on_top(part.lots(~behind & ~long))
        passed, left = self._passed(part.lots(long))
        again = self._put_in(part.lots(behind))
        brief = self._brief(part) & ~behind & ~long
        trimmed = self._trimmed(part.lots(full & ~long & ~ready & ~brief))
        # Nothing was touched so far, and from here on nothing can fail.
        due = ready | (middle == NEVER) & (ends - oldest >= WINDOW_MS)
        due &= ~behind & ~long & (newest >= ends - WINDOW_MS)
        due &= self.table.window.held[part.rows] >= MANY
        self.table.base.match(part.rows[ready], self.table.middle)
        self.table.base.match(part.rows[brief], self.table.head)
        self.table.spoil(part.rows[long | brief | ready & ~due | (middle >= part.first)])
        self.table.halve(part.rows[due])
        changes = [*self._taken(top), *self._taken(passed), *self._taken(again)]
        self.table.window.append(part.rows, part.starts, part.samples)
        for bases in filter(None, (left, trimmed)):
            self.table.base.put(*bases)
        self._let_go(part.rows[full | brief])
        self.table.notes["heard"][part.rows] = self.table.notes["changed"][part.rows] = True
        # That a tag was heard is so whatever else is forgotten.
        return [each for each in changes if each.key not in self.blind] + self.silences.hear(part)

    def _taken(self, done: _Done | None) -> list[Change]:
        if done is None:
            return []
        self.table.head.put(done.rows, done.states)
        self._remember(done.happened)
        return done.changes

    def tick(self, now: int) -> list[Change]:
        """What happens because time passes: silence is judged, of what we were there to hear."""
        return self.silences.tick(now, self.blind)

    def _of_known(self, bound: Bound) -> Part:
        rows = self.table.rows_of(bound.lots)
        known = rows >= 0
        known[known] = self.table.register.of[rows[known]] != NOTHING
        return Part(rows, bound.starts, bound.samples).lots(known)

    def _news(self, part: Part) -> Part:
        """What of ``part`` is neither a repeat nor from before the window; lots that have something
        from before it are marked, to be folded again."""
        late = np.empty(len(part.rows), np.int64)
        keep = np.empty(len(part.samples), np.bool_)
        time, identity = map(np.ascontiguousarray, (part.samples.time, part.samples.identity))
        bases = self.table.base.newest[part.rows]
        kernels.sift(part.starts, time, identity, bases, keep, late)
        behind = part.first <= self.table.head.newest[part.rows]
        if behind.any():
            some = part.lots(behind)
            of_some = np.repeat(behind, part.counts)
            keep[of_some] &= self.table.window.strange(some.rows, some.starts, some.samples)
        for lot in np.flatnonzero(late != NEVER).tolist():
            self.mark(self.table.keys[part.rows[lot]], int(late[lot]))
        return part.kept(keep)

    def _on_top(self, part: Part) -> _Done | None:
        """Fold samples that are newer than all."""
        if not len(part.rows):
            return None
        states = self.table.head.take(part.rows)
        return self._newer(part, states, self._fold(part, states))

    def _passed(self, part: Part) -> tuple[_Done | None, _Bases | None]:
        """Fold newer samples that go on for longer than the window: the bases are on the way."""
        if not len(part.rows):
            return None, None
        states = self.table.head.take(part.rows)
        stays = part.samples.time >= np.repeat(part.last - WINDOW_MS, part.counts)
        found = self._fold(part.kept(~stays), states)
        base = states.copy()
        for lot, events in self._fold(part.kept(stays), states).items():
            found[lot] = found.get(lot, []) + events
        return self._newer(part, states, found), (part.rows, base)

    def _newer(self, part: Part, states: States, found: dict[int, list[Transition]]) -> _Done:
        changes, happened = [], {}
        for lot, events in found.items():
            row = int(part.rows[lot])
            key = self.table.keys[row]
            before = self._open(self.table.head, row)
            change = Change(key, int(part.first[lot]), before, events)
            if _comes_and_goes(events):
                (left,) = self._left(part.rows[lot : lot + 1], states.at(slice(lot, lot + 1)))
                change = replace(change, newest=int(states.lots["newest"][lot]), left=left)
            changes.append(change)
            happened[row] = self.happened.get(row, []) + events
        return _Done(part.rows, states, changes, happened)

    def _open(self, shelf: Shelf, row: int) -> dict[str, Stood]:
        return self.book.open_rules(shelf.take(np.asarray([row])).opened[0])

    def _put_in(self, part: Part) -> _Done | None:
        """Put older samples in their place in the window, and fold that again."""
        if not len(part.rows):
            return None
        whole = self._with_window(part)
        states = self.table.base.take(part.rows)
        found = self._fold(whole, states)
        changes, happened, left = [], {}, None
        for lot, row in enumerate(part.rows.tolist()):
            events = found.get(lot, [])
            if _told(events) != _told(self.happened.get(row, [])):
                key, before = self.table.keys[row], self._open(self.table.base, row)
                known_to = int(self.table.head.newest[row])
                newest = int(states.lots["newest"][lot])
                left = left or self._left(part.rows, states)
                since = int(whole.first[lot])
                changes.append(
                    Change(key, since, before, events, False, known_to, newest, left[lot])
                )
            happened[row] = events
        return _Done(part.rows, states, changes, happened)

    def _trimmed(self, part: Part) -> _Bases | None:
        """The bases of lots whose windows are twice as long as they must be, moved on."""
        if not len(part.rows):
            return None
        whole = self._with_window(part)
        return self._cut(whole, whole.last - WINDOW_MS - 1)

    def _cut(self, whole: Part, edges: Ints) -> _Bases:
        """The bases of lots after all up to ``edges`` (ms), of which each has some."""
        early = whole.samples.time <= np.repeat(edges, whole.counts)
        states = self.table.base.take(whole.rows)
        self._fold(whole.kept(early), states)
        return whole.rows, states

    def _let_go(self, rows: Ints) -> None:
        """Of what is not after the bases of ``rows``."""
        self.table.window.cut(rows, self.table.base.newest[rows])
        for row in self.happened.keys() & rows.tolist():
            newest = self.table.base.newest[row]
            self._remember({row: [t for t in self.happened[row] if t.at > newest]})

    def _make_room(self, coming: int) -> None:
        """Keep no more samples than there may be, with those that are ``coming``.

        The lots that have most let go of the older half of theirs, which is then as what is older
        than the window. An eighth is made free at once, so that not every batch has to ask.
        """
        window, most = self.table.window, self._most
        if window.live + coming <= most:
            return
        while window.live and (excess := window.live + coming - most * 7 // 8) > 0:
            for rows in window.crowded(excess):
                self._halve(rows)
                self._let_go(rows)

    def _brief(self, part: Part) -> Bools:
        """(lots,) which of them let go of all that they have as new samples come.

        Where most of what there may be is used, those that have their share of it; where nearly all
        is, any; but none that may have a middle state to move on to. Their bases become their heads
        as they were before: to keep half of so few is not worth that all that a million lots say is
        folded a second time.
        """
        window, most = self.table.window, self._most
        coming = window.live + len(part.samples)
        if coming <= most * 3 // 4:
            return np.zeros(len(part.rows), np.bool_)
        enough = most // len(self.table.rows) if coming <= most * 7 // 8 else 1
        held = window.held[part.rows]
        return (held >= enough) & (held < MANY)

    @property
    def _most(self) -> int:
        """Samples that may be in memory."""
        return max(self._samples, EACH * len(self.table.rows))

    def _halve(self, rows: Ints) -> None:
        """Move the bases of lots on to about the middle of their windows.

        To their middle states, where these leave enough. What has to be folded was folded before,
        so an exception is nothing to be expected; lest one lot's trouble hold up all, these lots
        then keep nothing.
        """
        table = self.table
        middle, held = table.middles(rows), table.window.held[rows]
        stay = table.window.newer(rows, middle)
        ready = (middle != NEVER) & (stay >= np.maximum(held // 4, MANY))
        table.base.match(rows[ready], table.middle)
        table.halve(rows[ready])
        rows = rows[~ready]
        if not len(rows):
            return
        try:
            whole = self._with_window(none_of(rows))
            middles = whole.starts[:-1] + (whole.counts - 1) // 2
            table.base.put(*self._cut(whole, whole.samples.time[middles]))
        except Exception:
            table.base.match(rows, table.head)
        table.spoil(rows[table.middles(rows) <= table.base.newest[rows]])

    def _with_window(self, part: Part) -> Part:
        """``part`` and what its lots' windows have, in order."""
        recent, starts = self.table.window.gather(part.rows)
        counts = starts[1:] - starts[:-1], part.counts
        lot = np.concatenate([np.repeat(np.arange(len(part.rows)), each) for each in counts])
        samples = join([recent, part.samples])
        return Part(part.rows, starts + part.starts, samples.take(arranged(lot, samples)))

    def _fold(self, part: Part, states: States) -> dict[int, list[Transition]]:
        register = self.table.register
        found: dict[int, list[Transition]] = {}
        for lots, piece in part.pieces():
            facts, spans = register.facts(piece.rows), register.surroundings.spans
            its = fold(states.at(lots), facts, spans, piece.samples, piece.starts, self.book)
            found |= {lots.start + lot: events for lot, events in its.items()}
        return found

    def _remember(self, happened: Mapping[int, list[Transition]]) -> None:
        for row, events in happened.items():
            if events:
                self.happened[row] = events
            else:
                self.happened.pop(row, None)

    def refold(
        self, key: LotKey, since: int, history: Sequence[Samples], way: Way | None = None
    ) -> Change:
        """Fold a lot anew from its ``history``, in order; the change is from ``since`` on.

        ``history``: all of it, or all that is newer than the state in which ``way`` starts. Raises
        KeyError for a lot without facts.
        """
        if key not in self.table.known:
            raise KeyError(key)
        way = way or Way()
        row = self.table.row(key)
        rows = np.asarray([row])
        self.table.notes["heard"][rows] = True
        states = self.book.fresh(1) if way.start is None else way.start.copy()
        before = self.book.open_rules(states.opened[0])
        edge = _edge(history, self._samples // 8)
        base, events, recent = None, [], [no_samples()]
        for samples, stop in parted(portions(history), sorted({*way.stops, edge})):
            events += self._fold(alone(rows, samples), states).get(0, [])
            if base is not None:
                recent.append(samples)
            elif stop in way.stops:
                way.passed.append(states.copy())
            if stop == edge:
                base = states.copy()
        if base is None:
            base = states.copy()
        kept = alone(rows, join(recent))
        self._make_room(len(kept.samples))
        self.table.base.put(rows, base)
        self.table.spoil(rows)
        self.table.head.put(rows, states)
        self.table.window.replace(kept.rows, kept.starts, kept.samples)
        self._remember({row: [t for t in events if t.at > int(base.lots["newest"][0])]})
        self.table.notes["changed"][rows] = True
        self._cleaned(key)
        before = _open_at(before, events, since)
        events = [event for event in events if event.at >= since]
        newest, (left,) = int(states.lots["newest"][0]), self._left(rows, states)
        return Change(key, since, before, events, known_to=FAR, newest=newest, left=left)

    def _left(self, rows: Ints, states: States) -> list[frozenset[str]]:
        register = self.table.register
        return left_now(states, register.facts(rows), register.surroundings.spans, self.book)

    def reaches(self, key: LotKey) -> int:
        """Up to when (ms) a lot's past is closed: what comes from before it makes the lot dirty."""
        return int(self.table.base.newest[self.table.row(key)])

    def past_midnight(self, limit: int) -> tuple[list[LotKey], States]:
        """Lots whose base came past a midnight since they were last given here, and their bases:
        ``limit`` at most, and none whose past is to be folded again."""
        notes = self.table.notes
        day = self.table.base.newest // DAY_MS
        rows = np.flatnonzero((day > notes["checkpoint"]) & notes["heard"])
        sound = (row for row in map(int, rows) if self._is_sound(self.table.keys[row]))
        rows = np.fromiter(islice(sound, limit), np.int64)
        notes["checkpoint"][rows] = day[rows]
        return self._keys(rows), self.table.base.take(rows)

    def _is_sound(self, key: LotKey) -> bool:
        return key not in self.dirty and key not in self.blind and key in self.table.known

    def distrust(self, key: LotKey) -> None:
        """What is in memory of the lot is not its past: it is blind until it is folded again."""
        self.mark(key, 0)
        self.blind.add(key)
        self.show_again([key])

    def set_aside(self, key: LotKey) -> None:
        """A lot that cannot be folded: it stays blind, and waits no more."""
        self._cleaned(key)
        self.blind.add(key)
        self.aside.add(key)
        self.show_again([key])

    def forget(self, key: LotKey) -> None:
        """Drop a lot that the registry no longer has."""
        if (row := self.table.rows.get(key)) is not None:
            self.happened.pop(row, None)
        self.table.forget(key)
        self.silences.of.pop(key, None)
        self._cleaned(key)

    def _cleaned(self, key: LotKey) -> None:
        self.dirty.pop(key, None)
        self.marks.pop(key, None)
        self.blind.discard(key)
        self.aside.discard(key)

    def mark(self, key: LotKey, since: int) -> None:
        """Facts about the lot changed from ``since`` on: it is to be folded again."""
        self.dirty[key] = min(since, self.dirty.get(key, since))
        self.marks[key] += 1
        self.aside.discard(key)

    def heard(self) -> set[LotKey]:
        """The lots that something is known of, besides their facts."""
        return set(self._keys(np.flatnonzero(self.table.notes["heard"])))

    def unfitting(self) -> tuple[list[LotKey], list[LotKey]]:
        """Lots that something is known of and the registry says nothing of; and the other way
        round, of those that a tag speaks for."""
        heard, said = self.table.notes["heard"], self.table.register.of != NOTHING
        watched = self.table.register.watched_from != FAR
        unknown, unheard = heard & ~said, said & ~heard & watched
        return self._keys(np.flatnonzero(unknown)), self._keys(np.flatnonzero(unheard))

    def take_changed(self, limit: int = FAR) -> list[LotKey]:
        """Lots whose numbers moved since they were taken: at most ``limit``, each in its turn."""
        notes = self.table.notes
        rows = np.flatnonzero(notes["changed"] & notes["heard"])
        turn = np.searchsorted(rows, self._shown) if len(rows) > limit else 0
        rows = np.roll(rows, -turn)[:limit]
        if len(rows):
            self._shown = int(rows[-1]) + 1
        notes["changed"][rows] = False
        return self._keys(rows)

    def show_again(self, keys: Iterable[LotKey]) -> None:
        """Let lots count as changed."""
        rows = self.table.rows_of(list(keys))
        self.table.notes["changed"][rows[rows >= 0]] = True

    def known(self, keys: Sequence[LotKey]) -> list[Known]:
        """What is known of each of ``keys``, which are in memory."""
        rows = self.table.rows_of(keys)
        states = self.table.head.take(rows)
        found = []
        numbers = numbers_now(
            states,
            self.table.register.facts(rows),
            self.table.register.surroundings.spans,
            self.book,
        )
        for key, newest, fires, its in zip(
            keys, states.lots["newest"].tolist(), states.opened, numbers, strict=True
        ):
            silent = self.silences.of.get(key, {})
            one = Known(key, None, {}, silent, {})
            if newest != NEVER:
                one = Known(key, newest, self.book.open_rules(fires), silent, its)
            found.append(one)
        return found

    def _keys(self, rows: Ints) -> list[LotKey]:
        return [self.table.keys[row] for row in rows.tolist()]


@dataclass(slots=True, eq=False)
class Way:
    """Where a fold of a lot's past begins, and what it passes.

    ``start``: the lot's state at a time before what changed; None: before all. ``passed``: filled
    with its states after all that is older than each of ``stops`` (ms), but of those in its window:
    what comes late there makes no lot dirty.
    """

    start: States | None = None
    stops: Sequence[int] = ()
    passed: list[States] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """What folding lots came to, before it is so: all of what ``happened`` since their bases."""

    rows: Ints
    states: States
    changes: list[Change]
    happened: dict[int, list[Transition]]


def _told(events: list[Transition]) -> list[tuple[str, int, int]]:
    return [(event.rule, event.step, event.at) for event in events]


def _comes_and_goes(events: list[Transition]) -> bool:
    """Whether a rule began and was over within ``events``, in order of time."""
    begun: set[str] = set()
    for event in events:
        if event.step:
            begun.add(event.rule)
        elif event.rule in begun:
            return True
    return False


def _open_at(before: Mapping[str, Stood], events: list[Transition], since: int) -> dict[str, Stood]:
    """rule -> how it stood at ``since``, if it fired: by what fired ``before`` all ``events``."""
    found = dict(before)
    for event in events:
        if event.at < since:
            found[event.rule] = moved(found.get(event.rule, ()), event)
    return {rule: stood for rule, stood in found.items() if stood}


def _edge(history: Sequence[Samples], most: int) -> int:
    """From when on (ms) a lot's samples stay in its window, about ``most`` of them at most: one lot
    that is folded again is not to push out the others."""
    if not history:
        return NEVER
    first, last = int(history[0].time[0]), int(history[-1].time[-1])
    edge = last - WINDOW_MS if last - first >= 2 * WINDOW_MS else NEVER
    count = 0
    for samples in reversed(history):
        count += len(samples)
        if count > most:
            return max(edge, int(samples.time[count - most - 1]) + 1)
    return edge
