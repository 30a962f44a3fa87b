"""A lot's trends by what the registry and the store have of it: what is said now, and its score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

from lots import climate, facts
from lots.calibration import corrections_of
from lots.climate import Corrections, LotKey
from lots.clock import DAY_MS, HOUR_MS
from lots.fields import written
from lots.model import LotNow
from lots.readings.batch import TagKey
from lots.readings.store import ReadingHistory
from lots.refusals import Missing
from lots.terms import Commodity
from lots.whereabouts import Source
from rules import census, mould, trends
from rules.state import LotFacts
from rules.trends import Ahead, Course, Hindcast, Said, Score

BELIEVED_MS: Final = 6 * HOUR_MS
"""What was heard longer ago says nothing of a lot now. [D]"""
RECORD_MS: Final = 366 * DAY_MS
"""So much of wool's record is folded for its mould: what grew before is not known of. [D]"""
FULL_H: Final = 12 * 24
"""Hours that a probability takes."""


class Lot(NamedTuple):
    """What the registry says of a lot; ``now`` is what the rules know of it, None: nothing yet."""

    facts: LotFacts
    sources: Sequence[Source]
    corrections: Mapping[TagKey, Corrections]
    now: LotNow | None

    @property
    def key(self) -> LotKey:
        return LotKey(self.facts.tenant, self.facts.lot)

    @property
    def is_lead(self) -> bool:
        return self.facts.commodity == Commodity.LEAD

    @property
    def harm(self) -> str:
        """What it is called when its room runs out."""
        return "sweat" if self.is_lead else "damp"


class Trends(NamedTuple):
    """``newest``: ms, of its last reading, None without any; ``mould``: of wool alone."""

    lot: Lot
    newest: int | None
    course: Course
    mould: mould.Course | None


def known(session: Session, tenant: str, lots: Sequence[str] | None = None) -> list[Lot]:
    """Of these ``lots``, or of all; raises `Missing` for one that is not there."""
    told = dict(census.lot_facts(session, tenant, lots))
    for lot in lots or ():
        if LotKey(tenant, lot) not in told:
            raise Missing(f"there is no lot {lot!r} of tenant {tenant}")
    where = facts.whereabouts_of(session, tenant, [key.lot for key in told])
    found = []
    for key, its in sorted(told.items()):
        sources = where[key.lot].sources
        tags = corrections_of(session, tenant, {source.tag for source in sources})
        corrections = {TagKey(tenant, tag): one for tag, one in tags.items()}
        found.append(Lot(its, sources, corrections, session.get(LotNow, key)))
    return found


def read(store: ReadingHistory, lot: Lot, now: int) -> Trends:
    """From its stored readings up to ``now`` (ms); raises what ``store`` does."""
    recent = now - trends.READ_MS
    begins = recent if lot.is_lead else now - RECORD_MS
    windows = climate.of_lot(store, lot.key, lot.sources, lot.corrections, begins, now + 1)
    history = list(windows)
    samples = [one for each in history if len(one := each.take(each.time >= recent))]
    newest = int(samples[-1].time[-1]) if samples else None
    if lot.is_lead:
        return Trends(lot, newest, trends.course(samples, lot.facts.lag_h), None)
    its = mould.course(lot.facts, history)
    return Trends(lot, newest, trends.course(samples, None), its)


def scores(found: Sequence[Trends]) -> list[Score]:
    """Of all of them together, by rule and hours ahead."""
    return trends.scores([_said_before(one) for one in found])


def _said_before(of: Trends) -> dict[tuple[str, int], Hindcast]:
    grows = {} if of.mould is None else mould.said_before(of.mould)
    return trends.said_before(of.course, of.lot.harm) | grows


def data(found: Trends, now: int) -> dict[str, Any]:
    """For programs; null is not known. ``now``: ms."""
    lot, newest = found.lot, found.newest
    said = trends.ahead(found.course)
    return {
        "lot": lot.key.lot,
        "newest": None if newest is None else written(newest),
        "missing": _missing(said, found, now),
        "harm": lot.harm,
        "hours": [_hour(one, newest, lot.harm) for one in said if newest is not None],
        "mould": None if lot.is_lead else _mould(lot.now, now),
        "score": [one._asdict() for one in scores([found])],
    }


def _hour(one: Ahead, newest: int, harm: str) -> dict[str, Any]:
    return {
        "hours": one.hours,
        "at": written(newest + one.hours * HOUR_MS),
        **{name: _said(its) for name, its in one.said.items()},
        harm: _finite(one.likely, 3),
    }


def _said(one: Said) -> dict[str, float | None] | None:
    if math.isnan(one.mean):
        return None
    return {"mean": _finite(one.mean, 2), "spread": _finite(one.spread, 2)}


def _finite(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _missing(said: Sequence[Ahead], found: Trends, now: int) -> str | None:
    """What it takes that is not there, in words."""
    if found.newest is None:
        return "no reading of it in the last 30 days: bind a tag to it"
    if now - found.newest > BELIEVED_MS:
        return f"it was last heard of at {written(found.newest)}: this is said from then on"
    if not any(math.isnan(one.likely) for one in said):
        return None
    hours = len(found.course.room)
    if hours < FULL_H:
        return (
            "a mean takes eight days of readings, a spread and a probability twelve; there are"
            f" {hours / 24:.1f}"
        )
    return "hours of the last two weeks are missing: a gap of more than three hours is not filled"


def _mould(now: LotNow | None, at: int) -> dict[str, Any]:
    """Days until the first growth if the climate stays as it is, and how likely it comes within so
    many. ``grows`` None: not known."""
    numbers = {} if now is None or at - now.at > BELIEVED_MS else now.numbers
    index, hours = numbers.get("mould_index"), numbers.get("mould_in_hours")
    # The numbers are those that are finite: with an index and without hours it never comes.
    never = math.nan if index is None else math.inf
    expected = never if hours is None else hours
    return {
        "index": index,
        "grows": None if index is None else hours is not None,
        "in_days": None if hours is None else round(hours / 24.0, 1),
        "within": [
            {"hours": ahead, "likely": _finite(float(mould.likely(expected, ahead)), 3)}
            for ahead in mould.AHEAD_H
        ],
    }
