"""Wire formats: one module each, and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from ingest.formats import native
from ingest.formats.decoded import AckWanted, Decoded, Decoder, Kind, Rejected
from ingest.message import Message, Numbered
from lots.readings.batch import concatenate

__all__ = ["FORMATS", "AckWanted", "Decoded", "Decoder", "Kind", "Rejected", "Route", "decode"]

FORMATS: Mapping[str, Decoder] = MappingProxyType({"native": native.decode})


class Route(Protocol):
    """Which topics come in which format: a row of the settings."""

    @property
    def filter(self) -> str: ...

    @property
    def format(self) -> str: ...


def decode(messages: Sequence[Message], routes: Sequence[Route], keep_ms: int) -> Decoded:
    """What the messages of one entry say, each in the format of the first route that takes it.

    ``keep_ms``: how long raw readings are kept; what is older is impossible. Pure: the same
    entry gives the same, always.
    """
    by_format: dict[str, list[Numbered]] = {}
    rejected: list[Rejected] = []
    for position, message in enumerate(messages):
        name = next((r.format for r in routes if matches(r.filter, message.topic)), None)
        if name is not None and name in FORMATS:
            by_format.setdefault(name, []).append(Numbered(position, message))
        else:
            rejected.append(Rejected(position, None, Kind.UNUSABLE, _no_format(message, name)))
    parts = [FORMATS[name](numbered, keep_ms) for name, numbered in by_format.items()]
    rejected += (each for part in parts for each in part.rejected)
    return Decoded(
        batch=concatenate(part.batch for part in parts),
        rejected=sorted(rejected, key=lambda each: each.position),
        acks=[ack for part in parts for ack in part.acks],
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


def _no_format(message: Message, name: str | None) -> str:
    topic = ascii(message.topic[:200])
    if name is None:
        return f"topic {topic}: no row of subscriptions in the settings takes it: add one"
    known = ", ".join(sorted(FORMATS))
    return f"topic {topic}: its row of subscriptions names format {name!r}: use one of {known}"
