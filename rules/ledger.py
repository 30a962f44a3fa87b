"""Alerts and messages in the registry: what `rules.alerts` planned, written in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lots.climate import LotKey
from lots.model import STILL_OPEN, Alert, Forecast, Outgoing
from lots.shapes import portions
from rules import census, forecasts, foreseen, kernels, wording
from rules.alerts import (
    Episode,
    Known,
    Plan,
    Stage,
    Stages,
    episodes,
    is_told,
    reconcile,
)
from rules.census import Goods, Restrained, TagNames
from rules.forecasts import Told
from rules.hindsight import prevented
from rules.ids import stable_id
from rules.knowledge import first_words, names_tags
from rules.letters import Letter, Recipient, let_say, outgoing, send, there
from rules.outbox import NEVER
from rules.rule import Rule, Rules, Severity
from rules.state import Change

_log = structlog.get_logger("dunnage.alerts")


class Ledger:
    """Writes changes as alerts and outgoing messages."""

    def __init__(self, rules: Rules, recipients: Sequence[Recipient]) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules.rules:
            self._rules.setdefault(rule.name, []).append(rule)
        self._naming = {rule.name for rule in rules.rules if names_tags(rule)}
        self._silence = {rule.name for rule in rules.rules if rule.silence}
        self._recipients = recipients

    def write(self, session: Session, changes: Iterable[Change], now: int) -> int:
        """Bring the record in line with ``changes``; returns how many alerts changed.

        The number of queries does not grow with the number of lots, but that they go in portions.
        """
        changes = list(changes)
        revised: dict[LotKey, int] = {}
        for change in changes:
            if change.known_to != kernels.NEVER:
                since = revised.get(change.key, change.since)
                revised[change.key] = min(since, change.since)
        forecasts.revise(session, revised)
        return sum(
            self._write(session, portion, now)
            for wave in _waves(changes)
            for portion in portions(wave)
        )

    def _write(self, session: Session, changes: Sequence[Change], now: int) -> int:
        """Changes that do not touch each other."""
        targets = [[e for e in episodes(change) if e.rule in self._rules] for change in changes]
        works = [
            _Work(change, target, plan, {row.id: row for row in rows})
            for change, target, rows in zip(
                changes, targets, self._rows(session, changes, targets), strict=True
            )
            if (plan := reconcile([self._known(row) for row in rows], target, change.since))
        ]
        if not works:
            return 0
        keys = {work.change.key for work in works}
        goods = census.goods(session, keys)
        told = forecasts.made(session, self._foretold(works, goods, now))
        known = forecasts.kept(session, (row for work in works for row in work.rows))
        tags = self._tags(session, (row for work in works for row in self._about(work)))
        acted = self._acted(session, works, known)
        restrained = _restrained(session, keys, now)
        desk = _Desk(now, restrained, goods, known | told, acted, tags, [])
        # What ends goes first: at most one alert of a lot and rule is open at any time.
        for work in works:
            self._end(work, desk)
        session.flush()
        for work in works:
            session.add_all(self._begin(work, desk))
        session.flush()
        session.add_all(told.values())
        session.flush()
        send(session, desk.letters)
        return sum(len(work.plan) for work in works)

    def _about(self, work: _Work) -> Iterator[tuple[LotKey, str]]:
        """Lot and rule of each alert that is worked on."""
        rules = {event.rule for event in work.change.transitions}
        yield from (
            (work.change.key, rule) for rule in rules.union(r.rule for r in work.rows.values())
        )

    def _tags(self, session: Session, about: Iterable[tuple[LotKey, str]]) -> TagNames:
        """The tags of the lots with an alert that names one."""
        return census.tag_names(session, {key for key, rule in about if rule in self._naming})

    def _foretold(
        self, works: Sequence[_Work], goods: Mapping[LotKey, Goods], now: int
    ) -> list[Told]:
        """What the alerts that begin foretell, if people are told of it, and in time."""
        found = []
        for work in works:
            key = work.change.key
            for one in work.plan.begin:
                rule = self._rule(one.rule, goods.get(key))
                if not (rule.foreseen and is_told(work.change, one, rule.actionable_ms, now)):
                    continue
                its = foreseen.foreseen(rule.levels[0], one.numbers, one.opened)
                if its is not None and work.change.newest < its.begins:
                    found.append(Told(one.id, key, one.rule, its, one.numbers))
        return found

    def _rows(
        self, session: Session, changes: Sequence[Change], targets: Sequence[Sequence[Episode]]
    ) -> list[list[Alert]]:
        """The alerts that each change speaks of: open, touching the time from its start on, or of
        its own episodes."""
        since = min(change.since for change in changes)
        ids = [[episode.id for episode in target] for target in targets]
        there: dict[LotKey, list[Alert]] = {}
        for tenant in {change.key.tenant for change in changes}:
            query = select(Alert).where(
                Alert.tenant == tenant,
                Alert.lot.in_({c.key.lot for c in changes if c.key.tenant == tenant}),
                or_(
                    Alert.cleared.is_(None),
                    Alert.cleared >= since,
                    Alert.opened >= since,
                    Alert.id.in_([id_ for own in ids for id_ in own]),
                ),
            )
            for row in session.scalars(query):
                there.setdefault(LotKey(row.tenant, row.lot), []).append(row)
        return [
            [row for row in there.get(change.key, ()) if self._speaks_of(change, own, row)]
            for change, own in zip(changes, ids, strict=True)
        ]

    def _speaks_of(self, change: Change, ids: Collection[str], row: Alert) -> bool:
        touched = row.cleared is None or max(row.cleared, row.opened) >= change.since
        return (row.rule in self._silence) == change.silence and (touched or row.id in ids)

    def _end(self, work: _Work, desk: _Desk) -> None:
        change, plan, rows = work.change, work.plan, work.rows
        for alert_id in plan.withdraw:
            row = rows[alert_id]
            row.withdrawn, row.revised = desk.now, True
            self._reword(row, desk)
            self._credit(row, work, desk)
            self._tell(row, "withdrawn", desk.now, desk)
        for episode in plan.move:
            self._move(rows[episode.id], episode, change.known_to, desk)
        for alert_id, at in plan.end:
            row = rows[alert_id]
            row.revised = row.revised or row.cleared is not None or at <= change.known_to
            row.cleared = at
            self._reword(row, desk)
            self._credit(row, work, desk)
            self._tell(row, "cleared", at, desk)

    def _acted(
        self, session: Session, works: Sequence[_Work], known: Mapping[str, Forecast]
    ) -> dict[str, list[str]]:
        """Of the alerts that end, and were foreseen: what was done about it. One that never was, as
        it turns out, nobody prevented but by another way of the lot."""
        found = {}
        for work in works:
            its: list[tuple[str, Alert | None]] = [(id_, None) for id_ in work.plan.withdraw]
            its += [(id_, work.rows[id_]) for id_, _ in work.plan.end]
            for id_, row in its:
                if id_ in known:
                    found[id_] = forecasts.acts(session, known[id_], row)
        return found

    def _credit(self, row: Alert, work: _Work, desk: _Desk) -> None:
        """Say that it was prevented, if somebody acted and what was foreseen did not come."""
        forecast = desk.forecasts.get(row.id)
        if forecast is None:
            return
        acted, forecast.prevented = desk.acted[row.id], None
        if acted and not self._came(row, work, desk):
            its = forecasts.said(forecast)
            curve = forecasts.points(forecast)
            forecast.prevented = prevented(row.lot, its, forecast.timezone, acted, curve)

    def _came(self, row: Alert, work: _Work, desk: _Desk) -> bool:
        """Whether what was foreseen came while the alert was open, or may have."""
        rule = self._rule(row.rule, desk.goods.get(work.change.key))
        own = next((one for one in work.target if one.id == row.id), None)
        if rule.foreseen is None or own is None:
            # It never was, as the lot's way is known now: then any other of the rule would be it.
            return any(one.rule == row.rule and one.opened >= row.opened for one in work.target)
        hours = (numbers.get(rule.foreseen.harm) for numbers in (row.numbers, own.ending))
        before, after = hours
        return before is None or after is None or after > before

    def _move(self, row: Alert, episode: Episode, known_to: int, desk: _Desk) -> None:
        """Rises and falls of an alert that the record has: those that are new are told, of a past
        that only came to light at most where it stands now."""
        was = self._known(row).stages
        new = [stage for stage in episode.stages if stage not in was]
        row.revised = row.revised or len(was) + len(new) > len(episode.stages)
        row.revised = row.revised or any(stage.at <= known_to for stage in new)
        stood = row.severity
        for stage in new:
            if stage.at > known_to:
                self._stand(row, stage, desk)
                self._tell(row, _moved(stood, row.severity), stage.at, desk)
                stood = row.severity
        last = episode.stages[-1]
        self._stand(row, last, desk)
        if episode.cleared is None and row.severity != stood:
            # Where the rule had another severity, it stands so from now on, not from back then.
            known = last in new and all(stage.step for stage in was)
            at = last.at if known else desk.now
            self._tell(row, _moved(stood, row.severity), at, desk)
        row.stages = self._written(row.rule, episode.stages)

    def _begin(self, work: _Work, desk: _Desk) -> list[Alert]:
        for episode in work.plan.restore:
            row = work.rows[episode.id]
            ended = row.cleared if row.withdrawn is None else row.withdrawn
            row.withdrawn, row.cleared, row.revised = None, episode.cleared, True
            row.stages = self._written(row.rule, episode.stages)
            if row.id in desk.forecasts:
                desk.forecasts[row.id].prevented = None
            self._stand(row, episode.stages[-1], desk)
            if episode.cleared is None and self._is_told(work.change, episode, desk):
                self._tell(row, "opened", row.opened, desk, ended)
        return [self._begun(work.change, episode, desk) for episode in work.plan.begin]

    def _is_told(self, change: Change, episode: Episode, desk: _Desk) -> bool:
        rule = self._rule(episode.rule, desk.goods.get(change.key))
        return is_told(change, episode, rule.actionable_ms, desk.now)

    def _begun(self, change: Change, episode: Episode, desk: _Desk) -> Alert:
        row = Alert(
            id=episode.id,
            tenant=change.key.tenant,
            lot=change.key.lot,
            rule=episode.rule,
            opened=episode.opened,
            cleared=episode.cleared,
            revised=episode.opened <= change.known_to,
            stages=self._written(episode.rule, episode.stages),
        )
        self._announce(row, change, episode, desk)
        return row

    def _announce(self, row: Alert, change: Change, episode: Episode, desk: _Desk) -> None:
        """One that lasts and only came to light is told as it stands now."""
        first, *further = episode.stages[-1:] if row.revised else episode.stages
        self._stand(row, first, desk)
        if self._is_told(change, episode, desk):
            self._tell(row, "opened", row.opened, desk)
        step = first.step
        for stage in further:
            self._stand(row, stage, desk)
            self._tell(row, "raised" if stage.step > step else "lowered", stage.at, desk)
            step = stage.step
        if row.cleared is not None:
            self._tell(row, "cleared", row.cleared, desk)

    def _stand(self, row: Alert, stage: Stage, desk: _Desk) -> None:
        """Let ``row`` say what it is to stand at ``stage``: without numbers of that, with those
        that it has."""
        key = LotKey(row.tenant, row.lot)
        rule = self._rule(row.rule, desk.goods.get(key))
        step = rule.steps[stage.step - 1]
        row.numbers = stage.numbers or row.numbers or {}
        forecast, tags = desk.forecasts.get(row.id), desk.tags.get(key, {})
        said = wording.said(rule, step, row, forecast, desk.restrained[key], tags, desk.now)
        row.severity, row.title, row.action = step.severity, said.title, said.action

    def _known(self, row: Alert) -> Known:
        # Those of one name have the same steps, whatever the goods.
        named = self._rules.get(row.rule)
        severities = [step.severity.value for step in named[0].steps] if named else []
        stages = tuple(
            Stage(at, severities.index(severity) + 1 if severity in severities else 0)
            for at, severity in row.stages
        )
        return Known(row.id, row.rule, row.opened, row.cleared, row.withdrawn is not None, stages)

    def _written(self, rule: str, stages: Stages) -> list[tuple[int, str]]:
        steps = self._rules[rule][0].steps
        return [(stage.at, steps[stage.step - 1].severity.value) for stage in stages]

    def _reword(self, row: Alert, desk: _Desk) -> None:
        # By what holds the lot now, not when it began: the words are for who acts on them.
        action = self._action(row, desk.restrained, desk.goods, desk.forecasts, desk.tags, desk.now)
        row.action = row.action if action is None else action

    def _action(
        self,
        row: Alert,
        restrained: Mapping[LotKey, Restrained],
        goods: Mapping[LotKey, Goods],
        foretold: Mapping[str, Forecast],
        tags: TagNames,
        now: int,
    ) -> str | None:
        """What to do about it. Of a rule that is no more: what comes first, or None, as it was."""
        key = LotKey(row.tenant, row.lot)
        if row.rule not in self._rules:
            return first_words(*restrained[key]) or None
        rule = self._rule(row.rule, goods.get(key))
        step = rule.step(row.severity)
        forecast, names = foretold.get(row.id), tags.get(key, {})
        return wording.said(rule, step, row, forecast, restrained[key], names, now).action

    def _rule(self, name: str, goods: Goods | None) -> Rule:
        """The one of that name for these goods; where they became others, any: it has words."""
        named = self._rules[name]
        return next((rule for rule in named if goods and rule.scope.has(*goods)), named[0])

    def _tell(self, row: Alert, event: str, at: int, desk: _Desk, ended: int | None = None) -> None:
        """To the log, and for every recipient, once each; once more of an alert that is open again
        after it had ``ended``."""
        forecast = desk.forecasts.get(row.id)
        _log.info(
            f"alert {event}",
            tenant=row.tenant,
            lot=row.lot,
            rule=row.rule,
            severity=row.severity,
            title=wording.title(row, forecast, event),
            action=row.action if event in ("opened", "raised") else None,
        )
        for recipient in self._recipients:
            to = recipient.channel, recipient.address
            ids = [stable_id(row.id, event, at, *to)]
            if ended is not None:
                ids.append(stable_id(row.id, event, at, *to, ended))
            payload = wording.payload(row, event, at, forecast)
            message = outgoing(ids[0], row.tenant, recipient, payload)
            desk.letters.append(Letter(message, ids, stable_id(row.id, "opened", row.opened, *to)))

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
                let_say(message, action)
        self._tell_late(session, rows.values(), now)  # with what is said to do now
        return changed

    def _tell_late(self, session: Session, rows: Iterable[Alert], now: int) -> None:
        """What late data brought was not told if nothing newer was known of the lot: tell it when
        a newer reading has come and it still lasts."""
        late = [row for row in rows if row.revised and row.rule in self._rules]
        openings = {
            stable_id(row.id, "opened", row.opened, to.channel, to.address): row
            for row in late
            for to in self._recipients
        }
        untold = {openings[id_].id for id_ in openings.keys() - there(session, openings)}
        late = [row for row in late if row.id in untold]
        keys = {LotKey(row.tenant, row.lot) for row in late}
        newest = census.newest(session, keys)
        desk = _Desk(now, {}, census.goods(session, keys), {}, {}, {}, [])
        for row in late:
            key = LotKey(row.tenant, row.lot)
            rule = self._rule(row.rule, desk.goods.get(key))
            if now - newest.get(key, 0) <= rule.actionable_ms:
                self._tell(row, "opened", row.opened, desk)
        send(session, desk.letters)

    def _said_of(self, session: Session, rows: Sequence[Alert], now: int) -> dict[str, str]:
        """What to do, by alert; without those of rules that are no more, where nothing holds."""
        keys = {LotKey(row.tenant, row.lot) for row in rows}
        restrained, goods = _restrained(session, keys, now), census.goods(session, keys)
        foretold = forecasts.kept(session, (row.id for row in rows))
        tags = self._tags(session, ((LotKey(row.tenant, row.lot), row.rule) for row in rows))
        said = {row.id: self._action(row, restrained, goods, foretold, tags, now) for row in rows}
        return {id_: action for id_, action in said.items() if action is not None}


@dataclass(frozen=True, slots=True)
class _Work:
    """A change, the episodes that it speaks of, what is to be done about it, and the alerts that it
    speaks of, by id."""

    change: Change
    target: Sequence[Episode]
    plan: Plan
    rows: dict[str, Alert]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What writing needs at ``now`` (ms): what restrains each lot and what it is, what alerts
    foretold, and what was done about that, by their ids, the names of tags of lots with an alert
    that names one; the letters it came to."""

    now: int
    restrained: Mapping[LotKey, Restrained]
    goods: Mapping[LotKey, Goods]
    forecasts: Mapping[str, Forecast]
    acted: Mapping[str, list[str]]
    tags: TagNames
    letters: list[Letter]


