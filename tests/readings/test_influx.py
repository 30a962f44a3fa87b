"""What is InfluxDB's own: refusals, rights, limits, and a server that goes away."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from lots.readings.batch import ReadingBatch, TagKey, concatenate, of_tag
from lots.readings.influx import FEW_LINES, LINES, WRITERS, InfluxStore
from lots.readings.influx_database import InfluxDatabase, InfluxServer
from lots.readings.influx_writers import Answer, exchange
from lots.readings.open import open_store
from lots.readings.store import StoreMisconfigured, StoreUnavailable
from tests.conftest import make
from tests.servers import ADMIN, PASSWORD, InfluxDB, VictoriaMetrics, free_port

T0 = 1_763_766_000_000
TAG = TagKey("harbour", "a1")


def readings(n: int, quantity: str = "temperature", begins: int = T0) -> ReadingBatch:
    return of_tag(TAG, begins + np.arange(n), {quantity: np.arange(n, dtype=np.float64)})


def as_admin(server: InfluxDB, database: str, *, timeout_s: float = 30.0) -> InfluxStore:
    where = InfluxServer(server.url, database, user=ADMIN, password=PASSWORD)
    return InfluxStore(where, 400, timeout_s=timeout_s)


def test_a_conflict_of_types_refuses_that_reading_alone(
    influxdb: InfluxDB, influx_url: str
) -> None:
    database = influx_url.rpartition("/")[2]
    httpx.post(
        f"{influxdb.url}/write",
        params={"db": database},
        content=f"readings,tag=x,tenant=y strain=1i {T0 * 1_000_000}",
        auth=(ADMIN, PASSWORD),
    ).raise_for_status()
    n = WRITERS * LINES + 1000
    batch = readings(n)
    at = np.array([0, 777, 778, LINES - 1, LINES, WRITERS * LINES, n - 1])
    strain = np.full(n, np.nan)
    strain[at] = 1.5
    batch = of_tag(TAG, batch.time, {**batch.values, "strain": strain})
    with closing(open_store(influx_url, 400)) as store:
        refused = store.write(batch)
        assert [bad.position for bad in refused] == at.tolist()
        assert all("field type conflict" in bad.reason for bad in refused)
        assert store.count(TAG.tenant) == n - len(at)


@pytest.mark.parametrize(
    ("n", "pairs", "alone"),
    [
        (FEW_LINES, [], [FEW_LINES]),
        (2 * FEW_LINES + 2, [FEW_LINES + 1], []),
        (WRITERS * LINES + 1, [LINES], [1]),
    ],
)
def test_many_readings_are_written_by_two_requests_at_the_same_time(
    influxdb: InfluxDB,
    influx_url: str,
    monkeypatch: pytest.MonkeyPatch,
    n: int,
    pairs: list[int],
    alone: list[int],
) -> None:
    """The two of a pair are sent once both are there."""
    both = threading.Barrier(2, timeout=10)
    seen = []
    post = InfluxDatabase.post

    def meeting(self: InfluxDatabase, body: bytes) -> Answer:
        seen.append(body.count(b"\n"))
        if seen[-1] in pairs:
            both.wait()
        return post(self, body)

    with closing(open_store(influx_url, 400)) as store:
        monkeypatch.setattr(InfluxDatabase, "post", meeting)
        assert store.write(readings(n)) == []
        assert sorted(seen) == sorted([*alone, *pairs, *pairs])
        assert store.count(TAG.tenant) == n


def test_many_readings_of_many_tags_are_written_tag_by_tag(
    influxdb: InfluxDB, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each is still refused under its own position."""
    tags = tuple(TagKey(TAG.tenant, f"tag {number}") for number in range(7))
    batch = readings(n := FEW_LINES + 1, begins=_now_of(influxdb))
    batch = replace(batch, tags=tags, tag=np.arange(n) % len(tags))
    batch.time[at := [5, 700, 1000]] = 0
    post, series = InfluxDatabase.post, []

    def seen(self: InfluxDatabase, body: bytes) -> Answer:
        series.append([line.partition(b" ")[0] for line in body.replace(b"\\ ", b"_").splitlines()])
        return post(self, body)

    with closing(as_admin(influxdb, unique_name)) as store:
        monkeypatch.setattr(InfluxDatabase, "post", seen)
        assert [bad.position for bad in store.write(batch)] == at
        most = max(series, key=len)
        assert (len(most), len(list(groupby(most)))) == (FEW_LINES, len(tags))
        assert store.count(TAG.tenant) == n - len(at)


def test_what_is_older_than_the_retention_is_refused(influxdb: InfluxDB, unique_name: str) -> None:
    with closing(as_admin(influxdb, unique_name)) as store:
        old = readings(LINES, begins=0)
        new = readings(3, begins=_now_of(influxdb))
        refused = store.write(concatenate([old, new]))
        assert [bad.position for bad in refused] == list(range(LINES))
        assert "beyond retention policy" in refused[0].reason
        assert store.count(TAG.tenant) == 3


