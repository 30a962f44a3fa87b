"""Dragino: LHT65 and its kin, LHT52, and the nodes that a sensor is plugged into.

Big endian; 11 bytes on FPort 2, of which the model tells what they are, and which do not tell the
model:

- LHT65, LHT65N, LHT65S: the LHT65N user manual (wiki.dragino.com), 2.4 "Uplink payload" and 2.6
  "Datalog feature";
- LHT65N-PIR, LHT65N-VIB: the vendor's decoders (dragino/dragino-end-node-decoder);
- LHT52: its user manual, 2.4;
- LSN50, LSN50v2, SN50v3, D20, D22, D23, S31: the SN50v3-LB user manual, 2.3 "Uplink payload", by
  work mode, and the S31-LB user manual; the S31's datalog as the vendor's decoder for its version
  1.8 has it as well.

Where the model is not known, the layout is taken that alone gives values that can be; an
LHT65N-PIR and an LHT65N-VIB need their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ingest.formats.devices.payload import (
    ALL_16,
    NO_16,
    Content,
    Field,
    Layout,
    Measured,
    Values,
    in_hex,
    plausible,
)

RECORD = 11
_DATA, _DATALOG, _PROBE_ID, _STATUS = 2, 3, 4, 5
_LAST_BAND = 0x0F

_NO_SHT = (*NO_16, -1)  # the plugged-in sensors give all ones too
_TIME = Layout(">I", Field("t"))
_EARLIEST, _LATEST = 1_400_000_000, 2_100_000_000  # s since 1970 that a set clock can say

_LHT_AIR = Layout(">h", Field("temperature", 100, NO_16))
_LHT_PROBE = Layout(">h", Field("probe", 100, NO_16))
_LHT_LIGHT = Layout(">H", Field("light", 1, ALL_16))
_LHT52 = Layout(
    ">hHh",
    Field("temperature", 100, NO_16),
    Field("humidity", 10, (0x7FFF, 0xFFFF)),
    Field("probe", 100, NO_16),
)
_NODE_SHT = Layout(">hH", Field("temperature", 10, _NO_SHT), Field("humidity", 10, ALL_16))
_NODE_ONE = Layout(">h", Field("probe", 10, _NO_SHT))
_NODE_BESIDE = Layout(">h", Field("probe", 10, (*_NO_SHT, 0)))  # 0 where none is plugged in
_NODE_BATTERY = Layout(">H", Field("battery", 1000, (0, 0xFFFF)))
_DEVICE_BATTERY = Layout(">5xH", Field("battery", 1000, (0, 0xFFFF)))

_VIB_AIR = Layout(">hH", Field("temperature", 100, NO_16), Field("humidity", 10, ALL_16))
_VIB_PLACES = {2: 7, 3: 3}
"""Mode -> where the air stands: behind a count or before the minutes."""

_EXT_SENSORS: Mapping[int, Layout] = {
    0x1: _LHT_PROBE,  # DS18B20
    0x2: _LHT_PROBE,  # TMP117
    0x5: _LHT_LIGHT,
    0x9: _LHT_PROBE,  # DS18B20, with the time
    0xA: _LHT_PROBE,  # TMP117, with the time
    0xB: _LHT_PROBE,  # SHT31
    0xC: _LHT_PROBE,
}
_NO_CLIMATE_EXT = (0x0E, 0x0F, 0x10, 0x20)  # an identifier stands in its place
_MOTION = 0x0E
_THERMOMETER_MODES = (3, 8)  # no sensor of the air: what is plugged in is what it measures


def decode(port: int | None, data: bytes, model: str) -> Content:
    """What ``data`` says."""
    if port == _PROBE_ID:
        return Content([], [])
    if port == _STATUS:
        return _status(data, model)
    if not data or data == bytes(len(data)):  # nothing in the time that was asked for
        return Content([], [] if data else ["it is empty"])
    known = _readers(model)
    if len(known) == 1:
        return known[0](port, data)
    found: list[Content] = []
    for reader in known:
        content = reader(port, data)
        if not plausible(content.readings) or content in found:
            continue
        if reader is not _lht65 or _battery_agrees(data):
            found.append(content)
    if len(found) == 1:
        return found[0]
    few = "none of" if not found else "more than one of"
    trouble = (
        f"{in_hex(data)} can be {few} the layouts of LHT65, LHT52, SN50 and S31: name the model "
        "in the device profile, or in the option families"
    )
    return Content([], [trouble])


Reader = Callable[[int | None, bytes], Content]


def _readers(model: str) -> tuple[Reader, ...]:
    for pattern, reader in _MODELS.items():
        if re.match(pattern, model):
            return (reader,)
    return tuple(each for each in _MODELS.values() if each not in _NAMED)


def _status(data: bytes, model: str) -> Content:
    """Model, firmware, band and battery: on request, and after a start."""
    if model.startswith("LSN50"):  # has its interval where the others have the battery
        return Content([], [])
    if model.startswith("S31") and data[1:2] == b"\xff":
        return Content([], [])  # of older firmware: likewise, behind its band and sub-band
    if len(data) != _DEVICE_BATTERY.size or not (
        1 <= data[3] <= _LAST_BAND and (data[4] <= _LAST_BAND or data[4] == 0xFF)
    ):
        trouble = (
            f"{in_hex(data)} is no status: {_DEVICE_BATTERY.size} bytes, with a band and a sub-band"
        )
        return Content([], [trouble])
    values = _DEVICE_BATTERY.read(data)
    return Content([Measured(values)] if values else [], [])


def _records(data: bytes, read: Callable[[bytes], Values]) -> Content:
    """A datalog: records of 11 bytes, the last four of them s since 1970 by the device's clock."""
    readings, troubles = [], []
    for at in range(0, len(data) - RECORD + 1, RECORD):
        record = data[at : at + RECORD]
        if record != bytes(RECORD) and (values := read(record)):
            readings.append(Measured(values, t=_TIME.read(record, 7)["t"] * 1000))
    if len(data) % RECORD:
        troubles.append(f"byte {len(data) // RECORD * RECORD}: it ends in the middle of a record")
    return Content(readings, troubles)


