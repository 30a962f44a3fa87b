"""What to say and what to do: words of a rule, its numbers and what holds the lot. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from string import Formatter
from types import MappingProxyType
from typing import Final

from lots.terms import HoldKind
from rules.rule import Rule, Step
from rules.signals import TAG_NUMBERS

READ_THE_LABEL = (
    "Read the door label first: nothing is known of gas in it. Keep it closed until it is known "
    "to be free of gas."
)
PLACE_UNKNOWN = (
    "It is not known where it stands. If that is a container or a vehicle, read the door label "
    "first, and keep it closed until it is known to be free of gas."
)

HANDS_ON: Final = re.compile(
    r"\b(?:(?:re)?open|enter|ventilat|unwrap|unpack|unseal|unload)\w*", re.IGNORECASE
)
"""Words for a box that is known to be free of gas, in all their forms."""

_IF_KNOWN: Final = re.compile(r"( ?)\[([^][]*)\](?!\w)")
"""Without it no two halves of a word come together to one of those above."""


class Box(Enum):
    """What a lot stands in, as far as gas goes."""

    NONE = "in no box, or in one that a certificate says is free of gas"
    CLOSED = "in a container or a vehicle, of which nothing is known"
    UNKNOWN = "nobody knows where"


@dataclass(frozen=True, slots=True)
class Restraint:
    """Why a lot must not be opened or touched, and who may lift it."""

    kind: str
    lifted_by: str | None


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    action: str


def words(
    step: Step,
    lot: str,
    numbers: Mapping[str, float],
    restraints: Sequence[Restraint],
    box: Box,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Words:
    """Title and action of an alert that stands at ``step``. Holds come first: while there is one,
    or a box of which nothing is known, no text says open, enter, ventilate or unwrap.

    ``more``: fields of its texts besides its lot and ``numbers``.
    """
    fields = {name: f"{value:g}" for name, value in numbers.items()} | {"lot": lot, **more}
    title, action = _filled(step.title, fields), _filled(step.action, fields)
    first = first_words(restraints, box)
    if not first:
        return Words(title, action)
    if step.touches:
        return Words(title, first)
    if not step.waits:
        return Words(title, f"{first} At once, without touching it: {action}")
    then = "Once it is lifted" if restraints else "Then"
    return Words(title, f"{first} {then}: {action}")


def _filled(text: str, fields: Mapping[str, str]) -> str:
    """``text`` with its fields; what is in brackets where all in them are known, else without."""

    def known(part: re.Match[str]) -> str:
        names = {name for _, name, _, _ in Formatter().parse(part[2]) if name is not None}
        if not names:
            return part[0]
        return part[1] + part[2] if names <= fields.keys() else ""

    whole = _IF_KNOWN.sub(known, text)
    return whole.strip().format_map(defaultdict(lambda: "unknown", fields))


def tag_fields(numbers: Mapping[str, float], tags: Mapping[int, str]) -> dict[str, str]:
    """Fields of texts that name a tag, by its ``numbers``; ``tags``: names of the lot's, by
    `lots.climate.tag_number`."""
    return {
        name: tags.get(int(numbers[name]), "unknown") for name in TAG_NUMBERS if name in numbers
    }


def names_tags(rule: Rule) -> bool:
    """Whether one of its texts names a tag."""
    texts = [text for step in rule.steps for text in (step.title, step.action)]
    return any(f"{{{name}}}" in text for text in texts for name in TAG_NUMBERS)


def first_words(restraints: Sequence[Restraint], box: Box) -> str:
    """What comes before all else: who lifts a hold, or how gas is told; "" where nothing does."""
    if restraints:
        return " ".join(_restrained(restraint) for restraint in restraints)
    return {Box.CLOSED: READ_THE_LABEL, Box.UNKNOWN: PLACE_UNKNOWN}.get(box, "")


def _restrained(restraint: Restraint) -> str:
    who = restraint.lifted_by or "whoever set it (read the door label first)"
    why = restraint.kind.replace("_", " ")
    if restraint.kind == HoldKind.FUMIGATED:
        why += ", no gas-free certificate"
    return f"Leave it closed and untouched: it is held ({why}). {who} lifts the hold; ask there."
