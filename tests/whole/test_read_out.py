"""A logger read out at arrival, and dead letters sent round again: through the real processes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.servers import Mosquitto
from tests.whole.house import HOUR, House, soon
from tests.whole.scenes import furnish, hours_ago, iso, lead

QUARTER = HOUR // 4
ROWS = 2500
BEGINS = hours_ago(ROWS / 4 + 24) // QUARTER * QUARTER


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[House]:
    tenant = f"t{uuid.uuid4().hex[:16]}"
    rows = json.dumps([row(tenant)])
    folder = tmp_path_factory.mktemp("read_out")
    with House(folder, tenant, mosquitto.url, DUNNAGE_SUBSCRIPTIONS=rows) as house:
        furnish(house)
        yield house


def row(tenant: str, **options: Any) -> dict[str, Any]:
    return {
        "filter": f"impinj/{tenant}/+",
        "format": "impinj",
        "tenant": tenant,
        "options": options,
    }


def logged(rows: int) -> str:
    """As a logger's program exports it: cold, then warm and damp."""
    lines = ["Serial number: 10347362", "Date;Time;Temperature °C;Humidity %"]
    for n in range(rows):
        at = datetime.fromtimestamp((BEGINS + n * QUARTER) / 1000, UTC)
        warm = n > 1500
        air = f"{(24 if warm else 2) + n % 7 / 10:.1f};{70 if warm else 55:.1f}".replace(".", ",")
        lines.append(f"{at:%Y-%m-%d;%H:%M};{air}")
    return "\n".join(lines) + "\n"


def stored(house: House) -> list[tuple[str, Any]]:
    """The readings that the API shows of the logger's tag, by time."""
    found: list[tuple[str, Any]] = []
    for begins in range(BEGINS, BEGINS + ROWS * QUARTER, 72 * HOUR):
        span = {"from": iso(begins), "to": iso(begins + 72 * HOUR)}
        page = house.get("/v1/tags/10347362/readings", limit=1000, **span)
        assert page["next"] is None
        found += [(item["t"], item["values"]) for item in page["items"]]
    return found


def test_a_logger_is_imported_once_however_often(house: House) -> None:
    """By command, again, longer, and by the API: the worker keeps each reading once."""
    lead(house, "L1")
    (house.folder / "short.csv").write_text(logged(ROWS - 500))
    (house.folder / "long.csv").write_text(logged(ROWS))
    command = ("import", "readings", "short.csv", "--tenant", house.tenant, "--lot", "L1")
    asked = json.loads(house.dunnage(*command, "--json", status=1))
    assert "say zone" in asked["problems"][0]["message"]
    shown = house.dunnage(*command, "--zone", "UTC")
    assert f"readings: {ROWS - 500} from" in shown
    assert house.get("/v1/readings/import")["waiting"]["readings"] == 0
    done = json.loads(house.dunnage(*command, "--zone", "UTC", "--apply", "--json"))
    assert done["queued"]["readings"] == ROWS - 500
    soon(lambda: house.figure("dunnage_readings_stored_total") == ROWS - 500, "all is stored")
    before = stored(house)
    assert len(before) == ROWS - 500
    soon(lambda: house.alerts("L1"), "the rules judged it")

    house.dunnage(*command, "--zone", "UTC", "--apply")
    query = {"lot": "L1", "zone": "UTC", "apply": "true"}
    reply = httpx.post(
        f"{house.url}/v1/readings/import",
        params=query,
        content=(house.folder / "long.csv").read_bytes(),
        headers={"content-type": "text/csv", "authorization": authorization(house)},
    )
    assert reply.json()["new_bindings"], reply.text
    soon(lambda: len(stored(house)) == ROWS, "the longer file is stored")
    soon(lambda: house.get("/v1/readings/import")["waiting"]["messages"] == 0, "all is taken")
    soon(house.settled, "all is kept and judged")
    assert stored(house)[: ROWS - 500] == before
    assert len(stored(house)) == ROWS
    assert house.items("/v1/dead-letters") == []


def test_what_a_mended_setting_understands_comes_in(house: House) -> None:
    """Letters are replayed after the remedy; what still fails comes back under its own id."""
    event = {
        "timestamp": datetime.fromtimestamp(BEGINS / 1000, UTC).isoformat(),
        "tagInventoryEvent": {"epcHex": "3074257BF7194E4000001A85"},
    }
    topic = f"impinj/{house.tenant}/dock-3"
    for payload in (json.dumps(event).encode(), b"\xff not json"):
        house._publisher.publish(topic, payload, qos=1).wait_for_publish(10)
    letters = soon(lambda: len(found := house.items("/v1/dead-letters")) == 2 and found, "refused")
    by_reason = {"JSON" in letter["reason"]: letter["id"] for letter in letters}
    assert house.items("/v1/sightings") == []

    house.stop("worker")
    house.settings["DUNNAGE_SUBSCRIPTIONS"] = json.dumps([row(house.tenant, reader_level=2)])
    house.start("worker")
    said = house.dunnage("dead-letters", "replay", "--tenant", house.tenant)
    assert said == "2 handed to the worker\n"
    (seen,) = soon(lambda: house.items("/v1/sightings"), "the sighting is known")
    assert (seen["reader"], seen["epc"]) == ("dock-3", "urn:epc:id:sgtin:0614141.812345.6789")
    (back,) = soon(lambda: house.items("/v1/dead-letters"), "the other is back")
    assert (back["id"], back["attempts"]) == (by_reason[True], 1)

    reply = house._client.post(f"/v1/dead-letters/{back['id']}/replay")
    assert reply.status_code == 202
    soon(lambda: [each["attempts"] for each in house.items("/v1/dead-letters")] == [2], "again")


def authorization(house: House) -> str:
    return str(house._client.headers["authorization"])
