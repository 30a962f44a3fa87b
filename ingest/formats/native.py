"""The native format: JSON on ``dunnage/v1/{tenant}/{tag}/readings``, as ``docs/wire.md`` has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from ingest.formats.decoded import (
    AckWanted,
    Decoded,
    Decoder,
    Format,
    OptionsError,
    Row,
    together,
)
from ingest.formats.memory import Memory
from ingest.formats.plain import Plain
from ingest.formats.rows import (
    MAX_COUNT,
    MAX_READINGS,
    NO_VALUE,
    QUANTITIES,
    Rows,
    Unusable,
    named,
    require_name,
    shown,
)
from ingest.message import MAX_PAYLOAD_BYTES, Numbered, Portion
from lots.readings.batch import TagKey
from lots.terms import Identity

MAX_FIELDS = 64
"""In one reading."""

MAX_TOPICS = 100_000
"""Whose tags are remembered; then the memory begins anew."""

_NOBODY: Mapping[str, TagKey] = MappingProxyType({})
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_FRAME = frozenset(["boot", "seq", "t", "sent", "ack", "first"])


def decode(portion: Portion, row: Row, memory: Memory) -> Decoded:
    """What messages say; nothing bad in them takes the good with it."""
    return Native()(portion, row, memory)


class Native:
    """A decoder that remembers whose its topics are."""

    def __init__(self) -> None:
        self._tags: dict[str, TagKey] = {}

    def __call__(self, portion: Portion, row: Row, _memory: Memory) -> Decoded:
        """What is plain goes straight into columns, the rest is looked at item by item."""
        known = self._tags
        plain = Plain(
            portion, [known.get(topic) or self._learnt(topic) for topic in portion.messages.topics]
        )
        found = plain.decoded(row)
        if not len(plain.odd):
            return found
        return together([found, itemwise(portion.at(plain.odd), row, known)])

    def _learnt(self, topic: str) -> TagKey | None:
        try:
            tag = _tag(topic)
        except Unusable:
            return None
        if len(self._tags) >= MAX_TOPICS:
            self._tags.clear()
        self._tags[topic] = tag
        return tag


def itemwise(portion: Portion, row: Row, known: Mapping[str, TagKey] = _NOBODY) -> Decoded:
    """What messages say, item by item and field by field; ``known``: topic -> whose it is."""
    found = Rows(row)
    for numbered in portion:
        position, message = numbered
        tenant = None
        try:
            tag = known.get(message.topic)
            if tag is None:
                tenant, name = _names(message.topic)
                tag = TagKey(tenant, named("tag", name, _of(message.topic)))
            tenant = tag.tenant
            for place, item in _items(message.payload):
                try:
                    _add(found, tag, numbered, place, item)
                except Unusable as error:
                    found.reject(position, tenant, f"{place}{error}")
        except Unusable as error:
            found.reject(position, tenant, str(error))
    return found.decoded()


def _open(options: Mapping[str, Any]) -> Decoder:
    if options:
        raise OptionsError("the native format has no options: leave them out")
    return Native()


FORMAT = Format(
    name="native",
    about="Dunnage's own JSON: one reading or an array of them (docs/wire.md)",
    filter="dunnage/v1/+/+/readings",
    identity=Identity.COUNTERS,
    open=_open,
    names_tenant=True,
)


def _names(topic: str) -> tuple[str, str]:
    """The tenant, and what stands where the tag does: what is wrong with it is the tenant's."""
    levels = topic.split("/")
    if len(levels) != 5 or levels[:2] != ["dunnage", "v1"] or levels[4] != "readings":
        raise Unusable(f"{_of(topic)}: publish on dunnage/v1/{{tenant}}/{{tag}}/readings")
    return named("tenant", levels[2], _of(topic)), levels[3]


def _tag(topic: str) -> TagKey:
    tenant, name = _names(topic)
    return TagKey(tenant, named("tag", name, _of(topic)))


def _of(topic: str) -> str:
    return f"topic {shown(topic)}"


def _items(payload: bytes) -> Iterator[tuple[str, Any]]:
    """Each reading of a message, and where it stands ("" for a single one)."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unusable(f"the message is longer than {MAX_PAYLOAD_BYTES} bytes: send it in parts")
    if payload.count(b"{") > MAX_READINGS:
        _require_few(_parts(payload))
    content = _json(payload)
    if not isinstance(content, list):
        yield "", content
        return
    if not content:
        raise Unusable("the array is empty: send at least one reading")
    _require_few(content)
    for number, item in enumerate(content):
        yield f"reading {number}: ", item


def _require_few(items: list[Any]) -> None:
    if len(items) > MAX_READINGS:
        raise Unusable(f"{len(items)} readings in one message: send {MAX_READINGS} at most")


def _json(payload: bytes) -> Any:
    """The content of ``payload``; items that cannot be read are left as `msgspec.Raw`."""
    try:
        return msgspec.json.decode(payload)
    except _UNREADABLE as error:
        parts = _parts(payload) if payload.lstrip().startswith(b"[") else []
        if not parts:
            raise Unusable(_not_json(error)) from None
        return parts


def _parts(payload: bytes) -> list[msgspec.Raw]:
    """The items of an array, unread: none where it is no array."""
    try:
        return _ARRAY.decode(payload)
    except _UNREADABLE:
        return []


def _not_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep: send one object, or an array of objects"
    hint = "leave a value out that there is none of; NaN and Infinity are not JSON"
    return f"it cannot be read as JSON in UTF-8 ({error}): {hint}"


def _add(found: Rows, tag: TagKey, numbered: Numbered, place: str, item: Any) -> None:
    if isinstance(item, msgspec.Raw):
        try:
            item = msgspec.json.decode(item)
        except _UNREADABLE as error:
            raise Unusable(_not_json(error)) from None
    if not isinstance(item, dict):
        raise Unusable(f"it is {shown(item)}: send an object")
    if len(item) > MAX_FIELDS:
        raise Unusable(f"it has {len(item)} fields: send {MAX_FIELDS} at most")
    boot, seq = _count(item, "boot"), _count(item, "seq")
    _note_ack(found, tag, boot, seq, item)
    try:
        t, sent = _time(item, "t"), _time(item, "sent")
        found.add(numbered, tag, _values(item), t=t, sent=sent, boot=boot, seq=seq, place=place)
    except Unusable:
        found.spend(tag, boot, seq)
        raise


def _note_ack(found: Rows, tag: TagKey, boot: int, seq: int, item: dict[str, Any]) -> None:
    """A reading that cannot be used counts as safe too: it asks before it is judged."""
    if item.get("ack") is True and boot >= 0 and seq >= 0:
        first = _count(item, "first")
        found.want_ack(AckWanted(*tag, boot, seq, first if first >= 0 else None))


def _count(item: dict[str, Any], name: str) -> int:
    value = item.get(name)
    if value is None:
        return -1
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise Unusable(f"{name} is {shown(value)}: send a whole number from 0 to {MAX_COUNT}")
    return value


def _time(item: dict[str, Any], name: str) -> float:
    value = item.get(name)
    if value is None:
        return np.nan
    if type(value) is not int and type(value) is not float:
        raise Unusable(f"{name} is {shown(value)}: send ms since 1970 UTC, as a number")
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
                require_name(name)
            values[name] = _float(name, value)
        elif known:
            raise Unusable(f"{name} is {shown(value)}: send a number, or leave it out")
    if not values:
        raise Unusable(NO_VALUE)
    return values


def _float(name: str, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Unusable(f"{name} is {shown(value)}: that is no measured value") from None
