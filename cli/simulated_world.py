"""A simulated journey's world in the registry: as it is believed at first, and as corrected."""

from __future__ import annotations

from collections.abc import Sequence

from cli.administration import database
from cli.import_ import DEFAULT_TENANT
from lots import registry
from lots.errors import UserError
from lots.records import KINDS
from simulators.journeys.records import Record
from simulators.registration import Correction, corrections, records
from simulators.voyage import Heard
from simulators.world import World


class Registry:
    """What ``tenant`` knows of some journeys, in the registry of the settings."""

    def __init__(self, tenant: str, worlds: Sequence[tuple[World, Sequence[Heard]]]) -> None:
        self._tenant = tenant
        self._worlds = [(world, [each.hung for each in heard]) for world, heard in worlds]
        found = [each for world, tags in self._worlds for each in corrections(world, tags, tenant)]
        self._due = sorted(found, key=lambda correction: correction.at)

    def register(self) -> None:
        """Put all of it there; repeating it changes nothing."""
        for world, tags in self._worlds:
            for kind, rows in records(world, tags, self._tenant).items():
                self._put(kind, rows)

    def correct(self, at: int) -> None:
        """What somebody has corrected by the instant ``at``, ms."""
        while self._due and self._due[0].at <= at:
            correction: Correction = self._due.pop(0)
            self._put(correction.kind, correction.records)

    def _put(self, kind: str, rows: Sequence[Record]) -> None:
        found = [KINDS[kind].model_validate(row) for row in rows]
        with database() as engine, registry.writing(engine) as session:
            if self._tenant not in registry.tenants(session):
                if self._tenant != DEFAULT_TENANT:
                    raise UserError(
                        f"there is no tenant {self._tenant!r}: dunnage tenants add {self._tenant}"
                    )
                registry.create_tenant(session, self._tenant, self._tenant)
            registry.put_many(session, self._tenant, kind, found)
