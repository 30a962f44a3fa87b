"""What a scenario plays on: real servers, a house on them, fleets, and lots that raise alerts."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from lots.fields import written
from tests.faults.fleet import Fleet
from tests.faults.proxy import Proxy
from tests.receiver import Received, Receiver
from tests.servers import InfluxDB, Mosquitto, PostgreSQL
from tests.whole.house import House, soon
from tests.whole.scenes import furnish, lead

STEP_MS = 600_000
COLD = 180
"""Readings, a step apart, until a lot's metal is known to be as cold as the air."""

TENANT = "faults"
READY_S = 60.0


class Stage:
    """Mosquitto, InfluxDB and PostgreSQL, a proxy before the first two, and a house.

    ``sqlite``: the registry and the readings are files instead, beside the data folder; ``data``:
    the data folder, else one of its own; ``settings``: more of them.
    """

    def __init__(self, *, sqlite: bool = False, data: Path | None = None, **settings: str) -> None:
        self._opened = ExitStack()
        self.sqlite, self._data, self._settings = sqlite, data, settings
        self._prefixes = itertools.count(1)

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def _build(self) -> None:
        enter = self._opened.enter_context
        self.folder = Path(tempfile.mkdtemp(prefix="dunnage-faults-"))
        self._opened.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.broker = enter(Mosquitto())
        self.bell = enter(Bell())
        self.to_broker = enter(Proxy(self.broker.port))
        settings = {"DUNNAGE_WEBHOOK_URL": self.bell.url} | self._settings
        if self._data is not None:
            settings["DUNNAGE_DATA"] = str(self._data)
        if self.sqlite:
            self.readings_file = self.folder / "readings.sqlite"
            settings["DUNNAGE_READINGS_URL"] = f"sqlite:///{self.readings_file}"
            settings["DUNNAGE_REGISTRY_URL"] = f"sqlite:///{self.folder / 'registry.sqlite'}"
        else:
            self.influxdb, self.postgresql = enter(InfluxDB()), enter(PostgreSQL())
            self.to_influxdb = enter(Proxy(self.influxdb.port))
            settings["DUNNAGE_READINGS_URL"] = self.influxdb.store_url("dunnage")
            settings["DUNNAGE_REGISTRY_URL"] = self.postgresql.url
        self.house = House(self.folder, TENANT, self.broker.url, **settings)
        self._lead_worker_through_proxies(settings)
        enter(self.house)
        furnish(self.house, places=())

    def _lead_worker_through_proxies(self, settings: dict[str, str]) -> None:
        of_worker = self.house.of["worker"]
        of_worker["DUNNAGE_BROKER_URL"] = f"mqtt://127.0.0.1:{self.to_broker.port}"
        if not self.sqlite:
            url = settings["DUNNAGE_READINGS_URL"]
            ports = (f":{self.influxdb.port}/", f":{self.to_influxdb.port}/")
            of_worker["DUNNAGE_READINGS_URL"] = url.replace(*ports)

    def prefix(self, word: str) -> str:
        """A name nobody has had on this stage."""
        return f"{word}{next(self._prefixes)}"

    def fleet(self, word: str, tags: int, padding: int = 0) -> Fleet:
        """A gateway whose tags are registered; it goes straight to the broker."""
        prefix = self.registered(word, tags)
        return Fleet(self.broker.port, TENANT, prefix, tags, self.folder, str(padding))

    def devices(self, word: str, tags: int) -> Fleet:
        """Devices that wait for our acknowledgement; else as `fleet`."""
        prefix = self.registered(word, tags)
        return Fleet(self.broker.port, TENANT, prefix, tags, self.folder, of="devices")

    def registered(self, word: str, tags: int) -> str:
        """The prefix of ``tags`` new tags."""
        prefix = self.prefix(word)
        for tag in range(tags):
            self.house.put("tags", id=f"{prefix}-{tag}", interval_s=60)
        return prefix

    def kill_worker(self) -> None:
        """``kill -9``, and start it again at once."""
        self.house.stop("worker", signal.SIGKILL)
        self.house.start("worker")

    def await_worker(self) -> float:
        """Seconds until it is ready."""
        begun = time.monotonic()
        soon(lambda: self.house.ready("worker"), "the worker is ready again", READY_S)
        return time.monotonic() - begun

    def received(self) -> float:
        """Messages that the worker took from the broker since its start; -1 when it is down."""
        with contextlib.suppress(httpx.HTTPError, AssertionError):
            return self.house.figure("dunnage_messages_received_total")
        return -1.0


