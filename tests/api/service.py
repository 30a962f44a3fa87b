"""The real API on a real port: its server in a thread, its stores in a folder or on servers."""

from __future__ import annotations

import ssl
import threading
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
import uvicorn
from sqlalchemy import Engine

from api.app import create_app
from api.server import listen
from ingest.formats import Decoded
from ingest.journal import Entry
from ingest.message import NO_MESSAGES
from ingest.stale import StaleNote
from lots import registry
from lots.clock import DAY_MS
from lots.readings.batch import ReadingBatch
from lots.readings.open import open_store
from lots.readings.rollup_maker import RollupMaker
from lots.readings.store import ReadingStore
from lots.settings import Settings

NOW = 1_763_812_800_000
"""2025-11-22T12:00:00Z: the service's clock stands still there."""

SITE = {"name": "Zürich", "latitude": 47.4, "longitude": 8.5, "timezone": "Europe/Zurich"}
LOT = {"commodity": "lead", "form": "ingot", "net_mass_kg": 1000, "packaging": "strapped"}


class Caller(NamedTuple):
    """A tenant, with clients that hold its two keys."""

    tenant: str
    key: str
    writes: httpx.Client
    reads: httpx.Client

    def put(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Put in a thing and see that it was taken."""
        reply = self.writes.post(f"/v1/{kind}", json=fields)
        assert reply.status_code in (200, 201), reply.text
        found: dict[str, Any] = reply.json()
        return found

    def get(self, path: str, /, **query: Any) -> Any:
        reply = self.writes.get(path, params=query or None)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def refused(self, path: str, status: int, /, **query: Any) -> dict[str, Any]:
        """The problem document that asking for ``path`` gives."""
        return problem(self.writes.get(path, params=query or None), status)


class Service:
    """The API over ``settings``' stores until its ``with`` is left."""

    def __init__(self, settings: Settings) -> None:
        self.engine: Engine = registry.connect(settings.registry)
        registry.migrate(self.engine)
        self.store: ReadingStore = open_store(settings.readings, settings.raw_retention_days)
        self._clock, self._keep_ms = settings.clock, settings.raw_retention_days * DAY_MS
        self.rolls = False
        """Whether `keep` makes the rollups too."""
        self.app = create_app(settings, engine=self.engine, store=self.store)
        self._listening = listen(settings)
        self.url = "http://{}:{}".format(*self._listening.getsockname())
        config = uvicorn.Config(self.app, log_config=None, access_log=False, lifespan="on")
        self._server = uvicorn.Server(config)
        run = self._server.run
        self._thread = threading.Thread(target=run, args=([self._listening],), daemon=True)
        self._clients: list[httpx.Client] = []
        self._tls = ssl.create_default_context()  # each client would make its own, slowly

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients:
            client.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._listening.close()
        self.store.close()
        self.engine.dispose()

    def keep(self, batch: ReadingBatch) -> None:
        """As the worker does: the readings, and marks of the rollups that they make stale."""
        assert self.store.write(batch) == []
        note = StaleNote(self._clock)
        note.take(Entry(0, 0, NO_MESSAGES, None), Decoded(batch, [], []))
        with registry.writing(self.engine) as session:
            note.write(session)
        if self.rolls:
            self.roll()

    def roll(self) -> None:
        """Make all rollups that are due."""
        maker = RollupMaker(self.engine, self.store, self._clock, self._keep_ms)
        while maker.make_due():
            pass

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        found = httpx.Client(base_url=self.url, headers=headers, timeout=30.0, verify=self._tls)
        self._clients.append(found)
        return found

    def caller(self, tenant: str) -> Caller:
        """A new tenant."""
        with registry.writing(self.engine) as session:
            registry.create_tenant(session, tenant, f"The {tenant}")
            writes = registry.create_key(session, tenant, "staff", True, NOW)
            reads = registry.create_key(session, tenant, "customer", False, NOW)
        return Caller(tenant, writes, self.client(writes), self.client(reads))


def problem(reply: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of ``reply``, which must be a whole one."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = reply.json()
    assert found["type"].startswith("/problems/")
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert found["instance"].startswith("/")
    return found


def fill(who: Caller) -> dict[str, str]:
    """One thing of every kind; returns their ids."""
    start = "2025-11-01T00:00:00Z"
    who.put("parties", id="P1", name="Müller & Söhne")
    who.put("sites", id="S1", **SITE)
    who.put("places", id="B1", site="S1", kind="bay", name="Bay 1")
    who.put("tags", id="T1")
    who.put("lots", id="L1", **LOT, customer="P1", references={"purchase_order": ["PO 7"]})
    who.put("shipments", id="SH1", lots=["L1"])
    return {
        "parties": "P1",
        "sites": "S1",
        "places": "B1",
        "tags": "T1",
        "lots": "L1",
        "shipments": "SH1",
        "bindings": who.put("bindings", tag="T1", lot="L1", begins=start)["id"],
        "moves": who.put("moves", lot="L1", at=start, place="B1")["id"],
        "holds": who.put("holds", kind="seal", lot="L1", begins=start)["id"],
    }
