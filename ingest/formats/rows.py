"""Readings and troubles as a decoder finds them, and the columns they become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingest.formats.clocks import device_times
from ingest.formats.decoded import AckWanted, Decoded, Kind, Rejected, Row, Sighting, Spent
from ingest.formats.identity import keys
from ingest.message import Numbered
from lots.readings.batch import Flag, ReadingBatch, TagKey
from lots.terms import Identity

MAX_OTHERS = 128
"""Quantities of a tenant in one batch, beside `QUANTITIES`: they are columns, and nobody may make
thousands of them. By tenant, since one's inventions must not cost another's readings."""

MAX_READINGS = 10_000
"""In one message."""

MAX_COUNT = 2**53 - 1
"""What every JSON implementation keeps exactly."""

ID_LENGTH = 64
SHOWN = 5
"""So many troubles of one message are told, the rest are counted."""

NO_VALUE = "there is no value in it: send temperature, humidity or another number"

QUANTITIES = frozenset(
    [
        "temperature",
        "humidity",
        "pressure",
        "battery",
        "probe",
        "shock",
        "tilt",
        "light",
        "door",
        "lat",
        "lon",
    ]
)
_RESERVED = frozenset(["time", "tenant", "tag", "flags", "doubt", "key", "received"])
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Unusable(Exception):
    """A message or a reading breaks the contract; says where and what to send instead."""


@dataclass(slots=True)
class _Trouble:
    """What is wrong with one message."""

    position: int
    tenant: str | None
    kind: Kind = Kind.QUARANTINE
    reasons: list[str] = field(default_factory=list)


class Troubles:
    """What is wrong with the messages of one entry, each message told once."""

    def __init__(self) -> None:
        self._found: dict[int, _Trouble] = {}

    def add(self, position: int, tenant: str | None, reason: str, kind: Kind) -> None:
        trouble = self._found.setdefault(position, _Trouble(position, tenant))
        trouble.reasons.append(reason)
        if kind == Kind.UNUSABLE:
            trouble.kind = kind

    def rejected(self) -> list[Rejected]:
        """By position."""
        return [
            Rejected(trouble.position, trouble.tenant, trouble.kind, _told(trouble))
            for _, trouble in sorted(self._found.items())
        ]


class Rows:
    """What a decoder found in the messages of one row of the settings."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._tags: dict[TagKey, int] = {}
        self._names: dict[str, None] = {}
        self._invented: dict[str, int] = {}  # tenant -> names beside QUANTITIES that it came with
        self._tag: list[int] = []
        self._origin: list[tuple[int, str]] = []  # position of the message, place in it
        self._received: list[int] = []
        self._t: list[float] = []
        self._sent: list[float] = []
        self._boot: list[int] = []
        self._seq: list[int] = []
        self._flags: list[int] = []
        self._values: list[Mapping[str, float]] = []
        self._troubles = Troubles()
        self._acks: dict[TagKey, AckWanted] = {}
        self._sightings: list[Sighting] = []
        self._spent: list[Spent] = []
        self._astray: set[TagKey] = set()

    def add(
        self,
        numbered: Numbered,
        tag: TagKey,
        values: Mapping[str, float],
        *,
        t: float = np.nan,
        sent: float = np.nan,
        boot: int = -1,
        seq: int = -1,
        network_time: bool = False,
        place: str = "",
    ) -> None:
        """A reading of ``tag``.

        ``values``        quantity -> a finite number in the units of `ReadingBatch`
        ``t``, ``sent``   by the device's clock, as `clocks.device_times` takes them; NaN: none
        ``boot``, ``seq`` the device's counters, or the network session and its frame counter
        ``network_time``  ``t`` was noted on the way, so that another delivery may have another
        ``place``         where in the message it stands, such as "reading 3: "

        Raises `Unusable` for names that cannot be.
        """
        self._note_names(tag.tenant, values)
        self._tag.append(self._tags.setdefault(tag, len(self._tags)))
        self._origin.append((numbered.position, place))
        self._received.append(numbered.message.received)
        self._t.append(t)
        self._sent.append(sent)
        counted = self._row.identity != Identity.VALUES
        self._boot.append(boot if counted else -1)
        self._seq.append(seq if counted else -1)
        self._flags.append(int(Flag.NETWORK_TIME) if network_time else 0)
        self._values.append(values)

    def see(self, sighting: Sighting) -> None:
        """A reader saw an item."""
        self._sightings.append(sighting)

    def want_ack(self, wanted: AckWanted) -> None:
        """A tag asks how far its readings are safe; one question of a boot has the answer to all
        those before it."""
        known = self._acks.get(TagKey(wanted.tenant, wanted.tag))
        if known is None or (known.boot, known.seq) <= (wanted.boot, wanted.seq):
            self._acks[TagKey(wanted.tenant, wanted.tag)] = wanted

    def spend(self, tag: TagKey, boot: int, seq: int) -> None:
        """A reading of ``tag`` with these numbers is among what is rejected."""
        if boot >= 0 and seq >= 0 and self._row.identity == Identity.COUNTERS:
            self._spent.append(Spent(tag, boot, seq))

    def reject(
        self, position: int, tenant: str | None, reason: str, kind: Kind = Kind.UNUSABLE
    ) -> None:
        """The message at ``position``, or a part of it, cannot be used; the rest of it stays."""
        self._troubles.add(position, tenant, reason, kind)

    def decoded(self) -> Decoded:
        """All of it; readings of an impossible time are rejected."""
        batch = self._batch()
        return Decoded(
            batch,
            self._troubles.rejected(),
            list(self._acks.values()),
            self._sightings,
            self._spent,
            frozenset(self._astray),
            self._framed(),
        )

    def _framed(self) -> frozenset[TagKey]:
        if self._row.identity == Identity.FRAME:
            return frozenset(self._tags)
        tags, noted = tuple(self._tags), int(Flag.NETWORK_TIME)
        return frozenset(
            tags[n] for n, flags in zip(self._tag, self._flags, strict=True) if flags & noted
        )

    def _note_names(self, tenant: str, values: Mapping[str, float]) -> None:
        if self._names.keys() >= values.keys():
            return
        new = values.keys() - self._names.keys()
        for name in new - QUANTITIES:
            require_name(name)
        invented = self._invented.get(tenant, 0) + len(new - QUANTITIES)
        if invented > MAX_OTHERS:
            raise Unusable(
                f"more than {MAX_OTHERS} different quantities came together: "
                "name fewer, and send this message again"
            )
        self._invented[tenant] = invented
        self._names.update(dict.fromkeys(name for name in values if name in new))

    def _batch(self) -> ReadingBatch:
        received, keep_ms = np.array(self._received, np.int64), self._row.keep_ms
        t, sent = np.array(self._t, np.float64), np.array(self._sent, np.float64)
        times = device_times(t, sent, received, keep_ms)
        values = {
            name: np.array([row.get(name, np.nan) for row in self._values], np.float64)
            for name in self._names
        }
        boot, seq = np.array(self._boot, np.int64), np.array(self._seq, np.int64)
        tags = tuple(self._tags)
        for index in np.flatnonzero(~times.possible):
            position, place = self._origin[index]
            tag = tags[self._tag[index]]
            self._astray.add(tag)
            self.spend(tag, self._boot[index], self._seq[index])
            self.reject(
                position, tag.tenant, place + impossible(self._t[index], keep_ms), Kind.QUARANTINE
            )
        batch = ReadingBatch(
            tags=tags,
            tag=np.array(self._tag, np.int64),
            time=times.time,
            key=keys(boot, seq, values),
            flags=times.flags | np.array(self._flags, np.int64),
            values=values,
            received=received,
            boot=boot,
            seq=seq,
        )
        return batch if times.possible.all() else batch.take(times.possible)


