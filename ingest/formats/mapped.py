"""Any JSON, by options that say where in it the tag, the time and the quantities are.

``docs/formats/mapped.md`` has the options, with samples.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.formats import options as checked
from ingest.formats.decoded import Decoded, Decoder, Format, OptionsError, Row
from ingest.formats.documents import json_document
from ingest.formats.instants import TimeForm, time_form
from ingest.formats.memory import Memory
from ingest.formats.paths import Path, PathError, Step, follow, path
from ingest.formats.rows import MAX_COUNT, MAX_READINGS, QUANTITIES, Rows, Unusable, named, shown
from ingest.formats.topics import TopicPattern, topic_pattern
from ingest.formats.units import AS_IT_IS, Conversion
from ingest.message import Message, Numbered, Portion
from lots.readings.batch import TagKey
from lots.terms import Identity

_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?")
_OPTIONS = ("topic", "tag", "time", "sent", "boot", "seq", "quantities")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity, and where its value is."""

    name: str
    path: Path
    convert: Conversion = AS_IT_IS
    words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Time:
    """Where a time is, and how it is written."""

    path: Path
    form: TimeForm
    by_gateway: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A row's options."""

    tag: TopicPattern | Path
    quantities: tuple[Quantity, ...]
    time: Time | None = None
    sent: Time | None = None
    boot: Path | None = None
    seq: Path | None = None

    @property
    def arrays(self) -> dict[str, tuple[Step, ...]]:
        """The arrays that are gone through together, by their paths."""
        paths = [each.path for each in self.quantities]
        paths += [each.path for each in (self.time, self.sent) if each]
        paths += [each for each in (self.tag, self.boot, self.seq) if isinstance(each, Path)]
        return {each.array_text: each.array for each in paths if each.array is not None}


@dataclass(frozen=True, slots=True)
class _Scope:
    """A document, and of each of its arrays the item whose turn it is."""

    document: Any
    items: Mapping[str, Any]

    def get(self, where: Path) -> Any:
        if where.array is None:
            return follow(where.steps, self.document)
        return follow(where.steps, self.items[where.array_text])


def _open(options: Mapping[str, Any]) -> Decoder:
    layout = layout_of(options)
    arrays = layout.arrays

    def decode(portion: Portion, row: Row, _memory: Memory) -> Decoded:
        found = Rows(row)
        for numbered in portion:
            try:
                _read(found, numbered, row.tenant or "", layout, arrays)
            except Unusable as error:
                found.reject(numbered.position, row.tenant, str(error))
        return found.decoded()

    return decode


FORMAT = Format(
    name="mapped",
    about="Any JSON, by options that say where the tag, the time and the quantities are",
    filter="sensors/+/state",
    identity=Identity.COUNTERS,
    open=_open,
)


def layout_of(options: Mapping[str, Any]) -> Layout:
    """The options of a row, checked; raises `OptionsError`."""
    checked.only(options, _OPTIONS)
    quantities = checked.table(options, "quantities")
    if not quantities:
        raise OptionsError(
            'option quantities is missing: say where they are, {"temperature": "data.temp"}'
        )
    return Layout(
        tag=_tag(options),
        quantities=tuple(_quantity(name, value) for name, value in quantities.items()),
        time=_time(options, "time"),
        sent=_time(options, "sent"),
        boot=_path(options, "boot"),
        seq=_path(options, "seq"),
    )


def _tag(options: Mapping[str, Any]) -> TopicPattern | Path:
    pattern, where = checked.text(options, "topic"), _path(options, "tag")
    if pattern and where:
        raise OptionsError("options topic and tag both say where the tag's name is: keep one")
    if where:
        return where
    if not pattern:
        raise OptionsError(
            "the tag's name is nowhere: add the option topic, such as sensors/{tag}/state, or "
            "tag, the path to it in the JSON"
        )
    return topic_pattern(pattern)


def _quantity(name: str, value: Any) -> Quantity:
    where = f"quantities.{name}" if name.isascii() and name.isprintable() else "quantities"
    checked.quantity(name, where)
    if isinstance(value, str):
        return Quantity(name, _as_path(value, where))
    if not isinstance(value, Mapping):
        raise OptionsError(
            f'option {where} is {shown(value)}: write a path, or {{"path": …, "unit": …}}'
        )
    checked.only(value, ("path", "values", *checked.CONVERTED), where)
    words = checked.table(value, "values", where)
    return Quantity(
        name,
        _as_path(checked.text(value, "path", where), f"{where}.path"),
        checked.converted(name, value, where),
        {word: checked.number(words, word, 0.0, f"{where}.values") for word in words},
    )


def _time(options: Mapping[str, Any], name: str) -> Time | None:
    value = options.get(name)
    if value is None or isinstance(value, str):
        where = _path(options, name)
        return Time(where, TimeForm()) if where else None
    content = checked.table(options, name)
    checked.only(content, ("path", "form", "zone", "by"), name)
    by = checked.text(content, "by", name) or "device"
    if by not in ("device", "gateway"):
        raise OptionsError(
            f"option {name}.by is {by!a}: write device or gateway: whose clock is it"
        )
    form = checked.text(content, "form", name) or "auto"
    return Time(
        _as_path(checked.text(content, "path", name), f"{name}.path"),
        time_form(form, checked.text(content, "zone", name), name),
        by == "gateway",
    )


