"""The options of a row of the settings, checked one by one. Pure; all raise `OptionsError`."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from ingest.formats.decoded import OptionsError
from ingest.formats.rows import QUANTITIES, Unusable, require_name, shown
from ingest.formats.units import Conversion, UnitError, conversion

CONVERTED = ("unit", "scale", "offset")


def only(options: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
    """Nothing but ``known`` may be there; ``where`` is the option that has them, "" for the row."""
    for name in options:
        if name not in known:
            raise OptionsError(
                f"option {_of(where, name)}: there is no such option: "
                f"use {', '.join(sorted(known)) or 'none'}"
            )


def text(options: Mapping[str, Any], name: str, where: str = "") -> str:
    """ "" where it is absent."""
    value = options.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not value:
        raise OptionsError(f"option {_of(where, name)} is {shown(value)}: write text")
    return value


def number(options: Mapping[str, Any], name: str, default: float, where: str = "") -> float:
    value = options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise OptionsError(f"option {_of(where, name)} is {shown(value)}: write a number")
    return float(value)


def switch(options: Mapping[str, Any], name: str, where: str = "") -> bool:
    """False where it is absent."""
    value = options.get(name, False)
    if not isinstance(value, bool):
        raise OptionsError(f"option {_of(where, name)} is {shown(value)}: write true or false")
    return value


def table(options: Mapping[str, Any], name: str, where: str = "") -> Mapping[str, Any]:
    """Empty where it is absent."""
    value = options.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise OptionsError(f"option {_of(where, name)} is {shown(value)}: write a table of names")
    return value


def converted(quantity: str, options: Mapping[str, Any], where: str) -> Conversion:
    """What is sent x ``scale`` + ``offset`` is in ``unit``, and that becomes the quantity's own."""
    scale = number(options, "scale", 1.0, where)
    if scale == 0:
        raise OptionsError(f"option {where}.scale is 0: leave it out, or write another number")
    scaled = Conversion(scale, number(options, "offset", 0.0, where))
    unit = text(options, "unit", where)
    if not unit:
        return scaled
    try:
        return conversion(quantity, unit).after(scaled)
    except UnitError as error:
        raise OptionsError(f"option {where}.unit: {error}") from None


def quantity(name: str, where: str) -> str:
    """``name``, if a quantity can be called so."""
    try:
        if name not in QUANTITIES:
            require_name(name)
    except Unusable as error:
        raise OptionsError(f"option {where}: {error}") from None
    return name


def _of(where: str, name: str) -> str:
    return f"{where}.{name}" if where else ascii(name).strip("'")
