"""The same API on PostgreSQL and InfluxDB: one way through all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import event

from lots import registry
from lots.readings.batch import TagKey, of_tag
from lots.settings import Settings
from tests.api.service import LOT, NOW, Service, fill, problem
from tests.api.test_alerts import raised
from tests.lots.world import World
from tests.servers import InfluxDB

HOUR = 3_600_000
BEGAN = "2025-11-01T00:00:00Z"


def test_from_the_first_site_to_an_acknowledged_alert(
    tmp_path: Path, postgres_url: str, influx_url: str
) -> None:
    settings = Settings(
        data=tmp_path,
        registry_url=postgres_url,
        readings_url=influx_url,
        api_port=0,
        clock_start_ms=NOW,
        clock_speed=0,
    )
    with Service(settings) as service:
        acme, rival = service.caller("acme"), service.caller("rival")
        assert service.client().get("/readyz").status_code == 200
        ids = fill(acme)
        for kind, name in ids.items():
            assert acme.get(f"/v1/{kind}/{name}")["id"] == name
            rival.refused(f"/v1/{kind}/{name}", 404)
        acme.put("lots", id="Größe 2", **LOT)
        page = acme.get("/v1/lots", limit=1)
        assert len(page["items"]) == len(acme.get(page["next"])["items"]) == 1
        assert [lot["id"] for lot in acme.get("/v1/lots", ref="po7")["items"]] == ["L1"]
        for odd in ("%00", "x" * 3000, "%FF"):
            problem(acme.writes.get(f"/v1/alerts/{odd}"), 404)
            problem(acme.writes.get(f"/v1/lots/{odd}"), 404)
        problem(acme.writes.delete("/v1/sites/S1"), 409)

        times = NOW - 48 * HOUR + np.arange(48) * HOUR
        values = {"temperature": np.arange(48.0), "humidity": np.full(48, 50.0)}
        service.keep(of_tag(TagKey("acme", "T1"), times, values))
        found = acme.get("/v1/lots/L1/history", step="1d")
        service.roll()
        assert acme.get("/v1/lots/L1/history", step="1d") == found
        (series,) = found["series"]
        assert [point["temperature"]["count"] for point in series["points"]] == [12, 24, 12]
        assert series["points"][1]["temperature"] == {
            "low": 12.0,
            "mean": 23.5,
            "high": 35.0,
            "count": 24,
        }
        assert found["gaps"] == [{"from": "2025-11-15T12:00:00Z", "to": "2025-11-20T12:00:00Z"}]

        name = raised(service, acme, 1)
        reply = acme.writes.post(f"/v1/alerts/{name}/acknowledge", json={"by": "Ann"})
        assert reply.json()["acknowledged_by"] == "Ann"
        assert acme.get("/v1/alerts", open="true")["items"] == [reply.json()]
        assert "dunnage_alerts_open 1.0" in service.client().get("/metrics").text


def test_a_history_is_of_one_moment(tmp_path: Path, postgres_url: str) -> None:
    """While it is read, its tag goes to another lot and gets a correction, both at once: nobody
    ever had that correction in this lot's air."""
    settings = Settings(
        data=tmp_path, registry_url=postgres_url, api_port=0, clock_start_ms=NOW, clock_speed=0
    )
    with Service(settings) as service:
        acme = service.caller("acme")
        fill(acme)
        acme.put("lots", id="L2", **LOT)
        times = NOW - 24 * HOUR + np.arange(24) * HOUR
        service.keep(of_tag(TagKey("acme", "T1"), times, {"temperature": np.full(24, 10.0)}))
        changed = []

        def change(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
            if "FROM bindings" not in statement or changed:
                return
            changed.append(statement)
            with registry.writing(service.engine) as session:
                registry.remove(session, "acme", "bindings", f"T1@{BEGAN}")
                World(session, "acme").put("bindings", tag="T1", lot="L2", begins=BEGAN)
                correction = {"quantity": "temperature", "begins": BEGAN, "offset": 5.0}
                World(session, "acme").put("tags", id="T1", corrections=[correction])

        event.listen(service.engine, "after_cursor_execute", change)
        (series,) = acme.get("/v1/lots/L1/history", points=1)["series"]
        assert [point["temperature"]["mean"] for point in series["points"]] == [10.0]
        assert changed
        assert acme.get("/v1/lots/L1/history", points=1)["series"] == []
        (series,) = acme.get("/v1/lots/L2/history", points=1)["series"]
        assert [point["temperature"]["mean"] for point in series["points"]] == [15.0]


def test_a_store_that_is_away_is_a_503_and_the_rest_goes_on(
    tmp_path: Path, own_influxdb: InfluxDB
) -> None:
    own_influxdb.query('CREATE DATABASE "acme"')
    settings = Settings(
        data=tmp_path,
        readings_url=own_influxdb.store_url("acme"),
        api_port=0,
        clock_start_ms=NOW,
        clock_speed=0,
    )
    with Service(settings) as service:
        acme = service.caller("acme")
        fill(acme)
        assert acme.writes.get("/v1/lots/L1/history").status_code == 200
        own_influxdb.stop()
        reply = acme.writes.get("/v1/lots/L1/history")
        problem(reply, 503)
        assert int(reply.headers["retry-after"]) > 0
        ready = problem(acme.writes.get("/readyz"), 503)
        assert ready["parts"] == {"registry": "ok", "readings": "unavailable"}
        assert acme.get("/v1/lots/L1")["id"] == "L1"
        own_influxdb.start()
        assert acme.writes.get("/v1/lots/L1/history").status_code == 200