def _path(options: Mapping[str, Any], name: str) -> Path | None:
    text = checked.text(options, name)
    return _as_path(text, name) if text else None


def _as_path(text: str, where: str) -> Path:
    if not text:
        raise OptionsError(f"option {where} is missing: write a path such as data.temp")
    try:
        return path(text)
    except PathError as error:
        raise OptionsError(f"option {where}: {error}") from None


# A message


def _read(
    found: Rows,
    numbered: Numbered,
    tenant: str,
    layout: Layout,
    arrays: Mapping[str, tuple[Step, ...]],
) -> None:
    message = numbered.message
    of_topic = layout.tag.tag(message.topic) if isinstance(layout.tag, TopicPattern) else ""
    for place, scope in _scopes(message, arrays):
        try:
            tag = of_topic or _tag_in(scope, layout.tag)
            _add(found, numbered, TagKey(tenant, tag), layout, scope, place)
        except Unusable as error:
            found.reject(numbered.position, tenant, f"{place}{error}")


def _scopes(
    message: Message, arrays: Mapping[str, tuple[Step, ...]]
) -> Iterator[tuple[str, _Scope]]:
    """Each reading of a message, and where it stands ("" for a single one)."""
    document = json_document(message.payload)
    if not arrays:
        yield "", _Scope(document, {})
        return
    found = {text: follow(steps, document) for text, steps in arrays.items()}
    for text, items in found.items():
        if not isinstance(items, list):
            raise Unusable(f"{text}[*] goes through an array, and there is {shown(items)}")
    lengths = {text: len(items) for text, items in found.items()}
    count = max(lengths.values())
    if min(lengths.values()) < count:
        told = ", ".join(f"{text}[*] has {n}" for text, n in lengths.items())
        raise Unusable(f"arrays that belong together are not of one length: {told}")
    if not 1 <= count <= MAX_READINGS:
        raise Unusable(f"{next(iter(lengths))}[*] has {count} items: send 1 to {MAX_READINGS}")
    for number in range(count):
        scope = _Scope(document, {text: items[number] for text, items in found.items()})
        yield f"reading {number}: ", scope


def _add(
    found: Rows, numbered: Numbered, tag: TagKey, layout: Layout, scope: _Scope, place: str
) -> None:
    boot, seq = _count(layout.boot, scope), _count(layout.seq, scope)
    try:
        found.add(
            numbered,
            tag,
            _values(layout, scope),
            t=_at(layout.time, scope),
            sent=_at(layout.sent, scope),
            boot=boot,
            seq=seq,
            network_time=bool(layout.time and layout.time.by_gateway),
            place=place,
        )
    except Unusable:
        found.spend(tag, boot, seq)
        raise


def _values(layout: Layout, scope: _Scope) -> dict[str, float]:
    values = {}
    for quantity in layout.quantities:
        value = _value(quantity, scope.get(quantity.path))
        if value is not None:
            values[quantity.name] = value
    if not values:
        paths = ", ".join(each.path.text for each in layout.quantities)
        raise Unusable(f"no quantity is in it: there is nothing at {paths}")
    return values


def _tag_in(scope: _Scope, where: Any) -> str:
    value = scope.get(where)
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        raise Unusable(f"{where.text} is {shown(value)}: the tag's name is to be there, as text")
    if any(each in value for each in "/+#"):
        raise Unusable(f"{where.text} is {shown(value)}: a tag's name has no /, + and # in it")
    return named("tag", value, where.text)


def _at(time: Time | None, scope: _Scope) -> float:
    return time.form.ms(scope.get(time.path), time.path.text) if time else math.nan


def _count(where: Path | None, scope: _Scope) -> int:
    value = scope.get(where) if where else None
    if where is None or value is None:
        return -1
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise Unusable(
            f"{where.text} is {shown(value)}: it is to be a whole number from 0 to {MAX_COUNT}"
        )
    return value


def _value(quantity: Quantity, value: Any) -> float | None:
    """In the quantity's own unit; None where there is none."""
    if value is None:
        return None
    word = str(value).lower() if isinstance(value, bool) else value
    if isinstance(word, str) and word in quantity.words:
        return quantity.words[word]
    number = value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = float(value)
    own = quantity.name not in QUANTITIES or quantity.name == "door"
    if not isinstance(number, (int, float)) or (isinstance(number, bool) and not own):
        raise Unusable(_no_number(quantity, value))
    try:
        converted = quantity.convert(float(number))
    except OverflowError:
        converted = math.inf
    if not math.isfinite(converted):
        raise Unusable(_no_number(quantity, value))
    return converted


def _no_number(quantity: Quantity, value: Any) -> str:
    hint = f"; words are translated by quantities.{quantity.name}.values"
    return (
        f"{quantity.path.text} is {shown(value)}: {quantity.name} is to be a number"
        f"{hint if isinstance(value, str) else ''}"
    )
