"""A bale of wool: how water comes into it in weeks, and how it may heat by itself.

Temperatures are °C, humidities %RH, spans hours. Regain is water per dry mass, %. Functions take
scalars or arrays that broadcast and give arrays (0-d for scalars); NaN is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lots.terms import Packaging
from rules import fibre
from rules.wool import HYSTERESIS, regain_bounds

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

DRIEST: Final = 0.0
"""%, the least regain there is: across a gap the air may have been bone dry."""


class Bale(NamedTuple):
    """How a bale takes water up. [D]: six weeks did not bring bales to balance (CSIRO, 1955)."""

    outer_lag_h: float = 12.0
    core_lag_h: float = 1000.0  # six weeks
    outer_share: float = 0.2  # of the dry mass


BALE: Final = Bale()

WRAPS: Final[Mapping[str, float]] = MappingProxyType(
    {
        # 10 mm of it are the air at a bale, of 2.5 W/m²K by convection (ISO 6946, still air).
        Packaging.STRAPPED: 0.010,
        Packaging.PALLET: 0.010,
        # An open weave.
        Packaging.BALE_JUTE: 0.015,
        Packaging.BALE_NYLON: 0.057,
        # As they hold vapour up around lead, `rules.lead.WRAPPINGS`.
        Packaging.SHRINK_WRAPPED: 0.055,
        Packaging.BOXED: 0.37,
    }
)
"""m of still air that hold vapour up as what is around wool does, by `Packaging`. [D]"""


def wrap(packaging: str) -> float:
    """m, of `WRAPS`; where it is not known a pack of nylon."""
    return WRAPS.get(packaging, WRAPS[Packaging.BALE_NYLON])


class Heating(IntEnum):
    """What a core probe says of a bale."""

    UNKNOWN = 0
    NONE = 1  # the core is no warmer than the air
    LAG = 2  # it is, and cools as a bale does
    SELF_HEATING = 3


class SelfHeating(NamedTuple):
    """Limits of self-heating. [D]"""

    lag_h: float = 120.0  # of a bale's core behind the air
    smoothing_h: float = 24.0
    above_k: float = 2.0  # of the core above the air; a probe and a tag may differ by 1 K
    damp_regain_pct: float = 18.0
    damp_rate: float = 1.0  # K/day, of damp wool
    dry_rate: float = 3.0  # K/day, of dry: pieces with grease can heat by oxygen alone


SELF_HEATING: Final = SelfHeating()


_DAMPEST: Final = float(regain_bounds(100.0)[1])

BALES: Final = np.dtype(
    [
        ("outer_low", np.float64),  # %, of the regain
        ("outer_high", np.float64),
        ("core_low", np.float64),
        ("core_high", np.float64),
        ("regain", np.float64),  # what the outer layer's most likely is,
        ("surface_humidity", np.float64),  # %RH of the air in it,
        ("regain_hours", np.float64),  # and for how long they have followed the air
        ("regain_before", np.float64),  # %, the mean of the last five days
        ("layers", np.float64, (fibre.LAYERS,)),  # %, of one that was cored, from its surface
        ("layer_hours", np.float64),  # since they moved on
        ("inside", np.float64),  # °C, of its core
        ("mould", np.float64),
        ("mould_dry_hours", np.float64),
        ("mould_pace", np.float64),  # the mean course of the index: `fibre.ahead`
        ("mould_brake", np.float64),
        ("mould_in", np.float64),  # h
        ("heating_core", np.float64),  # °C
        ("heating_air", np.float64),
        ("core_warming", np.float64),  # K/day
    ]
)
"""What is kept of a lot of wool."""

SETTINGS: Final = (
    BALE.outer_lag_h, BALE.core_lag_h, *HYSTERESIS, DRIEST, _DAMPEST,
    SELF_HEATING.lag_h, SELF_HEATING.smoothing_h,
)  # fmt: skip
"""As `fibre.courses` takes them."""


_AT_FIRST: Final = {
    "outer_low": DRIEST, "outer_high": _DAMPEST, "core_low": DRIEST, "core_high": _DAMPEST,
    "mould": 0.0, "mould_dry_hours": 0.0,
}  # fmt: skip


def of_unknown(n: int) -> NDArray[np.void]:
    """(n,) `BALES` of which nothing is known: no mould, and as much water as can be, or none."""
    found = np.zeros(n, BALES)
    for name in BALES.names or ():
        found[name] = _AT_FIRST.get(name, np.nan)
    return found


def known(bales: NDArray[np.void], unknown: NDArray[np.bool_]) -> dict[str, Floats]:
    """`fibre.FOUND` by name, of ``bales`` (n,) with the fields of `BALES` as they are now; where
    the air is ``unknown`` (n,) nothing is said of what it does."""
    settled = bales["regain_hours"] >= fibre.SETTLED_LAGS * BALE.outer_lag_h
    said = {
        "regain": np.where(settled, bales["regain"], np.nan),
        "regain_low": bales["outer_low"],
        "regain_high": bales["outer_high"],
        "core_regain_low": bales["core_low"],
        "core_regain_high": bales["core_high"],
        "surface_humidity": np.where(unknown, np.nan, bales["surface_humidity"]),
        "mould_index": np.where(unknown, np.nan, bales["mould"]),
        "mould_in_hours": bales["mould_in"],
        "core_warming": bales["core_warming"],
    }
    return {name: np.asarray(said[name]) for name in fibre.FOUND}


class Layers(NamedTuple):
    """Regain of a bale's outer layer and core, %: each the lowest and the highest it may be."""

    outer_low: Floats
    outer_high: Floats
    core_low: Floats
    core_high: Floats


