"""Native readings in which nothing is out of the ordinary, straight into columns.

That is nearly all of them. A message that is not so (another quantity, text for a number, broken
JSON) is not taken, and `native` says what it is or what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingest.formats.clocks import Times, device_times
from ingest.formats.decoded import AckWanted, Decoded, Kind, Rejected, Row, Spent
from ingest.formats.identity import keys
from ingest.formats.rows import MAX_READINGS, NO_VALUE, Troubles, impossible
from ingest.formats.scanning import FIELDS, scan
from ingest.message import MAX_PAYLOAD_BYTES, Portion
from lots.readings.batch import Bools, Floats, Ints, ReadingBatch, TagKey
from lots.terms import Identity

_PLACE = {name: place for place, name in enumerate(FIELDS)}
_FIRST_VALUE = _PLACE["temperature"]


class Plain:
    """The plain ones of the messages in ``portion``.

    ``tags``  whose each of its topics is; None: its messages are not plain
    ``odd``   which messages of ``portion`` are not
    """

    def __init__(self, portion: Portion, tags: Sequence[TagKey | None]) -> None:
        messages = portion.messages
        # Where there is no "{" there is no reading.
        table = np.empty((messages.data.count(b"{"), len(FIELDS)))
        able = np.asarray([tag is not None for tag in tags], np.bool_)[messages.topic]
        able &= messages.ends - messages.begins <= MAX_PAYLOAD_BYTES
        count = np.empty(len(messages), np.int64)
        data = np.frombuffer(messages.data, np.uint8)
        filled = scan(data, messages.ends, able, MAX_READINGS, table, count)
        self.odd = np.flatnonzero(count == 0)
        rows = np.abs(count)
        message = np.repeat(np.arange(len(messages)), rows)
        known: dict[TagKey, int] = {}
        places = [-1 if tag is None else known.setdefault(tag, len(known)) for tag in tags]
        self._positions = portion.positions
        self._table = table[:filled]
        used, tag = np.unique(
            np.asarray(places, np.int64)[messages.topic[message]], return_inverse=True
        )
        every = tuple(known)
        self._tags: tuple[TagKey, ...] = tuple(every[place] for place in used.tolist())
        self._tag: Ints = tag.astype(np.int64)
        self._received: Ints = messages.received[message]
        self._message = message
        within = np.arange(filled) - np.repeat(np.cumsum(rows) - rows, rows)
        self._number = np.where(count[message] < 0, -1, within)  # in its array; -1: in none

    def decoded(self, row: Row) -> Decoded:
        """What they say."""
        t, sent = self._table[:, _PLACE["t"]], self._table[:, _PLACE["sent"]]
        times = device_times(t, sent, self._received, row.keep_ms)
        told = ~np.isnan(self._table[:, _FIRST_VALUE:])
        usable = told.any(axis=1) & times.possible
        if usable.all():
            return Decoded(self._batch(slice(None), told, times, row), [], self._acks())
        # Left out before anything is made of them: what has no numbers costs most.
        batch = self._batch(np.flatnonzero(usable), told, times, row)
        rejected, spent = self._rejected(told, usable, t, row), self._spent(~usable, row)
        gone = np.unique(self._tag[told.any(axis=1) & ~times.possible])
        astray = frozenset(self._tags[tag] for tag in gone.tolist())
        return Decoded(batch, rejected, self._acks(), spent=spent, astray=astray)

    def _batch(self, kept: Ints | slice, told: Bools, times: Times, row: Row) -> ReadingBatch:
        """Of the rows ``kept``."""
        table = self._table[kept]
        columns = np.ascontiguousarray(table[:, _FIRST_VALUE:].T)
        present = np.flatnonzero(told[kept].any(axis=0)).tolist()
        values = {FIELDS[_FIRST_VALUE + at]: columns[at] for at in present}
        boot, seq = (table[:, _PLACE[name]].astype(np.int64) for name in ("boot", "seq"))
        if row.identity == Identity.VALUES:
            boot = seq = np.full(len(table), -1, np.int64)
        return ReadingBatch(
            tags=self._tags,
            tag=self._tag[kept],
            time=times.time[kept],
            key=keys(boot, seq, values),
            flags=times.flags[kept],
            values=values,
            received=self._received[kept],
            boot=boot,
            seq=seq,
        )

    def _acks(self) -> list[AckWanted]:
        table = self._table
        boot, seq, first = (table[:, _PLACE[name]] for name in ("boot", "seq", "first"))
        asking = np.flatnonzero((table[:, _PLACE["ack"]] == 1) & (boot >= 0) & (seq >= 0))
        found: dict[TagKey, AckWanted] = {}
        for at in asking.tolist():
            tag, oldest = self._tags[int(self._tag[at])], int(first[at])
            known = oldest if oldest >= 0 else None
            asked = AckWanted(*tag, int(boot[at]), int(seq[at]), known)
            before = found.get(tag, asked)
            if (before.boot, before.seq) <= (asked.boot, asked.seq):
                found[tag] = asked
        return list(found.values())

    def _rejected(self, told: Bools, usable: Bools, t: Floats, row: Row) -> list[Rejected]:
        troubles = Troubles()
        for at in np.flatnonzero(~usable).tolist():
            number = self._number[at]
            place = "" if number < 0 else f"reading {number}: "
            tenant = self._tags[int(self._tag[at])].tenant
            position = int(self._positions[self._message[at]])
            if told[at].any():
                reason = impossible(float(t[at]), row.keep_ms)
                troubles.add(position, tenant, place + reason, Kind.QUARANTINE)
            else:
                troubles.add(position, tenant, place + NO_VALUE, Kind.UNUSABLE)
        return troubles.rejected()

    def _spent(self, rejected: Bools, row: Row) -> list[Spent]:
        if row.identity == Identity.VALUES:
            return []
        boot, seq = self._table[:, _PLACE["boot"]], self._table[:, _PLACE["seq"]]
        rows = np.flatnonzero(rejected & (boot >= 0) & (seq >= 0)).tolist()
        return [Spent(self._tags[self._tag[n]], int(boot[n]), int(seq[n])) for n in rows]
