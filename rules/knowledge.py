"""What to say and what to do: words from a rule, its numbers and what holds the lot. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules.rule import Rule

READ_THE_LABEL = (
    "Read the door label first: nothing is known of gas in it. Keep it closed until it is known "
    "to be free of gas."
)


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
    rule: Rule,
    lot: str,
    numbers: Mapping[str, float],
    restraints: Sequence[Restraint],
    closed_box: bool,
) -> Words:
    """Title and action of an alert. Holds come first: while there is one, or a closed box of which
    nothing is known, no text says open, enter, ventilate or unwrap.
    """
    fields = defaultdict(lambda: "unknown", {n: f"{value:g}" for n, value in numbers.items()})
    fields["lot"] = lot
    title = rule.title.format_map(fields)
    action = rule.action.format_map(fields)
    if restraints:
        first = " ".join(_restrained(restraint) for restraint in restraints)
        then = " Once it is lifted: "
    elif closed_box:
        first, then = READ_THE_LABEL, " Then: "
    else:
        return Words(title, action)
    return Words(title, first if rule.touches else first + then + action)


def _restrained(restraint: Restraint) -> str:
    who = restraint.lifted_by or "whoever set it (read the door label first)"
    kind = restraint.kind.replace("_", " ")
    return f"Leave it closed and untouched: it is held ({kind}). {who} lifts the hold; ask there."
