"""What a worker opens, each with the name of its setting where it cannot be had."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Engine

from ingest.errors import JournalUnwritable
from ingest.formats import FORMATS, Route, RouteError, route
from ingest.journal import SEGMENT_BYTES, Journal
from lots.clock import DAY_MS
from lots.readings.open import open_store
from lots.readings.store import ReadingStore, StoreMisconfigured
from lots.settings import Settings, SettingsError, Subscription
from rules import pack
from rules.rule import Rules
from rules.versions import Packs

SEGMENTS = 8
"""A disk holds so many segments at least: the journal lets go of whole ones alone, and never of the
last, so one that filled the disk would fill it for ever."""


def rules_of(settings: Settings) -> Rules:
    """Raises `SettingsError`."""
    try:
        return pack.load(settings.packs)
    except pack.PackError as error:
        raise _unusable(settings, error) from error


def _unusable(settings: Settings, error: pack.PackError) -> SettingsError:
    return SettingsError(
        f"DUNNAGE_PACKS or packs in dunnage.toml is {str(settings.packs)!r}: {error}"
    )


def packs_of(settings: Settings, database: Engine) -> Packs:
    """As `rules_of`; where that cannot be used, those that were in force last."""
    try:
        return Packs(settings.packs, database)
    except pack.PackError as error:
        raise _unusable(settings, error) from error


def store_of(settings: Settings) -> ReadingStore:
    """A store that is not asked anything yet; raises `SettingsError`."""
    try:
        return open_store(settings.readings, settings.raw_retention_days)
    except StoreMisconfigured as error:
        raise SettingsError(f"DUNNAGE_READINGS_URL or {error}") from error


def journal_of(settings: Settings) -> Journal:
    """Raises `SettingsError` where there can be none, `JournalError` for one that is busy or
    damaged.
    """
    try:
        return Journal(
            settings.data / "journal",
            segment_bytes=min(SEGMENT_BYTES, _disk_bytes(settings.data) // SEGMENTS),
            max_bytes=settings.journal_max_mb << 20,
        )
    except JournalUnwritable as error:
        raise SettingsError(
            f"DUNNAGE_DATA or data in dunnage.toml is {str(settings.data)!r}, where no journal can"
            f" be written ({error.__cause__ or error}): let us write there, or name another folder"
        ) from error


def _disk_bytes(folder: Path) -> int:
    """Of the disk that ``folder`` is on, or will be."""
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        return shutil.disk_usage(there).total
    except OSError:  # the journal itself says what is wrong
        return SEGMENT_BYTES * SEGMENTS


def routes_of(settings: Settings) -> list[Route]:
    """The rows of subscriptions, ready for use; raises `SettingsError`."""
    try:
        keep_ms = settings.raw_retention_days * DAY_MS
        return [route(row, keep_ms) for row in settings.subscriptions]
    except RouteError as error:
        raise SettingsError(
            f"DUNNAGE_SUBSCRIPTIONS or subscriptions in dunnage.toml: {error}"
        ) from error


def own_routes(settings: Settings) -> list[Route]:
    """How our own messages are understood: imports, and what is sent round again.

    They come after those of the settings, and by the inbox alone: the broker is not asked for them.
    """
    keep_ms = settings.raw_retention_days * DAY_MS
    formats = (FORMATS["native"], FORMATS["reads"])
    rows = [Subscription(filter=each.filter, format=each.name) for each in formats]
    return [route(row, keep_ms) for row in rows]