def named(what: str, level: str, where: str) -> str:
    """``level``, which ``where`` gives as the id of a ``what``; raises `Unusable`."""
    if not level.strip() or len(level) > ID_LENGTH:
        raise Unusable(f"{where}: the {what} has {len(level)} characters: 1 to {ID_LENGTH}")
    if not level.isprintable() or "\ufffd" in level:
        raise Unusable(
            f"{where}: the {what} has characters that cannot be printed, or is "
            "not UTF-8: name it otherwise"
        )
    return level


def require_name(name: str) -> None:
    """Raises `Unusable` for what cannot be the name of a quantity beside `QUANTITIES`."""
    if not _NAME.fullmatch(name):
        raise Unusable(
            f"{shown(name)} cannot be the name of a quantity: use up to 64 letters, digits and _, "
            "a letter first"
        )
    if name.lower() in _RESERVED:
        hint = "the device's clock is t" if name.lower() == "time" else "name it otherwise"
        raise Unusable(f"{name} is reserved and cannot be the name of a quantity: {hint}")


def impossible(t: float, keep_ms: int) -> str:
    """Why a reading of ``t`` is in quarantine."""
    days = keep_ms / 86_400_000
    return (
        f"t {t:.0f} is no time of the last {days:.0f} days, nor of the coming one: set the "
        "device's clock, or let it add sent"
    )


def shown(value: Any) -> str:
    """``value`` in a reason: short, printable, in ASCII."""
    text = ascii(value) if not isinstance(value, (dict, list)) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "…"


def _told(trouble: _Trouble) -> str:
    """The troubles of one message as one reason."""
    more = len(trouble.reasons) - SHOWN
    text = "; ".join(trouble.reasons[:SHOWN])
    text += f"; and {more} more" if more > 0 else ""
    return f"quarantine: {text}" if trouble.kind == Kind.QUARANTINE else text
