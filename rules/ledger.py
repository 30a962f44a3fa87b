"""Alerts and messages in the registry: what `rules.alerts` planned, written in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lots.climate import LotKey
from lots.clock import Clock
from lots.fields import written
from lots.model import STILL_OPEN, Alert, Outgoing
from lots.shapes import portions
from rules import census
from rules.alerts import Episode, Known, Plan, episodes, reconcile, stable_id
from rules.knowledge import Words, words
from rules.outbox import NEVER
from rules.pack import Rule, Rules, Silence
from rules.state import Change

_log = structlog.get_logger("dunnage.alerts")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told of every transition: a channel and an address on it."""

    channel: str
    address: str


class Ledger:
    """Writes changes as alerts and outgoing messages."""

    def __init__(self, rules: Rules, recipients: Sequence[Recipient]) -> None:
        self._rules = {rule.name: rule for rule in rules.rules}
        self._silence = {rule.name for rule in rules.rules if isinstance(rule.test, Silence)}
        self._recipients = recipients

    def write(self, session: Session, changes: Iterable[Change], now: int) -> int:
        """Bring the record in line with ``changes``; returns how many alerts changed."""
        changed = 0
        for change in changes:
            target = [one for one in episodes(change) if one.rule in self._rules]
            rows = self._rows(session, change, target)
            plan = reconcile([_known(row) for row in rows], target, change.since)
            if plan:
                changed += self._apply(session, change, plan, {row.id: row for row in rows}, now)
        return changed

    def _rows(self, session: Session, change: Change, target: Sequence[Episode]) -> Sequence[Alert]:
        """The alerts that ``change`` speaks of: open, touching the time from its start on, or of
        its own episodes."""
        spoken_of = Alert.rule.in_(self._silence)
        query = select(Alert).where(
            Alert.tenant == change.key.tenant,
            Alert.lot == change.key.lot,
            spoken_of if change.silence else ~spoken_of,
            or_(
                Alert.cleared.is_(None),
                Alert.cleared >= change.since,
                Alert.opened >= change.since,
                Alert.id.in_([episode.id for episode in target]),
            ),
        )
        return session.scalars(query).all()

    def _apply(
        self, session: Session, change: Change, plan: Plan, rows: dict[str, Alert], now: int
    ) -> int:
        # What ends goes first: at most one alert of a lot and rule is open at any time.
        for alert_id in (*plan.withdraw, *(id_ for id_, _ in plan.end)):
            self._reword(session, rows[alert_id], now)
        for alert_id in plan.withdraw:
            rows[alert_id].withdrawn, rows[alert_id].revised = now, True
            self._tell(session, rows[alert_id], "withdrawn", now)
        for alert_id, at in plan.end:
            row = rows[alert_id]
            row.revised = row.revised or row.cleared is not None or change.revised
            row.cleared = at
            self._tell(session, row, "cleared", at)
        session.flush()
        for episode in plan.restore:
            row = rows[episode.id]
            row.withdrawn, row.cleared, row.revised = None, episode.cleared, True
            self._reword(session, row, now)
            if episode.cleared is None:
                self._tell(session, row, "opened", episode.opened)
        for episode in plan.begin:
            row = self._begun(session, change, episode, now)
            session.add(row)
            session.flush()
            self._announce(session, row, change.revised)
        return len(plan.withdraw) + len(plan.end) + len(plan.restore) + len(plan.begin)

    def _announce(self, session: Session, row: Alert, revised: bool) -> None:
        """A past episode that only came to light is recorded; nobody can act on it any more."""
        if row.cleared is None or not revised:
            self._tell(session, row, "opened", row.opened)
        if row.cleared is not None and not revised:
            self._tell(session, row, "cleared", row.cleared)

    def _begun(self, session: Session, change: Change, episode: Episode, now: int) -> Alert:
        key, rule = change.key, self._rules[episode.rule]
        said = self._said(session, key, rule, episode.numbers, now)
        return Alert(
            id=episode.id,
            tenant=key.tenant,
            lot=key.lot,
            rule=rule.name,
            severity=rule.severity,
            opened=episode.opened,
            cleared=episode.cleared,
            revised=change.revised,
            numbers=episode.numbers,
            title=said.title,
            action=said.action,
        )

    def silences(self, session: Session) -> dict[LotKey, dict[str, int]]:
        """The silences that the record has open: rule -> since when, by lot."""
        query = select(Alert).where(Alert.rule.in_(self._silence), STILL_OPEN)
        found: dict[LotKey, dict[str, int]] = {}
        for row in session.scalars(query):
            found.setdefault(LotKey(row.tenant, row.lot), {})[row.rule] = row.opened
        return found

    def reword(self, session: Session, now: int) -> int:
        """Let what is said to do follow the holds of ``now``, in open alerts and in messages that
        nobody took yet: who reads one acts on it then. Returns how many alerts changed."""
        waiting = select(Outgoing).where(Outgoing.sent.is_(None), Outgoing.next_attempt < NEVER)
        messages: dict[str, list[Outgoing]] = {}
        for message in session.scalars(waiting):
            messages.setdefault(message.payload["data"]["id"], []).append(message)
        rows = {row.id: row for row in session.scalars(select(Alert).where(STILL_OPEN))}
        ids = sorted(messages.keys() - rows.keys())
        over: list[Alert] = []
        for part in portions(ids):
            over += session.scalars(select(Alert).where(Alert.id.in_(part)))
        said = self._said_of(session, [*rows.values(), *over], now)
        changed = 0
        for alert_id, action in said.items():
            row = rows.get(alert_id)
            if row is not None and row.action != action:
                row.action = action
                changed += 1
            for message in messages.get(alert_id, ()):
                _let_say(message, action)
        return changed

    def _said_of(self, session: Session, rows: Sequence[Alert], now: int) -> dict[str, str]:
        """What to do, by alert; without those of rules that are no more."""
        lots: dict[str, set[str]] = {}
        for row in rows:
            lots.setdefault(row.tenant, set()).add(row.lot)
        restrained = {
            tenant: census.restrained(session, tenant, of, now) for tenant, of in lots.items()
        }
        return {
            row.id: words(rule, row.lot, row.numbers, *restrained[row.tenant][row.lot]).action
            for row in rows
            if (rule := self._rules.get(row.rule)) is not None
        }

    def _reword(self, session: Session, row: Alert, now: int) -> None:
        row.action = self._said_of(session, [row], now).get(row.id, row.action)

    def _said(
        self, session: Session, key: LotKey, rule: Rule, numbers: dict[str, float], now: int
    ) -> Words:
        # By what holds the lot now, not when it began: the words are for who acts on them.
        restrained = census.restrained(session, key.tenant, [key.lot], now)[key.lot]
        return words(rule, key.lot, numbers, *restrained)

    def _tell(self, session: Session, row: Alert, event: str, at: int) -> None:
        """To the log, and into the outbox of every recipient, once each."""
        _log.info(
            f"alert {event}",
            tenant=row.tenant,
            lot=row.lot,
            rule=row.rule,
            severity=row.severity,
            title=row.title,
            action=row.action if event == "opened" else None,
        )
        for recipient in self._recipients:
            message = stable_id(row.id, event, at, recipient.channel, recipient.address)
            if session.get(Outgoing, message) is None:
                session.add(_outgoing(message, row, event, at, recipient))


