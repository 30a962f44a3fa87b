"""A bundle of lead ingots: its warmth, the water on it, and what that does.

It follows the air around it as one lump, dTs/dt = (Ta - Ts) / tau: its Biot number is under 0.03,
so its surface is its core. Temperatures are °C, spans hours, films g/m². Everything takes scalars
or arrays that broadcast and gives an array (0-d for scalars); NaN in, NaN out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lots.climate import WET_HUMIDITY
from lots.terms import Commodity, Packaging
from rules import air, film

Floats = NDArray[np.float64]

SPECIFIC_HEAT: Final = 129.5
"""J/kgK, of lead."""
SECONDS_PER_HOUR: Final = 3600.0

FILM: Final = np.dtype(
    [
        # What was known at the sample before, NaN if it was not.
        ("air_before", np.float64),  # °C
        ("vapour_before", np.float64),  # Pa
        ("metal_before", np.float64),  # °C, measured on it
        # The metal, °C, and for how many hours it has followed the air, or been measured.
        ("metal", np.float64),
        ("metal_hours", np.float64),
        ("film", np.float64),  # g/m² that were seen to settle
        ("film_hours", np.float64),  # wet by that film, in this spell
        ("film_dry_hours", np.float64),  # since there was last so much of it
        # The most that there may be: metal and film of one that began with all it can hold.
        ("worst_metal", np.float64),
        ("worst", np.float64),
        ("dried_hours", np.float64),  # since that was gone too
        ("recess", np.float64),  # g/m² of their opening, that may stand in its recesses at most
    ]
)
"""The state of a lot's film."""


class Film(NamedTuple):
    """Settings of a film. [D] but for ``wet_from``, the film of a true event of sweat."""

    limit_g_m2: float = 250.0  # a quarter of a millimetre on a level face: more runs off
    wet_from_g_m2: float = 5.0
    # Hours in a row with less that end a spell: 12, less what their beginning and end may be off.
    drying_h: float = 11.0
    # From so much on water runs off a bundle, into its recesses. They hold so much, by the height
    # of an ingot, and give it off by half of what a free face does, where the air stands still:
    # so what there may be at most dries by that, between bundles too.
    runs_g_m2: float = 100.0
    recess_g_m2: float = 80_000.0
    recess_share: float = 0.5
    # The roof of a box may drip with air so near its dew point: GDV asks for more than 6 K [P].
    drips_within_k: float = 6.0
    # The air may soon have so much more vapour than its sensor says: 3 K of dew point, from where
    # on metal counts as safely dry [P]; the sensor's own error (±0.2 °C, ±1.8 %RH) is a third.
    doubt: float = 0.2


FILM_SETTINGS: Final = Film()
UNKNOWN_RECESS_G_M2: Final = 2000.0
"""What may stand in the recesses of lead that nothing is known of, even under a roof: what ran down
from a film or two before it had a tag, 40 g of a bundle. [D]"""


class Around(NamedTuple):
    """Of the air where metal stands, W/m²K: in all, with what walls radiate; and by convection,
    which alone carries vapour. [D], but for the 8 of a bay."""

    h_w_m2k: float
    convection_w_m2k: float


