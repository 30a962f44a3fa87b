"""What a decoder on the network server gave: names of many kinds, for few quantities. Pure.

Names are compared without case, "_", "-", "." and blanks; ``docs/formats/lorawan-devices.md`` has
the table. A unit is never guessed but where a number can be of one unit only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite, isnan, nan
from types import MappingProxyType
from typing import Any

from ingest.formats.devices.payload import Content, Measured, Values

MAX_DEPTH = 4
MAX_RECORDS = 500
_MAX_NUMBER = 8  # of sensors of a kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMAL = re.compile(r"\s*[+-]?\d{1,9}(\.\d{1,12})?\s*")
_LETTERS = re.compile(r"[^a-z0-9]")
_NUMBERED = re.compile(r"([a-z]+?)(?:ch|chn|channel)?(\d)")

Convert = Callable[[float], float | None]


def _same(value: float) -> float:
    return value


def _by(factor: float) -> Convert:
    return lambda value: value * factor


def _over(divisor: float) -> Convert:
    return lambda value: value / divisor


def _fahrenheit(value: float) -> float:
    return (value - 32) / 1.8


def _temperature(value: float) -> float | None:
    """Without what the vendors send for a sensor that is not there."""
    return None if value in _NO_TEMPERATURE else value


def _humidity(value: float) -> float | None:
    return None if value in _NO_HUMIDITY else value


def _pressure(value: float) -> float | None:
    """hPa or Pa: the air's can be one of them only."""
    if 300 <= value <= 1200:
        return value
    return value / 100 if 30_000 <= value <= 120_000 else None


def _volts(value: float) -> float | None:
    """V or mV: no battery has more than 30 V, nor less than 1 V."""
    return value if value <= 30 else _over(1000)(value)


_NO_TEMPERATURE = frozenset([327.67, -327.68, 3276.7, -3276.8, 655.35, 6553.5, -999.0, 999.0])
_NO_HUMIDITY = frozenset([127.5, 255.0, 409.5, 655.35, 6553.5, 3276.7, -999.0])


def _aliases() -> Mapping[str, tuple[str, Convert]]:
    """Name as it is compared -> quantity, and how the number becomes one in its unit."""
    found: dict[str, tuple[str, Convert]] = {}

    def named(quantity: str, convert: Convert, names: str) -> None:
        found.update(dict.fromkeys(names.split(), (quantity, convert)))

    named(
        "temperature",
        _temperature,
        """temperature temp tempc temperaturec temperaturecelsius tempcelsius tempcsht tempcsht20
        tempcsht31 tempcsht2x temperaturesht airtemperature airtemp ambienttemperature ambienttemp
        internaltemperature insidetemperature builtintemperature roomtemperature
        temperaturesensor""",
    )
    named(
        "temperature",
        _fahrenheit,
        "temperaturef tempf temperaturefahrenheit tempfahrenheit",
    )
    named(
        "probe",
        _temperature,
        """probe probetemperature probetemp externaltemperature externaltemp exttemperature exttemp
        tempext surfacetemperature tempcds tempcds18b20 ds18b20 ds18b20temperature tempctmp117
        exttempcsht""",
    )
    named(
        "humidity",
        _humidity,
        """humidity hum humi rh relativehumidity humidityrh humiditypercent humsht humsht20 humsht31
        airhumidity ambienthumidity roomhumidity internalhumidity humiditysensor""",
    )
    named(
        "pressure",
        _pressure,
        "pressure airpressure barometricpressure atmosphericpressure barometer",
    )
    named("pressure", _same, "pressurehpa pressurembar airpressurehpa barometricpressurehpa")
    named("pressure", _over(100), "pressurepa airpressurepa barometricpressurepa")
    named("pressure", _by(10), "pressurekpa airpressurekpa barometricpressurekpa")
    named("battery", _same, "batv batteryv battv batteryvolt batteryvolts batvolt vbat vbatt volt")
    named("battery", _over(1000), "batmv batterymv vddmv batteryvoltagemv vdd")
    named("battery", _volts, "batteryvoltage batvoltage")
    named(
        "battery_pct",
        _same,
        """batterypct batterypercent batterypercentage batterylevelpercent batterypct batpercent
        batpct batteryremaining""",
    )
    named("co2", _same, "co2 co2ppm co2concentration carbondioxide")
    named(
        "light",
        _same,
        """light lux illuminance illumination illum illlx lightlux luminosity lightintensity
        ambientlight illuminancesensor lightsensor""",
    )
    named("door", _same, "door dooropen dooropenstatus magnet magnetstatus reed")
    named("tvoc", _same, "tvoc")
    named("pm2_5", _same, "pm25")
    named("pm10", _same, "pm10")
    named("lat", _same, "lat latitude")
    named("lon", _same, "lon lng longitude")
    return MappingProxyType(found)


