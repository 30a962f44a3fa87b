"""The broker's own speed: `python -m tests.bench.ingest [--json]`; load goes to loopback only.

Drain: 200 000 single readings of 1 000 tags wait at a real Mosquitto for four absent sessions, the
publisher is gone, then each contender alone takes its own: (a) mosquitto_sub, the limit; (b) a bare
loop of paho-mqtt that counts; (c) the whole worker, journal and rules on, into SQLite; (d) the same
into a real InfluxDB; (c) and (d) until the last reading can be queried and has been evaluated.
Every process is up before its time begins. Rounds are interleaved, ratios are of each round.

Live: so many messages a second are offered for a time, 20 000 (`live_…`) and 5 000 (`calm_…`).
Delay is from publishing to being kept in the store; the servers are new, so that none has yet to
tidy up what was drained. Arrays: 100 readings a message, drained as above into InfluxDB; and beside
it what InfluxDB takes of who has the lines ready and does nothing else (`lines`), two requests at a
time as we do. `rss_mb` is the worker's peak, the higher of both live runs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import paho.mqtt.client as mqtt

from lots import registry
from lots.at_once import at_once
from lots.clock import Clock
from lots.readings.history import open_history
from lots.readings.influx import LINES, WRITERS
from lots.records import KINDS
from tests.bench.contender import SAMPLE_S
from tests.bench.flood import Flood
from tests.servers import ADMIN, PASSWORD, InfluxDB, Mosquitto, free_port

MESSAGES = 200_000
TAGS = 1_000
ARRAY = 100
STEP_MS = 10 * 60_000
ROUNDS = 5
PATIENCE_S = 300.0
SETTLED_S = 120
"""After so long a worker that is watched has all its buffers and caches."""
TENANT = "bench"
FILTER = f"dunnage/v1/{TENANT}/+/readings"
GOODS = (
    {"commodity": "lead", "form": "ingot", "packaging": "strapped", "net_mass_kg": 1000},
    {"commodity": "wool", "form": "greasy", "packaging": "bale_jute", "net_mass_kg": 180},
    {"commodity": "wool", "form": "scoured", "packaging": "bale_jute", "net_mass_kg": 180},
)
STORED, JUDGED = "dunnage_readings_stored", "dunnage_readings_evaluated"


class Broker(Mosquitto):
    """One that does not stop to save its queues meanwhile."""

    def _prepare(self) -> None:
        super()._prepare()
        conf = self.folder / "mosquitto.conf"
        text = conf.read_text().replace("autosave_interval 1\n", "autosave_interval 1800\n")
        conf.write_text(text.replace("max_queued_messages 1000000", "max_queued_messages 0"))


def payload(tag: int, seq: int, t: int) -> bytes:
    """The sample of the wire: seven fields, four of them measured."""
    day = math.sin((t / 86_400_000 + tag / TAGS) * math.tau)
    temperature, humidity = round(12 + 6 * day, 2), round(62 - 15 * day, 2)
    return (
        b'{"boot": 17, "seq": %d, "t": %d, "temperature": %.2f, "humidity": %.2f,'
        b' "pressure": 1008.2, "battery": 2.98}' % (seq, t, temperature, humidity)
    )


TOPICS = [f"dunnage/v1/{TENANT}/tag-{tag}/readings".encode() for tag in range(TAGS)]


def backlog(count: int, tags: int, array: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """``count`` messages of ``tags`` tags in turn, up to now, of ``array`` readings each."""
    begins = Clock().now_ms() - (count // tags + 1) * array * STEP_MS
    for number in range(count):
        turn, tag = divmod(number, tags)
        first = turn * array
        rows = [
            payload(tag, seq, begins + seq * STEP_MS + tag) for seq in range(first, first + array)
        ]
        yield TOPICS[tag], rows[0] if array == 1 else b"[" + b",".join(rows) + b"]"


def present(tags: int) -> Iterator[tuple[bytes, bytes]]:
    """Readings of now, as they are asked for."""
    number = 0
    while True:
        turn, tag = divmod(number, tags)
        yield TOPICS[tag], payload(tag, turn, Clock().now_ms())
        number += 1


def subscribe(broker: Mosquitto, name: str) -> None:
    """Begin a session that lasts, and leave it."""

    def leave(client: mqtt.Client, *_: object) -> None:
        client.disconnect()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, clean_session=False)
    client.on_subscribe = leave
    client.connect("127.0.0.1", broker.port)
    client.subscribe(FILTER, qos=1)
    client.loop_forever()


def prepare(database_url: str, tags: int) -> None:
    """Every tag speaks for a lot of its own, a third of lead and two thirds of wool."""
    begins = datetime.now(UTC) - timedelta(days=7)  # before all that is sent
    names = [f"tag-{tag}" for tag in range(tags)]
    things: dict[str, list[dict[str, Any]]] = {
        "tags": [{"id": name, "interval_s": 600} for name in names],
        "lots": [{"id": name, **GOODS[n % len(GOODS)]} for n, name in enumerate(names)],
        "bindings": [{"tag": name, "lot": name, "begins": begins} for name in names],
    }
    database = registry.connect(database_url)
    registry.migrate(database)
    with registry.writing(database) as session:
        registry.create_tenant(session, TENANT, TENANT)
        for kind, rows in things.items():
            records = [KINDS[kind].model_validate(row) for row in rows]
            registry.put_many(session, TENANT, kind, records)
    database.dispose()


class Worker:
    """A whole worker as a process, which was there before and has left its session and state."""

    def __init__(self, folder: Path, broker: Mosquitto, name: str, store: str, tags: int) -> None:
        folder.mkdir()
        registry_url = f"sqlite:///{folder / 'registry.sqlite'}"
        prepare(registry_url, tags)
        readings_url = store or f"sqlite:///{folder / 'readings.sqlite'}"
        self._history = open_history(readings_url, 400)
        port = free_port()
        self._settings = {
            "DUNNAGE_DATA": str(folder),
            "DUNNAGE_BROKER_URL": broker.url,
            "DUNNAGE_CLIENT_ID": name,
            "DUNNAGE_READINGS_URL": readings_url,
            "DUNNAGE_REGISTRY_URL": registry_url,
            "DUNNAGE_WORKER_PORT": str(port),
        }
        self._folder = folder
        # One client: to make one takes 20 ms of processor time, which the worker would lack.
        self._asking = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0)
        self._begin()
        self.go()
        while self.figure("dunnage_lots_dirty") or not self.figure("dunnage_broker_connected"):
            time.sleep(0.1)
        self.stop()

    def _begin(self) -> None:
        self._process = started(["worker"], os.environ | self._settings, self._folder)

    def ready(self) -> None:
        """Be there again."""
        self._begin()

    def go(self) -> None:
        go(self._process)

    def figure(self, name: str) -> float:
        text = self._asking.get("/metrics").text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))

    def await_figures(self, count: int) -> None:
        """Until so many readings are stored and evaluated."""
        ends = time.monotonic() + PATIENCE_S
        for name in (STORED, JUDGED):
            while (at := self.figure(name)) < count:
                assert time.monotonic() < ends, f"{name}: {at:.0f} of {count}"
                time.sleep(0.05)  # each look takes some ms of the worker's time

    def await_query(self, count: int) -> None:
        """Until the store, asked by another client, has them all."""
        while self._history.count(TENANT) < count:
            time.sleep(0.02)

    def stop(self) -> dict[str, Any]:
        """What it measured."""
        self._process.send_signal(signal.SIGTERM)
        out, _ = self._process.communicate(timeout=60)
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found


def started(
    arguments: list[str], env: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.Popen[str]:
    """A contender that is up and waits."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.contender", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=(env or dict(os.environ)) | {"PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=folder,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@dataclass(frozen=True)
class Arena:
    broker: Broker
    influx: InfluxDB
    folder: Path
    tags: int

    def worker(self, name: str, store: str) -> Worker:
        return Worker(self.folder / name, self.broker, name, store, self.tags)


@contextmanager
def arena(tags: int) -> Iterator[Arena]:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        broker, influx = opened.enter_context(Broker()), opened.enter_context(InfluxDB())
        yield Arena(broker, influx, folder, tags)


def limit(arena: Arena, name: str, count: int) -> float:
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(arena.broker.port), "-i", name]
    command += ["-c", "-q", "1", "-t", FILTER, "-C", str(count)]
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return count / (time.perf_counter() - begun)


