"""The demo's tags: which there are, where each of them was, and when it can be heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.demo_fleet import scenario

_PLACE_INTERVAL_S: Final = 900
_LOT_INTERVAL_S: Final = 600
_OFFLINE_INTERVAL_S: Final = 3600  # a logger that has to last an ocean


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag on a lot or in a place. Hours are from the start."""

    key: str
    number: int
    model: str
    interval_s: int
    placement: str
    lot: str | None
    place: str | None
    stays: tuple[tuple[float, str], ...]  # (hour, place) from that hour on
    offline: tuple[tuple[float, float], ...]  # spans in which nothing hears it
    dies_h: float | None
    time_constant_h: float | None
    boot: int
    phase_s: int  # when in the hour it publishes
    off_k: float  # its corner is so much warmer than the middle of the place


def make_tags(seed: int) -> list[Tag]:
    """All tags; the same for the same seed."""
    tags: list[Tag] = []
    for place in scenario.PLACES:
        if place.tagged:
            stays = ((scenario.LONG_AGO_H, place.key),)
            tags.append(_tag(seed, len(tags), "air", stays, place=place.key))
    for lot in scenario.LOTS:
        tags += [
            _tag(seed, len(tags) + i, placement, stays_of(lot), lot=lot)
            for i, placement in enumerate(lot.tags)
        ]
    return tags


def stays_of(lot: scenario.Lot) -> tuple[tuple[float, str], ...]:
    """(hour, place) from that hour on: what is unloaded stays aboard until it is moved."""
    legs = [s.leg for s in scenario.SHIPMENTS if lot.key in s.lots]
    return tuple(sorted([*lot.stands, *((leg.departs_h, leg.vehicle) for leg in legs)]))


def _tag(
    seed: int,
    number: int,
    placement: str,
    stays: tuple[tuple[float, str], ...],
    *,
    lot: scenario.Lot | None = None,
    place: str | None = None,
) -> Tag:
    random = np.random.default_rng((seed, number))
    offline = _offline(lot, place)
    interval = _PLACE_INTERVAL_S if lot is None else _LOT_INTERVAL_S
    kind = "P" if lot is None else "S" if placement == "surface" else "A"
    return Tag(
        key=f"T{kind}-{number + 1:03d}",
        number=number,
        model="Simulated strap-on probe" if kind == "S" else "Simulated air tag",
        interval_s=_OFFLINE_INTERVAL_S if offline else interval,
        placement=placement,
        lot=lot.key if lot else None,
        place=place,
        stays=stays,
        offline=offline,
        dies_h=lot.dies_h if lot and placement == "air" else None,
        time_constant_h=lot.time_constant_h if lot else None,
        boot=int(random.integers(1, 40)),
        phase_s=int(random.integers(0, 3600)),
        off_k=0.0 if placement == "surface" else round(float(random.normal(0.0, 0.15)), 2),
    )


def _offline(lot: scenario.Lot | None, place: str | None) -> tuple[tuple[float, float], ...]:
    return tuple(
        (s.leg.departs_h, s.leg.arrives_h)
        for s in scenario.SHIPMENTS
        if s.leg.offline and ((lot and lot.key in s.lots) or s.leg.vehicle == place)
    )
