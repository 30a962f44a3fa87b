"""What `dunnage simulate` does: find journeys and voices, work out worlds, publish messages."""

from __future__ import annotations

import json
import math
import shlex
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cli.simulated_world import Registry
from cli.terminal import table
from cli.truth_files import print_truth, write_truth
from lots.errors import UserError
from lots.fields import Id
from lots.settings import Settings, load
from simulators import journey
from simulators.climate import NotHere
from simulators.clock import Clock
from simulators.command import run, say
from simulators.fast_fleet import Fleet
from simulators.fast_fleet import command as fast_fleet
from simulators.gates import Gate, gates_in
from simulators.journey import Journey
from simulators.loggers import ReadOut, read_out
from simulators.message import Message
from simulators.played import Played, messages
from simulators.playing import play
from simulators.progress import progress
from simulators.publisher import BrokerError, Publisher
from simulators.sensors import declared
from simulators.voices import VOICES, ReaderVoice, Speaker, Voice
from simulators.voyage import Heard, Hung, hear, hung_in, speakers
from simulators.world import World

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these a journey starts: the server keeps instants from 1970 to 2261."""
AS_FAST_AS_TAKEN = "max"
FLEET_INTERVAL_MS = 600_000
"""Between readings of a tag of a large fleet, where no rate says so."""


@dataclass(frozen=True, slots=True)
class Given:
    """The command's arguments, as they were given."""

    journeys: tuple[str, ...]
    seed: int
    speed: str
    start: str | None
    broker: str | None
    tenant: str
    voice: str | None
    truth: str | None
    loggers: str | None
    registers: bool
    rate: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A journey that is to be worked out: its world, the tags in it, and its RFID readers."""

    world: World
    tags: tuple[Hung, ...]
    gates: tuple[Gate, ...]


def show_library() -> None:
    """A table of the journeys that are carried."""
    found = journey.carried()
    rows = [
        (
            each.key,
            f"{each.days:g}",
            str(len(each.lots)),
            str(len(each.tags)),
            each.harm,
            each.title,
        )
        for each in found
    ]
    table(("journey", "days", "lots", "tags", "harm", "what happens"), rows)


def play_fleet(given: Given, tags: int, messages: int) -> int:
    """A large fleet; the exit status. Raises `UserError`."""
    now, rate, start = time.time_ns() // 1_000_000, given.rate, _instant(given.start)
    begins, interval = fast_fleet.times(
        now, tags=tags, messages=messages, rate=rate, interval_ms=FLEET_INTERVAL_MS
    )
    try:
        first = begins if start is None else start
        fleet = Fleet(tags, given.seed, first, interval, _tenant(given.tenant))
        broker = given.broker or load().broker
        played = fast_fleet.run(fleet, broker, messages=messages, rate=rate)
    except (BrokerError, ValueError) as error:
        raise UserError(str(error)) from error
    return 1 if played.unacknowledged else 0


def play_journeys(given: Given) -> int:
    """Journeys to a broker or to a file; the exit status. Raises `UserError`."""
    settings = load()
    tenant = _tenant(given.tenant)
    voice = _voice(given.voice)
    clock, starts = _clock(given, settings)
    found = _journeys(given.journeys)
    planned = [_planned(each, given.seed, starts(each), voice) for each in found]
    loggers = _folder(given.loggers)
    if given.truth is not None and given.broker is None:
        if given.registers:
            raise UserError("--import registers what is published: add --broker, or leave it out")
        several = _worked_out(planned)
        _write(given.truth, several)
        for each in (each for played in several for each in played.read_out):
            _keep(each, loggers, tenant)
        return 0
    voices = speakers((tag for each in planned for tag in each.tags), tenant)
    with _connected(given.broker or settings.broker, given.rate, voices.values()) as publisher:
        several = _worked_out(planned)
        if given.truth is not None:
            _write(given.truth, several)
        _tell_rows(planned, tenant)
        registry = Registry(tenant, several, settings) if given.registers else None
        after = _Afterwards(several, registry, loggers, tenant)
        return _publish(several, after, tenant, voices, publisher, clock)


def _publish(
    several: Sequence[Played],
    after: _Afterwards,
    tenant: str,
    voices: Mapping[str, Speaker],
    publisher: Publisher,
    clock: Clock | None,
) -> int:
    after.begin()
    arrivals = (a for played in several for each in played.heard for a in each.sent.arrivals)
    total = sum(len(arrival.readings) for arrival in arrivals)
    with progress("publishing", max(total, 1)) as tell:

        def due(at: int) -> None:
            after.due(at)
            tell(publisher.readings, f"{publisher.readings} readings, {_day(at)}")

        def opening(at: int) -> list[Message]:
            return [message for speaker in voices.values() for message in speaker.opening(at)]

        def all_of_it() -> None:
            play(messages(several, voices, tenant), publisher, clock, due, opening)
            if not publisher.wait(0.0):  # nobody has stopped it
                after.due(max(played.world.end_ms for played in several))

        return run("simulate", publisher, all_of_it)


class _Afterwards:
    """What people do beside: they register, put bindings right, and read loggers out."""

    def __init__(
        self,
        several: Sequence[Played],
        registry: Registry | None,
        loggers: Path | None,
        tenant: str,
    ) -> None:
        self._registry, self._loggers, self._tenant = registry, loggers, tenant
        found = [(p.world.journey.key, each) for p in several for each in p.read_out]
        self._due = sorted(found, key=lambda logger: logger[1].at)

    def begin(self) -> None:
        """Before anything is published."""
        if self._registry is not None:
            self._registry.register()
            return
        say("Lots and tags are not registered: --import does so, if this is the server's machine.")
        if self._due and self._loggers is None:
            count = len(self._due)
            say(f"Loggers that are read out at arrival: {count}. --loggers FOLDER writes files.")

    def due(self, at: int) -> None:
        """All that is done by the instant ``at``, ms."""
        if self._registry is not None:
            self._registry.correct(at)
        while self._due and self._due[0][1].at <= at:
            journey, each = self._due.pop(0)
            _keep(each, self._loggers, self._tenant)
            if self._registry is not None:
                self._registry.take(journey, each)


def _folder(name: str | None) -> Path | None:
    """The folder for loggers' files, made where it is not there."""
    if name is None:
        return None
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--loggers {name}: {error.strerror}: name another folder") from error
    return Path(name)


