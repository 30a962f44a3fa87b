"""What quantities are called elsewhere, and what a row's options say that others are. Pure.

Names are compared without case, "_", "-", "." and blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ingest.formats import options as checked
from ingest.formats.decoded import OptionsError
from ingest.formats.rows import Unusable, shown
from ingest.formats.units import Conversion, UnitError, conversion, measured

_PUNCTUATION = re.compile(r"[\s_.-]+")

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temp airtemperature airtemp ambienttemperature ambienttemp drybulb",
        "humidity": "hum rh relativehumidity relhumidity airhumidity ambienthumidity",
        "pressure": "airpressure barometricpressure barometer atmosphericpressure",
        "probe": "probetemperature surfacetemperature coretemperature externaltemperature",
        "battery": "batteryvoltage vbat batt batvoltage",
        "shock": "",
        "tilt": "",
        "light": "illuminance lux illumination",
        "door": "dooropen doorstatus",
        "lat": "latitude",
        "lon": "longitude lng",
        "co2": "carbondioxide",
    }
)
"""Quantity -> its other names."""


def _by_name() -> Mapping[str, str]:
    return MappingProxyType(
        {
            name: quantity
            for quantity, others in _NAMES.items()
            for name in (quantity, *others.split())
        }
    )


_QUANTITIES = _by_name()


class Chosen(NamedTuple):
    """What an option says a name is; without a ``convert`` the message's own unit counts."""

    quantity: str
    convert: Conversion | None


def known_by(name: str) -> str | None:
    """The quantity that ``name`` is another name of."""
    return _QUANTITIES.get(_PUNCTUATION.sub("", name).casefold())


def chosen(options: Mapping[str, Any]) -> dict[str, Chosen]:
    """Name -> what it is, of the option ``quantities``; raises `OptionsError`.

    {"probe": "inlet"} or {"probe": {"name": "inlet", "unit": "degF", "scale": 0.1}}.
    """
    found: dict[str, Chosen] = {}
    for quantity, value in checked.table(options, "quantities").items():
        where = f"quantities.{quantity}" if quantity.isidentifier() else "quantities"
        checked.quantity(quantity, where)
        convert = None
        if isinstance(value, Mapping):
            checked.only(value, ("name", *checked.CONVERTED), where)
            name = checked.text(value, "name", where)
            if value.keys() & set(checked.CONVERTED):
                convert = checked.converted(quantity, value, where)
        else:
            name = value if isinstance(value, str) else ""
        if not name:
            raise OptionsError(
                f'option {where} is {shown(value)}: write its name in the messages, or {{"name": …,'
                ' "unit": …}'
            )
        found[name] = Chosen(quantity, convert)
    return found


def in_own_unit(quantity: str, value: float, unit: str) -> tuple[str, float]:
    """Quantity and value, converted from ``unit`` ("" for the quantity's own).

    What a battery has in % is its level. Quantities of a tenant's own stay as they are. Raises
    `Unusable`.
    """
    if quantity == "battery" and measured(unit) == "ratio":
        return "battery_level", value
    if not unit or quantity not in _NAMES or quantity in ("door", "co2"):
        return quantity, value
    try:
        return quantity, conversion(quantity, unit)(value)
    except UnitError as error:
        raise Unusable(f"{error}; or say what it is in the option quantities.{quantity}") from None
