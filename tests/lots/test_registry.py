"""Putting, getting, changing and removing, on both databases."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lots import registry
from lots.fields import instant_of
from lots.model import Refold, UnknownTag
from lots.records import KINDS, LotRecord, Record
from lots.registry import InUse, Missing, Outcome, Overlap, RegistryError, Rejected
from tests.lots.world import World, day

EACH: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "sites",
        {"id": "Ø", "name": "Øst", "latitude": 1.25, "longitude": -3, "timezone": "UTC"},
        {"name": "Øst 2", "region": "cold_winter"},
    ),
    ("places", {"id": "bay 9", "site": "HH", "kind": "bay", "name": "九"}, {"site": None}),
    (
        "parties",
        {"id": "P", "name": "Straße & Söhne", "humidity_max": 60, "email": "ä@example.com"},
        {"tier": "critical", "humidity_max": 55.5},
    ),
    (
        "tags",
        {
            "id": "T-9",
            "model": "SHT45",
            "corrections": [
                {"quantity": "temperature", "begins": day(0), "offset": -0.2, "certificate": "K 1"},
                {"quantity": "humidity", "begins": day(0), "gain": 1.01, "expires": day(9)},
            ],
        },
        {"corrections": [{"quantity": "temperature", "begins": day(1), "offset": 0.1}]},
    ),
    (
        "lots",
        {
            "id": "WO 7",
            "commodity": "wool",
            "form": "greasy",
            "net_mass_kg": 18120.5,
            "packaging": "bale_nylon",
            "contract_regain_pct": 16,
            "customer": "buyer",
            "references": {"batch": ["M/1", "Ünïcode"], "purchase_order": ["PO 1"]},
        },
        {"packages": 100, "references": {"batch": ["M/2"]}},
    ),
    ("bindings", {"tag": "t1", "lot": "a", "begins": day(0)}, {"ends": day(3)}),
    ("moves", {"lot": "a", "at": day(0), "place": "bay 1"}, {"place": None}),
    (
        "shipments",
        {
            "id": "S",
            "lots": ["a", "b"],
            "legs": [
                {"number": 2, "mode": "sea", "departs": day(2), "arrives": day(3), "offline": True},
                {
                    "number": 1,
                    "mode": "truck",
                    "departs": day(1),
                    "arrives": day(2),
                    "place": "box",
                },
            ],
        },
        {"lots": ["b"], "legs": []},
    ),
    (
        "holds",
        {"kind": "fumigated", "place": "box", "begins": day(0), "lifted_by": "Müller"},
        {"ends": day(2)},
    ),
]


@pytest.mark.parametrize(("kind", "fields", "change"), EACH, ids=[kind for kind, *_ in EACH])
def test_put_get_patch_and_remove(
    world: World, kind: str, fields: dict[str, Any], change: dict[str, Any]
) -> None:
    record = world.record(kind, **fields)
    revision = world.revision
    assert world.put(kind, **fields) is Outcome.CREATED
    assert world.get(kind, record.id) == record
    assert world.revision == revision + 1

    assert world.put(kind, **fields) is Outcome.UNCHANGED
    assert world.revision == revision + 1

    patched = registry.patch(world.session, world.tenant, kind, record.id, change)
    assert patched is not None
    assert patched.id == record.id
    assert patched != record
    assert world.get(kind, record.id) == patched
    assert world.revision == revision + 2

    assert registry.put(world.session, world.tenant, kind, record) is Outcome.CHANGED
    assert world.get(kind, record.id) == record

    assert registry.remove(world.session, world.tenant, kind, record.id)
    assert world.get(kind, record.id) is None
    assert not registry.remove(world.session, world.tenant, kind, record.id)
    assert world.revision == revision + 4


def test_a_patch_leaves_what_it_does_not_name(world: World) -> None:
    world.lot("x", references={"batch": ["1"], "brand": ["N"]}, customer="buyer")
    patched = registry.patch(
        world.session, world.tenant, "lots", "x", {"references": {"batch": None}, "customer": None}
    )
    assert isinstance(patched, LotRecord)
    assert patched.customer is None
    assert patched.model_dump(mode="json")["references"] == {"brand": ["N"]}
    for changes in ({"colour": "red"}, {"colour": None}, {"packages": 0}):
        with pytest.raises(ValidationError):
            registry.patch(world.session, world.tenant, "lots", "x", changes)
    with pytest.raises(RegistryError, match="remove it and put another"):
        registry.patch(world.session, world.tenant, "lots", "x", {"id": "y"})
    assert registry.patch(world.session, world.tenant, "lots", "none", {}) is None


@pytest.mark.parametrize(
    ("kind", "fields", "field", "name"),
    [
        ("places", {"id": "x", "kind": "bay", "name": "x", "site": "none"}, "site", "none"),
        ("bindings", {"tag": "none", "lot": "a", "begins": day(0)}, "tag", "none"),
        ("bindings", {"tag": "t1", "lot": "none", "begins": day(0)}, "lot", "none"),
        ("bindings", {"tag": "t1", "place": "none", "begins": day(0)}, "place", "none"),
        ("moves", {"lot": "a", "at": day(0), "place": "none"}, "place", "none"),
        ("shipments", {"id": "x", "lots": ["a", "none"]}, "lots", "none"),
        (
            "shipments",
            {
                "id": "x",
                "legs": [
                    {
                        "number": 3,
                        "mode": "sea",
                        "departs": day(0),
                        "arrives": day(1),
                        "origin": "none",
                    }
                ],
            },
            "legs.3.origin",
            "none",
        ),
        ("holds", {"kind": "seal", "shipment": "none", "begins": day(0)}, "shipment", "none"),
    ],
)
def test_names_of_nothing_are_refused(
    world: World, kind: str, fields: dict[str, Any], field: str, name: str
) -> None:
    with pytest.raises(Missing, match=f'"{name}".*register it first') as caught:
        world.put(kind, **fields)
    assert caught.value.field == field
    assert world.get(kind, str(fields.get("id", "x"))) is None


def test_a_tag_is_in_one_place_at_a_time(world: World) -> None:
    world.bind("t1", 0, lot="a")
    with pytest.raises(Overlap, match=f"t1@{day(0)}.*end that binding first"):
        world.bind("t1", 5, place="bay 1")
    with pytest.raises(Overlap):
        world.put("bindings", id="before", tag="t1", lot="b", begins="2025-02-01T00:00:00Z")
    world.bind("t2", 5, lot="a")
    world.bind("t1", 0, 5, lot="a")
    world.bind("t1", 5, place="bay 1")
    assert len(registry.page(world.session, world.tenant, "bindings")) == 3


def test_one_batch_may_end_a_binding_and_begin_the_next(world: World) -> None:
    world.bind("t1", 0, lot="a")
    ended = world.record("bindings", tag="t1", lot="a", begins=day(0), ends=day(4))
    begun = world.record("bindings", tag="t1", lot="b", begins=day(4))
    outcomes = registry.put_many(world.session, world.tenant, "bindings", [begun, ended])
    assert outcomes == [Outcome.CREATED, Outcome.CHANGED]


def test_a_batch_is_kept_whole_or_not(world: World) -> None:
    good = world.record("bindings", tag="t1", lot="a", begins=day(0))
    bad = world.record("bindings", tag="t2", lot="none", begins=day(0))
    overlapping = world.record("bindings", tag="t1", lot="b", begins=day(1))
    batch = [good, bad, overlapping, bad]
    with pytest.raises(Rejected) as caught:
        registry.put_many(world.session, world.tenant, "bindings", batch)
    found = [(position, type(why).__name__) for position, why in caught.value.problems]
    assert found == [
        (1, "Repeated"),
        (1, "Missing"),
        (2, "Overlap"),
        (3, "Repeated"),
        (3, "Missing"),
    ]
    assert registry.page(world.session, world.tenant, "bindings") == []


def test_what_is_named_cannot_go(world: World) -> None:
    world.bind("t1", 0, lot="a")
    world.move("b", 0, "bay 1")
    world.ship("S", ["c"], (1, 2, "box"))
    world.put("holds", kind="seal", shipment="S", begins=day(0))
    for kind, name, use in [
        ("tags", "t1", f"t1@{day(0)}"),
        ("lots", "a", f"t1@{day(0)}"),
        ("lots", "c", "S"),
        ("places", "bay 1", "b"),
        ("places", "box", "S"),
        ("sites", "HH", "bay 1"),
        ("shipments", "S", "seal-shipment-S"),
    ]:
        with pytest.raises(InUse, match=f'{name}" cannot be removed.*{use}.*first'):
            registry.remove(world.session, world.tenant, kind, name)
    assert registry.remove(world.session, world.tenant, "lots", "b"), "its moves go with it"
    assert registry.page(world.session, world.tenant, "moves") == []


def test_pages_go_through_everything_once(world: World) -> None:
    for number in range(7):
        world.move("a" if number % 2 else "b", number, "bay 1")
    for kind in ("lots", "moves"):
        seen: list[Record] = []
        after = None
        while page := registry.page(world.session, world.tenant, kind, after, 2):
            assert len(page) <= 2
            seen += page
            after = page[-1].id
        ids = [record.id for record in seen]
        assert len(ids) == len(set(ids)) == (7 if kind == "moves" else 3)
    with pytest.raises(RegistryError, match="no id of a move"):
        registry.page(world.session, world.tenant, "moves", "nonsense")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a\0b",
        "x" * 5000,
        "a@2025-13-01T00:00:00Z",
        "a@0001-01-01T00:00:00+23:59",
        "a@9999-12-31T23:59:59-23:59",
        "'; --",
    ],
)
def test_ids_that_cannot_be_are_not_there(world: World, name: str) -> None:
    for kind in KINDS:
        assert world.get(kind, name) is None
        assert not registry.remove(world.session, world.tenant, kind, name)


def test_a_registered_tag_is_no_longer_unknown(world: World) -> None:
    for tag in ("new", "other"):
        world.session.add(
            UnknownTag(tenant=world.tenant, tag=tag, first_seen=1, last_seen=2, readings=3)
        )
    world.session.flush()
    world.put("tags", id="new")
    assert [tag.tag for tag in registry.unknown_tags(world.session, world.tenant)] == ["other"]


def test_tenants_do_not_see_each_other(world: World) -> None:
    session, other = world.session, uuid.uuid4().hex[:12]
    registry.create_tenant(session, other, "Other")
    theirs = World(session, other).furnished()
    theirs.lot("a", references={"batch": ["secret"]}, net_mass_kg=1)
    theirs.bind("t1", 0, lot="a")
    theirs.put("lots", id="theirs", **world.get("lots", "a").model_dump(exclude={"id"}))

    assert world.get("lots", "theirs") is None
    assert world.get("lots", "a").net_mass_kg == 1000
    assert registry.sources_of(session, world.tenant, "a") == []
    assert registry.lots_by_reference(session, world.tenant, "secret") == []
    assert registry.sources_of_all(session, world.tenant) == {}
    assert registry.page(session, world.tenant, "bindings") == []
    assert not registry.remove(session, world.tenant, "lots", "theirs")
    with pytest.raises(Missing, match='no lot "theirs"'):
        world.bind("t1", 0, lot="theirs")
    world.bind("t1", 0, lot="b")
    assert theirs.get("bindings", f"t1@{day(0)}").lot == "a"


def test_foreign_keys_cannot_cross_tenants(engine: Engine) -> None:
    with registry.writing(engine) as session:
        names = [uuid.uuid4().hex[:12] for _ in range(2)]
        for name in names:
            registry.create_tenant(session, name, "T")
        World(session, names[0]).furnished()
    statement = text(
        "insert into places (tenant, id, site, kind, name) values (:t, 'x', 'HH', 'bay', 'x')"
    )
    with pytest.raises(IntegrityError), registry.writing(engine) as session:
        session.execute(statement, {"t": names[1]})


def test_a_tenant_that_is_not_there_is_told(session: Session) -> None:
    record = KINDS["tags"].model_validate({"id": "T"})
    for attempt in (
        lambda: registry.put(session, "nobody", "tags", record),
        lambda: registry.revision(session, "nobody"),
    ):
        with pytest.raises(Missing, match='no tenant "nobody"'):
            attempt()


def test_a_write_that_fails_leaves_nothing(engine: Engine, unique_name: str) -> None:
    with registry.writing(engine) as session:
        registry.create_tenant(session, unique_name, "T")

    def half(session: Session) -> None:
        world = World(session, unique_name)
        world.put("tags", id="t")
        world.bind("t", 0, lot="none")

    with pytest.raises(Missing), registry.writing(engine) as session:
        half(session)
    with registry.reading(engine) as session:
        assert registry.page(session, unique_name, "tags") == []
        assert session.scalars(select(Refold).where(Refold.tenant == unique_name)).all() == []


def test_a_reading_session_sees_one_moment(engine: Engine, unique_name: str) -> None:
    with registry.writing(engine) as session:
        registry.create_tenant(session, unique_name, "Own")
        World(session, unique_name).furnished()
    with registry.reading(engine) as session:
        before = registry.revision(session, unique_name)
        with registry.writing(engine) as other:
            World(other, unique_name).bind("t1", 0, lot="a")
        assert registry.revision(session, unique_name) == before
        assert registry.sources_of(session, unique_name, "a") == []
    with registry.reading(engine) as session:
        assert registry.revision(session, unique_name) == before + 1
        assert len(registry.sources_of(session, unique_name, "a")) == 1


def test_puts_at_one_time_are_done_one_after_the_other(engine: Engine, unique_name: str) -> None:
    with registry.writing(engine) as session:
        registry.create_tenant(session, unique_name, "T")
        World(session, unique_name).furnished()
    outcomes: list[Outcome] = []
    refused: list[RegistryError] = []
    start = threading.Barrier(6)

    def write(number: int) -> None:
        start.wait()
        for _ in range(5):
            try:
                with registry.writing(engine) as session:
                    world = World(session, unique_name)
                    world.put("tags", id="shared", interval_s=60)
                    outcomes.append(world.bind("t1", 0, lot="abc"[number % 3]))
            except RegistryError as error:
                refused.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 30, refused
    assert outcomes.count(Outcome.CREATED) == 1
    with registry.reading(engine) as session:
        assert len(registry.page(session, unique_name, "bindings")) == 1
        changed = outcomes.count(Outcome.CHANGED)
        furnished = 5
        assert registry.revision(session, unique_name) == furnished + 1 + 1 + changed


IDS = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="/#+?%\\"),
    min_size=1,
    max_size=20,
)
TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60)
INSTANTS = st.integers(946_684_800_000, 4_102_444_800_000).map(instant_of)
LOTS = st.fixed_dictionaries(
    {
        "id": IDS.filter(lambda name: name not in (".", "..")),
        "commodity": st.just("wool"),
        "form": st.sampled_from(["greasy", "scoured", "tops", "cashmere"]),
        "net_mass_kg": st.floats(1e-3, 1e9),
        "packaging": st.sampled_from(["bale_nylon", "boxed"]),
        "packages": st.integers(1, 10**6),
        "time_constant_h": st.none() | st.floats(0.01, 1000),
        "references": st.dictionaries(
            st.sampled_from(["batch", "brand", "bale_mark"]), st.lists(TEXTS, max_size=4)
        ),
    }
)
TAGS = st.fixed_dictionaries(
    {
        "id": IDS.filter(lambda name: name not in (".", "..")),
        "interval_s": st.integers(1, 86400),
        "corrections": st.lists(
            st.fixed_dictionaries(
                {
                    "quantity": st.sampled_from(["temperature", "humidity"]),
                    "begins": INSTANTS,
                    "offset": st.floats(-50, 50),
                    "gain": st.floats(0.5, 2),
                    "certificate": st.none() | TEXTS,
                }
            ),
            max_size=4,
            unique_by=lambda c: (c["quantity"], c["begins"]),
        ),
    }
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_put_comes_back(world: World, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["lots", "tags"]))
    try:
        record = KINDS[kind].model_validate(data.draw(LOTS if kind == "lots" else TAGS))
    except ValidationError:
        return  # letters that grow past the longest when they are composed
    registry.put(world.session, world.tenant, kind, record)
    assert world.get(kind, record.id) == record
    assert registry.put(world.session, world.tenant, kind, record) is Outcome.UNCHANGED
    if isinstance(record, LotRecord):
        for value in (v for values in record.references.values() for v in values):
            found = registry.lots_by_reference(world.session, world.tenant, f" {value.upper()} ")
            assert (
                record.id in [lot.id for lot in found]
                or value.upper().casefold() != value.casefold()
            )
