"""One journey of the simulators through the worker's own functions, in memory.

Native messages (or of whatever voice a tag has) are decoded, screened, bound and folded in the
order in which they arrive, with ticks, backlogs, repeats and the corrections that somebody makes to
the registry; what would be told of it is laid by. There is no broker, no journal and no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from time import monotonic
from types import MappingProxyType

import numpy as np
import sqlalchemy
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cli import evaluation_baselines
from cli.evaluated_lot import PlayedLot, of_world, wet_limit_h
from ingest.bind import Directory, bind, load, parted
from ingest.formats import Memory, Route, Routing, route
from ingest.message import Message, gathered
from ingest.repeats import Repeats
from ingest.screen import screen
from lots import climate, registry
from lots.calibration import corrections_of
from lots.climate import LotKey
from lots.clock import DAY_MS, HOUR_MS
from lots.model import Refold
from lots.readings.batch import Ints, ReadingBatch, TagKey, concatenate
from lots.records import KINDS
from lots.settings import Subscription
from lots.terms import Placement
from lots.whereabouts import FOREVER, Source
from rules import furnace
from rules.alerts import FRESH_MS, Episode, Known, episodes, is_told, reconcile
from rules.census import lot_facts
from rules.engine import Engine
from rules.rule import Rules
from rules.scoring import Page, Span
from rules.state import Change, LotFacts
from simulators import journey
from simulators.journeys.records import Record
from simulators.registration import corrections, records
from simulators.sensors import declared
from simulators.truth import Truth, checksum
from simulators.voyage import Heard, hear, hung_in, speakers, spoken
from simulators.world import World

TENANT = "evaluation"
KEEP_MS = 400 * DAY_MS
"""As `raw_retention_days` has it by default: older readings are refused."""

TOGETHER_MS = 10 * 60_000
"""Messages that arrive in one such span are one batch, and a tick follows it: what is found does
not depend on how they are cut, and who is told when is looked up."""

TICK_MS = HOUR_MS
"""Between ticks while nothing arrives."""

DECODED = 4_000
"""Messages that are decoded at once."""

NO_ARRIVALS: Mapping[int, int] = MappingProxyType({})
PagesOfLots = dict[LotKey, dict[str, tuple[Page, ...]]]
"""lot -> rule -> pages by time."""


@dataclass(frozen=True, slots=True)
class Played:
    """A journey that was played: its lots, its truth's checksum, and what it took."""

    journey: str
    kind: str
    seed: int
    lots: tuple[PlayedLot, ...]
    checksum: str
    readings: int
    seconds: float


def truth_checksum(name: str, seed: int) -> str:
    """Of all lots of a journey, as its seed makes it."""
    world = World(journey.find(name, declared.check), seed)
    return checksum(world.truth(lot.key) for lot in world.lots)


def play(name: str, seed: int, rules: Rules) -> Played:
    """A journey of the library or of a file, as ``seed`` makes it, judged by ``rules``.

    Raises ValueError for a journey that there is not, `simulators.climate.NotHere` for a climate.
    """
    begun = monotonic()
    world = World(journey.find(name, declared.check), seed)
    heard = [hear(world, hung) for hung in hung_in(world)]
    batch = _decoded(heard)
    with registry.reading(_database()) as session:  # what is written in it is rolled back
        registry.create_tenant(session, TENANT, TENANT)
        office = _Office(session, world, heard)
        told, board = _judged(office, batch, rules, world)
        baselines = _at_once(office, batch, evaluation_baselines.as_rules())
    limit = wet_limit_h(rules)
    truths = {lot.key: world.truth(lot.key) for lot in world.lots}
    knowing = _given_truth(office, truths, rules)
    lots = []
    for lot, truth in truths.items():
        key = LotKey(TENANT, lot)
        pages = told.get(key, {}) | baselines.get(key, {})
        arrivals = batch.received[_of_sources(batch, office.sources.get(lot, ()))]
        commodity = office.facts[key].commodity
        shown = board.shown.get(key, ())
        knew = knowing.get(key, {})
        lots.append(of_world(world, lot, truth, commodity, arrivals, pages, knew, shown, limit))
    return Played(
        world.journey.key, world.journey.kind, seed, tuple(lots), checksum(truths.values()),
        len(batch), monotonic() - begun,
    )  # fmt: skip


@cache
def _database() -> sqlalchemy.Engine:
    """The tables of a registry, in memory, once for each process."""
    engine = registry.connect("sqlite://")
    registry.migrate(engine)
    return engine


# Ingest.


