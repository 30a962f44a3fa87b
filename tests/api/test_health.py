"""What operators and their programs ask."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.service import LOT, Caller, Service


@pytest.fixture
def figures(service: Service) -> dict[tuple[str, tuple[str, ...]], float]:
    text = service.client().get("/metrics").text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_alive_and_ready_without_a_key(service: Service) -> None:
    client = service.client()
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "parts": {"registry": "ok", "readings": "ok"}}


def test_metrics_count_requests_by_route_and_not_by_lot(service: Service, acme: Caller) -> None:
    acme.put("lots", id="a-lot-of-its-own", **LOT)
    acme.get("/v1/lots/a-lot-of-its-own")
    acme.refused("/nowhere/at/all", 404)
    acme.writes.request("BREW", "/v1/lots")
    text = service.client().get("/metrics").text
    for labels in (
        'method="GET",route="/v1/lots/{id}",status="200"',
        'method="POST",route="/v1/lots",status="201"',
        'method="GET",route="none",status="404"',
        'method="other",route="/v1/lots",status="405"',
    ):
        assert f"dunnage_api_request_seconds_count{{{labels}}}" in text
    assert "a-lot-of-its-own" not in text
    assert "nowhere" not in text


def test_metrics_say_what_the_registry_holds(
    acme: Caller, figures: dict[tuple[str, tuple[str, ...]], float], service: Service
) -> None:
    for n in range(3):
        acme.put("lots", id=f"L{n}", **LOT)
    text = service.client().get("/metrics").text
    after = next(line for line in text.splitlines() if line.startswith("dunnage_lots "))
    assert float(after.split()[1]) == figures[("dunnage_lots", ())] + 3
    assert figures[("dunnage_registry_up", ())] == 1.0


def test_the_description_of_the_api_is_open(service: Service) -> None:
    found = service.client().get("/openapi.json").json()
    assert found["openapi"].startswith("3.")
    schemes = found["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    names = [
        operation["operationId"] for path in found["paths"].values() for operation in path.values()
    ]
    assert len(names) == len(set(names))
