"""Sightings in the registry: the same rows for every order and any number of deliveries."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select

from ingest.formats import Decoded, Memory, Sighting, decode, route
from ingest.journal import Entry
from ingest.message import NO_MESSAGES, Message
from ingest.sightings import MINUTE_MS, Sightings
from lots import registry
from lots.clock import DAY_MS
from lots.model import DeadLetter, Sighted
from lots.readings.batch import concatenate
from lots.settings import Subscription

NOW = 1_763_766_000_000  # a full minute
ITEM = "urn:epc:id:sgtin:0614141.812345."


@pytest.fixture(scope="module")
def sqlite_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("sightings")
    found = registry.connect(f"sqlite:///{folder}/registry.sqlite")
    registry.migrate(found)
    yield found
    found.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        found: Engine = request.getfixturevalue("sqlite_engine")
    else:
        found = registry.connect(request.getfixturevalue("postgres_url"))
        registry.migrate(found)
    with registry.writing(found) as session:
        session.execute(delete(Sighted))
        session.execute(delete(DeadLetter))
        registry.create_tenant(session, "acme", "Acme")
    yield found
    if request.param != "sqlite":
        found.dispose()


def decoded(seen: Sequence[Sighting]) -> Decoded:
    return Decoded(concatenate([]), [], [], seen)


def write(engine: Engine, *portions: Sequence[Sighting]) -> None:
    """As the keeper does: gather, write, clear."""
    note = Sightings()
    for portion in portions:
        note.take(Entry(0, 1, NO_MESSAGES, None), decoded(portion))
        with registry.writing(engine) as session:
            note.write(session)
        note.clear()


def rows(engine: Engine) -> list[tuple[Any, ...]]:
    columns = (Sighted.id, Sighted.epc, Sighted.reader, Sighted.antenna)
    query = select(*columns, Sighted.first, Sighted.last, Sighted.rssi).order_by(Sighted.id)
    with registry.reading(engine) as session:
        return [tuple(row) for row in session.execute(query)]


def seen(n: int, at: int, rssi: float | None = -50.0, antenna: int = 1) -> Sighting:
    return Sighting("acme", "dock-3", antenna, f"{ITEM}{n}", NOW + at, rssi)


def test_a_minute_at_an_antenna_is_a_row(engine: Engine) -> None:
    write(
        engine,
        [seen(1, 900, -60.0), seen(1, 100, -52.5), seen(1, 59_999, None)],
        [seen(1, MINUTE_MS), seen(1, 5, antenna=2), seen(2, 7, None)],
    )
    found = sorted(row[1:] for row in rows(engine))
    assert found == [
        (f"{ITEM}1", "dock-3", 1, NOW + 100, NOW + 59_999, -52.5),
        (f"{ITEM}1", "dock-3", 1, NOW + MINUTE_MS, NOW + MINUTE_MS, -50.0),
        (f"{ITEM}1", "dock-3", 2, NOW + 5, NOW + 5, -50.0),
        (f"{ITEM}2", "dock-3", 1, NOW + 7, NOW + 7, None),
    ]


def test_order_repeats_and_portions_make_no_difference(engine: Engine) -> None:
    chance = random.Random(7)
    told = [None, -40.5, -61.0, -75.25]
    all_seen = [
        seen(chance.randrange(20), chance.randrange(5 * MINUTE_MS), chance.choice(told), n % 3)
        for n in range(400)
    ]
    write(engine, all_seen)
    expected = rows(engine)
    assert 20 < len(expected) < 301
    for _ in range(3):
        with registry.writing(engine) as session:
            session.execute(delete(Sighted))
        again = [*all_seen, *chance.sample(all_seen, 100)]
        chance.shuffle(again)
        write(engine, *(again[at : at + 37] for at in range(0, 500, 37)), again)
        assert rows(engine) == expected


def test_thousands_a_second_are_written(engine: Engine) -> None:
    many = [seen(n, n % MINUTE_MS) for n in range(10_000)]
    begun = time.monotonic()
    write(engine, many)
    assert time.monotonic() - begun < 5.0
    assert len(rows(engine)) == 10_000


def test_sightings_of_a_tenant_that_there_is_not_are_told(engine: Engine) -> None:
    strange = Sighting("nobody", "dock-3", 1, f"{ITEM}1", NOW, -50.0)
    write(engine, [strange, seen(1, 0)], [strange])
    assert len(rows(engine)) == 1
    with registry.reading(engine) as session:
        (letter,) = session.scalars(select(DeadLetter)).all()
    assert letter.topic == "dunnage/v1/nobody/dock-3/reads"
    assert b'"epc":"urn:epc:id:sgtin:0614141.812345.1"' in letter.payload
    assert "dunnage tenants add" in letter.reason


def test_old_ones_are_forgotten(engine: Engine) -> None:
    write(engine, [seen(1, 0), seen(2, DAY_MS)])
    with registry.writing(engine) as session:
        Sightings().expire(session, NOW + 1)
    assert [row[1] for row in rows(engine)] == [f"{ITEM}2"]


def test_a_letter_of_sightings_can_be_decoded_again(engine: Engine) -> None:
    strange = Sighting("nobody", "dock-3", 4, f"{ITEM}1", NOW, -50.5)
    write(engine, [strange])
    with registry.reading(engine) as session:
        (letter,) = session.scalars(select(DeadLetter)).all()
    row = Subscription(filter="dunnage/v1/+/+/reads", format="reads")
    message = Message(letter.received, letter.topic, letter.payload)
    again = decode([message], [route(row, DAY_MS)], Memory())
    assert set(again.sightings) == {strange}
