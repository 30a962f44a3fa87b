"""Wire formats: one module each, and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from ingest.formats import native
from ingest.formats.decoded import (
    AckWanted,
    Decoded,
    Decoder,
    Format,
    Kind,
    OptionsError,
    Rejected,
    Row,
    Sighting,
)
from ingest.formats.memory import Memory
from ingest.message import Message, Numbered
from lots.errors import UserError
from lots.readings.batch import concatenate
from lots.terms import Identity

__all__ = [
    "FORMATS",
    "AckWanted",
    "Decoded",
    "Decoder",
    "Format",
    "Kind",
    "Memory",
    "OptionsError",
    "Rejected",
    "Route",
    "RouteError",
    "Row",
    "Sighting",
    "decode",
    "matches",
    "route",
]

FORMATS: Mapping[str, Format] = MappingProxyType({each.name: each for each in (native.FORMAT,)})


class RouteError(UserError):
    """A row of the settings cannot be used; says what of it, and the remedy."""


class RowOfSettings(Protocol):
    """Which topics come in which format."""

    @property
    def filter(self) -> str: ...

    @property
    def format(self) -> str: ...

    @property
    def tenant(self) -> str: ...

    @property
    def identity(self) -> Identity | None: ...

    @property
    def options(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A row of the settings, ready for use."""

    filter: str
    decode: Decoder
    row: Row


def route(row: RowOfSettings, keep_ms: int) -> Route:
    """``row`` made ready, ``keep_ms`` being how long raw readings are kept; raises `RouteError`."""
    found = FORMATS.get(row.format)
    if found is None:
        known = ", ".join(sorted(FORMATS))
        raise RouteError(f"format {row.format!r} for {row.filter!r}: use one of {known}")
    if not (row.tenant or found.names_tenant):
        raise RouteError(
            f"{row.filter!r} in format {row.format!r} has no tenant: the topics of this format do "
            "not say whose the readings are, so name it: tenant"
        )
    if row.tenant and found.names_tenant:
        raise RouteError(
            f"{row.filter!r} in format {row.format!r} has tenant {row.tenant!r}: the topics of "
            "this format say whose the readings are: leave it out"
        )
    try:
        decoder = found.open(row.options)
    except OptionsError as error:
        raise RouteError(f"{row.filter!r} in format {row.format!r}: {error}") from error
    return Route(
        row.filter, decoder, Row(row.tenant or None, row.identity or found.identity, keep_ms)
    )


def decode(messages: Sequence[Message], routes: Sequence[Route], memory: Memory) -> Decoded:
    """What the messages of one entry say, each by the first route that takes it.

    The same entry after the same memory gives the same, always.
    """
    by_route: dict[int, list[Numbered]] = {}
    rejected: list[Rejected] = []
    for position, message in enumerate(messages):
        taken = next((n for n, r in enumerate(routes) if matches(r.filter, message.topic)), None)
        if taken is None:
            rejected.append(Rejected(position, None, Kind.UNUSABLE, _no_route(message.topic)))
        else:
            by_route.setdefault(taken, []).append(Numbered(position, message))
    parts = [routes[n].decode(part, routes[n].row, memory) for n, part in by_route.items()]
    rejected += (each for part in parts for each in part.rejected)
    return Decoded(
        batch=concatenate(part.batch for part in parts),
        rejected=sorted(rejected, key=lambda each: each.position),
        acks=[ack for part in parts for ack in part.acks],
        sightings=[seen for part in parts for seen in part.sightings],
    )


def matches(topic_filter: str, topic: str) -> bool:
    """Whether MQTT's ``topic_filter`` takes ``topic`` (3.1.1, 4.7); shared ones by their filter."""
    wanted = topic_filter.split("/")
    if wanted[0] == "$share":
        wanted = wanted[2:]
    levels = topic.split("/")
    if wanted[0] in ("+", "#") and levels[0].startswith("$"):
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


def _no_route(topic: str) -> str:
    shown = ascii(topic[:200])
    return f"topic {shown}: no row of subscriptions in the settings takes it: add one"
