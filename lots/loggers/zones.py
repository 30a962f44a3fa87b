"""From a logger's local time to UTC: nights in which clocks are changed are told, not guessed."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.clock import DAY_MS
from lots.loggers.tables import refused

Ints = NDArray[np.int64]

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-]|\u2212)(\d{1,2})(?::?(\d{2}))?")
_IN_HEADING = re.compile(r"\b(?:UTC|GMT)(?:\s*[+-]\d{1,2}(?::?\d{2})?)?", re.IGNORECASE)
_EPOCH = date(1970, 1, 1).toordinal()
_MOST = timedelta(hours=15)


class Repeated(StrEnum):
    """Which is meant of an hour that comes twice, where the file's order does not tell."""

    EARLIER = "earlier"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone by its IANA name, or a fixed distance from UTC."""

    name: str
    info: tzinfo


class Local(NamedTuple):
    """Local times as UTC (n,) ms, and positions of those that are none, or that are two."""

    time: Ints
    missing: list[int]  # in the hour that was left out
    double: list[int]  # in the hour that came twice, and nothing tells which


def named(name: str) -> Zone:
    """``Europe/Berlin``, ``UTC``, ``+01:00``; raises `ImportRefused`."""
    text = name.strip()
    if text.upper() in ("UTC", "GMT", "Z"):
        return Zone("UTC", UTC)
    if offset := _OFFSET.fullmatch(text.upper()):
        east = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if east < _MOST:
            east = east if offset[1] == "+" else -east
            info = timezone(east)
            return Zone(str(info), info)
    try:
        if text and not text.startswith("/"):
            return Zone(text, zoneinfo.ZoneInfo(text))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise refused(
        f"there is no time zone {name[:60]!r}: write it like Europe/Berlin, UTC or +01:00", 0, ""
    )


def in_heading(heading: str) -> Zone | None:
    """The zone that a column's heading names: ``Date Time, GMT-05:00``, ``Timestamp (UTC)``."""
    found = _IN_HEADING.search(heading)
    return None if found is None else named(found[0])


def to_utc(days: Ints, clock: Ints, zone: Zone, repeated: Repeated | None) -> Local:
    """UTC of local times.

    ``days``   (n,) days since 1970, ``clock`` (n,) ms of the day, in the order of the file
    """
    local = days * DAY_MS + clock
    first, second = _offsets(days, clock, zone)
    time = local - first
    missing = np.flatnonzero(first < second)  # clocks were put forward over this time
    unsure = np.flatnonzero(first > second)
    double = _in_order(time, local - second, unsure, repeated)
    return Local(time, missing.tolist(), double)


def _offsets(days: Ints, clock: Ints, zone: Zone) -> tuple[Ints, Ints]:
    """(n,) ms east of UTC, twice: as clocks were before a change, and after it."""
    known, place = np.unique(days, return_inverse=True)
    first = np.empty(len(known), np.int64)
    steady = np.empty(len(known), np.bool_)
    for index, day in enumerate(known.tolist()):
        begins = _of(day, 0, zone)
        ends = _of(day + 1, 0, zone)
        first[index], steady[index] = begins[0], len({*begins, *ends}) == 1
    before = first[place]
    after = before.copy()
    for index in np.flatnonzero(~steady[place]).tolist():
        before[index], after[index] = _of(int(days[index]), int(clock[index]), zone)
    return before, after


def _of(day: int, clock: int, zone: Zone) -> tuple[int, int]:
    at = datetime.combine(date.fromordinal(_EPOCH + day), datetime.min.time())
    at += timedelta(milliseconds=clock)
    first, second = (
        (at.replace(fold=fold, tzinfo=zone.info).utcoffset() or timedelta()) for fold in (0, 1)
    )
    return _ms(first), _ms(second)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _in_order(
    time: Ints, later: Ints, unsure: NDArray[np.intp], repeated: Repeated | None
) -> list[int]:
    """Choose, in ``time``, by the order of the file; positions where that tells nothing."""
    if not len(unsure):
        return []
    ascending = len(time) < 2 or time[0] <= time[-1]
    nights: dict[int, list[int]] = {}
    for index in unsure.tolist():
        nights.setdefault(int(time[index]) // DAY_MS, []).append(index)
    open_: list[int] = []
    for indices in nights.values():
        changed = _stepped(time, later, indices, ascending)
        if changed:
            continue
        if repeated is None:
            open_ += indices
        elif repeated is Repeated.LATER:
            time[indices] = later[indices]
    return open_


def _stepped(time: Ints, later: Ints, indices: Sequence[int], ascending: bool) -> bool:
    """Whether the clock steps back within ``indices``; what is after the step is later."""
    order = list(indices) if ascending else list(reversed(indices))
    step = next((n for n in range(1, len(order)) if time[order[n]] <= time[order[n - 1]]), None)
    if step is None:
        return False
    time[order[step:]] = later[order[step:]]
    return True
