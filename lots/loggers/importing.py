"""A logger's readings for the worker: its tag and binding made, its readings in the inbox.

They go the way of all readings, as messages in the native format without counters: what tells them
apart is their time and values, so that the same file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import ValidationError
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lots import inbox, registry
from lots.fields import instant_of, written
from lots.inbox import Backlog, Handed
from lots.loggers.files import Found, tag_named
from lots.model import Binding
from lots.records import WEEK_S, BindingRecord, TagRecord
from lots.refusals import RegistryError
from lots.spreadsheet import ImportRefused, Problem
from lots.terms import Placement
from lots.whereabouts import FOREVER, without

SHOWN = 5
"""Readings of a preview."""

MESSAGE_READINGS = 1000
MESSAGE_BYTES = 200_000
"""About so many at most: the worker takes messages of up to 256 KiB."""

NONE = Backlog(0, 0)


@dataclass(frozen=True, slots=True)
class Destination:
    """What a logger watched: a lot or a place; ``tag`` is what it is to be called."""

    lot: str | None = None
    place: str | None = None
    placement: Placement = Placement.AIR
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or would do.

    ``registers``: the tag is new; ``bindings``: ids of new ones; ``queued``: what the worker was
    given now, ``waiting``: what of the tenant's it has not taken yet.
    """

    found: Found
    to: Destination
    tag: str | None
    registers: bool
    bindings: list[str]
    problems: list[Problem]
    queued: Backlog
    waiting: Backlog

    @property
    def applied(self) -> bool:
        return self.queued.messages > 0


def import_readings(
    session: Session,
    tenant: str,
    found: Found,
    to: Destination,
    *,
    name: str = "",
    now: int,
    apply: bool,
) -> Report:
    """Register, bind and queue in the caller's transaction; without ``apply`` only find out.

    ``name``: the file's. Raises `ImportRefused` where ``apply`` meets a problem: nothing is done.
    """
    tag = to.tag or tag_named(found, name)
    problems = [*found.problems, *_missing(found, to, tag)]
    registers, bindings = False, list[str]()
    if tag is not None and len(found.time) and not _missing(found, to, tag):
        with session.begin_nested() as savepoint:
            try:
                registers = _register(session, tenant, found, tag)
                bindings = _bind(session, tenant, found, to, tag)
            except RegistryError as error:
                problems.append(Problem(0, error.field, str(error)))
            if problems or not apply:
                savepoint.rollback()
    if apply and problems:
        raise ImportRefused(problems)
    queued = NONE
    if apply and tag is not None:
        queued = inbox.hand_in(session, messages(tenant, tag, found, now))
    waiting = inbox.backlog(session, tenant)
    return Report(found, to, tag, registers, bindings, problems, queued, waiting)


