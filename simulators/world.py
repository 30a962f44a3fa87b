"""A journey that really happened: its weather, its places and its lots, worked out by the physics.

``World(journey, seed)`` is the same for the same arguments on every machine, whenever it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulators.exact import between
from simulators.journey import Journey, JourneyError, drawn
from simulators.journeys.build import SETTLING_H, Build, build
from simulators.journeys.model import Lot
from simulators.journeys.outside import HOUR_MS
from simulators.journeys.records import records
from simulators.physics.air import saturation
from simulators.physics.enclosure import curves
from simulators.physics.kernel import advance
from simulators.physics.state import AIR, GOODS
from simulators.truth import Event, Truth, events_of, truth_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID_S: Final = 300
STEP_S: Final = 20.0
"""Seconds of a step; a test shows that half of it changes nothing that matters."""
_YEAR: Final = 2026  # in which a journey starts that is given no instant
_SETTLED: Final = (
    "t", "top_water", "top_ice", "side_water", "side_ice", "cavity_water", "cavity_ice", "rained",
    "dripped",
)  # fmt: skip
"""Of a lot whose temperature the journey leaves to the weather: what the two days before made."""
_UNDER_ROOF: Final = 0.3  # of the way from the air to the roof, for a tag up there: design choice


@dataclass(frozen=True, slots=True, eq=False)
class Climate:
    """What is true where a tag sits, (n,) each: °C, %RH over water, hPa; °C under its probe, if it
    has one."""

    temperature: Floats
    humidity: Floats
    pressure: Floats
    probe: Floats | None


@dataclass(frozen=True, slots=True)
class Tag:
    """Where a tag really sits: on a lot or in a place, in the air, on the surface or in the core.

    ``probe`` is surface or core where it has one there besides; ``position`` is middle or roof.
    ``entry`` is all that the journey says of it.
    """

    key: str
    lot: str | None
    place: str | None
    placement: str
    probe: str | None
    position: str
    entry: Mapping[str, Any]


class World:
    """What ``seed`` makes of a journey, in steps of ``step_s``, known each ``grid_s`` seconds.

    It starts at ``start_ms`` (since 1970 UTC), or on its date of 2026; the weather is that of its
    date in either case. Raises ValueError for a grid that is no multiple of the step, and, when
    first asked, `climate.NotHere` for a measured climate that is not on this machine, JourneyError
    where the physics comes to no finite state.
    """

    def __init__(
        self, journey: Journey, seed: int, *, start_ms: int | None = None, grid_s: int = GRID_S,
        step_s: float = STEP_S,
    ) -> None:  # fmt: skip
        if grid_s % step_s:
            raise ValueError(f"a grid of {grid_s} s is no multiple of steps of {step_s:g} s")
        self.journey = drawn(journey, seed)
        self.seed = seed
        self.grid_s = grid_s
        self.step_s = step_s
        self.start_ms = _start(self.journey) if start_ms is None else start_ms
        self.tags = tuple(_tag(entry) for entry in self.journey.tags)

    @property
    def lots(self) -> tuple[Lot, ...]:
        """The journey's lots, as drawn."""
        return self.journey.lots

    @property
    def end_ms(self) -> int:
        """When it ends."""
        return self.start_ms + round(self.journey.days * 24.0) * HOUR_MS

    @property
    def times(self) -> Ints:
        """(n,) ms, the grid: the first instant is ``grid_s`` after the start."""
        count = (self.end_ms - self.start_ms) // (self.grid_s * 1000)
        return np.asarray(self.start_ms + (1 + np.arange(count)) * self.grid_s * 1000)

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """kind -> records to register: see `journeys.records`."""
        return records(self.journey, self.start_ms)

    def truth(self, lot: str) -> Truth:
        """The columns of a lot on the grid. Raises KeyError for one that there is not."""
        if lot not in self._lot_keys:
            raise KeyError(f"there is no lot {lot!r}: use one of {', '.join(self._lot_keys)}")
        i = self._lot_keys.index(lot)
        row = self._build.lots[i]
        dry_kg = float(np.cumsum(row["mass"])[-1] * row["units"])
        return truth_of(
            self.times, self._goods[i], [p.key for p in self.journey.places], dry_kg,
            float(row["units"]), bool(row["wool"]),
        )  # fmt: skip

    def events(self, lot: str) -> list[Event]:
        """What really happened to a lot, by time: see `truth.events_of`."""
        return events_of(self.truth(lot))

    def place(self, key: str) -> Mapping[str, Floats]:
        """The columns `AIR` of a place on the grid."""
        i = [p.key for p in self.journey.places].index(key)
        return {name: self._air[i, :, c] for c, name in enumerate(AIR)}

    def climate(self, tag: Tag, times_ms: ArrayLike) -> Climate:
        """What is true where ``tag`` sits at ``times_ms`` (n,), straight between the grid's
        instants; the first and the last hold before and after."""
        if tag.lot is None:
            columns = self.place(str(tag.place))
            air, roof = columns["temperature"], columns["roof"]
            vapour, probe = columns["vapour"], columns["floor"]
            warm, humid = air, None
        else:
            goods = self._goods_of(tag.lot)
            columns = self._around(goods)
            air, roof, vapour = goods["air"], columns["roof"], goods["vapour"]
            probe = goods[tag.probe or "surface"]
            warm, humid = air, None
            if tag.placement in ("surface", "core"):
                warm, humid = goods[tag.placement], goods[f"{tag.placement}_activity"]
        if tag.position == "roof" and tag.placement == "air":
            warm = air + _UNDER_ROOF * (roof - air)
        at = partial(between, times_ms, self.times)
        temperature = at(warm)
        found = 100.0 * (at(vapour) / saturation(temperature) if humid is None else at(humid))
        return Climate(
            temperature=temperature,
            humidity=np.asarray(np.minimum(found, 100.0)),
            pressure=at(columns["pressure"]),
            probe=None if tag.probe is None else at(probe),
        )

    @cached_property
    def _lot_keys(self) -> list[str]:
        return [lot.key for lot in self.lots]

    def _goods_of(self, lot: str) -> dict[str, Floats]:
        i = self._lot_keys.index(lot)
        return {name: self._goods[i, :, c] for c, name in enumerate(GOODS)}

    def _around(self, goods: dict[str, Floats]) -> dict[str, Floats]:
        """The columns of the place in which a lot is at each instant."""
        where = goods["place"].astype(np.int64)
        rows = self._air[where, np.arange(len(where))]
        return {name: rows[:, c] for c, name in enumerate(AIR)}

    @cached_property
    def _build(self) -> Build:
        return build(self.journey, self.seed, self.step_s)

    @property
    def _air(self) -> Floats:
        return self._run[0]

    @property
    def _goods(self) -> Floats:
        return self._run[1]

    @cached_property
    def _run(self) -> tuple[Floats, Floats]:
        made = self._build
        every = round(self.grid_s / self.step_s)
        boxes, sorbers, lots = made.enclosures.copy(), made.sorbers.copy(), made.lots.copy()

        def run(first: int, records: int) -> tuple[Floats, Floats]:
            air = np.zeros((len(boxes), records, len(AIR)))
            goods = np.zeros((len(lots), records, len(GOODS)))
            advance(
                made.weather, boxes, made.conditions, sorbers, curves(), lots, made.stays, first,
                self.step_s, every, air, goods,
            )  # fmt: skip
            self._require_finite(air, goods, first * self.step_s / 3600.0 - SETTLING_H)
            return air, goods

        run(0, made.settling_steps // every)
        # Walls and air have settled; what the journey tells of holds from its start on.
        settled = lots.copy()
        lots[:] = made.lots
        for name in _SETTLED:
            lots[name][made.settles] = settled[name][made.settles]
        sorbers[made.told] = made.sorbers[made.told]
        return run(made.settling_steps, len(self.times))

    def _require_finite(self, air: Floats, goods: Floats, first_h: float) -> None:
        """Raise JourneyError for the first place whose columns, or a lot's in it, are not finite;
        they begin ``first_h`` hours from the start."""
        wrong = np.asarray(~np.isfinite(air).all(axis=2), np.bool_)
        lots, records = np.nonzero(~np.isfinite(goods).all(axis=2))
        wrong[goods[lots, records, 0].astype(np.int64), records] = True
        if not wrong.any():
            return
        record = int(wrong.any(axis=0).argmax())
        key = self.journey.places[int(wrong[:, record].argmax())].key
        hours = first_h + record * self.grid_s / 3600.0
        at = datetime.fromtimestamp(self.start_ms / 1000.0 + hours * 3600.0, UTC)
        lines = enumerate(self.journey.source.splitlines(), 1)
        raise JourneyError(
            self.journey.file,
            next((n for n, line in lines if line.strip().startswith(f"{key}:")), 1),
            f"journey {self.journey.key}, seed {self.seed}: from {at:%Y-%m-%d %H:%M} UTC on "
            f"({hours:.1f} h after the start) what is in {key} has no finite state: bring its "
            "controls, leak and temperatures, and its lots', within what can be",
        )


def _start(journey: Journey) -> int:
    month, day, hour = journey.starts
    return round(datetime(_YEAR, month, day, hour, tzinfo=UTC).timestamp() * 1000.0)


def _tag(entry: Mapping[str, Any]) -> Tag:
    placement = str(entry.get("placement", "air"))
    return Tag(
        key=str(entry["id"]),
        lot=entry.get("lot"),
        place=entry.get("place"),
        placement=placement,
        probe=entry.get("probe"),
        position=str(entry.get("position", "middle")),
        entry=entry,
    )