def _keep(each: ReadOut, folder: Path | None, tenant: str) -> None:
    """Write a logger's file where there is a folder for it, and tell how it is imported."""
    if folder is None:
        return
    file = folder / each.name
    try:
        file.write_bytes(each.file)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}: name another folder, --loggers") from error
    words = ["dunnage", "import", "readings", str(file), "--tenant", tenant, *each.options]
    say(f"wrote {file}: {shlex.join([*words, '--apply'])}")


def _planned(journey: Journey, seed: int, start_ms: int, voice: Voice | None) -> Planned:
    world = World(journey, seed, start_ms=start_ms)
    return Planned(world, hung_in(world, voice), gates_in(world))


def _worked_out(planned: Sequence[Planned]) -> list[Played]:
    """Physics, sensors and radio of each journey. Raises `UserError`."""
    several = []
    for each in planned:
        try:
            each.world.place(each.world.journey.places[0].key)  # also where nobody tells of it
            heard = tuple(_heard(each))
            several.append(Played(each.world, heard, tuple(read_out(each.world)), each.gates))
        except (NotHere, ValueError) as error:  # a measured climate that is away, or too short
            raise UserError(f"{each.world.journey.key}: {error}") from error
    return several


def _heard(planned: Planned) -> Iterator[Heard]:
    key, tags = planned.world.journey.key, planned.tags
    with progress(key, max(len(tags), 1)) as tell:
        for done, tag in enumerate(tags, 1):
            yield hear(planned.world, tag)
            tell(done, f"{done} of {len(tags)} tags")


def _write(truth: str, several: Sequence[Played]) -> None:
    if truth == "-":
        print_truth(several)
    else:
        write_truth(Path(truth), several)


