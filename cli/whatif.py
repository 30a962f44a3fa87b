"""`dunnage whatif`: what comes of outside air reaching a lot at one hour or another."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cli.administration import database
from cli.terminal import plain, table
from lots import facts, registry
from lots.clock import HOUR_MS
from lots.errors import UserError
from lots.fields import instant_of, milliseconds, written
from lots.model import Leg, LotNow, Place, ShipmentLot
from lots.normals import of_lists
from lots.records import LotRecord, SiteRecord
from lots.refusals import Missing
from lots.settings import load
from lots.terms import Commodity, Packaging
from rules import census, lead, whatif
from rules.forecast import Opening
from rules.knowledge import first_words
from rules.state import LEAD_TIME_CONSTANT_H
from rules.whatif import Comparison, Outside

BELIEVED_MS = 6 * HOUR_MS
"""Numbers of a lot that are older say nothing of it now. [D]"""


class Asked(NamedTuple):
    """The command's arguments."""

    lot: str
    at: Sequence[str]
    tenant: str
    site: str | None
    outside: tuple[float, float] | None
    as_json: bool


def run(asked: Asked) -> None:
    """Raises `UserError`."""
    now = load().clock.now_ms()
    with database() as engine, registry.reading(engine) as session:
        lot, numbers = _lot(session, asked, now)
        site = _site(session, asked, now)
        restrained = census.restrained(session, asked.tenant, [asked.lot], now)[asked.lot]
    zone = ZoneInfo(site.timezone if site else "UTC")
    hours = [_hours(each, now, zone) for each in asked.at]
    tau = lot.time_constant_h or LEAD_TIME_CONSTANT_H
    transfer = lead.TRANSFERS.get(lot.packaging, lead.TRANSFERS[Packaging.STRAPPED])
    bundle = whatif.bundle_of(numbers, tau, transfer)
    around = numbers.get("temperature", numbers["surface"]), numbers["dew_point"]
    try:
        found = whatif.compared(bundle, around, _outside(asked, site, now), hours)
    except ValueError as error:
        raise UserError(f"--open: {error}") from error
    first = first_words(restrained.by, restrained.box)
    if asked.as_json:
        print(json.dumps(_data(asked, site, found, first, now), ensure_ascii=False))
    else:
        _print(found, first, zone, now)


def _lot(session: Session, asked: Asked, now: int) -> tuple[LotRecord, dict[str, float]]:
    lot = registry.get(session, asked.tenant, "lots", asked.lot)
    name = plain(asked.lot)
    if not isinstance(lot, LotRecord):
        raise Missing(f"there is no lot {name!r} of tenant {plain(asked.tenant)}")
    if lot.commodity != Commodity.LEAD:
        raise UserError(f"{name} is {lot.commodity}: this is worked out for lead alone")
    row = session.get(LotNow, (asked.tenant, asked.lot))
    if row is None or not {"surface", "dew_point"} <= row.numbers.keys():
        raise UserError(
            f"the metal of {name} or the air around it is not known now"
            f" ({(row and row.why) or 'no reading of it was judged'}): bind a tag to it"
        )
    if now - row.at > BELIEVED_MS:
        raise UserError(f"{name} was last heard of at {written(row.at)}: nobody knows it now")
    return lot, row.numbers


def _site(session: Session, asked: Asked, now: int) -> SiteRecord | None:
    """The one that is named, where the lot goes next or went last, or where it stands."""
    found = registry.get(session, asked.tenant, "sites", asked.site) if asked.site else None
    if asked.site and found is None:
        raise Missing(f"there is no site {plain(asked.site)!r} of tenant {plain(asked.tenant)}")
    if found is None:
        id_ = _destination(session, asked.tenant, asked.lot, now)
        found = registry.get(session, asked.tenant, "sites", id_) if id_ else None
    return found if isinstance(found, SiteRecord) else None