def bare(arena: Arena, name: str, count: int) -> float:
    process = started(["paho", str(arena.broker.port), name, str(count)])
    begun = time.perf_counter()
    go(process)
    process.communicate(timeout=PATIENCE_S)
    return count / (time.perf_counter() - begun)


def worked(worker: Worker, count: int, each: int = 1) -> tuple[float, dict[str, Any]]:
    """Readings a second of ``count`` messages with ``each`` readings, and what it measured."""
    worker.ready()
    begun = time.perf_counter()
    worker.go()
    worker.await_figures(count * each)
    worker.await_query(count * each)
    seconds = time.perf_counter() - begun
    return count * each / seconds, worker.stop()


def drain(arena: Arena, rounds: int, count: int, say: Callable[[str], None]) -> dict[str, float]:
    """The medians, and of the ratios the median of the rounds'."""
    found: list[dict[str, float]] = []
    peak = 0.0
    for number in range(rounds):
        names = [f"{kind}-{number}" for kind in ("limit", "paho", "sqlite", "influx")]
        for name in names[:2]:
            subscribe(arena.broker, name)
        sqlite = arena.worker(names[2], "")
        influx = arena.worker(names[3], arena.influx.store_url(f"drain{number}"))
        with Flood(arena.broker.port, "fleet") as fleet:
            fleet.send(backlog(count, arena.tags))
        rates = {
            "limit": limit(arena, names[0], count),
            "paho": bare(arena, names[1], count),
        }
        rates["sqlite"], _ = worked(sqlite, count)
        rates["influx"], measured = worked(influx, count)
        peak = max(peak, measured["rss_mb"])
        rates["ratio_limit"] = rates["influx"] / rates["limit"]
        rates["ratio_paho"] = rates["influx"] / rates["paho"]
        found.append(rates)
        say(f"round {number + 1}: " + ", ".join(f"{n} {r:,.2f}" for n, r in rates.items()))
    medians = {name: median(each[name] for each in found) for name in found[0]}
    return medians | {"drain_rss_mb": peak}


