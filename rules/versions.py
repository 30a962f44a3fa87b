"""The packs in force: taken over as they change, and kept in the registry with when that was."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from lots import registry
from lots.model import PackVersion
from rules import pack
from rules.pack import PackError
from rules.rule import Rules

_log = structlog.get_logger("dunnage.packs")


class Packs:
    """The packs of a folder (None: those that come with Dunnage), looked at now and then."""

    def __init__(self, folder: Path | None, database: sqlalchemy.Engine) -> None:
        """Where they cannot be used, the last ones that could: a worker that starts by itself at
        night is not to stay away because of an error of the day. Raises `PackError` where there
        were none."""
        self._folder = folder
        self.refused: str | None = None
        """Why the packs that are there are not in force."""
        self._seen = self._waiting = pack.stamp(folder)
        try:
            self.rules = pack.load(folder)
        except PackError as error:
            with registry.reading(database) as session:
                last = newest(session)
            if last is None:
                raise
            self.rules = pack.parse(last.texts, were_in_force=True)
            self._refuse(error)

    def changed(self) -> Rules | None:
        """Other packs than are in force, once their files have come to rest."""
        stamp = pack.stamp(self._folder)
        at_rest, self._waiting = stamp == self._waiting, stamp
        if stamp == self._seen or not at_rest:
            return None
        try:
            found = pack.load(self._folder)
        except PackError as error:
            self._seen = stamp
            self._refuse(error)
            return None
        if found.digest == self.rules.digest:
            self.taken(found)
            return None
        return found

    def taken(self, rules: Rules) -> None:
        """They are in force now."""
        self.rules, self._seen, self.refused = rules, self._waiting, None

    def _refuse(self, error: PackError) -> None:
        self.refused = str(error)
        _log.error("changed packs were refused, the old ones stay", error=self.refused)


def record(session: Session, rules: Rules, now: int) -> None:
    """From ``now`` (ms) on these are in force, if they were not already."""
    last = newest(session)
    if last is None or last.digest != rules.digest:
        taken = now if last is None else max(now, last.taken + 1)
        session.add(PackVersion(taken=taken, digest=rules.digest, texts=dict(rules.texts)))


def newest(session: Session) -> PackVersion | None:
    query = select(PackVersion).order_by(PackVersion.taken.desc()).limit(1)
    return session.scalars(query).one_or_none()
