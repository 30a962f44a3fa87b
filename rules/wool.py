"""Wool: its regain and its mass, mould by the VTT index, and moths.

Temperatures are °C, humidities %RH, spans hours. Regain is water per dry mass, %. Functions take
scalars or arrays that broadcast and give arrays (0-d for scalars); NaN in, NaN out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lots.terms import Form
from rules import fibre

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

HYSTERESIS: Final = (0.90, 1.05)
"""What regain may be of its mean: while taking up, and while giving off."""


CARRIAGE_HUMIDITY: Final = (65.0, 75.0)
"""%RH: what wool is best carried at, and the most its own equilibrium humidity may be (GDV)."""
CARRIAGE_WATER: Final = (12.0, 17.0)
"""%, the water content of wool fit for carriage: water in the whole mass, not regain (GDV)."""

MOTH_FROM: Final = 10.0
"""°C, from which clothes moths (Tineola bisselliella) develop."""
MOTH_FASTEST: Final = 24.0
"""°C, beyond which they develop no faster."""
MOTH_UNTIL: Final = 33.0
"""°C, from which they develop no more; they have survived up to it."""
MOTH_GENERATION: Final = 420.0
"""Degree-days above 10 °C from egg to adult."""

TOGETHER_H: Final = 24.0
"""Net mass and regain that are this far apart were not measured together. [D]"""


class Carriage(IntEnum):
    """Whether wool's water is within what carriage asks for."""

    UNKNOWN = 0
    WITHIN = 1
    DRY = 2
    DAMP = 3


@dataclass(frozen=True, slots=True)
class MouldClass:
    """How readily mould grows on a material: a row of the VTT model (Hukka, Viitanen; Ojanen)."""

    k1_early: float  # growth relative to pine sapwood, below index 1
    k1_late: float  # and from it
    a: float  # the highest index that a humidity can bring: a + b r - c r²
    b: float
    c: float
    humidity_min: float  # %RH
    decline: float  # Cmat

    @property
    def pace(self) -> tuple[float, float, float]:
        """What `rules.fibre.advance` asks of a class: k1_early, k1_late and the decline."""
        return self.k1_early, self.k1_late, self.decline


MOULD_CLASSES: Final[Mapping[str, MouldClass]] = MappingProxyType(
    {
        "very_sensitive": MouldClass(1.0, 2.0, 1.0, 7.0, 2.0, 80.0, 0.5),
        "sensitive": MouldClass(0.578, 0.386, 0.3, 6.0, 1.0, 80.0, 0.25),
        "medium_resistant": MouldClass(0.072, 0.097, 0.0, 5.0, 1.5, 85.0, 0.1),
        "resistant": MouldClass(0.033, 0.014, 0.0, 3.0, 1.0, 85.0, 0.1),
    }
)
MOULD_CLASS_OF_FORM: Final[Mapping[str, str]] = MappingProxyType(
    {
        # There is no official class for wool: grease and dirt feed mould, clean fibre less.
        "greasy": "very_sensitive",
        "scoured": "sensitive",
        "tops": "sensitive",
        "cashmere": "sensitive",
    }
)


def regain(humidity: ArrayLike, temperature: ArrayLike = 20.0) -> Floats:
    """%, in equilibrium with air of ``humidity``: GAB at 20 °C, 0.07 points less per K above.

    Fitted from 10 to 92 %RH. Outside that it goes on along the same curve, steadily upward from 0
    at 0 to 28 at 100 %RH: enough to say drier or damper, not to invoice by. Humidity outside 0
    to 100 counts as 0 or 100. A bale takes weeks to come there; `regain_bounds` for its hysteresis.
    """
    activity = np.clip(np.asarray(humidity, float), 0.0, 100.0) / 100.0
    bound = fibre.K * activity
    at_20 = fibre.MONOLAYER * fibre.C * bound / ((1.0 - bound) * (1.0 - bound + fibre.C * bound))
    warmer = np.maximum(np.asarray(temperature, float) - 20.0, 0.0)
    return np.asarray(np.maximum(at_20 + fibre.REGAIN_PER_K * warmer, 0.0))


def regain_bounds(humidity: ArrayLike, temperature: ArrayLike = 20.0) -> tuple[Floats, Floats]:
    """%, the lowest and the highest `regain`: of wool that was drier, and that was damper."""
    mean = regain(humidity, temperature)
    return np.asarray(mean * HYSTERESIS[0]), np.asarray(mean * HYSTERESIS[1])


def dry_mass(net_mass_kg: ArrayLike, regain_pct: ArrayLike) -> Floats:
    """kg without its water, of ``net_mass_kg`` weighed when its regain was ``regain_pct``."""
    return np.asarray(
        np.asarray(net_mass_kg, float) * 100.0 / (100.0 + np.asarray(regain_pct, float))
    )