def _has_times(data: bytes) -> bool:
    """Whether a time that can be stands where records have theirs."""
    stamps = [_TIME.read(data, at + 7)["t"] for at in range(0, len(data) - RECORD + 1, RECORD)]
    return bool(stamps) and all(_EARLIEST <= stamp <= _LATEST or not stamp for stamp in stamps)


# ---- LHT65, LHT65N, LHT65S -------------------------------------------------------------------


def _lht65(port: int | None, data: bytes) -> Content:
    if len(data) < RECORD:
        return Content([], [f"{in_hex(data)} is too short: {RECORD} bytes at least"])
    if data[6] & 0xC0 and _has_times(data):
        return _records(data, _lht65_record)
    if port == _DATALOG:
        return Content([], ["samples without a time (AT+...MOD 3): they cannot be placed"])
    return Content([Measured(_lht65_live(data))], [])


def _lht65_live(data: bytes) -> Values:
    ext = data[6] & 0x3F
    values: Values = {}
    if ext in (0x09, 0x0A):
        values |= _LHT_PROBE.read(data, 0)
    else:
        values["battery"] = (int.from_bytes(data[:2], "big") & 0x3FFF) / 1000
    if ext not in _NO_CLIMATE_EXT:
        values |= _lht65_air(data)
    if ext in (0x09, 0x0A):
        return values
    if ext in (0x0B, 0x10):
        values |= _ext_sht(data)
    elif ext == 0x20:
        values |= _LHT_PROBE.read(data, 7)
    elif sensor := _EXT_SENSORS.get(ext & 0x0F):
        values |= sensor.read(data, 7)
    return values


def _lht65_air(data: bytes) -> Values:
    values = _LHT_AIR.read(data, 2)
    humidity = int.from_bytes(data[4:6], "big") & 0x0FFF
    if humidity != 0x0FFF:
        values["humidity"] = humidity / 10
    return values


def _ext_sht(data: bytes) -> Values:
    """An SHT31 on a cable, beside the air at the device."""
    values = _LHT_PROBE.read(data, 7)
    humidity = int.from_bytes(data[9:11], "big") & 0x0FFF
    if humidity != 0x0FFF:
        values["probe_humidity"] = humidity / 10
    return values


def _battery_agrees(data: bytes) -> bool:
    """Whether the two bits for the battery's state fit its voltage, as an LHT65 sends them."""
    if data[6] & 0x3F in (0x09, 0x0A):  # which have the time instead
        return _has_times(data)
    if data[6] & 0xC0:
        return True
    volts, state = (int.from_bytes(data[:2], "big") & 0x3FFF) / 1000, data[0] >> 6
    expected = sum(volts > limit for limit in (2.5, 2.55, 2.65))
    return abs(expected - state) <= 1


def _lht65_record(record: bytes) -> Values:
    values = _lht65_air(record)
    if sensor := _EXT_SENSORS.get(record[6] & 0x0F):
        values |= sensor.read(record, 0)
    return values


def _motion(port: int | None, data: bytes) -> Content:
    """LHT65N-PIR: as an LHT65, but counts movements where that one has an identifier."""
    if len(data) >= RECORD and data[6] == _MOTION:
        data = data[:6] + b"\0" + data[7:]
    return _lht65(port, data)


# ---- LHT65N-VIB ------------------------------------------------------------------------------