_ALIASES = _aliases()
_BATTERY = frozenset(["battery", "bat", "batt", "batterylevel", "batlevel", "batterystatus"])
_DOOR_TEXT: Mapping[str, float] = {"open": 1, "opened": 1, "close": 0, "closed": 0}
_INTO = frozenset(
    [
        "data", "payload", "decoded", "sensor", "sensors", "measurement", "measurements", "values",
        "object", "environment", "environmental", "air", "indoor", "internal", "inside", "uplink",
        "telemetry", "action", "report",
    ]
)  # fmt: skip
_RECORDS = frozenset(
    ["history", "historical", "datalog", "records", "readings", "samples", "log", "logs"]
) | {"data", "values", "measurements"}
_NUMBERED_TOO = ("humidity", "pressure", "battery", "battery_pct", "co2", "light", "probe", "door")
_OUTSIDE = frozenset(["external", "ext", "outdoor", "probe", "soil", "surface"])
"""Of what is not the air at the device: its temperature is a probe's, and no other value counts."""

_UNITS: Mapping[str, str] = {
    **dict.fromkeys(["", "°c", "c", "celsius", "%rh", "hpa", "mbar", "ppm", "lx", "lux"], ""),
    **dict.fromkeys(["°f", "f", "fahrenheit"], "f"),
    "%": "pct",
    "v": "v",
    "mv": "mv",
    "pa": "pa",
    "kpa": "kpa",
}
"""Unit -> what stands behind a name that has it; "" where it is ours."""

_VALUE = ("value", "current", "last")
_TIMES = ("timestamp", "time", "ts", "datetime", "unixtime", "date", "measuredat")


def _key(name: str) -> str:
    return _LETTERS.sub("", name.lower())


def content(said: Any) -> Content:
    """What ``said``, as JSON, holds of what is known; records that have a time are of that time."""
    readings: list[Measured] = []
    troubles: list[str] = []
    now: Values = {}
    _walk(said, now, readings, troubles, MAX_DEPTH)
    values = _settled(now)
    return Content(([Measured(values)] if values else []) + readings, troubles)


def _settled(values: Values) -> Values:
    """Of numbered sensors the first is the device's, where no other is; a first thermometer beside
    another is a probe. What gave no value (NaN) has kept its name until here."""
    for base in ("temperature", *_NUMBERED_TOO):
        numbers = [n for n in range(1, _MAX_NUMBER + 1) if f"{base}_{n}" in values]
        if numbers and base not in values:
            values[base] = values.pop(f"{base}_{numbers[0]}")
        elif base == "temperature" and numbers[:1] == [1]:
            values.setdefault("probe", values.pop("temperature_1"))
    return {name: value for name, value in values.items() if not isnan(value)}


def _walk(
    said: Any, now: Values, readings: list[Measured], troubles: list[str], depth: int
) -> None:
    if isinstance(said, list):
        for place, item in enumerate(said[:MAX_RECORDS]):
            if isinstance(item, dict):
                _record(place, item, now, readings, troubles, depth)
        if len(said) > MAX_RECORDS:
            troubles.append(f"more than {MAX_RECORDS} records: the rest was left out")
    elif isinstance(said, dict):
        for name, value in said.items():
            _entry(name, value, now, readings, troubles, depth)


def _entry(
    name: str,
    value: Any,
    now: Values,
    readings: list[Measured],
    troubles: list[str],
    depth: int,
) -> None:
    key = _key(name)
    if isinstance(value, list):
        if depth and key in _RECORDS:
            _walk(value, now, readings, troubles, depth - 1)
    elif isinstance(value, dict) and key in _INTO and depth:
        _walk(value, now, readings, troubles, depth - 1)
    elif isinstance(value, dict) and key in _OUTSIDE:
        outside: Values = {}
        _walk(value, outside, [], [], 0)
        if "temperature" in outside:
            now.setdefault("probe", outside["temperature"])
        elif not outside:
            _take(key, value, now)
    else:
        _take(key, value, now)


