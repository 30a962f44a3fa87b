"""Loggers of a journey: they travel in a box, nobody hears them, and at arrival their file is read
out. It is the same for a seed on every machine, and may be read out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from simulators.sensors import Made, declared, make
from simulators.voices import LOGGERS
from simulators.voices.logger import Logger
from simulators.voyage import device_of, instant
from simulators.world import Tag, World


@dataclass(frozen=True, slots=True, eq=False)
class ReadOut:
    """A logger's file, as it is read out at the true instant ``at``, ms; ``made``: all that it
    had measured by then."""

    at: int
    tag: Tag
    logger: Logger
    made: Made
    file: bytes

    @property
    def name(self) -> str:
        """What the file is called."""
        return f"{self.tag.key}.csv"

    @property
    def options(self) -> tuple[str, ...]:
        """Of ``dunnage import readings``: where it was, and how its maker writes."""
        tag = self.tag
        where = ("--lot", tag.lot) if tag.lot is not None else ("--place", str(tag.place))
        placed = () if tag.placement == "air" else ("--placement", tag.placement)
        return (*where, *placed, *self.logger.options)


def read_out(world: World) -> list[ReadOut]:
    """The loggers that are read out before the journey ends, by time."""
    found = [_read_out(world, entry) for entry in world.journey.loggers]
    return sorted((each for each in found if each is not None), key=lambda each: each.at)


def _read_out(world: World, entry: Mapping[str, Any]) -> ReadOut | None:
    at = declared.read_out(entry, partial(instant, world))
    if at > world.end_ms:
        return None
    tag = _tag(entry)
    device = device_of(world, tag)
    made = make(device, partial(world.climate, tag), world.seed)
    logger = LOGGERS[str(entry["file"])]
    file = logger.file(tag.key, made.readings.at(made.at < at))
    return ReadOut(at, tag, logger, made, file)


def _tag(entry: Mapping[str, Any]) -> Tag:
    return Tag(
        key=str(entry["id"]),
        lot=entry.get("lot"),
        place=entry.get("place"),
        placement=str(entry.get("placement", "air")),
        probe=entry.get("probe"),
        position=str(entry.get("position", "middle")),
        entry=entry,
    )