def _vibration(port: int | None, data: bytes) -> Content:
    """On FPort 2 counts and the air by mode, or records; on the others accelerations."""
    if port != _DATA:
        return Content([], [])
    if len(data) < RECORD:
        return Content([], [f"{in_hex(data)} is too short: {RECORD} bytes at least"])
    if len(data) > RECORD or (data[6] & 0xC0 in (0x40, 0x80) and _has_times(data)):
        return _records(data, _vibration_record)
    values = _NODE_BATTERY.read(data)
    if place := _VIB_PLACES.get(data[2] >> 2 & 0x07):
        values |= _VIB_AIR.read(data, place)
    return Content([Measured(values)] if values else [], [])


def _vibration_record(record: bytes) -> Values:
    return _VIB_AIR.read(record, 2) if record[6] >> 2 & 0x03 in _VIB_PLACES else {}


# ---- LHT52 -----------------------------------------------------------------------------------


def _lht52(port: int | None, data: bytes) -> Content:
    if len(data) < RECORD:
        return Content([], [f"{in_hex(data)} is too short: {RECORD} bytes at least"])
    if port == _DATALOG or len(data) > RECORD:
        return _records(data, _LHT52.read)
    if data[6] > 0x0F or not _has_times(data):
        return Content([], [f"{in_hex(data)} is no report of an LHT52"])
    return Content([Measured(_LHT52.read(data))], [])


# ---- nodes that a sensor is plugged into -----------------------------------------------------


def _node(port: int | None, data: bytes) -> Content:
    """LSN50, SN50, D2x: what the bytes are depends on the work mode, in byte 6."""
    if len(data) < RECORD or port == _DATALOG:
        return Content([], [f"{in_hex(data)} is no report of a sensor node"])
    mode = data[6] >> 2 & 0x1F
    if mode == 31:  # the limits of its alarm
        return Content([], [])
    if mode == 2 and len(data) == RECORD:
        return Content(
            [], [f"{in_hex(data)} is too short for its work mode: the battery is missing"]
        )
    values = _NODE_BATTERY.read(data) if mode != 2 else _twelfth(data)
    if mode in _THERMOMETER_MODES:
        values |= _thermometers(data, mode)
    elif mode not in (2, 11):
        values |= _NODE_BESIDE.read(data, 2)
    if mode in (0, 2):
        values |= _bus(data)
    elif mode == 10 and (found := _LHT_PROBE.read(data, 7)):
        values["probe_2"] = found["probe"]
    elif mode == 11:
        values |= _NODE_SHT.read(data, 2)
    return Content([Measured(values)] if values else [], [])


def _twelfth(data: bytes) -> Values:
    return {"battery": data[RECORD] / 10} if data[RECORD] else {}


def _bus(data: bytes) -> Values:
    """What is on I2C: a sensor of light, which leaves the humidity zero, or one of the air."""
    if data[9:11] == b"\0\0":
        return _LHT_LIGHT.read(data, 7)
    return _NODE_SHT.read(data, 7)


def _thermometers(data: bytes, mode: int) -> Values:
    """Up to three on cables: the first is the device's temperature."""
    places = (2, 7, 9) if mode == 3 else (2, 4, 7)
    names = ("temperature", "temperature_2", "temperature_3")
    found = zip(names, (_NODE_ONE.read(data, place) for place in places), strict=True)
    return {name: value["probe"] for name, value in found if value}


def _s31(port: int | None, data: bytes) -> Content:
    """S31-LB, S31B-LB: an SHT31; the time by the device's clock stands before it."""
    if len(data) < RECORD:
        return Content([], [f"{in_hex(data)} is too short: {RECORD} bytes at least"])
    if port == _DATALOG or len(data) > RECORD:
        return _s31_records(data)
    if data[6] >> 2 & 0x1F == 31:
        return Content([], [])
    if not _EARLIEST <= int.from_bytes(data[2:6], "big") <= _LATEST:
        return _node(port, data)  # as the firmware before 1.3 has it
    return Content([Measured(_NODE_BATTERY.read(data) | _NODE_SHT.read(data, 7))], [])


def _s31_records(data: bytes) -> Content:
    """As the vendor's decoder has them, or if these cannot be values, a byte before."""
    found = _records(data, lambda record: _NODE_SHT.read(record, 3))
    other = _records(data, lambda record: _NODE_SHT.read(record, 2))
    return other if not plausible(found.readings) and plausible(other.readings) else found


_MODELS: Mapping[str, Reader] = {
    r"LHT65\w?\W?VIB": _vibration,
    r"LHT65\w?\W?PIR": _motion,
    r"LHT65": _lht65,
    r"LHT52": _lht52,
    r"S31|LSN50\S*S31": _s31,
    r"L?SN50|D2[0-3]": _node,
}
_NAMED = (_vibration, _motion)
"""Read only where the name tells: their bytes can be another's."""
