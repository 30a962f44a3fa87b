"""Native readings in which nothing is out of the ordinary, straight into columns.

That is nearly all of them. A message that is not so (another quantity, text for a number, broken
JSON) is not taken, and `native` says what it is or what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Annotated

import msgspec
import numpy as np

from ingest.formats.clocks import device_times
from ingest.formats.decoded import AckWanted, Decoded, Kind, Rejected, Row, Spent
from ingest.formats.identity import keys
from ingest.formats.rows import NO_VALUE, Troubles, impossible
from ingest.message import MAX_PAYLOAD_BYTES, Numbered
from lots.readings.batch import Bools, Floats, ReadingBatch, TagKey
from lots.terms import Identity

MAX_READINGS = 10_000
"""In one message."""

MAX_COUNT = 2**53 - 1
"""What every JSON implementation keeps exactly."""

_NAN = float("nan")
_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]


class _Reading(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    boot: _Count = -1
    seq: _Count = -1
    first: _Count = -1
    ack: bool = False
    t: float = _NAN
    sent: float = _NAN
    temperature: float = _NAN
    humidity: float = _NAN
    pressure: float = _NAN
    battery: float = _NAN
    probe: float = _NAN
    shock: float = _NAN
    tilt: float = _NAN
    light: float = _NAN
    door: float | bool = _NAN
    lat: float = _NAN
    lon: float = _NAN


_FIELDS = _Reading.__struct_fields__
_PLACE = {name: place for place, name in enumerate(_FIELDS)}
_FIRST_VALUE = _PLACE["temperature"]


_DECODER = msgspec.json.Decoder(_Reading | list[_Reading])


class Plain:
    """The plain readings of one batch."""

    def __init__(self) -> None:
        self._tags: dict[TagKey, int] = {}
        self._readings: list[_Reading] = []
        self._tag: list[int] = []
        self._received: list[int] = []
        self._position: list[int] = []  # of the message
        self._number: list[int] = []  # in its array; -1 where it is none

    def take(self, tag: TagKey, numbered: Numbered) -> bool:
        """Whether all of the message is plain; then it is taken."""
        position, (received, _, payload) = numbered
        if len(payload) > MAX_PAYLOAD_BYTES:
            return False
        try:
            content = _DECODER.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        if type(content) is not list:
            self._readings.append(content)
            self._tag.append(self._tags.setdefault(tag, len(self._tags)))
            self._received.append(received)
            self._position.append(position)
            self._number.append(-1)
            return True
        count = len(content)
        if not 0 < count <= MAX_READINGS:
            return False
        self._readings += content
        self._tag += [self._tags.setdefault(tag, len(self._tags))] * count
        self._received += [received] * count
        self._position += [position] * count
        self._number += range(count)
        return True

    def decoded(self, row: Row) -> Decoded:
        """What was taken."""
        count, width = len(self._readings), len(_FIELDS)
        cells = chain.from_iterable(map(msgspec.structs.astuple, self._readings))
        table = np.fromiter(cells, np.float64, count * width).reshape(count, width)
        tags, tag = tuple(self._tags), np.array(self._tag, np.int64)
        received = np.array(self._received, np.int64)
        t, sent = table[:, _PLACE["t"]], table[:, _PLACE["sent"]]
        times = device_times(t, sent, received, row.keep_ms)
        told = ~np.isnan(table[:, _FIRST_VALUE:])
        columns = np.ascontiguousarray(table[:, _FIRST_VALUE:].T)
        present = np.flatnonzero(told.any(axis=0)).tolist()
        values = {_FIELDS[_FIRST_VALUE + at]: columns[at] for at in present}
        boot, seq = (table[:, _PLACE[name]].astype(np.int64) for name in ("boot", "seq"))
        if row.identity == Identity.VALUES:
            boot = seq = np.full(len(table), -1, np.int64)
        batch = ReadingBatch(
            tags=tags,
            tag=tag,
            time=times.time,
            key=keys(boot, seq, values),
            flags=times.flags,
            values=values,
            received=received,
            boot=boot,
            seq=seq,
        )
        acks = self._acks(table, tags)
        usable = told.any(axis=1) & times.possible
        if usable.all():
            return Decoded(batch, [], acks)
        rejected = self._rejected(told, usable, t, tags, row)
        return Decoded(batch.take(usable), rejected, acks, spent=_spent(batch, ~usable))

    def _acks(self, table: Floats, tags: Sequence[TagKey]) -> list[AckWanted]:
        boot, seq, first = (table[:, _PLACE[name]] for name in ("boot", "seq", "first"))
        asking = np.flatnonzero((table[:, _PLACE["ack"]] == 1) & (boot >= 0) & (seq >= 0))
        found: dict[TagKey, AckWanted] = {}
        for at in asking.tolist():
            tag, oldest = tags[self._tag[at]], int(first[at])
            known = oldest if oldest >= 0 else None
            asked = AckWanted(*tag, int(boot[at]), int(seq[at]), known)
            before = found.get(tag, asked)
            if (before.boot, before.seq) <= (asked.boot, asked.seq):
                found[tag] = asked
        return list(found.values())

    def _rejected(
        self, told: Bools, usable: Bools, t: Floats, tags: Sequence[TagKey], row: Row
    ) -> list[Rejected]:
        troubles = Troubles()
        for at in np.flatnonzero(~usable).tolist():
            number = self._number[at]
            place = "" if number < 0 else f"reading {number}: "
            tenant, position = tags[self._tag[at]].tenant, self._position[at]
            if told[at].any():
                reason = impossible(float(t[at]), row.keep_ms)
                troubles.add(position, tenant, place + reason, Kind.QUARANTINE)
            else:
                troubles.add(position, tenant, place + NO_VALUE, Kind.UNUSABLE)
        return troubles.rejected()


def _spent(batch: ReadingBatch, rejected: Bools) -> list[Spent]:
    rows = np.flatnonzero(rejected & (batch.boot >= 0) & (batch.seq >= 0)).tolist()
    return [Spent(batch.tags[batch.tag[n]], int(batch.boot[n]), int(batch.seq[n])) for n in rows]
