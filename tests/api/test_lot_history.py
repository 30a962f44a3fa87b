"""A lot's history, asked for over HTTP from readings in a real store."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from lots.readings.batch import TagKey, of_tag
from rules.air import dew_point
from tests.api.service import LOT, NOW, SITE, Caller, Service, problem

HOUR = 3_600_000
DAY = 24 * HOUR
START = NOW - 10 * DAY
BEGAN = "2025-11-12T12:00:00Z"


@pytest.fixture(params=["stale", "rolled"], autouse=True)
def rolls(request: pytest.FixtureRequest, service: Service) -> Iterator[None]:
    """Everything here holds before the worker made rollups, and after."""
    service.rolls = request.param == "rolled"
    yield
    service.rolls = False


@pytest.fixture
def lot(service: Service, acme: Caller) -> Caller:
    """L1 has stood in B1 for ten days, whose tag says 10 degC + hours/100, 60 %RH, every hour."""
    acme.put("sites", id="S1", **SITE)
    acme.put("places", id="B1", site="S1", kind="bay", name="Bay 1")
    acme.put("tags", id="bay", interval_s=3600)
    acme.put("bindings", tag="bay", place="B1", begins=BEGAN)
    acme.put("lots", id="L1", **LOT)
    acme.put("moves", lot="L1", at=BEGAN, place="B1")
    hours = np.arange(240)
    values = {"temperature": 10 + hours / 100, "humidity": np.full(240, 60.0)}
    service.keep(of_tag(TagKey(acme.tenant, "bay"), START + hours * HOUR, values))
    return acme


def history(who: Caller, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = who.get("/v1/lots/L1/history", **query)
    return found


def test_by_itself_it_is_the_last_week_by_hours(lot: Caller) -> None:
    found = history(lot)
    assert (found["from"], found["to"]) == ("2025-11-15T12:00:00Z", "2025-11-22T12:00:00Z")
    assert (found["lot"], found["step_s"], found["gaps"]) == ("L1", 3600, [])
    (series,) = found["series"]
    assert (series["placement"], len(series["points"])) == ("air", 168)
    point = series["points"][0]
    assert point == {
        "t": "2025-11-15T12:00:00Z",
        "source": "place",
        "temperature": {"low": 10.72, "mean": 10.72, "high": 10.72, "count": 1},
        "humidity": {"low": 60.0, "mean": 60.0, "high": 60.0, "count": 1},
        "dew_point": {"mean": pytest.approx(float(dew_point(10.72, 60.0)), abs=1e-6)},
        "coverage": 1.0,
        "hours_wet": 0.0,
    }
    assert found["resolution"] == "hourly"
    assert found["units"]["temperature"] == "degC"
    assert found["sources"] == [
        {
            "tag": "bay",
            "placement": "air",
            "place": "B1",
            "from": "2025-11-15T12:00:00Z",
            "to": "2025-11-22T12:00:00Z",
        }
    ]


def test_by_steps(lot: Caller) -> None:
    found = history(lot, step="1d", quantities="temperature", **{"from": BEGAN})
    points = found["series"][0]["points"]
    assert [point["temperature"]["count"] for point in points] == [12, *[24] * 9, 12]
    assert points[1]["t"] == "2025-11-13T00:00:00Z"
    assert points[1]["temperature"] == {"low": 10.12, "mean": 10.235, "high": 10.35, "count": 24}
    assert "humidity" not in points[1]
    iso = history(lot, step="P1D", quantities="temperature", **{"from": BEGAN})
    assert iso == found


@pytest.mark.parametrize("points", [1, 2, 3, 50, 5000])
def test_by_points(lot: Caller, points: int) -> None:
    found = history(lot, points=points, **{"from": BEGAN})
    (series,) = found["series"]
    assert 1 <= len(series["points"]) <= points
    counts = [point["temperature"]["count"] for point in series["points"]]
    assert sum(counts) == 240


def test_the_lots_own_tag_goes_before_that_of_its_place(service: Service, lot: Caller) -> None:
    lot.put("tags", id="own", interval_s=3600)
    lot.put("tags", id="core", interval_s=3600)
    lot.put("bindings", tag="own", lot="L1", begins="2025-11-20T12:00:00Z")
    lot.put("bindings", tag="core", lot="L1", placement="core", begins="2025-11-20T12:00:00Z")
    times = NOW - 2 * DAY + np.arange(48) * HOUR
    for tag, warm in (("own", 30.0), ("core", 5.0)):
        values = {"temperature": np.full(48, warm)}
        service.keep(of_tag(TagKey(lot.tenant, tag), times, values))

    found = history(lot, step="1d", **{"from": "2025-11-19T00:00:00Z"})

    air, core = found["series"]
    assert [point["source"] for point in air["points"]] == ["place", "both", "tag", "tag"]
    assert air["points"][2]["temperature"]["mean"] == 30.0
    assert "dew_point" not in air["points"][2]
    assert core["placement"] == "core"
    assert {point["temperature"]["mean"] for point in core["points"]} == {5.0}
    assert core["gaps"] == [{"from": "2025-11-19T00:00:00Z", "to": "2025-11-20T12:00:00Z"}]
    assert air["gaps"] == found["gaps"] == []


def test_a_moved_lot_reads_on_from_its_new_place(service: Service, lot: Caller) -> None:
    lot.put("places", id="B2", site="S1", kind="bay", name="Bay 2")
    lot.put("tags", id="bay2", interval_s=3600)
    lot.put("bindings", tag="bay2", place="B2", begins=BEGAN)
    hours = np.arange(240)
    values = {"temperature": 10 + hours / 100, "humidity": np.full(240, 60.0)}
    service.keep(of_tag(TagKey(lot.tenant, "bay2"), START + hours * HOUR, values))
    stayed = history(lot, step="6h")
    lot.put("moves", lot="L1", at="2025-11-18T03:17:00Z", place="B2")
    moved = history(lot, step="6h")
    assert moved["series"] == stayed["series"]
    assert [source["place"] for source in moved["sources"]] == ["B1", "B2"]


def test_a_certificate_corrects_from_its_date_on_and_rewrites_nothing(lot: Caller) -> None:
    before = history(lot)["series"][0]["points"]
    lot.writes.patch(
        "/v1/tags/bay",
        json={
            "corrections": [
                {"quantity": "humidity", "begins": "2025-11-18T12:00:00Z", "offset": -3.5},
                {"quantity": "humidity", "begins": "2025-11-20T12:00:00Z", "gain": 1.1},
            ]
        },
    )
    after = history(lot)["series"][0]["points"]
    assert [point["temperature"] for point in after] == [point["temperature"] for point in before]
    humidity = [point["humidity"]["mean"] for point in after]
    assert humidity == pytest.approx([60.0] * 72 + [56.5] * 48 + [66.0] * 48)
    assert after[100]["dew_point"]["mean"] < before[100]["dew_point"]["mean"]


def test_doubtful_readings_count_for_nothing(service: Service, lot: Caller) -> None:
    key = TagKey(lot.tenant, "bay")
    wild = of_tag(key, [NOW - HOUR + 1], {"temperature": [900.0]}, flags=[16])
    service.keep(wild)
    assert history(lot)["series"][0]["points"][-1]["temperature"]["high"] < 13


def test_what_nobody_measured_is_named(service: Service, acme: Caller) -> None:
    acme.put("lots", id="L1", **LOT)
    everything = {"from": "2025-11-15T12:00:00Z", "to": "2025-11-22T12:00:00Z"}
    found = history(acme)
    assert (found["series"], found["sources"], found["gaps"]) == ([], [], [everything])
    acme.put("tags", id="T1", interval_s=3600)
    acme.put("bindings", tag="T1", lot="L1", begins="2025-11-15T12:00:00Z")
    found = history(acme)
    assert found["series"] == [{"placement": "air", "points": [], "gaps": [everything]}]
    times = NOW - DAY + np.arange(12) * HOUR
    key = TagKey(acme.tenant, "T1")
    service.keep(of_tag(key, times, {"temperature": np.ones(12)}))
    assert history(acme)["gaps"] == [
        {"from": "2025-11-15T12:00:00Z", "to": "2025-11-21T12:00:00Z"},
        {"from": "2025-11-22T00:00:00Z", "to": "2025-11-22T12:00:00Z"},
    ]


def test_the_future_is_no_gap(lot: Caller) -> None:
    found = history(lot, **{"from": "2025-11-22T00:00:00Z", "to": "2025-11-29T00:00:00Z"})
    assert found["gaps"] == []


def test_quantities_of_any_name(service: Service, lot: Caller) -> None:
    key = TagKey(lot.tenant, "bay")
    service.keep(of_tag(key, [NOW - HOUR + 5], {"co2": [415.0], "light": [20.0]}))
    found = history(lot, quantities="co2,light,never", step="1d")
    assert found["units"] == {"co2": None, "light": "lx", "never": None}
    point = found["series"][0]["points"][-1]
    assert point["co2"]["mean"] == 415.0
    assert "never" not in point


def test_as_csv(lot: Caller) -> None:
    reply = lot.reads.get("/v1/lots/L1/history", params={"format": "csv", "step": "1d"})
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    points = history(lot, step="1d")["series"][0]["points"]
    assert [row["t"] for row in rows] == [point["t"] for point in points]
    assert float(rows[3]["temperature_mean"]) == points[3]["temperature"]["mean"]
    assert float(rows[3]["dew_point_mean"]) == points[3]["dew_point"]["mean"]
    assert rows[3]["probe_mean"] == ""
    assert {row["lot"] for row in rows} == {"L1"}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2", "'-2"),
        ('PB,"1"', 'PB,"1"'),
        ("批次-🐑", "批次-🐑"),
    ],
)
def test_a_lots_name_is_no_formula_of_a_spreadsheet(lot: Caller, name: str, written: str) -> None:
    lot.put("lots", id=name, **LOT)
    lot.put("moves", lot=name, at=BEGAN, place="B1")
    query = {"format": "csv", "step": "1d"}
    reply = lot.reads.get(f"/v1/lots/{quote(name, safe='')}/history", params=query)
    rows = list(csv.reader(io.StringIO(reply.text)))
    assert {row[0] for row in rows[1:]} == {written}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"from": "2025-11-22T12:00:00Z", "to": "2025-11-22T12:00:00Z"}, "query from"),
        ({"from": "2025-11-23T00:00:00Z"}, "query from"),
        ({"from": "22.11.2025"}, "query from"),
        ({"to": "2025-13-01T00:00:00Z"}, "query to"),
        ({"to": "2025-11-22T12:00:00"}, "query to"),
        ({"to": "9999999999999999"}, "query to"),
        ({"to": "3000-01-01T00:00:00Z"}, "query to"),
        ({"points": "0"}, "query points"),
        ({"points": "5001"}, "query points"),
        ({"points": "1000000000000000000000"}, "query points"),
        ({"points": "10", "step": "1h"}, "query points"),
        ({"step": "fortnight"}, "query step"),
        ({"step": "1s"}, "query step"),
        ({"quantities": ""}, "query quantities"),
        ({"quantities": "a,,b"}, "query quantities"),
        ({"quantities": ",".join(f"q{n}" for n in range(30))}, "query quantities"),
        ({"format": "xml"}, "query format"),
        ({"resolution": "1h"}, "query resolution"),
    ],
)
def test_a_wrong_question_is_told_where(lot: Caller, query: dict[str, str], where: str) -> None:
    found = lot.refused("/v1/lots/L1/history", 422, **query)
    assert found["errors"][0]["where"] == where


def test_too_many_points_are_told_the_step_that_would_do(lot: Caller) -> None:
    found = lot.refused("/v1/lots/L1/history", 422, step="1m")
    assert "10080 points of at most 5000" in found["detail"]
    enough = found["detail"].rpartition("step=")[2].split()[0]
    assert history(lot, step=enough)["step_s"] == int(enough.removesuffix("s"))


def test_all_time_at_once_is_a_matter_of_few_points(lot: Caller) -> None:
    span = {"from": "1970-01-01T00:00:00Z", "to": "2261-12-31T00:00:00Z"}
    found = history(lot, points=5000, **span)
    assert sum(p["temperature"]["count"] for p in found["series"][0]["points"]) == 240


def test_a_plus_in_an_address_is_understood(lot: Caller) -> None:
    reply = lot.writes.get("/v1/lots/L1/history?from=2025-11-22T01:00:00+01:00")
    assert reply.json()["from"] == "2025-11-22T00:00:00Z"


def test_without_a_lot_there_is_no_history(lot: Caller) -> None:
    problem(lot.writes.get("/v1/lots/L2/history"), 404)
