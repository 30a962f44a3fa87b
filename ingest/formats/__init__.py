"""Wire formats: one module each, and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from ingest.formats import (
    chirpstack,
    impinj,
    mapped,
    native,
    reads,
    ruuvi,
    senml,
    sparkplug,
    things_stack,
    zebra,
)
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
    together,
)
from ingest.formats.memory import Memory
from ingest.message import Message, Messages, Portion, gathered, whole
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
    "Routing",
    "Row",
    "Sighting",
    "decode",
    "matches",
    "route",
    "together",
]

MAX_TOPICS, LONG_TOPIC = 100_000, 512
"""Topics whose route is remembered; then the memory begins anew. None of so many characters."""

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.name: each
        for each in (
            native.FORMAT,
            chirpstack.FORMAT,
            things_stack.FORMAT,
            reads.FORMAT,
            impinj.FORMAT,
            zebra.FORMAT,
            mapped.FORMAT,
            senml.FORMAT_JSON,
            senml.FORMAT_CBOR,
            ruuvi.FORMAT,
            sparkplug.FORMAT,
        )
    }
)


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


class Routing:
    """Which of ``routes`` takes a topic: the first whose filter does. For one thread at a time."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._known: dict[str, int] = {}

    def of(self, topic: str) -> int:
        """Its place in ``routes``; -1 for none."""
        known = self._known.get(topic)
        if known is None:
            takes = (n for n, each in enumerate(self.routes) if matches(each.filter, topic))
            known = next(takes, -1)
            if len(topic) < LONG_TOPIC:
                if len(self._known) >= MAX_TOPICS:
                    self._known.clear()
                self._known[topic] = known
        return known

    def decode(self, messages: Messages, memory: Memory) -> Decoded:
        """What the messages of one entry say. The same after the same memory, always."""
        everything = whole(messages)
        by_topic = np.asarray([self.of(topic) for topic in messages.topics], np.int64)
        places = by_topic[messages.topic]
        parts = []
        for place in np.unique(places).tolist():
            taken = places == place
            portion = everything if taken.all() else everything.at(taken)
            if place < 0:
                parts.append(_unusable(portion))
            else:
                route = self.routes[place]
                parts.append(route.decode(portion, route.row, memory))
        return together(parts) if parts else Decoded(concatenate([]), [], [])


def decode(messages: Sequence[Message], routes: Sequence[Route], memory: Memory) -> Decoded:
    """As `Routing.decode`, for routes that are used once."""
    return Routing(routes).decode(gathered(messages), memory)


def _unusable(portion: Portion) -> Decoded:
    """What no row of the settings takes."""
    rejected = [
        Rejected(position, None, Kind.UNUSABLE, _no_route(message.topic))
        for position, message in portion
    ]
    return Decoded(concatenate([]), rejected, [])


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