BAY: Final = Around(8.0, 4.5)  # oxidised lead has an emissivity of 0.6: 3.5 W/m²K are radiation
WHERE: Final = {
    film.ROOF: BAY,
    film.BOX: Around(8.0, 3.3),  # no wind, and steel and a floor that are near
    film.OPEN: BAY,
    film.YARD: Around(15.5, 12.0),  # a wind of 2 m/s: 4 + 4 v, ISO 6946
}
"""By where a lot stands."""


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What a packaging does to lead. [D]"""

    hazard: float  # wet hours count so much: water that is kept in does more
    resistance_m2spa_kg: float  # to vapour; the air's own film has 2.5e7 at 8 W/m²K
    shut_in_m2spa_kg: float  # the same in a container or vehicle, where nobody takes it off
    is_wood: bool  # gives off acetic and formic acid


WRAPPINGS: Final[Mapping[str, Wrapping]] = MappingProxyType(
    {
        Packaging.STRAPPED: Wrapping(1.0, 0.0, 0.0, False),
        Packaging.PALLET: Wrapping(1.2, 0.0, 0.0, True),
        # A closed film of polyethylene has 1e11 [P]. Where people are it may be torn, open below,
        # or off, and so far less.
        Packaging.SHRINK_WRAPPED: Wrapping(2.0, 5e8, 1e11, False),
        # Wood of 20 mm, wet (ISO 10456: 20 times the way through air) [P]; joints and lids let some
        # through, dry wood holds up more.
        Packaging.BOXED: Wrapping(1.5, 2e9, 2e9, True),
    }
)
"""By `Packaging`; any other is bare."""
BARE: Final = WRAPPINGS[Packaging.STRAPPED]

ACID_HAZARD: Final = 0.2
"""An hour in a closed room with wood counts so much of a wet one, at 100 %RH. [D]"""


# °C by whole degrees: ice to 0, where ice and water meet, water from there.
_DEGREES = np.arange(film.COLDEST, film.WARMEST + 1, dtype=float)
SATURATION: Final = np.where(
    _DEGREES <= 0.0, air.saturation_pressure_ice(_DEGREES), air.saturation_pressure(_DEGREES)
)
"""Pa, over a surface at `rules.film.COLDEST` to WARMEST °C."""
SATURATION.setflags(write=False)


def time_constant_h(mass_kg: ArrayLike, area_m2: ArrayLike, h_w_m2k: ArrayLike) -> Floats:
    """Hours: tau = m cp / (h A), for the faces ``area_m2`` that the air reaches.

    ``h_w_m2k`` is 5 in still air, 8 in a bay, 10 where it is ventilated.
    """
    mass, area, h = (np.asarray(value, float) for value in (mass_kg, area_m2, h_w_m2k))
    return np.asarray(mass * SPECIFIC_HEAT / (h * area) / SECONDS_PER_HOUR)


def surface_temperature(
    start_c: ArrayLike, air_c: ArrayLike, hours: ArrayLike, time_constant_h: ArrayLike
) -> Floats:
    """°C, of metal that was at ``start_c``, after ``hours`` in air that stays at ``air_c``.

    Exact for constant air, so a step may be of any length, and two steps are as good as one.
    """
    start, air = np.asarray(start_c, float), np.asarray(air_c, float)
    left = np.exp(-np.asarray(hours, float) / np.asarray(time_constant_h, float))
    return np.asarray(air + (start - air) * left)


def hours_until_dry_margin(
    surface_c: ArrayLike,
    air_c: ArrayLike,
    dew_point_c: ArrayLike,
    time_constant_h: ArrayLike,
    margin_k: ArrayLike,
) -> Floats:
    """Hours until the metal is ``margin_k`` above the dew point, in air that stays as it is.

    t = tau ln((Ta - Ts) / (Ta - Td - m)). 0 where it is that warm already, inf where the air is
    not warm enough ever to make it so. Until the margin is passed, not until the film has dried.
    """
    surface, air = np.asarray(surface_c, float), np.asarray(air_c, float)
    target = np.asarray(dew_point_c, float) + np.asarray(margin_k, float)
    tau = np.asarray(time_constant_h, float)
    unknown = np.isnan(surface + air + target + tau)
    reached = surface >= target
    coming = ~reached & (air > target)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        hours = tau * np.log((air - surface) / (air - target))
    hours = np.where(reached, 0.0, np.where(coming, hours, np.inf))
    return np.where(unknown, np.nan, hours)


def film_transfer(h_w_m2k: ArrayLike, resistance_m2spa_kg: ArrayLike = 0.0) -> Floats:
    """g/(m² h Pa), of vapour to the metal: by `rules.air.mass_transfer`, then through a wrapping.

    Bare metal at 8 W/m²K has 0.176.
    """
    through = 1.0 / air.mass_transfer(h_w_m2k) + np.asarray(resistance_m2spa_kg, float)
    return np.asarray(1000.0 * SECONDS_PER_HOUR / through)


def film_rate(surface_c: ArrayLike, vapour_pa: ArrayLike, transfer: ArrayLike) -> Floats:
    """g/(m² h) that settle on metal of ``surface_c``; where it is below 0, that dry from it.

    Over ice below 0 °C, over water above. ``vapour_pa`` of the air, ``transfer`` `film_transfer`.
    """
    surface = np.asarray(surface_c, float)
    saturated = np.where(
        surface <= 0.0, air.saturation_pressure_ice(surface), air.saturation_pressure(surface)
    )
    return np.asarray(np.asarray(transfer, float) * (np.asarray(vapour_pa, float) - saturated))


TRANSFERS: Final[Mapping[str, float]] = MappingProxyType(
    {
        packaging: float(film_transfer(BAY.convection_w_m2k, wrapping.resistance_m2spa_kg))
        for packaging, wrapping in WRAPPINGS.items()
    }
)
"""g/(m² h Pa) by `Packaging`, in a bay's air; any other is bare."""
TRANSFERS_SHUT_IN: Final[Mapping[str, float]] = MappingProxyType(
    {
        packaging: float(film_transfer(BAY.convection_w_m2k, wrapping.shut_in_m2spa_kg))
        for packaging, wrapping in WRAPPINGS.items()
    }
)
"""The same of what is shut in a box."""

