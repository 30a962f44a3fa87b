"""Whom a reading speaks for, at its own time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.bind import Directory, Roster, Rosters, bind, load, parted
from lots import registry
from lots.climate import CODES, Adjustment, LotKey
from lots.clock import HOUR_MS
from lots.fields import written
from lots.readings.batch import Flag, ReadingBatch, TagKey, concatenate, empty, of_tag
from lots.records import KINDS
from lots.whereabouts import FOREVER, Source

START = 1_763_812_800_000
L1, L2 = LotKey("acme", "L1"), LotKey("acme", "L2")


def at(hours: float) -> int:
    return START + round(hours * HOUR_MS)


def watched(tag: str, begins: float, ends: float | None = None, placement: str = "air") -> Source:
    return Source(tag, placement, at(begins), FOREVER if ends is None else at(ends), None)


def roster(sources, corrections=None, tenant="acme") -> dict[str, Roster]:
    return {tenant: Roster(tenant, sources.items(), corrections or {}, ["T1", "T2"])}


def said(tag: str, *hours: float, tenant: str = "acme", **more) -> ReadingBatch:
    times = [at(hour) for hour in hours]
    values = {"humidity": [float(hour) for hour in hours]}
    return of_tag(TagKey(tenant, tag), times, values, key=np.arange(len(hours)), **more)


def bound(batch, rosters):
    """Samples by lot."""
    return bind(batch, Directory(rosters)).by_lot()


def heard(found) -> dict[LotKey, list[float]]:
    return {key: part.humidity.tolist() for key, part in found.items()}


def test_a_reading_speaks_for_whom_its_tag_watched_at_the_readings_own_time() -> None:
    """T1 on L1 from 0 to 10 h, on L2 from 10 h; its readings come all at once, out of order."""
    rosters = roster({"L1": [watched("T1", 0, 10)], "L2": [watched("T1", 10)]})
    found = bound(said("T1", 12, 0, -1, 9, 10), rosters)
    assert heard(found) == {L1: [0, 9], L2: [10, 12]}


def test_the_tag_of_a_place_speaks_for_all_that_stood_there() -> None:
    rosters = roster({"L1": [watched("T1", 0, 10)], "L2": [watched("T1", 5, 15)]})
    assert heard(bound(said("T1", 1, 6, 12), rosters)) == {L1: [1, 6], L2: [6, 12]}


def test_a_lot_hears_all_of_its_tags_in_order() -> None:
    rosters = roster({"L1": [watched("T1", 0), watched("T2", 0, placement="surface")]})
    batch = concatenate([said("T1", 3, 1), said("T2", 2, 4)])
    found = bound(batch, rosters)
    assert heard(found) == {L1: [1, 2, 3, 4]}
    assert found[L1].placement.tolist() == [CODES[p] for p in ("air", "surface") * 2]


def test_a_tag_that_watched_twice_speaks_twice() -> None:
    rosters = roster({"L1": [watched("T1", 0, 2), watched("T1", 4, 6)]})
    assert heard(bound(said("T1", 0, 1, 2, 3, 4, 5, 6), rosters)) == {L1: [0, 1, 4, 5]}


def test_a_bays_backlog_is_bound_in_parts() -> None:
    rosters = roster({f"L{n}": [watched("bay", 0)] for n in range(10)} | {"M": [watched("own", 0)]})
    directory = Directory(rosters)
    batch = concatenate([said("bay", *range(50)), said("own", *range(50)), said("nobodys", 1)])
    parts = list(parted(batch, directory, samples=100))
    assert np.concatenate([part.time for part in parts]).tolist() == batch.time.tolist()
    assert len(parts) > 5
    assert all(len(bind(part, directory).samples) <= 110 for part in parts)
    assert list(parted(batch, directory)) == [batch]
    assert list(map(len, parted(empty(), directory))) == [0]


def test_nobodys_readings_are_left_out() -> None:
    rosters = roster({"L1": [watched("T1", 0)]})
    assert bound(said("T2", 1), rosters) == {}
    assert bound(said("stranger", 1), rosters) == {}
    assert bound(said("T1", -1), rosters) == {}
    assert bound(said("T1", 1, tenant="rival"), rosters) == {}
    assert bound(empty(), rosters) == {}
    assert bound(said("T1", 1), {}) == {}


def test_a_tag_of_the_same_name_is_another_tenants() -> None:
    rosters = roster({"L1": [watched("T1", 0)]}) | roster(
        {"L1": [watched("T1", 5)]}, tenant="rival"
    )
    batch = concatenate([said("T1", 1), said("T1", 6, tenant="rival")])
    assert heard(bound(batch, rosters)) == {L1: [1], LotKey("rival", "L1"): [6]}


def test_readings_are_corrected_on_the_way_and_kept_raw() -> None:
    corrections = {"T1": {"humidity": [Adjustment(at(2), 1.0, 100.0)]}}
    rosters = roster({"L1": [watched("T1", 0)]}, corrections)
    batch = said("T1", 1, 2, 3)
    assert heard(bound(batch, rosters)) == {L1: [1, 102, 103]}
    assert batch.values["humidity"].tolist() == [1, 2, 3]


def test_a_correction_of_another_tenants_tag_is_not_ours() -> None:
    corrections = {"T1": {"humidity": [Adjustment(at(0), 1.0, 100.0)]}}
    rosters = roster({"L1": [watched("T1", 0)]}) | roster({}, corrections, tenant="rival")
    assert heard(bound(said("T1", 1), rosters)) == {L1: [1]}


def test_doubtful_readings_are_not_bound() -> None:
    rosters = roster({"L1": [watched("T1", 0)]})
    batch = said("T1", 1, 2, flags=[int(Flag.HUMIDITY_RANGE), int(Flag.SECONDS)])
    assert heard(bound(batch, rosters)) == {L1: [2]}


def test_what_is_bound_now_has_the_identity_that_the_store_will_give_back() -> None:
    """A lot that is folded again from the store must know its repeats."""
    rosters = roster({"L1": [watched("T1", 0)]})
    alone = bound(said("T1", 1, 2), rosters)[L1]
    crowd = bound(concatenate([said("T2", 1), said("T1", 1, 2), said("T3", 5)]), rosters)[L1]
    assert alone.identity.tolist() == crowd.identity.tolist()


moments = st.integers(-3, 12)
spans = st.lists(st.tuples(moments, st.integers(1, 8)), max_size=3)


@settings(max_examples=100, deadline=None, derandomize=False, print_blob=True)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["L1", "L2", "L3"]), st.sampled_from(["T1", "T2"])), spans
    ),
    st.lists(st.tuples(st.sampled_from(["T1", "T2", "T3"]), moments), max_size=20),
)
def test_binding_is_asking_of_each_reading_whom_it_speaks_for(uses, readings) -> None:
    sources: dict[str, list[Source]] = {}
    for (lot, tag), each in uses.items():
        sources.setdefault(lot, []).extend(watched(tag, b, b + n) for b, n in each)
    batch = concatenate(said(tag, hour) for tag, hour in readings)
    expected: dict[LotKey, list[float]] = {}
    for tag, hour in readings:
        for lot, each in sources.items():
            for source in each:
                if source.tag == tag and source.begins <= at(hour) < source.ends:
                    expected.setdefault(LotKey("acme", lot), []).append(float(hour))
    found = heard(bound(batch, roster(sources)))
    assert {key: sorted(values) for key, values in expected.items()} == found


# From the registry.


@pytest.fixture
def database(tmp_path):
    engine = registry.connect(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    registry.migrate(engine)
    yield engine
    engine.dispose()


def put(database, kind, /, **fields) -> None:
    with registry.writing(database) as session:
        registry.put(session, "acme", kind, KINDS[kind].model_validate(fields))


@pytest.fixture
def furnished(database):
    with registry.writing(database) as session:
        registry.create_tenant(session, "acme", "Acme")
    put(database, "places", id="box", kind="container", name="Box")
    put(database, "tags", id="T1")
    put(
        database, "lots", id="L1", commodity="lead", form="ingot", net_mass_kg=1, packaging="pallet"
    )
    put(database, "bindings", tag="T1", place="box", begins=written(at(0)))
    put(database, "moves", lot="L1", at=written(at(5)), place="box")
    return database


def test_a_roster_is_what_the_registry_says(furnished) -> None:
    with registry.reading(furnished) as session:
        found = load(session, "acme")
    assert found.knows(["T1", "T9"]).tolist() == [True, False]
    assert heard(bound(said("T1", 4, 5, 6), {"acme": found})) == {L1: [5, 6]}


def test_rosters_follow_the_registry(furnished) -> None:
    rosters = Rosters()
    with registry.reading(furnished) as session:
        assert rosters.refresh(session) == {"acme"}
        assert rosters.refresh(session) == set()
    put(furnished, "moves", lot="L1", at=written(at(6)), place=None)
    with registry.reading(furnished) as session:
        assert rosters.refresh(session) == {"acme"}
    assert heard(bind(said("T1", 4, 5, 6), rosters.directory).by_lot()) == {L1: [5]}
    correction = {"quantity": "humidity", "begins": written(at(0)), "offset": 10.0}
    put(furnished, "tags", id="T1", corrections=[correction])
    with registry.reading(furnished) as session:
        assert rosters.refresh(session) == {"acme"}
    assert heard(bind(said("T1", 5), rosters.directory).by_lot()) == {L1: [15]}
