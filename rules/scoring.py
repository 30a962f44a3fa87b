"""How good alerts are, laid beside what really happened. Pure.

Times are ms since 1970 UTC. What is true comes as columns on a grid: a value holds from its instant
to the next one's. A *page* is what people were told when a rule began to fire; what counts of it is
when they were told. Definitions: ``docs/decisions/evaluation.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple, TypeVar

import numpy as np

from lots.clock import HOUR_MS
from lots.readings.batch import Bools, Floats, Ints
from lots.whereabouts import FOREVER, without

FILM_G_M2: Final = 5.0
FILM_MS: Final = HOUR_MS // 2
"""A true film: at least so much water for at least so long."""

MOULD_INDEX: Final = 1.0

BEFORE_MS: Final = 72 * HOUR_MS
AFTER_MS: Final = HOUR_MS // 2
"""A page hits an event from so long before its onset to so long after it."""

MONTH_H: Final = 730.5
"""Hours in a twelfth of 365.25 days."""

T = TypeVar("T")


class Span(NamedTuple):
    """begins <= t < ends; ``FOREVER``: to the end of what is known."""

    begins: int
    ends: int


class Page(NamedTuple):
    """People were told at ``told`` that a rule fires, and at ``lifted`` that it does no more
    (`FOREVER`: they were not)."""

    told: int
    lifted: int = FOREVER


class Event(NamedTuple):
    """What really happened to a lot. ``heard``: some reading of the lot arrived while a page could
    have hit it; ``expected``: it followed a known change of leg."""

    begins: int
    ends: int
    heard: bool = True
    expected: bool = False


# What is true.


def spans(time: Ints, so: Bools, least_ms: int = 0) -> list[Span]:
    """Where it is ``so`` (n,) for at least ``least_ms``; one that lasts to the end of ``time`` (n,)
    has no end, and counts as going on for one more step of the grid."""
    if not len(time):
        return []
    edges = np.diff(np.concatenate(([False], so, [False])).astype(np.int8))
    beyond = 2 * time[-1] - time[-2] if len(time) > 1 else time[-1]
    until = np.concatenate((time, [beyond]))
    found = []
    for first, after in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if until[after] - until[first] >= least_ms:
            ends = int(time[after]) if after < len(time) else FOREVER
            found.append(Span(int(time[first]), ends))
    return found


def films(time: Ints, film: Floats) -> list[Span]:
    """Where a surface is wet: ``film`` (n,) g/m² of at least 5 for at least 30 minutes."""
    return spans(time, film >= FILM_G_M2, FILM_MS)


def moulds(time: Ints, index: Floats) -> list[Span]:
    """From when the VTT ``index`` (n,) first reaches 1: at most one, what has grown has grown."""
    return [Span(each.begins, FOREVER) for each in spans(time, index >= MOULD_INDEX)[:1]]


def stood_wet(time: Ints, film: Floats, limit_h: float, dry_h: float) -> list[Span]:
    """Where the hours of film in one spell pass ``limit_h``; ``dry_h`` dry hours end a spell."""
    if not len(time):
        return []
    hours = np.diff(time, append=time[-1]) / HOUR_MS
    wet = film >= FILM_G_M2
    total = np.concatenate(([0.0], np.cumsum(wet * hours)))[:-1]  # up to each instant
    over = np.zeros(len(time), np.bool_)
    for dry in spans(time, ~wet, round(dry_h * HOUR_MS)):
        over |= (time >= dry.begins + dry_h * HOUR_MS) & (time <= dry.ends)
    before = np.maximum.accumulate(np.where(over, total, 0.0))
    return spans(time, total - before >= limit_h)


def unfit(water: Iterable[Span], dry_h: float) -> list[Span]:
    """Where a lot must not go to the furnace: ``water`` on it or in it, or not yet dry for
    ``dry_h`` since."""
    found: list[Span] = []
    for begins, ends in sorted(water):
        dried = min(ends + round(dry_h * HOUR_MS), FOREVER)
        if found and begins <= found[-1].ends:
            last = found.pop()
            begins, dried = last.begins, max(dried, last.ends)
        found.append(Span(begins, dried))
    return found


# What was told of it.


def matched(
    events: Sequence[Event], pages: Sequence[Page], before_ms: int = BEFORE_MS
) -> list[int | None]:
    """The page that hits each event, by its position: one page for one event, as many hits as
    there can be. Both by time."""
    found: list[int | None] = []
    page = 0
    for event in events:
        while page < len(pages) and pages[page].told < event.begins - before_ms:
            page += 1
        if page < len(pages) and pages[page].told <= event.begins + AFTER_MS:
            found.append(page)
            page += 1
        else:
            found.append(None)
    return found


def is_false(page: Page, happened: Iterable[Span | Event], before_ms: int = BEFORE_MS) -> bool:
    """No event begins within 72 h of the page, and none lasts when it comes."""
    return not any(
        each.begins - before_ms <= page.told <= max(each.ends, each.begins + AFTER_MS)
        for each in happened
    )


def outcome(event: Event, pages: Iterable[Page]) -> str:
    """Why no page hit an event: ``unheard``, nothing of the lot arrived in time; ``standing``, the
    rule fired all along, by a page that is too old or another event's; ``late``, told after the 30
    minutes, while it lasted; else ``untold``."""
    if not event.heard:
        return "unheard"
    told = list(pages)
    if any(page.told <= event.begins < page.lifted for page in told):
        return "standing"
    if any(event.begins < page.told < event.ends for page in told):
        return "late"
    return "untold"


@dataclass(frozen=True, slots=True)
class Tally:
    """Of any number of lots: they add up. ``leads``: hours from page to onset, of the hits of
    expected events."""

    events: int = 0
    heard: int = 0
    hits: int = 0
    pages: int = 0
    false: int = 0
    lot_hours: float = 0.0
    leads: tuple[float, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.events + other.events,
            self.heard + other.heard,
            self.hits + other.hits,
            self.pages + other.pages,
            self.false + other.false,
            self.lot_hours + other.lot_hours,
            self.leads + other.leads,
        )

    @property
    def precision(self) -> float | None:
        """The share of pages that are not false; None without a page."""
        return 1.0 - self.false / self.pages if self.pages else None

    @property
    def recall(self) -> float | None:
        """The share of events that a page hit; None without an event."""
        return self.hits / self.events if self.events else None

    @property
    def recall_heard(self) -> float | None:
        """The same of events of which anything could be told."""
        return self.hits / self.heard if self.heard else None

    @property
    def median_lead_h(self) -> float | None:
        """Hours; below 0 after the onset. None without a hit of an expected event."""
        return median(self.leads) if self.leads else None

    @property
    def false_per_lot_month(self) -> float | None:
        """None where no lot was watched for any time."""
        return self.false / self.lot_hours * MONTH_H if self.lot_hours else None


def scored(
    events: Sequence[Event],
    pages: Sequence[Page],
    lot_hours: float,
    besides: Iterable[Span] = (),
    before_ms: int = BEFORE_MS,
) -> Tally:
    """One lot's tally of ``lot_hours``; ``besides``: what happened too and makes a page not false,
    without being an event to tell of. ``events`` and ``pages`` by time."""
    found = matched(events, pages, before_ms)
    hits = [(e, pages[n]) for e, n in zip(events, found, strict=True) if n is not None]
    happened: list[Span | Event] = [*events, *besides]
    return Tally(
        events=len(events),
        heard=sum(event.heard for event in events),
        hits=len(hits),
        pages=len(pages),
        false=sum(is_false(page, happened, before_ms) for page in pages),
        lot_hours=lot_hours,
        leads=tuple((e.begins - page.told) / HOUR_MS for e, page in hits if e.expected),
    )


@dataclass(frozen=True, slots=True)
class Furnace:
    """Of any number of lots: they add up. ``unfit_lots``: lots that must not go to the furnace at
    some time, ``shown_otherwise`` of them shown as something else meanwhile, for ``missed_h``;
    ``shown_late`` of these in their first 30 minutes alone, before a reading came.
    ``needless_h`` shown as not fit without a reason, of ``fit_h`` without one."""

    unfit_lots: int = 0
    shown_otherwise: int = 0
    missed_h: float = 0.0
    needless_h: float = 0.0
    fit_h: float = 0.0
    shown_late: int = 0

    def __add__(self, other: Furnace) -> Furnace:
        return Furnace(
            self.unfit_lots + other.unfit_lots,
            self.shown_otherwise + other.shown_otherwise,
            self.missed_h + other.missed_h,
            self.needless_h + other.needless_h,
            self.fit_h + other.fit_h,
            self.shown_late + other.shown_late,
        )

    @property
    def needless(self) -> float | None:
        """The share of time without a reason in which a lot is shown as not fit."""
        return self.needless_h / self.fit_h if self.fit_h else None


def furnace(whole: Span, truly: Sequence[Span], shown: Sequence[Page]) -> Furnace:
    """One lot's, in ``whole``: when it was ``truly`` unfit beside when it was ``shown`` as such."""
    told = [(page.told, page.lifted) for page in shown]
    missed = [
        (span, Span(*left))
        for span in truly
        for left in without(max(span.begins, whole.begins), min(span.ends, whole.ends), told)
    ]
    otherwise = any(left.ends > span.begins + AFTER_MS for span, left in missed)
    fit = [Span(*left) for left in without(*whole, truly)]
    silent = _hours(left for span in fit for left in without(*span, told))
    wet = any(span.begins < whole.ends and span.ends > whole.begins for span in truly)
    return Furnace(
        unfit_lots=int(wet),
        shown_otherwise=int(bool(missed)),
        shown_late=int(bool(missed) and not otherwise),
        missed_h=_hours(left for _, left in missed),
        needless_h=_hours(fit) - silent,
        fit_h=_hours(fit),
    )


def _hours(of: Iterable[tuple[int, int]]) -> float:
    return sum(max(ends - begins, 0) for begins, ends in of) / HOUR_MS


# What everybody has.


def chosen(candidates: Mapping[T, Tally], recall: float | None) -> T:
    """Of baselines with their tallies, the one to compare with: of those that hit at least the
    share ``recall`` of the events the one with the fewest false pages; where none does, of those
    that hit most."""
    most = max(tally.recall or 0.0 for tally in candidates.values())
    enough = min(recall or 0.0, most)
    good = [each for each, tally in candidates.items() if (tally.recall or 0.0) >= enough]
    return min(good, key=lambda each: candidates[each].false_per_lot_month or 0.0)
