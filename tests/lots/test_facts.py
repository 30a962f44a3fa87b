"""What is known of a lot: its names, its whereabouts, its holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from lots import facts, registry
from lots.model import UnknownTag
from lots.whereabouts import FOREVER, Source, Stay
from tests.lots.world import GOODS, World, day, ms


def count_queries(world: World, ask: Callable[[], Any]) -> int:
    engine = world.session.get_bind()
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(statements)


@pytest.mark.parametrize(
    "asked",
    [
        "PO 4500/118",
        "po4500/118",
        "  PO  4500/118\t",
        "ＰＯ 4500/118",
        "STRASSE 1",
        "wo-ä",
        "WO-A\u0308",
    ],
)
def test_lots_are_found_by_any_reference(world: World, asked: str) -> None:
    world.lot("WO-Ä", references={"purchase_order": ["PO 4500/118"], "brand": ["Straße 1"]})
    found = registry.lots_by_reference(world.session, world.tenant, asked)
    assert [lot.id for lot in found] == ["WO-Ä"]


def test_a_reference_finds_all_its_lots_and_no_others(world: World) -> None:
    for name in ("x1", "x2"):
        world.lot(name, references={"container": ["MSKU 7654321"], "batch": [name]})
    world.lot("MSKU7654321")
    ask = lambda text: [  # noqa: E731
        lot.id for lot in registry.lots_by_reference(world.session, world.tenant, text)
    ]
    assert ask("msku7654321") == ["MSKU7654321", "x1", "x2"]
    assert ask("x1") == ["x1"]
    assert ask("MSKU") == []
    assert ask("%") == []
    assert ask(" ") == []
    registry.patch(world.session, world.tenant, "lots", "x1", {"references": None})
    assert ask("msku7654321") == ["MSKU7654321", "x2"]


def test_stays_and_sources_follow_moves_legs_and_bindings(world: World) -> None:
    world.bind("t1", 0, place="bay 1")
    world.bind("t2", 3, 4, lot="a", placement="surface")
    world.move("a", 1, "bay 1")
    world.ship("S", ["a"], (5, 6, "box"))
    assert registry.stays_of(world.session, world.tenant, "a") == [
        Stay(ms(1), ms(5), "bay 1"),
        Stay(ms(5), ms(6 + 5), "box"),  # a container: five days more, if nobody says otherwise
    ]
    expected = [
        Source("t1", "air", ms(1), ms(5), "bay 1"),
        Source("t2", "surface", ms(3), ms(4), None),
    ]
    assert registry.sources_of(world.session, world.tenant, "a") == expected
    assert registry.sources_of(world.session, world.tenant, "none") == []
    assert registry.sources_of_all(world.session, world.tenant) == {"a": expected}
    world.bind("t3", 0, lot="b")
    both = registry.sources_of_all(world.session, world.tenant)
    assert both["b"] == [Source("t3", "air", ms(0), FOREVER, None)]


def test_the_number_of_queries_does_not_grow_with_the_lots(world: World) -> None:
    def ask() -> None:
        registry.sources_of_all(world.session, world.tenant)

    world.bind("t1", 0, place="bay 1")
    world.move("a", 0, "bay 1")
    few = count_queries(world, ask)
    names = [f"lot {number}" for number in range(50)]
    world.put_all("lots", [{"id": name, **GOODS} for name in names])
    world.put_all("moves", [{"lot": name, "at": day(1), "place": "bay 1"} for name in names])
    assert len(registry.sources_of_all(world.session, world.tenant)) == 51
    assert count_queries(world, ask) == few


def test_the_number_of_queries_of_a_put_does_not_grow_with_the_records(world: World) -> None:
    def put(names: list[str]) -> int:
        things = [{"id": name, **GOODS, "references": {"batch": [name]}} for name in names]
        return count_queries(world, lambda: world.put_all("lots", things))

    assert put(["one"]) == put([f"many {number}" for number in range(80)])


def test_holds_on_the_lot_its_place_and_its_shipment(world: World) -> None:
    world.move("a", 0, "bay 1")
    world.ship("S", ["a"], (5, 6, "box"))
    for name, on, begins, ends in [
        ("own", {"lot": "a"}, 1, 2),
        ("bay", {"place": "bay 1"}, 0, None),
        ("box", {"place": "box"}, 0, None),
        ("seal", {"shipment": "S"}, 5, 6),
        ("other", {"lot": "b"}, 0, None),
    ]:
        end = None if ends is None else day(ends)
        world.put("holds", id=name, kind="seal", begins=day(begins), ends=end, **on)

    def held(at: float) -> list[str]:
        return [h.id for h in registry.holds_on(world.session, world.tenant, "a", ms(at))]

    assert held(0.5) == ["bay"]
    assert held(1) == ["bay", "own"]
    assert held(2) == ["bay"]
    assert held(5.5) == ["box", "seal"]
    assert held(6) == ["box"], "nobody said that it is out of the container"
    world.move("a", 7, "bay 2")
    assert held(7) == []


def test_a_fumigation_holds_until_a_certificate_ends_it(world: World) -> None:
    def held(at: float) -> bool:
        return bool(registry.holds_on(world.session, world.tenant, "a", ms(at)))

    fumigated = {"id": "F", "kind": "fumigated", "lot": "a", "begins": day(1)}
    world.put("holds", **fumigated, ends=day(2))
    assert [held(at) for at in (0.5, 1, 2, 9)] == [False, True, True, True]
    world.put("holds", **fumigated, ends=day(3), certificate="F-3321")
    assert [held(at) for at in (2, 3, 9)] == [True, False, False]


def test_unknown_tags_newest_first(world: World) -> None:
    for tag, seen in (("x", 5), ("y", 9)):
        world.session.add(
            UnknownTag(
                tenant=world.tenant, tag=tag, first_seen=1, last_seen=seen, last_values={"ü": 1.5}
            )
        )
    world.session.flush()
    found = registry.unknown_tags(world.session, world.tenant)
    assert [(tag.tag, tag.readings, tag.last_values) for tag in found] == [
        ("y", 0, {"ü": 1.5}),
        ("x", 0, {"ü": 1.5}),
    ]


def test_more_lots_than_one_statement_takes(world: World) -> None:
    names = [f"lot {number:04}" for number in range(2300)]
    world.put_all("lots", [{"id": name, **GOODS} for name in names])
    world.put_all("moves", [{"lot": name, "at": day(1), "place": "bay 1"} for name in names])
    world.bind("t1", 0, place="bay 1")
    assert set(world.refolds()) == set(names)
    assert facts.lots_in(world.session, world.tenant, ["bay 1"]) == set(names)
