"""What really happened to a lot: columns on a grid, the events in them, and their table.

No sensor is in it. ``film`` and ``frost`` are those of the wettest face; the wool's surface is its
outer 5 mm, its core the middle of a bale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.air import dew_point, saturation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

VERSION: Final = 2
"""Of the truth: it rises when the same seed comes to another one."""

WET_G_M2: Final = 5.0
WET_MINUTES: Final = 30
DRY_G_M2: Final = 0.5  # of water and ice, what a hand would not feel: design choice
DRY_CAVITY_G: Final = 1.0  # design choice
_MOULD: Final = 1.0
_HOT_C: Final = 40.0
_HOT_HUMIDITY: Final = 60.0
_HOT_MINUTES: Final = 120
_HEATING_K: Final = 10.0  # above the air, while bacteria give off heat: design choice
_HEATING_W_KG: Final = 0.02
_DAMP_REGAIN: Final = 22.0  # %, of the surface, in balance with about 80 %RH: design choice
_DAMP_MINUTES: Final = 24 * 60
EVENTS: Final = ("film", "frost", "unfit", "mould", "heating", "hot_damp", "damp")


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Columns (n,) of a lot; ``time`` ms since 1970 UTC. NaN where a material has no such thing."""

    time: Ints
    place: NDArray[np.str_]
    air_temperature: Floats  # °C
    air_humidity: Floats  # %RH over water
    air_dew_point: Floats  # °C over water
    pressure: Floats  # hPa
    surface_temperature: Floats  # °C
    surface_humidity: Floats  # %RH over water, at the metal, or in balance with the wool's surface
    core_temperature: Floats  # °C
    film: Floats  # g/m² of water
    frost: Floats  # g/m² of ice
    cavity: Floats  # g of water and ice in the recesses of a bundle
    wet: Bools  # a film of at least 5 g/m²
    wet_hours: Floats  # h so far
    surface_regain: Floats  # %
    core_regain: Floats  # %
    regain: Floats  # %, of all of it
    mould_index: Floats  # 0 to 6, VTT
    hottest: Floats  # °C of its warmest layer
    self_heating: Floats  # W/kg dry
    held: Floats  # kg of water and ice on all of a lot of lead and in its cavities
    scale_mass: Floats  # kg of the lot with the water in and on it
    rained: Floats  # g/m² of rain on its top so far, two days before the start included
    dripped: Floats  # g/m² from the roof, likewise


@dataclass(frozen=True, slots=True)
class Event:
    """``kind`` of `EVENTS`; ``begins`` and ``ends`` ms, ``ends`` None if it lasted to the end;
    ``peak`` is the greatest value in it of the column that it is of; ``cause`` of a film is sweat,
    rain or drip."""

    kind: str
    begins: int
    ends: int | None
    peak: float
    cause: str = ""


def truth_of(
    times: Ints, goods: Floats, places: list[str], dry_kg: float, units: float, wool: bool
) -> Truth:
    """The truth of a lot of ``units`` and ``dry_kg`` in all from its records (n, `state.GOODS`)."""
    (place, air, vapour, pressure, surface, core, humid, _, film, frost, cavity, outer, inner,
     regain, mould, power, hottest, water, rained, dripped) = goods.T  # fmt: skip
    none = np.full(len(times), np.nan)
    step_h = (float(times[1] - times[0]) if len(times) > 1 else 0.0) / 3.6e6
    wet = film >= WET_G_M2
    return Truth(
        time=times,
        place=np.array(places)[place.astype(np.int64)],
        air_temperature=air,
        air_humidity=np.minimum(100.0 * vapour / saturation(air), 100.0),
        air_dew_point=dew_point(vapour),
        pressure=pressure,
        surface_temperature=surface,
        surface_humidity=100.0 * humid,
        core_temperature=core,
        film=film,
        frost=frost,
        cavity=none if wool else cavity,
        wet=wet,
        wet_hours=np.cumsum(wet) * step_h,
        surface_regain=100.0 * outer if wool else none,
        core_regain=100.0 * inner if wool else none,
        regain=100.0 * regain if wool else none,
        mould_index=mould if wool else none,
        hottest=hottest,
        self_heating=power if wool else none,
        held=none if wool else units * water,
        scale_mass=dry_kg + units * water,
        rained=rained,
        dripped=dripped,
    )


