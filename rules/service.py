"""Preventive service: what is to be done at a site before a season that is hard on goods. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

from lots.clock import DAY_MS
from lots.normals import Normals
from rules.outlook import WEEKS, Season, seasons

EARLY_MS: Final = 14 * DAY_MS
"""So long before it is due a task is told. [D]"""

READY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sweat": "put tags on the metal, agree on dry hours for arrivals",
        "damp": "check dehumidifiers and desiccant",
        "frost": "bring what stands outdoors under a roof",
        "moth": "hang up traps, sweep, and look through returned bales",
    }
)
"""What is to be done before a season, besides sending the guide."""


class Task(NamedTuple):
    """Of goods at a site: to be done by ``due``, before ``begins`` <= t < ``ends``, ms. ``guide``:
    its name, for `rules.guides.page`."""

    commodity: str
    hazard: str
    begins: int
    ends: int
    due: int
    title: str
    action: str
    guide: str


def due(site: str, normals: Normals, commodity: str, now: int) -> list[Task]:
    """What is due soon or is overdue at ``now`` (ms) at a ``site`` with that climate; by time."""
    year = datetime.fromtimestamp(now / 1000, UTC).year
    found = (
        _task(site, commodity, season, each)
        for season in seasons(normals, commodity)
        for each in (year - 1, year, year + 1)
    )
    its = (task for task in found if task.due - EARLY_MS <= now < task.ends)
    return sorted(its, key=lambda task: (task.due, task.hazard))


def _task(site: str, commodity: str, season: Season, year: int) -> Task:
    begins, ends, ready = _times(season, year)
    when = "all year" if season.all_year else f"from {day(begins)} to {day(ends)}"
    return Task(
        commodity,
        season.hazard,
        begins,
        ends,
        ready,
        f"{site}: {season.hazard} {when} ({commodity})",
        f"Be ready by {day(ready)}: {advice(commodity, season.hazard)}.",
        f"{commodity} {season.hazard}",
    )


def advice(commodity: str, hazard: str) -> str:
    return f"send the storage guide (dunnage guide {commodity} {hazard}); {READY[hazard]}"


def _times(season: Season, year: int) -> tuple[int, int, int]:
    """When a season that begins in ``year`` does, ends, and what is before it is due; ms."""
    begins = week(year, season.begins)
    if season.all_year:
        return begins, week(year + 1, 1), begins
    over = season.ends < season.begins
    ready = season.due > season.begins
    return (
        begins,
        week(year + over, season.ends + 1),
        week(year - ready, season.due),
    )


def week(year: int, number: int) -> int:
    """When a week of a year begins, 1 to 52, ms; 53: the year after."""
    if number > WEEKS:
        return week(year + 1, number - WEEKS)
    begins = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=(number - 1) * 365 / WEEKS)
    return int(begins.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1000


def day(time: int) -> str:
    """The day of ``time`` (ms), as it is written."""
    at = datetime.fromtimestamp(time / 1000, UTC)
    return f"{at.day} {at:%B}"
