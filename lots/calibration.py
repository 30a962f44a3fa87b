"""What calibrations found about tags, as the registry has it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from lots.climate import Adjustment
from lots.model import Correction


def corrections_of(
    session: Session, tenant: str, tags: Iterable[str] | None
) -> dict[str, dict[str, list[Adjustment]]]:
    """tag -> its `Corrections`, of ``tags`` (None: of all of the tenant's) as registered."""
    query = select(Correction).where(Correction.tenant == tenant).order_by(Correction.begins)
    if tags is not None:
        query = query.where(Correction.tag.in_(list(tags)))
    found: dict[str, dict[str, list[Adjustment]]] = {}
    for row in session.scalars(query):
        of_tag = found.setdefault(row.tag, {})
        of_tag.setdefault(row.quantity, []).append(Adjustment(row.begins, row.gain, row.offset))
    return found
