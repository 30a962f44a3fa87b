"""A million lots in one process: `python -m tests.bench.million FOLDER LOTS first|again`.

``first``: the rules' side of a worker, with an empty registry, learns of so many lots with a tag
each, the lead on its way, and each says something some times; it ends with a snapshot, and the
journal goes on.
``again``: a new process takes up there, and is measured live in turns with a world of few lots in
the same process. The last line is JSON.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from cli import heap
from cli.parts import own_routes
from ingest.bind import Directory, Rosters, bind
from ingest.formats import Memory
from ingest.journal import Journal
from ingest.message import Message
from ingest.repeats import Repeats
from ingest.understanding import Understanding
from lots import registry
from lots.climate import Bound
from lots.clock import DAY_MS, Clock
from lots.model import Leg, Place, Shipment, Site
from lots.readings.batch import ReadingBatch
from lots.readings.sqlite import SqliteStore
from lots.settings import Settings
from lots.terms import PlaceKind
from rules import pack
from rules.evaluator import Evaluator
from tests.bench.messages import NOW
from tests.bench.telling import (
    AWAY_MS,
    CLIMATES,
    KINDS,
    LOADED,
    STEP_MS,
    TENANT,
    Fleet,
    departs,
    foreseen,
    world,
)  # fmt: skip

LOTS = 1_000_000
BATCH = 1_000
ROUNDS = 6
"""Readings of each lot before the snapshot: more than a window of one of so many holds."""
APART_MS = 165 * 60_000
"""Between these: near the most that a reading holds, since of metal that has not followed the air
for some of its lags, 13 h of lead, nothing is foreseen."""
AT_ONCE = 20_000
"""In these rounds, which are no measurement."""
TAIL = 200
"""Batches of messages that the journal has after it. The same lots are heard again live, so many
batches a turn: when each is heard for the first time after a start it is looked up by its name."""
FEW = 10_000
WARM = 800
"""Batches of few lots until their windows are full, and sweat is foreseen."""
TURNS = 5
TOGETHER = 10
"""Batches that are made, then bound, then judged."""


def measured(lots: int, say: Callable[[str], None]) -> dict[str, float]:
    """Memory, restart and live rate of so many lots."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in ("first", "again"):
            command = [sys.executable, "-m", "tests.bench.million", folder, str(lots), part]
            told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            found = json.loads(told.splitlines()[-1])
            say(f"{lots:,} lots, {part}: {found}")
    return {
        "million_lots_rss_mb": found["rss_mb"],
        "million_lots_tags_rss_mb": found["rss_with_tags_mb"],
        "restart_s": found["restart_s"],
        "restart_cpu_s": found["restart_cpu_s"],
        "million_readings_per_s": found["readings_per_s"],
        "million_judged_per_s": found["judged_per_s"],
        "million_cost_ratio": found["cost_ratio"],
    }


def _database(folder: Path) -> Engine:
    return registry.connect(f"sqlite:///{folder / 'registry.sqlite'}")


def register(database: Engine, lots: int) -> None:
    """A tag and a binding for each lot, a thousand an hour, and the lead on its way, as
    `telling.aboard` has it. SQLite itself makes them."""
    numbers = (
        "with recursive numbers(n) as (select 0 union all select n + 1 from numbers"
        f" where n < {lots - 1})"
    )
    commodity, form = (
        f"case n % 3 when 0 then {a!r} when 1 then {b!r} else {c!r} end"
        for a, b, c in zip(*KINDS, strict=True)
    )
    begins = f"{NOW} - {DAY_MS} - n / 1000 * 3600000"
    tables = {
        "tags (tenant, id, interval_s)": f"'tag-' || n, {STEP_MS // 1000}",
        "lots (tenant, id, folded, commodity, form, packaging, net_mass_kg, packages)": (
            f"'lot-' || n, 'lot-' || n, {commodity}, {form}, 'strapped', 1000.0, 1"
        ),
        "bindings (tenant, id, tag, lot, placement, begins)": (
            f"'binding-' || n, 'tag-' || n, 'lot-' || n, 'air', {begins}"
        ),
    }
    with registry.writing(database) as session:
        registry.create_tenant(session, TENANT, TENANT)
        for table, values in tables.items():
            made = f"{numbers} select {TENANT!r}, {values} from numbers"  # names of ours
            session.connection().exec_driver_sql(f"insert into {table} {made}")
        _ship(session, range(math.ceil(lots / LOADED)))
        aboard = (
            f"{numbers} select {TENANT!r}, 'shipment-' || (n / {LOADED}), 'lot-' || n from numbers"
        )
        session.connection().exec_driver_sql(
            f"insert into shipment_lots (tenant, shipment, lot) {aboard} where {commodity} = 'lead'"
        )


def _ship(session: Session, numbers: range) -> None:
    """So many shipments, each in a container of its own, on a leg between two sites."""
    common = {"tenant": TENANT}
    sites = ("origin", "destination")
    session.execute(
        insert(Site),
        [
            common | {"id": name, "name": name, "latitude": 0.0, "longitude": 0.0}
            | {"timezone": "UTC", "climate": climate.as_lists()}
            for name, climate in zip(sites, CLIMATES, strict=True)
        ],
    )  # fmt: skip
    boxes = [common | {"id": f"box-{n}", "name": "", "kind": PlaceKind.CONTAINER} for n in numbers]
    session.execute(insert(Place), boxes)
    session.execute(insert(Shipment), [common | {"id": f"shipment-{n}"} for n in numbers])
    leg = common | {"number": 1, "mode": "sea"} | {name: name for name in sites}
    session.execute(
        insert(Leg),
        [
            leg | {"shipment": f"shipment-{n}", "place": f"box-{n}"}
            | {"departs": departs(n), "arrives": departs(n) + AWAY_MS}
            for n in numbers
        ],
    )  # fmt: skip


