"""A simulated journey's world in the registry: as it is believed at first, and as corrected."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from cli.administration import database
from cli.import_ import DEFAULT_TENANT
from lots import registry
from lots.clock import DAY_MS
from lots.errors import UserError
from lots.loggers.files import Options, understand
from lots.loggers.importing import Destination, import_readings
from lots.loggers.stamps import DateOrder
from lots.records import KINDS
from lots.records import Record as Kept
from lots.settings import Settings
from lots.spreadsheet import ImportRefused
from lots.terms import Placement
from simulators.command import say
from simulators.journeys.records import Record
from simulators.loggers import ReadOut
from simulators.played import Played
from simulators.registration import Correction, apart, corrections, records, renamed


class Registry:
    """What ``tenant`` knows of some journeys, in the registry of the settings."""

    def __init__(self, tenant: str, several: Sequence[Played], settings: Settings) -> None:
        self._tenant = tenant
        self._settings = settings
        tags = {p.world.journey.key: [each.hung for each in p.heard] for p in several}
        worlds = {p.world.journey.key: p.world for p in several}
        self._records = {key: records(worlds[key], tags[key], tenant) for key in worlds}
        self._names = apart(self._records)
        self._due = sorted(
            (
                correction._replace(
                    records=renamed(correction.kind, correction.records, self._names[key])
                )
                for key, world in worlds.items()
                for correction in corrections(world, tags[key], tenant)
            ),
            key=lambda correction: correction.at,
        )

    def register(self) -> None:
        """Put all of it there; repeating it changes nothing."""
        for key, found in self._records.items():
            for kind, rows in found.items():
                self._put(kind, renamed(kind, rows, self._names[key]))

    def correct(self, at: int) -> None:
        """What somebody has corrected by the instant ``at``, ms."""
        while self._due and self._due[0].at <= at:
            correction: Correction = self._due.pop(0)
            self._put(correction.kind, correction.records)

    def take(self, journey: str, each: ReadOut) -> None:
        """Import a logger's file, as ``dunnage import readings`` does.

        What cannot be taken is told; repeating it changes nothing.
        """
        now = self._settings.clock.now_ms()
        oldest = now - self._settings.raw_retention_days * DAY_MS
        names = self._names[journey]
        place = each.tag.place and names.get(("places", each.tag.place), each.tag.place)
        to = Destination(lot=each.tag.lot, place=place, placement=Placement(each.tag.placement))
        said = dict(zip(each.logger.options[::2], each.logger.options[1::2], strict=True))
        dates = said.get("--dates")
        options = Options(zone=said.get("--zone"), dates=DateOrder(dates) if dates else None)
        try:
            found = understand(each.file, options, oldest, now + DAY_MS)
            with database() as engine, registry.writing(engine) as session:
                import_readings(
                    session, self._tenant, found, to, name=each.name, now=now, apply=True
                )
        except ImportRefused as refused:
            say(f"{each.name} was read out, but not imported: {refused}")

    def _put(self, kind: str, rows: Sequence[Record]) -> None:
        found = [_record(kind, row) for row in rows]
        with database() as engine, registry.writing(engine) as session:
            if self._tenant not in registry.tenants(session):
                if self._tenant != DEFAULT_TENANT:
                    raise UserError(
                        f"there is no tenant {self._tenant!r}: dunnage tenants add {self._tenant}"
                    )
                registry.create_tenant(session, self._tenant, self._tenant)
            registry.put_many(session, self._tenant, kind, found)


def _record(kind: str, row: Record) -> Kept:
    try:
        return KINDS[kind].model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        name = row.get("id", row.get("lot", "?"))
        raise UserError(
            f"{kind} {name}: {where}: {first['msg']}: write it so in the journey's file"
        ) from error