def _moved(severity: str, to: str) -> str:
    """What happens to an alert of ``severity`` that comes ``to`` another: packs may have changed
    which of them a rule has."""
    worse = list(Severity).index
    return "raised" if worse(Severity(to)) > worse(Severity(severity)) else "lowered"


def _waves(changes: Iterable[Change]) -> list[list[Change]]:
    """``changes`` in their order, those of one lot and kind after each other."""
    waves: list[list[Change]] = []
    count: Counter[tuple[LotKey, bool]] = Counter()
    for change in changes:
        about = change.key, change.silence
        if count[about] == len(waves):
            waves.append([])
        waves[count[about]].append(change)
        count[about] += 1
    return waves


def _restrained(session: Session, keys: Iterable[LotKey], now: int) -> dict[LotKey, Restrained]:
    lots: dict[str, set[str]] = {}
    for key in keys:
        lots.setdefault(key.tenant, set()).add(key.lot)
    return {
        LotKey(tenant, lot): each
        for tenant, of in lots.items()
        for lot, each in census.restrained(session, tenant, of, now).items()
    }


def without_gone(session: Session, changes: Sequence[Change]) -> list[Change]:
    """``changes`` of lots that the registry still has: a lot may be deleted while it is folded."""
    keys: Collection[LotKey] = {change.key for change in changes}
    there = census.goods(session, keys)
    return [change for change in changes if change.key in there]
