"""A change makes exactly the lots fold again whose climate it made another, from then on."""

from __future__ import annotations

from typing import Any

import pytest

from lots import registry
from lots.circumstances import AHEAD_MS, LOADING_MS
from tests.lots.world import World, day, ms


@pytest.fixture
def stood(world: World) -> World:
    """a and b in bay 1, a since day 1 and b from day 4 to 6; c in bay 2; a tag in each bay."""
    world.bind("t1", 0, place="bay 1")
    world.bind("t2", 0, place="bay 2")
    world.move("a", 1, "bay 1")
    world.move("b", 4, "bay 1")
    world.move("b", 6, None)
    world.move("c", 1, "bay 2")
    world.refolds()
    return world


def test_facts_without_a_tag_fold_nothing(world: World) -> None:
    world.move("a", 1, "bay 1")
    world.ship("S", ["a", "b"], (2, 3, "box"))
    world.lot("a", net_mass_kg=5, packaging="pallet")
    world.put("holds", kind="seal", lot="a", begins=day(0))
    assert world.refolds() == {}


def test_an_own_tag_folds_its_lot_alone(stood: World) -> None:
    stood.bind("t3", 2, lot="a")
    assert stood.refolds() == {"a": ms(2)}
    stood.bind("t3", 2, 5, lot="a")
    assert stood.refolds() == {"a": ms(5)}, "before its new end nothing is another"
    stood.bind("t3", 2, 5, lot="a", placement="surface")
    assert stood.refolds() == {"a": ms(2)}


def test_a_binding_that_was_wrong_folds_both_lots(stood: World) -> None:
    stood.put("bindings", id="x", tag="t3", lot="a", begins=day(2))
    stood.refolds()
    stood.put("bindings", id="x", tag="t3", lot="b", begins=day(3))
    assert stood.refolds() == {"a": ms(2), "b": ms(3)}


def test_a_tag_of_a_place_folds_who_stood_there(stood: World) -> None:
    stood.bind("t1", 0, 5, place="bay 1")
    assert stood.refolds() == {"a": ms(5), "b": ms(5)}
    stood.bind("t1", 0, 3, place="bay 1")
    assert stood.refolds() == {"a": ms(3), "b": ms(4)}, "b came on day 4"
    stood.bind("t3", 7, place="bay 1")
    assert stood.refolds() == {"a": ms(7)}, "b had left"


def test_a_place_is_not_asked_while_the_lot_has_a_tag(stood: World) -> None:
    stood.bind("t3", 0, lot="a")
    stood.refolds()
    stood.bind("t1", 0, 5, place="bay 1")
    assert stood.refolds() == {"b": ms(5)}


def test_moves(stood: World) -> None:
    stood.move("a", 5, "bay 2")
    assert stood.refolds() == {"a": ms(5)}
    registry.remove(stood.session, stood.tenant, "moves", f"a@{day(5)}")
    assert stood.refolds() == {"a": ms(5)}
    stood.move("a", 5, "bay 1")
    assert stood.refolds() == {}, "it stood there anyway"


def test_a_move_after_the_last_tag_went_folds_nothing(stood: World) -> None:
    stood.bind("t1", 0, 5, place="bay 1")
    stood.refolds()
    stood.move("a", 6, "box")
    assert stood.refolds() == {}


def test_shipments_fold_the_lots_they_have_and_had(stood: World) -> None:
    stood.bind("t3", 0, place="box")
    stood.refolds()
    stood.ship("S", ["a", "c"], (8, 10, "box"))
    assert stood.refolds() == {"a": loading(8), "c": loading(8)}
    stood.ship("S", ["a", "c"], (9, 10, "box"))
    assert stood.refolds() == {"a": loading(8), "c": loading(8)}
    stood.ship("S", ["a", "c"], (9, 11, "box"))
    assert stood.refolds() == {"a": ms(10), "c": ms(10)}
    stood.ship("S", ["a"], (9, 11, "box"))
    assert stood.refolds() == {"c": loading(9)}
    registry.remove(stood.session, stood.tenant, "shipments", "S")
    assert stood.refolds() == {"a": loading(9)}


def loading(departs: float) -> int:
    """When a shipment that departs then is begun to be loaded, and rules may judge otherwise."""
    return ms(departs) - LOADING_MS


