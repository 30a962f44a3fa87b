"""What a format makes of messages: readings as columns, and what could not be used and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from ingest.formats.memory import Memory
from ingest.message import Portion
from lots.readings.batch import ReadingBatch, TagKey, concatenate
from lots.terms import Identity


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


class Spent(NamedTuple):
    """A reading that was rejected, by its tag's numbers: it is not to be sent again."""

    tag: TagKey
    boot: int
    seq: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A reader saw an item: no measured value, but where it was."""

    tenant: str
    reader: str
    antenna: int  # 0 where the reader does not say
    epc: str  # urn:epc:id:…, or urn:epc:raw:… for one of no known scheme
    time: int  # ms since 1970 UTC, by the reader's clock
    rssi: float | None  # dBm


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """``rejected`` has each message once at most, ``acks`` each tag once at most."""

    batch: ReadingBatch
    rejected: list[Rejected]
    acks: list[AckWanted]
    sightings: Sequence[Sighting] = ()
    spent: Sequence[Spent] = ()
    astray: frozenset[TagKey] = frozenset()
    """Tags of which a reading is in quarantine: their clocks are wrong."""
    framed: frozenset[TagKey] = frozenset()
    """Tags whose numbers are those of frames or of what a gateway heard: not each has a reading."""


def together(parts: Sequence[Decoded]) -> Decoded:
    """What several decoders said of one entry, no message by two of them."""
    if len(parts) == 1:
        return parts[0]
    rejected = (each for part in parts for each in part.rejected)
    acks = sorted((ack for part in parts for ack in part.acks), key=lambda ack: (ack.boot, ack.seq))
    return Decoded(
        batch=concatenate(part.batch for part in parts),
        rejected=sorted(rejected, key=lambda each: each.position),
        acks=list({(ack.tenant, ack.tag): ack for ack in acks}.values()),
        sightings=[seen for part in parts for seen in part.sightings],
        spent=[each for part in parts for each in part.spent],
        astray=frozenset().union(*(part.astray for part in parts)),
        framed=frozenset().union(*(part.framed for part in parts)),
    )


class Row(NamedTuple):
    """What a decoder is told of the row of the settings that its messages came by."""

    tenant: str | None  # whose the messages are, where the format's topics do not say
    identity: Identity
    keep_ms: int  # how long raw readings are kept: what is older is impossible


Decoder = Callable[[Portion, Row, Memory], Decoded]
"""Messages of one row of the settings -> what they say. The same messages after the same memory
give the same, always; what is bad in one of them is rejected, and never raised."""


class OptionsError(ValueError):
    """The options of a row of the settings cannot be used: names the option and the remedy."""


@dataclass(frozen=True, slots=True)
class Format:
    """A wire format, as `FORMATS` lists it."""

    name: str
    about: str  # one line
    filter: str  # an example of the topic filter it comes by
    identity: Identity  # what tells its readings apart, unless the row says otherwise
    open: Callable[[Mapping[str, Any]], Decoder]
    """A row's options -> its decoder; raises `OptionsError`."""
    names_tenant: bool = False  # its topics say whose they are; else the row must
