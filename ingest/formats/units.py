"""Units that devices and their gateways measure in, and how they become ours. Pure.

Ours are those of `ReadingBatch`: °C, %RH, hPa, V, g, °, lx. Names are compared without case and
blanks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Conversion(NamedTuple):
    """``value`` x factor + offset; 12 digits, so that 214 x 0.1 is 21.4."""

    factor: float = 1.0
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        if self.factor == 1.0 and self.offset == 0.0:
            return value
        return float(f"{value * self.factor + self.offset:.12g}")

    def after(self, first: Conversion) -> Conversion:
        """``first``, then this."""
        return Conversion(first.factor * self.factor, first.offset * self.factor + self.offset)


AS_IT_IS = Conversion()


class UnitError(ValueError):
    """A unit that is not known, or not one of the quantity; names those that are."""


_KINDS: Mapping[str, Mapping[str, tuple[str, float, float]]] = MappingProxyType(
    {
        "temperature": {
            "°C": ("C degC Cel celsius deg_C degrees_C ℃", 1.0, 0.0),
            "°F": ("F degF fahrenheit deg_F degrees_F ℉", 5 / 9, -160 / 9),
            "K": ("kelvin degK", 1.0, -273.15),
        },
        "ratio": {
            "%": ("%RH RH% percent pct %EL", 1.0, 0.0),
            "0..1": ("1 / ratio fraction", 100.0, 0.0),
            "‰": ("permille", 0.1, 0.0),
        },
        "pressure": {
            "hPa": ("mbar millibar hectopascal", 1.0, 0.0),
            "Pa": ("pascal", 0.01, 0.0),
            "kPa": ("kilopascal", 10.0, 0.0),
            "bar": ("", 1000.0, 0.0),
            "mmHg": ("torr", 1.33322387415, 0.0),
            "inHg": ("", 33.8638866667, 0.0),
            "psi": ("", 68.9475729318, 0.0),
            "atm": ("", 1013.25, 0.0),
        },
        "voltage": {
            "V": ("volt volts", 1.0, 0.0),
            "mV": ("millivolt millivolts", 0.001, 0.0),
        },
        "acceleration": {
            "g": ("gn", 1.0, 0.0),
            "mg": ("", 0.001, 0.0),
            "m/s²": ("m/s2", 1 / 9.80665, 0.0),
        },
        "angle": {
            "°": ("deg degree degrees lat lon", 1.0, 0.0),
            "rad": ("radian radians", 57.2957795130823, 0.0),
        },
        "illuminance": {
            "lx": ("lux", 1.0, 0.0),
            "klx": ("klux", 1000.0, 0.0),
            "fc": ("footcandle", 10.7639104167, 0.0),
        },
    }
)
"""What is measured -> unit -> other names of it, factor and offset to ours, the first."""

_MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature",
        "probe": "temperature",
        "humidity": "ratio",
        "pressure": "pressure",
        "battery": "voltage",
        "shock": "acceleration",
        "tilt": "angle",
        "lat": "angle",
        "lon": "angle",
        "light": "illuminance",
    }
)
"""Quantity -> what it measures. A tenant's own may measure anything."""


def _by_name() -> Mapping[str, tuple[str, Conversion]]:
    found = {}
    for kind, units in _KINDS.items():
        for unit, (others, factor, offset) in units.items():
            for name in (unit, *others.split()):
                found[_plain(name)] = (kind, Conversion(factor, offset))
    return MappingProxyType(found)


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


_UNITS = _by_name()


def conversion(quantity: str, unit: str) -> Conversion:
    """From ``unit`` to the one that ``quantity`` is kept in; raises `UnitError`."""
    wanted = _MEASURES.get(quantity)
    kind, found = _UNITS.get(_plain(unit), (None, None))
    if found is None:
        raise UnitError(f"the unit {unit!a} is not known: use one of {names(wanted)}")
    if wanted not in (kind, None):
        raise UnitError(f"{quantity} is not measured in {unit!a}: use one of {names(wanted)}")
    return found


def measured(unit: str) -> str | None:
    """What is measured in ``unit``: "temperature", "ratio" …; None for one that is not known."""
    return _UNITS.get(_plain(unit), (None, None))[0]


def names(kind: str | None) -> str:
    """The units of a kind, or of all."""
    kinds = [_KINDS[kind]] if kind else list(_KINDS.values())
    return ", ".join(unit for units in kinds for unit in units)


def unit_of(quantity: str) -> str:
    """The unit that ``quantity`` is kept in; "" where there is none, or nobody knows."""
    if quantity == "humidity":
        return "%RH"
    kind = _MEASURES.get(quantity)
    return next(iter(_KINDS[kind])) if kind else ""
