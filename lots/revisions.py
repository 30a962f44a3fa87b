"""Following the registry: which tenants' records changed since they were last taken over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from lots.model import Tenant


@dataclass(frozen=True, slots=True)
class News:
    """``changed``: tenant -> its revision; ``gone``: tenants that are no more."""

    changed: dict[str, int]
    gone: Collection[str]

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone)


class Revisions:
    """The revisions that a follower has taken over, by tenant."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def news(self, session: Session) -> News:
        """What changed since; say `taken` once it is taken over."""
        now = {row.id: row.revision for row in session.scalars(select(Tenant))}
        changed = {tenant: r for tenant, r in now.items() if self._known.get(tenant) != r}
        return News(changed, self._known.keys() - now.keys())

    def taken(self, news: News) -> None:
        self._known |= news.changed
        for tenant in news.gone:
            self._known.pop(tenant, None)
