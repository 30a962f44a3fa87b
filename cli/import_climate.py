"""`dunnage import climate`: what the air outside a site is like, from a file or its own tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from cli.administration import database
from cli.parts import store_of
from cli.terminal import plain
from lots import climate, facts, registry, weather_files
from lots.calibration import corrections_of
from lots.clock import DAY_MS
from lots.errors import UserError
from lots.fields import written
from lots.normals import Normals, TooLittle, made
from lots.readings.batch import TagKey
from lots.records import ClimateRecord, SiteRecord
from lots.refusals import Missing
from lots.settings import Settings, load
from lots.spreadsheet import ImportRefused
from lots.terms import Placement
from lots.weather_files import Weather
from lots.whereabouts import FOREVER, Stay, sources
from rules import air


def from_file(file: Path, data: bytes, tenant: str, site: str, source: str, dry_run: bool) -> None:
    """Raises `UserError`."""
    try:
        weather = weather_files.read(data)
    except ImportRefused as refused:
        raise UserError(f"{file}: nothing was imported\n{refused}") from refused
    said = source or weather.source or ("" if str(file) == "-" else file.name)
    _put(tenant, site, weather, said or "a file", str(file), dry_run)


def from_own_history(tenant: str, site: str, place: str, dry_run: bool) -> None:
    """From what the tags of a place of the site have measured. Raises `UserError`."""
    settings = load()
    with database() as engine, registry.reading(engine) as session:
        weather = _measured(session, settings, tenant, place)
    _put(tenant, site, weather, f"measured in {place}", f"place {place}", dry_run)


def _measured(session: Session, settings: Settings, tenant: str, place: str) -> Weather:
    now = settings.clock.now_ms()
    begins = now - settings.raw_retention_days * DAY_MS
    watches = facts.watches_of(session, tenant, place)
    own = [watch for watch in watches if watch.placement == Placement.AIR]
    spoke = sources((), [Stay(begins, FOREVER, place)], {place: own})
    found = corrections_of(session, tenant, {source.tag for source in spoke})
    corrections = {TagKey(tenant, tag): each for tag, each in found.items()}
    store = store_of(settings)
    try:
        key = climate.LotKey(tenant, place)
        whole = climate.join(
            list(climate.of_lot(store, key, spoke, corrections, begins, now + DAY_MS))
        )
    finally:
        store.close()
    return Weather(whole.time, whole.temperature, whole.humidity, "")


def _put(tenant: str, site: str, weather: Weather, source: str, of: str, dry_run: bool) -> None:
    normals = _normals(weather, of)
    years = " to ".join(written(int(at))[:10] for at in weather.time[[0, -1]])
    record = ClimateRecord(source=f"{source} ({years})"[:200], **normals.as_lists())
    with database() as engine, registry.writing(engine) as session:
        known = registry.get(session, tenant, "sites", site)
        if not isinstance(known, SiteRecord):
            raise Missing(
                f"there is no site {site!r} of tenant {plain(tenant)}: register it first"
                " (dunnage import sites)"
            )
        registry.put(session, tenant, "sites", known.model_copy(update={"climate": record}))
        if dry_run:
            session.rollback()
    warmth, dew = normals.table[0].mean(axis=1), normals.table[2].mean(axis=1)
    print(
        f"climate of {plain(site)}: January {warmth[0]:.1f} °C, dew point {dew[0]:.1f} °C;"
        f" July {warmth[6]:.1f} °C, dew point {dew[6]:.1f} °C; from {plain(record.source)}"
        f"{' (dry run: nothing was written)' if dry_run else ''}"
    )


def _normals(weather: Weather, of: str) -> Normals:
    with np.errstate(invalid="ignore"):
        dew_point = air.dew_point(weather.temperature, weather.humidity)
    try:
        return made(weather.time, weather.temperature, dew_point)
    except TooLittle as error:
        raise UserError(f"{of}: {error}") from error