def balanced_layers(humidity: ArrayLike, temperature: ArrayLike = 20.0) -> Layers:
    """A bale that has long lain in air of ``humidity``."""
    low, high = regain_bounds(humidity, temperature)
    return Layers(low, high, low, high)


def unknown_layers() -> Layers:
    """A bale of which nothing is known: anything from bone dry to what saturated air gives."""
    low, high = np.asarray(DRIEST), np.asarray(_DAMPEST)
    return Layers(low, high, low, high)


def layers_step(
    layers: Layers,
    humidity: ArrayLike,
    temperature: ArrayLike,
    hours: ArrayLike,
    bale: Bale = BALE,
) -> Layers:
    """One step of any number of bales, in air that stays as it is.

    The low bound follows the regain of wool that takes water up, the high one that of wool that
    gives it off. Exact for constant air, so two steps are as good as one. Where the air is not
    known (NaN), a gap of known ``hours``, the bounds part: towards bone dry and towards saturated.
    """
    outer_low, outer_high, core_low, core_high, damp, warmth, span = np.broadcast_arrays(
        *(np.asarray(value, float) for value in (*layers, humidity, temperature, hours))
    )
    low, high = _balance_bounds(damp, warmth)
    after = np.empty((4, span.size))
    for each, (*four, down, up, step) in enumerate(
        zip(
            *(column.ravel().tolist() for column in (outer_low, core_low, outer_high, core_high)),
            low.ravel().tolist(),
            high.ravel().tolist(),
            span.ravel().tolist(),
            strict=True,
        )
    ):
        lags = bale.outer_lag_h, bale.core_lag_h
        after[0, each], after[2, each] = fibre.soak(four[0], four[1], down, step, *lags)
        after[1, each], after[3, each] = fibre.soak(four[2], four[3], up, step, *lags)
    return Layers(*(part.reshape(span.shape) for part in after))


def layers_course(
    layers: Layers,
    humidity: ArrayLike,
    temperature: ArrayLike,
    hours: ArrayLike,
    bale: Bale = BALE,
) -> Layers:
    """(n,) one bale after each of ``n`` steps, from ``layers``; as ``n`` times `layers_step`."""
    damp, warmth, span = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, float)) for value in (humidity, temperature, hours))
    )
    found = np.empty((4, len(span)))
    step = np.ascontiguousarray(span)
    for at, balance in enumerate(_balance_bounds(damp, warmth)):
        fibre.soak_course(
            float(layers[at]), float(layers[2 + at]), balance, step,
            bale.outer_lag_h, bale.core_lag_h, found[at::2],
        )  # fmt: skip
    return Layers(*found)


def _balance_bounds(humidity: Floats, temperature: Floats) -> tuple[Floats, Floats]:
    low, high = regain_bounds(humidity, temperature)
    unknown = np.isnan(low)
    return np.where(unknown, DRIEST, low), np.where(unknown, _DAMPEST, high)


def bale_regain(layers: Layers, bale: Bale = BALE) -> tuple[Floats, Floats]:
    """%, the lowest and the highest regain of the whole bale: its layers by their dry mass."""
    share = bale.outer_share
    return (
        np.asarray(share * layers.outer_low + (1 - share) * layers.core_low),
        np.asarray(share * layers.outer_high + (1 - share) * layers.core_high),
    )


def heating_course(
    core: ArrayLike,
    air_temperature: ArrayLike,
    hours: ArrayLike,
    limits: SelfHeating = SELF_HEATING,
    rate: float = np.nan,
) -> Floats:
    """(n,) K/day that a bale's core warms by itself at each of ``n`` samples.

    ``core`` by a probe in it and ``air_temperature`` around it, °C, ``hours`` since the sample
    before (NaN: a gap, over which the rate stays as it was). A bale that merely lags behind the air
    has 0. The first sample has nothing before it: NaN unless ``rate`` goes on from there.
    """
    inside, around, span = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, float)) for value in (core, air_temperature, hours))
    )
    found = np.empty(len(span))
    inside, around, span = (np.ascontiguousarray(column) for column in (inside, around, span))
    fibre.heating_course(rate, inside, around, span, limits.lag_h, limits.smoothing_h, found)
    return found


def self_heating(
    core: ArrayLike,
    air_temperature: ArrayLike,
    rate: ArrayLike,
    regain_high_pct: ArrayLike,
    limits: SelfHeating = SELF_HEATING,
) -> Codes:
    """`Heating` codes from a core probe against the air around it.

    SELF_HEATING: the core is above the air and warms by itself (``rate``, K/day of
    `heating_course`) faster than a limit, which is low for damp wool: ``regain_high_pct``, and
    wool of unknown regain counts as damp. Warm without that is a bale's LAG.
    """
    inside, around, pace, damp = (
        np.asarray(value, float) for value in (core, air_temperature, rate, regain_high_pct)
    )
    above = inside - around > limits.above_k
    limit = np.where(damp < limits.damp_regain_pct, limits.dry_rate, limits.damp_rate)
    found = np.where(above, np.where(pace > limit, Heating.SELF_HEATING, Heating.LAG), Heating.NONE)
    unknown = np.isnan(inside + around) | (above & np.isnan(pace))
    return np.where(unknown, Heating.UNKNOWN, found).astype(np.int8)
