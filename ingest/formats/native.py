"""The native format: JSON on ``dunnage/v1/{tenant}/{tag}/readings``, as ``docs/wire.md`` has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from ingest.formats.clocks import device_times
from ingest.formats.decoded import AckWanted, Decoded, Kind, Rejected
from ingest.formats.identity import keys
from ingest.message import MAX_PAYLOAD_BYTES, Numbered
from lots.readings.batch import ReadingBatch, TagKey

MAX_READINGS = 10_000
"""In one message."""

MAX_FIELDS = 64
"""In one reading."""

MAX_OTHERS = 128
"""Quantities of a tenant in one batch, beside `QUANTITIES`: they are columns, and nobody may make
thousands of them. By tenant, since one's inventions must not cost another's readings."""

ID_LENGTH = 64
SHOWN = 5
"""So many troubles of one message are told, the rest are counted."""

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
_FRAME = frozenset(["boot", "seq", "t", "sent", "ack", "first"])
_RESERVED = frozenset(["time", "tenant", "tag", "flags", "doubt", "key", "received"])
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_MAX_COUNT = 2**53 - 1  # what every JSON implementation keeps exactly


class Unusable(Exception):
    """A message or a reading breaks the contract; says where and what to send instead."""


@dataclass(slots=True)
class _Trouble:
    """What is wrong with one message."""

    position: int
    tenant: str | None
    kind: Kind = Kind.QUARANTINE
    reasons: list[str] = field(default_factory=list)


class _Readings:
    """Readings as they are found, row by row."""

    def __init__(self) -> None:
        self.tags: dict[TagKey, int] = {}
        self.names: dict[str, None] = {}
        self.invented: dict[str, int] = {}  # tenant -> names beside QUANTITIES that it came with
        self.tag: list[int] = []
        self.origin: list[tuple[int, str]] = []  # position of the message, place in it
        self.received: list[int] = []
        self.t: list[float] = []
        self.sent: list[float] = []
        self.boot: list[int] = []
        self.seq: list[int] = []
        self.values: list[dict[str, float]] = []


class _Batch:
    def __init__(self) -> None:
        self.rows = _Readings()
        self.troubles: dict[int, _Trouble] = {}
        self.acks: dict[TagKey, AckWanted] = {}

    def reject(self, position: int, tenant: str | None, kind: Kind, reason: str) -> None:
        trouble = self.troubles.setdefault(position, _Trouble(position, tenant))
        trouble.reasons.append(reason)
        if kind == Kind.UNUSABLE:
            trouble.kind = kind


def decode(messages: Sequence[Numbered], keep_ms: int) -> Decoded:
    """What ``messages`` say; nothing bad in them takes the good with it.

    ``keep_ms``: how long raw readings are kept; what is older goes to quarantine.
    """
    found = _Batch()
    for position, message in messages:
        tenant = None
        try:
            tenant, name = _names(message.topic)
            tag = TagKey(tenant, _named("tag", name, message.topic))
            for place, item in _items(message.payload):
                try:
                    _add(found, tag, position, place, message.received, item)
                except Unusable as error:
                    found.reject(position, tenant, Kind.UNUSABLE, f"{place}{error}")
        except Unusable as error:
            found.reject(position, tenant, Kind.UNUSABLE, str(error))
    batch = _columns(found, keep_ms)
    rejected = [
        Rejected(trouble.position, trouble.tenant, trouble.kind, _told(trouble))
        for _, trouble in sorted(found.troubles.items())
    ]
    return Decoded(batch, rejected, list(found.acks.values()))


def _names(topic: str) -> tuple[str, str]:
    """The tenant, and what stands where the tag does: what is wrong with it is the tenant's."""
    levels = topic.split("/")
    if len(levels) != 5 or levels[:2] != ["dunnage", "v1"] or levels[4] != "readings":
        raise Unusable(f"topic {_shown(topic)}: publish on dunnage/v1/{{tenant}}/{{tag}}/readings")
    return _named("tenant", levels[2], topic), levels[3]


def _named(what: str, level: str, topic: str) -> str:
    if not level.strip() or len(level) > ID_LENGTH:
        raise Unusable(
            f"topic {_shown(topic)}: the {what} has {len(level)} characters: 1 to {ID_LENGTH}"
        )
    if not level.isprintable() or "\ufffd" in level:
        raise Unusable(
            f"topic {_shown(topic)}: the {what} has characters that cannot be printed, or is "
            "not UTF-8: name it otherwise"
        )
    return level


