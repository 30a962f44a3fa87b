"""Hours at which a lot may be opened, compared by what the registry knows of it and of its site."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from lots import registry
from lots.clock import HOUR_MS
from lots.fields import instant_of, milliseconds, written
from lots.model import LotNow
from lots.normals import of_lists
from lots.records import LotRecord, SiteRecord
from lots.refusals import Missing, RegistryError
from lots.terms import Commodity
from lots.ways import stops_ahead
from rules import census, lead, whatif
from rules.forecast import Opening
from rules.knowledge import first_words
from rules.state import LEAD_TIME_CONSTANT_H
from rules.whatif import Comparison, Outside

BELIEVED_MS = 6 * HOUR_MS
"""Numbers of a lot that are older say nothing of it now. [D]"""


class Unknowable(RegistryError):
    """It cannot be worked out; the message says what is missing, and the remedy."""


class Asked(NamedTuple):
    """``at``: hours of the clock at the site (09:00, the next) or instants; ``site``: None: where
    the lot goes next, or stands; ``outside``: of the air there, °C and %RH, None: by its climate.
    """

    lot: str
    at: Sequence[str]
    site: str | None = None
    outside: tuple[float, float] | None = None


class Answer(NamedTuple):
    """``first``: what comes before all else, "" where nothing does; ``now``: ms."""

    lot: str
    site: SiteRecord | None
    now: int
    first: str
    found: Comparison

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.site.timezone if self.site else "UTC")


def answer(session: Session, tenant: str, asked: Asked, now: int) -> Answer:
    """Raises `Missing` and `Unknowable`."""
    lot, numbers = _lot(session, tenant, asked.lot, now)
    site = _site(session, tenant, asked, now)
    restrained = census.restrained(session, tenant, [asked.lot], now)[asked.lot]
    zone = ZoneInfo(site.timezone if site else "UTC")
    hours = [hours_until(each, now, zone) for each in asked.at]
    transfer = lead.transfer(lot.commodity, lot.packaging)
    lag_h = lot.time_constant_h or LEAD_TIME_CONSTANT_H
    bundle = whatif.bundle_of(numbers, lag_h, transfer)
    around = numbers.get("temperature", numbers["surface"]), numbers["dew_point"]
    try:
        found = whatif.compared(bundle, around, _outside(asked, site, now), hours)
    except ValueError as error:
        raise Unknowable(f"the hour of opening: {error}") from error
    return Answer(asked.lot, site, now, first_words(restrained.by, restrained.box), found)


def data(answer: Answer) -> dict[str, Any]:
    """For programs."""
    found = answer.found
    return {
        "lot": answer.lot,
        "now": written(answer.now),
        "site": answer.site.id if answer.site else None,
        "first": answer.first or None,
        "hours": [_data(each, answer.now) for each in found.hours],
        "dry_from": _data(found.dry, answer.now) if found.dry else None,
    }


def _data(found: Opening, now: int) -> dict[str, Any]:
    """With the instant, and what is not finite as null."""
    return {
        "at": written(now + round(found.hours * HOUR_MS)),
        **{
            name: round(value, 2) if math.isfinite(value) else None
            for name, value in asdict(found).items()
        },
        "stays_wet": found.dry_in_h == math.inf,
    }


def _lot(session: Session, tenant: str, name: str, now: int) -> tuple[LotRecord, dict[str, float]]:
    lot = registry.get(session, tenant, "lots", name)
    if not isinstance(lot, LotRecord):
        raise Missing(f"there is no lot {name!r} of tenant {tenant}")
    if lot.commodity != Commodity.LEAD:
        raise Unknowable(f"{name} is {lot.commodity}: this is worked out for lead alone")
    row = session.get(LotNow, (tenant, name))
    if row is None or not {"surface", "dew_point"} <= row.numbers.keys():
        raise Unknowable(
            f"the metal of {name} or the air around it is not known now"
            f" ({(row and row.why) or 'no reading of it was judged'}): bind a tag to it"
        )
    if now - row.at > BELIEVED_MS:
        raise Unknowable(f"{name} was last heard of at {written(row.at)}: nobody knows it now")
    return lot, row.numbers


def _site(session: Session, tenant: str, asked: Asked, now: int) -> SiteRecord | None:
    """The one that is named, where the lot goes next or went last, or where it stands."""
    name = asked.site
    if name is None:
        stop = stops_ahead(session, tenant, [asked.lot], now).get(asked.lot)
        name = stop.site if stop else None
    found = registry.get(session, tenant, "sites", name) if name is not None else None
    if asked.site is not None and found is None:
        raise Missing(f"there is no site {asked.site!r} of tenant {tenant}")
    return found if isinstance(found, SiteRecord) else None


def _outside(asked: Asked, site: SiteRecord | None, now: int) -> Outside:
    if asked.outside is not None:
        return whatif.steady(*asked.outside)
    known = "or say what the air outside is: its temperature and its humidity"
    if site is None:
        raise Unknowable(f"it is not known where the lot is or goes: name the site, {known}")
    if site.climate is None:
        raise Unknowable(
            f"the climate of {site.id} is not known: dunnage import climate FILE --site {site.id},"
            f" {known}"
        )
    return whatif.by_normals(of_lists(site.climate.model_dump()), now)


def hours_until(text: str, now: int, zone: ZoneInfo) -> float:
    """Hours from ``now`` (ms) to ``text``; raises `Unknowable`."""
    try:
        if ":" in text and len(text) <= len("09:00"):
            clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007
            here = instant_of(now).astimezone(zone)
            days = (here.date() + timedelta(days=n) for n in range(3))
            shown = [each for day in days for each in _shown(datetime.combine(day, clock), zone)]
        else:
            at = datetime.fromisoformat(text)
            shown = [milliseconds(at)] if at.tzinfo else _shown(at, zone)
        return (next((each for each in shown if each >= now), shown[0]) - now) / HOUR_MS
    except (ValueError, OverflowError) as error:
        raise Unknowable(
            f"the hour of opening {text!r} is none: write 09:00, or 2025-11-22T09:00"
        ) from error


def _shown(clock: datetime, zone: ZoneInfo) -> list[int]:
    """When a clock of ``zone`` shows this, ms: an hour that it shows twice in autumn is there
    twice; one that it leaves out in spring is so much later as it was put forward."""
    first, second = (milliseconds(clock.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    return [first, second] if second > first else [first]
