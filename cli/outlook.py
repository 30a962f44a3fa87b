"""`dunnage outlook` and `dunnage guide`: the year at a site, and what to hang up before it."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.administration import database
from cli.terminal import plain, print_json, table
from lots import registry
from lots.errors import UserError
from lots.fields import instant_of
from lots.normals import Normals, of_lists
from lots.records import SiteRecord
from lots.refusals import Missing
from lots.terms import Commodity
from rules import guides, outlook, service
from rules.outlook import HAZARDS, Season


def show(site: str, tenant: str, commodity: str | None, by_week: bool, as_json: bool) -> None:
    """Raises `UserError`."""
    record, normals = _climate(site, tenant)
    goods = [commodity] if commodity else [each.value for each in Commodity]
    if by_week:
        _print_weeks(outlook.weeks(normals))
        return
    tasks = [_task(each, season) for each in goods for season in outlook.seasons(normals, each)]
    if as_json:
        for task in tasks:
            print_json({"site": record.id, **task})
        return
    if not tasks:
        print(f"no week of the year brings these goods harm at {plain(record.name)}")
        return
    head = ("goods", "brings", "from", "to", "at worst", "be ready by", "what to do")
    rows = [tuple(str(task[name]) for name in _SHOWN) for task in tasks]
    table(head, rows)
    print(f"from {plain(record.climate.source if record.climate else '')}")


_SHOWN = ("commodity", "hazard", "from", "to", "worst", "due", "do")


def _task(commodity: str, season: Season) -> dict[str, Any]:
    hazard = HAZARDS[season.hazard]
    whole = season.all_year
    return {
        "commodity": commodity,
        "hazard": season.hazard,
        "from": "all year" if whole else _begins(season.begins),
        "to": "all year" if whole else _begins(season.ends % outlook.WEEKS + 1),
        "weeks": [season.begins, season.ends],
        "worst": f"{season.worst:.0f} {hazard.unit}",
        "due": "now" if whole else _begins(season.due),
        "do": service.advice(commodity, season.hazard),
    }


def _begins(week: int) -> str:
    """The day on which a week of the year begins, as it is written."""
    return service.day(service.week(2001, week))


def _print_weeks(brought: dict[str, Any]) -> None:
    head = ("week", "begins", *(f"{name} {HAZARDS[name].unit}" for name in brought))
    rows = [
        (str(week + 1), _begins(week + 1), *(f"{column[week]:.0f}" for column in brought.values()))
        for week in range(outlook.WEEKS)
    ]
    table(head, rows)


def _climate(site: str, tenant: str) -> tuple[SiteRecord, Normals]:
    with database() as engine, registry.reading(engine) as session:
        record = registry.get(session, tenant, "sites", site)
    if not isinstance(record, SiteRecord):
        raise Missing(f"there is no site {plain(site)!r} of tenant {plain(tenant)}")
    if record.climate is None:
        raise UserError(
            f"the climate of {plain(site)} is not known: dunnage import climate FILE --site"
            f" {plain(site)}"
        )
    return record, of_lists(record.climate.model_dump())


def write_guide(
    commodity: str, hazard: str, language: str, site: str | None, tenant: str, file: Path | None
) -> None:
    """A page of HTML to ``file``, or to standard output. Raises `UserError`."""
    season = None
    if site is not None:
        record, normals = _climate(site, tenant)
        its = [each for each in outlook.seasons(normals, commodity) if each.hazard == hazard]
        season = guides.Season(record.name, None if any(s.all_year for s in its) else _spans(its))
    try:
        page = guides.page(commodity, hazard, language, season)
    except guides.NoGuide as error:
        raise UserError(str(error)) from error
    if file is None:
        print(page if _is_utf_8() else _in_ascii(page), end="")
        return
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from error
    print(f"wrote {plain(str(file))}: print it from a browser")


def _spans(of: Iterable[Season]) -> list[tuple[datetime, datetime]]:
    """From and to, of any year."""
    weeks = ((each.begins, each.ends % outlook.WEEKS + 1) for each in of)
    return [(_instant(begins), _instant(ends)) for begins, ends in weeks]


def _instant(week: int) -> datetime:
    return instant_of(service.week(2001, week))


def _is_utf_8() -> bool:
    return codecs.lookup(sys.stdout.encoding).name == "utf-8"


def _in_ascii(page: str) -> str:
    """For a standard output that lacks Chinese, or has other bytes for it than the page says."""
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")