def _items(payload: bytes) -> Iterator[tuple[str, Any]]:
    """Each reading of a message, and where it stands ("" for a single one)."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unusable(f"the message is longer than {MAX_PAYLOAD_BYTES} bytes: send it in parts")
    content = _json(payload)
    if not isinstance(content, list):
        yield "", content
        return
    if not content:
        raise Unusable("the array is empty: send at least one reading")
    if len(content) > MAX_READINGS:
        raise Unusable(f"{len(content)} readings in one message: send {MAX_READINGS} at most")
    for number, item in enumerate(content):
        yield f"reading {number}: ", item


def _json(payload: bytes) -> Any:
    """The content of ``payload``; items that cannot be read are left as `msgspec.Raw`."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        try:
            return msgspec.json.decode(payload, type=list[msgspec.Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unusable(_not_json(error)) from None


def _not_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep: send one object, or an array of objects"
    hint = "leave a value out that there is none of; NaN and Infinity are not JSON"
    return f"it cannot be read as JSON in UTF-8 ({error}): {hint}"


def _add(found: _Batch, tag: TagKey, position: int, place: str, received: int, item: Any) -> None:
    if isinstance(item, msgspec.Raw):
        try:
            item = msgspec.json.decode(item)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unusable(_not_json(error)) from None
    if not isinstance(item, dict):
        raise Unusable(f"it is {_shown(item)}: send an object")
    if len(item) > MAX_FIELDS:
        raise Unusable(f"it has {len(item)} fields: send {MAX_FIELDS} at most")
    boot, seq = _count(item, "boot"), _count(item, "seq")
    _note_ack(found, tag, boot, seq, item)
    t, sent = _time(item, "t"), _time(item, "sent")
    values = _values(item)
    rows = found.rows
    _note_names(rows, tag.tenant, values)
    rows.tag.append(rows.tags.setdefault(tag, len(rows.tags)))
    rows.origin.append((position, place))
    rows.received.append(received)
    rows.t.append(t)
    rows.sent.append(sent)
    rows.boot.append(boot)
    rows.seq.append(seq)
    rows.values.append(values)


def _note_names(rows: _Readings, tenant: str, values: Mapping[str, float]) -> None:
    if rows.names.keys() >= values.keys():
        return
    new = values.keys() - rows.names.keys()
    invented = rows.invented.get(tenant, 0) + len(new - QUANTITIES)
    if invented > MAX_OTHERS:
        raise Unusable(
            f"more than {MAX_OTHERS} different quantities came together: "
            "name fewer, and send this message again"
        )
    rows.invented[tenant] = invented
    rows.names.update(dict.fromkeys(name for name in values if name in new))


def _note_ack(found: _Batch, tag: TagKey, boot: int, seq: int, item: dict[str, Any]) -> None:
    """A reading that cannot be used counts as safe too: it asks before it is judged."""
    if item.get("ack") is True and boot >= 0 and seq >= 0:
        first = _count(item, "first")
        found.acks[tag] = AckWanted(*tag, boot, seq, first if first >= 0 else None)


def _count(item: dict[str, Any], name: str) -> int:
    value = item.get(name)
    if value is None:
        return -1
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= _MAX_COUNT:
        raise Unusable(f"{name} is {_shown(value)}: send a whole number from 0 to {_MAX_COUNT}")
    return value


def _time(item: dict[str, Any], name: str) -> float:
    value = item.get(name)
    if value is None:
        return np.nan
    if type(value) is not int and type(value) is not float:
        raise Unusable(f"{name} is {_shown(value)}: send ms since 1970 UTC, as a number")
    return _float(name, value)


def _values(item: dict[str, Any]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, value in item.items():
        if name in _FRAME or value is None:
            continue
        kind = type(value)
        known = name in QUANTITIES
        if kind is float or kind is int or (kind is bool and (name == "door" or not known)):
            if not known:
                _require_name(name)
            values[name] = _float(name, value)
        elif known:
            raise Unusable(f"{name} is {_shown(value)}: send a number, or leave it out")
    if not values:
        raise Unusable("there is no value in it: send temperature, humidity or another number")
    return values


def _float(name: str, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Unusable(f"{name} is {_shown(value)}: that is no measured value") from None


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Unusable(
            f"{_shown(name)} cannot be the name of a quantity: use up to 64 letters, digits and _, "
            "a letter first"
        )
    if name.lower() in _RESERVED:
        hint = "the device's clock is t" if name.lower() == "time" else "name it otherwise"
        raise Unusable(f"{name} is reserved and cannot be the name of a quantity: {hint}")


def _columns(found: _Batch, keep_ms: int) -> ReadingBatch:
    """The rows as columns; those of an impossible time are noted as troubles instead."""
    rows = found.rows
    received = np.array(rows.received, np.int64)
    times = device_times(np.array(rows.t, np.float64), np.array(rows.sent), received, keep_ms)
    values = {
        name: np.array([row.get(name, np.nan) for row in rows.values], np.float64)
        for name in rows.names
    }
    boot, seq = np.array(rows.boot, np.int64), np.array(rows.seq, np.int64)
    tags = tuple(rows.tags)
    for index in np.flatnonzero(~times.possible):
        position, place = rows.origin[index]
        tenant = tags[rows.tag[index]].tenant
        found.reject(position, tenant, Kind.QUARANTINE, place + _impossible(rows.t[index], keep_ms))
    batch = ReadingBatch(
        tags=tags,
        tag=np.array(rows.tag, np.int64),
        time=times.time,
        key=keys(boot, seq, values),
        flags=times.flags,
        values=values,
        received=received,
        boot=boot,
        seq=seq,
    )
    return batch if times.possible.all() else batch.take(times.possible)


def _impossible(t: float, keep_ms: int) -> str:
    days = keep_ms / 86_400_000
    return (
        f"t {t:.0f} is no time of the last {days:.0f} days, nor of the coming one: set the "
        "device's clock, or let it add sent"
    )


def _told(trouble: _Trouble) -> str:
    more = len(trouble.reasons) - SHOWN
    told = "; ".join(trouble.reasons[:SHOWN])
    told += f"; and {more} more" if more > 0 else ""
    return f"quarantine: {told}" if trouble.kind == Kind.QUARANTINE else told


def _shown(value: object) -> str:
    text = ascii(value) if not isinstance(value, (dict, list)) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "…"