AROUND: Final = np.array(
    [
        (
            at.h_w_m2k,
            1.0 / film_transfer(at.convection_w_m2k) - 1.0 / film_transfer(BAY.convection_w_m2k),
        )
        for _, at in sorted(WHERE.items())
    ]
)
"""(4, 2) by where a lot stands: W/m²K, and by how much more than in a bay, m² h Pa/g, its air holds
vapour up."""
AROUND.setflags(write=False)


def transfer_at(transfer: ArrayLike, shut_in: ArrayLike, shelter: ArrayLike) -> Floats:
    """g/(m² h Pa) where a lot stands (`rules.film.ROOF` and so on), of what it is in a bay's air:
    in the open or under a roof, and ``shut_in`` a box."""
    stands = np.asarray(shelter, np.int64)
    through = np.where(stands == film.BOX, shut_in, transfer)
    return np.asarray(1.0 / (1.0 / through + AROUND[stands, 1]))


def transfer(commodity: str, packaging: str, *, shut_in: bool = False) -> float:
    """g/(m² h Pa) of vapour to a lot's metal, ``shut_in`` a container or a vehicle; NaN: it is of
    none."""
    if commodity != Commodity.LEAD:
        return math.nan
    of = TRANSFERS_SHUT_IN if shut_in else TRANSFERS
    return of.get(packaging, of[Packaging.STRAPPED])


class FilmStep(NamedTuple):
    """(…) after a step: the metal, °C; its film, g/m²; hours without one; hours wet in the step."""

    metal_c: Floats
    film_g_m2: Floats
    dry_hours: Floats
    wet_hours: Floats


def film_step(
    metal_c: ArrayLike,
    film_g_m2: ArrayLike,
    dry_hours: ArrayLike,
    air_c: ArrayLike,
    vapour_pa: ArrayLike,
    hours: ArrayLike,
    time_constant_h: ArrayLike,
    transfer: ArrayLike,
    settings: Film = FILM_SETTINGS,
) -> FilmStep:
    """One step of any number of bundles, in air that stays as it is.

    The heat that condensation sets free warms the metal, and evaporation cools it: bare metal at
    0 °C in air of 25 °C, 60 %RH gets two fifths of its heat so. ``time_constant_h`` infinite: the
    metal stays at ``metal_c``. Exact for constant air, so two steps are as good as one.
    """
    given = (metal_c, film_g_m2, dry_hours, air_c, vapour_pa, hours, time_constant_h, transfer)
    columns = np.broadcast_arrays(*(np.asarray(value, float) for value in given))
    found = np.empty((4, columns[0].size))
    limit, wet_from, *_ = settings
    rows = zip(*(column.ravel().tolist() for column in columns), strict=True)
    for each, (metal, grams, dry, warmth, vapour, span, lag, through) in enumerate(rows):
        found[:, each] = film.advance(
            metal, grams, dry, warmth, vapour, span, lag, BAY.h_w_m2k, through, limit, wet_from,
            False, SATURATION,
        )  # fmt: skip
    return FilmStep(*(part.reshape(columns[0].shape) for part in found))


