"""What `dunnage simulate` does: find journeys and voices, work out worlds, publish messages."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

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
from simulators.fast_fleet.__main__ import main as fast_fleet_main
from simulators.journey import Journey
from simulators.playing import play
from simulators.progress import progress
from simulators.publisher import BrokerError, Publisher
from simulators.sensors import declared
from simulators.voices import VOICES, Voice
from simulators.voyage import Heard, hear, hung_in, speakers, spoken
from simulators.world import World

MINUTE_MS = 60_000
AS_FAST_AS_TAKEN = "max"


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
    registers: bool
    rate: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A journey worked out: its world, and what its tags made of it."""

    world: World
    heard: tuple[Heard, ...]


def show_library() -> None:
    """A table of the journeys that are carried."""
    found = [journey.named(key) for key in journey.library()]
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
    """The fast fleet; the exit status."""
    arguments = ["--tags", str(tags), "--messages", str(messages), "--seed", str(given.seed)]
    arguments += ["--broker", given.broker or load().broker, "--tenant", _tenant(given.tenant)]
    if given.rate is not None:
        arguments += ["--rate", str(given.rate)]
    return fast_fleet_main(arguments)


def play_journeys(given: Given) -> int:
    """Journeys to a broker or to a file; the exit status. Raises `UserError`."""
    settings = load()
    tenant = _tenant(given.tenant)
    voice = _voice(given.voice)
    clock, starts = _clock(given, settings)
    found = _journeys(given.journeys)
    publishes = given.truth is None or given.broker is not None
    if given.registers and not publishes:
        raise UserError("--import registers what is published: add --broker, or leave it out")
    with _publisher(given, settings) if publishes else _nobody() as publisher:
        told = [_told(each, given.seed, starts(each), voice) for each in found]
        if given.truth == "-":
            print_truth([(each.world, each.heard) for each in told])
        elif given.truth is not None:
            write_truth(Path(given.truth), [(each.world, each.heard) for each in told])
        if publisher is None:
            return 0
        return _publish(given, told, tenant, publisher, clock)


def _publish(
    given: Given, told: Sequence[Told], tenant: str, publisher: Publisher, clock: Clock | None
) -> int:
    heard = [each for journey in told for each in journey.heard]
    _tell_rows(heard, tenant)
    registry = Registry(tenant, [(each.world, each.heard) for each in told])
    if given.registers:
        registry.register()
    else:
        say("Lots and tags are not registered: --import does so, if this is the server's machine.")
    total = sum(len(arrival.readings) for each in heard for arrival in each.sent.arrivals)
    voices = speakers(heard, tenant)
    with progress("publishing", max(total, 1)) as tell:

        def due(at: int) -> None:
            if given.registers:
                registry.correct(at)
            tell(publisher.readings, f"{publisher.readings} readings, {_day(at)}")

        return run(
            "simulate", publisher, lambda: play(spoken(heard, voices), publisher, clock, due)
        )


def _told(journey: Journey, seed: int, start_ms: int, voice: Voice | None) -> Told:
    world = World(journey, seed, start_ms=start_ms)
    try:
        tags = hung_in(world, voice)
        with progress(journey.key, max(len(tags), 1)) as tell:
            heard = []
            for done, each in enumerate(tags, 1):
                heard.append(hear(world, each))
                tell(done, f"{done} of {len(tags)} tags")
    except NotHere as error:
        raise UserError(f"{journey.key}: {error}") from error
    except ValueError as error:
        raise UserError(f"{journey.file}: {error}") from error
    return Told(world, tuple(heard))


def _journeys(names: Sequence[str]) -> list[Journey]:
    """The journeys of those names, none of whose lots, places or tags is another's too."""
    found = []
    for name in names:
        try:
            found.append(journey.find(name, declared.check))
        except ValueError as error:
            raise UserError(str(error)) from error
    owners: dict[tuple[str, str], str] = {}
    for each in found:
        mine = [("tag", str(tag["id"])) for tag in each.tags]
        mine += [("lot", lot.key) for lot in each.lots]
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
            return (now - round(journey.days * 24 * 60) * MINUTE_MS) // MINUTE_MS * MINUTE_MS

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
def _publisher(given: Given, settings: Settings) -> Iterator[Publisher | None]:
    """Connected before anything is worked out: a wrong address is told at once."""
    name = f"simulate-{uuid.uuid4().hex[:8]}"
    try:
        publisher = Publisher(
            given.broker or settings.broker, client_id=name, rate=given.rate or math.inf
        )
        publisher.connect()
    except BrokerError as error:
        raise UserError(f"{error} (--broker)") from error
    try:
        yield publisher
    finally:
        publisher.close()


@contextmanager
def _nobody() -> Iterator[Publisher | None]:
    yield None


def _tell_rows(heard: Sequence[Heard], tenant: str) -> None:
    """The rows of the server's settings that other voices than native need."""
    voices = {each.hung.voice.name: each.hung.voice for each in heard}
    rows = [voice.row(tenant) for name, voice in voices.items() if name != "native"]
    if rows:
        say(f"The server hears them with this in its subscriptions: {json.dumps(rows)}")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%d %b %H:%M")
