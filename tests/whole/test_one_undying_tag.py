"""Whatever happens to tags and places, a lot is as one undying tag would have shown it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import Mosquitto
from tests.whole.house import HOUR, House, soon
from tests.whole.scenes import bound, cold_then_warm, furnish, hours_ago, in_hours, iso, lead

BEGINS = hours_ago(48) // HOUR * HOUR
WARM = BEGINS + 24 * HOUR
MIDDLE = BEGINS + 26 * HOUR
ENDS = BEGINS + 40 * HOUR
READINGS = cold_then_warm(BEGINS, ENDS, WARM)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[House]:
    """One for all tests here; each has lots and tags of its own."""
    with House(tmp_path_factory.mktemp("house"), "undying", mosquitto.url) as house:
        furnish(house)
        lead(house, "undying")
        bound(house, "T-undying", BEGINS, lot="undying")
        # A lot in a bay has a roof over it; of the others nobody knows.
        lead(house, "indoors")
        house.put("moves", lot="indoors", place="bay-1", at=iso(BEGINS))
        bound(house, "T-indoors", BEGINS, lot="indoors")
        play(house, T_undying=READINGS, T_indoors=READINGS)
        for lot in ("undying", "indoors"):
            soon(lambda lot=lot: numbers(house, lot)["at"], "the undying tags' lots are judged")
        yield house


def play(house: House, **by_tag: list[dict[str, Any]]) -> None:
    """The tags' readings, an hour each at a time, until all is judged."""
    sent = {tag.replace("_", "-"): in_hours(readings) for tag, readings in by_tag.items()}
    hours = max(len(each) for each in sent.values())
    for hour in range(hours):
        house.publish_all(
            (tag, each[hour]) for tag, each in sent.items() if hour < len(each) and each[hour]
        )
    soon(house.settled, "all is judged")


def between(begins: int, ends: int) -> list[dict[str, Any]]:
    return [reading for reading in READINGS if begins <= reading["t"] < ends]


def same(house: House, lot: str, like: str = "undying") -> bool:
    """State, alerts and history of ``lot`` are those of the lot ``like`` with an undying tag."""
    return all(look(house, lot) == look(house, like) for look in (numbers, House.alerts, history))


def numbers(house: House, lot: str) -> dict[str, Any]:
    found: dict[str, Any] = house.get(f"/v1/lots/{lot}")["now"]
    return found


def history(house: House, lot: str) -> list[Any]:
    """But for ``source``: that says whether the lot's own tag spoke, or the place's."""
    span = {"from": iso(BEGINS), "to": iso(ENDS), "step": "1h"}
    series = house.get(f"/v1/lots/{lot}/history", **span)["series"]
    return [[point | {"source": None} for point in each["points"]] for each in series]


def as_undying(house: House, lot: str, like: str = "undying") -> None:
    soon(lambda: same(house, lot, like), f"{lot} is as with one undying tag")
    rules = [rule for rule, *_ in house.alerts(lot)]
    assert "lead.sweat" in rules  # else nothing was compared
    assert len(history(house, lot)[0]) == 40


def test_a_tag_that_dies_and_is_replaced(house: House) -> None:
    lead(house, "replaced")
    bound(house, "T-old", BEGINS, MIDDLE, lot="replaced")
    bound(house, "T-new", MIDDLE, lot="replaced")
    play(house, T_old=between(BEGINS, MIDDLE), T_new=between(MIDDLE, ENDS))
    as_undying(house, "replaced")


def test_a_lot_moved_from_one_bay_to_another(house: House) -> None:
    lead(house, "moved")
    house.put("moves", lot="moved", place="bay-1", at=iso(BEGINS))
    house.put("moves", lot="moved", place="bay-2", at=iso(MIDDLE))
    bound(house, "T-bay1", BEGINS, place="bay-1")
    bound(house, "T-bay2", BEGINS, place="bay-2")
    # After the move bay 1 stays cold, before it bay 2 was: neither is the lot's climate then.
    cold = cold_then_warm(BEGINS, ENDS, ENDS)
    play(
        house,
        T_bay1=between(BEGINS, MIDDLE) + [r for r in cold if r["t"] >= MIDDLE],
        T_bay2=[r for r in cold if r["t"] < MIDDLE] + between(MIDDLE, ENDS),
    )
    as_undying(house, "moved", like="indoors")
    sources = house.get("/v1/lots/moved/sources")["sources"]
    assert [(s["tag"], s["place"]) for s in sources] == [("T-bay1", "bay-1"), ("T-bay2", "bay-2")]


def test_a_corrected_binding(house: House) -> None:
    lead(house, "corrected")
    bound(house, "T-wrong", BEGINS, lot="corrected")
    house.put("tags", id="T-right", interval_s=600)
    warm = cold_then_warm(BEGINS, ENDS, BEGINS)
    play(house, T_wrong=warm, T_right=READINGS)
    assert not same(house, "corrected")
    lead(house, "elsewhere")
    house.patch("bindings", f"T-wrong-{BEGINS}", lot="elsewhere")
    bound(house, "T-right", BEGINS, lot="corrected")
    as_undying(house, "corrected")


def test_a_move_that_is_booked_late(house: House) -> None:
    lead(house, "late")
    bound(house, "T-bay3", BEGINS, place="bay-3")
    bound(house, "T-bay4", BEGINS, place="bay-4")
    house.put("moves", lot="late", place="bay-3", at=iso(BEGINS))
    cold = cold_then_warm(BEGINS, ENDS, ENDS)
    play(house, T_bay3=cold, T_bay4=READINGS)
    assert not same(house, "late", like="indoors")
    house.put("moves", lot="late", place="bay-4", at=iso(BEGINS + 12 * HOUR))
    as_undying(house, "late", like="indoors")


def test_a_tag_that_nobody_registered_is_adopted(house: House) -> None:
    lead(house, "adopted")
    play(house, T_stray=READINGS)
    soon(lambda: "T-stray" in house.dunnage("tags", "unknown", "--tenant", house.tenant), "listed")
    house.dunnage("tags", "adopt", "T-stray", "--tenant", house.tenant, "--interval", "600")
    house.put("bindings", tag="T-stray", lot="adopted", begins=iso(BEGINS))
    as_undying(house, "adopted")


def test_readings_in_any_order_and_twice(house: House) -> None:
    lead(house, "shuffled")
    bound(house, "T-shuffled", BEGINS, lot="shuffled")
    newest_first = [reading for hour in reversed(in_hours(READINGS)) for reading in reversed(hour)]
    play(house, T_shuffled=newest_first + READINGS[::3])
    as_undying(house, "shuffled")