def _decoded(heard: Sequence[Heard]) -> ReadingBatch:
    """All that arrives, decoded and screened, in order of arrival."""
    tags = [each.hung for each in heard]
    voices = speakers(tags, TENANT)
    routing = Routing(_routes({each.voice.name: each.voice.row(TENANT) for each in tags}))
    memory, repeats = Memory(), Repeats()
    first = min((a.at for each in heard for a in each.sent.arrivals), default=0)
    said = [m for speaker in voices.values() for m in speaker.opening(first)]
    messages = [Message(m.at, m.topic, m.payload) for m in (*said, *spoken(heard, voices))]
    parts = []
    for begin in range(0, len(messages), DECODED):
        decoded = routing.decode(gathered(messages[begin : begin + DECODED]), memory)
        parts.append(repeats.settle(screen(decoded.batch)))
    whole = concatenate(parts)
    # Formats may have put them in another order than they came in.
    return whole.take(np.argsort(whole.received, kind="stable"))


def _routes(rows: Mapping[str, Mapping[str, object]]) -> list[Route]:
    return [route(Subscription.model_validate(row), KEEP_MS) for row in rows.values()]


class _Office:
    """What the registry knows of a world, as it is believed at first and as it is corrected."""

    def __init__(self, session: Session, world: World, heard: Sequence[Heard]) -> None:
        self._session = session
        tags = [each.hung for each in heard]
        self._due = corrections(world, tags, TENANT)
        for kind, rows in records(world, tags, TENANT).items():
            self._put(kind, rows)
        self._session.execute(delete(Refold))  # nobody has folded anything yet
        self._learn()

    facts: dict[LotKey, LotFacts]
    directory: Directory
    sources: dict[str, list[Source]]
    """lot -> who speaks for it."""

    def correct(self, now: int) -> dict[LotKey, int]:
        """Let somebody correct what is due at ``now`` (ms): lots to fold again, and since when."""
        marked: dict[LotKey, int] = {}
        while self._due and self._due[0].at <= now:
            correction = self._due.pop(0)
            self._put(correction.kind, correction.records)
            for request in self._session.scalars(select(Refold)).all():
                key = LotKey(request.tenant, request.lot)
                marked[key] = min(request.since, marked.get(key, request.since))
            self._session.execute(delete(Refold))
            self._learn()
        return marked

    def history(self, arrived: ReadingBatch, key: LotKey) -> list[climate.Samples]:
        """All that is known of a lot, of what has ``arrived``: as a store would give it."""
        sources = self.sources.get(key.lot, [])
        found = corrections_of(self._session, TENANT, {source.tag for source in sources})
        corrections = {TagKey(TENANT, tag): adjusted for tag, adjusted in found.items()}
        corrected = climate.corrected(arrived, corrections)
        parts = [
            climate.samples(corrected, source.placement, _of_source(arrived, source), corrections)
            for source in sources
        ]
        samples = climate.join(parts).ordered()
        if not len(samples):
            return []
        new = (np.diff(samples.time) != 0) | (np.diff(samples.identity) != 0)
        return [samples.take(np.concatenate(([True], new)))]

    def _put(self, kind: str, rows: Sequence[Record]) -> None:
        found = [KINDS[kind].model_validate(row) for row in rows]
        registry.put_many(self._session, TENANT, kind, found)
        self._session.flush()

    def _learn(self) -> None:
        self.facts = dict(lot_facts(self._session, TENANT))
        self.directory = Directory({TENANT: load(self._session, TENANT)})
        self.sources = registry.sources_of_all(self._session, TENANT)


# Rules.


def _judged(
    office: _Office, batch: ReadingBatch, rules: Rules, world: World
) -> tuple[PagesOfLots, _Board]:
    """What would be told and shown: batch by batch as they arrive, with ticks."""
    engine, desk, board, before = Engine(rules), _Desk(_actionable(rules)), _Board(), 0
    engine.know(office.facts)
    for now, count in _turns(batch, world):
        marked = office.correct(now)
        if marked:
            engine.know(office.facts)
            for key, since in marked.items():
                engine.mark(key, since)
        for part in parted(batch.take(slice(before, count)), office.directory):
            for change in engine.evaluate(bind(part, office.directory)):
                sources = office.sources.get(change.key.lot, ())
                desk.take(change, now, _arrivals(part, sources))
        fresh = batch.take(slice(before, count))

        def news_at(lot: str, fresh: ReadingBatch = fresh, now: int = now) -> int:
            """When the last reading of a lot in this turn arrived."""
            index = _of_sources(fresh, office.sources.get(lot, ()))
            return int(fresh.received[index].max()) if len(index) else now

        news, before = count > before, count
        engine.tick(now)  # of silence nothing is scored, but it is judged
        for key, since in list(engine.dirty.items()):
            history = office.history(batch.take(slice(0, count)), key)
            # As soon as the lot is quiet, that is at once.
            found_at = int(batch.received[count - 1]) if news else now
            desk.take(engine.refold(key, since, history), found_at)
        board.take(engine, now, news_at)
    return desk.by_lot(), board