def _destination(session: Session, tenant: str, lot: str, now: int) -> str | None:
    legs = (
        session.query(Leg.destination, Leg.arrives)
        .join(ShipmentLot, facts.LEG_OF_LOT)
        .filter(ShipmentLot.tenant == tenant, ShipmentLot.lot == lot)
        .order_by(Leg.arrives)
        .all()
    )
    stay = facts.last_stays(session, tenant, [lot], now).get(lot)
    stands = session.get(Place, (tenant, stay.place)) if stay else None
    coming = [destination for destination, arrives in legs if destination and arrives > now]
    if coming:
        return coming[0]
    if stands is not None and stands.site:
        return stands.site
    return legs[-1][0] if legs else None


def _outside(asked: Asked, site: SiteRecord | None, now: int) -> Outside:
    if asked.outside is not None:
        return whatif.steady(*asked.outside)
    if site is None:
        raise UserError(
            "it is not known where the lot is or goes: say --site, or what the air outside is with"
            " --temperature and --humidity"
        )
    if site.climate is None:
        raise UserError(
            f"the climate of {plain(site.id)} is not known: dunnage import climate FILE --site"
            f" {plain(site.id)}, or say what the air outside is with --temperature and --humidity"
        )
    return whatif.by_normals(of_lists(site.climate.model_dump()), now)


def _hours(text: str, now: int, zone: ZoneInfo) -> float:
    """Hours from now to ``text``: an hour of the clock at the site, the next, or an instant."""
    try:
        if ":" in text and len(text) <= len("09:00"):
            clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007
            here = instant_of(now).astimezone(zone)
            at = here.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
            at = at if at >= here else at + timedelta(days=1)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=zone)
    except ValueError as error:
        raise UserError(
            f"--open {plain(text)!r} is no hour: write 09:00, or 2025-11-22T09:00"
        ) from error
    return (milliseconds(at) - now) / HOUR_MS


def _data(
    asked: Asked, site: SiteRecord | None, found: Comparison, first: str, now: int
) -> dict[str, Any]:
    return {
        "lot": asked.lot,
        "now": written(now),
        "site": site.id if site else None,
        "first": first or None,
        "hours": [_as_data(each, now) for each in found.hours],
        "dry_from": _as_data(found.dry, now) if found.dry else None,
    }


def _as_data(found: Opening, now: int) -> dict[str, Any]:
    """For programs: with the instant, and what is not finite as null."""
    return {
        "at": written(now + round(found.hours * HOUR_MS)),
        **{
            name: round(value, 2) if math.isfinite(value) else None
            for name, value in asdict(found).items()
        },
        "stays_wet": found.dry_in_h == math.inf,
    }


def _print(found: Comparison, first: str, zone: ZoneInfo, now: int) -> None:
    def clock(hours: float) -> str:
        at = instant_of(now + round(hours * HOUR_MS)).astimezone(zone)
        return at.strftime("%a %H:%M")

    if first:
        print(first, file=sys.stderr)
    rows = [
        (
            clock(each.hours),
            f"{each.metal_c:.1f}",
            f"{each.dew_point_c:.1f}",
            f"{each.margin_k:+.1f}",
            f"{each.film_g_m2:.0f}",
            f"{each.worst_g_m2:.0f}",
            f"{each.wet_h:.1f}",
            "-" if math.isnan(each.dry_in_h) else _until(each, clock),
        )
        for each in found.hours
    ]
    head = ("outside air at", "metal °C", "dew point °C", "margin K", "film g/m²", "at worst g/m²")
    table((*head, "wet h", "dry again"), rows)
    print(_worth(found, clock))


def _until(each: Opening, clock: Any) -> str:
    return "not in 4 days" if each.dry_in_h == math.inf else clock(each.dry_in_h)


def _worth(found: Comparison, clock: Any) -> str:
    """What waiting is worth."""
    soonest = min(found.hours, key=lambda each: each.hours)
    if soonest.worst_g_m2 < whatif.MATTERS_G_M2:
        return f"At {clock(soonest.hours)} nothing that matters settles: waiting is worth nothing."
    if found.dry is None:
        best = min(found.hours, key=lambda each: each.film_g_m2)
        return (
            f"Within two days no hour is safe; of these the least settles at {clock(best.hours)}."
        )
    return (
        f"Wait until {clock(found.dry.hours)}: that keeps off {soonest.film_g_m2:.0f} g/m² and"
        f" {soonest.wet_h:.1f} wet hours (at worst {soonest.worst_g_m2:.0f} g/m²)."
    )
