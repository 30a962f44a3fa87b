"""What really happened to a lot of a simulated journey, as events that rules are to tell of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lots.clock import HOUR_MS
from lots.readings.batch import Ints
from lots.terms import Commodity
from lots.whereabouts import FOREVER, without
from rules.kernels import DRYING_H
from rules.rule import Rules
from rules.scoring import AFTER_MS, BEFORE_MS, Event, Page, Span, films, moulds, stood_wet
from simulators.truth import Truth, events_of
from simulators.voyage import instant
from simulators.world import World

EXPECTED_MS = 48 * HOUR_MS
"""An event so long after a leg's departure or arrival followed a known transition."""


@dataclass(frozen=True, slots=True)
class PlayedLot:
    """What really happened to a lot on a journey, and what was told of it.

    ``whole``: the journey; ``events``: by the rule that is to tell of them; ``wet``: films of any
    cause; ``water``: on it or in its cavities; ``pages``: by rule, by time; ``given_truth``: what
    our rules would have told who knew its true air, and its metal's or core's temperature;
    ``not_fit``: when it was shown as not fit for the furnace.
    """

    lot: str
    commodity: str
    whole: Span
    events: Mapping[str, tuple[Event, ...]]
    wet: tuple[Span, ...]
    water: tuple[Span, ...]
    pages: Mapping[str, tuple[Page, ...]]
    given_truth: Mapping[str, tuple[Page, ...]]
    not_fit: tuple[Page, ...]

    @property
    def hours(self) -> float:
        return (self.whole.ends - self.whole.begins) / HOUR_MS


def of_world(
    world: World,
    lot: str,
    truth: Truth,
    commodity: str,
    arrivals: Ints,
    pages: Mapping[str, tuple[Page, ...]],
    given_truth: Mapping[str, tuple[Page, ...]],
    inspect: Iterable[Span],
    wet_limit: float | None,
) -> PlayedLot:
    """A lot of ``world`` whose ``truth`` this is. ``arrivals`` (n,) ms: when readings of it
    arrived, rising; ``inspect``: when it was shown as one to inspect and preheat; ``wet_limit``
    hours, see `wet_limit_h`."""
    legs = list(_leg_changes(world, lot))

    def known(found: Iterable[Span]) -> tuple[Event, ...]:
        return tuple(
            Event(*span, heard=_heard(span, arrivals), expected=_expected(span, legs))
            for span in found
        )

    wet = films(truth.time, truth.film)
    events = events_of(truth)
    happened: dict[str, list[Span]] = {}
    if commodity == Commodity.WOOL:
        happened["wool.mould"] = moulds(truth.time, truth.mould_index)
    else:
        fell = {each.begins for each in events if each.cause in ("rain", "drip")}
        sweat = [span for span in wet if span.begins not in fell]
        happened["lead.sweat"] = happened["lead.sweat_near"] = sweat
        if wet_limit is not None:
            happened["lead.wet"] = stood_wet(truth.time, truth.film, wet_limit, DRYING_H)
    whole = Span(world.start_ms, world.end_ms)
    return PlayedLot(
        lot=lot,
        commodity=commodity,
        whole=whole,
        events={rule: known(found) for rule, found in happened.items()},
        wet=tuple(wet),
        water=tuple(
            Span(each.begins, FOREVER if each.ends is None else each.ends)
            for each in events
            if each.kind == "unfit"
        ),
        pages=pages,
        given_truth=given_truth,
        not_fit=tuple(Page(*span) for span in without(*whole, inspect)),
    )


def wet_limit_h(rules: Rules) -> float | None:
    """The pack's limit of wet hours, the first that is written so; None where there is none."""
    for rule in rules.rules:
        if rule.name == "lead.wet" and rule.levels:
            text = rule.levels[0].opens.text
            found = re.search(r"\bwet_hours\s*>=?\s*(\d+(?:\.\d+)?)", text)
            return float(found[1]) if found else None
    return None


def _heard(event: Span, arrivals: Ints) -> bool:
    """Whether anything arrived while a page could have hit it."""
    first = np.searchsorted(arrivals, event.begins - BEFORE_MS)
    after = np.searchsorted(arrivals, event.begins + AFTER_MS, "right")
    return bool(first < after)


def _expected(event: Span, legs: Iterable[int]) -> bool:
    return any(0 <= event.begins - change <= EXPECTED_MS for change in legs)


def _leg_changes(world: World, lot: str) -> Iterator[int]:
    """When legs of its shipments depart and arrive, ms: known beforehand."""
    for shipment in world.journey.shipments:
        if lot in shipment.lots:
            for leg in shipment.legs:
                yield instant(world, leg.departs)
                yield instant(world, leg.arrives)
