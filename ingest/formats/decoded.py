"""What a format makes of messages: readings as columns, and what could not be used and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ingest.message import Numbered
from lots.readings.batch import ReadingBatch


class Kind(StrEnum):
    """Why a message is among the dead letters."""

    UNUSABLE = "unusable"  # it breaks the contract of its format
    QUARANTINE = "quarantine"  # well formed, of a time that cannot be


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that could not be used, or not all of it; what could be used is in the batch."""

    position: int  # in the entry of the journal
    tenant: str | None  # None where the topic does not say
    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class AckWanted:
    """A tag asks how far its readings are safe; ``first`` is the oldest it still holds."""

    tenant: str
    tag: str
    boot: int
    seq: int
    first: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """``rejected`` has each message once at most, ``acks`` each tag once at most."""

    batch: ReadingBatch
    rejected: list[Rejected]
    acks: list[AckWanted]


Decoder = Callable[[Sequence[Numbered], int], Decoded]
"""(messages of one format, how long raw readings are kept in ms) -> what they say. Pure."""
