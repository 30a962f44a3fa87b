"""What `dunnage simulate` does: find journeys and voices, work out worlds, publish messages."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from simulators.fast_fleet import Fleet
from simulators.fast_fleet import command as fast_fleet
from simulators.journey import Journey
from simulators.message import Message
from simulators.playing import play
from simulators.progress import progress
from simulators.publisher import BrokerError, Publisher
from simulators.sensors import declared
from simulators.voices import VOICES, Speaker, Voice
from simulators.voyage import Heard, Hung, hear, hung_in, speakers, spoken
from simulators.world import World

MINUTE_MS = 60_000
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
    registers: bool
    rate: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A journey that is to be worked out: its world, and the tags in it."""

    world: World
    tags: tuple[Hung, ...]


Worlds = list[tuple[World, tuple[Heard, ...]]]


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
        fleet = Fleet(tags, given.seed, start or begins, interval, _tenant(given.tenant))
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
    if given.truth is not None and given.broker is None:
        if given.registers:
            raise UserError("--import registers what is published: add --broker, or leave it out")
        _write(given.truth, _worked_out(planned))
        return 0
    voices = speakers((tag for each in planned for tag in each.tags), tenant)
    with _connected(given.broker or settings.broker, given.rate, voices.values()) as publisher:
        worlds = _worked_out(planned)
        if given.truth is not None:
            _write(given.truth, worlds)
        return _publish(given.registers, worlds, tenant, voices, publisher, clock)


def _publish(
    registers: bool,
    worlds: Worlds,
    tenant: str,
    voices: Mapping[str, Speaker],
    publisher: Publisher,
    clock: Clock | None,
) -> int:
    heard = [each for _, of_world in worlds for each in of_world]
    _tell_rows(heard, tenant)
    registry = Registry(tenant, worlds)
    if registers:
        registry.register()
    else:
        say("Lots and tags are not registered: --import does so, if this is the server's machine.")
    total = sum(len(arrival.readings) for each in heard for arrival in each.sent.arrivals)
    with progress("publishing", max(total, 1)) as tell:

        def due(at: int) -> None:
            if registers:
                registry.correct(at)
            tell(publisher.readings, f"{publisher.readings} readings, {_day(at)}")

        def opening(at: int) -> list[Message]:
            return [message for speaker in voices.values() for message in speaker.opening(at)]

        messages = spoken(heard, voices)
        return run("simulate", publisher, lambda: play(messages, publisher, clock, due, opening))


def _planned(journey: Journey, seed: int, start_ms: int, voice: Voice | None) -> Planned:
    world = World(journey, seed, start_ms=start_ms)
    try:
        return Planned(world, hung_in(world, voice))
    except ValueError as error:
        raise UserError(f"{journey.file}: {error}") from error


def _worked_out(planned: Sequence[Planned]) -> Worlds:
    """Physics, sensors and radio of each journey."""
    return [(each.world, tuple(_heard(each))) for each in planned]


def _heard(planned: Planned) -> Iterator[Heard]:
    key, tags = planned.world.journey.key, planned.tags
    try:
        with progress(key, max(len(tags), 1)) as tell:
            for done, tag in enumerate(tags, 1):
                yield hear(planned.world, tag)
                tell(done, f"{done} of {len(tags)} tags")
    except (NotHere, ValueError) as error:  # a measured climate that is away, or too short
        raise UserError(f"{key}: {error}") from error


def _write(truth: str, worlds: Worlds) -> None:
    if truth == "-":
        print_truth(worlds)
    else:
        write_truth(Path(truth), worlds)


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


def _tell_rows(heard: Sequence[Heard], tenant: str) -> None:
    """The rows of the server's settings that other voices than native need."""
    voices = {each.hung.voice.name: each.hung.voice for each in heard}
    rows = [voice.row(tenant) for name, voice in voices.items() if name != "native"]
    if rows:
        say(f"The server hears them with this in its subscriptions: {json.dumps(rows)}")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%d %b %H:%M")