class FilmCourse(NamedTuple):
    """(n,) at each sample, g/m² and h."""

    film_g_m2: Floats  # seen to settle, and not yet dried
    worst_g_m2: Floats  # the most that there may be
    wet_hours: Floats  # of this spell
    dry_hours: Floats  # since there can have been none, in its recesses either
    recess_g_m2: Floats  # of their opening, that may stand in its recesses at most


def no_film(n: int) -> NDArray[np.void]:
    """(n,) `FILM` of lots that nothing is known of."""
    found = np.zeros(n, FILM)
    for name in ("air_before", "vapour_before", "metal_before", "metal", "worst_metal"):
        found[name] = np.nan
    found["worst"] = FILM_SETTINGS.limit_g_m2
    found["recess"] = UNKNOWN_RECESS_G_M2
    return found


def film_course(
    air_c: ArrayLike,
    vapour_pa: ArrayLike,
    hours: ArrayLike,
    *,
    on_metal_c: ArrayLike = np.nan,
    time_constant_h: float = 4.3,
    wrapping: Wrapping = BARE,
    shelter: ArrayLike = film.ROOF,
    settings: Film = FILM_SETTINGS,
    state: NDArray[np.void] | None = None,
) -> FilmCourse:
    """One lot's film over ``n`` samples, each ``hours`` after the one before (NaN: a gap).

    ``on_metal_c``: by a tag on the metal, NaN where there is none. ``shelter``: where it stands,
    `rules.film.ROOF`, BOX, OPEN or YARD. ``state``: (1,) of `no_film`,
    moved on, so that a series can be taken in parts; left out: nothing was known. What a gap does:
    `rules.film.courses`.
    """
    columns = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, float)) for v in (air_c, vapour_pa, on_metal_c, hours))
    )
    warmth, vapour, on_metal, step = (np.ascontiguousarray(column) for column in columns)
    stands = np.ascontiguousarray(np.broadcast_to(np.asarray(shelter, np.int64), step.shape))
    state = no_film(1) if state is None else state
    found = np.empty((5, len(step)))
    transfer, shut_in = (
        np.atleast_1d(film_transfer(BAY.convection_w_m2k, each))
        for each in (wrapping.resistance_m2spa_kg, wrapping.shut_in_m2spa_kg)
    )
    film.courses(
        state, np.array([float(time_constant_h)]), transfer, shut_in,
        np.array([0, len(step)]), stands, AROUND, warmth, vapour, on_metal, step, settings,
        SATURATION, found,
    )  # fmt: skip
    return FilmCourse(*found)


def time_of_wetness(temperature: ArrayLike, humidity: ArrayLike, hours: ArrayLike) -> Floats:
    """Of steps of ``hours``, those that count as wet after ISO 9223: above 0 °C and over 80 %RH.

    By the air alone; a film is seen or not by `film_course`. NaN where the air is unknown: it
    counts neither as wet nor as dry.
    """
    warmth, damp = np.asarray(temperature, float), np.asarray(humidity, float)
    wet = np.where((warmth > 0.0) & (damp > WET_HUMIDITY), 1.0, 0.0)
    wet = np.where(np.isnan(warmth + damp), np.nan, wet)
    return np.asarray(wet * np.asarray(hours, float))


def corrosion_hazard(
    wet_hours: ArrayLike,
    hours: ArrayLike,
    humidity: ArrayLike,
    packaging: str = Packaging.STRAPPED,
    *,
    sealed: bool = False,
) -> Floats:
    """What ``hours`` at ``humidity``, ``wet_hours`` of them wet, do, in a bare bundle's wet hours.

    Wet hours times the packaging's factor, and for wood in a closed room the organic acids' part,
    which grows with humidity in a straight line (Tétreault and others 2003; museum stores,
    J. Cultural Heritage 9, 2008). An index to compare lots by: for lead there is no dose and
    response, so it is never a depth a year. It adds up over steps; of a gap (NaN) nothing is known.
    """
    kind = WRAPPINGS.get(packaging, BARE)
    wet, span, damp = (np.asarray(value, float) for value in (wet_hours, hours, humidity))
    acids = ACID_HAZARD if sealed and kind.is_wood else 0.0
    return np.asarray(kind.hazard * wet + acids * span * np.clip(damp, 0.0, 100.0) / 100.0)
