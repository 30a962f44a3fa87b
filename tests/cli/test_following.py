"""The rules' side of the worker, where the keeper is far behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cli.following import RuleFollower
from cli.parts import journal_of, packs_of, routes_of, store_of
from ingest.formats import Memory
from ingest.journal import Journal
from ingest.keeper import Keeper
from ingest.message import Message
from ingest.repeats import Repeats
from ingest.understanding import Understanding
from lots import registry
from lots.clock import DAY_MS
from lots.records import KINDS
from lots.settings import Settings, Subscription
from rules.evaluator import Evaluator
from tests.formats.test_sparkplug import BIRTH, BY_ALIAS, NOW

SPARKPLUG = Subscription(filter="spBv1.0/#", format="sparkplug", tenant="acme")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, subscriptions=[SPARKPLUG])


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    engine = registry.connect(settings.registry)
    registry.migrate(engine)
    lot = {"commodity": "lead", "form": "ingot", "net_mass_kg": 1000, "packaging": "strapped"}
    with registry.writing(engine) as session:
        registry.create_tenant(session, "acme", "Acme")
        for kind, fields in (
            ("tags", {"id": "P.N.D", "interval_s": 600}),
            ("lots", {"id": "L1", **lot}),
            ("bindings", {"tag": "P.N.D", "lot": "L1", "begins": "2025-01-01T00:00Z"}),
        ):
            registry.put(session, "acme", kind, KINDS[kind].model_validate(fields))
    yield engine
    engine.dispose()


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    opened = journal_of(settings)
    yield opened
    opened.close()


def judged(settings: Settings, database: Engine, journal: Journal) -> int:
    """How many readings the rules of a new worker see, whose keeper has no store."""
    clock, days, stop = settings.clock, settings.raw_retention_days, threading.Event()
    store, packs = store_of(settings), packs_of(settings, database)
    understanding = Understanding(journal, routes_of(settings), Memory(), Repeats())
    keeper = Keeper(database, store, understanding, clock, days * DAY_MS, stop)
    evaluator = Evaluator(database, store, packs.rules, [], settings.data, clock, days)
    rules = RuleFollower(evaluator, database, keeper, understanding, packs, stop)
    keeper.restore(journal.start)
    offset = rules.restore(journal.id, journal.start, journal.end)
    while (found := understanding.after(offset)) is not None:
        rules.take(found.entry, found.decoded)
        offset = found.entry.end
    rules.close()
    store.close()
    return rules.evaluated


def test_births_from_before_a_snapshot_are_known_after_it(
    settings: Settings, database: Engine, journal: Journal
) -> None:
    """Though the keeper, which waits for the store, never wrote them."""
    journal.append([Message(NOW, "spBv1.0/P/DBIRTH/N/D", BIRTH)])
    assert judged(settings, database, journal) == 1
    journal.append([Message(NOW + 1000, "spBv1.0/P/DDATA/N/D", BY_ALIAS)])
    assert judged(settings, database, journal) == 1
    assert judged(settings, database, journal) == 0, "it was judged already"