def test_a_missing_database_is_made_with_the_retention_asked_for(
    influxdb: InfluxDB, unique_name: str
) -> None:
    with closing(open_store(influxdb.store_url(unique_name), 100)) as store:
        store.check()
        policies = influxdb.query(f'SHOW RETENTION POLICIES ON "{unique_name}"').json()
        ((_, duration, *_),) = policies["results"][0]["series"][0]["values"]
        assert duration == f"{130 * 24}h0m0s"


def test_a_database_that_vanishes_is_made_again_on_writing(
    influxdb: InfluxDB, influx_url: str
) -> None:
    database = influx_url.rpartition("/")[2]
    with closing(open_store(influx_url, 400)) as store:
        store.write(readings(1, begins=_now_of(influxdb)))
        influxdb.query(f'DROP DATABASE "{database}"')
        assert store.write(readings(2, begins=_now_of(influxdb))) == []
        assert store.count(TAG.tenant) == 2


def test_a_wrong_password_is_misconfiguration(influx_url: str) -> None:
    with (
        closing(open_store(influx_url.replace(PASSWORD, "wrong"), 400)) as store,
        pytest.raises(StoreMisconfigured, match=r"401: authorization failed.*in readings_url"),
    ):
        store.write(readings(1))


def test_missing_rights_are_misconfiguration_that_names_the_remedy(
    influxdb: InfluxDB, influx_url: str, unique_name: str
) -> None:
    user = f"{unique_name}u"
    influxdb.query(f"CREATE USER \"{user}\" WITH PASSWORD 'low'")
    host = influx_url.rpartition("@")[2]
    with closing(open_store(f"influxdb://{user}:low@{host}", 400)) as store:
        for ask in (store.check, lambda: store.write(readings(1)), lambda: store.count("acme")):
            with pytest.raises(StoreMisconfigured, match="may read and write"):
                ask()
        influxdb.query(f'GRANT READ ON "{unique_name}" TO "{user}"')
        with pytest.raises(StoreMisconfigured, match="not authorized to write"):
            store.check()
        influxdb.query(f'GRANT ALL ON "{unique_name}" TO "{user}"')
        store.check()
    with (
        closing(open_store(f"influxdb://{user}:low@{host}-other", 400)) as store,
        pytest.raises(StoreMisconfigured, match='as its administrator run CREATE DATABASE "'),
    ):
        store.write(readings(1))


def test_a_limit_of_the_server_is_misconfiguration_not_a_bad_reading() -> None:
    with make_limited() as server, closing(as_admin(server, "limited")) as store:
        tags = [of_tag(TagKey("t", f"a{n}"), [T0], {"temperature": [n]}) for n in range(5)]
        assert store.write(concatenate(tags[:3])) == []
        with pytest.raises(StoreMisconfigured, match="raise max-values-per-tag"):
            store.write(concatenate(tags))


@contextmanager
def make_limited() -> Iterator[InfluxDB]:
    make(InfluxDB).close()  # skips or fails where it is not installed
    with InfluxDB(max_values_per_tag=3) as server:
        yield server


def test_what_was_acknowledged_outlives_a_kill(own_influxdb: InfluxDB) -> None:
    with closing(as_admin(own_influxdb, "kept")) as store:
        for start in range(0, 3000, 1000):
            assert store.write(readings(1000, begins=T0 + start)) == []
        own_influxdb.kill()
        for ask in (store.check, lambda: store.write(readings(1)), lambda: store.count("acme")):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                ask()
        own_influxdb.start()
        found = store.window(TAG, T0, T0 + 5000)
        assert found.time.tolist() == list(range(T0, T0 + 3000))
        assert store.write(readings(1, begins=T0 + 3000)) == []


def test_a_server_that_hangs_is_unavailable(own_influxdb: InfluxDB) -> None:
    with closing(as_admin(own_influxdb, "kept", timeout_s=0.3)) as store:
        store.check()
        own_influxdb.pause()
        with pytest.raises(StoreUnavailable, match="does not answer: timed out"):
            store.write(readings(1))
        own_influxdb.resume()
        assert store.write(readings(1)) == []


def test_generation_2_writes_are_taken_and_seen(
    victoria_metrics: VictoriaMetrics, unique_name: str
) -> None:
    """VictoriaMetrics takes what `influxdb-client` sends; it is asked for nothing else."""
    host = victoria_metrics.url.removeprefix("http://")
    tag = TagKey(unique_name, "Lager Süd, 羊毛=1")
    batch = of_tag(tag, [T0, T0 + 60_000], {"temperature": [21.4, np.nan], "tilt": [np.nan, 3]})
    with closing(open_store(f"influxdb2://token@{host}/org/bucket", 400)) as store:
        assert store.write(batch) == []
    httpx.get(f"{victoria_metrics.url}/internal/force_flush")
    match = f'{{tenant="{unique_name}"}}'
    export = httpx.get(f"{victoria_metrics.url}/api/v1/export", params={"match[]": match})
    series = [httpx.Response(200, content=line).json() for line in export.text.splitlines()]
    found = {one["metric"]["__name__"]: (one["timestamps"], one["values"]) for one in series}
    assert {one["metric"]["tag"] for one in series} == {tag.tag}
    assert found["readings_temperature"] == ([T0], [21.4])
    assert found["readings_tilt"] == ([T0 + 60_000], [3])
    assert found["readings_flags"] == ([T0, T0 + 60_000], [0, 0])