class Office:
    """What a worker has to judge by: registry, rules, and who speaks for whom."""

    def __init__(self, folder: Path) -> None:
        self.database = registry.connect(f"sqlite:///{folder / 'registry.sqlite'}")
        registry.migrate(self.database)
        self.journal = Journal(folder / "journal")
        routes = own_routes(Settings())
        self.understanding = Understanding(self.journal, routes, Memory(), Repeats())
        store = SqliteStore(folder / "readings.sqlite")
        self.evaluator = Evaluator(
            self.database, store, pack.load(None), [], folder, Clock(), 36_500
        )
        self._rosters = Rosters()

    def restore(self) -> dict[str, float]:
        """Until all that the journal has is judged; the memory before tags were asked for.

        Who speaks for whom belongs to the ingest, which may be a process of its own.
        """
        at = self.evaluator.restore(self.journal.id, self.journal.start)
        found = memory()
        self.refresh()
        while (understood := self.understanding.after(at)) is not None:
            at = understood.entry.end
            self.take(at, understood.decoded.batch)
        return found

    def refresh(self) -> None:
        with registry.reading(self.database) as session:
            self._rosters.refresh(session)

    def take(self, offset: int, batch: ReadingBatch) -> None:
        self.evaluator.take(offset, bind(batch, self.directory))

    @property
    def directory(self) -> Directory:
        return self._rosters.directory


def first(office: Office, lots: int) -> dict[str, float]:
    office.restore()
    register(office.database, lots)
    office.evaluator.settle(0)
    office.refresh()
    begins = NOW + (ROUNDS - 1) * (STEP_MS - APART_MS)
    fleet = Fleet(lots, AT_ONCE, begins=begins, step_ms=APART_MS)
    for number in range(ROUNDS * lots // AT_ONCE):
        office.take(0, fleet.batch(number))
    begun = time.perf_counter()
    office.evaluator.save()
    took = time.perf_counter() - begun
    fleet = Fleet(lots, BATCH)
    for number in range(TAIL):
        office.journal.append(_messages(fleet.batch(ROUNDS * lots // BATCH + number)))
    return {"save_s": took}


def again(office: Office, lots: int) -> dict[str, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    heap.settle()  # as a worker does before it restores
    found = office.restore()
    found |= {
        "restart_s": time.perf_counter() - begun,
        "restart_cpu_s": time.process_time() - cpu,
        "rss_with_tags_mb": memory()["rss_mb"],
    }
    return found | live(office, lots)


def live(office: Office, lots: int) -> dict[str, float]:
    """Readings a second, with binding and without, and what one costs ÷ what one of few costs.

    Of ``lots`` and of few in turns, so that whatever else the machine does meets both.
    """
    directory, engine = world(FEW)
    few, many = Fleet(FEW, BATCH), Fleet(lots, BATCH)
    _played(few, range(WARM), directory, engine.evaluate)
    evaluator, a_round = office.evaluator, lots // BATCH
    begins = (ROUNDS + math.ceil(TAIL * BATCH / lots)) * a_round
    both, judged, ratio = [], [], []
    for turn in range(TURNS):
        first, warm = begins + turn * a_round, WARM + turn * TAIL
        numbers = range(first, first + min(TAIL, a_round))
        binding, judging = _played(
            many, numbers, office.directory, partial(evaluator.take, evaluator.offset)
        )
        of_few = _played(few, range(warm, warm + TAIL), directory, engine.evaluate)
        both.append(1 / (binding + judging))
        judged.append(1 / judging)
        ratio.append((binding + judging) / sum(of_few))
    assert foreseen(engine, FEW)
    assert foreseen(evaluator.engine, lots)
    return {
        "readings_per_s": median(both),
        "judged_per_s": median(judged),
        "cost_ratio": median(ratio),
    }


def _played(
    fleet: Fleet, numbers: range, directory: Directory, judge: Callable[[Bound], object]
) -> tuple[float, float]:
    """Seconds of processor time to bind a reading, and to judge it.

    Some batches are made when their turn comes, as a worker has just understood what it binds; and
    some at a time, lest most of what is measured be how the making of them fills the caches.
    """
    readings, binding, judging = 0, 0.0, 0.0
    for first in range(numbers.start, numbers.stop, TOGETHER):
        batches = [fleet.batch(n) for n in range(first, min(first + TOGETHER, numbers.stop))]
        begun = time.process_time()
        bound = [bind(batch, directory) for batch in batches]
        ready = time.process_time()
        for each in bound:
            judge(each)
        judging += time.process_time() - ready
        binding += ready - begun
        readings += sum(map(len, batches))
    return binding / readings, judging / readings


def _messages(batch: ReadingBatch) -> list[Message]:
    rows = zip(
        batch.tag.tolist(), batch.time.tolist(), *(c.tolist() for c in batch.values.values()),
        strict=True,
    )  # fmt: skip
    return [
        Message(
            time, f"dunnage/v1/{TENANT}/{batch.tags[tag].tag}/readings",
            json.dumps({"t": time, "temperature": temperature, "humidity": humidity}).encode(),
        )
        for tag, time, temperature, humidity in rows
    ]  # fmt: skip


def memory() -> dict[str, float]:
    """MiB at most so far."""
    return {"rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    folder, lots, part = sys.argv[1:]
    found = {"first": first, "again": again}[part](Office(Path(folder)), int(lots))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
