"""What a worker says of itself, over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.worker_status import Reading, StatusServer
from lots.settings import SettingsError

FIGURES = [
    Reading("dunnage_readings_stored", "Readings kept", 41, counter=True),
    Reading("dunnage_lag_bytes", "Not yet done", 0.5, labels=(("part", 'the "store"\n'),)),
]


class Part:
    """A worker's word on its parts."""

    def __init__(self) -> None:
        self.troubles: dict[str, str | None] = {"broker": None, "store": None}


@pytest.fixture
def part() -> Part:
    return Part()


@pytest.fixture
def status(part: Part) -> Iterator[StatusServer]:
    server = StatusServer("127.0.0.1", 0, lambda: FIGURES, lambda: part.troubles)
    yield server
    server.close()


@pytest.fixture
def client(status: StatusServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{status.port}", trust_env=False) as client:
        yield client


def test_it_lives_whatever_troubles_it(client: httpx.Client, part: Part) -> None:
    part.troubles["store"] = "it does not answer"
    reply = client.get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_it_is_ready_when_nothing_troubles_it(client: httpx.Client, part: Part) -> None:
    reply = client.get("/readyz")
    parts = {"broker": None, "store": None}
    assert (reply.status_code, reply.json()) == (200, {"ready": True, "parts": parts})
    part.troubles["store"] = "it does not answer"
    reply = client.get("/readyz")
    assert reply.status_code == 503
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == {
        "ready": False,
        "parts": {"broker": None, "store": "it does not answer"},
    }


def test_prometheus_can_read_its_figures(client: httpx.Client) -> None:
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    found = {family.name: family for family in text_string_to_metric_families(reply.text)}
    stored, lag = found["dunnage_readings_stored"], found["dunnage_lag_bytes"]
    assert (stored.type, stored.documentation) == ("counter", "Readings kept")
    assert [(s.name, s.value) for s in stored.samples] == [("dunnage_readings_stored_total", 41)]
    assert lag.type == "gauge"
    assert [(s.labels, s.value) for s in lag.samples] == [({"part": 'the "store"\n'}, 0.5)]


def test_other_paths_are_told_what_there_is(client: httpx.Client) -> None:
    reply = client.get("/")
    assert reply.status_code == 404
    assert "/healthz" in reply.json()["detail"]


def test_who_connects_and_says_nothing_keeps_nobody_waiting(
    client: httpx.Client, status: StatusServer, capfd: pytest.CaptureFixture[str]
) -> None:
    silent = [socket.create_connection(("127.0.0.1", status.port)) for _ in range(20)]
    assert client.get("/healthz", timeout=5).status_code == 200
    for each in silent[:10]:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    for each in silent:
        each.close()
    assert client.get("/healthz", timeout=5).status_code == 200
    assert capfd.readouterr().err == ""


def test_many_may_ask_at_once(client: httpx.Client) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: client.get("/readyz").status_code, range(100)))
    assert replies == [200] * 100


def test_a_figure_that_fails_is_an_error_of_that_request_alone() -> None:
    def broken() -> dict[str, str | None]:
        raise RuntimeError("nothing is known")

    server = StatusServer("127.0.0.1", 0, list, broken)
    try:
        url = f"http://127.0.0.1:{server.port}"
        assert httpx.get(f"{url}/readyz").status_code == 500
        assert httpx.get(f"{url}/healthz").status_code == 200
    finally:
        server.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "no such host", "192.0.2.1"])
def test_where_it_cannot_listen_is_told_with_the_settings(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"{port} of {host}.*DUNNAGE_WORKER_PORT") as told:
            StatusServer(host, port, list, dict)
    assert "DUNNAGE_API_HOST" in str(told.value)


def test_it_listens_on_ipv6_too() -> None:
    try:
        server = StatusServer("::1", 0, list, dict)
    except SettingsError:
        pytest.skip("this machine has no IPv6")
    try:
        assert httpx.get(f"http://[::1]:{server.port}/healthz").status_code == 200
    finally:
        server.close()
