"""Lots: found by the trade's names, with what is known of them now and who spoke for them."""

from __future__ import annotations

import pytest

from lots import registry
from lots.model import LotNow
from tests.api.service import LOT, NOW, SITE, Caller, Service

REFERENCES = {
    "purchase_order": ["PO 4500-17"],
    "container": ["MSKU 123456 7"],
    "batch": ["Größe 9", "M-77"],
    "certificate": ["IWTO/12"],
}


@pytest.mark.parametrize(
    "text",
    ["PO 4500-17", "po4500-17", "mskU1234567", "Größe 9", "größe9", "IWTO/12", "lot 1", "M-77"],
)
def test_a_lot_is_found_by_any_of_its_names(acme: Caller, text: str) -> None:
    acme.put("lots", id="Lot 1", **LOT, references=REFERENCES)
    acme.put("lots", id="Lot 2", **LOT)
    assert [lot["id"] for lot in acme.get("/v1/lots", ref=text)["items"]] == ["Lot 1"]


def test_what_nothing_is_called_finds_nothing(acme: Caller) -> None:
    acme.put("lots", id="Lot 1", **LOT, references=REFERENCES)
    for text in ("PO 4500", "4500-17", "%", "_"):
        assert acme.get("/v1/lots", ref=text)["items"] == []


def test_many_lots_of_one_order_come_in_pages(acme: Caller) -> None:
    for n in range(7):
        acme.put("lots", id=f"L{n}", **LOT, references={"purchase_order": ["PO 1"]})
    first = acme.get("/v1/lots", ref="po 1", limit=4)
    assert [lot["id"] for lot in first["items"]] == ["L0", "L1", "L2", "L3"]
    second = acme.get(first["next"])
    assert [lot["id"] for lot in second["items"]] == ["L4", "L5", "L6"]
    assert second["next"] is None


def test_a_lot_that_nothing_is_known_of_is_unknown_and_not_ok(acme: Caller) -> None:
    acme.put("lots", id="L1", **LOT)
    now = acme.get("/v1/lots/L1")["now"]
    assert (now["status"], now["at"], now["numbers"]) == ("unknown", None, {})
    assert now["why"]
    assert acme.get("/v1/lots")["items"][0]["now"] == now


def test_a_lot_tells_what_the_rules_know_of_it_now(service: Service, acme: Caller) -> None:
    acme.put("lots", id="L1", **LOT)
    row = LotNow(
        tenant=acme.tenant,
        lot="L1",
        at=NOW - 60_500,
        status="at_risk",
        why="Water settles on it: 1.4 K under the dew point",
        numbers={"surface": 8.1, "dew_point": 9.5},
    )
    with registry.writing(service.engine) as session:
        session.add(row)
    expected = {
        "status": "at_risk",
        "why": "Water settles on it: 1.4 K under the dew point",
        "at": "2025-11-22T11:58:59.500Z",
        "numbers": {"surface": 8.1, "dew_point": 9.5},
        "furnace": {"state": "not_fit", "why": "whether it is wet is not known"},
    }
    assert acme.get("/v1/lots/L1")["now"] == expected
    assert acme.get("/v1/lots")["items"][0]["now"] == expected


@pytest.mark.parametrize(
    ("hours", "code", "state"),
    [(2.9, 0.0, "inspect_and_preheat"), (3.1, 0.0, "not_fit"), (0.1, 2.0, "not_fit")],
)
def test_lead_is_not_fit_for_the_furnace_unless_a_reading_that_holds_says_it_was_dry(
    service: Service, acme: Caller, hours: float, code: float, state: str
) -> None:
    acme.put("lots", id="L1", **LOT)
    acme.put("lots", id="W1", **LOT | {"commodity": "wool", "form": "greasy"})
    at = NOW - round(hours * 3_600_000)
    with registry.writing(service.engine) as session:
        for lot in ("L1", "W1"):
            row = {"tenant": acme.tenant, "lot": lot, "at": at, "status": "ok", "why": None}
            session.add(LotNow(**row, numbers={"not_fit": code}))
    said = acme.get("/v1/lots/L1")["now"]["furnace"]
    assert said["state"] == state
    assert said["why"]
    assert "furnace" not in acme.get("/v1/lots/W1")["now"]


@pytest.mark.parametrize(("hours", "status"), [(5.9, "ok"), (6.1, "unknown")])
def test_a_lot_that_was_not_heard_of_lately_is_not_ok(
    service: Service, acme: Caller, hours: float, status: str
) -> None:
    """Whatever the rules last knew: they may be away themselves."""
    acme.put("lots", id="L1", **LOT)
    at = NOW - round(hours * 3_600_000)
    with registry.writing(service.engine) as session:
        session.add(LotNow(tenant=acme.tenant, lot="L1", at=at, status="ok", numbers={}))
    assert acme.get("/v1/lots/L1")["now"]["status"] == status
    assert acme.get("/v1/lots")["items"][0]["now"]["status"] == status


def test_a_lot_that_was_silent_from_the_first_has_no_newest_reading(
    service: Service, acme: Caller
) -> None:
    acme.put("lots", id="L1", **LOT)
    silent = {"status": "unknown", "why": "lot.silent", "numbers": {}}
    with registry.writing(service.engine) as session:
        session.add(LotNow(tenant=acme.tenant, lot="L1", at=0, **silent))
    now = acme.get("/v1/lots/L1")["now"]
    assert now.pop("furnace")["state"] == "not_fit"
    assert now == {"at": None, **silent}


def test_sources_say_which_tag_spoke_when_and_from_where(acme: Caller) -> None:
    acme.put("sites", id="S1", **SITE)
    acme.put("places", id="B1", site="S1", kind="bay", name="Bay 1")
    acme.put("tags", id="own")
    acme.put("tags", id="bay")
    acme.put("lots", id="L1", **LOT)
    acme.put("moves", lot="L1", at="2025-11-01T00:00:00Z", place="B1")
    acme.put("bindings", tag="bay", place="B1", begins="2025-01-01T00:00:00Z")
    acme.put(
        "bindings",
        tag="own",
        lot="L1",
        begins="2025-11-03T00:00:00+01:00",
        ends="2025-11-05T00:00:00Z",
    )
    found = acme.get("/v1/lots/L1/sources")
    day = "2025-11-{:02}T{:02}:00:00Z".format
    assert found == {
        "lot": "L1",
        "sources": [
            {"tag": "bay", "placement": "air", "place": "B1", "from": day(1, 0), "to": day(2, 23)},
            {"tag": "own", "placement": "air", "place": None, "from": day(2, 23), "to": day(5, 0)},
            {"tag": "bay", "placement": "air", "place": "B1", "from": day(5, 0), "to": None},
        ],
    }
    within = acme.get("/v1/lots/L1/sources", **{"from": day(4, 0), "to": day(6, 0)})["sources"]
    assert [(each["from"], each["to"]) for each in within] == [
        (day(4, 0), day(5, 0)),
        (day(5, 0), day(6, 0)),
    ]
    acme.refused("/v1/lots/L1/sources", 422, **{"from": day(6, 0), "to": day(4, 0)})
    acme.refused("/v1/lots/nobody/sources", 404)
