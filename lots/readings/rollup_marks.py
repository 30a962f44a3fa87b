"""Which rollups are stale: marked where a reading comes or a correction changes, until made again.

A mark is written in the transaction that makes it necessary. Removing one asks for the number it
had when the making began, so that what came meanwhile is not lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from lots.clock import DAY_MS, HOUR_MS
from lots.model import StaleRollup
from lots.readings.batch import TagKey
from lots.upserts import rows_on_sqlite
from lots.whereabouts import FOREVER

OPEN = FOREVER
"""``until`` of what is stale up to the present."""

_PORTION = 500  # ids in one question

_MARK_ON_POSTGRESQL = text(
    "insert into stale_rollups (tenant, tag, step, start, until, mark)"
    " select a.tenant, a.tag, :step, a.start, a.until, 1 from unnest("
    "cast(:tenants as text[]), cast(:tags as text[]), cast(:starts as bigint[]),"
    " cast(:untils as bigint[])) as a (tenant, tag, start, until)"
    " order by a.tenant, a.tag, a.start"  # whoever else marks does so in this order: no deadlock
    " on conflict (tenant, tag, step, start) do update"
    " set mark = stale_rollups.mark + 1, until = greatest(stale_rollups.until, excluded.until)"
)

# Which row is meant, and that nothing marked it since. The sum keeps PostgreSQL, when it knows
# nothing of the table yet, from looking through all tags of an hour for each.
_DONE_ON_POSTGRESQL = text(
    "delete from stale_rollups s using unnest("
    "cast(:tenants as text[]), cast(:tags as text[]), cast(:starts as bigint[]),"
    " cast(:untils as bigint[]), cast(:marks as bigint[])) as a (tenant, tag, start, until, mark)"
    " where s.tenant = a.tenant and s.tag = a.tag and s.step = :step and s.start + 0 = a.start"
    " and s.mark = a.mark"
)

_MARK_ON_SQLITE = (
    "insert into stale_rollups (tenant, tag, step, start, until, mark) values {rows}"
    " on conflict (tenant, tag, step, start) do update"
    " set mark = mark + 1, until = max(until, excluded.until)"
)

_DONE_ON_SQLITE = (
    "delete from stale_rollups where (tenant, tag, step, start, mark) in (values {rows})"
)


class Span(NamedTuple):
    """The steps of ``tag`` that start from ``start`` to ``until``, both included, ms."""

    tag: TagKey
    start: int
    until: int


class Stale(NamedTuple):
    """A span that is marked, and the number of its mark."""

    span: Span
    mark: int


def mark(session: Session, step: int, spans: Iterable[Span]) -> None:
    """Say that the ``step``s of ``spans`` are stale, in the caller's transaction; in bulk."""
    rows = _merged(spans)
    if not rows:
        return
    if _is_postgresql(session):
        session.execute(_MARK_ON_POSTGRESQL, {"step": step, **_columns(rows)})
    else:
        values = [(*tag, step, start, until, 1) for tag, start, until in rows]
        rows_on_sqlite(session, _MARK_ON_SQLITE, values)


def due(session: Session, step: int, before: int, limit: int) -> list[Stale]:
    """The ``limit`` newest spans of ``step``s that all start before ``before`` (ms).

    But those that go up to the present: of them it is the first that does.
    """
    query = (
        select(StaleRollup)
        .where(
            StaleRollup.step == step,
            StaleRollup.start < before,
            or_(StaleRollup.until < before, StaleRollup.until == OPEN),
        )
        .order_by(StaleRollup.start.desc(), StaleRollup.tenant, StaleRollup.tag)
        .limit(limit)
    )
    return [
        Stale(Span(TagKey(row.tenant, row.tag), row.start, row.until), row.mark)
        for row in session.scalars(query)
    ]


def done(session: Session, step: int, made: Sequence[Stale]) -> None:
    """Remove what was made, unless it was marked again since."""
    if not made:
        return
    if _is_postgresql(session):
        marks = [stale.mark for stale in made]
        values = {"step": step, "marks": marks, **_columns([stale.span for stale in made])}
        session.execute(_DONE_ON_POSTGRESQL, values)
    else:
        rows = [(*s.span.tag, step, s.span.start, s.mark) for s in made]
        rows_on_sqlite(session, _DONE_ON_SQLITE, rows)


def shorten(session: Session, step: int, made: Iterable[tuple[Stale, int]]) -> None:
    """What starts after the instant beside each was made, unless it was marked again since."""
    for stale, until in made:
        (tenant, tag), start, _ = stale.span
        row = (
            StaleRollup.tenant == tenant,
            StaleRollup.tag == tag,
            StaleRollup.step == step,
            StaleRollup.start == start,
            StaleRollup.mark == stale.mark,
        )
        session.execute(update(StaleRollup).where(*row).values(until=until))


def stale_of(
    session: Session, tenant: str, tags: Collection[str], step: int, begins: int, ends: int
) -> dict[str, list[Span]]:
    """tag -> its spans of stale ``step``s that start in begins <= t < ends, ms."""
    found: dict[str, list[Span]] = {}
    asked = sorted(tags)
    for first in range(0, len(asked), _PORTION):
        query = select(StaleRollup).where(
            StaleRollup.tenant == tenant,
            StaleRollup.tag.in_(asked[first : first + _PORTION]),
            StaleRollup.step == step,
            StaleRollup.start < ends,
            StaleRollup.until >= begins,
        )
        for row in session.scalars(query):
            key = TagKey(tenant, row.tag)
            found.setdefault(row.tag, []).append(Span(key, row.start, row.until))
    return found


def waiting(session: Session) -> int:
    """How many marks there are."""
    return session.scalar(select(func.count()).select_from(StaleRollup)) or 0


def recalibrated(session: Session, tenant: str, since: dict[str, int]) -> None:
    """The corrections of each tag are others from its ``since`` (ms) on: its hours wet are too."""
    spans = [Span(TagKey(tenant, tag), at - at % HOUR_MS, OPEN) for tag, at in since.items()]
    mark(session, HOUR_MS, spans)


def days_of(hours: Iterable[Span], now: int) -> list[Span]:
    """The days that ``hours`` are in."""
    days = [
        Span(span.tag, span.start - span.start % DAY_MS, span.until - span.until % DAY_MS)
        for span in hours
    ]
    return [part for span in days for part in apart(span, DAY_MS, now)]


def apart(span: Span, step: int, now: int) -> list[Span]:
    """``span`` with the ``step``s that are not over at ``now`` (ms) for themselves.

    A span is made when the last of it is over: the others should not wait for that.
    """
    tag, start, until = span
    present = now // step * step
    if start == until or until < present:
        return [span]
    ahead = [Span(tag, at, at) for at in range(max(start, present), until + step, step)]
    return [Span(tag, start, present - step), *ahead] if start < present else ahead


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Without two that start alike: a statement may touch a row once."""
    found: dict[tuple[TagKey, int], int] = {}
    for tag, start, until in spans:
        found[tag, start] = max(found.get((tag, start), until), until)
    return sorted(Span(tag, start, until) for (tag, start), until in found.items())


def _columns(spans: Sequence[Span]) -> dict[str, list[Any]]:
    """For PostgreSQL, which takes columns faster than rows."""
    return {
        "tenants": [span.tag.tenant for span in spans],
        "tags": [span.tag.tag for span in spans],
        "starts": [span.start for span in spans],
        "untils": [span.until for span in spans],
    }


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