def _turns(batch: ReadingBatch, world: World) -> Iterator[tuple[int, int]]:
    """When a batch is judged or a tick comes, and how many readings have arrived by then."""
    last = max(world.end_ms, int(batch.received[-1]) if len(batch) else 0) + TOGETHER_MS
    busy = batch.received // TOGETHER_MS + 1
    ticks = np.arange(world.start_ms // TICK_MS + 1, last // TICK_MS + 1) * (TICK_MS // TOGETHER_MS)
    slots = np.union1d(busy, ticks)
    counts = np.searchsorted(batch.received, slots * TOGETHER_MS)
    yield from zip((slots * TOGETHER_MS).tolist(), counts.tolist(), strict=True)


@dataclass(slots=True)
class _Board:
    """``shown``: lot -> when it was shown as one to inspect and preheat for the furnace: that it is
    not fit is what is shown of it otherwise, before its first reading and when the last one no
    longer holds too."""

    shown: dict[LotKey, list[Span]] = field(default_factory=dict)

    def take(self, engine: Engine, now: int, news_at: Callable[[str], int]) -> None:
        """Of the lots whose numbers changed, as what is known of a lot is written and shown: since
        the readings arrived that made it so."""
        for lot in engine.known(engine.take_changed()):
            spans, at = self.shown.setdefault(lot.key, []), news_at(lot.key.lot)
            if spans and spans[-1].ends > at:
                spans[-1] = Span(spans[-1].begins, max(at, spans[-1].begins))
            until = 0 if lot.newest is None else lot.newest + round(climate.MAX_GAP_H * HOUR_MS)
            state = furnace.said(lot.numbers, fresh=until > now).state
            if state != furnace.NOT_KNOWN.state:
                begins = spans.pop().begins if spans and spans[-1].ends == at else at
                spans.append(Span(begins, until))


@dataclass(slots=True)
class _Alert:
    known: Known
    told: int | None = None
    lifted: int = FOREVER


@dataclass(slots=True)
class _Desk:
    """The record of alerts, as `rules.ledger` keeps it, and when people were told of each.
    ``actionable``: rule -> for how long what only comes to light is told, ms."""

    actionable: Mapping[str, int]
    alerts: dict[LotKey, dict[str, _Alert]] = field(default_factory=dict)

    def take(self, change: Change, now: int, arrived: Mapping[int, int] = NO_ARRIVALS) -> None:
        """Bring the record in line with a change that was found at ``now`` (ms), or when the
        readings that made it so had ``arrived``, by their times. Silences are none of it."""
        if change.silence:
            return
        of_lot = self.alerts.setdefault(change.key, {})
        target = episodes(change)
        ids = {episode.id for episode in target}
        spoken_of = [
            each.known
            for each in of_lot.values()
            if each.known.id in ids
            or each.known.cleared is None
            or max(each.known.cleared, each.known.opened) >= change.since
        ]
        plan = reconcile(spoken_of, target, change.since)
        for id_ in plan.withdraw:
            _close(of_lot[id_], of_lot[id_].known.cleared, now, withdrawn=True)
        for id_, ended in plan.end:
            _close(of_lot[id_], ended, now)
        for one in plan.restore:
            alert = of_lot[one.id]
            alert.known = replace(alert.known, cleared=one.cleared, withdrawn=False)
            if one.cleared is None and self._is_told(change, one, now):
                _tell(alert, now)
        for one in plan.begin:
            alert = of_lot[one.id] = _Alert(
                Known(one.id, one.rule, one.opened, one.cleared, withdrawn=False)
            )
            # What was over when it came to light counts as told to nobody, though people may be
            # told of what it left.
            over = one.cleared is not None and (
                one.opened <= change.known_to or now - one.cleared > FRESH_MS
            )
            if not over and self._is_told(change, one, now):
                _tell(alert, arrived.get(one.opened, now))

    def _is_told(self, change: Change, episode: Episode, now: int) -> bool:
        return is_told(change, episode, self.actionable[episode.rule], now)

    def by_lot(self) -> PagesOfLots:
        return {
            key: _by_rule(
                (each.known.rule, Page(each.told, each.lifted))
                for each in of_lot.values()
                if each.told is not None
            )
            for key, of_lot in self.alerts.items()
        }


def _actionable(rules: Rules) -> dict[str, int]:
    return {rule.name: rule.actionable_ms for rule in rules.rules}


def _tell(alert: _Alert, now: int) -> None:
    """Once, however often it is found to be so."""
    alert.told = now if alert.told is None else alert.told
    alert.lifted = FOREVER if alert.known.cleared is None else max(now, alert.told)


def _close(alert: _Alert, ended: int | None, now: int, *, withdrawn: bool = False) -> None:
    alert.known = replace(alert.known, cleared=ended, withdrawn=withdrawn)
    alert.lifted = min(alert.lifted, now)


def _by_rule(pages: Iterable[tuple[str, Page]]) -> dict[str, tuple[Page, ...]]:
    found: dict[str, list[Page]] = {}
    for rule, page in pages:
        found.setdefault(rule, []).append(page)
    return {rule: tuple(sorted(its)) for rule, its in found.items()}


def _at_once(office: _Office, batch: ReadingBatch, rules: Rules) -> PagesOfLots:
    """As `_judged`, of rules that are not ours: all readings in order of their times at once, each
    told when the reading that made it so arrived, but for what was over by then."""
    arrivals = {
        LotKey(TENANT, lot): _arrivals(batch, sources) for lot, sources in office.sources.items()
    }
    return _folded(office, bind(batch, office.directory), rules, arrivals)


def _given_truth(office: _Office, truths: Mapping[str, Truth], rules: Rules) -> PagesOfLots:
    """What the rules would tell who were given the true air each ten minutes and the true
    temperature of the metal, or of the wool's core: what they come to without sensors, networks and
    intervals."""
    parts = {LotKey(TENANT, lot): _measured(truth) for lot, truth in truths.items()}
    return _folded(office, climate.together(parts), rules, {})


def _measured(truth: Truth) -> climate.Samples:
    """As tags would that err by nothing, one in the air and one on the metal or in the wool."""
    every = max(round(TOGETHER_MS / int(truth.time[1] - truth.time[0])), 1)
    index = np.arange(0, len(truth.time), every)
    unknown = np.full(len(index), np.nan)
    is_metal = bool(np.isnan(truth.mould_index[0]))
    inside = truth.surface_temperature if is_metal else truth.core_temperature
    kinds = [
        (Placement.AIR, truth.air_temperature[index], truth.air_humidity[index]),
        (Placement.SURFACE if is_metal else Placement.CORE, inside[index], unknown),
    ]
    parts = [
        climate.Samples(
            time=truth.time[index],
            identity=np.full(len(index), climate.CODES[placement], np.int64),
            placement=np.full(len(index), climate.CODES[placement], np.int64),
            temperature=warmth,
            humidity=damp,
            probe=unknown,
        )
        for placement, warmth, damp in kinds
    ]
    return climate.join(parts).ordered()


def _folded(
    office: _Office,
    bound: climate.Bound,
    rules: Rules,
    arrivals: Mapping[LotKey, Mapping[int, int]],
) -> PagesOfLots:
    """Of samples that are all there, by lot. ``arrivals``: when what was measured at a time was
    heard, ms; at once, where nothing is said of it."""
    engine = Engine(rules, samples=max(len(bound.samples), 1))
    engine.know(office.facts)
    found = {}
    for change in engine.evaluate(bound):
        arrived = arrivals.get(change.key, NO_ARRIVALS)
        pages = []
        for episode in episodes(change):
            told = arrived.get(episode.opened, episode.opened)
            if episode.cleared is None or told < episode.cleared:
                lifted = (
                    FOREVER
                    if episode.cleared is None
                    else max(arrived.get(episode.cleared, episode.cleared), told)
                )
                pages.append((episode.rule, Page(told, lifted)))
        found[change.key] = _by_rule(pages)
    return found


def _arrivals(batch: ReadingBatch, sources: Iterable[Source]) -> dict[int, int]:
    """Of a lot's readings: their time -> when the first of that time arrived."""
    index = _of_sources(batch, sources)[::-1]
    return dict(zip(batch.time[index].tolist(), batch.received[index].tolist(), strict=True))


def _of_sources(batch: ReadingBatch, sources: Iterable[Source]) -> Ints:
    """Positions of the believed readings that speak for a lot, in order of arrival."""
    found = [_of_source(batch, source) for source in sources]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def _of_source(batch: ReadingBatch, source: Source) -> Ints:
    key = TagKey(TENANT, source.tag)
    tag = batch.tags.index(key) if key in batch.tags else -1
    within = (source.begins <= batch.time) & (batch.time < source.ends)
    return np.flatnonzero((batch.tag == tag) & within & climate.believed(batch))