def test_generation_2_that_is_away_is_unavailable() -> None:
    url = f"influxdb2://token@127.0.0.1:{free_port()}/org/bucket"
    with closing(open_store(url, 400)) as store, pytest.raises(StoreUnavailable):
        store.write(readings(1))


class _AllOrNothing(BaseHTTPRequestHandler):
    """What 2.x's documentation says of ``/api/v2/write``: one bad line and none is taken.

    No server that does so can be installed here; this one has its two routes.
    """

    token = "Token a/b=="
    taken: set[str]
    writes: int

    def do_GET(self) -> None:
        self._answer(200, '{"results":[{"statement_id":0}]}')

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        server: Any = self.server
        server.writes += 1
        if self.headers["Authorization"] != self.token:
            self._answer(401, '{"code":"unauthorized","message":"unauthorized access"}')
        elif "bucket=the%20bucket" not in self.path and "bucket=the+bucket" not in self.path:
            self._answer(404, '{"code":"not found","message":"bucket not found"}')
        elif "strain=666.0" in body:
            self._answer(422, '{"code":"unprocessable entity","message":"a line is refused"}')
        elif "strain=503.0" in body:
            self._answer(503, '{"code":"unavailable","message":"try later"}')
        else:
            server.taken.update(body.splitlines())
            self._answer(204, "")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def all_or_nothing() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _AllOrNothing)
    server.daemon_threads = True
    server.taken, server.writes = set(), 0
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def generation_2(server: Any, token: str = "a/b==", bucket: str = "the bucket") -> str:
    where = f"127.0.0.1:{server.server_port}/org/{quote(bucket)}"
    return f"influxdb2://{quote(token, safe='')}@{where}"


def test_a_server_that_takes_all_or_nothing_gets_all_that_is_good(all_or_nothing: Any) -> None:
    n = 1000
    strain = np.arange(n, dtype=np.float64)
    strain[[3, 4, 999]] = 666.0
    strain[[503, 666]] = 0.0
    batch = of_tag(TAG, T0 + np.arange(n), {"strain": strain})
    with closing(open_store(generation_2(all_or_nothing), 400)) as store:
        refused = store.write(batch)
    assert [bad.position for bad in refused] == [3, 4, 999]
    assert refused[0].reason == "InfluxDB: a line is refused"
    assert len(all_or_nothing.taken) == n - 3
    assert all_or_nothing.writes < 60


@pytest.mark.parametrize(
    ("token", "bucket", "value", "raised", "words"),
    [
        ("wrong", "the bucket", 1.0, StoreMisconfigured, "401: unauthorized access.*token"),
        ("a/b==", "other", 1.0, StoreMisconfigured, "no database or bucket 'other'"),
        ("a/b==", "the bucket", 503.0, StoreUnavailable, "503: try later"),
    ],
)
def test_generation_2_answers_are_judged(
    all_or_nothing: Any, token: str, bucket: str, value: float, raised: type, words: str
) -> None:
    url = generation_2(all_or_nothing, token, bucket)
    with closing(open_store(url, 400)) as store, pytest.raises(raised, match=words):
        store.write(of_tag(TAG, [T0], {"strain": [value]}))


class _Website(_AllOrNothing):
    def do_GET(self) -> None:
        self._answer(200, "<html>Please log in</html>")


def test_something_else_that_listens_there_is_told_from_influxdb(all_or_nothing: Any) -> None:
    all_or_nothing.RequestHandlerClass = _Website
    with (
        closing(open_store(generation_2(all_or_nothing), 400)) as store,
        pytest.raises(StoreUnavailable, match="no answer to a query, but '<html>Please log in"),
    ):
        store.check()


def test_http_where_https_is_asked_for_is_told(influx_url: str) -> None:
    url = influx_url.replace("influxdb://", "influxdbs://")
    with closing(open_store(url, 400)) as store, pytest.raises(StoreUnavailable, match="SSL"):
        store.check()


def test_what_was_sent_is_not_left_to_the_garbage_collector() -> None:
    """Lines by the megabyte: they go when they are answered."""
    sent: list[weakref.ref[httpx.Request]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(weakref.ref(request))
        return httpx.Response(204, text="thanks")

    gc.collect()
    gc.disable()
    try:
        with httpx.Client(base_url="http://h", transport=httpx.MockTransport(answer)) as client:
            assert exchange(client, "POST", "/write", {}, b"lines") == Answer(204, "thanks")
            assert sent[0]() is None
    finally:
        gc.enable()


def _now_of(server: InfluxDB) -> int:
    """ms, by the server: its retention counts from there."""
    answer = server.query("SHOW DIAGNOSTICS").json()
    series = {one["name"]: one for one in answer["results"][0]["series"]}
    now = dict(zip(series["system"]["columns"], series["system"]["values"][0], strict=True))
    return int(np.datetime64(now["currentTime"].rstrip("Z"), "ms").astype(np.int64))