def _journeys(names: Sequence[str]) -> list[Journey]:
    """The journeys of those names, none of which has a name, a lot, a shipment, a tag, a logger or
    a reader that is another's too. Places may have the same names: `registration.apart`."""
    found = []
    for name in names:
        try:
            found.append(journey.find(name, declared.check))
        except ValueError as error:
            raise UserError(str(error)) from error
    owners: dict[tuple[str, str], str] = {}
    for each in found:
        if each.key in owners.values():
            raise UserError(
                f"two journeys are called {each.key}: name it once, or play them one after another,"
                " each with a --tenant of its own"
            )
        mine = [("lot", lot.key) for lot in each.lots]
        mine += [("shipment", shipment.key) for shipment in each.shipments]
        mine += [("tag", str(tag["id"])) for tag in (*each.tags, *each.loggers)]
        mine += [("reader", str(reader["id"])) for reader in each.readers]
        for thing in mine:
            if thing in owners:
                raise UserError(
                    f"the {thing[0]} {thing[1]} is in {owners[thing]} and in {each.key}: play them"
                    " one after another, each with a --tenant of its own"
                )
            owners[thing] = each.key
    return found


def _clock(given: Given, settings: Settings) -> tuple[Clock | None, Callable[[Journey], int]]:
    """What paces the messages, if anything does, and when a journey starts, ms."""
    start = _instant(given.start)
    now = time.time_ns() // 1_000_000
    if given.speed == AS_FAST_AS_TAKEN:

        def ends_now(journey: Journey) -> int:
            """The latest start from which it is over by now, at the hour of its weather."""
            hour = journey.starts[2] * HOUR_MS
            latest = now - round(journey.days * 24) * HOUR_MS
            return (latest - hour) // DAY_MS * DAY_MS + hour

        return None, ends_now if start is None else lambda _: start
    try:
        speed = float(given.speed)
    except ValueError:
        speed = math.nan
    if not 0.0 < speed < math.inf:
        raise UserError(f"--speed {given.speed!r}: write a number over 0, such as 8640, or max")
    clock = Clock(settings.clock_start_ms or now, speed)
    return clock, lambda _: clock.start_ms if start is None else start


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        found: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise UserError(
            f"--start {text!r}: write an instant with its zone, such as 2026-01-15T06:00Z"
        )
    if not FIRST <= found < LAST:
        raise UserError(f"--start {text!r}: write an instant from {FIRST.year} to {LAST.year - 1}")
    return round(found.timestamp() * 1000)


def _voice(name: str | None) -> Voice | None:
    if name is None:
        return None
    if name not in VOICES:
        raise UserError(f"--voice {name!r} is not known: use one of {', '.join(VOICES)}")
    return VOICES[name]


def _tenant(name: str) -> str:
    try:
        return TypeAdapter(Id).validate_python(name)
    except ValidationError as error:
        raise UserError(f"--tenant {name!r}: {error.errors()[0]['msg']}") from error


@contextmanager
def _connected(broker: str, rate: float | None, voices: Collection[Speaker]) -> Iterator[Publisher]:
    """Connected before anything is worked out: a wrong address is told at once."""

    def will() -> Message | None:
        return next((found for speaker in voices if (found := speaker.will)), None)

    name = f"simulate-{uuid.uuid4().hex[:8]}"
    try:
        publisher = Publisher(broker, client_id=name, rate=rate or math.inf, will=will)
        publisher.connect()
    except BrokerError as error:
        raise UserError(f"{error} (--broker)") from error
    try:
        yield publisher
    finally:
        publisher.close()


def _tell_rows(planned: Sequence[Planned], tenant: str) -> None:
    """The rows of the server's settings that other voices than native need."""
    rows = rows_of(
        (tag for each in planned for tag in each.tags),
        (gate for each in planned for gate in each.gates),
        tenant,
    )
    if rows:
        say(f"The server hears them with this in its subscriptions: {json.dumps(rows)}")


def rows_of(tags: Iterable[Hung], gates: Iterable[Gate], tenant: str) -> list[dict[str, Any]]:
    """Of the server's settings: those that take all voices that are spoken, but for native."""
    voices: dict[str, Voice | ReaderVoice] = {each.voice.name: each.voice for each in tags}
    voices |= {gate.voice.name: gate.voice for gate in gates}
    return [voice.row(tenant) for name, voice in voices.items() if name != "native"]


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%d %b %H:%M")
