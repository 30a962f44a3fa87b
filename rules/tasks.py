"""Tasks of preventive service in the registry: made once for each season, and told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from lots import facts
from lots.fields import written
from lots.model import Leg, Lot, Move, Place, ServiceTask, ShipmentLot, Site
from lots.normals import of_lists
from lots.terms import Commodity
from rules import letters
from rules.ids import stable_id
from rules.letters import Letter, Recipient

if TYPE_CHECKING:
    from rules.service import Task

_log = structlog.get_logger("dunnage.tasks")


def make(session: Session, recipients: Sequence[Recipient], now: int) -> int:
    """What is due soon at ``now`` (ms) and is not there yet, for sites whose climate is known and
    goods that are brought there; returns how many. Each is told to all recipients."""
    made = [task for site in _sites(session) for task in _new(session, site, now)]
    session.add_all(made)
    session.flush()
    letters.send(session, [each for task in made for each in _letters(task, recipients)])
    for task in made:
        _log.info("a task is due", tenant=task.tenant, site=task.site, title=task.title)
    return len(made)


def of_tenant(session: Session, tenant: str, site: str | None = None) -> Sequence[ServiceTask]:
    """All of them, by when they are due."""
    query = select(ServiceTask).where(ServiceTask.tenant == tenant)
    if site is not None:
        query = query.where(ServiceTask.site == site)
    return session.scalars(query.order_by(ServiceTask.due, ServiceTask.id)).all()


def shown(task: ServiceTask) -> dict[str, Any]:
    """A task as programs get it."""
    names = ("id", "site", "commodity", "hazard", "title", "action", "guide")
    instants = ("begins", "ends", "due")
    found = {name: getattr(task, name) for name in names}
    return found | {name: written(getattr(task, name)) for name in instants}


def _sites(session: Session) -> Sequence[Site]:
    return session.scalars(select(Site).where(Site.climate.is_not(None))).all()


def _new(session: Session, site: Site, now: int) -> Iterator[ServiceTask]:
    from rules import service  # with compiled physics, which who only reads does without

    assert site.climate is not None
    normals = of_lists(site.climate)
    for commodity in Commodity:
        for task in service.due(site.name, normals, commodity, now):
            if _is_there(session, site, task) or not _concerns(session, site, commodity):
                continue
            id_ = stable_id(site.tenant, site.id, commodity, task.hazard, task.begins)
            yield ServiceTask(id=id_, tenant=site.tenant, site=site.id, made=now, **task._asdict())


def _is_there(session: Session, site: Site, task: Task) -> bool:
    """Whether there is one for that season, which another climate may have moved."""
    query = select(ServiceTask.id).where(
        ServiceTask.tenant == site.tenant,
        ServiceTask.site == site.id,
        ServiceTask.commodity == task.commodity,
        ServiceTask.hazard == task.hazard,
        ServiceTask.begins < task.ends,
        ServiceTask.ends > task.begins,
    )
    return session.scalars(query.limit(1)).first() is not None


def _concerns(session: Session, site: Site, commodity: str) -> bool:
    """Whether such goods ever stood there, or are or were to be brought there."""
    of = (Lot.tenant == site.tenant, Lot.commodity == commodity)
    place = and_(Place.tenant == Move.tenant, Place.id == Move.place)
    stood = (
        select(Lot.id)
        .join(Move, and_(Move.tenant == Lot.tenant, Move.lot == Lot.id))
        .join(Place, place)
        .where(*of, Place.site == site.id)
    )
    sent = (
        select(Lot.id)
        .join(ShipmentLot, and_(ShipmentLot.tenant == Lot.tenant, ShipmentLot.lot == Lot.id))
        .join(Leg, facts.LEG_OF_LOT)
        .where(*of, Leg.destination == site.id)
    )
    return bool(session.scalar(select(or_(stood.exists(), sent.exists()))))


def _letters(task: ServiceTask, recipients: Sequence[Recipient]) -> Iterator[Letter]:
    for to in recipients:
        id_ = stable_id(task.id, "due", to.channel, to.address)
        payload = {"type": "task.due", "timestamp": written(task.made), "data": shown(task)}
        yield Letter(letters.outgoing(id_, task.tenant, to, payload), [id_], id_)