def _let_say(message: Outgoing, action: str) -> None:
    data = message.payload["data"]
    if data["action"] != action:
        # A new value, since a change inside of one would not be seen.
        message.payload = message.payload | {"data": data | {"action": action}}


def _known(row: Alert) -> Known:
    return Known(row.id, row.rule, row.opened, row.cleared, row.withdrawn is not None)


def _outgoing(message: str, row: Alert, event: str, at: int, recipient: Recipient) -> Outgoing:
    now = Clock().now_ms()  # true time, as the outbox works by: the world outside runs by it
    return Outgoing(
        id=message,
        tenant=row.tenant,
        channel=recipient.channel,
        recipient=recipient.address,
        created=now,
        next_attempt=now,
        attempts=0,
        payload={
            "type": f"alert.{event}",
            "timestamp": written(at),
            "data": {
                "id": row.id,
                "lot": row.lot,
                "rule": row.rule,
                "severity": row.severity,
                "opened": written(row.opened),
                "cleared": None if row.cleared is None else written(row.cleared),
                "title": row.title,
                "action": row.action,
                "numbers": row.numbers,
                "revised": row.revised,
            },
        },
    )


def without_gone(session: Session, changes: Sequence[Change]) -> list[Change]:
    """``changes`` of lots that the registry still has: a lot may be deleted while it is folded."""
    keys: Collection[LotKey] = {change.key for change in changes}
    there = census.existing(session, keys)
    return [change for change in changes if change.key in there]