def arrays(arena: Arena, count: int) -> dict[str, float]:
    """Readings a second of ``count`` messages, and of the same readings as lines, made before."""
    worker = arena.worker("arrays", arena.influx.store_url("arrays"))
    with Flood(arena.broker.port, "fleet") as fleet:
        fleet.send(backlog(count, arena.tags, ARRAY))
    ours, _ = worked(worker, count, ARRAY)
    bare = written(arena, bodies(count, arena.tags), count * ARRAY)
    return {"arrays": ours, "lines": bare, "ratio_lines": ours / bare}


def bodies(count: int, tags: int) -> list[bytes]:
    """Requests of `LINES` points, as the worker makes them of ``count`` messages."""
    lines: list[bytes] = []
    for topic, body in backlog(count, tags, ARRAY):
        series = b"readings,tag=%b,tenant=bench" % topic.split(b"/")[3]
        lines += (
            b"%b flags=0i,doubt=0i,battery=2.98,humidity=%.2f,pressure=1008.2,temperature=%.2f %d"
            % (series, one["humidity"], one["temperature"], one["t"] * 1_000_000)
            for one in json.loads(body)
        )
    return [b"\n".join(lines[start : start + LINES]) for start in range(0, len(lines), LINES)]


def written(arena: Arena, bodies: list[bytes], points: int) -> float:
    """Points a second that InfluxDB takes, `WRITERS` requests at a time."""
    arena.influx.query('CREATE DATABASE "lines"')
    with httpx.Client(base_url=arena.influx.url, auth=(ADMIN, PASSWORD), timeout=60.0) as client:

        def write(body: bytes) -> None:
            client.post("/write", params={"db": "lines"}, content=body).raise_for_status()

        begun = time.perf_counter()
        for start in range(0, len(bodies), WRITERS):
            at_once([partial(write, body) for body in bodies[start : start + WRITERS]])
        return points / (time.perf_counter() - begun)


def live(arena: Arena, rate: float, seconds: float) -> dict[str, Any]:
    """Delay and memory while ``rate`` messages a second are offered; how many were left at the end.

    ``lag_s``: what it took after the last was sent until all were kept and evaluated.
    """
    name = f"live{rate:.0f}"
    worker = arena.worker(name, arena.influx.store_url(name))
    worker.ready()
    worker.go()
    readings = present(arena.tags)
    with Flood(arena.broker.port, "fleet") as fleet:
        # What every first time takes is not the point, nor how long a start does.
        warm = fleet.paced(readings, min(rate, 1000), 2)
        worker.await_figures(warm)
        begun = time.perf_counter()
        sent = fleet.paced(readings, rate, seconds)
        took = time.perf_counter() - begun
    begun = time.perf_counter()
    worker.await_figures(warm + sent)
    lag = time.perf_counter() - begun
    return worker.stop() | {"offered_per_s": sent / took, "lag_s": lag}


def told(name: str, found: dict[str, Any]) -> dict[str, float]:
    """Of a run that is called ``name``: what was offered, the delay, the memory and its growth.

    ``…_rss_growth_mb``: what the memory was at the end, less after `SETTLED_S`; of runs that are
    longer than that.
    """
    names = ("offered_per_s", "p50_ms", "p99_ms", "lag_s", "rss_mb")
    figures: dict[str, float] = {f"{name}_{each}": found[each] for each in names}
    course = found["rss_course_mb"]
    if len(course) > (settled := SETTLED_S // SAMPLE_S + 1):
        figures[f"{name}_rss_growth_mb"] = course[-1] - course[settled - 1]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ingest", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--tags", type=int, choices=range(1, TAGS + 1), metavar="N", default=TAGS)
    parser.add_argument("--live", type=float, default=60.0, help="seconds at 20 000 messages/s")
    parser.add_argument("--soak", type=float, default=600.0, help="seconds at 5 000 messages/s")
    asked = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    say(f"load before {os.getloadavg()[0]:.1f}: with more than 0.5 the machine is not idle")
    found: dict[str, float] = {}
    if asked.rounds:
        with arena(asked.tags) as place:
            found |= drain(place, asked.rounds, asked.messages, say)
            found |= arrays(place, asked.messages // 40)
            say(
                f"arrays of {ARRAY}: {found['arrays']:,.0f} readings/s, lines {found['lines']:,.0f}"
            )
    for name, rate, seconds in (("live", 20_000, asked.live), ("calm", 5_000, asked.soak)):
        if seconds:
            with arena(asked.tags) as place:
                run = live(place, rate, seconds)
            say(f"{name}, {rate:,}/s: {run}")
            found |= told(name, run)
            found["rss_mb"] = max(found.get("rss_mb", 0.0), run["rss_mb"])
    figures = {name: round(value, 3) for name, value in found.items()}
    print(json.dumps(figures) if asked.json else figures)


if __name__ == "__main__":
    main()