def expected_scale_mass(
    dry_mass_kg: ArrayLike, regain_low_pct: ArrayLike, regain_high_pct: ArrayLike
) -> tuple[Floats, Floats]:
    """kg, the least and the most that a scale should show now: dry mass x (1 + regain).

    ``dry_mass_kg`` at coring (`dry_mass`), the regain's bounds now (`rules.bale.bale_regain`). More
    or less than that is not water alone. What was sold is another figure: `conditioned_mass`.
    """
    dry = np.asarray(dry_mass_kg, float)
    low, high = np.asarray(regain_low_pct, float), np.asarray(regain_high_pct, float)
    return np.asarray(dry * (1.0 + low / 100.0)), np.asarray(dry * (1.0 + high / 100.0))


def conditioned_mass(
    net_mass_kg: ArrayLike,
    regain_pct: ArrayLike,
    contract_regain_pct: ArrayLike,
    *,
    form: str | None = None,
) -> Floats:
    """kg, the mass to invoice: ``net_mass_kg`` at ``regain_pct``, brought to the contract's regain.

    Mass and regain are to be measured at the same time. The contract's regain is a term of the
    contract: there is no default. Raises ValueError for greasy wool (``form``), of which most that
    is not water is not wool either.
    """
    if form == Form.GREASY:
        raise ValueError(
            "greasy wool has no conditioned mass by regain alone: take the wool base and the yield "
            "of its test certificate"
        )
    net, measured, agreed = (
        np.asarray(value, float) for value in (net_mass_kg, regain_pct, contract_regain_pct)
    )
    return np.asarray(net * (100.0 + agreed) / (100.0 + measured))


def invoice_mass(
    net_mass_kg: float,
    weighed_h: float,
    regain_pct: float,
    cored_h: float,
    contract_regain_pct: float,
    form: str,
) -> float:
    """kg, `conditioned_mass` of a lot weighed and cored at ``weighed_h`` and ``cored_h``, hours of
    one clock.

    What is fixed so does not move afterwards, whatever the bales take up. Raises ValueError if they
    are more than `TOGETHER_H` apart, if a figure is missing or cannot be, and for greasy wool.
    """
    if not abs(weighed_h - cored_h) <= TOGETHER_H:
        raise ValueError(
            f"net mass and regain were measured {abs(weighed_h - cored_h):.0f} h apart, and the "
            f"bales have taken up or given off water since: measure both within {TOGETHER_H:.0f} h"
        )
    for name, value in (
        ("net mass", net_mass_kg), ("regain", regain_pct), ("contract regain", contract_regain_pct),
    ):  # fmt: skip
        if not 0.0 <= value < np.inf:
            raise ValueError(f"the {name} is {value:g}: give what was measured or agreed")
    return float(conditioned_mass(net_mass_kg, regain_pct, contract_regain_pct, form=form))


def equilibrium_humidity(regain_pct: ArrayLike, temperature: ArrayLike = 20.0) -> Floats:
    """%RH of the air that wool of ``regain_pct`` is in balance with: `regain` the other way round.

    0 to 100; 100 where no air can be so damp.
    """
    regain_, t = np.broadcast_arrays(np.asarray(regain_pct, float), np.asarray(temperature, float))
    found = np.empty(regain_.size)
    fibre.humidities(regain_.ravel(), t.ravel(), found)
    return found.reshape(regain_.shape)


def water_content(regain_pct: ArrayLike) -> Floats:
    """%, water in the whole mass, of wool with ``regain_pct`` of water in its dry mass."""
    regain_ = np.asarray(regain_pct, float)
    return np.asarray(100.0 * regain_ / (100.0 + regain_))


def carriage(regain_low_pct: ArrayLike, regain_high_pct: ArrayLike) -> Codes:
    """`Carriage` codes of wool whose regain lies between two bounds.

    DAMP where the high bound is over 17 % of water or in balance with over 75 %RH, DRY where the
    high bound is under 12 % of water: wool that may be damp is not said to be within.
    """
    low, high = water_content(regain_low_pct), water_content(regain_high_pct)
    damp = equilibrium_humidity(regain_high_pct) > CARRIAGE_HUMIDITY[1]
    found = np.where(damp | (high > CARRIAGE_WATER[1]), Carriage.DAMP, Carriage.WITHIN)
    found = np.where(high < CARRIAGE_WATER[0], Carriage.DRY, found)
    return np.where(np.isnan(low + high), Carriage.UNKNOWN, found).astype(np.int8)


def moth_degrees(temperature: ArrayLike) -> Floats:
    """K, degree-days a day that clothes moths gain at ``temperature``.

    Tineola bisselliella develops from 10 °C, fastest at 24, and has survived up to 33: above 10,
    the same from 24 on [D], nothing from 33. `MOTH_GENERATION` from egg to adult.
    """
    t = np.asarray(temperature, float)
    gained = np.clip(t - MOTH_FROM, 0.0, MOTH_FASTEST - MOTH_FROM)
    return np.where(t >= MOTH_UNTIL, 0.0, gained)