def test_a_place_of_another_kind_and_a_site_of_another_region_fold_their_lots(stood: World) -> None:
    stood.put("sites", id="there", name="There", latitude=27.9, longitude=-80.5, timezone="UTC")
    stood.put("places", id="bay 1", kind="bay", name="Bay", site="there")
    stood.refolds()
    stood.put("places", id="bay 1", kind="yard", name="Bay", site="there")
    folded = stood.refolds()
    assert folded
    stood.put("places", id="bay 1", kind="yard", name="Its other name", site="there")
    assert stood.refolds() == {}
    stood.put(
        "sites", id="there", name="There", latitude=27.9, longitude=-80.5, timezone="UTC",
        region="coastal_humid",
    )  # fmt: skip
    assert stood.refolds() == folded


def climate(warmth: float) -> dict[str, Any]:
    quantities = ("temperature", "temperature_spread", "dew_point", "dew_point_spread")
    return {"source": "made up", **{name: [[warmth] * 24] * 12 for name in quantities}}


def test_a_course_that_is_another_folds_from_so_long_before_as_it_is_foreseen(
    stood: World,
) -> None:
    for site, warmth in (("north", 1.0), ("south", 9.0)):
        stood.put(
            "sites", id=site, name=site, latitude=0, longitude=0, timezone="UTC",
            climate=climate(warmth),
        )  # fmt: skip

    def ship(arrives: float) -> dict[str, int]:
        leg = {
            "number": 1, "mode": "sea", "place": "box", "departs": day(20), "arrives": day(arrives),
            "origin": "north", "destination": "south",
        }  # fmt: skip
        stood.put("shipments", id="S", lots=["a"], legs=[leg])
        return stood.refolds()

    assert ship(24) == {"a": ms(20) - AHEAD_MS}
    assert ship(24) == {}
    assert ship(26) == {"a": ms(20) - AHEAD_MS}, "on the whole of its way it is elsewhere"
    stood.put(
        "sites", id="south", name="south", latitude=0, longitude=0, timezone="UTC",
        climate=climate(8.0),
    )  # fmt: skip
    assert stood.refolds() == {"a": ms(20) - AHEAD_MS}
    stood.put(
        "sites", id="south", name="its other name", latitude=0, longitude=0, timezone="UTC",
        climate=climate(8.0),
    )  # fmt: skip
    assert stood.refolds() == {}


def correction(begins: float, offset: float, **fields: Any) -> dict[str, Any]:
    return {"quantity": "temperature", "begins": day(begins), "offset": offset, **fields}


def test_corrections_fold_who_hears_the_tag_since_they_began(stood: World) -> None:
    stood.put("tags", id="t1", corrections=[correction(0, 0.5)])
    assert stood.refolds() == {"a": ms(1), "b": ms(4)}
    stood.put("tags", id="t1", corrections=[correction(0, 0.5), correction(5, 0.7)])
    assert stood.refolds() == {"a": ms(5), "b": ms(5)}
    stood.put("tags", id="t1", corrections=[correction(0, 0.5), correction(5, 0.8)])
    assert stood.refolds() == {"a": ms(5), "b": ms(5)}
    stood.put("tags", id="t1", corrections=[correction(0, 0.5)])
    assert stood.refolds() == {"a": ms(5), "b": ms(5)}
    stood.put("tags", id="t1", corrections=[correction(0, 0.5, certificate="K")], model="new")
    assert stood.refolds() == {}, "a certificate's number changes no reading"
    stood.put("tags", id="t1", corrections=[correction(0, 0.5), correction(20, 0.9)])
    assert stood.refolds() == {"a": ms(20)}


@pytest.mark.parametrize(
    ("fields", "folds"),
    [
        ({"packaging": "pallet"}, True),
        ({"customer": "buyer"}, True),
        ({"time_constant_h": 8}, True),
        ({"net_mass_kg": 2}, True),
        ({"regain_pct": 14}, True),
        ({"packages": 7}, False),
        ({"references": {"batch": ["x"]}}, False),
    ],
)
def test_what_the_rules_ask_of_a_lot_folds_it_from_its_first_reading(
    stood: World, fields: dict[str, Any], folds: bool
) -> None:
    stood.lot("a", **fields)
    assert stood.refolds() == ({"a": ms(1)} if folds else {})


def test_the_same_again_folds_nothing(stood: World) -> None:
    stood.move("a", 1, "bay 1")
    stood.bind("t1", 0, place="bay 1")
    stood.put("tags", id="t1")
    assert stood.refolds() == {}


def test_requests_of_a_removed_lot_go_with_it(stood: World) -> None:
    stood.move("c", 3, "bay 1")
    registry.remove(stood.session, stood.tenant, "lots", "c")
    assert stood.refolds() == {}