class _Timed(list[Received]):
    """Knows when each came."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def append(self, item: Received) -> None:
        self.at.append(time.monotonic())
        super().append(item)


class Bell(Receiver):
    """Webhooks, with when they came."""

    def __init__(self) -> None:
        super().__init__()
        self._timed = _Timed()
        self.received = self._timed

    def rung(self) -> Iterator[tuple[float, str, str, str]]:
        """(when, lot, rule, id of the alert) of each alert that was told as opened."""
        for at, each in zip(list(self._timed.at), list(self._timed), strict=False):
            told = json.loads(each.body)
            if told["type"] == "alert.opened":
                data = told["data"]
                yield at, data["lot"], data["rule"], data["id"]


class Probes:
    """Lots of lead in the cold: a warm, damp reading of its tag makes a lot sweat, at once. No
    warmer than a tag is believed without a second one."""

    RULE = "lead.sweat"

    def __init__(self, stage: Stage, count: int) -> None:
        self._house, self._bell = stage.house, stage.bell
        prefix = stage.prefix("probe")
        self.names = [f"{prefix}-{number}" for number in range(count)]
        self._unused = iter(list(self.names))
        self._fired: dict[str, float] = {}
        self.told: list[float] = []
        """The latencies of all that were asked for, s."""
        self._asked: list[str] = []
        now = int(time.time() * 1000)
        begins = written(now - (COLD + 1) * STEP_MS)
        cold = [
            {"boot": 1, "seq": n, "t": now - (COLD - n) * STEP_MS, **air(2.0 + n % 2 / 10, 55.0)}
            for n in range(COLD)
        ]
        for name in self.names:
            lead(self._house, name)
            self._house.put("tags", id=name, interval_s=600)
            self._house.put("bindings", tag=name, lot=name, begins=begins)
        self._house.publish_all((name, cold) for name in self.names)
        soon(lambda: all(self._cold(name) for name in self.names), "the probes are judged", READY_S)

    def _cold(self, name: str) -> bool:
        return "margin" in self._house.get(f"/v1/lots/{name}")["now"]["numbers"]

    def fire(self) -> None:
        """The next of them gets its warm reading."""
        name = next(self._unused, None)
        if name is None:
            return
        now = int(time.time() * 1000)
        self._fired[name] = time.monotonic()
        self._house.publish(name, {"boot": 1, "seq": COLD, "t": now, **air(8.0, 94.0)})

    def fire_share(self, step: int, steps: int) -> None:
        """So many that after ``steps`` calls (``step`` from 0) all are fired."""
        count = len(self.names)
        for _ in range(count * step // steps, count * (step + 1) // steps):
            self.fire()

    def latencies(self, patience_s: float = 60.0) -> list[float]:
        """s from publishing to the webhook of each that was fired and was not asked for yet."""
        ends = time.monotonic() + patience_s
        while True:
            rung: dict[str, float] = {}
            for at, lot, rule, _ in self._bell.rung():
                if rule == self.RULE:
                    rung.setdefault(lot, at)
            if self._fired.keys() <= rung.keys() or time.monotonic() > ends:
                break
            time.sleep(0.05)
        found = [rung.get(name, float("inf")) - at for name, at in self._fired.items()]
        self.told += found
        self._asked += self._fired
        self._fired = {}
        return found

    def alerts(self) -> tuple[int, int, int]:
        """How many were fired, how many alerts they have, and how many ids were told of them."""
        fired = self._asked
        opened = [len(self._sweats(name)) for name in fired]
        ids = {(lot, id_) for _, lot, rule, id_ in self._bell.rung() if rule == self.RULE}
        return len(fired), sum(opened), len([each for each in ids if each[0] in fired])

    def _sweats(self, name: str) -> list[str]:
        found = self._house.items("/v1/alerts", lot=name, limit=1000)
        return [alert["id"] for alert in found if alert["rule"] == self.RULE]


def air(temperature: float, humidity: float) -> dict[str, float]:
    return {"temperature": temperature, "humidity": humidity}


def spread(seconds: list[float]) -> str:
    """Median, the ninth of ten and the largest, for a table."""
    if not seconds:
        return "none"
    ninth = sorted(seconds)[(9 * len(seconds) + 9) // 10 - 1]
    return f"{statistics.median(seconds):.2f} s (9 of 10 {ninth:.2f}, worst {max(seconds):.2f})"
