"""SenML packs (RFC 8428), as JSON and as CBOR.

``docs/formats/senml.md`` says how names become tags and quantities.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ingest.formats import options as checked
from ingest.formats.decoded import Decoded, Decoder, Format, Row
from ingest.formats.documents import json_document
from ingest.formats.memory import Memory
from ingest.formats.quantity_names import Chosen, chosen, in_own_unit, known_by
from ingest.formats.rows import Rows, Unusable, named, require_name, shown
from ingest.formats.senml_packs import Measured, measured_in, pack_of_cbor
from ingest.formats.topics import TopicPattern, topic_pattern
from ingest.message import Numbered, Portion
from lots.readings.batch import TagKey
from lots.terms import Identity

RELATIVE = 2**28
"""s: a time below it is relative to now (RFC 8428, 4.5.3)."""

_SEPARATORS = ":/;"
_ENDS = _SEPARATORS + "._-"
_LAST = re.compile(rf"^(.*?)([^{_SEPARATORS}]*)$", re.DOTALL)

_OF_UNIT: Mapping[str, str] = MappingProxyType(
    {
        "Cel": "temperature",
        "K": "temperature",
        "%RH": "humidity",
        "Pa": "pressure",
        "hPa": "pressure",
        "lx": "light",
        "lat": "lat",
        "lon": "lon",
        "%EL": "battery_level",
    }
)
"""What is measured in a unit of RFC 8428 or 8798, where it can be one thing only."""


class Options(NamedTuple):
    """A row's options."""

    topic: TopicPattern | None
    names: Mapping[str, Chosen]


class _Named(NamedTuple):
    tag: str
    quantity: str
    chosen: Chosen | None


def _opener(read: Callable[[bytes], Any]) -> Callable[[Mapping[str, Any]], Decoder]:
    def open_(options: Mapping[str, Any]) -> Decoder:
        checked.only(options, ("topic", "quantities"))
        pattern = checked.text(options, "topic")
        checked_ = Options(topic_pattern(pattern) if pattern else None, chosen(options))

        def decode(portion: Portion, row: Row, _memory: Memory) -> Decoded:
            found = Rows(row)
            for numbered in portion:
                try:
                    _read(found, numbered, row.tenant or "", checked_, read)
                except Unusable as error:
                    found.reject(numbered.position, row.tenant, str(error))
            return found.decoded()

        return decode

    return open_


FORMAT_JSON = Format(
    name="senml-json",
    about="SenML (RFC 8428) as JSON",
    filter="senml/+",
    identity=Identity.VALUES,
    open=_opener(json_document),
)

FORMAT_CBOR = Format(
    name="senml-cbor",
    about="SenML (RFC 8428) as CBOR",
    filter="senml/+",
    identity=Identity.VALUES,
    open=_opener(pack_of_cbor),
)


def _read(
    found: Rows,
    numbered: Numbered,
    tenant: str,
    options: Options,
    read: Callable[[bytes], Any],
) -> None:
    message = numbered.message
    of_topic = options.topic.tag(message.topic) if options.topic else ""
    readings: dict[tuple[str, float], list[dict[str, float]]] = {}
    numbers = troubles = 0
    for place, record in measured_in(read(message.payload)):
        try:
            if isinstance(record, Unusable):
                raise record
            numbers += 1
            tag, quantity, value = _understood(record, of_topic, options.names)
            _join(readings.setdefault((tag, record.time), []), quantity, value)
        except Unusable as error:
            troubles += 1
            found.reject(numbered.position, tenant, f"{place}{error}")
    if not numbers and not troubles:
        raise Unusable("no record has a number (v, vb or s): there is nothing to keep")
    for (tag, time), parts in readings.items():
        for values in parts:
            try:
                _add(found, numbered, TagKey(tenant, tag), time, values)
            except Unusable as error:
                found.reject(numbered.position, tenant, f"{tag}: {error}")


def _add(
    found: Rows, numbered: Numbered, tag: TagKey, time: float, values: dict[str, float]
) -> None:
    """A time that is relative to now is that of the delivery."""
    relative = time < RELATIVE
    t = numbered.message.received + time * 1000 if relative else time * 1000
    if not math.isfinite(t):
        raise Unusable("bt and t lead to no time")
    found.add(
        numbered, tag, values, t=math.nan if time == 0 else t, network_time=relative and time != 0
    )


def _join(parts: list[dict[str, float]], quantity: str, value: float) -> None:
    """Into the first reading that has no such value yet."""
    for values in parts:
        if values.setdefault(quantity, value) == value:
            return
    parts.append({quantity: value})


def _understood(
    record: Measured, of_topic: str, names: Mapping[str, Chosen]
) -> tuple[str, str, float]:
    """Tag, quantity and value; raises `Unusable`."""
    said = _named(record, of_topic, names)
    tag = of_topic or said.tag.rstrip(_ENDS).replace("/", ".")
    if not tag:
        raise Unusable(
            f"the name {shown(record.name)} names no device: send a base name (bn), or give the "
            "row the option topic"
        )
    named("tag", tag, f"name {shown(record.name)}")
    if said.chosen and said.chosen.convert:
        quantity, value = said.quantity, said.chosen.convert(record.value)
    else:
        quantity, value = in_own_unit(said.quantity, record.value, record.unit)
    if not math.isfinite(value):
        raise Unusable(f"{shown(record.name)} is no measured value: it is too large")
    return tag, f"{quantity}_sum" if record.is_sum else quantity, value


def _named(record: Measured, of_topic: str, names: Mapping[str, Chosen]) -> _Named:
    before, last = _split(record)
    whole = record.name
    found = names.get(whole) or names.get(last) or names.get(record.own)
    if found:
        return _Named(before, found.quantity, found)
    known = known_by(last)
    if known:
        return _Named(before, known, None)
    by_unit = _OF_UNIT.get(record.unit)
    if by_unit and not (of_topic and record.own):
        return _Named(whole, by_unit, None)
    try:
        require_name(last)
    except Unusable:
        if by_unit:
            return _Named(whole, by_unit, None)
        raise Unusable(
            f"the name {shown(whole)} with the unit {shown(record.unit)} says no quantity: end it "
            "in one, such as …:temperature, or name it in the option quantities"
        ) from None
    return _Named(before, last, None)


def _split(record: Measured) -> tuple[str, str]:
    """What names the device, and what may name the quantity."""
    base, own = record.base, record.own
    if base and own and base[-1] in _ENDS and not any(each in own for each in _SEPARATORS):
        return base, own
    found = _LAST.fullmatch(record.name)
    return (found[1], found[2]) if found else ("", record.name)