def messages(tenant: str, tag: str, found: Found, now: int) -> Iterator[Handed]:
    """The readings as the tag would have sent them, a portion at a time."""
    size = sum(len(quantity) + 30 for quantity in found.values) + 30
    portion = max(1, min(MESSAGE_READINGS, MESSAGE_BYTES // size))
    topic = f"dunnage/v1/{tenant}/{tag}/readings"
    for start in range(0, len(found.time), portion):
        readings = _readings(found, start, start + portion)
        yield Handed(tenant, topic, msgspec.json.encode(readings), now, len(readings))


def described(report: Report) -> dict[str, Any]:
    """A report for programs and people."""
    found, to = report.found, report.to
    span = [written(int(at)) for at in (found.time.min(), found.time.max())] if _any(found) else []
    interval = found.interval_ms
    return {
        "applied": report.applied,
        "tag": report.tag,
        "lot": to.lot,
        "place": to.place,
        "placement": str(to.placement),
        "registers_tag": report.registers,
        "new_bindings": report.bindings,
        "columns": [
            {"heading": c.heading, "is": c.quantity, "unit": c.unit, "why": c.why or None}
            for c in found.columns
        ],
        "zone": None if found.zone is None else found.zone.name,
        "dates": found.dates,
        "rows": found.rows,
        "readings": len(found.time),
        "without_values": found.blank,
        "left_out": found.skipped,
        "from": span[0] if span else None,
        "to": span[1] if span else None,
        "interval_s": None if interval is None else interval / 1000,
        "first": [_shown(each) for each in _readings(found, 0, SHOWN)],
        "problems": [
            {"row": each.row or None, "column": each.column or None, "message": each.message}
            for each in report.problems
        ],
        "more_problems": found.more_problems,
        "queued": report.queued._asdict(),
        "waiting": report.waiting._asdict(),
    }


def _any(found: Found) -> bool:
    return len(found.time) > 0


def _shown(reading: dict[str, Any]) -> dict[str, Any]:
    return reading | {"t": written(reading["t"])}


def _readings(found: Found, start: int, stop: int) -> list[dict[str, Any]]:
    columns = {name: column[start:stop].tolist() for name, column in found.values.items()}
    readings = []
    for index, at in enumerate(found.time[start:stop].tolist()):
        values = {name: column[index] for name, column in columns.items()}
        readings.append({"t": at} | {n: value for n, value in values.items() if value == value})
    return readings


def _missing(found: Found, to: Destination, tag: str | None) -> list[Problem]:
    """What has to be said beside the file."""
    problems = []
    if tag is None:
        why = "the file does not say what the logger is called: say its tag"
        problems.append(Problem(0, "tag", why))
    if (to.lot is None) == (to.place is None):
        why = "say what the logger watched: a lot or a place, one of the two"
        problems.append(Problem(0, "lot", why))
    if not _any(found) and not found.problems:
        problems.append(Problem(0, "", "it has no reading that could be taken"))
    return problems


def _register(session: Session, tenant: str, found: Found, tag: str) -> bool:
    """Whether the tag is new."""
    if registry.get(session, tenant, "tags", tag) is not None:
        return False
    interval = found.interval_ms or 3_600_000
    try:
        record = TagRecord(id=tag, interval_s=min(max(1, round(interval / 1000)), WEEK_S))
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise RegistryError(f"{tag!r} cannot be a tag: {why}", "tag") from error
    registry.put(session, tenant, "tags", record)
    return True


def _bind(session: Session, tenant: str, found: Found, to: Destination, tag: str) -> list[str]:
    """Bind the tag for what of the file's span no binding of it covers; ids of what is new."""
    begins = int(found.time.min())
    ends = int(found.time.max()) + (found.interval_ms or 1000)
    query = select(Binding).where(
        Binding.tenant == tenant,
        Binding.tag == tag,
        Binding.begins < ends,
        or_(Binding.ends.is_(None), Binding.ends > begins),
    )
    there = session.scalars(query.order_by(Binding.begins)).all()
    for each in there:
        if (each.lot, each.place, each.placement) != (to.lot, to.place, to.placement):
            raise RegistryError(_elsewhere(tag, each), "tag")
    covered = [(each.begins, FOREVER if each.ends is None else each.ends) for each in there]
    made = []
    for start, end in without(begins, ends, covered):
        record = BindingRecord(
            tag=tag,
            lot=to.lot,
            place=to.place,
            placement=to.placement,
            begins=instant_of(start),
            ends=instant_of(end),
        )
        registry.put(session, tenant, "bindings", record)
        made.append(record.id)
    return made


def _elsewhere(tag: str, binding: Binding) -> str:
    where = f"lot {binding.lot!r}" if binding.lot is not None else f"place {binding.place!r}"
    until = "until further" if binding.ends is None else f"to {written(binding.ends)}"
    return (
        f"tag {tag!r} is bound to {where} ({binding.placement}) from {written(binding.begins)}"
        f" {until}, within the time of this file: end or change binding {binding.id!r} first, or"
        " say another tag"
    )