def _record(
    place: int,
    item: dict[str, Any],
    now: Values,
    readings: list[Measured],
    troubles: list[str],
    depth: int,
) -> None:
    """A record with a time is a reading of its own; the first without belongs to the uplink."""
    values: Values = {}
    if depth:
        _walk(item, values, [], [], depth - 1)
    values = _settled(values)
    if not values:
        return
    t = next((item[name] for name in item if _key(name) in _TIMES), None)
    at = instant(t)
    if at is not None:
        readings.append(Measured(values, t=at))
    elif t is None and not now.keys() & values.keys():
        now |= values
    else:
        troubles.append(
            f"record {place} of the decoder has no time that can be read: let it give s since 1970"
        )


def _take(key: str, value: Any, now: Values) -> None:
    """A value under a name that is known; what comes first counts."""
    if isinstance(value, dict):
        _take_structure(key, value, now)
        return
    if key in _BATTERY:
        _take_battery(_number(value), now)
        return
    quantity, convert = _meaning(key)
    if not quantity or (quantity in now and now[quantity] == now[quantity]):
        return
    number = _number(value)
    if quantity == "door" and isinstance(value, str):
        number = _DOOR_TEXT.get(value.strip().lower())
    elif isinstance(value, bool) and quantity != "door":
        return
    converted = convert(number) if number is not None else None
    # a thermometer that is there, and gives nothing just now, keeps its name: NaN until the end
    now[quantity] = converted if converted is not None else nan


def _meaning(key: str) -> tuple[str, Convert]:
    """Quantity ("" where the name is not known) and conversion; numbered ones keep their number."""
    found = _ALIASES.get(key)
    if found:
        return found
    numbered = _NUMBERED.fullmatch(key)
    if numbered and (found := _ALIASES.get(numbered[1])):
        number = int(numbered[2])
        if 1 <= number <= _MAX_NUMBER:
            return f"{found[0]}_{number}", found[1]
    return "", _same


def _take_structure(key: str, value: dict[str, Any], now: Values) -> None:
    """{"value": 21.4, "unit": "°C"}, or a sensor's channels: {"1": 21.4}."""
    inner = {_key(name): item for name, item in value.items()}
    for name in _VALUE:
        if name in inner and not isinstance(inner[name], dict):
            unit = str(inner.get("unit", "")).strip().lower()
            _take_in(key, _UNITS.get(unit), inner[name], now)
            return
    if _meaning(key)[0]:
        for number, name in enumerate(sorted(name for name in inner if name.isdigit()), start=1):
            if number <= _MAX_NUMBER and not isinstance(inner[name], dict):
                _take(key if number == 1 else f"{key}{number}", inner[name], now)


def _take_in(key: str, suffix: str | None, value: Any, now: Values) -> None:
    """A value with a unit: the name with the unit behind it tells how it becomes ours."""
    if suffix is None:  # of a unit that is not known
        return
    with_unit = "battery" + suffix if key in _BATTERY else key + suffix
    _take(with_unit if suffix and _meaning(with_unit)[0] else key, value, now)


def _take_battery(number: float | None, now: Values) -> None:
    """Without a unit: above 100 it is mV, from 5 to 100 %, and below V unless it is whole."""
    if number is None:
        return
    if number > 1000:
        now.setdefault("battery", number / 1000)
    elif 5 < number <= 100:
        now.setdefault("battery_pct", number)
    elif 1 <= number <= 5 and number != int(number):
        now.setdefault("battery", number)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _DECIMAL.fullmatch(value) else None
    if not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def instant(said: Any) -> float | None:
    """ms since 1970: from s or ms, or from ISO 8601 with a zone; None for anything else."""
    if isinstance(said, str):
        try:
            found = datetime.fromisoformat(said)
        except ValueError:
            return None
        if found.tzinfo is None:
            return None
        try:
            return float((found - _EPOCH) // timedelta(milliseconds=1))
        except OverflowError:
            return None
    number = _number(said) if not isinstance(said, bool) else None
    if number is None:
        return None
    return number if abs(number) >= 1e11 else number * 1000
