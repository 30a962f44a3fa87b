"""Which tag and quantity a Sparkplug metric is, by its name. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ingest.formats.decoded import OptionsError
from ingest.formats.quantity_names import Chosen, in_own_unit, known_by
from ingest.formats.rows import QUANTITIES, Unusable, require_name, shown
from ingest.formats.sparkplug_births import Known
from ingest.formats.sparkplug_metrics import Metric, is_boolean, number

TAG = "{group}.{node}.{device}"
_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
_PLACES = ("{group}", "{node}", "{device}", "{folder}")
_OWN_AFFAIRS = ("bdSeq", "Node Control/", "Device Control/", "Node Info/", "Device Info/")
_NO_TAG = re.compile(r"[/+#]")
_NO_LETTER = re.compile(r"[^A-Za-z0-9]+")

Said = dict[tuple[str, int | None], list[dict[str, float]]]
"""Tag and time (ms, None where nobody says) -> readings."""


class Naming(NamedTuple):
    """What a row's options say of names."""

    tag: Sequence[str]  # the option tag in its parts
    names: Mapping[str, Chosen]  # metric -> what it is
    others: bool  # numbers of other names are kept under theirs


class Meaning(NamedTuple):
    tag: str
    quantity: str
    chosen: Chosen | None


class Names:
    """The metrics of one node or device, as its birth has them; others as they are met."""

    def __init__(self, naming: Naming, place: Mapping[str, str], metrics: Iterable[Known]) -> None:
        """``place``: group, node and device."""
        self._naming, self._place = naming, place
        self.born = {each.name: each for each in metrics}
        self.aliases = {each.alias: each for each in self.born.values() if each.alias is not None}
        self._meanings = {name: self._meant(name) for name in self.born}
        self._rivals: dict[tuple[str, str], list[str]] = {}
        for name, meaning in self._meanings.items():
            if meaning:
                self._rivals.setdefault((meaning.tag, meaning.quantity), []).append(name)

    def meaning(self, name: str) -> Meaning | None:
        """None for what is not kept; raises `Unusable` where several metrics would be the same."""
        if name not in self.born:
            return self._meant(name)
        meaning = self._meanings[name]
        rivals = self._rivals[meaning.tag, meaning.quantity] if meaning else []
        if not meaning or len(rivals) == 1:
            return meaning
        by_option = [each for each in rivals if (m := self._meanings[each]) and m.chosen]
        if len(by_option) == 1:
            return meaning if meaning.chosen else None
        told = " and ".join(shown(each) for each in rivals[:3])
        raise Unusable(
            f"{told} are all {meaning.quantity} of the tag {shown(meaning.tag)}: let the option "
            "tag have {folder} in it, or name them in the option quantities"
        )

    def _meant(self, name: str) -> Meaning | None:
        folder, _, last = name.rpartition("/")
        if name.startswith(_OWN_AFFAIRS):
            return None
        found = self._naming.names.get(name) or self._naming.names.get(last)
        quantity = found.quantity if found else known_by(last)
        if quantity is None and self._naming.others:
            quantity = _as_quantity(last)
        if quantity is None:
            return None
        place = {**self._place, "folder": _NO_TAG.sub(".", folder)}
        return Meaning(_filled(self._naming.tag, place), quantity, found)


def readings(metrics: Iterable[Metric], names: Names, troubles: list[str]) -> Said:
    """What is measured, those of one tag and time together; what cannot be used is told."""
    said: Said = {}
    taken: dict[tuple[str, str], str] = {}
    for metric in metrics:
        try:
            meaning = names.meaning(metric.name)
            value = number(metric) if meaning else None
            if meaning is None or value is None:
                continue
            _require_alone(metric, meaning, taken)
            quantity, value = _converted(metric, meaning, value)
            _join(said.setdefault((meaning.tag, metric.time), []), quantity, value)
        except Unusable as error:
            troubles.append(f"metric {shown(metric.name)}: {error}")
    return said


def _require_alone(metric: Metric, meaning: Meaning, taken: dict[tuple[str, str], str]) -> None:
    """Where no birth tells of them all, two of one message may be the same."""
    rival = taken.setdefault((meaning.tag, meaning.quantity), metric.name)
    if rival != metric.name:
        raise Unusable(
            f"it is {meaning.quantity} of the tag {shown(meaning.tag)}, as {shown(rival)} is: let "
            "the option tag have {folder} in it"
        )


def parts_of(template: str) -> list[str]:
    """The option tag in its parts; raises `OptionsError`."""
    parts = [part for part in _PLACEHOLDER.split(template) if part]
    for part in parts:
        if part[0] == "{" and part not in _PLACES:
            raise OptionsError(
                f"option tag: {part!a} means nothing: use {', '.join(_PLACES)}"
                + ("; the tenant is the row's" if part == "{tenant}" else "")
            )
    if _NO_TAG.search(template):
        raise OptionsError(f"option tag is {template!a}: a tag's name has no /, + and # in it")
    if "{node}" not in parts and "{device}" not in parts:
        raise OptionsError(
            f"option tag is {template!a}: put {{node}} or {{device}} in it, so that each has a "
            f"tag of its own, such as {TAG}"
        )
    return parts


def _filled(parts: Sequence[str], place: Mapping[str, str]) -> str:
    """What is empty takes what stands before it with it."""
    text = between = ""
    for part in parts:
        if part not in _PLACES:
            between = part
            continue
        value = place[part[1:-1]]
        if value:
            text, between = text + between + value, ""
    return text + (between if parts[-1] not in _PLACES else "")


def _converted(metric: Metric, meaning: Meaning, value: float) -> tuple[str, float]:
    quantity = meaning.quantity
    if is_boolean(metric) and quantity in QUANTITIES and quantity != "door":
        raise Unusable(f"it is a boolean, and {quantity} is a number")
    if meaning.chosen and meaning.chosen.convert:
        value = meaning.chosen.convert(value)
    else:
        quantity, value = in_own_unit(quantity, value, metric.unit)
    if not math.isfinite(value):
        raise Unusable("that is no measured value: it is too large")
    return quantity, value


def _join(parts: list[dict[str, float]], quantity: str, value: float) -> None:
    """Into the first reading that has no such value yet."""
    for values in parts:
        if values.setdefault(quantity, value) == value:
            return
    parts.append({quantity: value})


def _as_quantity(name: str) -> str | None:
    """A name of somebody else's as one of ours, where it can be one."""
    quantity = _NO_LETTER.sub("_", name).strip("_")
    try:
        require_name(quantity)
    except Unusable:
        return None
    return quantity
