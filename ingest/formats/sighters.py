"""What the formats of RFID readers share: events of a message, and the sightings in them. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from ingest.formats.clocks import device_times
from ingest.formats.decoded import Decoded, Decoder, Kind, OptionsError, Row, Sighting
from ingest.formats.epcs import Urns
from ingest.formats.memory import Memory
from ingest.formats.rows import Rows, Unusable, impossible, named, shown
from ingest.message import MAX_PAYLOAD_BYTES, Message, Numbered, Portion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_EVENTS = 10_000
"""In one message."""

MAX_ANTENNA = 2**31 - 1


@dataclass(slots=True)
class Sighter:
    """Sightings as a decoder finds them in the messages of one row of the settings."""

    row: Row
    urns: Urns
    rows: Rows = field(init=False)
    _found: list[tuple[Numbered, str, Sighting]] = field(default_factory=list)
    _t: list[float] = field(default_factory=list)
    _sent: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = Rows(self.row)

    def see(
        self,
        numbered: Numbered,
        place: str,
        tenant: str,
        reader: str,
        *,
        epc: object,
        antenna: object,
        rssi: float | None,
        t: float = np.nan,
        sent: float = np.nan,
    ) -> None:
        """An item was seen at ``t`` by the reader's clock, as `clocks.device_times` takes it.

        ``place``: where in the message that stands. Raises `Unusable`.
        """
        urn, port = self.urns.of(epc), _antenna(antenna)
        self._found.append((numbered, place, Sighting(tenant, reader, port, urn, 0, rssi)))
        self._t.append(t)
        self._sent.append(sent)

    def decoded(self) -> Decoded:
        """All of them; those of an impossible time are in quarantine."""
        received = np.array([each[0].message.received for each in self._found], np.int64)
        t, sent = np.array(self._t, np.float64), np.array(self._sent, np.float64)
        times = device_times(t, sent, received, self.row.keep_ms)
        moments = zip(self._found, times.time.tolist(), times.possible.tolist(), strict=True)
        for index, ((numbered, place, seen), time, possible) in enumerate(moments):
            if possible:
                self.rows.see(
                    Sighting(seen.tenant, seen.reader, seen.antenna, seen.epc, time, seen.rssi)
                )
            else:
                why = place + impossible(self._t[index], self.row.keep_ms)
                self.rows.reject(numbered.position, seen.tenant, why, Kind.QUARANTINE)
        return self.rows.decoded()


@dataclass(frozen=True, slots=True)
class ReaderName:
    """Who the reader is, where a format's topics have no fixed place for it."""

    fixed: str | None  # the same for every message
    level: int | None  # of the topic, from 0

    def of(self, message: Message, told: object) -> str:
        """The name of the reader that sent ``message``, which says itself that it is ``told``.

        Raises `Unusable`.
        """
        name, where = told, "the message"
        if self.fixed is not None:
            name, where = self.fixed, "option reader"
        elif self.level is not None:
            levels = message.topic.split("/")
            where = f"topic {shown(message.topic)}"
            name = levels[self.level] if self.level < len(levels) else None
        if not isinstance(name, str):
            raise Unusable(
                f"{where} does not name the reader: let the reader tell its host name, or set"
                " reader or reader_level in the options of this row of subscriptions"
            )
        return named("reader", name, where)


def reader_name(options: Mapping[str, Any]) -> ReaderName:
    """The options of a row; raises `OptionsError`."""
    unknown = options.keys() - {"reader", "reader_level"}
    if unknown:
        there = ", ".join(sorted(unknown))
        raise OptionsError(f"{there} is no option of this format: it has reader and reader_level")
    fixed, level = options.get("reader"), options.get("reader_level")
    if fixed is not None and level is not None:
        raise OptionsError("reader and reader_level are both set: keep one of them")
    if fixed is not None and not (isinstance(fixed, str) and fixed.strip()):
        raise OptionsError("reader is the name of the reader, as a text")
    if level is not None and (type(level) is not int or level < 0):
        raise OptionsError("reader_level is the number of a level of the topic, from 0 on")
    return ReaderName(fixed, level)


def decoder(
    options: Mapping[str, Any], read: Callable[[Sighter, Numbered, str, ReaderName], None]
) -> Decoder:
    """For messages in which ``read`` finds what a reader saw: (where to note it, the message, whose
    it is, what readers are called). Raises `OptionsError`.
    """
    readers, urns = reader_name(options), Urns()

    def decode(portion: Portion, row: Row, _memory: Memory) -> Decoded:
        found = Sighter(row, urns)
        for numbered in portion:
            read(found, numbered, row.tenant or "", readers)
        return found.decoded()

    return decode


def events(payload: bytes) -> Iterator[tuple[str, Any]]:
    """Each event of a message, and where it stands: an object, an array, or objects in a row.

    Readers that stream to a topic put several into one message without a sign between them.
    Raises `Unusable`.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unusable(f"the message is longer than {MAX_PAYLOAD_BYTES} bytes: send it in parts")
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        content = _in_a_row(payload)
    found = content if isinstance(content, list) else [content]
    if len(found) > MAX_EVENTS:
        raise Unusable(f"{len(found)} events in one message: send {MAX_EVENTS} at most")
    for number, event in enumerate(found):
        yield f"event {number}: " if len(found) > 1 else "", event


def an_object(event: Any) -> Mapping[str, Any]:
    """Raises `Unusable` for what is none."""
    if not isinstance(event, dict):
        raise Unusable(f"it is {shown(event)}: send an object")
    return event


def instant(value: object, name: str) -> float:
    """ms since 1970 of an ISO 8601 text with a zone, NaN for None; raises `Unusable`."""
    if value is None:
        return np.nan
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise Unusable(f"{name} is {shown(value)}: send date, time and zone: 2025-11-22T08:00:00Z")
    # Not by way of UTC, in which the first and last hours of the calendar cannot be written.
    return (at - _EPOCH) / timedelta(milliseconds=1)


def number(value: object, name: str) -> float | None:
    """A measured number, None for none; raises `Unusable`."""
    if value is None:
        return None
    if type(value) is not int and type(value) is not float:
        raise Unusable(f"{name} is {shown(value)}: send a number, or leave it out")
    try:
        return float(value)
    except OverflowError:
        raise Unusable(f"{name} is {shown(value)}: that is no measured value") from None


def _antenna(value: object) -> int:
    if value is None:
        return 0
    if type(value) is str and value.isascii() and value.isdecimal() and len(value) < 11:
        value = int(value)
    if type(value) is not int or not 0 <= value <= MAX_ANTENNA:
        raise Unusable(f"the antenna is {shown(value)}: send its number")
    return value


def _in_a_row(payload: bytes) -> list[Any]:
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    found: list[Any] = []
    try:
        text = payload.decode().strip()
        at = 0
        while at < len(text) and len(found) <= MAX_EVENTS:
            event, at = decoder.raw_decode(text, at)
            found.append(event)
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it cannot be read as JSON in UTF-8 ({error})") from None
    if not found:
        raise Unusable("the message is empty: send an event")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