def events_of(truth: Truth) -> list[Event]:
    """What happened, by time of its beginning.

    ``film``: at least 5 g/m² for at least 30 minutes; ``frost`` likewise. ``unfit``, for a furnace:
    more than 0.5 g/m² of water and ice on the wettest face of lead, or more than 1 g in a bundle's
    cavities; its peak is what the lot ``held``. ``mould``: the index reaches 1. ``heating``: a
    layer 10 K above the air by bacteria; its peak is the ``hottest``. ``hot_damp``: above 40 °C
    with more than 60 %RH at the surface for 2 h. ``damp``: the wool's surface above 22 % regain for
    a day.
    """
    hot = (truth.surface_temperature > _HOT_C) & (truth.surface_humidity > _HOT_HUMIDITY)
    heats = (truth.hottest > truth.air_temperature + _HEATING_K) & (
        truth.self_heating > _HEATING_W_KG
    )
    water = (truth.film + truth.frost > DRY_G_M2) | (truth.cavity > DRY_CAVITY_G)
    metal = np.isnan(truth.mould_index)
    found = [
        *_events("film", truth, truth.wet, truth.film, WET_MINUTES),
        *_events("frost", truth, truth.frost >= WET_G_M2, truth.frost, WET_MINUTES),
        *_events("unfit", truth, water & metal, truth.held, 0),
        *_events("mould", truth, truth.mould_index >= _MOULD, truth.mould_index, 0)[:1],
        *_events("heating", truth, heats, truth.hottest, WET_MINUTES),
        *_events("hot_damp", truth, hot & metal, truth.surface_temperature, _HOT_MINUTES),
        *_events("damp", truth, truth.surface_regain > _DAMP_REGAIN, truth.surface_regain,
                 _DAMP_MINUTES),
    ]  # fmt: skip
    return sorted(found, key=lambda event: (event.begins, event.kind))


def checksum(truths: Iterable[Truth]) -> str:
    """SHA-256 over the bits of all columns: the same on every machine."""
    digest = hashlib.sha256()
    for truth in truths:
        for field in fields(truth):
            digest.update(_bits(getattr(truth, field.name)))
    return digest.hexdigest()


def _bits(column: NDArray[np.generic]) -> bytes:
    if column.dtype.kind == "U":
        return "\n".join(column.tolist()).encode()
    numbers = column.astype("<f8")
    # One zero and one NaN: processors differ in the sign of these.
    return np.where(np.isnan(numbers), np.nan, numbers + 0.0).astype("<f8").tobytes()


def _events(kind: str, truth: Truth, so: Bools, value: Floats, minutes: float) -> list[Event]:
    """Spans in which it is ``so`` for at least ``minutes``."""
    edges = np.diff(np.concatenate([[False], so, [False]]).astype(np.int8))
    found = []
    step = int(truth.time[1] - truth.time[0]) if len(truth.time) > 1 else 0
    begins, ends = np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()
    for first, after in zip(begins, ends, strict=True):
        if (after - first) * step >= minutes * 60_000:
            peak = first + int(np.argmax(value[first:after]))
            found.append(
                Event(
                    kind,
                    int(truth.time[first]),
                    int(truth.time[after]) if after < len(truth.time) else None,
                    float(value[peak]),
                    _cause(truth, first, peak) if kind == "film" else "",
                )
            )
    return found


def _cause(truth: Truth, first: int, peak: int) -> str:
    """Of a film: rain or drip where half of what it came to fell on it since the lot was last dry
    of water and ice (before the start, if it never was since), else sweat."""
    dry = np.flatnonzero(truth.film[:first] + truth.frost[:first] <= DRY_G_M2)
    for name, column in (("rain", truth.rained), ("drip", truth.dripped)):
        before = column[dry[-1]] if len(dry) else 0.0
        if column[peak] - before > 0.5 * truth.film[peak]:
            return name
    return "sweat"