def moth_degree_days(temperature: ArrayLike, hours: ArrayLike, start: float = 0.0) -> Floats:
    """(n,) degree-days after each of ``n`` steps of ``hours`` at ``temperature``, from ``start``.

    In a gap (NaN) nothing is gained: the sum is of what was seen.
    """
    gained = moth_degrees(np.atleast_1d(temperature)) * np.asarray(hours, float) / 24.0
    return np.asarray(start + np.cumsum(np.where(np.isnan(gained), 0.0, gained)))


def mould_index(
    temperature: ArrayLike,
    humidity: ArrayLike,
    hours_per_step: ArrayLike,
    mould_class: str,
    start: float = 0.0,
) -> Floats:
    """(n,) the mould index, 0 to 6, after each of ``n`` steps, from ``start``.

    ``temperature`` and ``humidity`` hold during a step of ``hours_per_step``; all three broadcast
    to (n,). From a NaN on the index is NaN. Raises ValueError for a class that does not exist.
    """
    return mould_course(start, 0.0, temperature, humidity, hours_per_step, mould_class)[0]


def mould_course(
    index: float,
    dry_hours: float,
    temperature: ArrayLike,
    humidity: ArrayLike,
    hours: ArrayLike,
    mould_class: str,
) -> tuple[Floats, Floats]:
    """Steps of one lot: (n,) its index and (n,) its hours outside growth after each.

    As ``n`` times `mould_step`, faster: what needs no order is done in columns, the rest in floats.
    """
    kind = _class(mould_class)
    columns = np.broadcast_arrays(
        np.atleast_1d(np.asarray(temperature, float)),
        np.atleast_1d(np.asarray(humidity, float)),
        np.atleast_1d(np.asarray(hours, float)),
    )
    rate, highest = _growth(columns[0], columns[1], kind)
    index, dry_hours = float(index), float(dry_hours)
    found = np.empty((2, len(rate)))
    for position, (pace, limit, span) in enumerate(
        zip(rate.tolist(), highest.tolist(), columns[2].tolist(), strict=True)
    ):
        index, dry_hours = fibre.advance(index, dry_hours, pace, limit, span, *kind.pace)
        found[0, position] = index
        found[1, position] = dry_hours
    return found[0], found[1]


def mould_step(
    index: ArrayLike,
    dry_hours: ArrayLike,
    temperature: ArrayLike,
    humidity: ArrayLike,
    hours: ArrayLike,
    mould_class: str,
) -> tuple[Floats, Floats]:
    """One step of any number of lots: their index and their hours outside growth after it.

    Within a step the model is solved exactly, so that two steps are as good as one: a state that is
    folded does not depend on how its readings were cut. Start with index 0 and dry_hours 0.
    """
    kind = _class(mould_class)
    m, dry, warmth, damp, span = np.broadcast_arrays(
        *(np.asarray(value, float) for value in (index, dry_hours, temperature, humidity, hours))
    )
    rate, highest = _growth(warmth, damp, kind)
    after = np.empty((2, m.size))
    for lot in range(m.size):
        after[:, lot] = fibre.advance(
            float(m.flat[lot]),
            float(dry.flat[lot]),
            float(rate.flat[lot]),
            float(highest.flat[lot]),
            float(span.flat[lot]),
            *kind.pace,
        )
    return after[0].reshape(m.shape), after[1].reshape(m.shape)


def critical_humidity(temperature: ArrayLike, mould_class: str) -> Floats:
    """%RH from which mould grows at ``temperature``; inf where none does (0 °C, 50 °C, beyond)."""
    t, kind = np.asarray(temperature, float), _class(mould_class)
    found = [fibre.critical(each, kind.humidity_min) for each in t.ravel().tolist()]
    return np.asarray(found, float).reshape(t.shape)


def growth(temperature: ArrayLike, humidity: ArrayLike, mould_class: str) -> tuple[Floats, Floats]:
    """Index per hour at k1 = k2 = 1, 0 where mould does not grow; and the highest index there."""
    return _growth(np.asarray(temperature, float), np.asarray(humidity, float), _class(mould_class))


def _class(name: str) -> MouldClass:
    try:
        return MOULD_CLASSES[name]
    except KeyError:
        known = ", ".join(MOULD_CLASSES)
        raise ValueError(f"there is no mould class {name!r}: use one of {known}") from None


def _growth(t: Floats, humidity: Floats, kind: MouldClass) -> tuple[Floats, Floats]:
    warmth, damp = np.broadcast_arrays(t, humidity)
    found = np.empty((2, warmth.size))
    fibre.growths(warmth.ravel(), damp.ravel(), kind.a, kind.b, kind.c, kind.humidity_min, found)
    return found[0].reshape(warmth.shape), found[1].reshape(warmth.shape)
